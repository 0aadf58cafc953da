"""`DeepFeatures`: a network as a scikit-learn transformer, from images to features."""

import hashlib
import math
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from . import cache
from .engines import engine, identity
from .errors import DataError, listing
from .pixels.lazy import LazyImages, batches
from .progress import progress
from .scale.store import PIECE, FeatureFile, rounded

FORMAT = 3  # of the cache's entries; another number finds none of the old ones
READ = 64  # images decoded together, ahead of the computation


class DeepFeatures(TransformerMixin, BaseEstimator):
    """Images to features, as a scikit-learn transformer.

    Parameters
    ----------
    base : keras.Model
        From `conv_base` or `pretrained_base`. It is used as it is, never fitted; clones share it.
    batch_size : int, optional
        Images a step; bounds the memory. By default what was fastest: few on a processor, 64 on a GPU.
    cache_dir : str or path, optional
        Keep features on disk. An entry belongs to these pixels, these weights and this engine: change one, and it is
        not found. A damaged entry is computed again. True: the user's cache folder.
    engine : {"tensorflow", "tensorflow-mixed", "openvino", "openvino-bf16"}
        TensorFlow takes a GPU where it sees one; mixed: 16-bit multiplications. OpenVINO (in the extra `fast`) can be
        faster on x86 processors, most of all in bfloat16 where the processor has it.
    storage : {"float32", "float16"}
        What features are rounded to, and kept as, on disk. They are float32 in memory.
    """

    def __init__(self, base, batch_size=None, cache_dir=None, engine="tensorflow", storage="float32"):
        self.base = base
        self.batch_size = batch_size
        self.cache_dir = cache_dir
        self.engine = engine
        self.storage = storage

    def __sklearn_clone__(self):
        return type(self)(**self.get_params(deep=False))  # scikit-learn would deep-copy the network

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y=None):
        """Do nothing: the network is already what it is."""
        return self

    def transform(self, X, to=None, client=None):
        """Run the network.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width, channels), or Radiographs, or its `images`
            Images that were loaded lazily are read while the network computes, and never held all at once.
        to : str or path, optional
            Write the features to this file, a Zarr folder, piece by piece. Called again after a kill, it goes on.
        client : distributed.Client, optional
            With `to`: compute the pieces on the workers of a cluster, see `dhl_helpers.scale.cluster`.

        Returns
        -------
        ndarray of float32, shape (n, d), or FeatureFile if `to` is given
            In the order of `X`. Images of a set loaded with `on_error="skip"` that cannot be read have NaN.

        Raises
        ------
        DataError
            If the images do not have the shape that the network expects or cannot be read; there is no such engine or
            storage; `to` holds something else; or workers keep dying.
        """
        X = getattr(X, "images", X)
        X = X if isinstance(X, LazyImages) else np.asarray(X)
        expected = self.base.input_shape[1:]
        if X.ndim != 4 or X.shape[1:] != expected:
            raise DataError(
                f"Images have shape {X.shape}; this network takes (n, {', '.join(map(str, expected))}). Load them with "
                "that image_size and number of channels."
            )
        if self.storage not in ("float32", "float16"):
            raise DataError(f"There is no storage {self.storage!r}; choose 'float32' or 'float16'.")
        unread = []
        features = self._in_memory(X, unread) if to is None else self._to_file(X, to, unread, client)
        if unread:
            said = f"{len(unread)} images could not be read; their features are NaN:\n{listing(unread)}"
            warnings.warn(said, stacklevel=2)
        return features

    def _in_memory(self, X, unread):
        if not self.cache_dir:
            with self._bar(len(X)) as bar:
                features = self._compute(X, bar, unread)
            return rounded(features, self.storage).astype(np.float32, copy=False)
        if not isinstance(X, LazyImages):
            return self._cached(X)
        pieces = [np.empty((0, self._width()), np.float32)]
        with closing(batches(X, PIECE)) as read:
            for images, failed in read:
                pieces.append(self._cached(images))
                pieces[-1][list(failed)] = np.nan
                unread += failed.values()
        return np.concatenate(pieces)

    def _to_file(self, X, to, unread, client):
        images = X.fingerprint() if isinstance(X, LazyImages) else hashlib.sha256(np.ascontiguousarray(X)).hexdigest()
        made_of = {"images": images, "network": identity(self.base), "engine": self.engine}
        file = FeatureFile.create(to, (len(X), self._width()), self.storage, made_of)
        missing = file.missing()
        with self._bar(len(X), len(X) - sum(rows.stop - rows.start for rows in missing)) as bar:
            for rows, features in self._pieces(X, missing, bar, unread, client):
                file.write(rows, features)
        file.tidy()
        return file

    def _pieces(self, X, missing, bar, unread, client):
        """The rows of each missing piece with its features, computed here or by the workers of a cluster."""
        pieces = ((rows, X.subset(rows) if isinstance(X, LazyImages) else X[rows]) for rows in missing)
        if client is None:
            return ((rows, self._compute(some, bar, unread)) for rows, some in pieces)
        from .scale.cluster import computed

        return computed(client, self, pieces, bar, unread)

    def _cached(self, X):
        """The features of an array, from the cache if they are there."""
        folder = cache.folder() if self.cache_dir is True else Path(self.cache_dir)
        key = f"{FORMAT}{identity(self.base)}{self.engine}{self.storage}{X.shape}{X.dtype}"
        digest = hashlib.sha256(key.encode())
        digest.update(np.ascontiguousarray(X))
        file = folder / f"dhl-features-{digest.hexdigest()[:32]}.npz"
        entry = cache.load(file)
        if entry is None:
            with self._bar(len(X)) as bar:
                entry = {"features": rounded(self._compute(X, bar, []), self.storage)}
            cache.store(file, **entry)
        return entry["features"].astype(np.float32, copy=False)

    def _compute(self, X, bar, unread):
        """Read, and compute a few batches at once; what is said of unreadable images is added to `unread`."""
        run, at_once, batch_size = engine(self.base, self.engine, None if self.cache_dir is True else self.cache_dir)
        step, waiting, begin, broken = self.batch_size or batch_size, deque(), 0, []
        features = np.empty((len(X), self._width()), np.float32)

        def work(start, batch):
            features[start : start + len(batch)] = run(batch.astype(np.float32)).reshape(len(batch), -1)
            return len(batch)

        with closing(batches(X, max(step, READ))) as read, ThreadPoolExecutor(at_once) as pool:
            for images, failed in read:
                for start in range(0, len(images), step):
                    waiting.append(pool.submit(work, begin + start, images[start : start + step]))
                    if len(waiting) > at_once:
                        bar.update(waiting.popleft().result())
                broken += [begin + row for row in failed]
                unread += failed.values()
                begin += len(images)
            for each in waiting:
                bar.update(each.result())
        features[broken] = np.nan
        return features

    def _width(self):
        return math.prod(self.base.output_shape[1:])

    def _bar(self, total, done=0):
        """Images done, images per second and the time left, where it takes more than a moment."""
        return progress(total=total, unit="image", description="features", done=done, delay=2)
