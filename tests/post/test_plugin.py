"""Draws that predictions are compared with."""

import numpy as np

from bayesml.post.plugin import single_chain
from tests import posteriors


def test_some_draws_of_all_chains_of_a_family_without_parameters():
    post = posteriors.epil()
    one = single_chain(post, 50, (1,))
    assert one.posterior.shape == (1, 50)
    assert np.isin(one.posterior.beta[..., 0], post.posterior.beta[..., 0]).all()
    chains = [np.isin(one.posterior.beta[..., 0], own).any() for own in post.posterior.beta[..., 0]]
    assert all(chains)
