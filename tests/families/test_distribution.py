"""Distribution functions in NumPy, of every family."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayesml.links import LINKS
from tests.families.cases import CASES


@pytest.mark.parametrize("name", list(CASES))
def test_distribution_function_is_that_of_scipy_or_the_sum_of_the_density(name):
    case = CASES[name]
    link = LINKS[case.family.default_link]
    etas = [np.array([[eta], [eta + 0.3]]) for eta in case.eta]
    trials = case.trials
    parameters = case.family.at(link, etas, case.values[0], np, case.categories, trials=trials)
    if case.scipy is None:
        y = np.arange(-1.0, len(case.categories))
        density = np.stack(
            [np.exp(case.family.log_density(np.full((2, 1), k), parameters, np)) for k in range(len(case.categories))]
        )[..., 0]
        expected = np.column_stack([np.zeros(2), np.cumsum(density, axis=0).T])
    else:
        reference = case.scipy(link.inverse(etas[0], np), case.values[0], trials)
        y = np.unique(reference.ppf(np.linspace(0.01, 0.99, 21)[:, None, None])).astype(float)
        y = np.concatenate([y, [-1.0, 0.0] if case.family.whole else []])
        expected = reference.cdf(y)
    found = case.family.distribution(y, parameters)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-14)
