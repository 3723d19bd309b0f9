"""Reports: one page that needs nothing else, for every kind of result."""

import re
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import Mock

import pytest

import bayesml as bml
from bayesml.errors import SpecificationError, StorageError
from tests.posteriors import sleepstudy

VOID = {"img", "meta", "br", "mspace", "link", "hr"}


class Page(HTMLParser):
    """Tags, pictures and headings of a page; complains of tags that are not closed."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[dict] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.sources += [found[name] for name in ("src", "href") if name in found]
        if tag == "img":
            self.pictures.append(found)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def headings(self) -> list[str]:
        return [text for text in self.texts if text in TITLES]


TITLES = [
    "Model", "Data", "Priors", "Sampling", "Optimum", "Estimates", "Variance components",
    "Does the model fit the data?", "Groups", "Reproduction",
]  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reports")
    sleep = bml.datasets.load("sleepstudy")
    results = {
        "posterior": sleepstudy(),
        "reml": bml.fit("Reaction ~ Days + (Days | Subject)", sleep),
        "counts": bml.fit(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", bml.datasets.load("cbpp"), family="binomial"
        ),
        "ordered": bml.fit("rating ~ temp + (1 | judge)", bml.datasets.load("wine"), family="cumulative"),
        "crossed": bml.fit("diameter ~ 1 + (1 | plate) + (1 | sample)", bml.datasets.load("penicillin")),
    }
    return {
        name: bml.report(result, folder / f"{name}.html").read_text(encoding="utf-8")
        for name, result in results.items()
    }


@pytest.mark.parametrize("name", ["posterior", "reml", "counts", "ordered", "crossed"])
def test_a_page_stands_alone_and_every_picture_says_what_it_shows(pages, name):
    page = Page(pages[name])
    outside = [s for s in page.sources if not s.startswith(("#part-", "data:image/png;base64,"))]
    assert outside == []
    assert "<script" not in pages[name] and "@import" not in pages[name]
    assert len(page.pictures) >= 3
    assert all(len(picture["alt"]) > 30 for picture in page.pictures)


def test_parts_of_a_posterior_and_of_a_fit(pages):
    assert [t for t in TITLES if t not in Page(pages["posterior"]).headings] == ["Optimum"]
    assert [t for t in TITLES if t not in Page(pages["reml"]).headings] == ["Priors", "Sampling"]


def test_numbers_are_those_of_the_result(pages):
    assert "Days: 10.47 (7.438 to 13.5)" in pages["reml"]
    text = re.sub(r"<[^>]*>", " ", pages["reml"])
    assert "-871.8141" in text and "612.09" in text


def test_bad_sampling_is_said_in_words(tmp_path):
    sleep = bml.datasets.load("sleepstudy")
    with pytest.warns(bml.errors.ConvergenceWarning):
        post = bml.sample(
            "Reaction ~ Days + (1 | Subject)", sleep, draws=20, tune=20, chains=2, random_seed=1, progressbar=False,
            parametrisation="noncentred",
        )  # fmt: skip
    text = bml.report(post, tmp_path / "short.html").read_text()
    assert "Look at this:" in text and "effective sample size" in text


def test_labels_are_text_not_markup(tmp_path):
    data = bml.datasets.load("sleepstudy").rename(columns={"Days": "<script>alert(1)</script>"})
    fit = bml.fit("Reaction ~ `<script>alert(1)</script>` + (1 | Subject)", data)
    text = bml.report(fit, tmp_path / "x.html", title="<b>Mine</b> & yours").read_text()
    assert "<script>" not in text
    assert "<title>&lt;b&gt;Mine&lt;/b&gt; &amp; yours</title>" in text


def test_a_page_that_is_there_survives_a_failure(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("old")
    fail = Mock(side_effect=OSError(28, "disk full"))
    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(StorageError, match=r"could not be written: disk full; the file there is unchanged"):
        bml.report(bml.fit("Reaction ~ Days", bml.datasets.load("sleepstudy")), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_told(tmp_path):
    fit = bml.fit("Reaction ~ Days", bml.datasets.load("sleepstudy"))
    with pytest.raises(SpecificationError, match=r"let the name end in `\.html`"):
        bml.report(fit, tmp_path / "page.pdf")
    with pytest.raises(StorageError, match="There is no folder"):
        bml.report(fit, tmp_path / "nowhere" / "page.html")
    with pytest.raises(SpecificationError, match="about a result"):
        bml.report(Path("x"), tmp_path / "page.html")
