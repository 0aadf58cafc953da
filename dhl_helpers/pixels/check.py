"""The one check of images: every function of the course that takes pixels asks here."""

import numpy as np

from ..errors import DataError
from .lazy import LazyImages

AS_LOADED = "give uint8 images (n, height, width, 1 or 3), grey levels 0 to 255, as load_dataset returns them"


def as_images(images, shape=None, lazy=False):
    """Images as the course keeps them, or a word on what is wrong with them. No grey level is ever changed.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, channels), or Radiographs, or LazyImages
    shape : tuple of int, optional
        (height, width, channels) that a network takes; None in it stands for any number. By default any size, one or
        three channels.
    lazy : bool
        Whether the caller reads from disk as it goes. Otherwise a `LazyImages` is read whole.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, channels), or LazyImages if `lazy`

    Raises
    ------
    DataError
        If the images have another shape or type, are not grey levels of 0 to 255, are of different sizes, or lie on
        disk and do not fit into memory.
    """
    images = getattr(images, "images", images)
    if isinstance(images, LazyImages):
        _fits(images.shape, shape, images.dtype)
        return images if lazy else _read(images)
    try:
        images = np.asarray(images)
    except ValueError as error:
        raise DataError(f"Images of different sizes cannot be one array: {AS_LOADED}.") from error
    if images.dtype.kind in "USO":
        raise DataError(f"These are no pixels but {images.dtype} of shape {images.shape}: {AS_LOADED}.")
    _fits(images.shape, shape, images.dtype)
    if images.dtype != np.uint8:
        raise DataError(
            f"Images have shape {images.shape} and type {images.dtype}; {AS_LOADED}. {_remedy(images)} No function "
            "here guesses what black and white are."
        )
    return images


def _fits(found, needed, dtype):
    """DataError where images of shape `found` are not what is needed."""
    if needed is not None:
        sides = all(side in (None, here) for side, here in zip(needed, found[1:], strict=False))
        if len(found) != 4 or not sides:
            raise DataError(
                f"Images have shape {found}; this network takes (n, {', '.join(map(str, needed))}). Load them with "
                f"that image_size and number of channels.{_axes(found)}"
            )
    elif len(found) != 4 or found[3] not in (1, 3):
        raise DataError(f"Images have shape {found} and type {dtype}; {AS_LOADED}.{_axes(found)}")


def _axes(found):
    """What to do about axes that are missing or elsewhere."""
    if len(found) == 2 or (len(found) == 3 and found[2] in (1, 3)):
        return f" One image is images[None{', ..., None' if len(found) == 2 else ''}]."
    if len(found) == 3:
        return " Grey images without a channel are images[..., None]."
    if len(found) == 4 and found[1] in (1, 3) and found[3] not in (1, 3):
        return " Channels come last: np.moveaxis(images, 1, -1)."
    return ""


def _remedy(images):
    """What the numbers look like, and how to make grey levels of them."""
    if images.dtype.kind not in "iuf" or not images.size:
        return "Load them with load_dataset, or bring them to 0 to 255 yourself and use .astype(np.uint8)."
    strange = ~np.isfinite(images).reshape(len(images), -1).all(1)
    if strange.any():
        rows = ", ".join(map(str, np.flatnonzero(strange)[:5]))
        return f"{strange.sum()} of them hold NaN or infinity, the first at rows {rows}: leave these images out."
    low, high = images.min(), images.max()
    if low < 0:
        return f"Grey levels {low:g} to {high:g} are standardised or signed: take the images as they were before that."
    if images.dtype.kind == "f" and high <= 1:
        undone = "(images * 255).round().astype(np.uint8)"
        return f"Grey levels {low:g} to {high:g} were divided by 255, which the networks do themselves: {undone}."
    if high > 255:
        return (
            f"Grey levels {low:g} to {high:g} have more than 8 bits: load the files with load_dataset, or choose what "
            "is black and white and scale it to 0 to 255."
        )
    return f"They fit into 0 to 255: images{'.round()' if images.dtype.kind == 'f' else ''}.astype(np.uint8)."


def _read(images):
    """All of them in memory, where there is room."""
    import psutil

    needed, free = np.prod(images.shape, dtype=float), psutil.virtual_memory().available
    if needed > free:
        raise DataError(
            f"{len(images)} images on disk take {needed / 1e9:.1f} GB in memory, and {free / 1e9:.1f} GB are free. "
            "Load fewer or smaller ones. DeepFeatures reads them as it goes."
        )
    return np.asarray(images)
