"""Wrong answers to the exercises of notebook 10; see tests/test_exercises.py."""

import numpy as np


def load_or_stream__all_of_the_memory(n, side, channels, memory_gb):
    """Compare with half of the memory"""
    return "load" if n * side**2 * channels <= memory_gb * 1e9 else "stream"


def load_or_stream__channels_forgotten(n, side, channels, memory_gb):
    """Colour has three bytes per pixel"""
    return "load" if n * side**2 <= memory_gb * 1e9 / 2 else "stream"


def load_or_stream__equality_left_out(n, side, channels, memory_gb):
    """At most half: equality counts"""
    return "load" if n * side**2 * channels < memory_gb * 1e9 / 2 else "stream"


def to_do__last_stop_too_large(n, size, done):
    """The last piece ends at n"""
    return [(start, start + size) for start in range(0, n, size) if start // size not in done]


def to_do__behind_the_last_finished_piece(n, size, done):
    """Workers finish in any order"""
    first = (max(done, default=-1) + 1) * size
    return [(start, min(start + size, n)) for start in range(first, n, size)]


def to_do__everything_again(n, size, done):
    """Leave out the pieces whose number is in done"""
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def machines_needed__rounded_down(n, hours, per_second, start_seconds):
    """Round up"""
    left = hours * 3600 - start_seconds
    return max(1, int(n // (per_second * left))) if left > 0 else None


def machines_needed__start_forgotten(n, hours, per_second, start_seconds):
    """Take the start off the time of every machine"""
    return int(np.ceil(n / (per_second * hours * 3600)))


def machines_needed__start_added_to_the_whole_work(n, hours, per_second, start_seconds):
    """no number of machines helps"""
    return int(np.ceil((n / per_second + start_seconds) / (hours * 3600)))
