"""Wrong answers to the exercises of notebook 03; see tests/test_exercises.py. `extract` is the notebook's own."""

# ruff: noqa: F821

import numpy as np


def pooled__largest_values(maps):
    """max would be another pooling"""
    return maps.max(axis=(1, 2))


def pooled__over_the_images(maps):
    """Average over height and width (axes 1 and 2)"""
    return maps.mean(axis=(0, 1))


def pooled__over_everything_but_images(maps):
    """keep images (0) and channels (3)"""
    return maps.mean(axis=(1, 2, 3))


def batch_ranges__whole_batches_only(n, batch_size):
    """counts whole batches only and loses the last images"""
    return [(number * batch_size, (number + 1) * batch_size) for number in range(n // batch_size)]


def batch_ranges__one_batch_too_many(n, batch_size):
    """is one too many"""
    return [(k * batch_size, min((k + 1) * batch_size, n)) for k in range(n // batch_size + 1)]


def batch_ranges__last_stop_too_large(n, batch_size):
    """the last stop is n, not a multiple"""
    return [(start, start + batch_size) for start in range(0, n, batch_size)]


def extract_with_labels__labels_in_a_second_pass(base, batches):
    """These are features of other images"""
    features = np.concatenate([extract(base, images) for images, _ in batches])
    return features, np.concatenate([labels.ravel() for _, labels in batches])


def extract_with_labels__labels_as_a_column(base, batches):
    """use ravel()"""
    pairs = [(extract(base, images), labels) for images, labels in batches]
    return tuple(np.concatenate(part) for part in zip(*pairs, strict=True))


def extract_with_labels__only_the_last_batch(base, batches):
    """keep every batch"""
    images, labels = list(batches)[-1]
    return extract(base, images), labels.ravel()
