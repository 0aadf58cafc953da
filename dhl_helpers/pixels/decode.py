"""From image files of any kind to arrays of one size, one byte a pixel."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps

from ..progress import progress
from .dicom import is_dicom, read
from .dicom_greys import open_image

MOST_PIXELS = 50_000_000  # of one image: more would take a gigabyte while it is converted
DEPTHS = (1, 255, 4095, 65535)  # largest pixel value of fractions, of 8, 12 and 16 bits


def decode_all(sources, size, channels, description):
    """Decode images in parallel, with a progress bar for more than 500.

    Parameters
    ----------
    sources : sequence of path or of ndarray of uint8
    size : int
        Height and width after resizing, in pixels.
    channels : {1, 3}
    description : str
        What the progress bar says.

    Returns
    -------
    images : ndarray of uint8, shape (n, size, size, channels)
    failed : dict of int to str
        For each image that cannot be read: its position, and the reason.
    """
    images = np.zeros((len(sources), size, size, channels), np.uint8)
    failed = {}

    def decode(row):
        try:
            images[row] = _decode(sources[row], size, channels)
        except FileNotFoundError:
            failed[row] = "no such file"
        except Image.UnidentifiedImageError:
            failed[row] = "not an image that Pillow can read (wrong content, or an empty file)"
        except Exception as error:  # Pillow raises many kinds on a broken file; all of them are collected
            failed[row] = str(error) or type(error).__name__

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = pool.map(decode, range(len(sources)))
        for _ in progress(rows, len(sources), "image", description) if len(sources) > 500 else rows:
            pass
    return images, dict(sorted(failed.items()))


def absent(sources):
    """The positions of paths where there is no file, with the reason, as `decode_all` returns them."""
    if isinstance(sources, np.ndarray):
        return {}
    return {row: "no such file" for row, path in enumerate(sources) if not os.path.exists(path)}


def rows_of(images, rows):
    """The images at `rows` (a boolean mask or positions): an array of an array, still on disk where they are."""
    return images[rows] if isinstance(images, np.ndarray) else images.subset(rows)


def standardised(images):
    """Each image brought to mean 128 and standard deviation 48, clipped: uint8 (n, h, w, c) to the same shape."""
    x = images.astype(np.float32)
    x = (x - x.mean((1, 2), keepdims=True)) / np.maximum(x.std((1, 2), keepdims=True), 1)
    return np.clip(128 + 48 * x, 0, 255).astype(np.uint8)


def look(path):
    """The shorter side of an image file in pixels, and whether it is in colour; None if the file cannot be read.

    A grey film in a colour file is not in colour, nor is one with a small coloured mark: the difference between the
    largest and the smallest of red, green and blue counts, on average over the image, from 8 grey levels on.
    """
    try:
        if is_dicom(path):
            header = read(path, ["Rows", "Columns"])
            return min(int(header.Rows), int(header.Columns)), False  # colour DICOM is refused when it is decoded
        with Image.open(path) as image:
            side, grey = min(image.size), image.mode[0] not in "RPCYH"
        return side, not grey and float(np.ptp(_decode(path, 64, 3).astype(int), axis=2).mean()) >= 8
    except Exception:  # Pillow and pydicom raise many kinds on a broken file; decoding it says what is wrong
        return None


def _decode(source, size, channels):
    """One image file or array as (size, size, channels) uint8."""
    mode = "L" if channels == 1 else "RGB"
    with _opened(source) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels exceeds limit of {MOST_PIXELS}")
        image.draft(mode, (2 * size, 2 * size))  # a JPEG shrinks while it is decoded
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith(("I", "F")):
            image = _to_8_bit(image)
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
        image = image.convert(mode).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(size, size, channels)


def _opened(source):
    if isinstance(source, np.ndarray):
        return Image.fromarray(source)
    return open_image(source) if is_dicom(source) else Image.open(source)


def _to_8_bit(image):
    """Scale, not clip. White is the largest value of the fewest bits that hold all pixels: 12 come stored in 16."""
    pixels = np.asarray(image, np.float32)
    if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > DEPTHS[-1]:
        raise ValueError(f"pixel values outside 0 to {DEPTHS[-1]}")
    white = next(depth for depth in DEPTHS if pixels.max() <= depth)
    return Image.fromarray(np.round(pixels * (255 / white)).astype(np.uint8))
