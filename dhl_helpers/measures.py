"""Further measures of a decision between two classes, each a small function; and a bootstrap interval for any of them.

`evaluate` gives the usual table. These answer single questions that it leaves open.
"""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_curve

from .errors import DataError
from .labels import as_labels, numbers, plain
from .probabilities import as_patients, as_positive, as_probabilities, same_rows
from .resampling import intervals, resamples


def delong(positive, scores, others=None):
    """AUC with DeLong's interval, or the difference of two AUCs on the same images with DeLong's test.

    It takes every image as a patient of its own; where patients have several, use `evaluate` and `compare`.

    Parameters
    ----------
    positive : array-like of bool or 0 and 1, shape (n,)
    scores : array-like of float, shape (n,)
        Higher for positive.
    others : array-like of float, shape (n,), optional
        The scores of a second classifier.

    Returns
    -------
    pandas.Series
        value, low, high, p: the AUC with its 95 % interval (normal approximation, cut at 0 and 1; p against an AUC of
        one half); with `others` the AUC of `scores` minus that of `others`, and p against no difference.

    Raises
    ------
    DataError
        If the shapes differ, a score is not finite, or one of the two classes has fewer than two images.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, https://doi.org/10.2307/2531595; computed by midranks as in Sun and Xu
    2014, https://doi.org/10.1109/LSP.2014.2337313.
    """
    columns = [as_positive(positive, each, least=2) for each in ([scores] if others is None else [scores, others])]
    positive, scores = columns[0][0], np.stack([column for _, column in columns])
    m, n = positive.sum(), (~positive).sum()
    ranks = rankdata(scores, axis=1)
    of_positive = (ranks[:, positive] - rankdata(scores[:, positive], axis=1)) / n  # share of negatives below
    of_negative = 1 - (ranks[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / m
    aucs = of_positive.mean(1)
    covariance = np.atleast_2d(np.cov(of_positive)) / m + np.atleast_2d(np.cov(of_negative)) / n
    sign = np.array([1.0, -1.0])[: len(aucs)]
    value, error = sign @ aucs, np.sqrt(max(sign @ covariance @ sign, 0.0))
    distance = value - (0.5 if others is None else 0.0)
    p = 2 * norm.sf(abs(distance) / error) if error > 0 else float(distance == 0)
    low, high = value + norm.ppf([0.025, 0.975]) * error
    if others is None:
        low, high = max(low, 0.0), min(high, 1.0)
    return pd.Series({"value": value, "low": low, "high": high, "p": p})


def calibration_error(labels, probabilities, n_bins=10, class_names=None):
    """Expected calibration error: how far confidence and accuracy lie apart, on average over the images.

    Images are put into `n_bins` bins of equal width by the probability of their most probable class (Guo et al. 2017,
    https://doi.org/10.48550/arXiv.1706.04599). It depends on the bins, and few images make it larger: compare it on
    the same images only.

    Parameters
    ----------
    labels : array-like
        As for `as_labels`; names only with `class_names`.
    probabilities : array-like of float, shape (n, k), or (n,) or (n, 1) of the second of two classes
    n_bins : int
    class_names : list of str, optional
        The classes in the order of the columns.

    Returns
    -------
    float
        0 to 1; 0 is perfect.

    Raises
    ------
    DataError
        If labels and probabilities do not fit each other or are none.
    """
    same_rows(labels=labels, probabilities=probabilities)
    if class_names is None:
        if plain(labels, "Labels").dtype.kind not in "biuf":
            raise DataError("Labels that are names need class_names: the classes in the order of the columns.")
        shape = plain(probabilities, "Probabilities").shape
        class_names = [str(label) for label in range(max(2, shape[1] if len(shape) > 1 else 2))]
    p, labels = as_probabilities(probabilities, class_names), as_labels(labels, class_names)
    if not (isinstance(n_bins, Integral) and n_bins >= 1):
        raise DataError(f"n_bins is {n_bins}. Give 1 or more.")
    confidence, right = p.max(1), p.argmax(1) == labels
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, confidence, n_bins) - np.bincount(bins, right, n_bins)
    return float(np.abs(gaps).sum() / len(p))


def sensitivity_at(specificity, positive, scores):
    """The highest sensitivity that some threshold reaches with at least this specificity; floats of 0 to 1."""
    off, on, _ = roc_curve(*as_positive(positive, scores), drop_intermediate=False)
    return float(on[1 - off >= _share(specificity) - 1e-12].max())


def specificity_at(sensitivity, positive, scores):
    """The highest specificity that some threshold reaches with at least this sensitivity; floats of 0 to 1."""
    off, on, _ = roc_curve(*as_positive(positive, scores), drop_intermediate=False)
    return float((1 - off[on >= _share(sensitivity) - 1e-12]).max())


def net_benefit(positive, probabilities, thresholds):
    """Decision curve: the net benefit of acting on every image whose probability reaches a threshold.

    True positives less false positives, the latter weighed by the odds of the threshold, for each image (Vickers and
    Elkin 2006, https://doi.org/10.1177/0272989X06295361). A threshold of 0.2 says that missing one sick patient is as
    bad as four needless alarms.

    Parameters
    ----------
    positive : array-like of bool or 0 and 1, shape (n,)
    probabilities : array-like of float, shape (n,)
    thresholds : float, or array-like of float, shape (t,)
        Above 0 and below 1.

    Returns
    -------
    pandas.DataFrame
        threshold, model, all (act on every image), none (0).

    Raises
    ------
    DataError
        If the shapes differ, a class is missing, or a probability or threshold is not between 0 and 1.
    """
    positive, p = as_positive(positive, probabilities)
    as_probabilities(p, ["False", "True"])
    t = np.atleast_1d(numbers(thresholds, "Thresholds"))
    if t.ndim != 1 or not len(t) or not ((t > 0) & (t < 1)).all():
        raise DataError("Thresholds of a decision curve are probabilities above 0 and below 1.")
    called = p >= t[:, None]
    odds, prevalence = t / (1 - t), positive.mean()
    model = (called & positive).mean(1) - (called & ~positive).mean(1) * odds
    return pd.DataFrame({"threshold": t, "model": model, "all": prevalence - (1 - prevalence) * odds, "none": 0.0})


def bootstrap(measure, labels, scores, patients=None, n_resamples=1000, seed=0):
    """The interval of any measure, by resampling patients as `evaluate` does.

    Parameters
    ----------
    measure : callable
        Takes labels and scores of the images drawn, returns a number.
    labels : array-like of int or str, shape (n,)
    scores : array-like, shape (n,) or (n, k)
        Probabilities, scores or predictions: whatever `measure` takes.
    patients, n_resamples, seed
        As for `evaluate`.

    Returns
    -------
    pandas.Series
        value, low, high: the value on all images and its 95 % percentile interval over the resamples where it is
        defined.

    Raises
    ------
    DataError
        If lengths differ, a label is missing, a score is not finite, or patients are missing or too few.
    """
    same_rows(labels=labels, scores=scores, patients=patients)
    labels, scores = plain(labels, "Labels"), plain(scores, "Scores")
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or pd.isna(labels).any():
        raise DataError(f"Labels have shape {labels.shape}; give (n,), none of them missing (NaN).")
    if pd.isna(scores).any() or (scores.dtype.kind == "f" and not np.isfinite(scores).all()):
        raise DataError("Some scores are NaN or infinite: did the model diverge?")
    classes, codes = np.unique(labels, return_inverse=True)
    blocks = resamples(codes, as_patients(patients), classes.astype(str).tolist(), n_resamples, seed)
    rows = (np.repeat(np.arange(len(labels)), counts) for block in blocks for counts in block)
    found = intervals({"": [measure(labels[each], scores[each]) for each in rows]})
    return found.loc[0, ["value", "low", "high"]].astype(float).rename(None)


def _share(value):
    if not (isinstance(value, Real) and 0 <= value <= 1):
        raise DataError(f"Sensitivity and specificity lie in 0 to 1, here {value!r}. First the one that must be kept.")
    return value
