"""`student`: copies of the notebooks to work in, without outputs and with the exercises open."""

import hashlib
import json
import re
from pathlib import Path

from ..errors import DataError
from ._series import NOTEBOOKS, select

SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION.*?### END SOLUTION[ \t]*$", re.DOTALL | re.MULTILINE)
STUB = r'\1# Your code in place of this line:\n\1raise NotImplementedError("not done yet")'


def add_parser(subparsers):
    parser = subparsers.add_parser("student", help="write copies of the notebooks whose exercises are open")
    parser.add_argument("--out", default="my_course", metavar="DIR", help="where to write (default: my_course)")
    parser.add_argument("--notebooks", default=NOTEBOOKS, metavar="DIR", help="where the notebooks are")
    return parser


def main(args):
    """Write a copy of each notebook, and keep each copy that was changed since.

    What was written is remembered by its hash in `.written.json`: a copy with another hash holds a learner's work.
    """
    import nbformat

    out = Path(args.out)
    if out.resolve() == Path(args.notebooks).resolve():
        raise DataError(f"--out {out}: would write over the notebooks themselves; choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    memory = out / ".written.json"
    written = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
    fresh, kept = 0, []
    for path in select(args.notebooks):
        copy = out / path.name
        if copy.exists() and digest(copy.read_bytes()) != written.get(path.name):
            kept.append(path.name)
            continue
        content = nbformat.writes(opened(nbformat.read(path, as_version=4))).encode("utf-8")
        copy.write_bytes(content)
        written[path.name] = digest(content)
        memory.write_text(json.dumps(written, indent=1), encoding="utf-8")
        fresh += 1
    print(f"{fresh} notebooks are fresh in {out}.")
    if kept:
        print(f"Kept as you changed them: {', '.join(kept)}. Rename or delete one to get a fresh copy.")


def opened(notebook):
    """The notebook without outputs, each solution replaced by a line that raises NotImplementedError."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = SOLUTION.sub(STUB, cell.source)
            cell.outputs, cell.execution_count = [], None
    return notebook


def digest(content):
    """Identify the content of a file."""
    return hashlib.sha256(content).hexdigest()
