"""Wrong answers to the exercises of notebook 10; see tests/test_exercises.py."""


def load_or_stream__one_side_only(n, side, channels, memory_gb):
    """Images, height, width and channels multiply"""
    return "stream" if n * side**3 * channels > memory_gb * 1e9 / 2 else "load"


def load_or_stream__float32(n, side, channels, memory_gb):
    """a pixel is one byte"""
    return "load" if n * side**2 * channels * 4 <= memory_gb * 1e9 / 2 else "stream"


def load_or_stream__grey(n, side, channels, memory_gb):
    """Colour has three bytes a pixel"""
    return "load" if n * side**2 <= memory_gb * 1e9 / 2 else "stream"


def load_or_stream__all_of_the_memory(n, side, channels, memory_gb):
    """Compare with half of the memory"""
    return "load" if n * side**2 * channels <= memory_gb * 1e9 else "stream"


def to_do__last_piece_too_long(n, size, done):
    """The last piece ends at n"""
    return [(start, start + size) for start in range(0, n, size) if start // size not in done]


def to_do__after_the_last_finished(n, size, done):
    """do not go on behind the last finished piece"""
    first = (max(done) + 1) * size if done else 0
    return [(start, min(start + size, n)) for start in range(first, n, size)]


def to_do__everything_again(n, size, done):
    """Leave out the pieces whose number is in done"""
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def machines_needed__start_taken_off_once(n, hours, per_second, start_seconds):
    """Take the start off the time of every machine"""
    return -(-n // (per_second * hours * 3600)) if start_seconds < hours * 3600 else None


def machines_needed__rounded(n, hours, per_second, start_seconds):
    """Round up"""
    left = hours * 3600 - start_seconds
    return round(n / (per_second * left)) if left > 0 else None


def machines_needed__always_a_number(n, hours, per_second, start_seconds):
    """no number of machines helps"""
    return max(1, int(-(-n // (per_second * (hours * 3600 - start_seconds)))))
