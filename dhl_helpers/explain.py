"""Where in an image a classifier looked: Grad-CAM and occlusion, and from the cells of a feature map back to pixels."""

import numpy as np

from ._keras import keras, tf
from .errors import DataError
from .pixels.check import as_images


def grad_cam(cnn, images, label, layer=None):
    """Grad-CAM (Selvaraju et al. 2017): where the maps of a layer speak for a class. Notebook 08 explains it.

    Parameters
    ----------
    cnn : keras.Model
        A chain of layers from images to probabilities, shape (n, k).
    images : ndarray of uint8, shape (n, h, w, c), or Radiographs, or its `images`
    label : int
        The class, a column of the output.
    layer : str, optional
        Name of a convolutional or pooling layer; the last convolution by default.

    Returns
    -------
    ndarray of float32, shape (n, h, w)
        0 where nothing speaks for the class; the scale differs from image to image.

    Raises
    ------
    DataError
        If the network has no such layer or class, is no chain of layers, or does not take these images.
    """
    at, images = _layer(cnn, layer), as_images(images, cnn.input_shape[1:])
    if not 0 <= label < cnn.output_shape[-1]:
        raise DataError(f"There is no class {label!r}; this network has classes 0 to {cnn.output_shape[-1] - 1}.")
    front = keras.Model(cnn.inputs[0], cnn.layers[at].output)
    maps = front(tf.cast(images, tf.float32), training=False)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        p = maps
        for each in cnn.layers[at + 1 :]:
            p = each(p)
        p = tf.clip_by_value(p[:, label], 1e-6, 1 - 1e-6)
        score = tf.math.log(p) - tf.math.log(1 - p)  # the probability itself is flat where the network is sure
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
    return to_pixels(tf.nn.relu(tf.reduce_sum(weights * maps, -1)).numpy(), cnn, cnn.layers[at].name)


def to_pixels(maps, cnn, layer):
    """Enlarge the maps of a layer to the size of the images, each cell at the place that it looks at.

    Convolutions without padding lose the margin, so the cells of a deep layer look at the middle of the image.
    Stretching the map over the whole image, as is often done, would put them elsewhere.

    Parameters
    ----------
    maps : ndarray, shape (n, rows, columns)
    cnn : keras.Model
        A chain of layers from the image to `layer`.
    layer : str
        Name of the convolutional or pooling layer.

    Returns
    -------
    ndarray of float32, shape (n, h, w)
        Linear between the centres of the cells, and falling to 0 over the width of a cell outside of the outermost.

    Raises
    ------
    DataError
        If the network has no such layer, is no chain of convolutions and poolings, or its maps have another size.
    """
    at = _layer(cnn, layer)
    if maps.shape[1:] != (size := cnn.layers[at].output.shape[1:3]):
        raise DataError(f"Maps have shape {maps.shape}; those of layer {layer!r} have (n, {size[0]}, {size[1]}).")
    rows, columns = (
        _between(cnn.input_shape[1 + axis], maps.shape[1 + axis], *_centres(cnn, at, axis)) for axis in (0, 1)
    )
    return (rows @ maps @ columns.T).astype(np.float32)


def occlusion(predict, images, cover=None, patch=16, step=8):
    """Occlusion (Zeiler and Fergus 2014): how much a prediction falls when a part of the image is covered.

    It asks nothing of the classifier but its predictions, so it works on any pipeline from pixels to probabilities.

    Parameters
    ----------
    predict : callable
        Images (m, h, w, c) to scores (m,), or (m, k) for k of them at once.
    images : ndarray of uint8, shape (n, h, w, c), or Radiographs, or its `images`
    cover : array-like of uint8, broadcast to the shape of `images`, optional
        What is seen in place of the covered part; the mean grey value of each image by default. The map depends on it.
    patch : int
        Side of the covering square in pixels.
    step : int
        Pixels from one place to the next.

    Returns
    -------
    ndarray of float32, shape (n, h, w), or (n, h, w, k)
        In each pixel the mean fall over the squares that cover it; negative where the score rose.

    Raises
    ------
    DataError
        If the images are not uint8, the square is larger than they are, or steps leave pixels uncovered.
    """
    images = as_images(images)
    height, width = images.shape[1:3]
    if not 1 <= step <= patch <= min(height, width):
        raise DataError(f"patch {patch} and step {step}: 1 <= step <= patch <= {min(height, width)} pixels are needed.")
    tops, lefts = (sorted({*range(0, side - patch, step), side - patch}) for side in (height, width))
    cover = images.mean(axis=(1, 2), keepdims=True).round() if cover is None else cover
    cover = np.broadcast_to(cover, images.shape)
    before = np.asarray(predict(images), np.float32)
    fall = np.zeros((len(images), height, width, *before.shape[1:]), np.float32)
    times = np.zeros((height, width) + (1,) * (before.ndim - 1), np.float32)
    for top in tops:
        for left in lefts:
            place = np.s_[:, top : top + patch, left : left + patch]
            covered = images.copy()
            covered[place] = cover[place]
            less = before - np.asarray(predict(covered), np.float32)
            fall[place] += less[:, None, None]
            times[place[1:]] += 1
    return fall / times


def _centres(cnn, at, axis):
    """Centre of the first cell of layer `at` and distance of two cells, in pixels of the image along an axis."""
    start, step, side = 0.0, 1.0, cnn.input_shape[1 + axis]
    for each in cnn.layers[: at + 1]:
        shift, factor, after = 0.0, 1, each.output.shape[1 + axis]
        window = getattr(each, "kernel_size", getattr(each, "pool_size", None))
        if isinstance(each, keras.layers.Conv2DTranspose) or (window is None and after != side):
            raise DataError(
                f"{each.name!r} ({type(each).__name__}) changes the size of the maps, and to_pixels knows convolutions "
                "and poolings only. Choose a layer before it."
            )
        if window is not None:
            reach = (window[axis] - 1) * getattr(each, "dilation_rate", (1, 1))[axis]  # from first to last pixel
            factor = each.strides[axis]
            padding = max((after - 1) * factor + reach + 1 - side, 0) if each.padding == "same" else 0
            shift = reach / 2 - padding // 2  # TensorFlow pads one more at the end where the number is odd
        start, step, side = start + step * shift, step * factor, after
    return start, step


def _layer(cnn, name):
    """Position of the layer of that name, or of the last convolution."""
    maps = [each for each in cnn.layers if len(each.output.shape) == 4]
    found = [each for each in maps if (isinstance(each, keras.layers.Conv2D) if name is None else each.name == name)]
    if not found:
        names = ", ".join(each.name for each in maps) or "none"
        raise DataError(f"{cnn.name!r} has no layer {name or 'Conv2D'!r} with maps; those with maps: {names}.")
    at = cnn.layers.index(found[-1])
    if not isinstance(cnn, keras.Sequential):
        follows = {each["name"]: str(each["inbound_nodes"]) for each in cnn.get_config()["layers"]}
        for first, then in zip(cnn.layers[:at], cnn.layers[1 : at + 1], strict=True):
            if follows[then.name].count("keras_history") != 1 or f"'{first.name}'" not in follows[then.name]:
                raise DataError(f"{cnn.name!r} is no chain: {then.name!r} follows others than {first.name!r}.")
    return at


def _between(n, cells, start, step):
    """Weights (n, cells) that interpolate from cells, centred at start, start + step ..., to n pixels."""
    at = (np.arange(n) - start) / step
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells)))
