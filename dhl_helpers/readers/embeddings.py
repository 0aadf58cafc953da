"""A table of embeddings that were computed elsewhere: CSV, Parquet or .npz, one row per image.

Columns (arrays in an .npz): path or id; label; patient; part (train, val, test, external); and the features, either
numbered columns such as f0 to f767 or one column of lists (in an .npz one array of shape (n, d)). docs/embeddings.md
shows how to make one.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ..arrays import read_arrays
from ..errors import DataError
from .embeddings_checks import check_features, complete
from .files import read_csv
from .found import Reader
from .names import tidy

KINDS = {".csv": "CSV", ".parquet": "Parquet", ".npz": ".npz"}
COLUMNS = {"path": ("path", "paths", "id", "ids"), "label": ("label", "labels"), "split": ("part", "parts", "split"),
           "patient_id": ("patient", "patients", "patient_id")}
LISTS = ("features", "embeddings", "embedding")


def read(data_dir, features="", class_names=()):
    """Read a table of embeddings and check it.

    Parameters
    ----------
    data_dir : str or path
        The file.
    features : str
        Where numbered columns of several names are there: their name without the number, for example "f"; or the name
        of the column of lists.
    class_names : list of str, optional
        The order of the classes; by default that of a Parquet file's categories, else alphabetical.

    Returns
    -------
    Found
    """
    table, numbers, names, categories = read_table(data_dir, features)
    return complete(data_dir, table, numbers, names, class_names or categories)


def read_table(file, features=""):
    """The table of a file with the course's column names, its features, and what they are called there.

    Returns
    -------
    table : pandas.DataFrame
        Without the features; path, label, split and patient_id are text, as far as they are there. The index numbers
        the rows from 0, in a CSV as a spreadsheet does.
    numbers : ndarray of float32, shape (n, d)
        Finite.
    names : list of str
        The d columns, for messages.
    categories : list of str
        The order of the classes, where the file tells.
    """
    file = Path(file)
    kind = KINDS.get(file.suffix.lower())
    if kind is None or not file.is_file():
        raise DataError(f"{file}: not a file of embeddings. Give a .csv, .parquet or .npz file with one row per image.")
    try:
        table, lists = {"CSV": _csv, "Parquet": _parquet, ".npz": _npz}[kind](file)
    except DataError:
        raise
    except Exception as error:  # pandas, pyarrow and zipfile raise many kinds
        how = ", texts as np.array(paths, dtype=str) and no pickled objects" if kind == ".npz" else ""
        raise DataError(f"{file}: not a readable {kind} file ({error}). Write it again{how}.") from error
    names = None if _chosen(lists, features) else _numbered(file, table, features)
    values = lists.pop(_chosen(lists, features)) if names is None else table[names]
    numbers, names = check_features(file, table, values, names)
    table = table.drop(columns=names, errors="ignore")
    categories = []
    for name, known in COLUMNS.items():
        there = [column for column in known if column in table]
        if len(there) > 1 and name != "path":
            raise DataError(f"{file}: columns {' and '.join(there)} mean the same. Keep one of them.")
        if name == "label" and there and isinstance(table[there[0]].dtype, pd.CategoricalDtype):
            categories = [str(each) for each in table[there[0]].cat.categories]
        if there:
            table[name] = _text(table[there[0]])
            table = table.drop(columns=there[0] if there[0] != name else [])
    return table, numbers, names, categories


def _csv(file):
    """Every column as text; what is a number is decided later, so that 007 stays a patient of its own."""
    table = read_csv(file, [], wanted=sum(COLUMNS.values(), ()), advice="Give one row per image.")
    numbered = [name.rpartition(".")[0] for name in table if re.search(r"\d\.\d+$", name)]
    if twice := [name for name in numbered if name in table]:
        raise DataError(f"{file}: column {twice[0]!r} is there twice. Rename or remove one.")
    return table, {}


def _parquet(file):
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise DataError(f"{file}: reading Parquet needs pyarrow: pip install pyarrow. Or save it as .npz.") from error
    table = pd.read_parquet(file)
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index()
    table.columns = [str(name) for name in table.columns]
    lists = {name: table.pop(name) for name in list(table)
             if table[name].dtype == object and any(isinstance(cell, list | np.ndarray) for cell in table[name])}
    return table, lists


def _npz(file):
    known = {name for names in COLUMNS.values() for name in names}
    arrays = {name: array.ravel() if name in known and array.ndim == 2 and array.shape[1] == 1 else array
              for name, array in read_arrays(file).items()}  # fmt: skip
    lists = {name: array for name, array in arrays.items() if array.ndim == 2}
    columns = {name: array for name, array in arrays.items() if array.ndim == 1 and name != "class_names"}
    if len({len(array) for array in [*columns.values(), *lists.values()]}) > 1:
        told = ", ".join(f"{name} {len(array)}" for name, array in (columns | lists).items())
        raise DataError(f"{file}: the arrays differ in length ({told}). Each needs one entry per image.")
    columns = {name: array.astype(str) if array.dtype.kind == "S" else array for name, array in columns.items()}
    table = pd.DataFrame(columns, index=range(len(next(iter([*columns.values(), *lists.values()]), []))))
    if "class_names" in arrays:
        _categorise(file, table, arrays["class_names"].astype(str).tolist())
    return table, lists


def _categorise(file, table, class_names):
    """Labels with the order, and where they are numbers also the names, of an array class_names."""
    column = next((name for name in COLUMNS["label"] if name in table), None)
    if column is None:
        return
    labels = table[column]
    if labels.dtype.kind in "iu":
        if not labels.between(0, len(class_names) - 1).all():
            raise DataError(f"{file}: {column} holds {labels.min()} to {labels.max()}; class_names has names for 0 to "
                            f"{len(class_names) - 1}. Correct one of them.")  # fmt: skip
        labels = np.array(class_names)[labels]
    table[column] = pd.Categorical(labels, class_names)


def _chosen(lists, features):
    """The column of lists that holds the features, or nothing."""
    if features:
        return features if features in lists else None
    usual = [name for name in LISTS if name in lists]
    return (usual or (list(lists) if len(lists) == 1 else [None]))[0]


def _numbered(file, table, features):
    """The columns f0, f1, ... in the order of their numbers."""
    stems = {}
    for name in table:
        if (found := re.fullmatch(r"(.*?)(\d+)", name)) is not None:
            stems.setdefault(found[1], {}).setdefault(int(found[2]), []).append(name)
    stems = {stem: columns for stem, columns in stems.items() if len(columns) > 1 and features in ("", stem)}
    if len(stems) != 1:
        found = ", ".join(f"{stem}0, {stem}1, ..." for stem in stems) or f"none; its columns: {', '.join(table)[:300]}"
        raise DataError(
            f"{file}: one set of numbered feature columns is needed, such as f0, f1, ..., or one column of lists (in "
            f"an .npz an array of shape (n, d)) called features. Found: {found}. Rename them, or choose with features=."
        )
    ((stem, columns),) = stems.items()
    first = min(columns)
    lacking = sorted(set(range(first, first + len(columns))) - set(columns))
    twice = [names for names in columns.values() if len(names) > 1]
    if lacking or twice or first > 1:
        what = f"{stem}{lacking[0]} is missing" if lacking else f"they begin with {stem}{first}"
        what = f"{' and '.join(twice[0])} have one number" if twice else what
        raise DataError(f"{file}: the feature columns {stem}... are not complete: {what}. Number them from 0 or 1 on.")
    return [columns[number][0] for number in sorted(columns)]


def _text(column):
    """A column as text, None where it is empty; 3.0 of a column of numbers with gaps is 3."""
    empty = column.isna().to_numpy()
    values = column.astype(object).to_numpy()
    if column.dtype.kind == "f" and (column.dropna() % 1 == 0).all():
        values = [value if gone else int(value) for value, gone in zip(values, empty, strict=True)]
    texts = [None if gone else tidy(str(value)) or None for value, gone in zip(values, empty, strict=True)]
    return pd.Series(texts, column.index, dtype=object)


SETS = {
    "embeddings": Reader(
        title="Features that were made elsewhere: a table without pixels",
        read=read,
        needs="data_dir: a .csv, .parquet or .npz file",
        labels="column label",
        split="column part",
        patient="column patient",
        checked="files of this format that the tests write",
        marks=("*.csv", "*.parquet", "*.npz"),
    )
}
