"""Wrong answers to the exercises of notebook 08; see tests/test_exercises.py."""

import numpy as np
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def liar__on_the_true_labels(studies, X, y, patients):
    """an honest study of good features scores high on those"""
    scores = {name: run(X, y, patients) for name, run in studies.items()}
    worst = max(scores, key=scores.get)
    return worst, scores[worst] - 0.5


def liar__images_exchange_labels(studies, X, y, patients):
    """Let patients exchange labels, not images"""
    rng = np.random.default_rng(0)
    shuffles = [rng.permutation(y) for _ in range(20)]
    means = {name: np.mean([run(X, labels, patients) for labels in shuffles]) for name, run in studies.items()}
    worst = max(means, key=means.get)
    return worst, means[worst] - 0.5


def honest_selection__features_chosen_first(X, y, patients):
    """each fold chooses on its own training images"""
    chosen = SelectKBest(f_classif, k=20).fit_transform(X, y)
    model, found = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)), []
    for fit, test in StratifiedGroupKFold(4, shuffle=True, random_state=0).split(chosen, y, patients):
        model.fit(chosen[fit], y[fit])
        found.append(roc_auc_score(y[test], model.predict_proba(chosen[test])[:, 1]))
    return float(np.mean(found))


def honest_selection__split_by_image(X, y, patients):
    """A patient is on both sides"""
    model = make_pipeline(SelectKBest(f_classif, k=20), StandardScaler(), LogisticRegression(C=0.1))
    found = []
    for fit, test in StratifiedKFold(4, shuffle=True, random_state=0).split(X, y):
        model.fit(X[fit], y[fit])
        found.append(roc_auc_score(y[test], model.predict_proba(X[test])[:, 1]))
    return float(np.mean(found))


def honest_selection__the_first_class(X, y, patients):
    """the probabilities of the second class"""
    model = make_pipeline(SelectKBest(f_classif, k=20), StandardScaler(), LogisticRegression(C=0.1))
    found = []
    for fit, test in StratifiedGroupKFold(4, shuffle=True, random_state=0).split(X, y, patients):
        model.fit(X[fit], y[fit])
        found.append(roc_auc_score(y[test], model.predict_proba(X[test])[:, 0]))
    return float(np.mean(found))


def lie_by_recognition__auc_of_the_known_patients(table, training_patients):
    """the patients that are *not* in training"""
    known = table[table["patient"].isin(training_patients)]
    return roc_auc_score(table["label"], table["score"]) - roc_auc_score(known["label"], known["score"])


def lie_by_recognition__the_sign_reversed(table, training_patients):
    """take the AUC of all rows first"""
    new = table[~table["patient"].isin(training_patients)]
    return roc_auc_score(new["label"], new["score"]) - roc_auc_score(table["label"], table["score"])


def lie_by_recognition__from_decisions(table, training_patients):
    """rounded to 0 and 1 the ranking is gone"""
    new = table[~table["patient"].isin(training_patients)]
    return (roc_auc_score(table["label"], table["score"].round())
            - roc_auc_score(new["label"], new["score"].round()))  # fmt: skip


def lie_by_marker__groups_equally_weighted(label, score, marker):
    """not equally"""
    groups = [(label[marker == has], score[marker == has]) for has in (False, True)]
    aucs = [roc_auc_score(*group) for group in groups if 0 < group[0].sum() < len(group[0])]
    return roc_auc_score(label, score) - np.mean(aucs)


def lie_by_marker__weighted_by_images(label, score, marker):
    """not by the number of images"""
    groups = [(label[marker == has], score[marker == has]) for has in (False, True)]
    groups = [group for group in groups if 0 < group[0].sum() < len(group[0])]
    sizes = [len(group[0]) for group in groups]
    return roc_auc_score(label, score) - np.average([roc_auc_score(*group) for group in groups], weights=sizes)


def lie_by_marker__a_group_without_both_answers(label, score, marker):
    """Skip a group without both answers"""
    groups = [(label[marker == has], score[marker == has]) for has in (False, True)]
    pairs = [group[0].sum() * (len(group[0]) - group[0].sum()) for group in groups]
    aucs = [roc_auc_score(*group) if count else 0.5 for group, count in zip(groups, pairs, strict=True)]
    return roc_auc_score(label, score) - np.average(aucs, weights=[max(count, 1) for count in pairs])


def lie_by_marker__the_honest_part_only(label, score, marker):
    """subtract from the AUC of all"""
    groups = [(label[marker == has], score[marker == has]) for has in (False, True)]
    groups = [group for group in groups if 0 < group[0].sum() < len(group[0])]
    pairs = [group[0].sum() * (len(group[0]) - group[0].sum()) for group in groups]
    return np.average([roc_auc_score(*group) for group in groups], weights=pairs)
