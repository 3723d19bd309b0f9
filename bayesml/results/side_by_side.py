"""Estimates and posteriors of the same model in one table."""

from bayesml.errors import SpecificationError
from bayesml.results.base import Result, require_result
from bayesml.results.sections import part_names, percent
from bayesml.tables.table import Column, Row, Section, Table


def side_by_side(*results: Result, ci_prob: float = 0.95) -> Table:
    """Return the parameters of several results in one table: estimates beside posteriors.

    Parameters
    ----------
    *results : LikelihoodResult or BayesianResult
        Results of the same formula, in the order of the columns: a fit shows estimate, standard
        error and confidence interval, a sample shows median, standard deviation and credible interval.
    ci_prob : float, default 0.95
        Content of the intervals, between 0 and 1; equal-tailed.

    Returns
    -------
    Table
        One row a parameter: coefficients, then standard deviations and correlations of the random
        effects, then the residual standard deviation. A dot stands where there is no such number: at the
        boundary of the parameters a maximum has no standard error.

    Raises
    ------
    SpecificationError
        No result was given, or results of different formulas, families or links.

    Examples
    --------
    >>> import bayesml as bml
    >>> df = bml.datasets.load("sleepstudy")
    >>> reml = bml.fit("Reaction ~ Days + (Days | Subject)", df)
    >>> ml = bml.fit("Reaction ~ Days + (Days | Subject)", df, criterion="ml")
    >>> table = bml.side_by_side(reml, ml)
    """
    for result in results:
        require_result(result, "side_by_side")
    formulas = list(dict.fromkeys(result.formula for result in results))
    if len(formulas) != 1:
        given = " and ".join(f"`{formula}`" for formula in formulas) or "nothing"
        raise SpecificationError(f"side_by_side() takes results of one formula; given were {given}.")
    families = list(dict.fromkeys(part_names(result) for result in results))
    if len(families) != 1:
        raise SpecificationError(
            f"side_by_side() takes results of one family and link; given were {' and '.join(families)}."
        )
    frames = [result.interval_frame(ci_prob) for result in results]
    content = percent(ci_prob)
    columns: list[Column] = []
    legend: list[str] = []
    for result in results:
        estimate, spread, interval = result.column_titles
        legend.append(f"{estimate}, {spread}, {content} {interval}")
        # "REML estimate" and "posterior median" would make the table too wide for a terminal.
        engine = estimate.split()[0]
        columns += [
            Column(engine, name=estimate),
            Column(spread, name=f"{engine} {spread}", spread=True),
            Column(f"[{content} interval]", name=f"{engine} lower"),
            Column("", name=f"{engine} upper", joined=True),
        ]
    rows = [
        Row(
            address,
            tuple(value for frame in frames for value in frame.loc[address, ["estimate", "se", "lower", "upper"]]),
        )
        for address in frames[0].index
    ]
    groups = [f"{count} levels of {group}" for group, count in results[0].ngroups.items()]
    return Table(
        title=formulas[0],
        subtitle=", ".join([f"{results[0].nobs} rows", *groups]),
        sections=(Section("", tuple(columns), tuple(rows), per_row=True),),
        notes=("; ".join(legend) + ".",),
    )
