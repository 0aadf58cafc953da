"""Further measures of a decision between two classes, each a small function; and a bootstrap interval for any of them.

`evaluate` gives the usual table. These answer single questions that it leaves open.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_curve

from .errors import DataError
from .evaluation import _resample


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
    columns = [_checked(positive, each, least=2) for each in ([scores] if others is None else [scores, others])]
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


def calibration_error(labels, probabilities, n_bins=10):
    """Expected calibration error: how far confidence and accuracy lie apart, on average over the images.

    Images are put into `n_bins` bins of equal width by the probability of their most probable class (Guo et al. 2017,
    https://doi.org/10.48550/arXiv.1706.04599). It depends on the bins, and few images make it larger: compare it on
    the same images only.

    Parameters
    ----------
    labels : array-like of int, shape (n,)
    probabilities : array-like of float, shape (n, k), or (n,) of the second class
    n_bins : int

    Returns
    -------
    float
        0 to 1; 0 is perfect.
    """
    p = np.asarray(probabilities, np.float64)
    p = np.column_stack([1 - p, p]) if p.ndim == 1 else p
    if len(p) != len(labels) or not np.isfinite(p).all():
        raise DataError(f"{len(labels)} labels and probabilities {p.shape}: give a finite row for each label.")
    confidence, right = p.max(1), p.argmax(1) == np.asarray(labels)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, confidence, n_bins) - np.bincount(bins, right, n_bins)
    return float(np.abs(gaps).sum() / len(p))


def sensitivity_at(specificity, positive, scores):
    """The highest sensitivity that some threshold reaches with at least this specificity; floats of 0 to 1."""
    off, on, _ = roc_curve(*_checked(positive, scores), drop_intermediate=False)
    return float(on[1 - off >= specificity - 1e-12].max())


def specificity_at(sensitivity, positive, scores):
    """The highest specificity that some threshold reaches with at least this sensitivity; floats of 0 to 1."""
    off, on, _ = roc_curve(*_checked(positive, scores), drop_intermediate=False)
    return float((1 - off[on >= sensitivity - 1e-12]).max())


def net_benefit(positive, probabilities, thresholds):
    """Decision curve: the net benefit of acting on every image whose probability reaches a threshold.

    True positives less false positives, the latter weighed by the odds of the threshold, for each image (Vickers and
    Elkin 2006, https://doi.org/10.1177/0272989X06295361). A threshold of 0.2 says that missing one sick patient is as
    bad as four needless alarms.

    Parameters
    ----------
    positive : array-like of bool or 0 and 1, shape (n,)
    probabilities : array-like of float, shape (n,)
    thresholds : array-like of float, shape (t,)
        Above 0 and below 1.

    Returns
    -------
    pandas.DataFrame
        threshold, model, all (act on every image), none (0).

    Raises
    ------
    DataError
        If the shapes differ, a class is missing, or a threshold is not between 0 and 1.
    """
    positive, p = _checked(positive, probabilities)
    t = np.asarray(thresholds, np.float64)
    if not ((t > 0) & (t < 1)).all():
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
    labels : array-like of int, shape (n,)
    scores : array-like of float, shape (n,) or (n, k)
    patients, n_resamples, seed
        As for `evaluate`.

    Returns
    -------
    pandas.Series
        value, low, high: the value on all images and its 95 % percentile interval.

    Raises
    ------
    DataError
        If lengths differ, or patients are missing or too few.
    """
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not len(labels) == len(scores) == len(labels if patients is None else patients):
        raise DataError("labels, scores and patients must be equally long.")
    classes, codes = np.unique(labels, return_inverse=True)
    counts = _resample(codes, patients, classes.astype(str).tolist(), n_resamples, seed).astype(int)
    rows = np.arange(len(labels)), *(np.repeat(np.arange(len(labels)), count) for count in counts[1:])
    value, *resampled = (measure(labels[each], scores[each]) for each in rows)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return pd.Series({"value": value, "low": low, "high": high})


def _checked(positive, scores, least=1):
    positive, scores = np.asarray(positive), np.asarray(scores, np.float64)
    if positive.ndim != 1 or positive.shape != scores.shape or not np.isin(positive, (0, 1)).all():
        raise DataError(
            f"Two equally long rows are needed, here {positive.shape} and {scores.shape}: which images are positive "
            "(True or False, 1 or 0), and the score of each."
        )
    positive = positive.astype(bool)
    if not np.isfinite(scores).all():
        raise DataError(f"{(~np.isfinite(scores)).sum()} scores are NaN or infinite: did the model diverge?")
    if min(positive.sum(), (~positive).sum()) < least:
        found = f"{positive.sum()} positive and {(~positive).sum()} negative images"
        raise DataError(f"{found}: at least {least} of each are needed.")
    return positive, scores
