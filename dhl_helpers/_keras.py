"""TensorFlow and Keras, imported once and without their start-up lines.

TensorFlow writes those lines to the file descriptor itself, before any of its log levels apply, and a notebook would
keep them among its results.
"""

import os
import random
import warnings
from contextlib import contextmanager

# Keras 3.15 copies its variables in a way that NumPy 2 will drop; nothing that a reader could change.
warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings about the machine, not about the work

_stderr, _nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
try:
    os.dup2(_nowhere, 2)
    import keras
    import tensorflow as tf

    tf.constant(0) + 0  # the first operation logs once more
    tf.get_logger().setLevel("ERROR")  # else it warns of each new network's first `predict`
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_nowhere)

__all__ = ["first_weights", "keras", "tf"]


@contextmanager
def first_weights(seed=0):
    """Within: networks get the first weights of this seed. Afterwards Python's stream goes on as if nothing was drawn.

    Keras draws the seeds of its layers from Python's stream, also where a saved network is loaded, and from no other.
    """
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
