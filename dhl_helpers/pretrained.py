"""Bases that were trained elsewhere: on the simulated films of this course, or on ImageNet."""

import hashlib
import json
import sys

from ._keras import keras
from .errors import DataError
from .readers import sample

NOT_FOR = (
    "This base learned from simulated radiographs only. It is for teaching: not for diagnosis, nor for any other use "
    "on patients (data_samples/weights/MODEL_CARD.md)."
)


def pretrained_base(name, image_shape, weights=None, pooling="avg"):
    """A pre-trained network without its top, with the preprocessing that its weights expect.

    Parameters
    ----------
    name : str
        "simulated": the small network that comes with the course, pre-trained on simulated films, for images of any
        size, which it brings to 96 x 96 grey pixels; it works offline and says what it is not for. Or a network of
        keras.applications, for example "DenseNet121", "DenseNet201", "EfficientNetB0".
    image_shape : tuple of int
        (height, width, channels) of uint8 images; grey ones are repeated over three channels.
    weights : str, optional
        Of keras.applications: "imagenet" (Keras downloads them once, a network is needed), or a weights file; None:
        random.
    pooling : {"avg", "max", None}
        Of keras.applications: None leaves the feature maps, for example (n, 7, 7, 1024).

    Returns
    -------
    keras.Model

    Raises
    ------
    DataError
        If keras.applications has no such network, the images are too small for it, or the weights cannot be had or
        are not those that were shipped.
    """
    if name == "simulated":
        print(NOT_FOR)
        network, inputs = simulated_cnn(), keras.Input(image_shape)
        grey = keras.ops.mean(inputs, axis=-1, keepdims=True) if image_shape[2] > 1 else inputs
        side = network.input_shape[1]
        fitting = grey if image_shape[:2] == (side, side) else keras.layers.Resizing(side, side)(grey)
        return keras.Model(inputs, features_of(network)(fitting), name=name)
    build, preprocess = _application(name)
    inputs = keras.Input(image_shape)
    colour = keras.layers.Concatenate()([inputs] * 3) if image_shape[2] == 1 else inputs
    try:
        network = build(include_top=False, weights=weights, input_shape=(*image_shape[:2], 3), pooling=pooling)
    except Exception as error:  # Keras raises ValueError, OSError or Exception here, for sizes and for downloads
        raise DataError(
            f"{name} with weights={weights!r} for images of {image_shape[0]} x {image_shape[1]} pixels: {error}. Take "
            "larger images; or get the weights once with a network, by weights='imagenet', or give their file."
        ) from error
    return keras.Model(inputs, network(preprocess(colour)), name=name)


def features_of(network):
    """The part of a network of tools/pretrain.py up to its layer "features": a keras.Model, output (n, d)."""
    return keras.Model(network.inputs[0], network.get_layer("features").output, name="features")


def simulated_cnn():
    """The whole pre-trained network: float32 grey levels (n, 96, 96, 1), 0 to 255, to probabilities (n, 3).

    The classes are normal, bacterial, viral, as data_samples/simulator simulates them. `tools/pretrain.py` made
    it.

    Raises
    ------
    DataError
        If the file is missing or is not the one whose checksum was shipped with it.
    """
    description = sample.folder() / "weights" / "simulated.json"
    file = description.with_suffix(".keras")
    if not (file.is_file() and description.is_file()):
        raise DataError(f"{file}: not found. Restore it, or make it again with tools/pretrain.py.")
    if hashlib.sha256(file.read_bytes()).hexdigest() != json.loads(description.read_text())["sha256"]:
        raise DataError(f"{file}: damaged, not what {description.name} describes. Restore both.")
    return keras.models.load_model(file, compile=False)


def _application(name):
    """The builder of a network, and the preprocessing that stands beside it in its module."""
    build = getattr(keras.applications, name, None) if name[:1].isupper() else None
    if build is None:
        raise DataError(
            f"keras.applications has no network {name!r}; DenseNet121, ResNet50 and EfficientNetB0 are some."
        )
    return build, sys.modules[build.__module__].preprocess_input
