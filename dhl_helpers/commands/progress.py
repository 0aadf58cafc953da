"""`progress`: the points of a learner by notebook, or of everybody whose folder of copies lies in a folder."""

from pathlib import Path

from ..errors import DataError
from ..points import progress_report, progress_table
from ..written import MANIFEST


def add_parser(subparsers):
    parser = subparsers.add_parser("progress", help="points by notebook and what to do next; or those of a whole class")
    parser.add_argument("folder", nargs="?", default="my_course", metavar="DIR", help="a folder of copies, or one that "
                        "holds the folders of several learners (default: my_course)")  # fmt: skip
    return parser


def main(args):
    """Print one row per notebook; for a class one row per learner and one column per notebook."""
    import pandas as pd

    folder = Path(args.folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: not a folder. Write copies with: python -m dhl_helpers student --out {folder}")
    if any(folder.glob("[0-9][0-9]_*.ipynb")):
        print(progress_report(folder).to_string(index=False))
        return
    learners = sorted({path.parent for path in folder.glob(f"*/**/{MANIFEST}") if path.parent.name != "solutions"})
    rows = {}
    for learner in learners:
        table = progress_table(learner)
        marks = table["points"].astype(str) + "/" + table["of"].astype(str)
        whole = f"{table['points'].sum()}/{table['of'].sum()}"
        by_notebook = dict(zip(table["notebook"].str[:2], marks, strict=True))
        rows[learner.relative_to(folder).as_posix()] = by_notebook | {"all": whole}
    if not rows:
        raise DataError(f"{folder}: no folders of copies in it. Give the folder that holds those of the learners.")
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("").rename_axis("learner").reset_index()
    print(table.to_string(index=False))
