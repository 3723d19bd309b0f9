"""Parts of summaries that all results share."""

from bayesml.design.addresses import Address
from bayesml.design.arrays import RandomColumns
from bayesml.results.base import Result
from bayesml.tables.table import Column, Row, Section


def group_section(result: Result) -> Section:
    """Number of groups and smallest, average and largest number of rows a group."""
    columns = tuple(Column(title, "count") for title in ("levels", "smallest", "average", "largest"))
    rows = tuple(
        Row(str(group), (int(r.levels), int(r.smallest), round(float(r.average), 1), int(r.largest)))
        for group, r in result.group_sizes.iterrows()
    )
    return Section("Grouping factor", columns, rows)


def part_names(result: Result) -> str:
    """`gaussian, identity`; `weibull (metric hazard), log`."""
    family, link = result.model.family, result.model.link
    options = ", ".join(f"{name} {value}" for name, value in family.options.items())
    return f"{family.name} ({options}), {link.name}" if options else f"{family.name}, {link.name}"


def response_fact(result: Result) -> str:
    """The response, and the category that the others are compared with, where there is one."""
    name = result.design.response_name
    return f"{name} (base {result.design.categories[0]})" if result.model.family.outcome == "unordered" else name


def percent(ci_prob: float) -> str:
    """`95%` of 0.95, `99.9%` of 0.999."""
    return f"{100 * ci_prob:.6g}%"


def limit_columns(ci_prob: float, kind: str) -> tuple[Column, Column]:
    """Columns of an interval, `[95% conf. interval]`."""
    return Column(f"[{percent(ci_prob)} {kind} interval]", name="lower"), Column("", name="upper", joined=True)


def term_row(term: RandomColumns) -> Row:
    """The line above the components of a random term."""
    return Row(term.group + (f"  ({term.covariance.name})" if len(term.names) > 1 else ""))


def component_label(term: RandomColumns, address: Address, pair: str) -> str:
    """`Days`, `cov(Intercept, Days)`; where columns share a parameter it says so."""
    shared = term.covariance.common_sd and len(term.names) > 1
    if address.kind == "sd":
        return f"each of {len(term.names)} columns" if shared else term.names[address.column]
    return f"{pair}(each pair)" if shared else f"{pair}({term.names[address.column]}, {term.names[address.other]})"
