"""The copies made of a notebook, open or solved, and the marks by which nbgrader grades them."""

import ast
import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

from ..errors import DataError
from ..files import try_out
from ..locks import LOCK, lock
from ..points import is_check
from ..written import Written
from ._series import NOTEBOOKS, read, select

STUB = '# Your code in place of this line:\nraise NotImplementedError("not done yet")'
STUCK_ID = "-stuck"
STUCK = (
    "*Stuck? Run the check: it shows what your function returned, and a hint. "
    "[A solution]({}) is in the solved copy of this notebook.*"
)
LINK = re.compile(r"(\]\(|^\[[^\]]+\]: )(\.\./[^)\s#]+)", re.MULTILINE)  # in a notebook, to the rest of the course
SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION.*?### END SOLUTION[ \t]*$", re.DOTALL | re.MULTILINE)
HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*\n?", re.DOTALL | re.MULTILINE)
MARKER = re.compile(r"^[ \t]*### (?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)[^\n]*\n?", re.MULTILINE)


def add_arguments(parser, out):
    """The options of the commands that write copies."""
    parser.add_argument("--out", default=out, metavar="DIR", help=f"where to write (default: {out})")
    parser.add_argument("--notebooks", default=NOTEBOOKS, metavar="DIR", help="where the notebooks are")
    return parser


def opened(notebook):
    """The notebook without outputs and hidden tests, each solution replaced by a line that raises.

    The source of a check is folded, because it holds the hints; below it is the way to a solution.
    """
    from nbformat.v4 import new_markdown_cell

    checks = {check.id for _, _, check, _ in exercises(notebook)}
    for cell in code_cells(cleared(notebook)):
        cell.source = HIDDEN.sub("", SOLUTION.sub(lambda at: re.sub("^", at[1], STUB, flags=re.MULTILINE), cell.source))
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.id in checks:
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
            cells.append(new_markdown_cell(STUCK, id=f"{cell.id}{STUCK_ID}"[-64:]))
    notebook.cells = cells
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


def write(source, out, make, solutions=""):
    """Write `make(notebook)` of each notebook of a folder, and keep each copy whose cells were changed since.

    Of two commands at once the second waits for the first.

    Parameters
    ----------
    source, out : str or path
        Where the notebooks are, and where their copies go. Links to other parts of the course lead there from `out`.
    make : callable
        `opened` or `solved`.
    solutions : str
        Where the solved copies are, from `out`.
    """
    import nbformat

    out, series = Path(out), select(source)
    if out.resolve() == Path(source).resolve():
        raise DataError(f"--out {out}: would write over the notebooks themselves; choose another folder.")
    names = [path.name for path in series]
    for warm_up in sorted(series[0].parent.glob("warm_up/*.ipynb")):
        series, names = [*series, warm_up], [*names, f"warm_up/{warm_up.name}"]
    try_out(out)
    with lock(out / LOCK):
        written, kept = Written(out), []
        for path, name in zip(series, names, strict=True):
            notebook = linked(make(marked(read(path))), path.parent, (out / name).parent)
            for cell in notebook.cells:
                if cell.id.endswith(STUCK_ID):
                    cell.source = STUCK.format(os.path.relpath(Path(solutions, name), Path(name).parent))
            notebook.metadata["dhl_helpers"] = {"sources": sources(notebook)}
            content = nbformat.writes(notebook).encode("utf-8")
            if written.foreign([name]) and not same(out / name, content) and not only_run(out / name):
                kept.append(name)
            else:
                written.write(name, content)
    print(f"{len(series) - len(kept)} notebooks are fresh in {out}.")
    if kept:
        print(f"Kept as you changed them: {', '.join(kept)}. Rename or delete one to get a fresh copy.")


def linked(notebook, source, out):
    """The notebook with its links to the rest of the course as they are from `out`."""
    def moved(found):
        try:
            target = os.path.relpath(source.resolve() / found[2], out.resolve())
        except ValueError:  # another drive, on Windows
            return found[0]
        return found[1] + quote(Path(target).as_posix())

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(moved, cell.source)
    return notebook


def sources(notebook):
    """Identify what the cells of a notebook say, whatever they put out; empty ones do not count: str."""
    said = json.dumps([(cell.cell_type, cell.source) for cell in notebook.cells if cell.source.strip()])
    return hashlib.sha256(said.encode()).hexdigest()


def only_run(file):
    """Whether a copy still says in all its cells what was written there: running it is no change."""
    import nbformat

    try:
        notebook = nbformat.read(file, as_version=4)
        return notebook.metadata["dhl_helpers"]["sources"] == sources(notebook)
    except Exception:  # a file of another kind: nbformat raises many kinds
        return False


def same(file, content):
    """Whether a file holds exactly this."""
    return file.is_file() and file.read_bytes() == content
