"""Priors as a value: what users may write, and what is refused."""

import pickle
from dataclasses import replace

import pytest

from bayesml.distributions import Fixed, Gamma, HalfFlat, Normal, OnPrecision, Truncated
from bayesml.errors import SpecificationError
from bayesml.spec.prior_file import KINDS, OPTIONAL, STANDS_IN, PriorEntry, read_prior_file
from bayesml.spec.priors import DEFAULT_SET, Priors, prior_set_text, prior_sets


def test_what_users_write():
    assert Priors.of(None) == Priors() == Priors(DEFAULT_SET)
    assert Priors.of("flat") == Priors("flat")
    assert Priors.of({"Days": Normal(0, 10)}) == Priors(given=(("Days", Normal(0, 10)),))
    assert Priors.of(Priors("flat")) == Priors("flat")


def test_a_set_with_priors_that_replace_some_of_its_own():
    assert Priors("flat", {"Days": Normal(0, 10)}) == Priors("flat", (("Days", Normal(0, 10)),))


def test_order_of_the_given_priors_does_not_matter():
    a, b = ("a", Normal(0, 1)), ("b", Normal(0, 2))
    assert Priors.of(dict([a, b])) == Priors.of(dict([b, a]))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("weak", "'flat', .*'stata', 'weakly_informative'"),
        ({"Days": 3}, r"`Days` is 3: give a distribution"),
        ({3: Normal(0, 1)}, "by address"),
        (4.5, "name of a set"),
        (["flat"], "name of a set"),
    ],
)
def test_refused(value, message):
    with pytest.raises(SpecificationError, match=message):
        Priors.of(value)


def test_whether_only_values_are_held():
    assert Priors().only_fixes
    assert Priors.of({"sigma": Fixed(1)}).only_fixes
    assert not Priors.of({"sigma": Fixed(1), "Days": Normal(0, 1)}).only_fixes
    assert not Priors.of("flat").only_fixes


def test_text():
    assert str(Priors.of({"Days": Normal(0, 10)})) == "weakly_informative, Days ~ Normal(0, 10)"


@pytest.mark.parametrize("name", prior_sets())
def test_files_state_scale_and_source_and_are_understood(name):
    file = read_prior_file(name, prior_set_text(name))
    assert file.name == name
    assert file.title.strip()
    assert file.scale.strip()
    assert file.source.strip()
    kinds = set(file.kinds) | (set(read_prior_file(file.base, prior_set_text(file.base)).kinds) if file.base else set())
    assert set(KINDS) - set(STANDS_IN) - set(OPTIONAL) <= kinds


def test_the_sets_that_are_promised():
    assert set(prior_sets()) == {"weakly_informative", "flat", "stata", "bambi", "rstanarm", "brms",
                                 "penalised_complexity", "horseshoe"}  # fmt: skip


# -- files of one's own ------------------------------------------------------------------------

OWN = """\
base = "weakly_informative"

[priors.coefficient]
distribution = "Normal"
numbers = { mu = 0.0, sigma = 1.0 }
scaled = true
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "my_priors.toml"
    path.write_text(OWN)
    return path


def test_a_file_is_kept_by_its_content(own, tmp_path):
    priors = Priors.of(str(own))
    assert priors == Priors.of(own)
    assert priors.prior_set == "my_priors.toml"
    elsewhere = tmp_path / "there" / "my_priors.toml"
    elsewhere.parent.mkdir()
    own.rename(elsewhere)
    assert Priors.of(elsewhere) == priors == replace(priors) == pickle.loads(pickle.dumps(priors))
    assert hash(Priors.of(elsewhere)) == hash(priors)
    assert priors.file.kinds["coefficient"] == PriorEntry(Normal(0, 1), True)
    elsewhere.write_text(OWN.replace("1.0", "2.0"))
    assert Priors.of(elsewhere) != priors


def test_a_file_with_priors_that_replace_some_of_its_own(own):
    priors = Priors(str(own), {"Days": Normal(0, 3)})
    assert str(priors) == "my_priors.toml, Days ~ Normal(0, 3)"


@pytest.mark.parametrize("name", ["nowhere.toml", "."])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(SpecificationError, match="cannot be read|ends in"):
        Priors.of(tmp_path / name)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecificationError, match="UTF-8"):
        Priors.of(path)


def test_paths_end_in_toml(tmp_path):
    with pytest.raises(SpecificationError, match=r"ends in .\.toml"):
        Priors.of(tmp_path / "my.txt")


COEFFICIENT = '[priors.coefficient]\ndistribution = "Normal"\n'
MISTAKES = {
    "nothing": ("", 1, "there are no priors"),
    "no TOML": ("a = 1\nb = \n", 2, "this is no TOML"),
    "unfinished": ("name = 'x", 1, "this is no TOML"),
    "unknown top key": ("\n\ntitel = 'x'\n" + COEFFICIENT, 3, "Did you mean `title`"),
    "type of a text": ("title = 3\n" + COEFFICIENT, 1, "`title` is a text, not 3"),
    "priors that are none": ("priors = 3", 1, "there are no priors"),
    "unknown kind": ("# c\n[priors.coeficient]\ndistribution = 'Normal'", 2, "Did you mean `coefficient`"),
    "kind that is no table": ("[priors]\ncoefficient = 'Normal'", 2, "is a table"),
    "no distribution": ("[priors.coefficient]\nscaled = true", 1, "needs `distribution`"),
    "unknown distribution": ("[priors.coefficient]\ndistribution = 'Normall'", 2, "Did you mean `Normal`"),
    "distribution of a wrong type": ("[priors.coefficient]\ndistribution = ['Normal']", 2, "no distribution"),
    "values held": ("[priors.sigma]\ndistribution = 'Fixed'", 1, "no kind of parameter `sigma`"),
    "fixed": ("[priors.residual_sd]\ndistribution = 'Fixed'\nnumbers = { value = 1 }", 2, "'Fixed'"),
    "unknown number": (COEFFICIENT + "numbers = { mu = 0, sgma = 2 }", 3, "Did you mean `sigma`"),
    "numbers in a table of their own": (
        COEFFICIENT + "\n[priors.coefficient.numbers]\nmu = 0\nsigma = -2", 4, "sigma must be above 0",
    ),
    "number of a wrong type": (COEFFICIENT + "numbers = { sigma = '2' }", 3, "must be a number"),
    "infinite number": (COEFFICIENT + "numbers = { sigma = inf }", 3, "must be finite"),
    "missing number": ("[priors.residual_sd]\ndistribution = 'HalfStudentT'\nscaled = true", 1, "nu"),
    "numbers that are none": (COEFFICIENT + "numbers = 2", 3, "is a table of the parameters of Normal"),
    "unknown key": (COEFFICIENT + "scale = true", 3, "Did you mean `scaled`"),
    "scaled to nothing": (COEFFICIENT + "scaled = 'sd'", 3, "'sd'"),
    "scaled by a number": (COEFFICIENT + "scaled = 1", 3, "`scaled` of `coefficient` is true, false,"),
    "scaled as another kind": (COEFFICIENT + "scaled = 'centred'", 3, "'centred'"),
    "a distribution without a scale": ("[priors.correlation]\ndistribution = 'LKJ'\nscaled = true", 3, "no scale"),
    "negative sds": ("[priors.random_sd]\ndistribution = 'Normal'", 2, r"Take HalfNormal\(1\)"),
    "a correlation's prior elsewhere": ("[priors.coefficient]\ndistribution = 'LKJ'", 2, "prior of correlations"),
    "a number's prior of correlations": ("[priors.correlation]\ndistribution = 'Normal'", 2, "take LKJ"),
    "of what": ("[priors.random_sd]\ndistribution = 'Gamma'\nnumbers = {alpha = 1}\nof = 'sd'", 4, "`of` is"),
    "variance of a real": ("[priors.random_sd]\ndistribution = 'Normal'\nof = 'variance'", 1, "positive values"),
    "unit": ("unit = 'mad'\n" + COEFFICIENT, 1, "`unit` is"),
    "divisor": ("divisor = 'n-1'\n" + COEFFICIENT, 1, "`divisor` is"),
    "ends": (COEFFICIENT + "lower = 3\nupper = 1", 1, "nothing of"),
    "an end of a wrong type": (COEFFICIENT + "lower = 'a'", 1, "must be a finite number"),
    "spaced": (COEFFICIENT + "spaced = [0, 1]", 3, "for cut points"),
    "spaced badly": ("[priors.cutpoint]\ndistribution = 'Normal'\nspaced = [1, 'b']", 3, "first and the last"),
    "spaced downwards": ("[priors.cutpoint]\ndistribution = 'Normal'\nspaced = [1, 0]", 3, "increasing"),
    "instead": (COEFFICIENT + "instead = 3", 3, r"\[\[priors.coefficient.instead"),
    "unknown key of instead": (
        COEFFICIENT + "\n[[priors.coefficient.instead]]\nlink = ['logit']", 5, "Did you mean `links`",
    ),
    "links of instead": (COEFFICIENT + "\n[[priors.coefficient.instead]]\nlinks = 'logit'", 5, "a list of names"),
    "the second instead": (
        COEFFICIENT + "\n[[priors.coefficient.instead]]\nlinks = ['log']\n[[priors.coefficient.instead]]\nlink = ['a']",
        7, "Did you mean `links`",
    ),
    "number of instead": (
        COEFFICIENT + "\n[[priors.coefficient.instead]]\nlinks = ['logit']\nnumbers = {sigma = 0}", 6, "above 0",
    ),
    "base": ("base = 'weakly_informativ'\n" + COEFFICIENT, 1, "Did you mean `weakly_informative`"),
    "base of a wrong type": ("base = 1\n" + COEFFICIENT, 1, "`base` is a text"),
    "after texts of several lines": (
        'scale = """\n[priors.x]\na = 1\n"""\nsource = [\n"b"]\n' + COEFFICIENT, 5, "`source` is a text",
    ),
    "a repeated table": (COEFFICIENT + COEFFICIENT, 3, "no TOML"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_are_told_with_their_line(tmp_path, text, line, message):
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(SpecificationError, match=rf"(?s)`my\.toml`, line {line}: .*{message}") as error:
        Priors.of(path)
    shown = text.splitlines()[line - 1].strip() if text else ""
    assert shown in str(error.value)


def test_what_a_distribution_is_of_and_its_ends(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(
        "[priors.random_sd]\ndistribution = 'Gamma'\nnumbers = { alpha = 2 }\nof = 'precision'\n"
        "[priors.degrees_of_freedom]\ndistribution = 'Gamma'\nnumbers = { alpha = 2, beta = 0.1 }\nlower = 1\n"
        "[priors.residual_sd]\ndistribution = 'Flat'\n"
    )
    kinds = Priors.of(path).file.kinds
    assert kinds["random_sd"].prior == OnPrecision(Gamma(2))
    assert kinds["degrees_of_freedom"].prior == Truncated(Gamma(2, 0.1), lower=1)
    assert kinds["residual_sd"].prior == HalfFlat()


def test_a_file_is_no_code(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("[priors.coefficient]\ndistribution = '__import__(\"os\").abort()'")
    with pytest.raises(SpecificationError, match="no distribution"):
        Priors.of(path)
