"""Log prior densities at draws: those of the model's own density, parameter by parameter."""

import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.graphs.log_prior import log_prior
from bayesml.results.log_prior_draws import log_prior_draws
from bayesml.results.posterior import term_roots
from tests.posteriors import sleepstudy


def test_each_parameter_has_the_density_of_its_prior():
    post = sleepstudy()
    found = log_prior_draws(post.graph, post.posterior)
    priors = dict(post.graph.priors.items())
    assert list(found) == [a for a in priors]
    for address in ("Days", "sd(Days | Subject)", "sigma"):
        np.testing.assert_allclose(found[address], priors[address].scipy(stats).logpdf(post.draws(address)))


@pytest.mark.parametrize("eta", [1.0, 3.0])
def test_the_sum_is_the_log_prior_of_map(eta):
    sleep = bml.datasets.load("sleepstudy").assign(x=lambda d: d["Days"] % 3)
    model = bml.Model("Reaction ~ Days + (Days + x | Subject)", priors={"corr(Subject)": bml.LKJ(eta)})
    post = bml.sample(model, sleep, draws=20, tune=50, chains=1, random_seed=1, progressbar=False)
    total = sum(log_prior_draws(post.graph, post.posterior).values())
    own, term = post.posterior, post.design.random[0]
    root = term_roots(term, own.sds[0], own.corrs[0])
    expected = [log_prior(post.graph, own.beta[0, i], [root[0, i]], own.sigma[0, i]).value for i in range(20)]
    np.testing.assert_allclose(total[0], expected, rtol=1e-9)
