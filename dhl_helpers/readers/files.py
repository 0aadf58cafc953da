"""What the readers of listed files share: reading a CSV, keeping paths inside the data set, its parts."""

import os
from pathlib import Path

import pandas as pd

from ..errors import DataError, listing


def read_csv(file, columns, header=True):
    """Read a CSV of a public data set, every column as text.

    Parameters
    ----------
    file : Path
    columns : list of str
        Those that must be there; without a header, their names.
    header : bool
    """
    first, names = ("infer", None) if header else (None, columns)
    try:  # index_col=False: some of these files end each line with a comma
        table = pd.read_csv(file, header=first, names=names, dtype=str, index_col=False)
    except Exception as error:  # pandas, gzip and the file system raise a dozen kinds
        raise DataError(f"{file}: not a readable CSV ({error}). Get the file again.") from error
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise DataError(f"{file}: no column {', '.join(lacking)}; there are: {', '.join(table)}. Get the file again.")
    for column in columns[:1]:
        if table[column].isna().any():
            raise DataError(f"{file}: column {column!r} is empty in {table[column].isna().sum()} rows. Remove them.")
    if table.empty:
        raise DataError(f"{file}: no rows. Get the file again.")
    return table


def need(file):
    """`file`, if it is there; DataError otherwise."""
    if not file.is_file():
        raise DataError(f"{file}: not found. Give the folder of the data set, with its own file names, as data_dir.")
    return file


def paths_inside(root, written, file):
    """Paths below `root`; DataError, naming `file` that lists them, where one leads out of it.

    Parameters
    ----------
    root : Path
    written : iterable of str
    file : Path

    Returns
    -------
    list of Path
        Absolute, links followed.
    """
    root, written = Path(root).resolve(), list(written)
    blank = sum(not isinstance(path, str) for path in written)
    if blank:
        raise DataError(f"{file}: {blank} rows do not say which image they belong to. Get the file again.")
    try:
        paths = [Path(os.path.realpath(root / path)) for path in written]
    except ValueError as error:  # a null byte
        raise DataError(f"{file}: not a path in it ({error}). Correct it.") from error
    outside = [path for path in paths if not path.is_relative_to(root)]
    if outside:
        raise DataError(f"{file}: paths may not lead out of {root}. Correct them or give root:\n{listing(outside)}")
    return paths


def numbers(table, columns, allowed, file):
    """Columns of text as float32, empty ones as NaN; DataError where a value is not one of `allowed`."""
    values = table[columns].apply(pd.to_numeric, errors="coerce")
    wrong = (values.isna() & table[columns].notna()) | ~(values.isin(allowed) | values.isna())
    if wrong.any(axis=None):
        column = wrong.any().idxmax()
        known = ", ".join(f"{value:g}" for value in allowed)
        value = table.loc[wrong[column], column].iloc[0]
        raise DataError(
            f"{file}: column {column!r} holds {value!r}, not only {known} and blanks. Get the file again."
        )
    return values.to_numpy("float32")
