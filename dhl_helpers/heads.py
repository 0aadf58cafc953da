"""The classical classifiers that decide on the features, and SMOTE with a clear word when a class is too small."""

from collections import Counter

import imblearn.over_sampling
import numpy as np
import sklearn.ensemble
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from .errors import DataError
from .labels import as_findings


def make_head(name, seed=0, multilabel=False):
    """Make a classifier for features.

    Parameters
    ----------
    name : {"random_forest", "adaboost", "xgboost", "logistic", "svm", "dummy"}
        AdaBoost is the article's: ten trees of depth three. The support vector machine has an RBF kernel; its scores
        become probabilities by Platt's sigmoid, fitted out of fold. The dummy answers with the class frequencies.
    seed : int
    multilabel : bool
        Whether an image can have several findings: then one head per finding, see `PerFinding`.

    Returns
    -------
    scikit-learn classifier
        Takes features (n, d) and integer labels (n,), or findings (n, k). Put a StandardScaler before "logistic" and
        "svm".

    Raises
    ------
    DataError
        If there is no such head.
    """
    if multilabel:
        return PerFinding(make_head(name, seed))
    match name:
        case "random_forest":
            return RandomForestClassifier(300, random_state=seed, n_jobs=-1)
        case "adaboost":
            return AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=10, random_state=seed)
        case "xgboost":
            from xgboost import XGBClassifier  # a second of start-up that the others need not pay

            # One thread: on small data, threads that wait for each other cost more than they save (a hundred
            # seconds for four, where two cores were busy with other work).
            return XGBClassifier(n_estimators=200, max_depth=3, learning_rate=0.1, random_state=seed, n_jobs=1)
        case "logistic":
            return LogisticRegression(C=0.01, max_iter=1000, random_state=seed)
        case "svm":
            from sklearn.calibration import CalibratedClassifierCV

            folds = StratifiedKFold(2, shuffle=True, random_state=seed)  # of the sigmoid alone: one SVM decides
            return CalibratedClassifierCV(SVC(random_state=seed), ensemble=False, cv=folds)
        case "dummy":
            return DummyClassifier(strategy="prior")
    raise DataError(f"There is no head {name!r}; choose random_forest, adaboost, xgboost, logistic, svm or dummy.")


class AdaBoostClassifier(sklearn.ensemble.AdaBoostClassifier):
    """scikit-learn's AdaBoost; where no tree beats chance, as on constant features, it answers every image the same."""

    def fit(self, X, y, sample_weight=None):
        """Fit on features (n, d) and labels (n,)."""
        try:
            return super().fit(X, y, sample_weight)
        except ValueError as error:
            if "worse than random" not in str(error):
                raise
        self.estimators_ = [DummyClassifier(strategy="prior").fit(X, y, sample_weight)]
        self.estimator_weights_, self.estimator_errors_ = np.ones(1), np.ones(1)
        return self


class PerFinding(ClassifierMixin, BaseEstimator):
    """One classifier a finding (one against the rest), each fitted on the images of which its finding is known.

    Parameters
    ----------
    head : scikit-learn classifier
        Cloned for each finding. Where all known labels of a finding are equal, a dummy takes its place.
    """

    def __init__(self, head):
        self.head = head

    def fit(self, X, y):
        """Fit on features (n, d) and findings (n, k): 1 present, 0 absent, NaN unknown; DataError for other labels."""
        if np.ndim(y) != 2 or len(y) != len(X):
            raise DataError(f"Labels have shape {np.shape(y)}; {len(X)} images need findings of shape ({len(X)}, k).")
        y = as_findings(y, range(np.shape(y)[1]))
        self.heads_ = []
        for finding in range(y.shape[1]):
            known = ~np.isnan(y[:, finding])
            if not known.any():
                raise DataError(f"Finding {finding} is unknown in every image. Leave it out.")
            labels = y[known, finding].astype(np.int64)
            head = clone(self.head) if len(set(labels)) == 2 else DummyClassifier(strategy="prior")
            self.heads_.append(head.fit(X[known], labels))
        return self

    def predict_proba(self, X):
        """Probability of each finding, float64 (n, k); a row does not sum to one."""
        columns = [head.predict_proba(X)[:, head.classes_ == 1].sum(1) for head in self.heads_]
        return np.column_stack(columns)

    def predict(self, X):
        """Findings whose probability is a half or more, int64 (n, k)."""
        return (self.predict_proba(X) >= 0.5).astype(np.int64)


class SMOTE(imblearn.over_sampling.SMOTE):
    """imbalanced-learn's SMOTE; a class with too few samples for its neighbours is a DataError that names it.

    With several findings per image it has no meaning: the images between two neighbours have no known findings.
    """

    def fit_resample(self, X, y):
        """Resample; DataError with several findings per image."""
        if np.ndim(y) == 2 and np.shape(y)[1] > 1 and not (np.sum(y, axis=1) == 1).all():
            raise DataError(
                "SMOTE draws between samples of one class, so it has no meaning where an image has several findings. "
                "Leave it out, move the threshold of each finding, or load one finding against none."
            )
        return super().fit_resample(X, y)

    def _fit_resample(self, X, y):
        needed, counts = self.k_neighbors + 1, Counter(y)
        lacking = [label for label, new in self.sampling_strategy_.items() if new and counts[label] < needed]
        if lacking:
            small = ", ".join(f"{label} has {counts[label]}" for label in lacking)
            raise DataError(
                f"SMOTE draws between a sample and its {needed - 1} nearest neighbours of the same class, so a class "
                f"needs at least {needed} samples: class {small}. Lower k_neighbors, use RandomOverSampler or class "
                "weights, or add images."
            )
        return super()._fit_resample(X, y)
