"""Wrong answers to the exercises of notebook 04; see tests/test_exercises.py."""

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler


def dhl_probabilities__raw_pixels(deep, head, train_images, train_labels, new_images):
    """The head got the raw pixels"""
    head.fit(train_images.reshape(len(train_images), -1), train_labels)
    return head.predict_proba(new_images.reshape(len(new_images), -1))


def dhl_probabilities__features_of_the_training_images(deep, head, train_images, train_labels, new_images):
    """not the training images"""
    features = deep.transform(train_images)
    return head.fit(features, train_labels).predict_proba(features)


def dhl_probabilities__features_of_the_first_training_images(deep, head, train_images, train_labels, new_images):
    """then predict the new images' features"""
    features = deep.transform(train_images)
    return head.fit(features, train_labels).predict_proba(features)[: len(new_images)]


def dhl_probabilities__hard_labels(deep, head, train_images, train_labels, new_images):
    """not hard labels"""
    return head.fit(deep.transform(train_images), train_labels).predict(deep.transform(new_images))


def dhl_probabilities__scaled_by_the_new_images(deep, head, train_images, train_labels, new_images):
    """Nothing may be fitted on the new images"""
    head.fit(StandardScaler().fit_transform(deep.transform(train_images)), train_labels)
    return head.predict_proba(StandardScaler().fit_transform(deep.transform(new_images)))


def macro_auc__from_hard_labels(labels, probabilities):
    """throws the ranking away"""
    called = np.eye(probabilities.shape[1])[probabilities.argmax(1)]
    return np.mean([roc_auc_score(labels == k, called[:, k]) for k in range(probabilities.shape[1])])


def macro_auc__an_accuracy(labels, probabilities):
    """An AUC is no accuracy"""
    return np.mean(probabilities.argmax(1) == labels)


def macro_auc__weighted_by_size(labels, probabilities):
    """not weighted by size"""
    share = np.bincount(labels) / len(labels)
    return sum(share[k] * roc_auc_score(labels == k, probabilities[:, k]) for k in range(probabilities.shape[1]))


def honest_folds__split_by_image(labels, patients, n_splits):
    """This splits images, not patients"""
    splitter = StratifiedKFold(n_splits, shuffle=True, random_state=0)
    return list(splitter.split(np.zeros(len(labels)), labels))


def honest_folds__labels_ignored(labels, patients, n_splits):
    """A plain GroupKFold ignores the labels"""
    return list(GroupKFold(n_splits).split(np.zeros(len(labels)), labels, groups=patients))


def honest_folds__one_fold_only(labels, patients, n_splits):
    """one pair of row numbers for each of the n_splits folds"""
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=0)
    return [next(splitter.split(np.zeros(len(labels)), labels, groups=patients))]
