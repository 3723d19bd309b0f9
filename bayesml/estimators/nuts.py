"""Sampling of a graph's posterior with NUTS: marginal where the integral is exact, else joint."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pymc as pm
from threadpoolctl import threadpool_limits

from bayesml.errors import ConvergenceWarning, NotIdentified, SpecificationError
from bayesml.estimators.compile_ahead import CompileAhead, collector_paused
from bayesml.estimators.held import hold
from bayesml.estimators.integrated import Ancillaries
from bayesml.estimators.laplace import fit_without_random
from bayesml.estimators.nutpie_model import Affine, Density, Draws, compile_density
from bayesml.estimators.nuts_chains import sample_density
from bayesml.estimators.nuts_laplace import approximate
from bayesml.estimators.nuts_mode import find_mode
from bayesml.estimators.nuts_natural import joint_posterior, marginal_posterior
from bayesml.estimators.nuts_places import described
from bayesml.estimators.nuts_progress import SamplingProgress
from bayesml.estimators.nuts_start import family_start, marginal_start, unconstrained_start, value_shapes
from bayesml.estimators.separation import separated
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.marginal_model import MachineCode, marginal_model, system_inputs
from bayesml.graphs.propriety import require_proper
from bayesml.graphs.roles import Graph
from bayesml.graphs.sampled_model import observed_arrays, sampled_model
from bayesml.graphs.transforms import marginalise
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.laplace import LaplaceSystem
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import bfmi, looks_unmixed
from bayesml.results.posterior import Posterior

Parametrisation = Literal["auto", "marginal", "partial", "centred", "noncentred"]
PARAMETRISATIONS = ("auto", "marginal", "partial", "centred", "noncentred")
ACCEPTANCE = {True: 0.8, False: 0.9}
"""Mean acceptance probability by whether the graph is marginal: joint densities are less regular."""


def sample_graph(
    graph: Graph,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float | None = None,
    parametrisation: Parametrisation = "auto",
    progressbar: bool = True,
    ahead: CompileAhead | None = None,
) -> BayesianResult:
    """Draws of the joint posterior of a graph.

    Parameters
    ----------
    graph : Graph
    draws, tune, chains : int
        Draws to keep, and to warm up with, a chain.
    cores : int, optional
        Chains that run at once; default: as many as there are processors.
    random_seed : int, optional
        Same seed, same draws, in one process or another.
    target_accept : float, optional
        Mean acceptance probability that the step size is adapted to; default 0.8 for marginal sampling, else 0.9.
    parametrisation : {"auto", "marginal", "partial", "centred", "noncentred"}
        ``"marginal"``: random effects, and coefficients with normal or flat priors, are integrated out
        exactly, and drawn exactly afterwards. The others sample everything jointly: the random effects themselves
        (``"centred"``), standardised (``"noncentred"``), or each centred as far as the data say something of it
        (``"partial"``). ``"auto"``: marginal where the integral is exact, else partial.
    progressbar : bool
    ahead : CompileAhead, optional
        Started before; default: none is.

    Returns
    -------
    BayesianResult

    Raises
    ------
    SpecificationError
        An option that does not exist, or marginal sampling of a model whose integral is not exact.
    NotIdentified
        The posterior is improper.
    SamplingError
        All chains failed: no start with a finite density, an error of the sampler, draws that are no numbers.

    Warns
    -----
    ConvergenceWarning
        Sampling was interrupted, or did not go well, or chains failed and were left out; the result's `status` has the
        advice.
    """
    check_options(draws, tune, chains, target_accept, parametrisation)
    require_proper(graph)
    refuse_flat_separation(graph)
    seed = int(np.random.SeedSequence(random_seed).generate_state(1)[0]) if random_seed is None else int(random_seed)
    kind = chosen_parametrisation(graph, parametrisation)
    with SamplingProgress(progressbar) as progress, threadpool_limits(1):
        target = CompiledGraph.of(graph, kind, progress, ahead or CompileAhead(wanted=False)).target(progress)
        found = sample_density(
            target.density, progress, draws=draws, tune=tune, chains=chains, cores=cores, seed=seed,
            target_accept=ACCEPTANCE[kind == "marginal"] if target_accept is None else target_accept,
            describe=target.describe,
        )  # fmt: skip
        with progress.step("Drawing what was integrated out"):
            posterior = target.posterior(found, seed)
    warn_of_problems(found, posterior)
    return BayesianResult(graph.model, graph.design, posterior, graph.priors)


def chosen_parametrisation(graph: Graph, parametrisation: str) -> str:
    """The parametrisation that "auto" stands for."""
    if parametrisation != "auto":
        return parametrisation
    return "marginal" if graph.exact else "partial"


def refuse_flat_separation(graph: Graph) -> None:
    """Refuse flat priors on coefficients that the data hold on one side only: their posterior is improper.

    A likelihood that never falls in some direction does not integrate, whatever the random effects are.
    """
    if not any(p.improper for p in graph.priors.coefficients):
        return
    priors = dict(zip(graph.fixed, graph.priors.coefficients, strict=True))
    named = [name for name in unbounded_coefficients(graph) if priors[name].improper]
    if named:
        names = ", ".join(f"`{name}`" for name in named)
        raise NotIdentified(
            f"With flat priors on {names} the posterior is improper: the columns tell the outcome of some rows for "
            "certain (separation), so that the coefficients can grow without bound. Give them proper priors, as in "
            "Normal(0, 2.5)."
        )


def unbounded_coefficients(graph: Graph) -> list[str]:
    """Coefficients, by address, along which the likelihood rises for ever (separation); none of linear models."""
    if graph.exact:
        return []
    design, held = hold(graph.design, graph.held)
    reduced = graph.replace(design=design)
    system = LaplaceSystem.of(design, lambda order: RowDerivatives(reduced, order))
    beta, phi, _ = fit_without_random(system, Ancillaries(graph), reduced, design, held)
    return separated(system, design, beta, phi)


def check_options(draws: int, tune: int, chains: int, target_accept: float | None, parametrisation: str) -> None:
    """Refuse options without meaning."""
    for name, value, least in (("draws", draws, 4), ("tune", tune, 20), ("chains", chains, 1)):
        if not isinstance(value, int | np.integer) or value < least:
            raise SpecificationError(f"`{name}={value}`: give a whole number, {least} or more.")
    if target_accept is not None and not 0 < target_accept < 1:
        raise SpecificationError(f"`target_accept={target_accept}`: give a number between 0 and 1, such as 0.95.")
    if parametrisation not in PARAMETRISATIONS:
        known = ", ".join(f'"{name}"' for name in PARAMETRISATIONS)
        raise SpecificationError(f'There is no parametrisation "{parametrisation}"; there are {known}.')


@dataclass(frozen=True, eq=False)
class Target:
    """What the chains run on.

    Parameters
    ----------
    graph : Graph
        Marginalised, or joint.
    model : pymc.Model
    density : Density
        In the coordinates that are sampled.
    system : GaussianSystem or None
        Cross-products of a marginalised graph.
    kind : str
        Its parametrisation.
    scaled : ndarray, optional
        Powers of the standard deviations that the effects of centred terms were divided by; zeros by default.
    """

    graph: Graph
    model: pm.Model
    density: Density
    system: GaussianSystem | None
    kind: str
    scaled: np.ndarray | None = None

    def describe(self, x: np.ndarray, chosen: Sequence[int]) -> str:
        """Coordinates of a point (n,) by address, with their natural values."""
        return described(self.graph, self.model, self.density, x, chosen)

    def posterior(self, draws: Draws, seed: int) -> Posterior:
        """Everything that follows from draws."""
        if self.system is None:
            return joint_posterior(self.graph, self.model, self.density, draws, seed, self.kind, self.scaled)
        return marginal_posterior(self.graph, self.model, self.system, self.density, draws, seed)


@dataclass(frozen=True, eq=False)
class CompiledGraph:
    """The log density of a graph, compiled; other responses on the same design compile nothing more.

    Parameters
    ----------
    graph : Graph
        Marginalised; or joint, all of its terms centred.
    model : pymc.Model
    density : Density
        In unconstrained coordinates.
    system : GaussianSystem or None
        Cross-products of a marginalised graph.
    kind : str
        The parametrisation.
    """

    graph: Graph
    model: pm.Model
    density: Density
    system: GaussianSystem | None
    kind: str

    @classmethod
    def of(cls, graph: Graph, kind: str, progress: SamplingProgress, ahead: CompileAhead) -> "CompiledGraph":
        """A graph compiled for a parametrisation."""
        if kind == "marginal":
            return cls.marginal(marginalise(graph, "all"), progress, ahead)
        # centred while looking for the mode; what is sampled is chosen there
        joint = graph.replace(centred=(True,) * len(graph.random))
        with progress.step("Compiling the joint model"), collector_paused():
            model = sampled_model(joint)
            return cls(joint, model, compile_density(model, value_shapes(model)), None, kind)

    @classmethod
    def marginal(cls, graph: Graph, progress: SamplingProgress, ahead: CompileAhead) -> "CompiledGraph":
        """A marginalised graph compiled."""
        with progress.step("Compiling the model"), collector_paused():
            system = GaussianSystem.of(graph.design, ~graph.integrated_beta)
            code = MachineCode()

            def enter() -> None:
                ahead.finish()
                code.enter(system)

            model = marginal_model(graph, system, code)
            return cls(graph, model, compile_density(model, value_shapes(model), enter), system, "marginal")

    def of_responses(self, y: np.ndarray) -> "CompiledGraph":
        """The same graph with other responses y (n,), one number a row; priors keep their numbers."""
        design = self.graph.design
        graph = self.graph.replace(
            design=replace(design, y=y, response={**design.response, "y": y}), numbers=self.graph.priors
        )
        if self.density.stock:
            return CompiledGraph.of(graph, self.kind, SamplingProgress(False), CompileAhead(wanted=False))
        if self.system is None:
            return replace(self, graph=graph, density=self.density.with_inputs(observed_arrays(graph)))
        system = GaussianSystem.of(graph.design, ~graph.integrated_beta)
        return replace(self, graph=graph, system=system, density=self.density.with_inputs(system_inputs(system)))

    def target(self, progress: SamplingProgress) -> Target:
        """What the chains run on, around the mode."""
        return self._joint_target(progress) if self.system is None else self._marginal_target(progress)

    def _marginal_target(self, progress: SamplingProgress) -> Target:
        """Coordinates in which the density is nearly standard normal around its mode."""
        with progress.step("Looking for the mode"):
            start = unconstrained_start(self.model, marginal_start(self.graph))
            mode = find_mode(self.density.evaluate, start)
        affine = mode.affine if mode is not None and mode.converged else Affine.shift(start)
        return Target(self.graph, self.model, self.density.rescaled(affine), self.system, "marginal")

    def _joint_target(self, progress: SamplingProgress) -> Target:
        """The joint graph, its effects centred or not, around the mode of the marginal posterior.

        The mode of the joint density itself is no place to start: it is unbounded where a centred term's sd is zero.
        """
        graph, kind, density = self.graph, self.kind, self.density
        terms = len(graph.random)
        centred = None if kind == "partial" else (kind == "centred",) * terms
        with progress.step("Looking for the mode"):
            # which terms are centred is written into its inputs
            density = density if density.stock else density.with_inputs({})
            found = None if density.stock else approximate(graph, self.model, density, centred)
        if found is not None:
            joint = graph.replace(centred=found.centred)
            return Target(joint, self.model, density.rescaled(found.affine), None, kind, found.scaled)
        joint = graph.replace(centred=centred or (False,) * terms)
        model = sampled_model(joint)
        density = compile_density(model, value_shapes(model))
        start = unconstrained_start(model, family_start(graph))
        name = "centred" if kind == "centred" else "noncentred"
        return Target(joint, model, density.rescaled(Affine.shift(start)), None, name)


def warn_of_problems(draws: Draws, posterior: Posterior) -> None:
    """Warn of what can be seen without ArviZ, whose import takes a second; `status` says more."""
    problems = []
    if draws.failures:
        total, said = len(draws.failures) + posterior.shape[0], "; ".join(draws.failures)
        problems.append(f"{len(draws.failures)} of {total} chains failed and were left out: {said}.")
    elif not draws.complete:
        chains, kept = posterior.shape
        problems.append(f"Sampling was interrupted: {chains} chains of {kept} draws were kept.")
    if count := int(draws.stats["diverging"].sum()):
        problems.append(f"There were {count} divergences.")
    if draws.x.shape[0] > 1 and looks_unmixed(draws.x):
        problems.append("The chains do not agree.")
    elif draws.x.shape[-1] and bfmi(draws.stats["energy"]).min() < 0.3:
        problems.append("The energy of a chain moves slowly (E-BFMI below 0.3).")
    if problems:
        warnings.warn(
            f"{' '.join(problems)} The result's `status` has numbers and advice.", ConvergenceWarning, stacklevel=4
        )
