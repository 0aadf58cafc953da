"""The network as a feature extractor: where to cut it."""

from ._keras import keras
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
