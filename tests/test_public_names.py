"""Every public name is there; verbs stay verbs beside the modules of the same name."""

import subprocess
import sys

import pytest

import bayesml

VERBS_WITH_A_MODULE_OF_THEIR_NAME = ["fit", "sample", "refit"]


def test_every_public_name_is_there_and_listed():
    assert set(bayesml.__all__) <= set(dir(bayesml))
    missing = [name for name in bayesml.__all__ if getattr(bayesml, name, None) is None]
    assert missing == []


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = bayesml.frobnicate


@pytest.mark.parametrize("verb", VERBS_WITH_A_MODULE_OF_THEIR_NAME)
@pytest.mark.parametrize(
    "code",
    [
        "import bayesml as bml; import bayesml.{verb}; assert callable(bml.{verb})",
        "import bayesml.{verb}; import bayesml as bml; assert callable(bml.{verb})",
        "import bayesml as bml; bml.{verb}; import bayesml.{verb}; assert callable(bml.{verb}); bml.{verb}",
        "from bayesml.{verb} import {verb} as inner; from bayesml import {verb}; assert inner is {verb}",
        "from bayesml import {verb}; import bayesml as bml; assert bml.{verb} is {verb} and callable({verb})",
    ],
)
def test_a_verb_stays_a_function_beside_the_module_of_its_name(verb, code):
    done = subprocess.run([sys.executable, "-c", code.format(verb=verb)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
