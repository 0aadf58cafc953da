"""`exam`: the written exam in two variants with numbers of their own, and their keys, ready to print."""

from pathlib import Path

from ..errors import DataError
from ..tables import replace
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
    out.mkdir(parents=True, exist_ok=True)
    for letter, drawn in _exam.variants(seed).items():
        for page, name, texts in (
            ("exam.md", f"exam_{letter}", [question for question, _ in drawn]),
            ("exam_key.md", f"key_{letter}", [answer for _, answer in drawn]),
        ):
            copy = out / f"{name}.md"
            text = (PLACE / page).read_text(encoding="utf-8")
            title, rest = text.split("\n", 1)
            copy.write_text(f"{title}, variant {letter}\n{rest}", encoding="utf-8")
            replace(copy, {"computed": _exam.numbered(texts)})
            _print.pdf(copy.read_text(encoding="utf-8"), out / f"{name}.pdf", to_fill_in=page == "exam.md")
