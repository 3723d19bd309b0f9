"""The marginalised graph: equal to a dense normal density, its gradient, and the integral of the joint graph."""

from pathlib import Path

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor import function
from pytensor.compile.mode import Mode
from pytensor.graph.replace import clone_replace, vectorize_graph
from pytensor.graph.traversal import ancestors
from scipy import stats
from scipy.special import logsumexp

from bayesml.distributions import LKJ, Fixed, HalfNormal, Laplace, Normal, StudentT, Uniform
from bayesml.errors import SpecificationError
from bayesml.graphs import marginal
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.roles import build_graph
from bayesml.graphs.transforms import marginalise
from bayesml.graphs.wrap import to_pymc
from bayesml.syntax.model import Model
from tests.graphs.designs import design, factor_by_group, growth, nested_and_crossed, term

PYTHON = Mode(linker="py", optimizer="fast_compile")

MIXED = {
    "Intercept": Laplace(0, 10),
    "x": Normal(1, 2),
    "sd(x | g)": HalfNormal(2),
    "corr(g)": Uniform(-0.5, 0.8),
}

HELD = {"sigma": Fixed(1.5), "corr(g)": Fixed(0.3), "x": Fixed(2), "sd(x | g)": Fixed(1)}

GRAPHS = {
    "growth": lambda rng: growth(rng),
    "flat": lambda rng: growth(rng, priors="flat"),
    "mixed priors": lambda rng: growth(rng, priors=MIXED),
    "held": lambda rng: growth(rng, priors=HELD),
    "known sd": lambda rng: growth(rng, "known_sd(y, s) ~ x + (x | g)", known_sd=rng.uniform(0.5, 2, 40)),
    "exchangeable": lambda rng: factor_by_group(rng),
    "unstructured": lambda rng: factor_by_group(rng, "unstructured"),
    "wide": lambda rng: factor_by_group(rng, "unstructured", q=5, n=120, priors={"corr(g)": LKJ(2)}),
    "nested": lambda rng: nested_and_crossed(rng),
    "identity": lambda rng: factor_by_group(rng, "identity"),
    "independent": lambda rng: factor_by_group(rng, "independent"),
}  # fmt: skip


@pytest.fixture(params=["random", "random and beta"])
def what(request):
    return request.param


@pytest.fixture(params=GRAPHS)
def graph(request, what):
    return marginalise(GRAPHS[request.param](np.random.default_rng(5)), what)


def drawn_point(model, rng):
    return {name: value + 0.3 * rng.normal(size=np.shape(value)) for name, value in model.initial_point().items()}


def values_at(model, point, names):
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    function = model.compile_fn(outputs, inputs=model.value_vars, mode=PYTHON, on_unused_input="ignore")
    return dict(zip(names, function(point), strict=True))


def dense_marginal(graph, at):
    """Log normal density of y, from the natural parameters in a model's variables."""
    columns, priors, n = graph.design, graph.priors, graph.design.nobs
    sigma = float(at.get("sigma", 1.0))
    scale = np.ones(n) if graph.residual_scale is None else graph.residual_scale
    V = np.diag((sigma * scale) ** 2)
    for role in graph.random:
        sd = np.broadcast_to(at[f"sd_{role.suffix}"], role.q)
        R = np.eye(role.q)
        if role.n_correlations:
            R[np.tril_indices(role.q, -1)] = at[f"corr_{role.suffix}"]
            R += np.tril(R, -1).T
        Z = np.zeros((n, len(role.columns.levels), role.q))
        Z[np.arange(n), role.columns.codes] = role.columns.Z
        V += np.einsum("njq,qr,mjr->nm", Z, sd[:, None] * R * sd, Z)
    out = graph.integrated_beta
    mean = np.zeros(n) if columns.offset is None else columns.offset.copy()
    values = np.zeros(len(out))
    if "beta" in at:
        values[:] = at["beta"]
    elif "beta_given" in at:
        values[~out] = at["beta_given"]
    mean += columns.X[:, ~out] @ values[~out]
    rows = np.array([p.normal_row or (0, 0) for p in priors.coefficients])
    flat = out & (rows[:, 1] == 0)
    proper = out & (rows[:, 1] > 0)
    mean += columns.X[:, proper] @ rows[proper, 0]
    V += columns.X[:, proper] @ np.diag(1 / rows[proper, 1]) @ columns.X[:, proper].T
    rest = columns.y - mean
    value = stats.multivariate_normal(np.zeros(n), V).logpdf(rest)
    if flat.any():
        # the integral of a normal density over its mean X beta
        X, W = columns.X[:, flat], np.linalg.inv(V)
        H = X.T @ W @ X
        fitted = X.T @ W @ rest
        value += 0.5 * fitted @ np.linalg.solve(H, fitted)
        value += 0.5 * flat.sum() * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(H)[1]
    return value


def test_density_is_the_dense_normal_density(graph, rng):
    model = to_pymc(graph)
    point = drawn_point(model, rng)
    names = [n for n in model.named_vars if n.startswith(("sd_", "corr_")) and not n.startswith("sd_Half")]
    names += [n for n in ("sigma", "beta", "beta_given", "marginal") if n in model.named_vars]
    at = values_at(model, point, names)
    assert at["marginal"] == pytest.approx(dense_marginal(graph, at), rel=1e-9)


def test_gradient_is_the_derivative(graph, rng):
    model = to_pymc(graph)
    if not model.free_RVs:
        pytest.fail("a model without parameters tests nothing")
    point = drawn_point(model, rng)
    density = model.compile_logp(mode=PYTHON)
    found = model.compile_dlogp(mode=PYTHON)(point)
    differences = []
    for name in (v.name for v in model.value_vars):
        for i in np.ndindex(np.shape(point[name])):
            h, sides = 1e-5, []
            for sign in (1, -1):
                moved = dict(point)
                moved[name] = np.array(point[name], dtype=float)
                moved[name][i] += sign * h
                sides.append(density(moved))
            differences.append((sides[0] - sides[1]) / (2 * h))
    np.testing.assert_allclose(found, differences, rtol=2e-6, atol=2e-6)


def test_sampled_and_integrated_coefficients():
    rng = np.random.default_rng(1)
    graph = marginalise(growth(rng, priors=MIXED), "random and beta")
    assert graph.integrated_beta.tolist() == [False, True]
    model = to_pymc(graph)
    assert tuple(model.coords["coef_given"]) == ("Intercept",)
    assert "beta" not in model.named_vars
    assert "beta" in to_pymc(marginalise(graph, "random")).named_vars
    every = growth(rng, priors={"Intercept": StudentT(3), "x": StudentT(3)})
    assert "beta" in to_pymc(marginalise(every, "random and beta")).named_vars


def test_equals_the_integral_of_the_joint_graph(rng):
    """Two groups of two rows: the joint graph integrated over beta and both random effects on a grid."""
    arrays = design(
        rng.normal(size=4), (None,), ("Intercept",), [term("g", np.array([0, 0, 1, 1]), ("Intercept",), (None,))]
    )
    graph = build_graph(Model("y ~ 1 + (1 | g)", priors={"Intercept": Normal(0, 1)}), arrays)
    joint, marginalised = to_pymc(graph), to_pymc(marginalise(graph, "random and beta"))
    point = {"sd_log__": np.array([0.2]), "sigma_log__": np.array(0.3)}
    density = joint.logp(vars=[joint["beta"], joint["u_g"], joint["y"]])
    beta, u = joint.rvs_to_values[joint["beta"]], joint.rvs_to_values[joint["u_g"]]
    sd, sigma = joint.rvs_to_values[joint["sd_g"]], joint.rvs_to_values[joint["sigma"]]
    batch = [pt.tensor3("beta"), pt.tensor4("u")]
    given = clone_replace(density, {sd: pt.as_tensor(point["sd_log__"]), sigma: pt.as_tensor(point["sigma_log__"])})
    whole = vectorize_graph(given, {beta: batch[0][..., None], u: batch[1][..., None]})
    # the trapezoidal rule is exact to rounding for a normal density that vanishes at the ends
    z, step = np.linspace(-8, 8, 65, retstep=True)
    grid = np.stack(np.meshgrid(z, z, z, indexing="ij"), -1)
    values = function(batch, whole, mode=PYTHON)(grid[..., 0], grid[..., 1:])
    integral = logsumexp(values) + 3 * np.log(step)
    assert values_at(marginalised, point, ["marginal"])["marginal"] == pytest.approx(integral, abs=1e-9)


ONE_KIND = ["growth", "flat", "known sd", "exchangeable", "unstructured", "wide", "identity", "independent", "nested"]


@pytest.mark.parametrize("name", ONE_KIND)
def test_equals_the_integral_of_the_joint_graph_in_all_structures(name, what, rng):
    """The joint log density is quadratic in what is integrated out: value, gradient, Hessian give the integral."""
    graph = GRAPHS[name](np.random.default_rng(6))
    joint, marginalised = to_pymc(graph), to_pymc(marginalise(graph, what))
    point = drawn_point(marginalised, rng)
    names = ["marginal", "sd", *(n for n in ("sigma", "beta") if n in marginalised.named_vars)]
    at = values_at(marginalised, point, names)
    integrated = [joint.rvs_to_values[joint[f"u_{role.suffix}"]] for role in graph.random]
    terms = [joint["y"], *(joint[f"u_{role.suffix}"] for role in graph.random)]
    if what == "random and beta":
        integrated.append(joint.rvs_to_values[joint["beta"]])
        terms.append(joint["beta"])
    sizes = [len(r.columns.levels) * r.q for r in graph.random] + [len(graph.fixed)] * (what != "random")
    start = joint.initial_point()
    flat = pt.vector("flat")
    parts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    shaped = {v: flat[p[0] : p[-1] + 1].reshape(start[v.name].shape) for v, p in zip(integrated, parts, strict=True)}
    fixed = joint_values(graph, joint, point, at)
    density = clone_replace(joint.logp(vars=terms), shaped | fixed)
    evaluate = function([flat], [density, pt.grad(density, flat)], mode=PYTHON)
    value, slope = evaluate(zero := np.zeros(sum(sizes)))
    hessian = np.array([evaluate(e)[1] - slope for e in np.eye(len(zero))])
    integral = value + 0.5 * slope @ np.linalg.solve(-hessian, slope)
    integral += 0.5 * len(zero) * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(-hessian)[1]
    assert at["marginal"] == pytest.approx(integral, rel=1e-9)


def joint_values(graph, joint, point, at):
    """Values of the joint model's parameters that say the same as a point of the marginalised one."""
    found, sd_at, corr_at = {}, 0, 0
    units = point.get("partial_unit_logodds__", np.empty(0))
    for role in graph.random:
        sd = at["sd"][sd_at : sd_at + role.n_sds]
        unit = units[corr_at : corr_at + role.n_correlations]
        common = role.covariance.correlations == "one"
        found[f"sd_{role.suffix}"] = np.log(sd) if role.n_sds == role.q else np.log(sd[0])
        if role.n_correlations:
            found[f"{'corr' if common else 'partial'}_{role.suffix}_unit"] = unit[0] if common else unit
        sd_at, corr_at = sd_at + role.n_sds, corr_at + role.n_correlations
    if "sigma" in at:
        found["sigma"] = np.log(at["sigma"])
    if "beta" in at:
        found["beta"] = at["beta"]
    return {joint.rvs_to_values[joint[name]]: pt.as_tensor(np.asarray(value, float)) for name, value in found.items()}


def test_only_exact_integrals(rng, monkeypatch):
    graph = growth(rng)
    with pytest.raises(SpecificationError, match="random and beta"):
        marginalise(graph, "beta")
    monkeypatch.setattr(type(graph.family), "exact_links", frozenset())
    with pytest.raises(SpecificationError, match="no exact integral"):
        marginalise(graph, "random")


def test_the_path_to_the_op_is_short(rng):
    """Cold compiling is paid by the node: parameters enter the Op as they are."""
    graph = marginalise(growth(rng), "random and beta")
    model = to_pymc(graph)
    (node,) = [
        v.owner for v in ancestors([model["marginal"]]) if v.owner and isinstance(v.owner.op, marginal.GaussianMarginal)
    ]
    assert node.inputs[:3] == [model["sd"], model["partial_unit"], model["sigma"]]


def test_salt_covers_every_kernel_source(monkeypatch):
    marginal.kernel_salt.cache_clear()
    before = marginal.kernel_salt()
    read = Path.read_bytes
    for name in ("border.py", "elimination.py", "marginal.py", "covariance_roots.py"):
        monkeypatch.setattr(Path, "read_bytes", lambda path, name=name: read(path) + b"#" * (path.name == name))
        marginal.kernel_salt.cache_clear()
        assert marginal.kernel_salt() != before, name
    monkeypatch.undo()
    marginal.kernel_salt.cache_clear()
    assert marginal.kernel_salt() == before


def test_draws_of_the_flat_vectors_give_lambda(rng):
    graph = marginalise(factor_by_group(rng, "unstructured"), "random")
    parameters = CovarianceParameters(graph)
    sd, unit = rng.uniform(0.5, 2, (3, 5, 4)), rng.uniform(0.1, 0.9, (3, 5, 3))
    lam = parameters.lam(sd, unit)
    assert lam.shape == (3, 5, 10)
    Lambda = lam[1, 2, :9].reshape(3, 3)
    G = Lambda @ Lambda.T
    np.testing.assert_allclose(np.sqrt(np.diag(G)), sd[1, 2, :3])
    corr = parameters.correlations(unit, 0)[1, 2]
    np.testing.assert_allclose(G[np.tril_indices(3, -1)] / (sd[1, 2, [1, 2, 2]] * sd[1, 2, [0, 0, 1]]), corr)
    np.testing.assert_allclose(lam[..., 9], sd[..., 3])
