"""The image of a DICOM file, as a viewer shows it.

After the DICOM standard, PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT and window) and C.7.6.3.1.2 (MONOCHROME1: the
lowest value is white); pydicom carries the first two out.
"""

import numpy as np
from PIL import Image

from . import dicom_worker
from .dicom import read

ELEMENTS = ["Modality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
            "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData",
            "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
            "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "RescaleType", "VOILUTSequence", "WindowCenter",
            "WindowWidth", "VOILUTFunction"]  # fmt: skip
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
SLICES = {"CT": "computed tomography", "MR": "magnetic resonance", "PT": "positron emission tomography",
          "NM": "nuclear medicine"}  # fmt: skip
MOST_PIXELS = 30_000_000  # large mammograms have 28; a file that claims more is a mistake or an attack


def open_image(path):
    """One radiograph as a grey Pillow image of 8 bits.

    Raises
    ------
    ValueError
        If the file is broken, has no image, or one that is no radiograph.
    """
    dataset = read(path, ELEMENTS)
    try:
        _check(dataset)
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            return Image.fromarray(dicom_worker.decode(path))
        return Image.fromarray(grey(dataset))
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # damaged elements are parsed only when they are used
        raise ValueError(f"a broken DICOM file ({type(error).__name__} while reading it)") from error


def _check(dataset):
    if not any(name in dataset for name in PIXELS):
        raise ValueError("a DICOM object without an image")
    if str(dataset.get("Modality")) in SLICES:
        raise ValueError(f"a slice of {SLICES[dataset.Modality]}, not a radiograph")
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        raise ValueError(f"{dataset.NumberOfFrames} frames in one file; export each as a file of its own")
    if dataset.get("PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"a colour image ({dataset.get('PhotometricInterpretation')}), not a grey radiograph")
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if not 0 < rows * columns <= MOST_PIXELS:
        raise ValueError(f"{rows} x {columns} pixels: none, or too many for a film")


def grey(dataset):
    """Decode, apply the modality and VOI transformations, and scale black to white as 0 to 255; uint8 (h, w)."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    try:
        stored = dataset.pixel_array
        # Each stored value has one grey: of 16 bits there are at most 65,536 to work out, and millions of pixels.
        few = stored.dtype.kind in "iu" and stored.itemsize <= 2 and not dataset.get("ModalityLUTSequence")
        values = np.arange(int(stored.min()), int(stored.max()) + 1).astype(stored.dtype) if few else stored
        shown = np.asarray(apply_voi_lut(apply_modality_lut(values, dataset), dataset), np.float32)
        black, white = shown.min(), shown.max()
        if dataset.get("VOILUTSequence"):
            entries, first, _ = dataset.VOILUTSequence[0].LUTDescriptor
            black, white = apply_voi_lut(np.array([[first, first + (entries or 2**16) - 1]]), dataset)[0]
        elif dataset.get("WindowWidth") and dataset.get("WindowCenter") is not None:
            black, white = apply_voi_lut(np.array([[-(2**30), 2**30]]), dataset)[0]
        black, white = float(black), float(white)
    except Exception as error:  # NumPy, pydicom and its decoders raise a dozen kinds
        raise ValueError(f"broken or truncated pixels ({error})") from error
    if not np.isfinite([black, white]).all():
        raise ValueError("pixels that are not numbers")
    shown = (shown - black) * (255 / ((white - black) or 1))
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = 255 - shown
    greys = np.clip(np.round(shown), 0, 255).astype(np.uint8)
    # From the lowest value on; what is beyond a signed type's range comes round to the same unsigned number.
    return greys[(stored - stored.min()).view(f"u{stored.itemsize}")] if few else greys
