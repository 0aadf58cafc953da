"""The book: Sphinx reads the notebooks with their stored outputs, the docs and the README. `make book` builds it.

Nothing is executed, and no page asks another host for anything.
"""

import json
import re
import tomllib
from pathlib import Path

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REPOSITORY = PYPROJECT["tool"]["book"]["repository"]
CAPTION = re.compile(r"\*Figure: (.+?)\*\s*(?:\n\n|$)", re.DOTALL)
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION", re.DOTALL | re.MULTILINE)

project = "Deep Hybrid Learning for radiographs"
author = "The Deep Hybrid Learning course authors"
copyright = f"{author}. Text and figures: CC BY 4.0; code: MIT. Not for diagnosis"
version = release = PYPROJECT["project"]["version"]
language = "en"

extensions = ["myst_nb", "sphinx_copybutton", "sphinxcontrib.bibtex"]
root_doc = "index"
include_patterns = ["*.md", "docs/**", "notebooks/**", "data_samples/*.md", "data_samples/weights/*.md"]
exclude_patterns = [".*", "build", "my_course", "**/.ipynb_checkpoints"]
nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "image/png", 0)]
nb_code_prompt_show = "Show a solution"
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["dollarmath"]
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
html_context = {"default_mode": "auto"}  # light or dark as the system is, until the reader chooses
html_theme_options = {
    "repository_url": REPOSITORY,
    "repository_branch": PYPROJECT["tool"]["book"]["branch"],
    "path_to_docs": "",
    "launch_buttons": {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    },
    "navbar_persistent": [],  # one search field, in the side bar, is enough
    "use_repository_button": True,
    "use_download_button": True,
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def for_the_book(app, docname, source):
    """Change a notebook on its way into the book: fold each solution, give each figure its alternative text.

    The text is the beginning of `*Figure: ...*` in the cell after the figure: one sentence, or two if the first is
    short. The whole stands below the figure and need not be read out twice. The download is the notebook as it is.
    """
    if Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    cells = []
    for cell, after in zip(notebook["cells"], [*notebook["cells"][1:], {"source": ""}], strict=True):
        code, caption = "".join(cell["source"]), CAPTION.match("".join(after["source"]))
        cells.append(cell)
        if cell["cell_type"] != "code":
            continue
        if SOLUTION.search(code):  # the open exercise, and below it the solution, folded
            cells.append(cell | {"source": SOLUTION.sub(lambda found: found[2].rstrip("\n"), code),
                                 "id": f"{cell['id']}-solution", "metadata": {"tags": ["hide-input"]}})  # fmt: skip
            cell["source"] = SOLUTION.sub(r"\1...  # your code", code)
        if caption:
            said = re.sub(r"[*`]", "", " ".join(caption[1].split()))
            alt = re.match(r".{40,}?[.](?= |$)|.+", said)[0].rstrip(".")
            cell["metadata"].setdefault("mystnb", {})["image"] = {"alt": alt[0].upper() + alt[1:]}
    source[0] = json.dumps(notebook | {"cells": cells})


def formula(visitor, node):
    """A formula as MathML, which browsers draw without a script."""
    display = "block" if node.tagname == "math_block" else "inline"
    visitor.body.append(convert(node.astext(), display=display))
    raise SkipNode


def setup(app):
    app.connect("source-read", for_the_book)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))


html_math_renderer = "mathml"
