"""The network as a feature extractor: where to cut it, and a scikit-learn transformer around it."""

import hashlib
import math
import os
import re
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from ._keras import keras, tf
from .errors import DataError


def conv_base(cnn, cut="flatten"):
    """Cut a network so that it returns features instead of probabilities. The weights are shared, not copied.

    Parameters
    ----------
    cnn : keras.Model
        With a Flatten layer between its convolutions and its dense layers.
    cut : {"flatten", "average", "dense"}
        The flattened feature maps, as in the article; their mean over the image; the last hidden dense layer.

    Returns
    -------
    keras.Model
        Output of shape (n, d).

    Raises
    ------
    DataError
        If `cut` is none of the three, or the network lacks the layer to cut at.
    """
    flatten = [layer for layer in cnn.layers if isinstance(layer, keras.layers.Flatten)]
    hidden = [layer for layer in cnn.layers if isinstance(layer, keras.layers.Dense)][:-1]
    if cut not in ("flatten", "average", "dense"):
        raise DataError(f"There is no cut {cut!r}; choose 'flatten', 'average' or 'dense'.")
    if not flatten or (cut == "dense" and not hidden):
        raise DataError(f"The network {cnn.name!r} has no layer for the cut {cut!r}: a Flatten, then Dense layers.")
    image = cnn.inputs[0]  # not the list around it: Keras would warn whenever the base is called with an array
    if cut == "dense":
        return keras.Model(image, hidden[-1].output)
    if cut == "average":
        maps = flatten[0].input  # a strong CNN has averaged them itself
        return keras.Model(image, keras.layers.GlobalAveragePooling2D()(maps) if len(maps.shape) == 4 else maps)
    return keras.Model(image, flatten[0].output)


class DeepFeatures(TransformerMixin, BaseEstimator):
    """Images to features, as a scikit-learn transformer.

    Parameters
    ----------
    base : keras.Model
        From `conv_base` or `pretrained_base`. It is used as it is, never fitted; clones share it.
    batch_size : int
        Images a step; bounds the memory.
    cache_dir : str or path, optional
        Keep features on disk. An entry belongs to these pixels and these weights: change either, and it is not found.
        A damaged entry is computed again.
    """

    def __init__(self, base, batch_size=64, cache_dir=None):
        self.base = base
        self.batch_size = batch_size
        self.cache_dir = cache_dir

    def __sklearn_clone__(self):
        return type(self)(self.base, self.batch_size, self.cache_dir)  # scikit-learn would deep-copy the network

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y=None):
        """Do nothing: the network is already what it is."""
        return self

    def transform(self, X):
        """Run the network.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width, channels)

        Returns
        -------
        ndarray of float32, shape (n, d)
            In the order of `X`.

        Raises
        ------
        DataError
            If the images do not have the shape that the network expects.
        """
        X = np.asarray(X)
        expected = self.base.input_shape[1:]
        if X.ndim != 4 or X.shape[1:] != expected:
            raise DataError(
                f"Images have shape {X.shape}; this network takes (n, {', '.join(map(str, expected))}). Load them with "
                "that image_size and number of channels."
            )
        if not self.cache_dir:
            return self._compute(X)
        file = Path(self.cache_dir, f"features-{self._key(X)}.npz")
        try:
            with np.load(file) as entry:
                return entry["features"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):  # not there, or damaged: zip checks
            features = self._compute(X)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f"unfinished-{os.getpid()}-{file.name}")
        np.savez(unfinished, features=features)
        os.replace(unfinished, file)
        return features

    def _compute(self, X):
        forward, step = _compiled(self.base), self.batch_size
        features = np.empty((len(X), math.prod(self.base.output_shape[1:])), np.float32)
        for i in range(0, len(X), step):
            batch = X[i : i + step]
            features[i : i + step] = forward(batch.astype(np.float32)).numpy().reshape(len(batch), -1)
        return features

    def _key(self, X):
        layers = re.sub(r'_\d+"', '"', self.base.to_json())  # Keras counts the layers of a session in their names
        digest = hashlib.sha256(f"{layers}{X.shape}{X.dtype}".encode())
        for array in (*self.base.get_weights(), X):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()[:32]


@lru_cache(maxsize=8)
def _compiled(base):
    """A graph around the network: about twice as fast as `predict` for DenseNet121 on two cores."""
    signature = [tf.TensorSpec((None, *base.input_shape[1:]))]
    return tf.function(lambda images: base(images, training=False), input_signature=signature)
