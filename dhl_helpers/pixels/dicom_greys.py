"""The greys of a DICOM film, as a viewer shows them.

The order is that of the DICOM standard, PS3.3 and PS3.4 N.2: stored values, modality LUT or rescale (C.11.1), padding
(C.7.5.1.1.2), VOI LUT or window (C.11.2), presentation LUT (C.11.4, C.11.6), polarity (C.7.6.3.1.2). Optional elements
that are empty or make no sense are ignored, and named in the remarks. Of several windows or tables the first one that
can be used is taken, and a table before a window. Padding is black. Without a window,
`dicom_range` decides.
"""

import os

import numpy as np
from PIL import Image

from . import dicom_worker
from .depth import looked_up
from .dicom import read, syntax_of
from .dicom_films import PIXELS, check
from .dicom_luts import look_up, numbers, table
from .dicom_range import ends
from .dicom_stored import padding, stored_values
from .files import opened, reading

ELEMENTS = ["SOPClassUID", "Modality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
            "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
            *PIXELS, "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
            "PixelPaddingValue", "PixelPaddingRangeLimit", "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit",
            "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit",
            "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "RescaleType", "VOILUTSequence", "WindowCenter",
            "WindowWidth", "VOILUTFunction", "PresentationLUTSequence", "PresentationLUTShape"]  # fmt: skip
COST = 8  # bytes of memory for each byte of the file


def open_image(path, depth=None):
    """One radiograph as a grey Pillow image of 8 bits.

    Parameters
    ----------
    path : str or path
    depth : int, optional
        Bits of a film that does not say how many it has; by default the fewest of 8, 12 and 16 that hold it.

    Raises
    ------
    ValueError
        If the file is broken, has no image, or one that is no radiograph.
    """
    with opened(path) as file:
        return Image.fromarray(decoded(file, depth)[0])


def decoded(file, depth=None):
    """The greys of an open DICOM file; compressed ones are decoded in another process.

    Returns
    -------
    greys : ndarray of uint8, shape (h, w)
    depth : int or None
        The depth that was used, if the file did not say it.
    remarks : list of str
        The elements that are empty or invalid and were ignored.

    Raises
    ------
    ValueError
        As `open_image`.
    """
    with reading.reserve(2**20 + COST * os.fstat(file.fileno()).st_size):
        dataset = read(file, ELEMENTS)
        return _decoded(dataset, file, depth)


def _decoded(dataset, file, depth):
    try:
        check(dataset)
        syntax = syntax_of(dataset)
        if syntax is not None and syntax.is_encapsulated:
            file.seek(0)
            return dicom_worker.decode(file.read(), int(dataset.Rows) * int(dataset.Columns), depth)
        return greys(dataset, depth)
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # damaged elements are parsed only when they are used
        raise ValueError(f"a broken DICOM file ({type(error).__name__} while reading it)") from error


def greys(dataset, depth=None):
    """Decode the pixels of a dataset and take them through all transformations; returns as `decoded`."""
    remarks = []
    stored = stored_values(dataset, syntax_of(dataset), remarks)
    few = stored.dtype.kind in "iu" and stored.itemsize <= 2
    if few:  # each stored value has one grey: there are at most 65,536 to work out, and millions of pixels
        lowest, highest = stored.min(), stored.max()
        values = np.arange(int(lowest), int(highest) + 1)
        place = stored - lowest if lowest else stored
        place = place.view(f"u{stored.itemsize}")  # beyond the signed range it comes round
    else:
        values, place = stored, None
    outside = padding(dataset, stored, values)
    if stored.dtype.kind == "f" and not np.isfinite(values[~outside]).all():
        raise ValueError("pixels that are not numbers")
    shown, straight = _modality(dataset, values.astype(np.float64), remarks)
    film = _voi_lut(dataset, shown, straight, remarks)
    film = _window(dataset, shown, remarks) if film is None else film
    own = None
    if film is None:
        black, white, own = ends(dataset, values, place, outside, shown, straight, depth)
        film = (shown - black) / ((white - black) or 1)
    film = _presentation(dataset, np.clip(film, 0, 1), remarks)
    film[outside] = 0
    film = np.rint(255 * film).astype(np.uint8)
    return film if place is None else looked_up(film, place), own, sorted(set(remarks))


def _modality(dataset, values, remarks):
    """Apply the modality LUT or the rescaling; also (slope, intercept), or None after a LUT."""
    entries, first, _ = table(dataset, "ModalityLUTSequence", dataset.get("PixelRepresentation") == 1, remarks)
    if entries is not None:
        return look_up(values, entries, first).astype(np.float64), None
    slope, intercept = (numbers(dataset, name, remarks) for name in ("RescaleSlope", "RescaleIntercept"))
    if slope and slope[0] == 0:
        remarks.append("Rescale Slope")
        slope = []
    straight = (slope or [1])[0], (intercept or [0])[0]
    return values * straight[0] + straight[1], straight


def _voi_lut(dataset, shown, straight, remarks):
    """The values through the VOI LUT, 0 (black) to 1; None if there is none."""
    signed = dataset.get("PixelRepresentation") == 1 or (straight is not None and min(straight) < 0)
    entries, first, bits = table(dataset, "VOILUTSequence", signed, remarks)
    return None if entries is None else look_up(shown, entries, first) / (2**bits - 1)


def _window(dataset, shown, remarks):
    """The values through the window, 0 (black) to 1; None if there is none. The formulas of C.11.2.1.2 and 3."""
    centers, widths = (numbers(dataset, name, remarks) for name in ("WindowCenter", "WindowWidth"))
    function = str(dataset.get("VOILUTFunction") or "").strip().upper()
    if "VOILUTFunction" in dataset and function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        remarks.append("VOI LUT Function")
        function = "LINEAR"
    least = 1 if function in ("", "LINEAR") else np.nextafter(0, 1)
    both = list(zip(centers, widths, strict=False))
    center, width = next((pair for pair in both if pair[1] >= least), (None, None))
    if width is None:
        remarks += ["Window Width"] if both else []
        return None
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (shown - center) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return np.clip((shown - center) / width + 0.5, 0, 1)
    if width == 1:
        return (shown > center - 0.5).astype(np.float64)
    return np.clip((shown - (center - 0.5)) / (width - 1) + 0.5, 0, 1)


def _presentation(dataset, film, remarks):
    """Apply the presentation LUT, and turn round what is kept as a negative; 0 (black) to 1.

    Shape INVERSE and MONOCHROME1 say the same of a film: the standard asks for both together (C.8.11.3.1.2), and the
    film is turned round once. A table is applied before MONOCHROME1 turns the film round.
    """
    negative = str(dataset.PhotometricInterpretation).strip() == "MONOCHROME1"
    entries, _, bits = table(dataset, "PresentationLUTSequence", False, remarks)
    if entries is not None:
        film = look_up(film * (len(entries) - 1), entries, 0) / (2**bits - 1)
    elif "PresentationLUTShape" in dataset:
        shape = str(dataset.get("PresentationLUTShape") or "").strip().upper()
        negative = negative or shape == "INVERSE"
        remarks += [] if shape in ("IDENTITY", "INVERSE") else ["Presentation LUT Shape"]
    return 1 - film if negative else film
