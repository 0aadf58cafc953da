"""Dealing patients into parts, so that no patient and no picture is in two and each class is in all."""

import warnings

import numpy as np
import pandas as pd

from .duplicates import pictures, together
from .errors import DataError, check_seed, listing
from .pixels import dicom
from .readers import REGISTRY

PARTS = ("train", "val", "test", "external")


def name_patients(table, name, arrays, warn=False):
    """Add the column patient_id where the source has none: from DICOM headers, else each image counts as a patient.

    Parameters
    ----------
    table : pandas.DataFrame
        Changed in place.
    name : str
        The data set's name, for messages.
    arrays : bool
        Whether the pixels come from an array, and `path` names no files.
    warn : bool
        Whether to warn of images that count as a patient because nothing says whose they are.

    Returns
    -------
    int
        How many images those are.

    Raises
    ------
    DataError
        If there is such a column with gaps.
    """
    if "patient_id" in table:
        if table["patient_id"].isna().any():
            raise DataError(f"{table['patient_id'].isna().sum()} images of {name!r} have no patient. Correct its list.")
        return 0
    numbers = np.full(len(table), -1) if arrays else dicom.patients(table["path"])
    alone = numbers < 0
    numbers[alone] = numbers.max() + 1 + np.arange(alone.sum())
    table["patient_id"] = numbers
    if warn and alone.any():
        which = "" if alone.all() else f" of {alone.sum()} images"
        said = f"{name!r} does not say whose image is whose{which}: each image counts as one patient."
        warnings.warn(said, stacklevel=3)
    return int(alone.sum())


def parts_of(data, seed):
    """The part of each image, ndarray of object (n,), as `Radiographs.split` says; DataError where it does."""
    check_seed(seed)
    parts = data.table["split"].to_numpy().copy() if "split" in data.table else np.full(len(data), "train", object)
    official, shown = set(parts), pictures(data.features if hasattr(data, "features") else data.images)
    groups = together(data.patients, shown)
    if "train" not in official:
        there = ", ".join(sorted(official))
        raise DataError(f"{data.name!r} has the parts {there} and no part train. Add one, or leave the parts out, so "
                        "that patients are dealt.")  # fmt: skip
    if "test" not in official:
        deal(data, parts, {"val": 0.2, "test": 0.2} if "val" not in official else {"test": 0.2}, seed, groups)
    elif "val" not in official:
        deal(data, parts, {"val": 0.2}, seed, groups)
    shared = data.table.assign(split=parts).groupby("patient_id")["split"].nunique()
    if (shared > 1).any():
        raise DataError(
            f"{data.name!r}: {(shared > 1).sum()} patients are in two parts of the official split, for example "
            f"{shared.index[shared > 1][0]}. Remove the column `split` from the table to split by patient."
        )
    _same_picture_in_two_parts(data, parts, shown)
    _complete(data, parts)
    return parts


def _same_picture_in_two_parts(data, parts, shown):
    """DataError where an official split has one picture in two parts; a publisher's split is kept, and it is said."""
    table = data.table.assign(split=parts)[shown >= 0]
    same = [rows["path"] for _, rows in table.groupby(shown[shown >= 0]) if rows["split"].nunique() > 1]
    if not same:
        return
    said = f"{data.name!r}: {len(same)} pictures are in two parts of the official split"
    reader = REGISTRY.get(data.name.partition(":")[0])
    if reader and reader.source:
        warnings.warn(f"{said}, which is the publisher's and is kept; for example {' = '.join(same[0])}.", stacklevel=4)
    else:
        raise DataError(f"{said}. Remove the copies:\n{listing([' = '.join(paths) for paths in same])}")


def _complete(data, parts):
    """DataError where a part lacks a class, or has no finding that is present in one image and absent in another."""
    for part in (part for part in PARTS if (parts == part).any()):
        labels = data.labels[parts == part]
        if data.multilabel:
            if not ((labels == 1).any(0) & (labels == 0).any(0)).any():
                raise DataError(f"{data.name!r}: in part {part!r} no finding is present in one image and absent in "
                                "another. Add images to it, or leave it out.")  # fmt: skip
        elif lacking := [name for label, name in enumerate(data.class_names) if not (labels == label).any()]:
            raise DataError(
                f"{data.name!r}: part {part!r} has no image of class {', '.join(map(repr, lacking))}, so nothing can "
                "be fitted or measured on it. Add some, leave the class out, or leave the part out of the split."
            )


def deal(data, parts, shares, seed, groups):
    """Move the given shares of the training patients into new parts, class by class, the rarest class first.

    Parameters
    ----------
    data : Radiographs
    parts : ndarray of object, shape (n,)
        The part of each image; changed in place.
    shares : dict of str to float
    seed : int
    groups : ndarray, shape (n,)
        What stays together: the patient of each image, or several who share a picture.

    Raises
    ------
    DataError
        If a class, or a part, would get no patient.
    """
    training, dealt = np.flatnonzero(parts == "train"), ("train", *shares)
    patients_of = groups[training]
    if data.multilabel:  # images without any finding are one more class
        has = np.column_stack([data.labels == 1, ~(data.labels == 1).any(1)])
    else:
        has = np.eye(data.n_classes, dtype=bool)[data.labels]
    rarest_first = np.argsort(has[training].sum(0), kind="stable").argsort()
    rank = pd.Series(np.where(has[training], rarest_first, has.shape[1]).min(1)).groupby(patients_of).min()
    rng = np.random.default_rng(seed)
    for label in range(has.shape[1]):
        patients = rng.permutation(rank.index[rank == rarest_first[label]].to_numpy(copy=True))
        if len(patients) <= len(shares):
            continue  # too few for each part to get one: they stay in training
        taken = 0
        for part, share in shares.items():
            count = max(1, round(share * len(patients)))
            parts[training[np.isin(patients_of, patients[taken : taken + count])]] = part
            taken += count
    if data.multilabel:
        if not all((parts == part).any() for part in dealt):
            raise DataError(f"{data.name!r}: too few patients for the parts {', '.join(dealt)}. Add images of more.")
        return
    for label, name in enumerate(data.class_names):
        if not all(has[parts == part, label].any() for part in dealt):
            count = len(set(patients_of[data.labels[training] == label]))
            raise DataError(
                f"{data.name!r}: class {name!r} has {count} patients to divide, too few for the {len(dealt)} parts "
                f"{', '.join(dealt)}. Add images of more patients, or leave the class out."
            )
