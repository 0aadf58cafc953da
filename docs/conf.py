"""The book: Sphinx reads the notebooks with their stored outputs, the docs and the README. `make book` builds it.

Nothing is executed, and no page asks another host for anything. `make book-teacher` adds the exam with its key
(Sphinx' tag `teacher`): two variants with the numbers of DHL_EXAM_SEED, as pages and ready to print.
"""

import base64
import io
import json
import os
import re
import sys
import tomllib
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dhl_helpers import quizzes  # noqa: E402
from dhl_helpers.commands import exam  # noqa: E402
from dhl_helpers.files import write  # noqa: E402
from tools import instructor  # noqa: E402

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REPOSITORY = PYPROJECT["tool"]["book"]["repository"]
PUBLISHED = "/OWNER/" not in REPOSITORY
TEACHER = globals()["tags"].has("teacher")  # Sphinx puts it there
BUILD = ROOT / "build"
CAPTION = re.compile(r"\*Figure: (.+?)\*\s*(?:\n\n|$)", re.DOTALL)
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION", re.DOTALL | re.MULTILINE)
QUIZ = re.compile(r"^## Quiz$.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
EXAM_LINK = re.compile(r"\[([^\]]+)\]\((?:docs/instructor/)?exam(?:_key)?\.md\)")
ONLY = re.compile(r"^<!-- (teacher|published) -->\n(.*?)^<!-- \1:end -->\n", re.DOTALL | re.MULTILINE)

project = "Deep Hybrid Learning for radiographs"
author = "The Deep Hybrid Learning course authors"
copyright = f"{author}. Text and figures: CC BY 4.0; code: MIT. Not for diagnosis"
version = release = PYPROJECT["project"]["version"]
language = "en"

extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design", "sphinxcontrib.bibtex"]
root_doc = "index"
include_patterns = ["*.md", "docs/**", "notebooks/**", "data_samples/*.md", "data_samples/weights/*.md"]
exclude_patterns = [".*", "**/.ipynb_checkpoints", "docs/instructor/exam*.md"]
if TEACHER:
    include_patterns.append("build/exam/*.md")
    exclude_patterns.pop()
nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "image/png", 0)]
nb_code_prompt_show = "Show a solution"
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
bibtex_bibfiles = ["references.bib"]
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["book.css"]
html_copy_source = True
html_sourcelink_suffix = ""
html_show_search_summary = False  # it would be the top of the page; _static/excerpts.js shows the place that was found
html_context = {"default_mode": "auto"}  # light or dark as the system is, until the reader chooses
html_theme_options = {
    "navbar_persistent": [],  # one search field, in the side bar, is enough
    "use_download_button": True,
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
if PUBLISHED:  # before that a button would lead nowhere
    html_theme_options |= {
        "repository_url": REPOSITORY,
        "repository_branch": PYPROJECT["tool"]["book"]["branch"],
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }


def for_the_book(app, docname, source):
    """Change a page on its way into the book; the download is the file as it is."""
    if Path(app.env.doc2path(docname)).suffix == ".ipynb":
        source[0] = json.dumps(of_the_book(json.loads(source[0]), Path(docname).name))
        return
    if docname == "index":
        source[0] = source[0].replace("<!-- cards -->", cards())
    if docname.startswith("build/exam/"):
        printed = f"\n\n[This page as PDF, ready to print]({Path(docname).name}.pdf)\n"
        source[0] = source[0].replace("\n", printed, 1)
    shown = {"teacher": TEACHER, "published": PUBLISHED}
    source[0] = ONLY.sub(lambda found: found[2] * shown[found[1]], source[0])
    if not TEACHER:
        source[0] = EXAM_LINK.sub(r"\1", source[0])


def of_the_book(notebook, name):
    """A notebook with each solution folded, its quiz marked in the page, and an alternative text for each figure.

    The text is the beginning of `*Figure: ...*` in the cell after the figure: one sentence, or two if the first is
    short. The whole stands below the figure and need not be read out twice.
    """
    cells = []
    for cell, after in zip(notebook["cells"], [*notebook["cells"][1:], {"source": ""}], strict=True):
        code, caption = "".join(cell["source"]), CAPTION.match("".join(after["source"]))
        if "dhl.quiz(" in code and cell["cell_type"] == "code":
            continue  # its form stands below the heading
        cells.append(cell)
        if cell["cell_type"] != "code":
            number = name[:2]
            if QUIZ.search(code) and (quizzes.PLACE / f"{number}.toml").exists():
                form = quizzes.form(number, quizzes.load(number))
                cell["source"] = QUIZ.sub(lambda _, form=form: f"## Quiz\n\n{form}\n\n", code)
            continue
        if SOLUTION.search(code):  # the open exercise, and below it the solution, folded
            cells.append(cell | {"source": SOLUTION.sub(lambda found: found[2].rstrip("\n"), code),
                                 "id": f"{cell['id']}-solution", "metadata": {"tags": ["hide-input"]}})  # fmt: skip
            cell["source"] = SOLUTION.sub(r"\1...  # your code", code)
        if caption:
            cell["metadata"].setdefault("mystnb", {})["image"] = {"alt": alternative(caption[1])}
    return notebook | {"cells": cells}


def alternative(caption):
    """The beginning of a caption as the alternative text of its figure."""
    said = re.sub(r"[*`]", "", " ".join(caption.split()))
    alt = re.match(r".{40,}?[.](?= |$)|.+", said)[0].rstrip(".")
    return alt[0].upper() + alt[1:]


def cards():
    """A card for each notebook: its first figure, its question, minutes and points."""
    notebooks = {path: nbformat.read(path, as_version=4) for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}
    questions, parts = instructor.questions(notebooks), [":::::{grid} 1 2 2 3\n:gutter: 3\n"]
    for path, notebook in notebooks.items():
        title, reading, exercises, points = instructor.facts(notebook)
        picture, alt = thumbnail(notebook, path.stem)
        parts.append(
            f"::::{{grid-item-card}} {title}\n:link: notebooks/{path.stem}\n:link-type: doc\n:link-alt: {title}\n"
            f":img-top: /{picture}\n:img-alt: {alt}\n\n{questions[path.name]}\n\n"
            f":::{{card-footer}}\n{reading + exercises} minutes, {sum(points)} points\n:::\n::::\n"
        )
    return "\n".join([*parts, ":::::"])


def thumbnail(notebook, name):
    """The first figure of a notebook, 640 pixels wide, as a file; returns its place in the repository and its text."""
    cell, after = next(
        (cell, after) for cell, after in zip(notebook.cells, notebook.cells[1:], strict=False)
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
    )  # fmt: skip
    png = next(output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    image = Image.open(io.BytesIO(base64.b64decode(png)), formats=["PNG"]).convert("RGB")
    image.thumbnail((640, 640))
    place = BUILD / "thumbnails" / f"{name}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(128).save(made := io.BytesIO(), "PNG")
    write(place, made.getvalue())  # whole at once: the teacher's book may be built beside this
    return place.relative_to(ROOT).as_posix(), alternative(CAPTION.match(after.source)[1])


def remember(app, pagename, templatename, context, doctree):
    """Keep the text of each section for the excerpts of the search, and load them there."""
    if pagename == "search":
        app.add_js_file("texts.js")
        app.add_js_file("excerpts.js")
    if doctree is None:
        return
    page = BeautifulSoup(context["body"], "html.parser")
    for part in page.select("script, style, .headerlink, math, nav"):
        part.decompose()
    found = []
    for section in page.select("section[id]"):
        own = [child for child in section.children if getattr(child, "name", None) != "section"]
        text = " ".join(" ".join(child.get_text(" ") if child.name else child for child in own).split())
        found.append([section["id"], re.sub(r" ([,.;:)])|(?<=\() ", r"\1", text)])
    app.env.texts = {**getattr(app.env, "texts", {}), context["pagename"]: found}


def write_texts(app, problem):
    """The texts as a script: unlike data, a page opened from the disk may load it."""
    if problem is None:
        texts = json.dumps(app.env.texts, ensure_ascii=False)
        (Path(app.outdir) / "_static" / "texts.js").write_text(f"window.texts = {texts};\n", encoding="utf-8")


def formula(visitor, node):
    """A formula as MathML, which browsers draw without a script."""
    display = "block" if node.tagname == "math_block" else "inline"
    visitor.body.append(convert(node.astext(), display=display))
    raise SkipNode


def setup(app):
    if TEACHER:
        exam.write(BUILD / "exam", int(os.environ.get("DHL_EXAM_SEED", "0")))
    app.connect("source-read", for_the_book)
    app.connect("html-page-context", remember)
    app.connect("build-finished", write_texts)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))


html_math_renderer = "mathml"
