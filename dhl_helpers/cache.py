"""Arrays kept on disk for the next time: features, and networks translated for an engine."""

import hashlib
import os
import sys
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from .arrays import read_arrays
from .files import replacing, tidy

MARK = "dhl_helpers sha256"  # the array by which an entry is known for ours, and checked


def folder():
    """Path: the user's cache folder, or what the environment variable DHL_CACHE says."""
    import pooch

    return Path(os.environ.get("DHL_CACHE") or pooch.os_cache("dhl_helpers"))


def files(place):
    """The entries in a folder, known by the mark inside them: list of Path. What dead processes left is removed."""
    tidy(place)
    return sorted(file for file in place.glob("dhl-*.npz") if _is_marked(file))


def load(file):
    """The arrays of an entry; None where there is none. A damaged one is removed, and that is said.

    Parameters
    ----------
    file : Path

    Returns
    -------
    dict of str to ndarray, or None
    """
    try:
        entry = read_arrays(file)
        mark = entry.pop(MARK)
        if mark.tobytes() == _digest(entry):
            return entry
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError):
        pass
    warnings.warn(f"{file}: damaged, or of another version; it is made again.", stacklevel=2)
    with suppress(OSError):
        file.unlink(missing_ok=True)
    return None


def store(file, **arrays):
    """Write an entry whole or not at all. Where it cannot be written, that is said, and nothing is lost but time.

    Parameters
    ----------
    file : Path
    **arrays : ndarray
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        tidy(file.parent)
        with replacing(file) as unfinished:
            np.savez(unfinished, **arrays, **{MARK: np.frombuffer(_digest(arrays), np.uint8)})
    except OSError as error:
        print(f"note: {file.parent}: not kept for the next time ({error.strerror or error}).", file=sys.stderr)


def _digest(arrays):
    """SHA-256 of names, types, shapes and contents: bytes."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        array = np.asarray(array)
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.digest()


def _is_marked(file):
    with suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(file) as entry:
        return f"{MARK}.npy" in entry.namelist()
    return False
