"""What a row contributes, against SciPy's normal distribution; every branch of the graph has finite derivatives."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy import stats

from bayesml.families import FAMILIES
from bayesml.graphs.tensors import TENSORS
from bayesml.links import LINKS
from bayesml.responses import RESPONSES

FAMILY, LINK = FAMILIES["gaussian"], LINKS["identity"]
NORMAL = stats.norm(0.3, 1.7)
NAN, INF = np.nan, np.inf


def interval(lower: float, upper: float) -> float:
    """Log probability of an interval, from the tail that is shorter."""
    if lower > 0.3:
        return np.log(NORMAL.sf(lower) - NORMAL.sf(upper))
    return np.log(NORMAL.cdf(upper) - NORMAL.cdf(lower))


ROWS = {
    "known_sd": ({"y": [1.0, -2.0], "sd": [1.7, 1.7]}, NORMAL.logpdf([1.0, -2.0])),
    "censored": (
        {"y": [1.0, 1.0, 1.0, 30.0, -30.0], "status": [0, 1, -1, 1, -1]},
        [NORMAL.logpdf(1), NORMAL.logsf(1), NORMAL.logcdf(1), NORMAL.logsf(30), NORMAL.logcdf(-30)],
    ),
    "tobit": (
        {"y": [1.0, 0.0, -0.5, 3.0, 9.0, 4.0], "lower": [0, 0, 0, 0, -INF, NAN], "upper": [3, 3, 3, 3, NAN, INF]},
        [NORMAL.logpdf(1), NORMAL.logcdf(0), NORMAL.logcdf(0), NORMAL.logsf(3), NORMAL.logpdf(9), NORMAL.logpdf(4)],
    ),
    "interval": (
        {"lo": [1.0, NAN, -INF, 1.0, 1.0, 2.0, -9.0], "hi": [2.0, 1.0, 1.0, NAN, INF, 2.0, -8.0]},
        [
            interval(1, 2), NORMAL.logcdf(1), NORMAL.logcdf(1), NORMAL.logsf(1), NORMAL.logsf(1), NORMAL.logpdf(2),
            interval(-9, -8),
        ],
    ),
    "Surv": ({"time": [1.0, 1.0], "event": [1, 0]}, [NORMAL.logpdf(1), NORMAL.logsf(1)]),
    "Surv of three": (
        {"entry": [-2.0, 0.5, -INF], "time": [1.0, 1.0, 1.0], "event": [1, 0, 1]},
        [NORMAL.logpdf(1) - NORMAL.logsf(-2), NORMAL.logsf(1) - NORMAL.logsf(0.5), NORMAL.logpdf(1)],
    ),
}  # fmt: skip


def arrays_of(name: str, support: tuple[float, float] = (-INF, INF)):
    """A response and the arrays of its rows."""
    given = {argument: np.array(values, float) for argument, values in ROWS[name][0].items()}
    response = RESPONSES[name.split()[0]].taking(len(given))
    assert set(given) == set(response.arguments)
    arrays = response.arrays(given, support)
    assert tuple(arrays) == response.inputs
    return response, arrays


@pytest.mark.parametrize("name", ROWS)
def test_contribution(name):
    response, arrays = arrays_of(name)
    n = len(arrays["y"])
    parameters = FAMILY.at(LINK, [np.full(n, 0.3)], [1.7], np)
    found = response.log_density(FAMILY, arrays, parameters, np)
    np.testing.assert_allclose(found, ROWS[name][1], rtol=1e-12)


@pytest.mark.parametrize("name", ROWS)
def test_derivatives_are_finite_in_every_branch(name):
    response, arrays = arrays_of(name)
    etas = np.array([-700.0, 0.3, 700.0])
    predictor = pt.matrix("eta")
    parameters = FAMILY.at(LINK, [predictor], [1.7], TENSORS)
    inputs = {key: pt.as_tensor(value) for key, value in arrays.items()}
    outputs = [response.log_density(FAMILY, inputs, parameters, TENSORS)]
    for _ in range(3):
        outputs.append(pytensor.grad(outputs[-1].sum(), predictor, disconnected_inputs="ignore"))
    function = pytensor.function([predictor], outputs, mode=pytensor.compile.mode.Mode("py", None))
    values = function(np.repeat(etas[:, None], len(arrays["y"]), axis=1))
    assert all(np.isfinite(value).all() for value in values)


def test_ends_beyond_the_support_are_open():
    given = {"lo": np.array([0.0, -1.0, 2.0]), "hi": np.array([3.0, 3.0, 4.0])}
    arrays = RESPONSES["interval"].arrays(given, (0.0, INF))
    assert arrays["status"].tolist() == [-1.0, -1.0, 2.0]
    assert arrays["y"].tolist() == [3.0, 3.0, 3.0]
    assert (arrays["upper"] > arrays["lower"]).all()
    assert (arrays["lower"] > 0).all()
    late = (
        RESPONSES["Surv"]
        .taking(3)
        .arrays({"entry": np.array([0.0, 1.0]), "time": np.array([2.0, 2.0]), "event": np.ones(2)}, (0.0, INF))
    )
    assert late["late"].tolist() == [0.0, 1.0]
    assert late["entry"].tolist() == [2.0, 1.0]


@pytest.mark.parametrize("ends", [([2.0, 2.0], [2.0, 2.0]), ([1.0, NAN], [NAN, 1.0]), ([0.0], [0.0])])
def test_rows_that_are_no_interval_have_one_that_no_density_fails_on(ends):
    arrays = RESPONSES["interval"].arrays({"lo": np.array(ends[0]), "hi": np.array(ends[1])})
    assert (arrays["upper"] > arrays["lower"]).all()


def test_limits_given_by_one_argument():
    tobit = RESPONSES["tobit"]
    assert tobit.left_out({"y"}) == {"lower": 0, "upper": None}
    assert tobit.left_out({"y", "upper"}) == {"lower": None}
    assert tobit.left_out({"y", "lower"}) == {"upper": None}


def test_arguments_by_place_and_name():
    surv = RESPONSES["Surv"]
    assert surv.bind(["t"], {"event": "d"}) == {"time": "t", "event": "d"}
    assert surv.bind(["t", "d"], {"event": "d"}) is None
    assert surv.bind(["t"], {"died": "d"}) is None
    assert surv.bind(["t"], {}) is None
    assert surv.taking(3).bind(["a", "t", "d"], {}) == {"entry": "a", "time": "t", "event": "d"}
    assert surv.taking(7) is surv
