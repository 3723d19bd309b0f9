"""Posterior of the eight schools (`known_sd`) against numerical integration."""

import numpy as np
import pytest
from scipy.integrate import trapezoid

import bayesml as bml

FORMULA = "known_sd(effect, se) ~ 1 + (1 | school)"
PRIOR_SD, PRIOR_TAU = 20.0, 10.0
"""mu ~ N(0, 20²), tau ~ half-normal(10)."""


@pytest.fixture(scope="module")
def post():
    priors = {"Intercept": bml.Normal(0, PRIOR_SD), "sd(Intercept | school)": bml.HalfNormal(PRIOR_TAU)}
    table = bml.datasets.load("eight_schools")
    return bml.sample(FORMULA, table, priors=priors, draws=5000, target_accept=0.9, random_seed=1, progressbar=False)


@pytest.fixture(scope="module")
def integrated() -> dict[str, tuple[float, float]]:
    """Mean and sd of mu, tau and the school effects: mu and b in closed form at each tau, tau on a grid."""
    table = bml.datasets.load("eight_schools")
    y, se = table["effect"].to_numpy(), table["se"].to_numpy()
    grid = np.linspace(0.0, 80.0, 8001)
    variance = se**2 + grid[:, None] ** 2
    precision = 1 / PRIOR_SD**2 + (1 / variance).sum(axis=1)
    mu = (y / variance).sum(axis=1) / precision
    log_density = (
        -0.5 * np.log(variance).sum(axis=1)
        - 0.5 * np.log(precision)
        - 0.5 * ((y**2 / variance).sum(axis=1) - mu**2 * precision)
        - 0.5 * (grid / PRIOR_TAU) ** 2
    )
    density = np.exp(log_density - log_density.max())
    density /= trapezoid(density, grid)

    def moments(mean: np.ndarray, within: np.ndarray) -> tuple[float, float]:
        first = trapezoid(mean * density, grid)
        return first, np.sqrt(trapezoid((within + mean**2) * density, grid) - first**2)

    found = {
        "Intercept": moments(mu, 1 / precision),
        "sd(Intercept | school)": moments(grid, np.zeros_like(grid)),
    }
    for j, school in enumerate(table["school"]):
        shrink = grid**2 / variance[:, j]
        found[f"b(Intercept | school[{school}])"] = moments(
            shrink * (y[j] - mu), shrink * se[j] ** 2 + shrink**2 / precision
        )
    return found


ADDRESSES = ["Intercept", "sd(Intercept | school)", *(f"b(Intercept | school[{school}])" for school in "ABCDEFGH")]


@pytest.mark.parametrize("address", ADDRESSES)
def test_posterior_is_within_a_twentieth_of_an_sd(address, post, integrated):
    mean, sd = integrated[address]
    draws = post.draws(address)
    assert abs(draws.mean() - mean) < 0.05 * sd
    assert abs(draws.std() - sd) < 0.05 * sd


def test_the_residual_sd_is_no_parameter(post):
    assert "sigma" not in post.parameters.index
