"""A maximum of a likelihood in square roots of covariances and further parameters: what it says of itself."""

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bayesml.design.arrays import Design
from bayesml.estimators.ascent import FLAT, Ascent, Optimum, gain_from
from bayesml.estimators.held import Held
from bayesml.results.solution import Certificate

ALONG = 1e-5  # part of a parameter's change that lies along flat directions, above which it is not determined


class Maximum:
    """What solutions share, however their random effects were integrated out.

    A subclass has the fields `design`, `ascent`, `optimum`, `held`, and `covariances`, the G of each term.
    """

    stored_results: ClassVar[tuple[str, ...]] = ("hessian",)
    """What a saved result keeps besides its fields: costly, and not to be computed without the family."""

    design: Design
    ascent: Ascent
    optimum: Optimum
    held: Held
    covariances: Any

    def n_free(self, k: int) -> int:
        """Number of free parameters of the covariance of term k."""
        return len(self.held.terms[k].free.basis(len(self.design.random[k].names)))

    @property
    def ends(self) -> tuple[str, ...]:
        """Parameters of the family that ran to an end of their range."""
        return ()

    @property
    def boundary(self) -> tuple[str, ...]:
        """Addresses of what is at the boundary: sds, correlations, parameters of the family."""
        return (*self.covariance_boundary, *self.ends)

    @cached_property
    def covariance_boundary(self) -> tuple[str, ...]:
        """Addresses of sds at zero and correlations at one."""
        out: list[str] = []
        for k, (term, G, (basis, _)) in enumerate(
            zip(self.design.random, self.covariances, self.optimum.point.charts, strict=True)
        ):
            if len(basis) < self.n_free(k):
                out += boundary_addresses(term, G)
        return tuple(out)

    @cached_property
    def hessian(self) -> np.ndarray:
        """Of the profiled log likelihood in the unknowns of the face the fit ended on."""
        if not self.ascent.expensive:
            return self.optimum.hessian
        return self.ascent.differences(self.optimum.point, central=True)

    @cached_property
    def status(self) -> Certificate:
        point, optimum = self.optimum.point, self.optimum
        eigenvalues = np.linalg.eigvalsh(-self.hessian) if len(point.vector) else np.empty(0)
        advice = []
        if not optimum.converged:
            advice.append("The estimates are not a maximum: simplify the random part, or rescale columns.")
        elif self.covariance_boundary:
            advice.append(
                f"At the boundary: {', '.join(self.covariance_boundary)}. The maximum is there, the data hold no "
                "evidence of this variation; its standard error is not defined. Keep the term if the design calls for "
                "it, or drop it."
            )
        if optimum.converged and self.ends:
            advice.append(
                f"At the end of its range: {', '.join(self.ends)}. The family is the simpler one that it becomes there "
                "(Poisson of negative binomial counts, normal of Student's t): fit that one."
            )
        flat = self.flat_terms if optimum.converged else ()
        if flat:
            advice.append(
                f"The maximum is not unique: other variances and covariances of {', '.join(flat)} give the same log "
                "likelihood, so those that can change have no standard error. Leave out a term, or a column that "
                "another one or the fixed part stands for."
            )
        return Certificate(
            optimum.converged,
            optimum.message,
            float(np.abs(point.gradient).max(initial=0.0)),
            eigenvalues,
            gain_from(point, self.hessian),
            optimum.exit_slopes,
            optimum.iterations,
            optimum.evaluations,
            " ".join(advice),
            flat,
        )

    @cached_property
    def information(self) -> tuple[np.ndarray, np.ndarray]:
        """Inverse of minus the Hessian across its flat directions, and those, (unknowns, number of them).

        Unknowns above one are measured in their own size, as large variances are known to a part of themselves only.
        """
        scale = np.maximum(1.0, np.abs(self.optimum.point.vector))
        values, vectors = np.linalg.eigh(-self.hessian * np.outer(scale, scale))
        flat = np.abs(values) <= FLAT * np.abs(values).max(initial=1.0)
        across = scale[:, None] * vectors[:, ~flat]
        return (across / values[~flat]) @ across.T, scale[:, None] * vectors[:, flat]

    @cached_property
    def flat_terms(self) -> tuple[str, ...]:
        """Random terms, by their columns, that change along flat directions."""
        scale = np.maximum(1.0, np.abs(self.optimum.point.vector))
        moved = np.abs(self.information[1] / scale[:, None]).max(axis=1, initial=0.0)
        out: list[str] = []
        start = 0
        for term, (basis, _) in zip(self.design.random, self.optimum.point.charts, strict=True):
            if (moved[start : start + len(basis)] > ALONG).any():
                shown = [*term.names[:4], "..."] if len(term.names) > 4 else term.names
                out.append(f"({' + '.join(shown)} | {term.group})")
            start += len(basis)
        return tuple(out)

    def free_entries(self, k: int) -> list[tuple[int, int]]:
        """Entries (i, j), i >= j, of G_k that are free parameters: variances, then covariances."""
        structure, q = self.design.random[k].covariance, len(self.design.random[k].names)
        variances = [(0, 0)] if structure.common_sd else [(i, i) for i in range(q)]
        pairs = [(i, j) for j in range(q) for i in range(j + 1, q)]
        entries = variances + {"none": [], "one": pairs[:1], "all": pairs}[structure.correlations]
        moved = np.abs(self.held.terms[k].free.basis(q)).sum(0) if self.n_free(k) else np.zeros((q, q))
        return [(i, j) for i, j in entries if moved[i].any() and moved[j].any()]


def boundary_addresses(term: Any, G: np.ndarray) -> list[str]:
    """Names of what is at the boundary in a singular G: sds at zero, correlations at one, else the whole matrix."""
    q, group, common = len(term.names), term.group, term.covariance.common_sd
    sds = np.sqrt(np.diag(G))
    if common and q > 1:
        if sds[0] == 0.0:
            return [f"sd({group})"]
        return [f"corr({group})"]
    out = [f"sd({name} | {group})" for name, sd in zip(term.names, sds, strict=True) if sd == 0.0]
    live = np.flatnonzero(sds > 0.0)
    corr = G[np.ix_(live, live)] / np.outer(sds[live], sds[live])
    ones = [
        f"corr({term.names[live[j]]}, {term.names[live[i]]} | {group})"
        for j in range(len(live))
        for i in range(j + 1, len(live))
        if abs(corr[i, j]) > 1.0 - 1e-7
    ]
    if not out and not ones:
        return [f"corr({group})"]
    return out + ones
