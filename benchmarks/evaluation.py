"""Intervals of the AUC: the course's bootstrap over all resamples at once against a loop over scikit-learn's metric."""

import numpy as np
from measure import compare, keep
from sklearn.metrics import roc_auc_score

import dhl_helpers as dhl

N, RESAMPLES = 700, 1000


def loop(y, p, patients):
    """One resample of patients after the other, as it is usually written. Measures the AUC alone."""
    rng, rows = np.random.default_rng(0), [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    values = []
    while len(values) < RESAMPLES:
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        if len(set(y[drawn])) == 3:
            values.append(roc_auc_score(y[drawn], p[drawn], multi_class="ovr"))
    return np.percentile(values, [2.5, 97.5])


def main():
    rng = np.random.default_rng(0)
    y, patients = rng.choice(3, N, p=[0.68, 0.24, 0.08]), np.arange(N) // 2
    p = rng.dirichlet([1, 1, 1], N) + 0.5 * np.eye(3)[y]
    p /= p.sum(1, keepdims=True)
    names = ["a", "b", "c"]
    ways = {"a loop, the AUC alone": lambda: loop(y, p, patients),
            "evaluate, 16 metrics": lambda: dhl.evaluate(y, p, names, patients, n_resamples=RESAMPLES)}  # fmt: skip
    keep("evaluation", [compare(f"intervals, {N} images, {RESAMPLES} resamples", RESAMPLES, ways)])


if __name__ == "__main__":
    main()
