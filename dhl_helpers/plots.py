"""The look of the figures: colours that colour-blind readers tell apart, second cues, and a grid of radiographs."""

import sys

import matplotlib.pyplot as plt
import numpy as np

from .pixels.check import as_images

# Okabe & Ito 2008, without yellow, which is too pale on white.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
LINESTYLES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1))]


def use_style():
    """Set the style of the figures of this process. A notebook draws them with twice the pixels, for sharp screens."""
    if "ipykernel" in sys.modules:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=PALETTE, marker=MARKERS, linestyle=LINESTYLES),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "figure.dpi": 80,
            "figure.figsize": (7, 4),
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "image.cmap": "gray",
            "lines.markersize": 5,
        }
    )


def show_images(images, titles, ncols=6, suptitle=""):
    """Draw a grid of images.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, 1 or 3), or Radiographs, or a list of images of any size
    titles : list of str, length n
    ncols : int
    suptitle : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If an image is not uint8 of shape (height, width), or with one or three channels.
    """
    images = [np.asarray(image) for image in getattr(images, "images", images)]
    images = [as_images(image[None, ..., None] if image.ndim == 2 else image[None])[0] for image in images]
    nrows = -(-len(images) // ncols)
    figure, axes = plt.subplots(nrows, ncols, figsize=(1.7 * ncols, 1.95 * nrows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):  # the last row may be shorter
        axis.imshow(image.squeeze(), vmin=0, vmax=255)
        axis.set_title(title, fontsize=9)
    figure.suptitle(suptitle)
    return figure
