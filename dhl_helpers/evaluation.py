"""How good is it, and how sure can we be: metrics with bootstrap intervals over patients."""

import numpy as np
import pandas as pd

from .errors import DataError
from .labels import as_labels


def evaluate(y_true, probabilities, class_names, patients=None, n_resamples=1000, seed=0):
    """Measure a classifier by its probabilities.

    Parameters
    ----------
    y_true : array-like
        Labels in any form that `as_labels` takes; or several findings an image, shape (n, k): 1 present, 0 absent, NaN
        unknown.
    probabilities : array-like of float, shape (n, k), or (n,) for two classes
        Of each class, in the order of `class_names`; (n,): of the second class. Of several findings each on its own.
    class_names : list of str
    patients : array-like, shape (n,), optional
        Whose image each one is. Resampling draws whole patients, because images of one patient resemble each other.
        Without it each image counts as a patient.
    n_resamples, seed : int
        Bootstrap resamples, drawn again where a class is missing.

    Returns
    -------
    pandas.DataFrame
        Columns metric, value, low, high: the measured value and its 95 % percentile interval. As in scikit-learn, the
        precision of a class that is never predicted is 0; with two classes the AUC is that of the second, and the
        Brier score half the sum over both. With several findings each is measured on the images of which it is known,
        called present from 0.5 on; the AUC of one that is present in all or none of them is NaN, and left out of the
        macro AUC.

    Raises
    ------
    DataError
        If shapes do not fit, probabilities hold NaN or do not sum to one, a patient is missing, or a class has no image
        or too few patients.
    """
    y, (p,), weights, measure = _prepare(y_true, [probabilities], class_names, patients, n_resamples, seed)
    return _table(measure(y, p, class_names, weights))


def compare(y_true, probabilities_a, probabilities_b, class_names, patients=None, n_resamples=1000, seed=0):
    """Compare two classifiers on the same images: the metrics of A minus those of B, in the same resamples.

    Parameters are those of `evaluate`. The interval says how the difference varies with the choice of test patients;
    it leaves out how both would vary if they were trained again.

    Returns
    -------
    pandas.DataFrame
        Columns metric, value (A minus B), low, high.
    """
    both = [probabilities_a, probabilities_b]
    y, both, weights, measure = _prepare(y_true, both, class_names, patients, n_resamples, seed)
    of_a, of_b = (measure(y, p, class_names, weights) for p in both)
    return _table({metric: of_a[metric] - of_b[metric] for metric in of_a})


def _prepare(y_true, probabilities, class_names, patients, n_resamples, seed):
    """Checked labels and probabilities, the resampling weights, and the function that measures such labels."""
    y, k = np.asarray(y_true), len(class_names)
    several = y.ndim == 2 and y.shape[1] == k > 1 and not _one_of_k(y, probabilities)
    if several and not (np.isin(y, (0, 1)) | np.isnan(y)).all():
        raise DataError("Several findings an image are told as 1 (present), 0 (absent) and NaN (unknown) only.")
    y = y if several else as_labels(y_true, class_names)
    checked = [_probabilities(p, k, several) for p in probabilities]
    for p in checked:
        _same_length(y, p, patients)
    if not several:
        return y, checked, _resample(y, patients, class_names, n_resamples, seed), _metrics
    if not ((y == 1).any(0) & (y == 0).any(0)).any():
        raise DataError("No finding is present in one image and absent in another, nothing can be measured. Add some.")
    return y, checked, _resample(np.zeros(len(y), int), patients, ["image"], n_resamples, seed), _metrics_of_findings


def _one_of_k(y, probabilities):
    """Whether labels (n, k) name one class an image: rows of them, or of the probabilities, sum to one."""
    sums = [np.asarray(p, np.float64).sum(1) for p in probabilities if np.ndim(p) == 2]
    return y.dtype.kind not in "fiub" or bool((y.sum(1) == 1).all() and all(np.allclose(s, 1, atol=1e-3) for s in sums))


def _probabilities(probabilities, k, several):
    p = np.asarray(probabilities, np.float64)
    if p.ndim == 1 and k == 2:
        p = np.column_stack([1 - p, p])
    if p.ndim != 2 or p.shape[1] != k:
        form = "(n, 2), or (n,) for the second class" if k == 2 else f"(n, {k})"
        raise DataError(f"Probabilities have shape {p.shape}; with {k} classes give {form}.")
    if not np.isfinite(p).all():
        rows = np.flatnonzero(~np.isfinite(p).all(1))
        raise DataError(
            f"Probabilities hold NaN or infinity in {len(rows)} rows, first in row {rows[0]}: did the model diverge?"
        )
    if (p < -1e-6).any() or (p > 1 + 1e-6).any() or not (several or np.allclose(p.sum(1), 1, atol=1e-3)):
        summing = "" if several else " and sum to one in each row"
        raise DataError(f"Probabilities must lie in 0 to 1{summing}; use predict_proba, not scores.")
    return p


def _same_length(y, p, patients):
    lengths = {"labels": len(y), "probabilities": len(p)} | ({} if patients is None else {"patients": len(patients)})
    if len(set(lengths.values())) > 1:
        raise DataError(f"These must be equally long: {', '.join(f'{n} {name}' for name, n in lengths.items())}.")


def _resample(y, patients, class_names, n_resamples, seed):
    """Weights of the images, shape (1 + n_resamples, n): row 0 the sample itself, then how often each was drawn."""
    missing = [name for label, name in enumerate(class_names) if label not in y]
    if missing:
        raise DataError(f"No image of class {', '.join(missing)} among the labels. Add some, or leave the class out.")
    codes = np.arange(len(y)) if patients is None else pd.factorize(np.asarray(patients))[0]
    if (codes < 0).any():
        raise DataError(
            f"{(codes < 0).sum()} entries of patients are missing (NaN). Fill them in or pass patients=None."
        )
    n, rng = codes.max() + 1, np.random.default_rng(seed)
    members = np.zeros((n, len(class_names)))
    np.add.at(members, (codes, y), 1)
    draws = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)
    for _ in range(1000):
        lacking = ((draws @ members) == 0).any(1)
        if not lacking.any():
            break
        draws[lacking] = rng.multinomial(n, np.full(n, 1 / n), size=lacking.sum())
    else:
        raise DataError(f"{n} patients are too few to resample {len(class_names)} classes. Add patients of each class.")
    return np.concatenate([np.ones((1, len(y))), draws[:, codes]])


def _metrics(y, p, class_names, weights):
    """Each metric in each row of `weights`: dict of name to ndarray (rows,)."""
    k, total = len(class_names), weights.sum(1)
    cells = np.eye(k * k)[y * k + p.argmax(1)]
    confusion = (weights @ cells).reshape(-1, k, k)  # true by predicted
    hits, true, predicted = confusion.diagonal(axis1=1, axis2=2), confusion.sum(2), confusion.sum(1)
    recall, precision = hits / true, hits / np.maximum(predicted, 1e-12)
    specificity = 1 - (predicted - hits) / (total[:, None] - true)
    named = [1] if k == 2 else range(k)  # with two classes the first mirrors the second
    auc = {label: _auc(y == label, p[:, label], weights) for label in named}
    metrics = {
        "macro AUC": np.mean([*auc.values()], axis=0),
        "balanced accuracy": recall.mean(1),
        "accuracy": hits.sum(1) / total,
        "macro precision": precision.mean(1),
        "macro recall": recall.mean(1),
        "macro F1": (2 * hits / (true + predicted)).mean(1),
        "Brier score": weights @ ((p - np.eye(k)[y]) ** 2).sum(1) / total / (2 if k == 2 else 1),
    }
    for label in named:
        name = class_names[label]
        metrics |= {
            f"AUC ({name})": auc[label],
            f"sensitivity ({name})": recall[:, label],
            f"specificity ({name})": specificity[:, label],
        }
    return metrics


def _metrics_of_findings(y, p, names, weights):
    """Each metric in each row of `weights`, where an image can have several findings."""
    each, aucs, briers = {}, [], []
    for finding, name in enumerate(names):
        known = ~np.isnan(y[:, finding])
        present, score, w = y[known, finding] == 1, p[known, finding], weights[:, known]
        called = score >= 0.5
        with np.errstate(invalid="ignore"):  # 0 / 0 where a resample lacks those with or those without
            aucs.append(_auc(present, score, w) if known.any() else np.full(len(weights), np.nan))
            each |= {
                f"AUC ({name})": aucs[-1],
                f"sensitivity ({name})": w @ (present & called) / (w @ present),
                f"specificity ({name})": w @ ~(present | called) / (w @ ~present),
            }
            briers.append(w @ (score - present) ** 2 / w.sum(1))
    measured = [auc for auc in aucs if np.isfinite(auc[0])]
    macro, brier = (np.ma.masked_invalid(rows).mean(0).filled(np.nan) for rows in (measured, briers))
    return {"macro AUC": macro, "Brier score": brier} | each


def _auc(positive, scores, weights):
    """Weighted area under the ROC curve: how often a positive scores above a negative, ties counting half."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    ordered = weights[:, order]
    up = np.add.reduceat(ordered * positive[order], starts, axis=1)
    down = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    below = np.cumsum(down, axis=1) - down / 2
    return (up * below).sum(1) / (up.sum(1) * down.sum(1))


def _table(metrics):
    rows = []
    for name, (value, *resampled) in metrics.items():
        defined = [each for each in resampled if np.isfinite(each)]
        rows.append((name, value, *(np.percentile(defined, [2.5, 97.5]) if defined else (np.nan, np.nan))))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])
