"""Drawing patients again, metrics under weights, and intervals: what `evaluate`, `bootstrap` and the benchmark share.

A resample is given as weights: how often each image was drawn. They come in blocks, so that memory stays flat.
"""

from numbers import Integral

import numpy as np
import pandas as pd

from .errors import DataError, check_seed

BLOCK = 2**20  # weights in memory at once: 8 MB as float64
ROUNDS = 1000  # draws for each resample that is needed, before the patients count as too few


def resamples(y, patients, class_names, n_resamples, seed):
    """Draw as many patients as there are, with replacement, `n_resamples` times; draw again where a class is missing.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Positions in `class_names`.
    patients : ndarray, shape (n,), or None
        Whose image each one is. None: each image counts as a patient.
    class_names : list of str
    n_resamples, seed : int

    Returns
    -------
    iterator of ndarray of uint16, shape (b, n)
        Blocks of weights. The first row of the first block is all ones: the sample itself.

    Raises
    ------
    DataError
        If a class has no image, a patient is missing, or the patients are too few to draw every class.
    """
    missing = [name for label, name in enumerate(class_names) if label not in y]
    if missing:
        raise DataError(f"No image of class {', '.join(missing)} among the labels. Add some, or leave the class out.")
    codes = np.arange(len(y)) if patients is None else pd.factorize(np.asarray(patients))[0]
    if (codes < 0).any():
        raise DataError(
            f"{(codes < 0).sum()} entries of patients are missing (NaN). Fill them in or pass patients=None."
        )
    if not (isinstance(n_resamples, Integral) and n_resamples >= 0):
        raise DataError(f"n_resamples is {n_resamples!r}. Give a whole number, 0 for no interval.")
    check_seed(seed)
    if n_resamples and not codes.any():
        raise DataError("All images are of one patient: an interval needs more. Add patients, or set n_resamples=0.")
    members = np.zeros((codes.max() + 1, len(class_names)))
    np.add.at(members, (codes, y), 1)
    return _blocks(codes, members, n_resamples, seed)


def _blocks(codes, members, n_resamples, seed):
    n, rng, lacking = len(members), np.random.default_rng(seed), n_resamples
    yield np.ones((1, len(codes)), np.uint16)
    rows, left = max(8, BLOCK // max(n, len(codes))), ROUNDS * n_resamples
    while lacking:
        draws = rng.multinomial(n, np.full(n, 1 / n), size=min(rows, lacking))
        left -= len(draws)
        draws = draws[((draws @ members) > 0).all(1)]
        lacking -= len(draws)
        if lacking and left <= 0:
            raise DataError(f"{n} patients are too few to resample {members.shape[1]} classes. Add patients of each.")
        if len(draws):
            yield draws.astype(np.uint16)[:, codes]  # a patient is drawn n times at most


def measured(blocks, *measures):
    """What each of `measures` (from `of_classes` or `of_findings`) finds in each row of all blocks.

    Returns
    -------
    list of dict of str to ndarray, shape (1 + n_resamples,)
    """
    found = [[measure(block.astype(np.float64)) for measure in measures] for block in blocks]
    of_each = zip(*found, strict=True)
    return [{name: np.concatenate([part[name] for part in parts]) for name in parts[0]} for parts in of_each]


def intervals(metrics):
    """The table of a report.

    Parameters
    ----------
    metrics : dict of str to sequence of float
        First the value on all images, then those of the resamples; NaN where it is not defined.

    Returns
    -------
    pandas.DataFrame
        Columns metric, value, low, high: the 95 % percentile interval of the resamples where the metric is defined.
    """
    rows = []
    for name, (value, *resampled) in metrics.items():
        defined = [each for each in resampled if np.isfinite(each)]
        rows.append((name, value, *(np.percentile(defined, [2.5, 97.5]) if defined else (np.nan, np.nan))))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def of_classes(y, p, class_names):
    """The metrics where each image has one class: a function of float64 weights (b, n) to {name: ndarray (b,)}."""
    k = len(class_names)
    named = [1] if k == 2 else range(k)  # with two classes the first mirrors the second
    cells, squares = np.eye(k * k)[y * k + p.argmax(1)], ((p - np.eye(k)[y]) ** 2).sum(1)
    aucs = {label: auc(y == label, p[:, label]) for label in named}

    def measure(weights):
        total = weights.sum(1)
        confusion = (weights @ cells).reshape(-1, k, k)  # true by predicted
        hits, true, predicted = confusion.diagonal(axis1=1, axis2=2), confusion.sum(2), confusion.sum(1)
        recall, precision = hits / true, hits / np.maximum(predicted, 1e-12)
        specificity = 1 - (predicted - hits) / (total[:, None] - true)
        areas = {label: area(weights) for label, area in aucs.items()}
        metrics = {
            "macro AUC": np.mean([*areas.values()], axis=0),
            "balanced accuracy": recall.mean(1),
            "accuracy": hits.sum(1) / total,
            "macro precision": precision.mean(1),
            "macro recall": recall.mean(1),
            "macro F1": (2 * hits / (true + predicted)).mean(1),
            "Brier score": weights @ squares / total / (2 if k == 2 else 1),
        }
        for label in named:
            name = class_names[label]
            metrics |= {
                f"AUC ({name})": areas[label],
                f"sensitivity ({name})": recall[:, label],
                f"specificity ({name})": specificity[:, label],
            }
        return metrics

    return measure


def of_findings(y, p, names):
    """The same where an image can have several findings: labels (n, k) of 1, 0 and NaN for unknown."""
    known = [~np.isnan(column) for column in y.T]
    columns = [(rows, y[rows, j] == 1, p[rows, j] >= 0.5, p[rows, j]) for j, rows in enumerate(known)]
    aucs = [auc(present, score) if len(score) else None for _, present, _, score in columns]
    ranked = [j for j, (_, present, *_) in enumerate(columns) if present.any() and not present.all()]

    def measure(weights):
        each, areas, briers = {}, [], []
        for name, area, (rows, present, called, score) in zip(names, aucs, columns, strict=True):
            w = weights[:, rows]
            with np.errstate(invalid="ignore"):  # 0 / 0 where a resample lacks those with or those without
                areas.append(area(w) if area else np.full(len(weights), np.nan))
                each |= {
                    f"AUC ({name})": areas[-1],
                    f"sensitivity ({name})": w @ (present & called) / (w @ present),
                    f"specificity ({name})": w @ ~(present | called) / (w @ ~present),
                }
                briers.append(w @ (score - present) ** 2 / w.sum(1))
        rows = [areas[j] for j in ranked], briers
        macro, brier = (np.ma.masked_invalid(each).mean(0).filled(np.nan) for each in rows)
        return {"macro AUC": macro, "Brier score": brier} | each

    return measure


def auc(positive, scores):
    """Weighted area under the ROC curve: how often a positive scores above a negative, ties counting half.

    Returns
    -------
    callable
        float64 weights (b, n) to areas (b,).
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    above = positive[order]

    def area(weights):
        ordered = weights[:, order]
        up = np.add.reduceat(ordered * above, starts, axis=1)
        down = np.add.reduceat(ordered * ~above, starts, axis=1)
        below = np.cumsum(down, axis=1) - down / 2
        return (up * below).sum(1) / (up.sum(1) * down.sum(1))

    return area
