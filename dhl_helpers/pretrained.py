"""Bases that were trained elsewhere: on ImageNet, or on the simulated films of this course."""

import json
import sys

from . import efficientnet
from ._keras import first_weights, keras
from .errors import DataError
from .files import digest
from .readers import sample

NOT_FOR = (
    "This base learned from simulated radiographs only. It is for teaching: not for diagnosis, nor for any other use "
    "on patients (data_samples/weights/MODEL_CARD.md)."
)


def pretrained_base(name, image_shape, weights="imagenet", pooling="avg", cut="last", seed=0):
    """A pre-trained network without its top, with the preprocessing that its weights expect.

    Parameters
    ----------
    name : str
        "EfficientNetLite0": the network of `dhl_helpers.efficientnet`; its ImageNet weights are installed with the
        course and need no download. "simulated": the small network that comes with the course, pre-trained on
        simulated films, for images of any size, which it brings to 96 x 96 grey pixels; it says what it is not for.
        Or a network of keras.applications, for example "DenseNet121", "DenseNet201", "EfficientNetB0".
    image_shape : tuple of int
        (height, width, channels) of uint8 images; grey ones are repeated over three channels.
    weights : str or path, optional
        "imagenet" (for keras.applications, Keras downloads them once, a network is needed), or a weights file; None:
        random ones. "simulated" has its own.
    pooling : {"avg", "max", None}
        How a feature map becomes one number. None leaves the feature maps, for example (n, 7, 7, 1280).
    cut : {"last", "stages"}
        Of EfficientNetLite0: its last feature maps (1,280 features); or those of its seven stages, pooled and joined
        (784 features). Early stages see edges and textures, which say more about films than the last maps, which were
        trained to tell objects apart.
    seed : int
        Of random weights.

    Returns
    -------
    keras.Model

    Raises
    ------
    DataError
        If there is no such network, pooling or cut, the images are too small for it, or the weights cannot be had or
        are not those that were shipped.
    """
    if pooling not in ("avg", "max", None) or cut not in ("last", "stages"):
        raise DataError(f"pooling is 'avg', 'max' or None, not {pooling!r}; cut is 'last' or 'stages', not {cut!r}.")
    if cut == "stages" and (name != "EfficientNetLite0" or pooling is None):
        raise DataError(
            "cut='stages' joins pooled feature maps of EfficientNetLite0. Choose that network and pooling='avg' or "
            "'max'; or take cut='last'."
        )
    if name == "EfficientNetLite0":
        with first_weights(seed):
            network = efficientnet.lite0(image_shape, weights)
        pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}.get(pooling)
        ends = [f"stage{number}" for number in range(1, 8)] if cut == "stages" else ["top"]
        maps = [network.get_layer(end).output for end in ends]
        pooled = [pool()(each) for each in maps] if pool else maps
        features = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
        return keras.Model(network.inputs[0], features, name=name)
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
        with first_weights(seed):
            network = build(include_top=False, weights=weights, input_shape=(*image_shape[:2], 3), pooling=pooling)
    except Exception as error:  # Keras raises ValueError, OSError or Exception here, for sizes and for downloads
        raise DataError(
            f"{name} with weights={weights!r} for images of {image_shape[0]} x {image_shape[1]} pixels: {error}. Take "
            "larger images; or get the weights once with a network, by weights='imagenet', or give their file; or "
            "take EfficientNetLite0, whose weights are installed with the course."
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
    if digest(file) != json.loads(description.read_text(encoding="utf-8"))["sha256"]:
        raise DataError(f"{file}: damaged, not what {description.name} describes. Restore both.")
    with first_weights():
        return keras.models.load_model(file, compile=False)


def _application(name):
    """The builder of a network, and the preprocessing that stands beside it in its module."""
    build = getattr(keras.applications, name, None) if name[:1].isupper() else None
    if build is None:
        raise DataError(
            f"keras.applications has no network {name!r}; DenseNet121, ResNet50 and EfficientNetB0 are some. "
            "EfficientNetLite0 and simulated come with the course."
        )
    return build, sys.modules[build.__module__].preprocess_input
