"""Arrays kept on disk for the next time: features, and networks translated for an engine."""

import hashlib
import os
import sys
import warnings
import zipfile
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from .arrays import read_arrays
from .errors import DataError
from .files import replacing, tidy
from .pixels.lazy import batches

MARK = "dhl_helpers sha256"  # the array by which an entry is known for ours, and checked
FORMAT = 3  # of the entries; another number finds none of the old ones
PIECE = 512  # images whose features are kept together; what a kill can cost: 20 seconds of DenseNet121 on two cores


def folder(place=True):
    """Path: `place`; or, for True or nothing, the user's cache folder or what the variable DHL_CACHE says."""
    import pooch

    if place and place is not True:
        return Path(place)
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


def kept(images, made_of, place, compute, unread):
    """What `compute` makes of images, piece by piece, from the folder where it has the piece already.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, channels), or LazyImages
    made_of : str
        What else the result depends on: the network, the engine.
    place : str, path or True
        As for `folder`.
    compute : callable
        Images (m, height, width, channels) to an array (m, d).
    unread : list of str
        What is said of images that cannot be read is added to it.

    Returns
    -------
    ndarray, shape (n, d)
        NaN where an image cannot be read.
    """
    pieces, begin, features = batches(images, PIECE), 0, None
    with closing(pieces):
        for piece, failed in pieces:
            digest = hashlib.sha256(f"{FORMAT}{made_of}{piece.shape}{piece.dtype}".encode())
            digest.update(np.ascontiguousarray(piece))
            file = folder(place) / f"dhl-features-{digest.hexdigest()[:32]}.npz"
            entry = load(file)
            if entry is None:
                entry = {"features": compute(piece)}
                store(file, **entry)
            found = entry["features"]
            features = np.empty((len(images), found.shape[1]), found.dtype) if features is None else features
            features[begin : begin + len(piece)] = found
            features[[begin + row for row in failed]] = np.nan
            unread += failed.values()
            begin += len(piece)
    return features


def rounded(features, storage):
    """The features as they are kept: ndarray of `storage`; DataError if one is too large for float16."""
    with np.errstate(over="ignore"):
        kept = features.astype(storage, copy=False)
    if np.isinf(kept).any() and not np.isinf(features).any():
        raise DataError(f"Features up to {np.nanmax(np.abs(features)):.0f} do not fit into float16; use float32.")
    return kept


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
