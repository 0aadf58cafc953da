"""Wrong answers to the exercises of notebook 09; see tests/test_exercises.py."""

import numpy as np


def honest_result__chosen_on_the_test_part(runs):
    """The choice must not look at test"""
    return runs.groupby("method")["test"].mean().max()


def honest_result__the_best_single_run(runs):
    """the single best run, is hindsight"""
    return runs.loc[runs["val"].idxmax(), "test"]


def interval__seeds_shrink_the_patients_part(values, error):
    """More seeds do not see more patients"""
    half = 1.96 * np.sqrt((error**2 + np.var(values, ddof=1)) / len(values))
    return np.mean(values) - half, np.mean(values) + half


def interval__variance_of_one_seed(values, error):
    """divided by the number of seeds"""
    half = 1.96 * np.sqrt(error**2 + np.var(values, ddof=1))
    return np.mean(values) - half, np.mean(values) + half


def interval__errors_added(values, error):
    """do not add the two errors"""
    half = 1.96 * (error + np.std(values, ddof=1) / np.sqrt(len(values)))
    return np.mean(values) - half, np.mean(values) + half


def bill__trained_for_each_head(training, extraction, fit, heads, candidates):
    """The network is trained once"""
    return heads * candidates * (training + extraction + fit)


def bill__only_the_heads(training, extraction, fit, heads, candidates):
    """these need a trained network"""
    return heads * candidates * fit


def benefit__prevalence_ignored(sensitivity, specificity, prevalence, t):
    """Weigh true positives with the prevalence"""
    return sensitivity - (1 - specificity) * t / (1 - t)


def benefit__odds_ignored(sensitivity, specificity, prevalence, t):
    """and with t / (1 - t)"""
    return sensitivity * prevalence - (1 - specificity) * (1 - prevalence)


def benefit__the_threshold_for_its_odds(sensitivity, specificity, prevalence, t):
    """both kinds of error weigh the same"""
    return sensitivity * prevalence - (1 - specificity) * (1 - prevalence) * t
