from dataclasses import replace

import pytest

from bayesml.design.addresses import find_address, not_found, parameter_addresses
from bayesml.errors import ColumnNotFound
from tests import fitted_models as models


def texts(*model, ancillary=("sigma",)):
    return [address.text for address in parameter_addresses(models.fit(*model).design, ancillary)]


def test_parameters_of_an_unstructured_term():
    assert texts("sleepstudy", models.SLEEP) == [
        "Intercept",
        "Days",
        "sd(Intercept | Subject)",
        "sd(Days | Subject)",
        "corr(Intercept, Days | Subject)",
        "sigma",
    ]


def test_parameters_of_structures_with_a_common_sd():
    exchangeable = texts("machines", models.MACHINES_COLUMNS, "reml", "exchangeable")
    assert exchangeable[3:] == ["sd(Worker)", "corr(Worker)", "sigma"]
    assert texts("machines", models.MACHINES_COLUMNS, "ml", "identity")[3:] == ["sd(Worker)", "sigma"]


def test_known_sigma_has_no_address():
    assert texts("sleepstudy", models.SLEEP, ancillary=())[-1] == "corr(Intercept, Days | Subject)"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Days", "Days"),
        ("(Intercept)", "Intercept"),
        ("sd(Days|Subject)", "sd(Days | Subject)"),
        ("corr(Days, Intercept | Subject)", "corr(Intercept, Days | Subject)"),
        ("sigma", "sigma"),
        ("b(Days | Subject[308])", "b(Days | Subject[308])"),
        ("b(Days|Subject[308])", "b(Days | Subject[308])"),
    ],
)
def test_spellings(written, meant):
    assert find_address(written, models.fit("sleepstudy", models.SLEEP).design).text == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sd(Intercept | Machine:Worker)", "sd(Intercept | Worker:Machine)"),
        ("b(Intercept | Worker:Machine[2:A])", "b(Intercept | Worker:Machine[2:A])"),
        ("b(Intercept | Machine:Worker[A:2])", "b(Intercept | Worker:Machine[2:A])"),
    ],
)
def test_interaction_groups_in_either_order(written, meant):
    assert find_address(written, models.fit("machines", models.MACHINES).design).text == meant


def test_common_sd_is_found_by_any_of_its_columns():
    design = models.fit("machines", models.MACHINES_COLUMNS, "reml", "exchangeable").design
    assert find_address("sd(Machine[B] | Worker)", design).text == "sd(Worker)"
    assert find_address("corr(Machine[B], Machine[C] | Worker)", design).text == "corr(Worker)"


@pytest.mark.parametrize(
    ("written", "named"),
    [("Day", "`Days`"), ("sd(Day | Subject)", "sd(Days | Subject)"), ("b(Days | Subject[3080])", "`308`")],
)
def test_what_is_not_there_is_named_with_its_neighbours(written, named):
    with pytest.raises(ColumnNotFound) as error:
        find_address(written, models.fit("sleepstudy", models.SLEEP).design)
    assert named in str(error.value)


def test_not_found_lists_what_there_is_where_nothing_is_near():
    assert str(not_found("level", "zzz", ["a", "b"])) == "There is no level `zzz`. There are: `a`, `b`."


def test_ancillary_parameters_are_addressed_by_their_names():
    design = models.fit(*models.MODELS[0]).design
    names = ("cut[1|2]", "cut[2|3]", "sigma")
    found = parameter_addresses(design, names)[-3:]
    assert [(a.kind, a.text, a.column) for a in found] == [
        ("ancillary", "cut[1|2]", 0),
        ("ancillary", "cut[2|3]", 1),
        ("sigma", "sigma", 2),
    ]
    assert find_address("cut[2|3]", design, names) == found[1]
    with pytest.raises(ColumnNotFound, match=r"`cut\[1\|2\]`"):
        find_address("cut[1|3]", design, names)


def test_predictors_are_part_of_addresses():
    term = replace(models.fit(*models.MODELS[0]).design.random[0], names=("no: Intercept", "no: Days"))
    design = replace(
        models.fit(*models.MODELS[0]).design, coefficients=("no: Intercept", "perhaps: f[M]"), random=(term,)
    )
    for text, address in {
        "perhaps:f[M]": "perhaps: f[M]",
        "sd(no:Days|Subject)": "sd(no: Days | Subject)",
        "corr(no: Days, no:Intercept | Subject)": "corr(no: Intercept, no: Days | Subject)",
        "b(no:Days | Subject[308])": "b(no: Days | Subject[308])",
    }.items():
        assert find_address(text, design, ()).text == address
