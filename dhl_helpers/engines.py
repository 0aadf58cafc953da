"""What runs a network over batches of images: TensorFlow, or OpenVINO from the extra `fast`."""

import hashlib
import os
import queue
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import cache
from ._keras import keras, tf
from .errors import DataError
from .files import temporary_folder

ENGINES = ("tensorflow", "tensorflow-mixed", "openvino", "openvino-bf16")


class Engine(NamedTuple):
    """A network ready to run.

    Attributes
    ----------
    run : callable
        float32 images (n, height, width, channels) to float32 outputs; may be called from several threads.
    at_once : int
        Batches to have under way: while one waits or computes on one core, another keeps the other cores busy.
    batch : int
        Images a batch.
    """

    run: callable
    at_once: int
    batch: int


def engine(base, name, cache_dir):
    """Make a network ready to run.

    Parameters
    ----------
    base : keras.Model
    name : str
        One of `ENGINES`.
    cache_dir : str or path, optional
        Where a translated network is kept; by default the user's cache folder.

    Returns
    -------
    Engine

    Raises
    ------
    DataError
        If there is no such engine, or its package is not installed.
    """
    match name:
        case "tensorflow":
            return _tensorflow(base)
        case "tensorflow-mixed":
            return _tensorflow(_mixed(base, identity(base)))
        case "openvino" | "openvino-bf16":
            return _openvino(base, identity(base), name, Path(cache_dir or cache.folder()))
    raise DataError(f"There is no engine {name!r}; choose one of {', '.join(ENGINES)}.")


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
