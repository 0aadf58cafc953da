"""Is a copy of a data set what it should be? Counts, missing and unreadable files, shared patients, duplicates."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from . import readers
from .duplicates import pictures
from .errors import DataError
from .files import digest
from .labels import labels_of
from .pixels.decode import decode_all
from .radiographs import Radiographs
from .splitting import PARTS, name_patients, parts_of

SIDE = 32  # pixels: enough to tell any two films apart


def validate(name, data_dir="", on_error="raise", depth=None, **options):
    """Look at every image of a data set.

    Parameters
    ----------
    name, data_dir, depth, **options
        As for `load_dataset`.
    on_error : {"raise", "skip"}
        Changes nothing here: images that cannot be read are problems.

    Returns
    -------
    counts : pandas.DataFrame
        Images by class (rows; an image with several findings counts for each) and part (columns), then the number of
        patients, where all are known.
    problems : pandas.DataFrame
        Columns problem, where: missing and unreadable files, patients in two parts, identical files and pictures within
        a part and across parts, a set that cannot be split; and as remarks what is left out and whose patients are
        unknown. Empty if there are none.

    Raises
    ------
    DataError
        If the data set cannot be listed.
    """
    found = readers.read(name, data_dir, options)
    table, paths = found.table, found.images is None and found.features is None
    problems = [("remark", remark) for remark in found.remarks]
    alone = name_patients(table, name, arrays=not paths)
    if alone:
        which = "each image" if alone == len(table) else f"each of {alone} images"
        said = f"{which} counts as one patient: images of one can be on two sides of a split"
        problems.append(("patients unknown", said))
    if found.features is not None:  # reading has checked them
        return _counts(table, found, alone), pd.DataFrame(problems, columns=["problem", "where"])
    if paths:
        missing = ~table["path"].map(lambda path: Path(path).is_file())
        problems += [("missing", str(path)) for path in table["path"][missing]]
        present = np.flatnonzero(~missing)
    else:
        present = np.arange(len(table))
    sources = table["path"].iloc[present].tolist() if paths else found.images
    images, failed, _, remarks = decode_all(sources, SIDE, 1, f"reading {name}", depth)
    problems += [("remark", remark) for remark in remarks]
    problems += [("unreadable", f"{table['path'][present[row]]}: {reason}") for row, reason in failed.items()]
    good = np.setdiff1d(np.arange(len(present)), list(failed))
    images, rows = images[good], present[good]
    problems += _shared(table) + _duplicates(table, present, rows, images, found.images)
    if not _shared(table):
        problems += _unsplit(found, table, rows, images, name)
    return _counts(table, found, alone), pd.DataFrame(problems, columns=["problem", "where"])


def _counts(table, found, alone):
    parts = table["split"] if "split" in table else pd.Series("all", table.index)
    if found.findings is None:
        counts = pd.crosstab(table["label"], parts).reindex(found.class_names, fill_value=0)
    else:
        present = pd.DataFrame(found.findings == 1, columns=found.class_names)
        counts = present.groupby(parts).sum().T
        counts.loc["(unknown labels)"] = pd.Series(np.isnan(found.findings).sum(1)).groupby(parts).sum()
    counts = counts[[part for part in ("all", *PARTS) if part in counts]]
    counts.loc["images"] = parts.value_counts()
    if not alone:
        counts.loc["patients"] = table.groupby(parts)["patient_id"].nunique()
    return counts.rename_axis(index=None, columns=None)


def _shared(table):
    if "split" not in table:
        return []
    parts = table.groupby("patient_id")["split"].unique()
    return [("patient in two parts", f"{patient}: {', '.join(map(str, both))}") for patient, both in parts.items()
            if len(both) > 1]  # fmt: skip


def _duplicates(table, present, rows, images, arrays):
    """Files of the same bytes, then images of the same pixels in different files."""
    if arrays is None:
        digests = table["path"].iloc[present].map(digest)
    else:
        digests = pd.Series([hashlib.sha256(image.tobytes()).hexdigest() for image in arrays])
    shown = pd.Series(pictures(images), index=rows)
    same = [("identical", group) for group in digests.groupby(digests).groups.values()]
    same += [("same picture", group) for group in shown[shown >= 0].groupby(shown).groups.values()
             if digests[group].nunique() > 1]  # fmt: skip
    problems = []
    for kind, group in same:
        if len(group) > 1:
            across = "split" in table and table.loc[group, "split"].nunique() > 1
            kind += " in two parts" if across else ""
            if table.loc[group, "label"].nunique() > 1:
                kind += ", labels differ"
            problems.append((kind, " = ".join(map(str, table.loc[group, "path"]))))
    return problems


def _unsplit(found, table, rows, images, name):
    """What `Radiographs.split` would refuse, or nothing."""
    kept = table.iloc[rows].reset_index(drop=True)
    kept["path"] = kept["path"].astype(str)
    if kept.empty:
        return [("not usable", "no image can be read")]
    try:
        labels = labels_of(kept, found.class_names, None if found.findings is None else found.findings[rows], name)
    except DataError as error:
        return [("not usable", str(error))]
    data = Radiographs(images, labels, found.class_names, kept, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts_of(data, 0)
    except DataError as error:
        return [("cannot be split", str(error))]
    return []
