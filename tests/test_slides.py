"""The decks: what is on them, and that they need no network."""

import re
from html.parser import HTMLParser

import nbformat
import pytest
from helpers import ROOT

from dhl_helpers.__main__ import main
from dhl_helpers.commands import _deck

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


class Deck(HTMLParser):
    """What a page loads, its pictures, its slides and notes, and all of its text."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.alts, self.sections, self.notes, self.styles, self.inside = [], [], 0, 0, "", ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.inside = tag
        self.sections += tag == "section"
        self.notes += tag == "aside" and attributes.get("class") == "notes"
        if tag == "img":
            self.alts.append(attributes.get("alt", ""))
        if tag != "a":
            self.loads += [attributes[name] for name in ("src", "href", "data", "srcset") if name in attributes]
        self.styles += attributes.get("style", "")

    def handle_data(self, data):
        if self.inside == "style":
            self.styles += data


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    out = tmp_path_factory.mktemp("slides")
    assert not main(["slides", "--out", str(out)])
    return out


@each_notebook
def test_a_deck_needs_no_network(decks, path):
    deck = Deck((decks / f"{path.stem}.html").read_text(encoding="utf-8"))
    assert all(target.startswith("data:") for target in deck.loads), deck.loads
    assert "@import" not in deck.styles
    assert all(target.startswith("data:") for target in re.findall(r"url\([\"']?([^)]+)", deck.styles))


@each_notebook
def test_a_deck_tells_its_notebook(decks, path):
    text = (decks / f"{path.stem}.html").read_text(encoding="utf-8")
    deck, notebook = Deck(text), nbformat.read(path, as_version=4)
    _, shown = _deck.deck(notebook)
    assert shown >= 6 and deck.sections > shown and deck.notes
    assert all(len(alt) > 40 for alt in deck.alts)
    assert re.search(rf"<h1[^>]*>{path.stem[:2]} ", text) and "You will be able to" in text
    assert "Take home</h2>" not in text or "Quiz" in text
    assert "SOLUTION" not in text and "<details>" in text and "not for diagnosis" in text


@each_notebook
def test_each_figure_is_on_a_slide(path):
    """A new figure before the exercises is a key cell: slideshow, slide_type, slide in its metadata."""
    for title, items in _deck.sections(nbformat.read(path, as_version=4)):
        if title == "## Exercises":
            break
        for cell in items:
            drawn = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
            assert _deck.is_key(cell) or not drawn, cell.id


def test_formulas_and_links():
    text = _deck.plain(r"see [03](03_x.ipynb), [source](https://a.org) for $-\log p$ at \$5 and $$\alpha^{2}$$")
    assert text.startswith("see 03, [source](https://a.org) for <math") and r"\$5" in text
    assert text.count("<math") == 2 and 'display="block"' in text and "$$" not in text
