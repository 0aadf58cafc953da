"""Heads on features that may not fit in memory."""


import numpy as np
from sklearn.base import clone

from ..errors import DataError
from ..files import temporary_folder
from ..heads import PerFinding

PAGE = 8192  # rows read at once: 32 MB of DenseNet121's features

# Besides the features in float32, bytes a number that `fit` takes for itself, about. A pipeline counts as SVC does.
COPIES = {"RandomForestClassifier": 0, "AdaBoostClassifier": 4, "LogisticRegression": 4, "DummyClassifier": 0}


def fit_head(head, features, labels, rows=None):
    """Fit a head on features in a file.

    XGBoost reads them in pages and keeps its own compressed copy on disk, so they may be larger than memory. All other
    heads take them into memory; what that needs is compared with what is free before anything is read.

    Parameters
    ----------
    head : scikit-learn classifier, for example from `make_head`
    features : FeatureFile
    labels : ndarray of int64, shape (n,), or of float32, shape (n, k) for a `PerFinding`
        Of all images of the file.
    rows : ndarray of bool, shape (n,), or of int, shape (m,), optional
        The images to fit on, such as the training part; by default all.

    Returns
    -------
    scikit-learn classifier
        `head`, fitted.

    Raises
    ------
    DataError
        If labels and rows do not fit together, or the head needs more memory than is free; the message says how much.
    """
    labels, rows = chosen(features, labels, rows)
    if isinstance(head, PerFinding) and type(head.head).__name__ == "XGBClassifier":
        head.heads_ = []
        for column in labels.T:
            known = ~np.isnan(column)
            of_all = np.zeros(len(features), np.int64)
            of_all[rows[known]] = column[known]
            head.heads_.append(fit_head(clone(head.head), features, of_all, rows[known]))
        return head
    if type(head).__name__ == "XGBClassifier":
        return _fit_in_pages(head, features, labels, rows)
    needed, free = memory_needed(head, len(rows), features.shape[1]), _free()
    if needed > free:
        raise DataError(
            f"{type(head).__name__} takes all features into memory: {needed / 1e9:.1f} GB for {len(rows)} x "
            f"{features.shape[1]}, and {free / 1e9:.1f} GB are free. Take make_head('xgboost'), which reads them from "
            "disk, fewer images, or a network with fewer features."
        )
    return head.fit(features[rows], labels)


def chosen(features, labels, rows=None):
    """The labels of the chosen rows, and the rows as positions.

    Parameters
    ----------
    features : FeatureFile
    labels : array-like, shape (n,) or (n, k)
        Of all images of the file.
    rows : ndarray of bool, shape (n,), or of int, shape (m,), optional

    Returns
    -------
    labels : ndarray, shape (m,) or (m, k)
    rows : ndarray of int64, shape (m,)

    Raises
    ------
    DataError
        If there is not one label for each image of the file, or a row that it does not have.
    """
    labels = np.asarray(labels)
    if len(labels) != len(features):
        raise DataError(
            f"{len(labels)} labels for a file of {len(features)} images. Give the labels of all of them, and "
            "choose the images to fit on by `rows`."
        )
    try:
        rows = np.arange(len(features))[slice(None) if rows is None else np.asarray(rows)]
    except IndexError as error:
        raise DataError(f"rows: {error}. Give positions below {len(features)}, or a mask of that length.") from error
    return labels[rows], rows


def predict_proba(head, features, rows=None):
    """Probabilities of a fitted head for features in a file, read in pages.

    Parameters
    ----------
    head : scikit-learn classifier
    features : FeatureFile
    rows : ndarray of bool or int, optional

    Returns
    -------
    ndarray of float, shape (m, k)
    """
    rows = np.arange(len(features))[slice(None) if rows is None else rows]
    pages = [head.predict_proba(features[page]) for page in _pages(rows)]
    return np.concatenate(pages)


def memory_needed(head, n, d):
    """Bytes that a head takes to be fitted on n images with d features, about; int."""
    return n * d * (4 + COPIES.get(type(head).__name__, 16))


def _fit_in_pages(head, features, labels, rows):
    import xgboost

    class Pages(xgboost.DataIter):
        """The pages in turn, as XGBoost asks for them."""

        def __init__(self, cache):
            super().__init__(cache_prefix=cache)
            self.turn = iter(())

        def reset(self):
            self.turn = zip(_pages(rows), _pages(labels), strict=True)

        def next(self, input_data):
            for page, page_labels in self.turn:
                input_data(data=features[page], label=page_labels)
                return True
            return False

    classes = int(labels.max()) + 1
    task = {"objective": "multi:softprob", "num_class": classes} if classes > 2 else {"objective": "binary:logistic"}
    with temporary_folder() as cache:
        matrix = xgboost.ExtMemQuantileDMatrix(Pages(f"{cache}/page"), nthread=head.n_jobs, max_bin=head.max_bin)
        booster = xgboost.train(head.get_xgb_params() | task, matrix, head.get_num_boosting_rounds())
        del matrix  # its files go with it
    head.load_model(booster.save_raw())
    return head


def _pages(array):
    return (array[start : start + PAGE] for start in range(0, len(array), PAGE))


def _free():
    import psutil

    return psutil.virtual_memory().available
