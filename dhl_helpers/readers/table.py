"""Any CSV with one row per image, like the article's `data['Path']`."""

import re
from pathlib import Path

from ..errors import DataError, listing
from .files import paths_inside, read_csv
from .found import Found, Reader
from .names import in_order, part_of, said_alike, spelt_once, tidy

PARTS = ("train", "val", "test", "external")
ALIKE = {"patient_column": r"patient|subject|person|case_?id",
         "split_column": r"^(split|part|fold|subset|set|partition)"}


def read(data_dir, path_column="path", label_column="label", patient_column="patient_id", split_column="split",
         root="", prefix=""):  # fmt: skip
    """List the images of a CSV. Every cell is text: patients 001 and 1 are two patients, "NA" is a class.

    Parameters
    ----------
    data_dir : str or path
        The CSV file; separated by commas, semicolons, tabs or bars, in UTF-8, or in UTF-16 with its mark.
    path_column, label_column : str
        Columns that must be there.
    patient_column, split_column : str
        Used where they are there; must be there when named otherwise than by default. Parts of a split are named
        train, val, test, external, or by their usual other names.
    root : str or path
        The folder that the paths start from; the CSV's own folder by default. No path may lead out of it.
    prefix : str
        Cut off the beginning of each path first, as the article does with the CheXpert paths.
    """
    file = Path(data_dir)
    table = _table(file, [path_column, label_column, patient_column, split_column])
    named = {"path_column": path_column, "label_column": label_column}
    named |= {"patient_column": patient_column} if patient_column != "patient_id" else {}
    named |= {"split_column": split_column} if split_column != "split" else {}
    for option, column in named.items():
        if column not in table:
            raise DataError(f"{file}: no column {column!r}. Name it with {option}; there are: {', '.join(table)}.")
    for column in (path_column, label_column):
        _full(table, column, file)
    paths = _paths(table[path_column], file, root, prefix)
    labels, remarks = spelt_once(table[label_column].tolist(), f"{file}: column {label_column!r}")
    found = table.assign(path=paths, label=labels)
    for column, name in ((patient_column, "patient_id"), (split_column, "split")):
        if column in table:
            if table[column].isna().any():
                rows = int(table[column].isna().sum())
                raise DataError(f"{file}: column {column!r} is empty in {rows} rows. Fill them in or remove the rows.")
            found[name] = table[column].map(tidy)
        elif name in found:
            found = found.drop(columns=name)
    if "split" in found:
        parts = found["split"].map(part_of)
        if strange := sorted(set(found["split"][parts.isna()])):
            raise DataError(f"{file}: column {split_column!r} holds {', '.join(strange)}, not only {', '.join(PARTS)}.")
        found["split"] = parts
    remarks += _doubtful(file, found, {"patient_column": "patient_id", "split_column": "split"})
    return Found(found, in_order(labels), remarks=tuple(remarks))


def films(data_dir, path_column="path", root="", prefix=""):
    """The paths of the images of a CSV that need not say what they show; the options as for `read`."""
    file = Path(data_dir)
    table = _table(file, [path_column])
    if path_column not in table:
        raise DataError(f"{file}: no column {path_column!r}. Name it with path_column; there are: {', '.join(table)}.")
    _full(table, path_column, file)
    return list(dict.fromkeys(_paths(table[path_column], file, root, prefix)))


def _table(file, wanted):
    """The table as text, its separator that by which it has most of the `wanted` columns."""
    if file.is_dir():
        raise DataError(f"{file}: not a readable CSV (a folder). Give the CSV file itself as data_dir.")
    return read_csv(file, [], wanted=wanted, advice="Give the CSV file itself as data_dir, one row per image.")


def _full(table, column, file):
    if table[column].isna().any():
        rows = [f"row {row}" for row in table.index[table[column].isna()]]  # as a spreadsheet counts them
        raise DataError(f"{file}: column {column!r} is empty in rows; fill or remove them:\n{listing(rows)}")


def _paths(written, file, root, prefix):
    """The files that are listed; DataError where some are missing or no files."""
    if prefix:
        written = written.str.removeprefix(prefix).str.lstrip("/\\")
    paths = paths_inside(root or file.parent, written, file)
    missing = [path for path in paths if not path.is_file()]
    if missing:
        of = f"{len(missing)} of {len(paths)}"
        raise DataError(f"{file}: {of} files are missing. Check root and prefix:\n{listing(missing)}")
    return paths


def _doubtful(file, found, kinds):
    """What looks as if it were meant otherwise, as sentences: columns that are not used, ids that a spreadsheet cut."""
    remarks = []
    for option, name in kinds.items():
        unused = [column for column in found.columns.difference(kinds.values(), sort=False)
                 if re.search(ALIKE[option], column.lower())]  # fmt: skip
        if unused and name not in found:
            what = name.removesuffix("_id")
            remarks.append(f"{file}: column {unused[0]!r} is not used. If it says the {what} of each image, give "
                           f"{option}={unused[0]!r}.")  # fmt: skip
    if "patient_id" in found:
        ids = found["patient_id"].drop_duplicates()
        if cut := [each for each in ids if re.fullmatch(r"\d([.,]\d+)?E\+\d+", each)]:
            remarks.append(f"{file}: patients such as {cut[0]} look like long numbers that a spreadsheet has rounded; "
                           "two patients may have become one. Export the column as text.")  # fmt: skip
        remarks += said_alike(file, ids)
    return remarks


SETS = {
    "csv": Reader(
        title="Any CSV with a path, a label and a patient column",
        read=read,
        needs="data_dir: the CSV file",
        labels="column label (option label_column)",
        split="column split (option split_column)",
        patient="column patient_id (option patient_column); in DICOM files, their own",
        on_real_files=True,
        checked="lists of the Kermany set",
    )
}
