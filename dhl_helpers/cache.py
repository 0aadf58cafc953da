"""Arrays kept on disk for the next time: features, and networks translated for an engine."""

import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np


def folder():
    """Path: the user's cache folder, or what the environment variable DHL_CACHE says."""
    import pooch

    return Path(os.environ.get("DHL_CACHE") or pooch.os_cache("dhl_helpers"))


def files(place):
    """The entries in a folder, with what killed processes left of others: list of Path. No other files."""
    return sorted(place.glob("dhl-*.npz"))


def load(file):
    """The arrays of an entry; None where there is none. A damaged one is removed.

    Parameters
    ----------
    file : Path

    Returns
    -------
    dict of str to ndarray, or None
    """
    try:
        with np.load(file) as entry:  # a zip file: reading compares each array with its checksum
            return {name: entry[name] for name in entry.files}
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        file.unlink(missing_ok=True)
        return None


def store(file, **arrays):
    """Write an entry under a temporary name, then move it: another process sees all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"dhl-unfinished-{os.getpid()}-{file.name}")
    np.savez(unfinished, **arrays)
    os.replace(unfinished, file)
