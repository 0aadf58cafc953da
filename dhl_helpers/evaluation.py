"""How good is it, and how sure can we be: metrics with bootstrap intervals over patients."""

import warnings

import numpy as np

from .errors import DataError
from .labels import as_findings, as_labels, holds_findings
from .probabilities import as_patients, as_probabilities, same_rows, sum_to_one
from .resampling import intervals, measured, of_classes, of_findings, resamples


def evaluate(y_true, probabilities, class_names, patients=None, n_resamples=1000, seed=0, multilabel=None):
    """Measure a classifier by its probabilities.

    Parameters
    ----------
    y_true : array-like
        Labels in any form that `as_labels` takes; or several findings per image, shape (n, k): 1 present, 0 absent, NaN
        unknown.
    probabilities : array-like of float, shape (n, k), or (n,) or (n, 1) for two classes
        Of each class, in the order of `class_names`; (n,): of the second class. Of several findings each on its own.
    class_names : list of str
    patients : array-like, shape (n,), optional
        Whose image each one is. Resampling draws whole patients, because images of one patient resemble each other.
        Without it each image counts as a patient.
    n_resamples, seed : int
        Bootstrap resamples, drawn again where a class is missing.
    multilabel : bool, optional
        Whether an image can have several findings (`Radiographs.multilabel`). Without it the labels decide: findings
        where they have shape (n, k) and a row has another number of ones than one.

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

    Warns
    -----
    UserWarning
        If the labels were taken for several findings although the probabilities sum to one, as those of classes do.
    """
    y, (p,), blocks, of = _prepare(y_true, [probabilities], class_names, patients, n_resamples, seed, multilabel)
    return intervals(measured(blocks, of(y, p, class_names))[0])


def compare(
    y_true, probabilities_a, probabilities_b, class_names, patients=None, n_resamples=1000, seed=0, multilabel=None
):
    """Compare two classifiers on the same images: the metrics of A minus those of B, in the same resamples.

    Parameters are those of `evaluate`. The interval says how the difference varies with the choice of test patients;
    it leaves out how both would vary if they were trained again.

    Returns
    -------
    pandas.DataFrame
        Columns metric, value (A minus B), low, high.
    """
    both = [probabilities_a, probabilities_b]
    y, both, blocks, of = _prepare(y_true, both, class_names, patients, n_resamples, seed, multilabel)
    of_a, of_b = measured(blocks, *(of(y, p, class_names) for p in both))
    return intervals({metric: of_a[metric] - of_b[metric] for metric in of_a})


def _prepare(y_true, probabilities, class_names, patients, n_resamples, seed, multilabel):
    """Checked labels and probabilities, the resamples, and what measures such labels."""
    for p in probabilities:
        same_rows(labels=y_true, probabilities=p, patients=patients)
    several = holds_findings(y_true, class_names) if multilabel is None else multilabel
    y = as_findings(y_true, class_names) if several else as_labels(y_true, class_names)
    checked = [as_probabilities(p, class_names, several) for p in probabilities]
    patients = as_patients(patients)
    if not several:
        return y, checked, resamples(y, patients, class_names, n_resamples, seed), of_classes
    if multilabel is None and all(map(sum_to_one, checked)):
        row = np.flatnonzero((y == 1).sum(1) != 1)[0]
        warnings.warn(
            f"The labels are taken for several findings per image, because row {row} does not hold exactly one 1. But "
            "the probabilities sum to one, as those of classes do. Pass multilabel=True, or correct the labels.",
            stacklevel=3,
        )
    if not ((y == 1).any(0) & (y == 0).any(0)).any():
        raise DataError("No finding is present in one image and absent in another, nothing can be measured. Add some.")
    return y, checked, resamples(np.zeros(len(y), int), patients, ["image"], n_resamples, seed), of_findings
