"""Is a copy of a data set what it should be? Counts, missing and unreadable files, shared patients, duplicates."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from . import readers
from .pixels import dicom
from .pixels.decode import decode_all


def validate(name, data_dir="", **options):
    """Look at every image of a data set.

    Parameters
    ----------
    name, data_dir, **options
        As for `load_dataset`.

    Returns
    -------
    counts : pandas.DataFrame
        Images by class (rows; an image with several findings counts for each) and part (columns), then the number of
        patients.
    problems : pandas.DataFrame
        Columns problem, where: missing and unreadable files, patients in two parts, byte-identical images within a part
        and across parts. Empty if there are none.

    Raises
    ------
    DataError
        If the data set cannot be listed.
    """
    found = readers.read(name, data_dir, options)
    table = found.table.reset_index(drop=True)
    problems = [("remark", found.remark)] if found.remark else []
    pixels_in_files = found.images is None and found.features is None
    if "patient_id" not in table and pixels_in_files:
        numbers = dicom.patients(table["path"])
        if (numbers >= 0).all():
            table["patient_id"] = numbers
    if "split" not in table:
        table["split"] = "all"
    if pixels_in_files:
        missing = ~table["path"].map(lambda path: Path(path).is_file())
        problems += [("missing", str(path)) for path in table["path"][missing]]
        present = np.flatnonzero(~missing)
        _, failed, _, remarks = decode_all([table["path"][row] for row in present], 8, 1, f"reading {name}")
        problems += [("unreadable", f"{table['path'][present[row]]}: {reason}") for row, reason in failed.items()]
        problems += [("remark", remark) for remark in remarks]
        digests = table["path"][~missing].map(lambda path: hashlib.sha256(Path(path).read_bytes()).digest())
    else:
        rows = found.features if found.images is None else found.images
        digests = pd.Series([hashlib.sha256(image.tobytes()).digest() for image in rows])
    problems += _shared(table) + _duplicates(table, digests)
    return _counts(table, found), pd.DataFrame(problems, columns=["problem", "where"])


def _counts(table, found):
    if found.findings is None:
        counts = pd.crosstab(table["label"], table["split"]).reindex(found.class_names, fill_value=0)
    else:
        present = pd.DataFrame(found.findings == 1, columns=found.class_names)
        counts = present.groupby(table["split"]).sum().T
        counts.loc["(unknown labels)"] = pd.Series(np.isnan(found.findings).sum(1)).groupby(table["split"]).sum()
    order = [part for part in ("all", "train", "val", "test", "external") if part in counts]
    counts = counts[order + [part for part in counts if part not in order]]
    counts.loc["images"] = table["split"].value_counts()
    if "patient_id" in table:
        counts.loc["patients"] = table.groupby("split")["patient_id"].nunique()
    return counts.rename_axis(index=None, columns=None)


def _shared(table):
    if "patient_id" not in table:
        return [("patients unknown", "each image counts as one patient: images of one can be on two sides of a split")]
    parts = table.groupby("patient_id")["split"].unique()
    return [("patient in two parts", f"{patient}: {', '.join(map(str, both))}") for patient, both in parts.items()
            if len(both) > 1]  # fmt: skip


def _duplicates(table, digests):
    problems = []
    for rows in table.loc[digests.index].groupby(digests).groups.values():
        if len(rows) > 1:
            across = table.loc[rows, "split"].nunique() > 1
            kind = "identical in two parts" if across else "identical"
            if "label" in table and table.loc[rows, "label"].nunique() > 1:
                kind += ", labels differ"
            problems.append((kind, " = ".join(map(str, table.loc[rows, "path"]))))
    return problems
