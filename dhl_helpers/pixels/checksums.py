"""Damage that a file's own checksums and structure show, and that Pillow passes over.

PNG has a CRC on each chunk, TIFF with deflate an Adler-32 on each strip or tile. In JPEG only the markers can be
checked: a damaged code in between shows where it makes the decoder stop. BMP, GIF, WebP, JPEG 2000, PNM and other TIFF
carry no checksum: a changed grey level in them cannot be told from a right one.
"""

import zlib

import numpy as np

DEFLATE = (8, 32946)
SOS, EOI = 0xDA, 0xD9
AFTER_SCAN = {SOS, 0xC4, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)}  # tables, comments, further scans


def check(file, image):
    """Read an image file to its end.

    Parameters
    ----------
    file : binary file
    image : PIL.Image.Image
        Opened from it, not loaded yet.

    Returns
    -------
    int or None
        The significant bits that a PNG declares (sBIT).

    Raises
    ------
    ValueError
        If the file is cut off or damaged.
    """
    place = file.tell()
    file.seek(0)
    try:
        match image.format:
            case "PNG":
                return _png(file.read())
            case "TIFF":
                _tiff(file.read(), image.tag_v2)
            case "JPEG" | "MPO":
                _jpeg(file.read())
    finally:
        file.seek(place)
    return None


def _png(content):
    at, significant = 8, None
    while True:
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        end = at + 8 + length
        if len(content) < end + 4:
            raise ValueError("image file is truncated (the last PNG chunk is missing)")
        if zlib.crc32(memoryview(content)[at + 4 : end]) != int.from_bytes(content[end : end + 4]):
            raise ValueError(f"a damaged PNG: wrong checksum of its {kind.decode('latin-1')} chunk")
        if kind == b"sBIT":
            significant = content[at + 8]
        if kind == b"IEND":
            return significant
        at = end + 4


def _tiff(content, tags):
    starts, lengths = (tags.get(273), tags.get(279)) if 273 in tags else (tags.get(324), tags.get(325))
    if not starts or not lengths:
        return
    if sum(lengths) > len(content) or any(map(lambda a, b: a + b > len(content), starts, lengths)):
        raise ValueError("image file is truncated (a TIFF strip reaches beyond its end)")
    if tags.get(259) not in DEFLATE:
        return
    left = 8 * len(tags.get(258, [1])) * tags[256] * tags[257] + 2**24  # bytes, at most; more is no image
    for start, length in zip(starts, lengths, strict=False):
        unpack, packed = zlib.decompressobj(), memoryview(content)[start : start + length]
        try:
            while packed and not unpack.eof and left > 0:
                left -= len(unpack.decompress(packed, 2**20))
                packed = unpack.unconsumed_tail
            left -= len(unpack.flush()) if left > 0 else 0
        except zlib.error as error:
            raise ValueError(f"a damaged TIFF: {error}") from error
        if not unpack.eof:
            raise ValueError("a damaged TIFF: a compressed strip is cut off, or unpacks to more than the image")


def _jpeg(content):
    data = np.frombuffer(content, np.uint8)
    places = np.flatnonzero(data[:-1] == 0xFF)
    kinds = data[places + 1]
    restarts = (kinds >= 0xD0) & (kinds <= 0xD7)
    order, places_of_order = kinds[restarts], places[restarts]
    found = (kinds != 0) & (kinds != 0xFF) & ~restarts  # all but stuffed bytes, filling and restarts
    places, kinds = places[found], kinds[found]
    at, scans = 2, 0
    while True:
        number = np.searchsorted(places, at)
        if number == len(places):
            raise ValueError("image file is truncated (a JPEG without its end)")
        start, marker = int(places[number]), int(kinds[number])
        if scans:
            between = order[slice(*np.searchsorted(places_of_order, (at, start)))]
            if (between - 0xD0 != np.arange(len(between)) % 8).any():
                raise ValueError("a damaged JPEG: parts of it are missing or in another order")
        if marker == EOI:
            break
        if marker not in AFTER_SCAN if scans else marker < 0xC0 or content[at:start].strip(b"\xff"):
            raise ValueError("a damaged JPEG: bytes between its parts that belong to none")
        scans += marker == SOS
        at = start + 2 + int.from_bytes(content[start + 2 : start + 4])
    if not scans or (b"\xff\xd9" in content[start + 2 :] and b"\xff\xd8" not in content[start + 2 :]):
        raise ValueError("a damaged JPEG: it ends in the middle of the image")
