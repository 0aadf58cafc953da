"""`assignment`: a course folder for nbgrader, with an assignment for each notebook."""

import os
import sys
from pathlib import Path

from ..errors import DataError
from ..files import try_out, write
from ..locks import LOCK, lock
from ..written import Written
from . import _copies
from ._series import NOTEBOOKS, read, select

CONFIG = f'''"""Settings of nbgrader for the course; run nbgrader in this folder."""

c = get_config()
c.CourseDirectory.course_id = "dhl"
c.ClearSolutions.code_stub = {{"python": {_copies.STUB!r}}}
c.Execute.timeout = 600  # seconds per cell
'''


def add_parser(subparsers):
    parser = subparsers.add_parser("assignment", help="write the notebooks as assignments for nbgrader")
    parser.add_argument("--out", default="assignments", metavar="DIR", help="the course folder (default: assignments)")
    parser.add_argument("--only", default="", metavar="03,04", help="numbers of the notebooks (default: all)")
    parser.add_argument("--notebooks", default=NOTEBOOKS, metavar="DIR", help="where the notebooks are")
    return parser


def main(args):
    """Write source/NAME/NAME.ipynb with points and solutions, and let nbgrader make release/NAME/NAME.ipynb of it."""
    import nbformat

    try:
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import PyFileConfigLoader
    except ImportError:
        raise DataError(
            "assignment: nbgrader is not installed here. `make assignment` sets up an environment that has it; "
            "otherwise: python -m pip install 'nbgrader>=0.9.6'"
        ) from None
    out, series = Path(args.out).resolve(), select(args.notebooks, args.only)
    try_out(out)
    with lock(out / LOCK):
        written = Written(out)
        written.refuse([name for path in series for name in made(out, path)])
        config = out / "nbgrader_config.py"
        if not config.exists():
            write(config, CONFIG)
        settings = PyFileConfigLoader(str(config)).load_config()
        settings.CourseDirectory.root = str(out)
        grader = NbGraderAPI(config=settings)
        # nbgrader calls alembic by its name, and that lies beside this Python.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        for path in series:
            notebook = _copies.marked(_copies.cleared(read(path)))
            written.write(f"source/{path.stem}/{path.name}", nbformat.writes(notebook) + "\n")
            done = grader.generate_assignment(path.stem)
            if not done["success"]:
                raise DataError(f"{path.name}: nbgrader made no assignment of it: {done.get('log') or done['error']}")
            written.note(made(out, path))
            points = [points for *_, points in _copies.exercises(notebook)]
            print(f"{path.stem:<26}{len(points):3d} exercises {sum(points):4d} points")
    print(f"Assignments in {out / 'release'}; run nbgrader in {out}.")


def made(out, path):
    """The files of an assignment, as names below `out`: its source, and all that nbgrader would write again."""
    released = [file for file in (out / "release" / path.stem).rglob("*") if not file.is_dir()]
    return [f"source/{path.stem}/{path.name}", *(file.relative_to(out).as_posix() for file in released)]
