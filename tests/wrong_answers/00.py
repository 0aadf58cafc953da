"""Wrong answers to the exercises of notebook 00; see tests/test_exercises.py."""

import numpy as np


def accuracy__labels_as_a_column(predicted, labels):
    """Comparing shape (n,) with (n, 1)"""
    return float(np.mean(predicted == labels))


def accuracy__in_per_cent(predicted, labels):
    """a share between 0 and 1"""
    return 100 * float(np.mean(np.ravel(predicted) == np.ravel(labels)))


def accuracy__arrays_compared_as_a_whole(predicted, labels):
    """element by element"""
    return 1.0 if np.ravel(predicted).size == np.ravel(labels).size else 0.0


def lazy_accuracy__one_over_the_classes(labels):
    """what random guessing gets"""
    return 1 / len(np.unique(labels))


def lazy_accuracy__always_class_0(labels):
    """Do not count class 0 only"""
    return float(np.mean(labels == 0))


def count_features__all_pixels_off_at_once(image_size):
    """Each group takes off its own 4 pixels"""
    return (max(image_size - 16, 0) // 16) ** 2 * 64


def count_features__maps_forgotten(image_size):
    """all places of all maps"""
    side = image_size
    for _ in range(4):
        side = max(side - 4, 0) // 2
    return side * side


def count_features__negative_sides(image_size):
    """cannot become negative"""
    side = image_size
    for _ in range(4):
        side = (side - 4) // 2
    return side * side * 64
