"""Images that Pillow opens, as greys or colours of 8 bits.

Pillow turns palettes, 1-bit images, CMYK, "0 is white" of 8 bits, gamma-free greys and EXIF directions round; here are
the ways to store black, depth and frames that it leaves to the caller. Colour profiles are not applied.
"""

import contextlib
import os

import numpy as np
from PIL import Image, ImageOps

from . import checksums
from .depth import counted, fixed, looked_up
from .files import reading

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")  # by content, whatever the file's name
MOST_PIXELS = 50_000_000
# Bytes of memory per pixel while an image is decoded, measured; tests/test_hostile_images.py holds them to it.
GREY, OTHERS, COSTLY = 6, 16, 24  # 8 bits of grey or a palette; more bits or channels; the same in two costly formats
FRACTION, NEITHER = 1.01, 2  # brightest pixels of an image of fractions; from there to 2 it is neither those nor greys


@contextlib.contextmanager
def opened(file):
    """Open an image without decoding it; ValueError if there is no such format, or it has more than one frame."""
    try:
        image = Image.open(file, formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        raise ValueError("not an image that Pillow can read (wrong content, or an empty file)") from error
    with image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels exceeds limit of {MOST_PIXELS}")
        yield image


def picture(file, mode, draft, depth):
    """Decode an image.

    Parameters
    ----------
    file : binary file
    mode : {"L", "RGB"}
    draft : int
        A JPEG may shrink to no less than this many pixels a side while it is decoded.
    depth : int or None
        Bits of a grey image of 16 bits that does not say how many it has, as fixed for its set.

    Returns
    -------
    image : PIL.Image.Image
        Of that mode, as it is to be looked at.
    depth : int or None
        The depth that was used, where the file does not say it.
    """
    with opened(file) as image:
        cost = COSTLY if image.format in ("WEBP", "JPEG2000") else OTHERS
        cost = GREY if image.mode in ("1", "L", "P") and image.format != "WEBP" else cost
        with reading.reserve(2**20 + os.fstat(file.fileno()).st_size + image.width * image.height * cost):
            _one_frame(image)
            significant = checksums.check(file, image)
            image.draft(mode, (draft, draft))
            declared, deep = _declared(file, image, significant), _deep(image)
            tags = dict(getattr(image, "tag_v2", {}))
            image.load()
            if deep and max(high for _, high in image.convert("RGB").getextrema()) < 64:
                raise ValueError("16 bits per channel, the upper ones empty: save it as grey, or with 8 bits")
            if tags.get(339) == (2,) and tags.get(258) == (8,) and image.getextrema()[1] > 127:
                raise ValueError("pixel values outside 0 to 65535")  # bytes with a sign, which Pillow does not look at
            ImageOps.exif_transpose(image, in_place=True)
            own = None
            if image.mode.startswith(("I", "F")):
                image, own = _grey(image, declared, significant, depth, negative=tags.get(262) == 0)
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
            return image if image.mode == mode else image.convert(mode), own


def _one_frame(image):
    """Raise ValueError for several frames; smaller versions of the same image in a TIFF are none."""
    if image.format == "MPO" or (frames := getattr(image, "n_frames", 1)) == 1:
        return
    if image.format == "TIFF":
        smaller = 0
        for frame in range(1, frames):
            image.seek(frame)
            smaller += image.tag_v2.get(254, 0) & 1
        image.seek(0)
        frames -= smaller
    if frames > 1:
        raise ValueError(f"{frames} frames in one file; export each as a file of its own")


def _deep(image):
    """Whether there are 16 bits in each of several channels, of which Pillow keeps the upper 8."""
    if len(image.getbands()) == 1:
        return False
    if image.format == "TIFF":
        return max(image.tag_v2.get(258, (8,))) > 8
    return image.format in ("PNG", "PPM") and any(mark in str(image.tile) for mark in (";16B", "65535"))


def _declared(file, image, significant):
    """White of grey values of more than 8 bits, as Pillow hands them out, where the file declares it; else None."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (16,))[0]
        return 2**bits - 1 if bits < 16 else None
    if image.format == "PPM" and image.tile and image.mode == "I":
        decoder, box, start, how = image.tile[0]
        if decoder != "ppm":
            return None if decoder == "raw" else 65535  # text is scaled to 16 bits by Pillow
        image.tile = [("raw", box, start, "I;16B")]  # Pillow's own way takes a step of Python for each pixel
        return how[1]
    if image.format == "JPEG2000":  # scaled to 16 bits after the precision; of 16 bits fewer may be in use
        return 65535 if _precision(file) < 16 else None
    return 65535 if significant and significant < 16 else None


def _precision(file):
    """Bits of the first component of a JPEG 2000 file, from its marker SIZ (ISO 15444-1, A.5.1)."""
    place = file.tell()
    file.seek(0)
    head = file.read(2**16)
    file.seek(place)
    size = head.find(b"\xff\x4f\xff\x51") + 2
    return (head[size + 40] & 127) + 1 if 2 <= size < len(head) - 40 else 8


def _grey(image, declared, significant, depth, negative):
    """Scale, not clip: white is the largest value of the image's depth, or 1 for fractions."""
    pixels = np.asarray(image)
    if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError("pixel values outside 0 to 65535")
    if pixels.dtype.kind == "f":
        brightest = float(np.partition(pixels.ravel(), at := int(0.995 * (pixels.size - 1)))[at])
        if brightest <= FRACTION and pixels.max() <= 255:
            return Image.fromarray(np.rint(255 * _turned(np.clip(pixels, 0, 1), 1, negative)).astype(np.uint8)), None
        if brightest < NEITHER:
            raise ValueError(f"pixel values up to {pixels.max():.4g}: neither fractions of 0 to 1 nor grey levels")
    pixels = np.rint(pixels).astype(np.uint16) if pixels.dtype.kind == "f" else pixels.astype(np.uint16, copy=False)
    values, own, white = np.arange(65536), None, declared
    if declared is None:
        own = fixed(depth, values, counted(pixels, 65536))
        white = 2**own - 1
    elif significant and pixels.max() < 2**significant:
        white = 2**significant - 1  # PNG wants them in the upper bits of 16; some writers leave them in the lower ones
    table = np.rint(np.clip(_turned(values, white, negative), 0, white) * (255 / white)).astype(np.uint8)
    return Image.fromarray(looked_up(table, pixels)), own


def _turned(values, white, negative):
    return white - values if negative else values
