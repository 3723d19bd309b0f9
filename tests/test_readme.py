"""The README shows what the package does: its code runs, and its numbers are those that come out."""

import re
from pathlib import Path

import pytest

import bayesml as bml
from bayesml.families import FAMILIES
from bayesml.responses import RESPONSES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(language: str, place: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)[place]


def numbers(line: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", line)]


@pytest.fixture(scope="module")
def printed() -> list[str]:
    lines: list[str] = []
    code = block("python").replace("random_seed=1)", "random_seed=1, progressbar=False)")
    exec(code, {"print": lambda value: lines.extend(str(value).splitlines())})
    return lines


def test_estimates_are_the_printed_ones(printed):
    shown = block("text").splitlines()
    assert len(shown) == len(printed)
    for ours, theirs in zip(printed, shown, strict=True):
        # REML: estimate, se and interval. Draws may differ in the last digits between machines.
        assert numbers(ours)[:4] == numbers(theirs)[:4] or "P(" in ours
        assert re.sub(r"[\s\d.─-]+", " ", ours) == re.sub(r"[\s\d.─-]+", " ", theirs)


def test_posterior_is_near_the_printed_one(printed):
    shown = block("text").splitlines()
    compared = 0
    for ours, theirs in zip(printed, shown, strict=True):
        if len(numbers(ours)) == 8:
            median, sd = numbers(theirs)[4:6]
            assert abs(numbers(ours)[4] - median) < 0.1 * sd
            compared += 1
    assert compared == 6


def test_probability_is_within_its_error(printed):
    (ours,) = [line for line in printed if line.startswith("P(Days > 8)")]
    (theirs,) = [line for line in block("text").splitlines() if line.startswith("P(Days > 8)")]
    (probability, mcse), (shown, _) = numbers(ours), numbers(theirs)
    assert abs(probability - shown) < 5 * mcse


def test_other_outcomes_run_as_written():
    shown: list[object] = []
    exec(block("python", 1), {"bml": bml, "print": shown.append})
    summary, error, predicted = shown
    assert "Odds ratio" in str(summary)
    assert abs(error.correction) > 2.0 * error.error
    assert predicted["estimate"].between(0.15, 0.3).all()


def test_every_family_and_response_is_listed():
    assert {name for name in FAMILIES if f"`{name}`" not in README} == set()
    assert {name for name in RESPONSES if f"`{name}(" not in README} == set()


def test_links_lead_somewhere():
    root = Path(__file__).parents[1]
    missing = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not (root / link).exists()]
    assert missing == []


def test_the_bayesian_analysis_runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("python", 2).replace("random_seed=1)", "random_seed=1, progressbar=False)")
    quiet = code.replace("bml.loo(post)", "bml.loo(post, progressbar=False)").replace(
        "bml.compare_engines(model, df)", "bml.compare_engines(model, df, random_seed=1, progressbar=False)"
    )
    exec(quiet, {"bml": bml, "df": bml.datasets.load("sleepstudy")})
    assert (tmp_path / "sleep.html").stat().st_size > 100_000
