"""`DeepFeatures`: a network as a scikit-learn transformer, from images to features."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from . import cache, engines
from .errors import DataError, listing
from .pixels.check import as_images
from .progress import progress


class DeepFeatures(TransformerMixin, BaseEstimator):
    """The deep half of Deep Hybrid Learning: images to features, which a classifier then decides on.

    Parameters
    ----------
    base : keras.Model or None
        From `conv_base` or `pretrained_base`. It is used as it is, never fitted; clones share it. None: the features
        were made elsewhere, and are passed on.
    batch_size : int, optional
        Images per step; bounds the memory. By default what was fastest: few on a processor, 64 on a GPU.
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

    def transform(self, X):
        """Check the images, then run the network over them, or take what the cache has.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width, channels), or Radiographs, or its `images`
            Images that were loaded lazily are read while the network computes, and never held all at once. Without a
            base `Embeddings`, or their `features`.

        Returns
        -------
        ndarray of float32, shape (n, d)
            In the order of `X`. Images of a set loaded with `on_error="skip"` that cannot be read have NaN.

        Raises
        ------
        DataError
            If the images are not uint8 of the shape that the network takes, or cannot be read; or there is no such
            engine or storage.
        """
        if self.base is None:
            return _made_elsewhere(X)
        images, unread = self.check(X), []
        with progress(total=len(images), unit="image", description="features", delay=2) as bar:
            if self.cache_dir and len(images):
                made_of = f"{engines.identity(self.base)}{self.engine}{self.storage}"
                features = cache.kept(images, made_of, self.cache_dir, lambda some: self.compute(some, bar, []), unread)
            else:
                features = self.compute(images, bar, unread)
        say_unread(unread)
        return features.astype(np.float32, copy=False)

    def check(self, X):
        """The images of `X`, where this network takes them; DataError as `transform` says."""
        if self.storage not in ("float32", "float16"):
            raise DataError(f"There is no storage {self.storage!r}; choose 'float32' or 'float16'.")
        if self.engine not in engines.ENGINES:
            raise DataError(f"There is no engine {self.engine!r}; choose one of {', '.join(engines.ENGINES)}.")
        return as_images(X, self.base.input_shape[1:], lazy=True)

    def compute(self, images, bar, unread):
        """Features (n, d) as they are stored, without the cache; what is said of unreadable images goes to `unread`."""
        features = engines.run(self.base, images, self.engine, self.batch_size, self.cache_dir, bar, unread)
        return cache.rounded(features, self.storage)


def _made_elsewhere(X):
    """Features as they are; DataError where they are none."""
    features = np.asarray(X.features if hasattr(X, "features") else X)
    if features.ndim != 2 or features.dtype.kind not in "fiu" or not np.isfinite(features).all():
        raise DataError(
            f"DeepFeatures(None) takes features made elsewhere, finite numbers of shape (n, d), not {features.dtype} "
            f"{features.shape}. Give what load_embeddings returns, or a base for images."
        )
    return features.astype(np.float32, copy=False)


def say_unread(unread):
    """Warn of images that could not be read, by their names."""
    if unread:
        said = f"{len(unread)} images could not be read; their features are NaN:\n{listing(unread)}"
        warnings.warn(said, stacklevel=3)
