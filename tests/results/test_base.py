import pytest

import bayesml as bml
from bayesml.errors import ColumnNotFound
from bayesml.results.base import GroupDict
from tests import fitted_models as models


def test_groups_are_found_with_their_parts_in_any_order():
    groups = GroupDict({"a:b:c": 1, "a": 2})
    assert groups["c:b:a"] == groups["b:a:c"] == 1
    with pytest.raises(ColumnNotFound, match="`a:b:c`"):
        groups["a:b:d"]


def test_terms_of_one_group_stand_side_by_side():
    fit = bml.fit(
        "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", bml.datasets.load("sleepstudy"), criterion="ml"
    )
    assert list(fit.ranef) == ["Subject"]
    assert list(fit.ranef["Subject"].columns) == ["Intercept", "Days"]
    together = models.fit("sleepstudy", models.SLEEP_INDEPENDENT, "ml")
    assert fit.ranef["Subject"].to_numpy() == pytest.approx(together.ranef["Subject"].to_numpy(), abs=1e-6)


def test_addresses_that_do_not_exist():
    with pytest.raises(ColumnNotFound, match="`Days`"):
        models.fit("sleepstudy", models.SLEEP)["Day"]


def test_saved_results_load_equal(tmp_path):
    fit = models.fit("machines", models.MACHINES)
    fit.save(tmp_path / "fit")
    loaded = bml.load(tmp_path / "fit")
    assert str(loaded) == str(fit)
    assert loaded.ranef["Worker:Machine"].equals(fit.ranef["Worker:Machine"])
