"""Wrong answers to the exercises of notebook 05; see tests/test_exercises.py."""

import numpy as np
from imblearn.pipeline import make_pipeline
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl


def balanced_weights__the_share_of_the_class(labels):
    """The rare class gets the larger weight"""
    return np.bincount(labels) / len(labels)


def balanced_weights__not_scaled(labels):
    """Scale the weights"""
    return 1 / np.bincount(labels)


def balanced_weights__sum_to_the_number_of_classes(labels):
    """and by the number of classes"""
    weights = 1 / np.bincount(labels)
    return weights / weights.sum() * len(weights)


def out_of_fold__smote_before_the_split(features, labels, patients):
    """SMOTE before the split gives more rows than images"""
    more, their = dhl.SMOTE(random_state=0).fit_resample(features, labels)
    model = make_pipeline(StandardScaler(), dhl.make_head("logistic"))
    return cross_val_predict(model, more, their, cv=StratifiedKFold(5, shuffle=True, random_state=0),
                             method="predict_proba")  # fmt: skip


def out_of_fold__smote_before_the_split_rows_cut(features, labels, patients):
    """so something leaked"""
    return out_of_fold__smote_before_the_split(features, labels, patients)[: len(labels)]


def out_of_fold__split_by_image(features, labels, patients):
    """a patient on both sides"""
    pipeline = make_pipeline(StandardScaler(), dhl.SMOTE(random_state=0), dhl.make_head("logistic"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_predict(pipeline, features, labels, cv=folds, method="predict_proba")


def out_of_fold__hard_labels(features, labels, patients):
    """ask for predict_proba"""
    pipeline = make_pipeline(StandardScaler(), dhl.SMOTE(random_state=0), dhl.make_head("logistic"))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    return cross_val_predict(pipeline, features, labels, groups=patients, cv=folds)


def focal_loss__p_to_the_power_of_gamma(one_hot, p, alpha, gamma):
    """not p to the power of gamma"""
    of_truth, weight = (one_hot * p).sum(1), (one_hot * alpha).sum(1)
    return float(np.mean(-weight * of_truth**gamma * np.log(of_truth)))


def focal_loss__all_classes(one_hot, p, alpha, gamma):
    """the true class's probability only"""
    return float(np.mean((-alpha * (1 - p) ** gamma * np.log(p)).sum(1)))


def focal_loss__divided_by_the_alphas(one_hot, p, alpha, gamma):
    """Do not divide by the sum of the alphas"""
    of_truth, weight = (one_hot * p).sum(1), (one_hot * alpha).sum(1)
    return float(np.sum(-weight * (1 - of_truth) ** gamma * np.log(of_truth)) / weight.sum())


def decide__cost_ignored(p, cost):
    """Multiply each probability with the cost"""
    return np.asarray(p).argmax(1)


def decide__divided_by_the_cost(p, cost):
    """do not divide"""
    return (np.asarray(p) / np.asarray(cost)).argmax(1)


def decide__a_threshold_for_the_second_class(p, cost):
    """no threshold for the second class only"""
    return (np.asarray(p)[:, 1] * cost[1] > np.asarray(p)[:, 0] * cost[0]).astype(int)
