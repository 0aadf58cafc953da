"""Wrong answers to the exercises of notebook 06; see tests/test_exercises.py."""

import numpy as np
from sklearn.metrics import roc_auc_score


def macro_auc__from_hard_labels(labels, p):
    """argmax throws the ranking away"""
    labels, called = np.ravel(labels), np.eye(p.shape[1])[p.argmax(1)]
    return float(np.mean([roc_auc_score(labels == label, called[:, label]) for label in range(p.shape[1])]))


def macro_auc__all_columns_at_once(labels, p):
    """a table of two columns at once is refused"""
    return roc_auc_score(np.ravel(labels), p, multi_class="ovr")


def macro_auc__labels_as_a_column(labels, p):
    """makes an (n, n) table"""
    hits = [(labels == np.full(len(p), label)) for label in range(p.shape[1])]
    return float(np.mean([roc_auc_score(hit, p[:, label]) for label, hit in enumerate(hits)]))


def threshold_for_specificity__among_all_images(positive, score, allowed):
    """among the negative images only"""
    fitting = [t for t in np.unique(score) if np.mean(score >= t) <= allowed]
    return min(fitting, default=np.inf)


def threshold_for_specificity__an_image_on_the_threshold(positive, score, allowed):
    """calls an image that lies on the threshold"""
    fitting = [t for t in np.unique(score) if np.mean(score[~positive] > t) <= allowed]
    return min(fitting, default=np.inf)


def threshold_for_specificity__the_largest_that_fits(positive, score, allowed):
    """take the smallest: it finds most"""
    fitting = [t for t in np.unique(score) if np.mean(score[~positive] >= t) <= allowed]
    return max(fitting, default=np.inf)


def threshold_for_specificity__largest_score_where_none_fits(positive, score, allowed):
    """not the largest score"""
    fitting = [t for t in np.unique(score) if np.mean(score[~positive] >= t) <= allowed]
    return min(fitting, default=score.max())


def draw_patients__single_images(patients, rng):
    """You drew single images"""
    return rng.integers(0, len(patients), len(patients))


def draw_patients__repeats_dropped(patients, rng):
    """keep repeats"""
    unique = np.unique(patients)
    return np.flatnonzero(np.isin(patients, rng.choice(unique, size=len(unique))))


def draw_patients__without_replacement(patients, rng):
    """with replacement: some patients come twice"""
    return np.concatenate([np.flatnonzero(patients == patient) for patient in rng.permutation(np.unique(patients))])


def draw_patients__as_many_as_images(patients, rng):
    """not as there are images"""
    drawn = rng.choice(np.unique(patients), size=len(patients))
    return np.concatenate([np.flatnonzero(patients == patient) for patient in drawn])


def predictive_value__the_sensitivity(sensitivity, specificity, prevalence):
    """not the sensitivity"""
    return sensitivity


def predictive_value__prevalence_ignored(sensitivity, specificity, prevalence):
    """Weigh the two groups"""
    return sensitivity / (sensitivity + 1 - specificity)


def predictive_value__specificity_for_false_alarms(sensitivity, specificity, prevalence):
    """False alarms are 1 - specificity"""
    right, wrong = sensitivity * prevalence, specificity * (1 - prevalence)
    return right / (right + wrong)
