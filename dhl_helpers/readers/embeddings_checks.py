"""What a table of embeddings must fulfil. Each fault is named with its row or column."""

import numpy as np
import pandas as pd

from ..errors import DataError, listing
from .found import Found
from .names import in_order, part_of, said_alike, spelt_once

PARTS = ("train", "val", "test", "external")
NAMING = ("path", "paths", "id", "ids")


def check_features(file, table, values, names):
    """The features as numbers, with a name for each column.

    Parameters
    ----------
    file : Path
    table : pandas.DataFrame
        The other columns, to name rows.
    values : pandas.DataFrame, pandas.Series of lists, or ndarray of shape (n, d)
    names : list of str or None
        The columns, where `values` has them.

    Returns
    -------
    numbers : ndarray of float32, shape (n, d)
        Finite.
    names : list of str
    """
    if not len(values):
        raise DataError(f"{file}: no rows. Give a table with one row per image.")
    if isinstance(values, pd.Series):
        widths = np.array([len(row) if isinstance(row, list | np.ndarray) else 0 for row in values])
        usual = np.bincount(widths).argmax()
        if (widths != usual).any():
            row = np.flatnonzero(widths != usual)[0]
            raise DataError(
                f"{file}: {row_name(table, row)} has {widths[row]} numbers where others have {usual}. Use one "
                "model, and one layer of it, for all images."
            )
        values = np.array(values.tolist())
    values = pd.DataFrame(values)
    names = names or [f"number {place}" for place in range(values.shape[1])]
    numeric = values.apply(pd.to_numeric, errors="coerce")
    with np.errstate(over="ignore"):
        numbers = numeric.to_numpy(np.float64).astype(np.float32)
    rows, columns = np.nonzero(~np.isfinite(numbers))
    if len(rows):
        raise DataError(
            f"{file}: {row_name(table, rows[0])}, column {names[columns[0]]} holds "
            f"{str(values.iat[rows[0], columns[0]])!r}, which is no finite float32 number. {len(set(rows))} of "
            f"{len(numbers)} rows have such values: compute them again, or remove the rows."
        )
    return numbers, names


def row_name(table, row):
    """How a message names a row: by its number in the file, and its path or id."""
    called = next((f" ({table[column].iloc[row]})" for column in NAMING if column in table), "")
    return f"row {table.index[row]}{called}"


def complete(file, table, numbers, names, class_names=()):
    """A checked table as a reader returns it.

    Parameters
    ----------
    file : str or path
    table : pandas.DataFrame
        Columns path and label; split and patient_id where known.
    numbers : ndarray of float32, shape (n, d)
    names : list of str
        The d columns.
    class_names : list of str, optional

    Returns
    -------
    Found

    Raises
    ------
    DataError
        If a cell is empty, a row is there twice, a patient or an image is in two parts, or a part holds a class that
        training does not.
    """
    for column, called in (("path", "path or id"), ("label", "label")):
        if column not in table:
            raise DataError(f"{file}: no column {called}; there are: {', '.join(table)[:300] or 'none'}. Add it.")
    rows = [row_name(table, row) for row in range(len(table))]
    for column in ("path", "label", "patient_id", "split"):
        empty = np.flatnonzero(table[column].isna()) if column in table else []
        if len(empty):
            said = {"patient_id": "patient", "split": "part"}.get(column, column)
            empty = listing([rows[i] for i in empty])
            raise DataError(f"{file}: {said} is empty; fill it in or remove the rows:\n{empty}")
    again = table["path"].duplicated(keep=False)
    if again.any():
        said = listing([rows[i] for i in np.flatnonzero(again)])
        raise DataError(f"{file}: images are there more than once. Keep one row for each:\n{said}")
    labels, remarks = spelt_once(table["label"].tolist(), f"{file}: label")
    table = table.assign(label=labels)
    found = in_order(labels)
    class_names = list(class_names) or found
    if set(found) - set(class_names) or len(set(class_names)) < len(class_names):
        said = f"the labels are {', '.join(found)}; class_names has {', '.join(class_names)}"
        raise DataError(f"{file}: {said}. Name each label once.")
    class_names = [name for name in class_names if name in found]
    if len(class_names) < 2:
        raise DataError(f"{file}: all images have the label {found[0]!r}. Add images of a second class.")
    if "split" in table:
        table = table.assign(split=_parts(file, table, rows))
    remarks += _check_numbers(file, table, rows, numbers, names)
    if "patient_id" in table:
        remarks += said_alike(file, table["patient_id"].dropna().drop_duplicates())
    return Found(table.reset_index(drop=True), class_names, remarks=tuple(remarks), features=numbers)


def _parts(file, table, rows):
    """The part of each row; DataError where a patient is in two, or one has a class that training lacks."""
    parts = table["split"].map(part_of)
    strange = np.flatnonzero(parts.isna())
    if len(strange):
        said = f"{rows[strange[0]]} has the part {table['split'].iloc[strange[0]]!r}"
        raise DataError(f"{file}: {said}; parts are called {', '.join(PARTS)}. Rename it, or leave the column out to "
                        "split by patient.")  # fmt: skip
    table = table.assign(split=parts)
    if "patient_id" in table:
        in_parts = table.groupby("patient_id")["split"].unique()
        shared = [f"{patient}: {', '.join(held)}" for patient, held in in_parts.items() if len(held) > 1]
        if shared:
            raise DataError(f"{file}: patients are in several parts. Move each to one, or leave the column part out to "
                            f"split by patient:\n{listing(shared)}")  # fmt: skip
    known = set(table["label"][table["split"] == "train"])
    unknown = np.flatnonzero(~table["label"].isin(known))
    if len(unknown):
        label, part = table[["label", "split"]].iloc[unknown[0]]
        raise DataError(
            f"{file}: {rows[unknown[0]]} of part {part!r} has the class {label!r}, which no image of part 'train' has: "
            "a head would not know it. Add training images of this class, or remove its rows."
        )
    return parts


def _check_numbers(file, table, rows, numbers, names):
    """What is to be said of constant columns, a list of str; DataError where one image is in two parts."""
    constant = np.flatnonzero((numbers == numbers[0]).all(0))
    if len(constant) == numbers.shape[1]:
        raise DataError(f"{file}: all rows hold the same numbers. Check how they were computed.")
    same = pd.Series([row.tobytes() for row in numbers + np.float32(0)])  # -0 is 0
    groups = same.groupby(same).indices.values() if "split" in table else []
    across = [group for group in groups if table["split"].iloc[group].nunique() > 1]
    if across:
        said = listing([" = ".join(f"{rows[i]} in {table['split'].iloc[i]}" for i in group) for group in across])
        raise DataError(f"{file}: rows with the same numbers are in several parts: one image. Keep it in one:\n{said}")
    of, example = f"{len(constant)} of {numbers.shape[1]}", names[constant[0]] if len(constant) else ""
    said = f"{file}: {of} feature columns are constant, such as {example}. They tell no images apart."
    return [said] if len(constant) else []
