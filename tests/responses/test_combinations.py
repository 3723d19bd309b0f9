"""Families × responses, as the table of the documentation has them: each that goes together is simulated and fitted."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from bayesml.families import FAMILIES
from bayesml.links import LINKS
from bayesml.responses import PLAIN, RESPONSES

LEFT = {
    "plain": "y",
    "cbind": "cbind(y, n - y)",
    "p": "p(y, n)",
    "censored": "censored(t, status)",
    "interval": "interval(lo, hi)",
    "tobit": "tobit(y, low, high)",
    "Surv": "Surv(t, event)",
    "Surv of three": "Surv(entry, t, event)",
    "known_sd": "known_sd(y, se)",
}
ALL = {"plain": PLAIN} | RESPONSES
PAIRS = [(family, response) for family in FAMILIES for response in ALL]
TOGETHER = [pair for pair in PAIRS if ALL[pair[1]].refusal(FAMILIES[pair[0]]) is None]
TOGETHER += [(family, "Surv of three") for family, response in TOGETHER if response == "Surv"]
SLOPE, N = 0.5, 400
CATEGORIES = ("a", "b", "c")


def simulated(family_name: str, response: str) -> pd.DataFrame:
    """Rows whose predictor is 0.2 + 0.5 x, with the columns of every left side."""
    family, rng = FAMILIES[family_name], np.random.default_rng(7)
    link = LINKS[family.default_link]
    x = rng.normal(size=N)
    categories = CATEGORIES if family.outcome != "number" else ()
    values = [1.0 + ancillary.start * (ancillary.domain == "ordered") for ancillary in family.ancillary(categories)]
    values = [4.0 if ancillary.name in ("nu", "phi") else value
              for ancillary, value in zip(family.ancillary(categories), values, strict=True)]  # fmt: skip
    etas = [0.2 + SLOPE * x] * len(family.predictors(categories))
    se = rng.uniform(0.5, 1.5, N)
    scale = se if response == "known_sd" else None
    trials = np.full(N, 6.0) if family.takes_trials and ALL.get(response, PLAIN).counts_trials else None
    parameters = family.at(link, etas, values, np, categories, scale, np.ones(N) if trials is None else trials)
    y, other = family.simulate(rng, parameters), family.simulate(rng, parameters)
    if categories:
        return pd.DataFrame({"x": x, "y": pd.Categorical.from_codes(y.astype(int), categories, ordered=True)})
    left = rng.random(N) < 0.3
    edges = np.quantile(y, [0.1, 0.3, 0.5, 0.7, 0.9])
    place = np.searchsorted(edges, y)
    exact = rng.random(N) < 0.2
    frame = pd.DataFrame(
        {
            "x": x, "y": y, "n": 6.0, "se": se, "low": edges[0], "high": edges[-1],
            "t": np.where(left & (response == "censored"), np.maximum(y, other), np.minimum(y, other)),
            "status": np.where(left, -1 * (y < other), 1 * (y > other)),
            "event": y <= other,
            "lo": np.where(exact, y, np.append(np.nan, edges)[place]),
            "hi": np.where(exact, y, np.append(edges, np.nan)[place]),
            "entry": rng.permutation(np.minimum(y, other)) - 0.5 * y.std() * (family.support[0] < 0),
        }
    )  # fmt: skip
    return frame if response != "Surv of three" else frame[frame["entry"] < frame["t"]]


@pytest.mark.parametrize(("family", "response"), [pair for pair in PAIRS if pair not in TOGETHER])
def test_refused_with_a_reason(family, response):
    reason = ALL[response].refusal(FAMILIES[family])
    assert len(reason) > 20
    with pytest.raises(SpecificationError, match=f"does not go with the {family} family: ") as caught:
        bml.Model(f"{LEFT[response]} ~ x", family=family)
    assert f"family: {reason[0].lower()}{reason[1:].rstrip('.')}." in str(caught.value)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
@pytest.mark.parametrize(("family", "response"), TOGETHER)
def test_fit_finds_what_was_simulated(family, response):
    frame = simulated(family, response)
    fit = bml.fit(f"{LEFT[response]} ~ x", frame, family=family, criterion="ml")
    assert fit.converged
    slope = np.array([name.endswith("x") for name in fit.design.coefficients])
    estimates, errors = fit.fixef.to_numpy()[slope], fit.se.to_numpy()[slope]
    assert (abs(estimates - SLOPE) < 4 * errors).all()
    assert (errors < 0.3).all()
    # the log likelihood is the sum of what the rows contribute at the estimates
    design, model = fit.design, fit.model
    K = len(design.predictors)
    columns = np.arange(len(design.coefficients)).reshape(K, -1)
    etas = [design.X[:, own] @ fit.fixef.to_numpy()[own] for own in columns]
    ancillary = [a for a in model.family.ancillary(design.categories)]
    values = [1.0 if model.response.fixes_scale and a.name == model.family.scale_parameter
              else fit.parameters.loc[a.name, "estimate"] for a in ancillary]  # fmt: skip
    parameters = model.family.at(
        model.link, etas, values, np, design.categories, design.known_sd, design.response.get("trials")
    )
    rows = model.response.log_density(model.family, design.response, parameters, np)
    assert rows.shape == (design.n,)
    np.testing.assert_allclose(rows.sum(), fit.loglik, rtol=1e-9)
