"""The decks: what is on them, and that they need no network."""

import re
from html.parser import HTMLParser

import nbformat
import pytest
from helpers import each_notebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dhl_helpers import quizzes
from dhl_helpers.__main__ import main
from dhl_helpers.commands import _deck
from dhl_helpers.commands._slide_html import html, sized
from dhl_helpers.findings import Finding


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
    deck = Deck(text)
    slides = _deck.deck(nbformat.read(path, as_version=4), quizzes.load(path.name[:2]))
    assert len(slides) >= 6 and deck.sections == len(slides) and deck.notes
    assert all(len(alt) > 40 for alt in deck.alts)
    assert re.search(rf"<h1[^>]*>{path.stem[:2]} ", text) and "You will be able to" in text
    assert "Take home</h2>" in text
    assert sum(slide.kind == "quiz" for slide in slides) == len(quizzes.load(path.stem[:2]))
    assert "SOLUTION" not in text and "not for diagnosis" in text


@each_notebook
def test_a_slide_has_one_message_in_words(path):
    """And one thing to look at: a figure, what a cell printed, a list, text, a question, or code."""
    for slide in _deck.deck(nbformat.read(path, as_version=4), quizzes.load(path.name[:2])):
        assert re.search(r"[a-z]{2}", re.sub("<[^>]+>", "", slide.message)) and "<p" not in slide.message
        assert slide.body.count("<img") == (slide.kind == "figure")
        assert ('class="highlight"' in slide.body) == (slide.kind == "code")


def key(source, *shown, **about):
    """A key cell of code with outputs: text, a figure's pixels as bytes, or HTML."""
    outputs = [
        new_output("stream", text=each) if isinstance(each, str)
        else new_output("display_data", data={"image/png": "AAAA"} if isinstance(each, bytes) else each)
        for each in shown
    ]  # fmt: skip
    return new_code_cell(source, outputs=outputs, metadata={"slideshow": {"slide_type": "slide"} | about})


def slides_of(*cells):
    return _deck.deck(new_notebook(cells=[new_markdown_cell("## Part"), *cells]), [])


def test_where_the_message_comes_from():
    said = new_markdown_cell("*Figure: a curve rises. Then it falls.*")
    assert slides_of(key("f()", b"", "Holds: it rises\n"), said)[0].message == "It rises"
    assert slides_of(key("f()", b""), said)[0].message == "A curve rises"
    found = {"text/html": "<div>...</div>", "text/plain": repr(Finding("it rises", True))}
    [figure] = slides_of(key("f()", b""), said, key("g()", found))
    assert (figure.kind, figure.message) == ("figure", "It rises")
    assert slides_of(key("f()", b"", message="Up *and* down"), said)[0].message == "Up <em>and</em> down"
    assert slides_of(key("f()", "a table\n"))[0].message == "Part"
    figure, other = slides_of(key("f()", b""), said, key("g()", "Holds: it rises\nHolds: it falls\n"))
    assert (figure.kind, figure.message) == ("figure", "It rises")
    assert (other.kind, other.message) == ("statement", "It falls")
    [table] = slides_of(key("f()", {"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1"}))
    assert table.kind == "output" and "<td>1" in table.body


def test_code_is_shown_where_it_is_the_message():
    assert [slide.kind for slide in slides_of(key("f()"))] == ["code"]
    assert [slide.kind for slide in slides_of(key("f()", "1\n"))] == ["output"]
    assert [slide.kind for slide in slides_of(key("f()", "1\n", code=True))] == ["code", "output"]


def test_letters_are_as_large_as_the_slide_allows():
    sizes = [int(re.search(r"(\d+)px", sized("printed", text, text))[1])
             for text in ("short", "a  b" * 30, "\n".join(["line"] * 20))]  # fmt: skip
    assert sizes[0] == 26 and 14 <= sizes[1] < 26 and 14 <= sizes[2] < 26
    long = "\n".join(f"line {number}" for number in range(60))
    assert sized("printed", long, long).endswith("...</pre>") and "line 59" not in sized("printed", long, long)


@each_notebook
def test_each_figure_is_on_a_slide(path):
    """A new figure before the exercises is a key cell: slideshow, slide_type, slide in its metadata."""
    for title, items in _deck.sections(nbformat.read(path, as_version=4)):
        if title == "Exercises":
            break
        for cell in items:
            drawn = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
            assert _deck.is_key(cell) or not drawn, cell.id


def test_formulas_and_links():
    text = html(r"see [03](03_x.ipynb), [source](https://a.org) for $-\log p$ at \$5 and $$\alpha^{2}$$", inside=True)
    assert text.startswith('see 03, <a href="https://a.org">source</a> for <math') and "$5" in text
    assert text.count("<math") == 2 and 'display="block"' in text and "$$" not in text
