"""Arrays kept on disk for the next time: features, and networks translated for an engine."""

import hashlib
import os
from contextlib import closing
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from .errors import DataError
from .pixels.lazy import batches

FORMAT = 2  # of the entries; another number finds none of the old ones
PIECE = 512  # images whose features are kept together; what a kill can cost: 20 seconds of DenseNet121 on two cores


def folder(place=True):
    """Path: `place`; or, for True or nothing, the user's cache folder or what the variable DHL_CACHE says."""
    import pooch

    if place and place is not True:
        return Path(place)
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
