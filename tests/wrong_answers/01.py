"""Wrong answers to the exercises of notebook 01; see tests/test_exercises.py."""

import numpy as np


def memory_bytes__in_gigabytes(n, side, channels, bytes_each):
    """Return bytes, not GB"""
    return n * side * side * channels * bytes_each / 1e9


def memory_bytes__always_colour(n, side, channels, bytes_each):
    """do not fix them at 3 and 4"""
    return n * side * side * 3 * 4


def memory_bytes__one_side_only(n, side, channels, bytes_each):
    """side x side pixels"""
    return n * side * channels * bytes_each


def hold_back__split_by_image(patients, share, seed):
    """You drew images"""
    return np.random.default_rng(seed).random(len(patients)) < share


def hold_back__row_numbers(patients, share, seed):
    """Return a mask as long as `patients`"""
    unique = np.unique(patients)
    chosen = np.random.default_rng(seed).permutation(unique)[: round(share * len(unique))]
    return np.flatnonzero(np.isin(patients, chosen))


def hold_back__the_first_patients(patients, share, seed):
    """Draw at random"""
    unique = np.unique(patients)
    return np.isin(patients, unique[: round(share * len(unique))])


def hold_back__share_of_the_images(patients, share, seed):
    """The share counts patients"""
    unique = np.unique(patients)
    return np.isin(patients, np.random.default_rng(seed).permutation(unique)[: round(share * len(patients))])


def to_8_bit__type_changed_only(pixels):
    """astype alone keeps the last 8 bits"""
    return pixels.astype(np.uint8)


def to_8_bit__clipped(pixels):
    """must not become 255 by clipping"""
    return np.clip(pixels, 0, 255).astype(np.uint8)


def to_8_bit__by_the_brightest_pixel(pixels):
    """not by the brightest pixel of this picture"""
    return np.round(pixels / pixels.max() * 255).astype(np.uint8)


def to_8_bit__left_as_float(pixels):
    """End with .astype(np.uint8)"""
    return pixels / 65_535 * 255
