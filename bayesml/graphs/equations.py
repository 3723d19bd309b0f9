"""A model on data as equations."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import inf

from latex2mathml.converter import convert

from bayesml.graphs.roles import Graph, RandomRole
from bayesml.tables.latex import tex

GREEK = {"alpha", "beta", "delta", "mu", "nu", "phi", "sigma"}
LINE = 4
"""Terms of a predictor on one line."""

MATRIX = 4
"""Columns up to which a covariance matrix is written out."""

FIRST_LABEL = 0xE000
"""Labels stand in the equations as characters of the private use area, so that no label is read as mathematics."""


@dataclass(frozen=True)
class Equations:
    """The equations of a model; in a notebook they show themselves.

    Parameters
    ----------
    lines : tuple of (str, str, str)
        Left side, relation and right side of each line, LaTeX; a line that goes on has an empty left side.
    labels : tuple of str
        The user's labels that stand in them.
    """

    lines: tuple[tuple[str, str, str], ...]
    labels: tuple[str, ...]

    @property
    def latex(self) -> str:
        """The equations in an `aligned` environment, without dollar signs."""
        text = aligned(self.lines)
        for place, label in enumerate(self.labels):
            text = text.replace(chr(FIRST_LABEL + place), tex(label))
        return text

    def to_mathml(self) -> str:
        """The equations as an HTML table whose cells are MathML, which browsers show without help."""
        sides = ("right", "center", "left")
        rows = [
            "<tr>"
            + "".join(
                f"<td style='text-align:{side};padding:0.25em'>{mathml(part)}</td>"
                for part, side in zip(line, sides, strict=True)
            )
            + "</tr>"
            for line in self.lines
        ]
        text = f"<table class='equations'>{''.join(rows)}</table>"
        for place, label in enumerate(self.labels):
            text = text.replace(chr(FIRST_LABEL + place), escape(label))
        return text

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __str__(self) -> str:
        return self.latex

    __repr__ = __str__


def mathml(latex: str) -> str:
    """LaTeX as one MathML element; empty where there is nothing."""
    return convert(rf"\displaystyle {latex}") if latex else ""


def aligned(lines: Sequence[tuple[str, str, str]]) -> str:
    """Lines under each other, their relations too."""
    return r"\begin{aligned}" + r" \\ ".join(f"{a} &{b} {c}" for a, b, c in lines) + r"\end{aligned}"


def equations_of(graph: Graph, priors: bool) -> Equations:
    """The equations of a graph.

    Parameters
    ----------
    graph : Graph
    priors : bool
        Whether to add the prior of each parameter.
    """
    writer = Writer(graph)
    lines = [*writer.outcome(), *writer.predictors(), *writer.effects()]
    if priors:
        lines += writer.priors()
    return Equations(tuple(lines), tuple(writer.labels))


class Writer:
    """Writes the equations of a graph and remembers the labels in them.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.labels: list[str] = []
        self.groups = [role.columns.group for role in graph.random]

    def text(self, label: str) -> str:
        """A label as upright text."""
        if label not in self.labels:
            self.labels.append(label)
        return rf"\text{{{chr(FIRST_LABEL + self.labels.index(label))}}}"

    def named(self, name: str) -> str:
        """A parameter of the family: a Greek letter where it is called so."""
        key, bracket, rest = name.partition("[")
        symbol = rf"\{key}" if key in GREEK else self.text(key)
        return f"{symbol}_{{{self.text(rest.removesuffix(']'))}}}" if bracket else symbol

    # -- outcome -----------------------------------------------------------------------------------

    def outcome(self) -> list[tuple[str, str, str]]:
        """The distribution of a response and the link of its mean."""
        graph = self.graph
        y, link = self.text(graph.design.response_name), rf"\operatorname{{{graph.link.name}}}"
        match graph.family.outcome:
            case "ordered":
                cuts = rf"{self.named(graph.ancillary[0].key)}_{{k}}"
                left = rf"{link}\left(\Pr({y}_i \le k)\right)"
                return [(left, "=", rf"{cuts} - \eta_i")]
            case "unordered":
                base, *others = graph.design.categories
                ratio = rf"\frac{{\Pr({y}_i = k)}}{{\Pr({y}_i = {self.text(base)})}}"
                of = ", ".join(map(self.text, others))
                return [(rf"\log {ratio}", "=", rf"\eta_{{k,i}}, \quad k \in \{{{of}\}}")]
        names = [self.scaled(parameter.name) for parameter in graph.ancillary]
        if not graph.has_scale and graph.family.has_scale:
            names = [r"s_i", *names]
        trials = ["n_i"] if "trials" in graph.design.response else []
        identity = graph.link.mean_support == (-inf, inf)
        mean = r"\eta_i" if identity else r"\mu_i"
        lines = [(f"{y}_i", r"\sim", graph.family.notation([*trials, mean, *names]))]
        return lines if identity else [*lines, (rf"{link}(\mu_i)", "=", r"\eta_i")]

    def scaled(self, name: str) -> str:
        """The scale in a row, where weights divide its square."""
        divided = self.graph.design.weights is not None and name == self.graph.family.scale_parameter
        return rf"{self.named(name)} w_i^{{-1/2}}" if divided else self.named(name)

    # -- predictors --------------------------------------------------------------------------------

    def predictors(self) -> list[tuple[str, str, str]]:
        """Each linear predictor as a sum."""
        graph, lines = self.graph, []
        several = len(graph.predictors) > 1
        for k, name in enumerate(graph.predictors):
            terms = [
                self.product(self.coefficient(j), self.column(address, name))
                for j, address in enumerate(graph.fixed)
                if not several or graph.design.fixed_predictors[j] == k
            ]
            for role, first in zip(graph.random, self.first_columns(), strict=True):
                terms += [
                    self.product(self.effect(role, first + i, inside=True), self.column(column, name))
                    for i, column in enumerate(role.columns.names)
                    if not several or role.columns.predictors[i] in (k, -1)
                ]
            if graph.design.offset is not None:
                terms.append(r"o_i")
            left = rf"\eta_{{{self.text(name)},i}}" if several else r"\eta_i"
            lines += broken(left, terms or ["0"])
        return lines

    def coefficient(self, j: int) -> str:
        """Symbol of coefficient j; numbers count from 0 where the first is an intercept, else from 1."""
        design = self.graph.design
        return rf"\beta_{{{j if design.fixed_columns and design.fixed_columns[0] is None else j + 1}}}"

    def column(self, address: str, predictor: str) -> str:
        """A column in row i; empty for the intercept."""
        name = address.removeprefix(f"{predictor}: ")
        if name == "Intercept":
            return ""
        return r" \, ".join(rf"{self.text(part)}_i" for part in name.split(":"))

    def product(self, coefficient: str, column: str) -> str:
        """A coefficient times a column."""
        return rf"{coefficient} \, {column}" if column else coefficient

    def first_columns(self) -> list[int]:
        """Number of the first column of each term among those of its grouping factor."""
        sizes = [role.q for role in self.graph.random]
        return [
            sum(size for other, size in zip(self.groups[:k], sizes[:k], strict=True) if other == group)
            for k, group in enumerate(self.groups)
        ]

    def effect(self, role: RandomRole, number: int, inside: bool) -> str:
        """`b_{0,Subject[i]}` inside a row, `b_{0,Subject}` outside."""
        return rf"b_{{{number},{self.text(role.columns.group)}{'[i]' if inside else ''}}}"

    # -- random effects ----------------------------------------------------------------------------

    def effects(self) -> list[tuple[str, str, str]]:
        """Distribution of the random effects of each term."""
        lines = []
        for role, first in zip(self.graph.random, self.first_columns(), strict=True):
            names = [self.effect(role, first + i, inside=False) for i in range(role.q)]
            sds = [self.sd(role, first, i) for i in range(role.q)]
            if role.q == 1:
                lines.append((names[0], r"\sim", rf"\operatorname{{Normal}}(0, {sds[0]}^2)"))
                continue
            vector = rf"\left(\begin{{matrix}} {r' \\ '.join(names)} \end{{matrix}}\right)"
            if role.q > MATRIX:
                vector = rf"\left({names[0]}, \ldots, {names[-1]}\right)"
            lines.append(
                (vector, r"\sim", rf"\operatorname{{Normal}}\left(0, {self.covariance(role, first, sds)}\right)")
            )
        return lines

    def sd(self, role: RandomRole, first: int, i: int) -> str:
        """Symbol of the sd of column i of a term."""
        own = "" if role.n_sds < role.q else f"{first + i},"
        return rf"\sigma_{{{own}{self.text(role.columns.group)}}}"

    def covariance(self, role: RandomRole, first: int, sds: list[str]) -> str:
        """The covariance matrix of a term."""
        if role.q > MATRIX:
            return rf"G_{{{self.text(role.columns.group)}}}"
        group = self.text(role.columns.group)
        cells = [
            [
                f"{sds[i]}^2" if i == j else "0" if not role.n_correlations
                else rf"\rho_{{{group}}} {sds[0]}^2" if role.n_sds < role.q
                else rf"\rho_{{{first + min(i, j)}{first + max(i, j)},{group}}} {sds[min(i, j)]} {sds[max(i, j)]}"
                for j in range(role.q)
            ]
            for i in range(role.q)
        ]  # fmt: skip
        rows = r" \\ ".join(" & ".join(row) for row in cells)
        return rf"\left(\begin{{matrix}} {rows} \end{{matrix}}\right)"

    # -- priors ------------------------------------------------------------------------------------

    def priors(self) -> list[tuple[str, str, str]]:
        """The prior of each parameter, by its symbol."""
        priors, lines = self.graph.priors, []
        for j, prior in enumerate(priors.coefficients):
            lines.append((self.coefficient(j), r"\sim", self.text(str(prior))))
        for role, term, first in zip(self.graph.random, priors.terms, self.first_columns(), strict=True):
            lines += [(self.sd(role, first, i), r"\sim", self.text(str(prior))) for i, prior in enumerate(term.sds)]
            if term.correlation is not None:
                group = self.text(role.columns.group)
                lines.append((rf"\rho_{{{group}}}", r"\sim", self.text(str(term.correlation))))
        if priors.sigma is not None:
            lines.append((self.named("sigma"), r"\sim", self.text(str(priors.sigma))))
        lines += [(self.named(name), r"\sim", self.text(str(prior))) for name, prior in priors.ancillary.items()]
        return lines


def broken(left: str, terms: list[str]) -> list[tuple[str, str, str]]:
    """A sum on as many lines as it needs."""
    lines = [" + ".join(terms[start : start + LINE]) for start in range(0, len(terms), LINE)]
    return [(left, "=", lines[0]), *(("", "", rf"\quad + {line}") for line in lines[1:])]
