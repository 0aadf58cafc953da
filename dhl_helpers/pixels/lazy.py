"""Images that stay on disk until their rows are asked for, and reading them ahead of a computation."""

import hashlib
import os
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..errors import DataError, listing
from .decode import decode_all

AHEAD = 2  # batches decoded while one is computed


class LazyImages:
    """Images on disk; stands in `Radiographs.images` where the array would.

    `images[rows]` decodes those rows and returns an array, `np.asarray(images)` all of them. The table, the labels and
    the split work without a pixel being read.

    Parameters
    ----------
    sources : sequence of path, or ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    size : int
        Height and width after resizing, in pixels.
    channels : {1, 3}
    skip : bool
        Whether images that cannot be read are reported by `read` instead of raised.
    depth : {8, 12, 16}, optional
        As for `load_dataset`, fixed once for all of them.

    Attributes
    ----------
    shape : tuple of int
        (n, size, size, channels).
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, sources, size, channels, skip=False, depth=None):
        self.sources = sources if isinstance(sources, np.ndarray) else np.array([str(path) for path in sources], object)
        self.size, self.channels, self.skip, self.depth = size, channels, skip, depth

    def __len__(self):
        return len(self.sources)

    @property
    def shape(self):
        return (len(self), self.size, self.size, self.channels)

    def __getitem__(self, rows):
        """The images at `rows`, ndarray of uint8; DataError names each file that cannot be read."""
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            return self[[rows]][0]
        images, failed = LazyImages(self.sources[rows], self.size, self.channels, depth=self.depth).read()
        return images

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or np.uint8, copy=False)

    def subset(self, rows):
        """The images at `rows` (a slice, a boolean mask or positions), still on disk."""
        return LazyImages(self.sources[rows], self.size, self.channels, self.skip, self.depth)

    def read(self):
        """Decode all of them.

        Returns
        -------
        images : ndarray of uint8, shape (n, size, size, channels)
        failed : dict of int to str
            With `skip`, the position and "path: reason" of each image that cannot be read; its pixels are 0.

        Raises
        ------
        DataError
            Without `skip`, if there is such an image; the message lists them.
        """
        images, failed, _, remarks = decode_all(self.sources, self.size, self.channels, "reading images", self.depth)
        for remark in remarks:
            warnings.warn(remark, stacklevel=2)
        failed = {row: f"{self.name(row)}: {reason}" for row, reason in failed.items()}
        if failed and not self.skip:
            raise DataError(
                f"{len(failed)} images cannot be read. Repair or remove them, or load with on_error='skip':\n"
                f"{listing(list(failed.values()))}"
            )
        return images, failed

    def name(self, row):
        """What to call an image in a message: its path, or its row in the array that it comes from."""
        return self.sources[row] if self.sources.ndim == 1 else f"image {row}"

    def fingerprint(self):
        """Identify the images without decoding them: the paths, sizes and times of the files, or the pixels.

        Returns
        -------
        str
        """
        digest = hashlib.sha256(f"{self.shape}{self.depth or ''}".encode())
        if self.sources.ndim > 1:
            digest.update(np.ascontiguousarray(self.sources))
        else:
            for path in self.sources:
                try:
                    file = os.stat(path)
                    digest.update(f"{path}\0{file.st_size}\0{file.st_mtime_ns}\0".encode())
                except OSError:  # reading it will say what is wrong
                    digest.update(f"{path}\0".encode())
        return digest.hexdigest()


def batches(images, step):
    """Go through images in order, `step` at a time; those on disk are decoded while the caller computes.

    Parameters
    ----------
    images : ndarray or LazyImages
    step : int

    Yields
    ------
    batch : ndarray, shape (at most step, height, width, channels)
    failed : dict of int to str
        As `LazyImages.read` returns it; empty for an array.
    """
    starts = range(0, len(images), step)
    if not isinstance(images, LazyImages):
        yield from ((images[start : start + step], {}) for start in starts)
        return
    pool, waiting = ThreadPoolExecutor(1), deque()
    try:
        for start in starts:
            waiting.append(pool.submit(images.subset(slice(start, start + step)).read))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # the caller may stop early, or a file be broken
        pool.shutdown(cancel_futures=True)
