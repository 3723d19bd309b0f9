"""Pages of the documentation: their formulas are read, their verbs and links exist. Code cells run when it is built."""

import re
from pathlib import Path

import pytest

import bayesml as bml
from bayesml.covariance import COVARIANCES
from bayesml.responses import RESPONSES
from bayesml.syntax.formula import parse_formula

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("**/*.md"))
NOT_OURS = re.compile(r"`[^`]*(?:bmb\.|lmer\(|brm\()[^`]*`")


def text(page: Path) -> str:
    return NOT_OURS.sub("", page.read_text(encoding="utf-8").replace("\\|", "|"))


def formulas() -> list:
    return [
        pytest.param(formula, id=f"{page.stem}: {formula}")
        for page in PAGES
        for formula in dict.fromkeys(re.findall(r'"([^"\n]+~[^"\n]+)"', text(page)))
        if "…" not in formula
    ]


@pytest.mark.parametrize("formula", formulas())
def test_formula_is_read(formula):
    parse_formula(formula)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_names_and_links_exist(page):
    content = text(page)
    missing = {name for name in re.findall(r"\bbml\.(\w+)", content) if not hasattr(bml, name)}
    links = re.findall(r"\]\((?!https?:)([^)#]+)", content)
    assert missing | {link for link in links if not (page.parent / link).exists()} == set()


def test_every_public_verb_is_in_the_reference():
    listed = set(re.findall(r"^   ([\w.]+)$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE))
    modules = {"datasets", "distributions", "errors", "families", "links", "plots", "__version__"}
    assert set(bml.__all__) - modules <= listed


def test_every_covariance_structure_has_a_page():
    assert {name for name in COVARIANCES if not (DOCS / "covariance" / f"{name}.md").exists()} == set()


def test_every_response_is_described():
    described = (DOCS / "formula.md").read_text(encoding="utf-8") + (DOCS / "responses.md").read_text(encoding="utf-8")
    assert {name for name in RESPONSES if f"`{name}(" not in described} == set()
