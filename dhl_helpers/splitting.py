"""Dealing patients into parts, so that no patient is in two and each class is in all."""

import warnings

import numpy as np
import pandas as pd

from .errors import DataError
from .pixels import dicom


def name_patients(table, name, arrays):
    """Add the column patient_id where the source has none: from DICOM headers, else each image counts as a patient.

    Parameters
    ----------
    table : pandas.DataFrame
        Changed in place.
    name : str
        The data set's name, for messages.
    arrays : bool
        Whether the pixels come from an array, and `path` names no files.

    Raises
    ------
    DataError
        If there is such a column with gaps.
    """
    if "patient_id" not in table:
        numbers = np.full(len(table), -1) if arrays else dicom.patients(table["path"])
        alone = numbers < 0
        numbers[alone] = numbers.max() + 1 + np.arange(alone.sum())
        table["patient_id"] = numbers
        if alone.any():
            which = "" if alone.all() else f" of {alone.sum()} images"
            said = f"{name!r} does not say whose image is whose{which}: each image counts as one patient."
            warnings.warn(said, stacklevel=3)
    elif table["patient_id"].isna().any():
        raise DataError(f"{table['patient_id'].isna().sum()} images of {name!r} have no patient. Mend its list.")


def parts_of(data, seed):
    """The part of each image, ndarray of object (n,), as `Radiographs.split` says; DataError where it does."""
    parts = data.table["split"].to_numpy().copy() if "split" in data.table else np.full(len(data), "train", object)
    official = set(parts)
    if "test" not in official:
        deal(data, parts, {"val": 0.2, "test": 0.2} if "val" not in official else {"test": 0.2}, seed)
    elif "val" not in official:
        deal(data, parts, {"val": 0.2}, seed)
    shared = data.table.assign(split=parts).groupby("patient_id")["split"].nunique()
    if (shared > 1).any():
        raise DataError(
            f"{data.name!r}: {(shared > 1).sum()} patients are in two parts of the official split, for example "
            f"{shared.index[shared > 1][0]}. Remove the column `split` from the table to split by patient."
        )
    return parts


def deal(data, parts, shares, seed):
    """Move the given shares of the training patients into new parts, class by class, the rarest class first.

    Parameters
    ----------
    data : Radiographs
    parts : ndarray of object, shape (n,)
        The part of each image; changed in place.
    shares : dict of str to float
    seed : int

    Raises
    ------
    DataError
        If a class, or a part, would get no patient.
    """
    training, dealt = np.flatnonzero(parts == "train"), ("train", *shares)
    patients_of = data.patients[training]
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
