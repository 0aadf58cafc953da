"""The copies made of a notebook, open or solved, and the marks by which nbgrader grades them."""

import ast
import re
from pathlib import Path

from ..errors import DataError
from ..files import try_out
from ..locks import LOCK, lock
from ..written import Written
from ._series import NOTEBOOKS, select

STUB = '# Your code in place of this line:\nraise NotImplementedError("not done yet")'
SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION.*?### END SOLUTION[ \t]*$", re.DOTALL | re.MULTILINE)
HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*\n?", re.DOTALL | re.MULTILINE)
MARKER = re.compile(r"^[ \t]*### (?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)[^\n]*\n?", re.MULTILINE)


def add_arguments(parser, out):
    """The options of the commands that write copies."""
    parser.add_argument("--out", default=out, metavar="DIR", help=f"where to write (default: {out})")
    parser.add_argument("--notebooks", default=NOTEBOOKS, metavar="DIR", help="where the notebooks are")
    return parser


def opened(notebook):
    """The notebook without outputs and hidden tests, each solution replaced by a line that raises."""
    for cell in code_cells(cleared(notebook)):
        cell.source = HIDDEN.sub("", SOLUTION.sub(lambda at: re.sub("^", at[1], STUB, flags=re.MULTILINE), cell.source))
    return notebook


def solved(notebook):
    """The notebook without outputs, its solutions and hidden tests in place and their markers gone."""
    for cell in code_cells(cleared(notebook)):
        cell.source = MARKER.sub("", cell.source).rstrip("\n")
    return notebook


def cleared(notebook):
    """The notebook without outputs."""
    from nbconvert.preprocessors import ClearOutputPreprocessor

    return ClearOutputPreprocessor().preprocess(notebook, {})[0]


def code_cells(notebook):
    """The code cells of a notebook, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def exercises(notebook):
    """The exercises of a notebook.

    Returns
    -------
    list of (str, NotebookNode, NotebookNode, int)
        The function to write, the cell that it is written in, the cell that checks it, and the points to earn: as many
        as the check has tests.
    """
    found = []
    for cell, after in zip(code_cells(notebook), code_cells(notebook)[1:], strict=False):
        if SOLUTION.search(cell.source):
            call = next(node for node in ast.walk(ast.parse(after.source)) if is_check(node))
            found.append((call.args[0].id, cell, after, len(call.args[1].elts)))
    return found


def is_check(node):
    """Whether a node of a syntax tree calls `dhl.check`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "dhl.check"


def marked(notebook):
    """The notebook with nbgrader's metadata: points for each check, and every other code cell locked."""
    marks = {}
    for name, cell, check, points in exercises(notebook):
        marks[cell.id] = {"grade_id": name, "solution": True, "grade": False, "locked": False}
        marks[check.id] = {"grade_id": f"{name}_check", "solution": False, "grade": True, "locked": True,
                           "points": points}  # fmt: skip
    for cell in code_cells(notebook):
        locked = {"grade_id": f"cell_{cell.id}", "solution": False, "grade": False, "locked": True}
        cell.metadata["nbgrader"] = marks.get(cell.id, locked) | {"schema_version": 3, "task": False}
    return notebook


def write(args, make):
    """Write `make(notebook)` of each notebook to `args.out`, and keep each copy that was changed since.

    Of two commands at once the second waits for the first.
    """
    import nbformat

    out = Path(args.out)
    if out.resolve() == Path(args.notebooks).resolve():
        raise DataError(f"--out {out}: would write over the notebooks themselves; choose another folder.")
    series = select(args.notebooks)
    try_out(out)
    with lock(out / LOCK):
        written, kept = Written(out), []
        for path in series:
            content = nbformat.writes(make(marked(nbformat.read(path, as_version=4)))).encode("utf-8")
            if written.foreign([path.name]) and not same(out / path.name, content):
                kept.append(path.name)
            else:
                written.write(path.name, content)
    print(f"{len(series) - len(kept)} notebooks are fresh in {out}.")
    if kept:
        print(f"Kept as you changed them: {', '.join(kept)}. Rename or delete one to get a fresh copy.")


def same(file, content):
    """Whether a file holds exactly this."""
    return file.is_file() and file.read_bytes() == content
