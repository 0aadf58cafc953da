"""Wrong answers to the exercises of notebook 07; see tests/test_exercises.py."""

import re

import numpy as np


def patient_of__the_number_only(name):
    """The number alone is not the patient"""
    return re.search(r"\d+", name)[0]


def patient_of__one_digit(name):
    """Take the whole number, not its first digit"""
    stem = re.sub(r"(\d)\d*", r"\1", name.rsplit(".", 1)[0])
    return stem.rsplit("-" if "IM-" in stem else "_", 1)[0]


def patient_of__the_series_dropped(name):
    """a search for IM- and digits drops the series"""
    found = re.search(r"IM-\d+", name)
    return found[0] if found else name.rsplit("_", 1)[0]


def patient_of__the_whole_name(name):
    """Leave it out of the key"""
    return name.rsplit(".", 1)[0]


def duplicates_across__equal_means(images, parts):
    """Compare the pixels"""
    means, n = images.mean(axis=(1, 2)), len(images)
    return [(i, j) for i in range(n) for j in range(i + 1, n) if parts[i] != parts[j] and means[i] == means[j]]


def duplicates_across__within_a_part_too(images, parts):
    """Compare their parts too"""
    n = len(images)
    return [(i, j) for i in range(n) for j in range(i + 1, n) if np.array_equal(images[i], images[j])]


def duplicates_across__neighbours_only(images, parts):
    """Compare each image with each later one"""
    return [(i, i + 1) for i in range(len(images) - 1)
            if parts[i] != parts[i + 1] and np.array_equal(images[i], images[i + 1])]  # fmt: skip


def duplicates_across__none_where_there_are_none(images, parts):
    """Return an empty list, not None"""
    n = len(images)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)
             if parts[i] != parts[j] and np.array_equal(images[i], images[j])]  # fmt: skip
    return pairs or None


def resolved__everything_else_absent(labels, policy):
    """turns NaN into 0"""
    return (labels == 1).astype(float) if policy != "ones" else (np.abs(labels) == 1).astype(float)


def resolved__in_place(labels, policy):
    """Work on a copy"""
    labels[labels == -1] = {"zeros": 0.0, "ones": 1.0, "ignore": np.nan}[policy]
    return labels


def resolved__ignored_means_zero(labels, policy):
    """Unknown is NaN"""
    return np.where(labels == -1, {"zeros": 0.0, "ones": 1.0, "ignore": 0.0}[policy], labels)


def to_8_bits__type_changed_only(stored, bits, photometric):
    """astype(uint8) alone wraps around"""
    return (255 - stored if photometric == "MONOCHROME1" else stored).astype(np.uint8)


def to_8_bits__by_the_brightest_pixel(stored, bits, photometric):
    """not by the largest pixel"""
    grey = stored / stored.max() * 255
    return np.round(255 - grey if photometric == "MONOCHROME1" else grey).astype(np.uint8)


def to_8_bits__never_inverted(stored, bits, photometric):
    """In MONOCHROME1 zero is white"""
    return np.round(stored / (2**bits - 1) * 255).astype(np.uint8)


def to_8_bits__arithmetic_in_16_bits(stored, bits, photometric):
    """uint16 arithmetic overflows"""
    grey = stored * np.uint16(255) // np.uint16(2**bits - 1)
    return (255 - grey if photometric == "MONOCHROME1" else grey).astype(np.uint8)


def patients_needed__in_proportion(n, width, wanted):
    """grows with the square of width / wanted"""
    return int(np.ceil(n * width / wanted))


def patients_needed__the_wrong_way_round(n, width, wanted):
    """the square of width / wanted"""
    return int(np.ceil(n * (wanted / width) ** 2))


def patients_needed__not_rounded(n, width, wanted):
    """Use np.ceil and int"""
    return n * (width / wanted) ** 2
