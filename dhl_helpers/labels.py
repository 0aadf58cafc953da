"""Labels of any usual form, as the integers that everything else takes."""

import numpy as np
import pandas as pd

from .errors import DataError


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
    labels, k = np.asarray(labels), len(class_names)
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
    if labels.dtype.kind in "UST":
        positions = pd.Index(class_names).get_indexer(labels)
        strange = sorted({str(label) for label in labels[positions < 0]})
    else:
        positions = labels.astype(np.int64)
        strange = sorted({str(label) for label in labels[(positions != labels) | (positions < 0) | (positions >= k)]})
    if strange:
        raise DataError(f"Labels {', '.join(strange[:10])} are none of the classes {class_names}.")
    return positions.astype(np.int64)
