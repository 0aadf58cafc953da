"""Probabilities, scores and patients of any usual form, checked: one door for every measure."""

from itertools import pairwise

import numpy as np
import pandas as pd

from .errors import DataError
from .labels import as_labels, distinct, numbers, plain


def as_probabilities(probabilities, class_names, multilabel=False):
    """Check probabilities of classes, or of findings each on its own.

    Parameters
    ----------
    probabilities : array-like of float, shape (n, k), or (n,) or (n, 1) of the second of two classes
        A DataFrame whose columns are the names may have them in another order.
    class_names : list of str
    multilabel : bool
        Whether an image can have several findings: then rows need not sum to one.

    Returns
    -------
    ndarray of float64, shape (n, k)

    Raises
    ------
    DataError
        If the shape does not fit, a value is not finite or outside 0 to 1, or a row does not sum to one.
    """
    class_names = distinct(class_names)
    p, k = numbers(probabilities, "Probabilities", class_names), len(class_names)
    if k == 2 and not multilabel and (p.ndim == 1 or p.ndim == 2 and p.shape[1] == 1):
        p = np.column_stack([1 - p.ravel(), p.ravel()])
    if k == 1 and p.ndim == 1:
        p = p[:, None]
    if p.ndim != 2 or p.shape[1] != k:
        form = "(n, 2), or (n,) for the second class" if k == 2 and not multilabel else f"(n, {k})"
        raise DataError(f"Probabilities have shape {p.shape}; with {k} classes give {form}.")
    if not np.isfinite(p).all():
        rows = np.flatnonzero(~np.isfinite(p).all(1))
        raise DataError(
            f"Probabilities hold NaN or infinity in {len(rows)} rows, first in row {rows[0]}: did the model diverge?"
        )
    if (p < -1e-6).any() or (p > 1 + 1e-6).any() or not (multilabel or sum_to_one(p)):
        summing = "" if multilabel else " and sum to one in each row (pass multilabel=True for findings that do not)"
        raise DataError(f"Probabilities must lie in 0 to 1{summing}; use predict_proba, not scores.")
    return p


def sum_to_one(p):
    """Whether each row of probabilities (n, k) sums to one, within the precision of float16."""
    return np.allclose(p.sum(1), 1, atol=1e-3)


def as_positive(positive, scores, least=1):
    """Check which images are positive, and the score of each.

    Parameters
    ----------
    positive : array-like of bool or 0 and 1, shape (n,)
    scores : array-like of float, shape (n,)
    least : int
        How many images of each class there must be.

    Returns
    -------
    positive : ndarray of bool, shape (n,)
    scores : ndarray of float64, shape (n,)

    Raises
    ------
    DataError
        If they are not equally long, hold other values, or there are too few images of a class.
    """
    same_rows(labels=positive, scores=scores)
    try:
        positive = as_labels(positive, ["False", "True"]).astype(bool)
    except DataError as error:
        raise DataError(f"For each image tell whether it is positive, True or False, 1 or 0. {error}") from error
    scores = numbers(scores, "Scores")
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores
    if positive.shape != scores.shape:
        raise DataError(
            f"Two equally long rows are needed, here {positive.shape} and {scores.shape}: which images are positive, "
            "and one score for each (of two columns the second, p[:, 1])."
        )
    if not np.isfinite(scores).all():
        raise DataError(f"{(~np.isfinite(scores)).sum()} scores are NaN or infinite: did the model diverge?")
    if min(positive.sum(), (~positive).sum()) < least:
        found = f"{positive.sum()} positive and {(~positive).sum()} negative images"
        raise DataError(f"{found}: at least {least} of each are needed.")
    return positive, scores


def same_rows(**columns):
    """Refuse columns (labels, probabilities, patients) of different length or order, or without images.

    Raises
    ------
    DataError
        Pandas objects are in different order where their indices differ, unless one merely counts from 0 on and the
        other has other entries.
    """
    columns = {name: each for name, each in columns.items() if each is not None or name != "patients"}
    for name, each in columns.items():
        if isinstance(each, (str, bytes)) or not hasattr(each, "__len__") or getattr(each, "ndim", 1) == 0:
            raise DataError(f"{name}: give one entry for each image, here {each!r}.")
    if len({len(each) for each in columns.values()}) > 1:
        found = ", ".join(f"{len(each)} {name}" for name, each in columns.items())
        raise DataError(f"These must be equally long: {found}.")
    indices = {name: each.index for name, each in columns.items() if isinstance(each, (pd.Series, pd.DataFrame))}
    for (name, index), (other, its) in pairwise(indices.items()):
        counted = index.equals(pd.RangeIndex(len(index))) or its.equals(pd.RangeIndex(len(its)))
        if not index.equals(its) and (not counted or set(index) == set(its)):
            raise DataError(
                f"The index of {name} is not that of {other}: do their rows belong together? Sort both alike, or pass "
                ".to_numpy() of both."
            )
    if not all(map(len, columns.values())):
        raise DataError("There are no images: nothing can be measured.")


def as_patients(patients):
    """Whose image each one is, as ndarray (n,), or None; DataError where it is not told for each."""
    if patients is None:
        return None
    patients = plain(patients, "patients")
    patients = patients[:, 0] if patients.ndim == 2 and patients.shape[1] == 1 else patients
    if patients.ndim != 1:
        raise DataError(f"patients have shape {patients.shape}; give (n,): whose image each one is.")
    if pd.isna(patients).any():
        raise DataError(
            f"{pd.isna(patients).sum()} entries of patients are missing (NaN). Fill them in or pass patients=None."
        )
    return patients
