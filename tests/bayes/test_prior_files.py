"""Files of priors through fits, posteriors and storage: what a result keeps does not depend on the file."""

import pickle

import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError

FORMULA = "Reaction ~ Days + (Days | Subject)"
CONTENT = """
base = "weakly_informative"

[priors.random_sd]
distribution = "HalfNormal"
numbers = { sigma = 0.5 }
scaled = true
"""


@pytest.fixture(scope="module")
def sleepstudy():
    return bml.datasets.load("sleepstudy")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CONTENT)
    return path


def test_posterior_mode_under_a_file(file, sleepstudy):
    fit = bml.fit(FORMULA, sleepstudy, criterion="map", priors=str(file))
    y, x = sleepstudy["Reaction"].to_numpy(), sleepstudy["Days"].to_numpy()
    ratio = y.std() / x.std()
    intercept = y.std() * np.sqrt(1 + (x.mean() / x.std()) ** 2)
    given = {
        "sd(Intercept | Subject)": bml.HalfNormal(0.5 * intercept),
        "sd(Days | Subject)": bml.HalfNormal(0.5 * ratio),
    }
    same = bml.fit(FORMULA, sleepstudy, criterion="map", priors=given)
    np.testing.assert_allclose(fit.varcorr["vcov"], same.varcorr["vcov"], rtol=1e-6)
    with pytest.raises(SpecificationError, match=r"mine\.toml.*uses no priors|uses no priors.*mine\.toml"):
        bml.fit(FORMULA, sleepstudy, criterion="ml", priors=str(file))


def test_a_saved_result_does_without_the_file(file, tmp_path, sleepstudy):
    fit = bml.fit(FORMULA, sleepstudy, criterion="map", priors=file)
    fit.save(tmp_path / "fit.nc")
    file.unlink()
    loaded = bml.load(tmp_path / "fit.nc")
    assert loaded.model == fit.model
    assert loaded.model.priors.content == CONTENT
    assert pickle.loads(pickle.dumps(fit.model)) == fit.model
    table = bml.prior_table(loaded.model, sleepstudy)
    assert table.loc["sd(Days | Subject)", "source"] == "mine.toml"
    refitted = bml.fit(loaded.model, sleepstudy, criterion="map")
    np.testing.assert_allclose(refitted.varcorr["vcov"], fit.varcorr["vcov"])


def test_a_posterior_under_a_file(file, tmp_path, sleepstudy):
    post = bml.sample(FORMULA, sleepstudy, priors=str(file), draws=200, tune=300, random_seed=1, progressbar=False)
    post.save(tmp_path / "post.nc")
    file.unlink()
    loaded = bml.load(tmp_path / "post.nc")
    assert loaded.model == post.model
    assert dict(loaded.graph.priors.items()) == dict(post.graph.priors.items())
    assert loaded.graph.priors.source("sd(Days | Subject)") == "mine.toml"
    assert loaded.graph.priors.source("Days") == "weakly_informative"
    np.testing.assert_array_equal(loaded.draws("Days"), post.draws("Days"))


def test_mistakes_are_told_before_work_starts(file, sleepstudy):
    file.write_text(CONTENT.replace("HalfNormal", "HalfNorml"))
    for verb in (bml.fit, bml.sample, bml.prior_table):
        options = {"criterion": "map"} if verb is bml.fit else {}
        with pytest.raises(SpecificationError, match=r"`mine\.toml`, line 5: .*Did you mean `HalfNormal`"):
            verb(FORMULA, sleepstudy, priors=str(file), **options)


def test_a_kind_that_is_missing_is_told_before_sampling(file, sleepstudy):
    file.write_text(CONTENT.replace('base = "weakly_informative"', ""))
    with pytest.raises(SpecificationError, match=r"no prior for `Intercept`"):
        bml.sample(FORMULA, sleepstudy, priors=str(file))


@pytest.mark.parametrize("name", ["bambi", "rstanarm", "brms", "penalised_complexity"])
def test_posterior_modes_under_each_set(name, sleepstudy):
    fit = bml.fit(FORMULA, sleepstudy, criterion="map", priors=name)
    assert fit.converged
    assert fit["Days"] == pytest.approx(10.47, abs=0.1)
