"""The network of a kept pipeline, checked before Keras builds it: sizes, layers, parameters."""

import io
import json
import math
from contextlib import contextmanager

from ._keras import keras
from .pipeline_checks import MOST_BYTES, members, nodes

MOST_CONFIG = 2**23  # bytes of the description; DenseNet121 has 0.4 MB
MOST_LAYERS = 5000
MOST_VALUES = 2**26  # of one layer's output for one image

LAYERS = set(
    "InputLayer Activation Add AveragePooling2D BatchNormalization Concatenate Conv2D Conv2DTranspose Cropping2D Dense "
    "DepthwiseConv2D Dropout Flatten GaussianDropout GaussianNoise GlobalAveragePooling2D GlobalMaxPooling2D "
    "GroupNormalization LayerNormalization LeakyReLU Maximum MaxPooling2D Minimum Multiply Normalization PReLU Permute "
    "ReLU Rescaling Reshape Resizing SeparableConv2D Softmax SpatialDropout2D Subtract UnitNormalization UpSampling2D "
    "ZeroPadding2D Average CenterCrop ELU MultiHeadAttention Identity Dot RandomBrightness RandomContrast RandomCrop "
    "RandomFlip RandomRotation RandomTranslation RandomZoom".split()
)  # none of them reads a file or holds code
MODULES = ("keras.initializers", "keras.regularizers", "keras.constraints", "keras.src.applications.",
           "keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.image")  # fmt: skip
MODELS = {"Sequential", "Functional", "DTypePolicy"}
VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__"}


def check_network(content):
    """Check a network in Keras' format before it is built.

    Parameters
    ----------
    content : binary file

    Returns
    -------
    int
        How many numbers its weights file holds.

    Raises
    ------
    ValueError
        If it is too large, holds a layer that is none of `LAYERS`, or weights that are not all in the file.
    """
    sizes, archive = members(content, MOST_BYTES)
    if strange := set(sizes) - {"metadata.json", "config.json", "model.weights.h5"}:
        raise ValueError(f"it holds {sorted(strange)[0]}")
    if sizes["config.json"] > MOST_CONFIG:
        raise ValueError(f"the description of the network has {sizes['config.json']} bytes, more than {MOST_CONFIG}")
    layers = 0
    for node in nodes(json.loads(archive.read("config.json"))):
        name, module = node.get("class_name"), node.get("module")
        layers += module == "keras.layers"
        if "class_name" in node and not (
            (module == "keras.layers" and name in LAYERS)
            or (module in ("keras", "keras.src.models.functional") and name in MODELS)
            or (module is None and name in VALUES)
            or (isinstance(module, str) and module.startswith(MODULES) and isinstance(name, str))
        ):
            raise ValueError(f"layer {name!r} of {module!r} is none that a kept pipeline may have")
    if layers > MOST_LAYERS:
        raise ValueError(f"the network has {layers} layers, more than {MOST_LAYERS}")
    return _weights(archive.read("model.weights.h5"))


def _weights(content):
    import h5py

    found, seen = 0, []
    with h5py.File(io.BytesIO(content)) as file:
        groups = [file]
        while groups:
            group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"the weights {name!r} lie in another file")
                each = group[name]
                if each in seen:
                    raise ValueError(f"the weights {name!r} are there twice")
                seen.append(each)
                if isinstance(each, h5py.Group):
                    groups.append(each)
                    continue
                stored = each.id.get_storage_size()
                if each.external or each.is_virtual or stored != each.size * each.dtype.itemsize:
                    raise ValueError(f"the weights {name!r} are not stored as they are")
                found += each.size
    return found


@contextmanager
def parameters_up_to(most):
    """Let Keras make at most so many parameters; ValueError before it takes memory for more."""
    add_weight, left = keras.layers.Layer.add_weight, most

    def counted(layer, shape=None, *args, **kwargs):
        nonlocal left
        left -= math.prod(shape or ())
        if left < 0:
            raise ValueError(f"the network has more parameters than the {most} in its weights file")
        return add_weight(layer, shape, *args, **kwargs)

    keras.layers.Layer.add_weight = counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight


def check_built(network):
    """Refuse a network one layer of which takes too much memory for an image."""
    for layer in getattr(network, "operations", network.layers):
        if hasattr(layer, "layers"):
            check_built(layer)
        for output in (output for node in layer._inbound_nodes for output in node.output_tensors):
            if math.prod(side or 1 for side in output.shape) > MOST_VALUES:
                raise ValueError(f"layer {layer.name!r} has outputs of shape {output.shape}")
