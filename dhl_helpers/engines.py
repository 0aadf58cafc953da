"""What runs a network over batches of images: TensorFlow, or OpenVINO from the extra `fast`."""

import hashlib
import math
import os
import queue
import re
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from . import cache
from ._keras import first_weights, keras, tf
from .errors import DataError
from .files import temporary_folder
from .pixels.lazy import batches

ENGINES = ("tensorflow", "tensorflow-mixed", "openvino", "openvino-bf16")
READ = 64  # images decoded together, ahead of the computation


class Engine(NamedTuple):
    """A network ready to run.

    Attributes
    ----------
    run : callable
        float32 images (n, height, width, channels) to float32 outputs; may be called from several threads.
    at_once : int
        Batches to have under way: while one waits or computes on one core, another keeps the other cores busy.
    batch : int
        Images per batch.
    """

    run: callable
    at_once: int
    batch: int


def run(base, images, name, batch_size, cache_dir, bar, unread):
    """Read images and run a network over them, a few batches at once.

    Parameters
    ----------
    base : keras.Model
    images : ndarray of uint8, shape (n, height, width, channels), or LazyImages
    name : str
        One of `ENGINES`.
    batch_size : int or None
        By default what the engine takes.
    cache_dir : str, path, True or None
        Where a translated network is kept.
    bar : tqdm.tqdm
    unread : list of str
        What is said of images that cannot be read is added to it.

    Returns
    -------
    ndarray of float32, shape (n, d)
        NaN where an image cannot be read.
    """
    network, at_once, batch = engine(base, name, cache_dir)
    step, waiting, begin, broken = batch_size or batch, deque(), 0, []
    features = np.empty((len(images), width(base)), np.float32)

    def work(start, some):
        features[start : start + len(some)] = network(some.astype(np.float32)).reshape(len(some), -1)
        return len(some)

    with closing(batches(images, max(step, READ))) as read, ThreadPoolExecutor(at_once) as pool:
        for some, failed in read:
            for start in range(0, len(some), step):
                waiting.append(pool.submit(work, begin + start, some[start : start + step]))
                if len(waiting) > at_once:
                    bar.update(waiting.popleft().result())
            broken += [begin + row for row in failed]
            unread += failed.values()
            begin += len(some)
        for each in waiting:
            bar.update(each.result())
    features[broken] = np.nan
    return features


def width(base):
    """The number of features of an image; int."""
    return math.prod(base.output_shape[1:])


def engine(base, name, cache_dir):
    """Make a network ready to run.

    Parameters
    ----------
    base : keras.Model
    name : str
        One of `ENGINES`.
    cache_dir : str, path, True or None
        Where a translated network is kept; True or None: the user's cache folder.

    Returns
    -------
    Engine

    Raises
    ------
    DataError
        If its package is not installed.
    """
    match name:
        case "tensorflow":
            return _tensorflow(base)
        case "tensorflow-mixed":
            return _tensorflow(_mixed(base, identity(base)))
        case "openvino" | "openvino-bf16":
            return _openvino(base, identity(base), name, cache.folder(cache_dir))


def identity(base):
    """A hash of a network's layers and weights, the same for the same network built again.

    Returns
    -------
    str
    """
    layers = re.sub(r'_\d+"', '"', base.to_json())  # Keras counts the layers of a session in their names
    digest = hashlib.sha256(layers.encode())
    for array in base.get_weights():
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _tensorflow(base):
    """A graph around the network, some batches at once: within one, cores wait for each other. Of large images small
    batches, so that the processor's cache holds what lies between layers; of small images more, as each call costs."""
    signature = [tf.TensorSpec((None, *base.input_shape[1:]))]
    graph = tf.function(lambda images: base(images, training=False), input_signature=signature)
    batch = 64 if tf.config.list_physical_devices("GPU") else 8 if base.input_shape[1] > 128 else 32
    return Engine(lambda images: graph(images).numpy(), max(2, (os.cpu_count() or 1) // 4), batch)


@lru_cache(maxsize=8)
def _mixed(base, _):
    """The network with 16-bit multiplications and 32-bit sums, as `DTypePolicy` of Keras defines them."""
    half = "mixed_float16" if tf.config.list_physical_devices("GPU") else "mixed_bfloat16"
    text = base.to_json().replace('"class_name": "DTypePolicy", "config": {"name": "float32"}',
                                  f'"class_name": "DTypePolicy", "config": {{"name": "{half}"}}')  # fmt: skip
    with first_weights():
        mixed = keras.models.model_from_json(text)
    mixed.set_weights(base.get_weights())
    return keras.Model(mixed.inputs[0], keras.layers.Activation("linear", dtype="float32")(mixed.outputs[0]))


@lru_cache(maxsize=8)
def _openvino(base, network, name, folder):
    """The network translated by Keras, which takes half a minute, once: the translation is kept."""
    try:
        import openvino
    except ImportError as error:
        raise DataError(f"engine={name!r} needs OpenVINO: pip install 'dhl-helpers[fast]'.") from error
    file = folder / f"dhl-network-{network[:32]}-{openvino.__version__.split('-')[0]}.npz"
    entry = cache.load(file)
    if entry is None:
        with temporary_folder() as scratch:
            base.export(f"{scratch}/network.xml", format="openvino", verbose=False)
            entry = {kind: np.fromfile(f"{scratch}/network.{kind}", np.uint8) for kind in ("xml", "bin")}
        cache.store(file, **entry)
    core = openvino.Core()
    model = core.read_model(entry["xml"].tobytes(), entry["bin"].tobytes())
    precision = "bf16" if name.endswith("bf16") else "f32"
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": precision}
    compiled = core.compile_model(model, "CPU", settings)
    at_once = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    idle = queue.SimpleQueue()
    for _ in range(at_once):
        idle.put(compiled.create_infer_request())

    def run(images):
        request = idle.get()
        try:
            return request.infer({0: images})[0].copy()
        finally:
            idle.put(request)

    return Engine(run, at_once, 8)
