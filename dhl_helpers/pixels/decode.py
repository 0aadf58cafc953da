"""From image files of any kind to arrays of one size, one byte per pixel."""

import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..errors import DataError
from ..progress import progress
from . import dicom, pictures
from .depth import BITS
from .dicom_greys import decoded
from .files import opened

FINDINGS = "Truncated File Read|Image appears to be a malformed|Invalid APNG"  # Pillow warns, the pixels are damaged
SAMPLED = 100  # images of a lazily loaded set that are looked at for its depth


class Decoded(NamedTuple):
    """What `decode_all` made of a set.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, size, size, channels)
    failed : dict of int to str
        For each image that cannot be read: its position, and the reason.
    depth : int or None
        Bits of the grey images of 16 bits that do not say how many they have; None where there are none.
    remarks : list of str
        What the user is to be told: elements that were ignored, images of several depths.
    """

    images: np.ndarray
    failed: dict
    depth: int | None
    remarks: list


def decode_all(sources, size, channels, description, depth=None):
    """Decode images in parallel, with a progress bar for more than 500.

    Parameters
    ----------
    sources : sequence of path or of ndarray of uint8
    size : int
        Height and width after resizing, in pixels.
    channels : {1, 3}
    description : str
        What the progress bar says.
    depth : {8, 12, 16}, optional
        Bits of grey images of 16 bits that do not say how many they have. By default the fewest that hold all of
        `sources`; given, an image with more of them cannot be read.

    Returns
    -------
    Decoded
    """
    images = np.zeros((len(sources), size, size, channels), np.uint8)
    failed, ignored, depths = {}, {}, {}

    def decode(row, depth=depth):
        try:
            images[row], own, remarks = _decode(sources[row], size, channels, depth)
        except FileNotFoundError:
            failed[row] = "no such file"
        except Exception as error:  # Pillow raises many kinds on a broken file; all of them are collected
            failed[row] = str(error) or type(error).__name__
        else:
            depths.update({row: own} if own else {})
            for remark in remarks:
                ignored.setdefault(remark, []).append(row)

    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.filterwarnings("error", FINDINGS, module="PIL")  # each becomes the reason of its image
        rows = pool.map(decode, range(len(sources)))
        for _ in progress(rows, len(sources), "image", description) if len(sources) > 500 else rows:
            pass
        counts = Counter(depths.values())
        largest = depth or max(counts, default=None)
        list(pool.map(lambda row: decode(row, largest), [row for row, own in depths.items() if own != largest]))
    said = [f"{what} in {len(rows)} DICOM files, ignored because it is empty or invalid; the first is "
            f"{sources[min(rows)]}" for what, rows in sorted(ignored.items())]  # fmt: skip
    if depth is None and len(counts) > 1:
        of = ", ".join(f"{counts[bits]} fit into {bits} bits" for bits in sorted(counts))
        said.append(f"of {sum(counts.values())} images of 16 bits {of}: all are scaled as {largest} bits, with "
                    f"{2**largest - 1} as white. Load films of different devices apart, or give depth")  # fmt: skip
    return Decoded(images, dict(sorted(failed.items())), largest, said)


def absent(sources):
    """The positions of paths where there is no file, with the reason, as `decode_all` returns them."""
    if isinstance(sources, np.ndarray):
        return {}
    return {row: "no such file" for row, path in enumerate(sources) if not os.path.exists(path)}


def depth_of(sources):
    """The depth of a set that is not decoded yet, from at most 100 of its images: as `Decoded` has it."""
    if isinstance(sources, np.ndarray):
        return None
    some = np.unique(np.linspace(0, len(sources) - 1, SAMPLED).astype(int)) if len(sources) else []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        paths = [sources[row] for row in some]
        unsaid = [path for path, says in zip(paths, pool.map(_says_its_depth, paths), strict=True) if not says]
    return decode_all(unsaid, 8, 1, "").depth


def read_or_list(sources, size, channels, name, lazy, on_error, depth):
    """The images of a set, decoded or, with `lazy`, still on disk; which failed and the depth, as in `Decoded`."""
    from .lazy import LazyImages  # it decodes with what is above

    if depth not in (None, *BITS):
        raise DataError(f"depth is 8, 12 or 16 bits, or None; not {depth!r}.")
    if not lazy:
        images, failed, depth, remarks = decode_all(sources, size, channels, f"reading {name}", depth)
        for remark in remarks:
            warnings.warn(f"{name!r}: {remark}", stacklevel=3)
        return images, failed, depth
    depth = depth or depth_of(sources)
    return LazyImages(sources, size, channels, on_error == "skip", depth), absent(sources), depth


def rows_of(images, rows):
    """The images at `rows` (a boolean mask or positions): an array of an array, still on disk where they are."""
    return images[rows] if isinstance(images, np.ndarray) else images.subset(rows)


def standardised(images):
    """Each image brought to mean 128 and standard deviation 48, clipped: uint8 (n, h, w, c) to the same shape."""
    x = images.astype(np.float32)
    x = (x - x.mean((1, 2), keepdims=True)) / np.maximum(x.std((1, 2), keepdims=True), 1)
    return np.clip(128 + 48 * x, 0, 255).astype(np.uint8)


def header(path):
    """Width and height of an image file in pixels, and its mode as Pillow names it; nothing is decoded.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    (int, int, str)

    Raises
    ------
    ValueError
        If the file is no image.
    FileNotFoundError
    """
    if dicom.is_dicom(path):
        read = dicom.read(path, ["Rows", "Columns", "BitsStored"])
        return int(read.Columns), int(read.Rows), "I;16" if int(read.get("BitsStored") or 8) == 16 else "L"
    with opened(path) as file, pictures.opened(file) as image:
        return *image.size, image.mode


def look(path):
    """The shorter side of an image file in pixels, and whether it is in colour; None if the file cannot be read.

    A grey film in a colour file is not in colour, nor is one with a small coloured mark: the difference between the
    largest and the smallest of red, green and blue counts, on average over the image, from 8 grey levels on.
    """
    try:
        width, height, mode = header(path)
        colours = _decode(path, 64, 3, None)[0].astype(int) if mode[0] in "RPCYH" else np.zeros((1, 1, 3))
        return min(width, height), float(np.ptp(colours, axis=2).mean()) >= 8
    except Exception:  # Pillow and pydicom raise many kinds on a broken file; decoding it says what is wrong
        return None


def _decode(source, size, channels, depth):
    """One image file or array as (size, size, channels) uint8; the depth that was used, and what was ignored."""
    mode, own, remarks = "L" if channels == 1 else "RGB", None, []
    if isinstance(source, np.ndarray):
        image = Image.fromarray(source)
    else:
        with opened(source) as file:
            if dicom.begins(file) or os.path.splitext(source)[1].lower() in dicom.SUFFIXES:
                greys, own, remarks = decoded(file, depth)
                image = Image.fromarray(greys)
            else:
                image, own = pictures.picture(file, mode, 2 * size, depth)
    image = image if image.mode == mode else image.convert(mode)
    image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(size, size, channels), own, remarks


def _says_its_depth(path):
    """Whether an image has 8 bits, or says how many of its 16 are used; also where it cannot be read."""
    try:
        return not header(path)[2].startswith(("I", "F"))
    except Exception:  # as in `look`
        return True
