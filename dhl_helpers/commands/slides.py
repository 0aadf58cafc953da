"""`slides`: a deck of each notebook's key cells, one HTML file each that needs no network."""

from pathlib import Path

from ..files import try_out
from ..locks import LOCK, lock
from ..quizzes import PLACE, load
from ..written import Written
from . import _deck
from ._series import NOTEBOOKS, read, select

ASSETS = NOTEBOOKS.parent / "docs" / "instructor" / "slides"


def add_parser(subparsers):
    parser = subparsers.add_parser("slides", help="write a deck of slides of each notebook")
    parser.add_argument("--out", default="build/slides", metavar="DIR", help="where to write (default: build/slides)")
    parser.add_argument("--only", default="", metavar="03,04", help="numbers of the notebooks (default: all)")
    parser.add_argument("--notebooks", default=NOTEBOOKS, metavar="DIR", help="where the notebooks are")
    return parser


def main(args):
    """Write NAME.html of each notebook that has key cells."""
    from jinja2 import Template
    from pygments.formatters import HtmlFormatter

    series = select(args.notebooks, args.only)
    template = Template((ASSETS / "deck.html.j2").read_text(encoding="utf-8"))
    files = {path.name.replace(".", "_"): path.read_text(encoding="utf-8") for path in ASSETS.glob("*.*s")}
    colours = HtmlFormatter(style="default").get_style_defs(".highlight")
    out = Path(args.out)
    try_out(out)
    with lock(out / LOCK):
        written = Written(out)
        written.refuse([f"{path.stem}.html" for path in series])
        for path in series:
            number = path.name[:2]
            questions = load(number) if (PLACE / f"{number}.toml").exists() else []
            slides = _deck.deck(read(path), questions)
            page = template.render(name=path.stem, slides=slides, files=files, colours=colours)
            written.write(f"{path.stem}.html", page)
            print(f"{path.stem:<26}{len(slides):4d} slides")
    print(f"Open a deck in {out} with a browser. S: speaker's notes, O: overview, ?: all keys.")
