"""The one error of the course that a reader can fix, and how an error of the operating system is told."""

import errno
import os
from numbers import Integral
from pathlib import Path

ADVICE = {
    errno.ENOSPC: "Make room, or write to another disk",
    errno.EDQUOT: "Make room, or write to another disk",
    errno.EFBIG: "Make room, or write to another disk",
    errno.EACCES: "Choose a place that you may write to",
    errno.EPERM: "Choose a place that you may write to",
    errno.EROFS: "Choose a place that you may write to",
    errno.ENOTDIR: "Name a folder, or a file inside one",
}


class DataError(ValueError):
    """What was given to the course cannot be used; the message says which file or column, what is wrong, what to do."""


def listing(items, most=100):
    """Join `items` for an error message: one per line, and a count of those beyond `most`."""
    lines = [f"  {item}" for item in items[:most]]
    if len(items) > most:
        lines.append(f"  ... and {len(items) - most} more")
    return "\n".join(lines)


def said(error):
    """An OSError in one sentence: where, what is wrong, what to do."""
    try:
        os.getcwd()
    except OSError:
        return "the working directory is gone. Change to another folder and try again."
    what = error.strerror or (str(error) or type(error).__name__).strip().splitlines()[0]
    where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else None
    if where and where.name.startswith(".dhl-"):
        where = where.parent  # the temporary name would tell a reader nothing
    advice = ADVICE.get(error.errno, "")
    return f"{f'{where}: ' if where else ''}{what.rstrip('.')}.{f' {advice}.' if advice else ''}"


def check_seed(seed):
    """DataError where a seed is not a whole number from 0 on."""
    if isinstance(seed, bool) or not (isinstance(seed, Integral) and seed >= 0):
        raise DataError(f"seed is {seed!r}; take a whole number from 0 on.")
