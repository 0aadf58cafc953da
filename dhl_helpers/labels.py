"""Labels of any usual form, as the integers that everything else takes."""

import numpy as np
import pandas as pd

from .errors import DataError, listing


def as_labels(labels, class_names):
    """Bring labels of any usual form to integers.

    Parameters
    ----------
    labels : array-like
        Integers of shape (n,) or (n, 1), one-hot rows of shape (n, k), or class names.
    class_names : list of str

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    DataError
        If a label is missing, is not a class, or the shape fits none of these forms.
    """
    class_names = distinct(class_names)
    labels, k = plain(labels, "Labels", class_names), len(class_names)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if pd.isna(labels).any():
        raise DataError(f"{int(pd.isna(labels).sum())} labels are missing (NaN). Fill them in or leave the images out.")
    if labels.ndim == 2 and labels.shape[1] == k:
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(1) == 1).all()):
            raise DataError("Labels of shape (n, k) must be one-hot: a single 1 in each row, else 0.")
        labels = labels.argmax(1)
    if labels.ndim != 1:
        raise DataError(f"Labels have shape {labels.shape}; give (n,), (n, 1), one-hot (n, {k}) or class names.")
    if labels.dtype == object:  # from a table: integers or names
        labels = np.array(labels.tolist())
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind in "UT":
        positions, bare = pd.Index(class_names).get_indexer(labels), [name.strip() for name in class_names]
        if len(set(bare)) == k:  # a space around a name makes no other class
            stripped = pd.Index(bare).get_indexer(np.char.strip(labels.astype(str)))
            positions = np.where(positions < 0, stripped, positions)
        strange = sorted({str(label) for label in labels[positions < 0]})
    elif labels.dtype.kind in "biuf":
        strange = sorted({str(label) for label in labels[~np.isin(labels, np.arange(k))]})
        positions = labels
    else:
        raise DataError(f"Labels are of type {labels.dtype}; give whole numbers from 0 on, or class names.")
    if strange:
        raise DataError(f"Labels {', '.join(strange[:10])} are none of the classes {class_names}.")
    return positions.astype(np.int64)


def as_findings(labels, names):
    """Check labels of several findings per image.

    Parameters
    ----------
    labels : array-like, shape (n, k)
        1 present, 0 absent, NaN unknown. A DataFrame whose columns are the names may have them in another order.
    names : list of str

    Returns
    -------
    ndarray of float64, shape (n, k)

    Raises
    ------
    DataError
        If the shape does not fit, or there is another value.
    """
    labels = numbers(labels, "Findings", distinct(names))
    if labels.ndim == 1 and len(names) == 1:
        labels = labels[:, None]
    if labels.ndim != 2 or labels.shape[1] != len(names):
        raise DataError(f"Labels have shape {labels.shape}; {len(names)} findings per image need (n, {len(names)}).")
    if not (np.isin(labels, (0, 1)) | np.isnan(labels)).all():
        raise DataError("Several findings per image are told as 1 (present), 0 (absent) and NaN (unknown) only.")
    return labels


def holds_findings(labels, class_names):
    """Whether labels alone say that an image can have several findings: a row of (n, k) without exactly one 1."""
    labels, k = plain(labels, "Labels", class_names), len(class_names)
    return labels.ndim == 2 and labels.shape[1] == k > 1 and bool(((labels == 1).sum(1) != 1).any())


def distinct(class_names):
    """Class names as a list of text, each once."""
    names = [class_names] if isinstance(class_names, str) else list(map(str, class_names))
    if isinstance(class_names, str) or not names or len(set(names)) < len(names):
        raise DataError(f"class_names is {class_names!r}: give a list that names each class once.")
    return names


def plain(values, what, names=()):
    """These values as an ndarray, columns of a DataFrame in the order of `names`; DataError where some are masked."""
    if np.ma.is_masked(values):
        raise DataError(f"{what}: {np.ma.getmaskarray(values).sum()} are masked. Fill them in or leave the images out.")
    if isinstance(values, pd.DataFrame) and set(values.columns) == set(names):
        values = values[list(names)]
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:  # rows of different length
        raise DataError(f"{what}: rows and columns cannot be told apart ({error}).") from error


def numbers(values, what, names=()):
    """The same as float64; DataError where they are no numbers."""
    values = plain(values, what, names)
    try:
        if values.dtype.kind in "cmM":
            raise TypeError(f"type {values.dtype}")
        return values.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(f"{what}: give numbers ({error}).") from error


def labels_of(table, class_names, findings, name):
    """The labels of a data set as `Radiographs` keeps them, from its table or its findings.

    Parameters
    ----------
    table : pandas.DataFrame
        With columns path and label.
    class_names : list of str
    findings : ndarray of float32, shape (n, k), or None
    name : str
        The data set's name, for messages.

    Returns
    -------
    ndarray of int64, shape (n,), or of float32, shape (n, k)

    Raises
    ------
    DataError
        If images have no label, or nothing can be told apart: one class only, or no finding present and absent.
    """
    missing = table["label"].isna()
    if missing.any():
        paths = table.loc[missing, "path"].astype(str).tolist()
        raise DataError(f"{len(paths)} images of {name!r} have no label. Add it or remove the rows:\n{listing(paths)}")
    if findings is not None:
        if not ((findings == 1).any(0) & (findings == 0).any(0)).any():
            raise DataError(f"{name!r}: no finding is present in one image and absent in another. Add images.")
        return findings
    if table["label"].nunique() < 2:
        only = table["label"].iloc[0]
        raise DataError(f"{name!r} has images of one class only, {only!r}. Add images of a second class.")
    return as_labels(table["label"], class_names)
