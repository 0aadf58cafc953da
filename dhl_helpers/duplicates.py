"""The same film in several images: found by pixels or bytes, so that all of them stay in one part of a split."""

import hashlib
import os
import warnings

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .errors import listing

HEAD = 4096  # bytes of a file that are compared before all of it is


def pictures(images):
    """Which images are the same picture: by their pixels, or while they are on disk by the bytes of their files.

    A picture that half of all images or more show is a placeholder and no film, and so is one of a single grey level.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, channels), or LazyImages

    Returns
    -------
    ndarray of int64, shape (n,)
        Equal numbers for the same picture, -1 where an image is the only one of its picture.
    """
    if isinstance(images, np.ndarray):
        keys = [None if image.min() == image.max() else hashlib.sha256(image.tobytes()).digest() for image in images]
    elif images.sources.ndim > 1:
        return pictures(images.sources)
    else:
        keys = _files_alike(images.sources)
    numbers = pd.Series(pd.factorize(pd.Series(keys, dtype=object))[0])
    size = numbers.groupby(numbers).transform("size")
    film = (numbers >= 0) & (size > 1) & ((size == 2) | (size < len(numbers) / 2))
    return numbers.where(film, -1).to_numpy()


def _files_alike(paths):
    """For each file what it shares with files of the same bytes, else None; few files are read to their end."""
    keys = pd.Series([_opened(path, 0) for path in paths], dtype=object)
    for amount in (HEAD, -1):
        again = keys.notna() & keys.duplicated(keep=False)
        read = [_opened(path, amount) if wanted else None for path, wanted in zip(paths, again, strict=True)]
        keys = pd.Series(read, dtype=object)
    return keys


def _opened(path, amount):
    """The size of a file and a digest of its first bytes; None where there is nothing to read."""
    try:
        size = os.path.getsize(path)
        if not amount:
            return size or None
        with open(path, "rb") as file:
            return size, hashlib.sha256(file.read(amount)).digest()
    except OSError:
        return None


def warn_of_contradictions(images, table):
    """Say which pictures are there under different labels, with their paths; images on disk are not compared."""
    if not isinstance(images, np.ndarray):
        return
    found = pictures(images)
    again = table.assign(picture=found)[found >= 0].groupby("picture")
    doubted = [" = ".join(f"{path} ({label})" for path, label in zip(same["path"], same["label"], strict=True))
               for _, same in again if same["label"].nunique() > 1]  # fmt: skip
    if doubted:
        warnings.warn(f"{len(doubted)} pictures have different labels. Correct them:\n{listing(doubted)}", stacklevel=3)


def together(owners, shown):
    """Patients who share a picture as one: the first of their names for each image.

    Parameters
    ----------
    owners : ndarray, shape (n,)
        Whose image each one is.
    shown : ndarray of int, shape (n,)
        From `pictures`.

    Returns
    -------
    ndarray, shape (n,)
    """
    if (shown < 0).all():
        return owners
    codes, names = pd.factorize(owners, sort=True)
    rows = np.flatnonzero(shown >= 0)
    size = len(names) + shown.max() + 1
    links = coo_matrix((np.ones(len(rows)), (codes[rows], len(names) + shown[rows])), shape=(size, size))
    group = pd.Series(connected_components(links, directed=False)[1][: len(names)])
    first = group.groupby(group).transform(lambda same: same.index[0])
    return np.asarray(names)[first.to_numpy()[codes]]
