"""The classical classifiers that decide on the features, and SMOTE with a clear word when a class is too small."""

from collections import Counter

import imblearn.over_sampling
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from .errors import DataError


def make_head(name, seed=0):
    """Make a classifier for features.

    Parameters
    ----------
    name : {"random_forest", "adaboost", "xgboost", "logistic", "dummy"}
        AdaBoost is the article's: ten trees of depth three. The dummy answers with the class frequencies.
    seed : int

    Returns
    -------
    scikit-learn classifier
        Takes features (n, d) and integer labels (n,). Put a StandardScaler before "logistic".

    Raises
    ------
    DataError
        If there is no such head.
    """
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
        case "dummy":
            return DummyClassifier(strategy="prior")
    raise DataError(f"There is no head {name!r}; choose random_forest, adaboost, xgboost, logistic or dummy.")


class SMOTE(imblearn.over_sampling.SMOTE):
    """imbalanced-learn's SMOTE; a class with too few samples for its neighbours is a DataError that names it."""

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
