"""Any CSV with one row an image, like the article's `data['Path']`."""

from pathlib import Path

import pandas as pd

from ..errors import DataError, listing
from .files import paths_inside
from .found import Found, Reader

PARTS = ("train", "val", "test", "external")


def read(data_dir, path_column="path", label_column="label", patient_column="patient_id", split_column="split",
         root=None, prefix=""):  # fmt: skip
    """List the images of a CSV.

    Parameters
    ----------
    data_dir : str or path
        The CSV file.
    path_column, label_column : str
        Columns that must be there.
    patient_column, split_column : str
        Used where they are there; must be there when named otherwise than by default. Parts of a split are named
        train, val, test, external.
    root : str or path, optional
        The folder that the paths start from; the CSV's own folder by default. No path may lead out of it.
    prefix : str
        Cut off the beginning of each path first, as the article does with the CheXpert paths.
    """
    file = Path(data_dir)
    try:
        table = pd.read_csv(file)
    except Exception as error:  # pandas and the file system raise many kinds
        raise DataError(f"{file}: not a readable CSV ({error}). Give the CSV file itself as data_dir.") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas would shift the columns and say nothing
        raise DataError(f"{file}: rows have more fields than the header. Put texts that hold commas in quotes.")
    named = {"path_column": path_column, "label_column": label_column}
    named |= {"patient_column": patient_column} if patient_column != "patient_id" else {}
    named |= {"split_column": split_column} if split_column != "split" else {}
    for option, column in named.items():
        if column not in table:
            raise DataError(f"{file}: no column {column!r}. Name it with {option}; there are: {', '.join(table)}.")
    if table.empty:
        raise DataError(f"{file}: no rows. Give a CSV with one row an image.")
    for column in (path_column, label_column):
        if table[column].isna().any():
            rows = [f"row {row + 2}" for row in table.index[table[column].isna()]]  # as a spreadsheet counts them
            raise DataError(f"{file}: column {column!r} is empty in rows; fill or remove them:\n{listing(rows)}")
    written = table[path_column].astype(str)
    if prefix:
        written = written.str.removeprefix(prefix).str.lstrip("/\\")
    paths = paths_inside(root or file.parent, written, file)
    missing = [path for path in paths if not path.is_file()]
    if missing:
        of = f"{len(missing)} of {len(paths)}"
        raise DataError(f"{file}: {of} files are missing. Check root and prefix:\n{listing(missing)}")
    found = table.assign(path=paths, label=table[label_column].astype(str))
    for column, name in ((patient_column, "patient_id"), (split_column, "split")):
        if column in table:
            if table[column].isna().any():
                rows = int(table[column].isna().sum())
                raise DataError(f"{file}: column {column!r} is empty in {rows} rows. Fill them in or remove the rows.")
            found[name] = table[column]
        elif name in found:
            found = found.drop(columns=name)
    if "split" in found:
        strange = sorted(set(found["split"].astype(str)) - set(PARTS))
        if strange:
            raise DataError(f"{file}: column {split_column!r} holds {', '.join(strange)}, not only {', '.join(PARTS)}.")
    return Found(found, sorted(found["label"].unique()))


SETS = {
    "csv": Reader("Any CSV with a path, a label and a patient column", read, needs="data_dir: the CSV file",
                  labels="column label (option label_column)", split="column split (option split_column)",
                  patient="column patient_id (option patient_column); in DICOM files, their own",
                  checked="on real files")
}  # fmt: skip
