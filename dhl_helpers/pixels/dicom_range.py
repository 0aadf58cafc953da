"""Black and white of a DICOM film without a window.

Black and white are the ends of the depth: 0 and 4,095 for 12 bits stored, as for a PNG of 12
bits. So a tissue has one grey in every film, whatever else is on it, and a film of a few greys stays flat. Two kinds
of films have no such depth:

- 16 bits stored in 16 say nothing, as in a PNG. Then it is the depth of the set, see `dhl_helpers.load_dataset`.
- Signed values, more than 16 bits, fractions, the output of a modality LUT, and 16 bits of which some are padding:
  black and white are the 0.5th and the 99.5th percentile of the pixels that are no padding. A burnt-in mark hardly
  moves them.
"""

import numpy as np

from .depth import counted, fixed

PERCENTILES = (0.5, 99.5)


def ends(dataset, values, place, outside, shown, straight, depth):
    """Black and white of a film without a window.

    Parameters
    ----------
    dataset : pydicom.Dataset
    values : ndarray
        The stored values: those that occur, shape (k,), or where they are too many, those of each pixel.
    place : ndarray of int, shape (h, w), or None
        Where in `values` that of each pixel is.
    outside : ndarray of bool, shaped as `values`
        Which are padding.
    shown : ndarray of float64, shaped as `values`
        The same after the modality step.
    straight : (float, float) or None
        Slope and intercept of that step; None for a modality LUT.
    depth : int or None
        Bits, as fixed for the set.

    Returns
    -------
    black, white : float
        After the modality step.
    depth : int or None
        The depth that was used, where the file does not say it.
    """
    allocated = int(dataset.get("BitsAllocated") or 0)
    bits, own = int(dataset.get("BitsStored") or allocated), None
    if straight is not None and values.dtype.kind != "f" and not dataset.get("PixelRepresentation"):
        if bits == allocated == 16 and dataset.get("PixelPaddingValue") in (None, ""):
            own = bits = fixed(depth, values, _counts(place, outside))
        if own or bits < allocated or bits == 8:
            ends = straight[1], straight[0] * (2**bits - 1) + straight[1]
            return min(ends), max(ends), own
    if place is None:
        inside = shown[~outside]
        return *(np.percentile(inside, PERCENTILES) if inside.size else (0, 1)), None
    order, counts = np.argsort(shown, kind="stable"), _counts(place, outside)
    below = np.cumsum(counts[order])
    at = np.searchsorted(below, np.array(PERCENTILES) / 100 * below[-1])
    return *shown[order][np.minimum(at, len(order) - 1)], None


def _counts(place, outside):
    """How many pixels have each value; those of padding count as none."""
    return np.where(outside, 0, counted(place, len(outside)))
