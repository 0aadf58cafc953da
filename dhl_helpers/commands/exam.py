"""`exam`: the written exam in two variants with numbers of their own, and their keys, ready to print."""

from pathlib import Path

from ..errors import DataError
from ..files import try_out
from ..locks import LOCK, lock
from ..tables import replaced
from ..written import Written
from . import _exam
from ._series import NOTEBOOKS

PLACE = NOTEBOOKS.parent / "docs" / "instructor"


def add_parser(subparsers):
    parser = subparsers.add_parser("exam", help="for teachers: two variants of the exam and their keys, as PDF")
    parser.add_argument("--seed", type=int, required=True, help="a number of your own that decides all numbers")
    parser.add_argument("--out", default="build/exam", metavar="DIR", help="where to write (default: build/exam)")
    return parser


def main(args):
    """Write exam_A, exam_B, key_A and key_B, as Markdown and as PDF."""
    write(Path(args.out), args.seed)
    print(f"Two variants and their keys in {args.out}: *.pdf to print, *.md to read.")


def write(out, seed):
    """Write the variants of the exam and their keys.

    Parameters
    ----------
    out : Path
        A folder, made when absent.
    seed : int
        Decides the numbers of part B.

    Raises
    ------
    DataError
        If reportlab is not installed, which makes the PDF files.
    """
    try:
        from . import _print
    except ImportError:
        raise DataError(
            "exam: reportlab and markdown-it-py are not installed here. `make exam SEED=123` sets up an environment "
            "that has them; otherwise: python -m pip install reportlab markdown-it-py"
        ) from None
    pages = {}
    for letter, drawn in _exam.variants(seed).items():
        for page, name, texts in (
            ("exam.md", f"exam_{letter}", [question for question, _ in drawn]),
            ("exam_key.md", f"key_{letter}", [answer for _, answer in drawn]),
        ):
            title, rest = (PLACE / page).read_text(encoding="utf-8").split("\n", 1)
            text = replaced(f"{title}, variant {letter}\n{rest}", {"computed": _exam.numbered(texts)})
            pages |= {f"{name}.md": text, f"{name}.pdf": _print.pdf(text, to_fill_in=page == "exam.md")}
    try_out(out)
    with lock(out / LOCK):
        written = Written(out)
        written.refuse(pages)
        for name, content in pages.items():
            written.write(name, content)
