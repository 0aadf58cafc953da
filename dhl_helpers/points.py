"""The points of a learner, kept beside the copies that are worked in, and what to do next."""

import ast
import json
from pathlib import Path

from .errors import DataError
from .files import write
from .written import MANIFEST

POINTS = ".points.json"  # beside the copies: the best mark of each exercise


def key(function, expectation):
    """What tells exercises apart: the name of the function, and the first thing that is expected of it."""
    return f"{function}: {expectation}"


def keep_points(exercise, points):
    """Remember the best mark of an exercise, in a folder of copies; elsewhere, and on a full disk, nothing is kept."""
    if not Path(MANIFEST).is_file():
        return
    try:
        kept = earned(".")
        write(POINTS, json.dumps(kept | {exercise: max(points, kept.get(exercise, 0))}, indent=1, ensure_ascii=False))
    except OSError:
        pass  # the mark was shown; only the report will lack it


def earned(folder):
    """The best marks that a folder of copies holds: dict of str to int; none where the file is absent or damaged."""
    try:
        kept = json.loads(Path(folder, POINTS).read_bytes())
        return {str(exercise): int(points) for exercise, points in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def progress_table(folder="."):
    """The points of each notebook in a folder of copies.

    Parameters
    ----------
    folder : str or path
        What `python -m dhl_helpers student` wrote.

    Returns
    -------
    pandas.DataFrame
        notebook, points, of, exercises done, exercises; one row per notebook.

    Raises
    ------
    DataError
        If the folder holds no copies, or a damaged one.
    """
    import pandas as pd

    kept, rows = earned(folder), []
    for path in sorted(Path(folder).glob("[0-9][0-9]_*.ipynb")):
        to_earn = exercises_in(path)
        points = {exercise: min(kept.get(exercise, 0), most) for exercise, most in to_earn.items()}
        done = sum(points[exercise] == most for exercise, most in to_earn.items())
        rows.append((path.stem, sum(points.values()), sum(to_earn.values()), done, len(to_earn)))
    if not rows:
        raise DataError(f"{folder}: no copies of the notebooks. Write them with: python -m dhl_helpers student")
    return pd.DataFrame(rows, columns=["notebook", "points", "of", "exercises done", "exercises"])


def exercises_in(path):
    """The exercises of a notebook by their checks: dict of str to int, the points of each; DataError if damaged."""
    found = {}
    try:
        cells = json.loads(Path(path).read_bytes())["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}: not a notebook that can be read. Rename it, and get a fresh copy with: python -m "
                        "dhl_helpers student") from error  # fmt: skip
    for source in sources:
        try:
            calls = [node for node in ast.walk(ast.parse(source)) if is_check(node)]
        except SyntaxError:  # a learner's unfinished line
            continue
        for call in calls:
            tests = call.args[1].elts
            found[key(call.args[0].id, ast.literal_eval(tests[0].elts[0]))] = len(tests)
    return found


def is_check(node):
    """Whether a node of a syntax tree calls `dhl.check`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "dhl.check"


def progress_report(folder="."):
    """Show the points of each notebook and what to do next.

    Parameters
    ----------
    folder : str or path
        A folder of copies; in one of its notebooks the default.

    Returns
    -------
    pandas.DataFrame
        As `progress_table`; its last row is the sum.
    """
    import pandas as pd

    table = progress_table(folder)
    print(advice(table))
    whole = pd.DataFrame([["all", *table.drop(columns="notebook").sum()]], columns=table.columns)
    return pd.concat([table, whole], ignore_index=True)


def advice(table):
    """What to do next: the first notebook that was begun and not finished, else the first that was not begun."""
    begun = table[(table["points"] > 0) & (table["points"] < table["of"])]
    left = table[table["points"] < table["of"]]
    if len(begun):
        row = begun.iloc[0]
        missing = row["exercises"] - row["exercises done"]
        return f"Next: {row['notebook']}, {missing} of its {row['exercises']} exercises are not complete."
    return f"Next: {left.iloc[0]['notebook']}." if len(left) else "All exercises are done."
