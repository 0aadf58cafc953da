"""A notebook as a deck: slides with one message each, in words, and one figure, table, list or piece of code.

A *key cell*, whose metadata say `slideshow: {slide_type: slide}`, goes into the deck. Its message is, in this order,
the `message` in the same metadata, its finding, the beginning of its figure's caption, the heading of its section. Code
is shown where `code` is true in these metadata, and where a cell has no output. Other text is speaker's notes.
"""

import re
from html import escape
from itertools import zip_longest
from typing import NamedTuple

from ..quizzes import inline
from ._pages import CAPTION
from ._slide_html import code, html, sized

FINDING = re.compile(r"(?:Holds|Finding): (.+)")
LEFT_OUT = ("**You will be able to", "**You need", "**Time", "**Words", "**How to work", "- ", "*")


class Slide(NamedTuple):
    """The parts of a slide: what kind it is (str, its class in deck.css), and HTML for each of its places."""

    kind: str
    part: str
    message: str
    body: str
    notes: str


def deck(notebook, questions):
    """The slides of a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs.
    questions : list of dict
        Its quiz, from `quizzes.load`; may be empty.

    Returns
    -------
    list of Slide
    """
    slides = []
    for heading, cells in sections(notebook):
        if heading == "Quiz":
            slides += [quiz_slide(question) for question in questions]
        elif heading == "Take home":
            slides.append(Slide("list", "", heading, html(cells[0].source), ""))
        else:
            slides += section(heading, cells)
    return slides


def section(heading, cells):
    """The slides of a section: those of its key cells, the text before each as its notes."""
    slides, said = [], []
    for cell, after in zip_longest(cells, cells[1:]):
        caption = CAPTION.match(after.source) if after is not None and after.cell_type == "markdown" else None
        if not is_key(cell):
            said += [cell.source] if cell.cell_type == "markdown" else []
            continue
        made = opening(cell) if not heading else text(heading, cell) if cell.cell_type == "markdown" else (
            results(heading, cell, " ".join(caption[1].split()) if caption else ""))  # fmt: skip
        if slides and slides[-1].kind == "figure" and all(slide.kind == "statement" for slide in made) and not said[1:]:
            slides[-1] = slides[-1]._replace(message=made.pop(0).message)  # it says what the figure shows
        if made:
            made[0] = made[0]._replace(notes=html("\n\n".join(said)))
            said = []
        slides += made
    if slides and said:
        slides[-1] = slides[-1]._replace(notes=slides[-1].notes + html("\n\n".join(said)))
    return slides


def is_key(cell):
    """Whether a cell goes into the deck."""
    return cell.metadata.get("slideshow", {}).get("slide_type") == "slide"


def sections(notebook):
    """The notebook cut at its second-level headings: (heading, cells) each; the heading of the first is empty."""
    from nbformat.v4 import new_markdown_cell

    found = [("", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found[-1][1].append(cell)
            continue
        for piece in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
            if piece.startswith("## "):
                heading, _, piece = piece.partition("\n")
                found.append((heading.removeprefix("## ").strip(), []))
            if piece.strip():
                found[-1][1].append(new_markdown_cell(piece.strip(), metadata=cell.metadata))
    return found


def opening(cell):
    """Two slides of the first cell: what the notebook is about, and what its readers will be able to do."""
    title, *paragraphs = cell.source.split("\n\n")
    about = [paragraph for paragraph in paragraphs if not paragraph.startswith(LEFT_OUT)]
    goals = [paragraph for paragraph in paragraphs if paragraph.startswith("- ")]
    first = Slide("title", "", html(title.lstrip("# "), inside=True), html("\n\n".join(about[:1])), "")
    return [first, *(Slide("list", "", "You will be able to", html(goal), "") for goal in goals)]


def text(heading, cell):
    """A slide of a key cell of Markdown: its table if it has one, or all of it."""
    paragraphs = cell.source.split("\n\n")
    shown = next((paragraph for paragraph in paragraphs if paragraph.startswith("|")), cell.source)
    return [Slide("text", "", html(heading, inside=True), html(shown), "")]


def results(heading, cell, caption):
    """The slides of a key cell of code, with its findings, figures and tables; or with its code."""
    about = cell.metadata["slideshow"]
    figures, findings, tables = outputs(cell)
    part = html(heading, inside=True)
    messages = [inline(finding[:1].upper() + finding[1:]) for finding in findings]
    if "message" in about:
        messages = [html(about["message"], inside=True)]
    bodies = [("figure", f'<img src="data:image/png;base64,{png}" alt="{escape(re.sub("[*`]", "", caption))}">')
              for png in figures]  # fmt: skip
    bodies += [("output", "".join(tables))] if tables and not figures else []
    if about.get("code") or not (bodies or messages):
        bodies.insert(0, ("code", code(cell.source)))
    slides = []
    for kind, body in bodies:
        fallback = re.split(r"(?<=[.;:]) ", caption)[0].rstrip(".;:") if kind == "figure" and caption else ""
        message = messages.pop(0) if messages else html(fallback[:1].upper() + fallback[1:], inside=True)
        slides.append(Slide(kind, part if message else "", message or part, body, ""))
    if len(messages) > 3:
        items = "".join(f"<li>{message}</li>" for message in messages)
        slides.append(Slide("list", "", part, f"<ul>{items}</ul>", ""))
        messages = []
    return [*slides, *(Slide("statement", part, message, "", "") for message in messages)]


def outputs(cell):
    """What a cell shows: its figures (base64), its findings (str), and its other outputs as HTML."""
    figures, findings, lines, tables = [], [], [], []
    for output in cell.outputs:
        data = output.get("data", {})
        plain = output.get("text", data.get("text/plain", ""))
        if "image/png" in data:
            figures.append(data["image/png"].replace("\n", ""))
        elif found := FINDING.match(plain) if data else None:
            findings.append(found[1])
        elif "text/html" in data:
            tables += [data["text/html"]] if data["text/html"].strip() else []
        else:
            for line in plain.splitlines():
                found = FINDING.match(line)
                (findings if found else lines).append(found[1] if found else line)
    shown = "\n".join(lines).strip("\n")
    return figures, findings, [*tables, *([sized("printed", shown, escape(shown))] if shown.strip() else [])]


def quiz_slide(question):
    """A question with its options; the next step shows the right one."""
    letters = "ABCDEFGH"
    right = next(place for place, option in enumerate(question["options"]) if option["right"])
    options = "".join(f"<li>{inline(option['text'])}</li>" for option in question["options"])
    answer = f"<b>{letters[right]}.</b> {inline(question['options'][right]['feedback'])}"
    notes = "".join(f"<p>{letters[place]}: {inline(option['feedback'])}</p>"
                    for place, option in enumerate(question["options"]))  # fmt: skip
    body = f'<ol type="A">{options}</ol><p class="fragment">{answer}</p>'
    return Slide("quiz", "Quiz", inline(question["ask"]), body, notes)
