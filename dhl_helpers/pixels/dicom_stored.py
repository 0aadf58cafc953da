"""The stored values of a DICOM film: the numbers before any look-up table or window, and which of them are padding."""

import warnings

import numpy as np
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder
from pydicom.uid import UID, JPEGExtended12Bit, RLELossless

FLOATS = {"FloatPixelData": ("f4", "FloatPixelPadding"), "DoubleFloatPixelData": ("f8", "DoubleFloatPixelPadding")}
FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # of JPEG and JPEG-LS: they hold the size
NO_DECODER = "compressed as {}, for which no decoder is installed; convert the file to an uncompressed transfer syntax"


def stored_values(dataset, syntax, remarks):
    """Decode the pixels.

    Parameters
    ----------
    dataset : pydicom.Dataset
    syntax : UID or None
        The transfer syntax; None where the file does not name one: its pixels are not compressed then.
    remarks : list of str
        What had to be ignored is added.

    Returns
    -------
    ndarray of uint8, int8, uint16, int16, uint32, int32, float32 or float64, shape (h, w)

    Raises
    ------
    ValueError
        If they are broken, or of a kind that is not read.
    """
    shape, little = (int(dataset.Rows), int(dataset.Columns)), dataset.original_encoding[1]
    for name, (kind, _) in FLOATS.items():
        if name in dataset:
            return _exact(dataset[name].value, shape, np.dtype(kind).newbyteorder("<" if little else ">"))
    allocated = int(dataset.BitsAllocated)
    bits, signed = int(dataset.get("BitsStored") or allocated), int(dataset.get("PixelRepresentation") or 0)
    if allocated not in (8, 16, 32) or not 1 <= bits <= allocated or signed not in (0, 1):
        raise ValueError(f"{bits} bits stored in {allocated}, Pixel Representation {signed}: not a depth that is read")
    high = dataset.get("HighBit")
    if high is None or not bits - 1 <= high < allocated:
        remarks += [] if high is None else [f"High Bit ({high} with {bits} bits stored)"]
        high = bits - 1
    if syntax is not None and syntax.is_encapsulated:
        stored = _decompressed(dataset, syntax, shape)
        if syntax != RLELossless and (stored.dtype.kind == "i" or int(stored.max()) < 2**bits):
            high = bits - 1  # a decoder of JPEG gives the values themselves
        stored = stored.view(f"u{stored.itemsize}")
        bits, high, allocated = min(bits, 8 * stored.itemsize), min(high, 8 * stored.itemsize - 1), 8 * stored.itemsize
    else:
        data = dataset["PixelData"].value
        if allocated == 8 and not little and dataset["PixelData"].VR == "OW":  # bytes of one word change places
            data = np.frombuffer(data[: len(data) // 2 * 2], "u2").byteswap().tobytes()
        stored = _exact(data, shape, np.dtype(f"{'<' if little else '>'}u{allocated // 8}"))
    stored = stored.astype(f"u{stored.itemsize}", copy=False)
    if high == bits - 1 and int(stored.max()) < 2 ** (bits - signed):  # as usual: nothing in the other bits
        return stored.view(f"i{stored.itemsize}") if signed else stored
    if bits < allocated:  # the other bits may hold anything, such as an overlay
        left = allocated - 1 - high
        if left and not signed and int(stored.max()) >= 2 ** (high + 1):
            remarks.append("the bits above High Bit")
        stored = np.left_shift(stored, left) if left else stored
        stored = stored.view(f"i{stored.itemsize}") if signed else stored
        return np.right_shift(stored, allocated - bits)
    return stored.view(f"i{stored.itemsize}") if signed else stored


def padding(dataset, stored, values):
    """Which of these stored values stand for no pixel: ndarray of bool, shaped as `values`; all False if none do.

    Pixel Padding Value alone, or the range from it to Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2).
    """
    name = next((padded for pixels, (_, padded) in FLOATS.items() if pixels in dataset), "PixelPadding")
    ends = []
    for element in (f"{name}Value", f"{name}RangeLimit"):
        value = dataset.get(element)
        if value in (None, ""):
            break
        try:
            value = float(value)
        except (TypeError, ValueError):  # several values, or text
            break
        if stored.dtype.kind in "iu":  # files write it with or without a sign
            bits = int(dataset.get("BitsStored") or 8 * stored.itemsize)
            value = int(value) % 2 ** (8 * stored.itemsize)
            if stored.dtype.kind == "i" and value >> (bits - 1) & 1:
                value = value % 2**bits - 2**bits
        ends.append(value)
    if not ends:
        return np.zeros(values.shape, bool)
    return (values >= min(ends)) & (values <= max(ends))


def _exact(data, shape, kind):
    """Bytes as an array; ValueError unless they are exactly as many as it needs, and one more where that is odd."""
    needed = shape[0] * shape[1] * kind.itemsize
    if len(data) not in (needed, needed + needed % 2):
        raise ValueError(f"broken or truncated pixels ({len(data)} bytes for {shape[0]} x {shape[1]}, not {needed})")
    return np.frombuffer(data, kind, shape[0] * shape[1]).reshape(shape).astype(kind.newbyteorder("="), copy=False)


def _decompressed(dataset, syntax, shape):
    """Compressed pixels; only in a process that may die of them."""
    bits = int(dataset.get("BitsStored") or 8)
    if syntax == JPEGExtended12Bit and bits > 8:  # pydicom knows two decoders of it, and neither takes 12 bits
        raise ValueError(NO_DECODER.format(f"{syntax.name} with {bits} bits"))
    try:
        decoder = get_decoder(UID(syntax))
        available = decoder.is_available
    except NotImplementedError:
        available = False
    if not available:
        raise ValueError(NO_DECODER.format(syntax.name or syntax))
    _check_codestream(dataset, syntax, shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what a decoder warns of is wrong with the film
        try:
            stored, _ = decoder.as_array(dataset, raw=True)
        except Exception as error:  # pydicom and its decoders raise a dozen kinds
            raise ValueError(f"broken or truncated pixels ({error})") from error
    if stored.shape != shape:
        raise ValueError(f"broken or truncated pixels (decoded {stored.shape}, announced {shape})")
    return stored


def _check_codestream(dataset, syntax, shape):
    """Compare what the compressed image announces with the header, before a decoder takes memory for it."""
    if syntax == RLELossless:
        return
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1), b"")
    at = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at >= 0:  # JPEG 2000: the far corner of the image area, and the near one
        columns, rows, left, top = (int.from_bytes(frame[place : place + 4]) for place in range(at + 8, at + 24, 4))
        announced = rows - top, columns - left
    else:
        at = 2
        while frame[at : at + 1] == b"\xff" and (frame[at + 1] not in FRAME_HEADERS):
            at += 2 + int.from_bytes(frame[at + 2 : at + 4])
        announced = int.from_bytes(frame[at + 5 : at + 7]), int.from_bytes(frame[at + 7 : at + 9])
    if announced != shape:
        raise ValueError(f"broken or truncated pixels (compressed {announced}, announced {shape})")
