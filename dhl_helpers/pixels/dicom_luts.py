"""The numbers and look-up tables in a DICOM header; what is empty or makes no sense is ignored, and said."""

import math

import numpy as np
from pydicom.datadict import dictionary_description


def numbers(dataset, name, remarks):
    """The numbers of an element, list of float; empty if the element is absent, empty or no number.

    Parameters
    ----------
    dataset : pydicom.Dataset
    name : str
    remarks : list of str
        The element's name is added if it is there and cannot be used.
    """
    if name not in dataset:
        return []
    try:
        value = dataset.get(name)
        value = [] if value is None or value == "" else value
        found = [float(each) for each in (value if np.iterable(value) and not isinstance(value, str) else [value])]
    except Exception:  # pydicom converts text when it is asked for it, and raises many kinds
        found = []
    if not found or not all(map(math.isfinite, found)):
        remarks.append(dictionary_description(name))
        return []
    return found


def table(dataset, name, signed, remarks):
    """The first usable look-up table of a sequence (PS3.3 C.11.1.1.1 and C.11.2.1.1).

    Parameters
    ----------
    dataset : pydicom.Dataset
    name : str
        The sequence: ModalityLUTSequence, VOILUTSequence or PresentationLUTSequence.
    signed : bool
        Whether the values that go into the table can be negative.
    remarks : list of str
        The sequence's name is added if it is there and has no usable table.

    Returns
    -------
    entries : ndarray of uint16, shape (n,), or None
    first : int
        The input that the first entry is for.
    bits : int
        Of the output: its range is 0 to 2**bits - 1.
    """
    if name not in dataset:
        return None, 0, 0
    for item in dataset.get(name) or []:
        try:
            n, first, bits = (int(number) for number in item.LUTDescriptor)
            entries = _entries(item["LUTData"], n % 2**16 or 2**16, bits, dataset.original_encoding[1])
        except Exception:  # no such elements, no numbers in them, too few
            continue
        most = int(entries.max())
        bits = bits if 1 <= bits <= 16 and most < 2**bits else max(8, most.bit_length())
        first %= 2**16  # files write it with or without a sign
        return entries, first - 2**16 if signed and first >= 2**15 else first, bits
    remarks.append(dictionary_description(name))
    return None, 0, 0


def look_up(values, entries, first):
    """The entry for each value; the first one for what lies below the table, the last one for what lies above."""
    return entries[np.clip(np.rint(values) - first, 0, len(entries) - 1).astype(np.intp)]


def _entries(element, n, bits, little):
    """The n entries of LUT Data, which is words (US or OW), or bytes two to a word where the output has 8 bits."""
    data = element.value
    if isinstance(data, bytes):
        words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little else ">u2")
    else:
        words = np.atleast_1d(np.array(data, np.int64)).astype(np.uint16)
    if len(words) < n and bits <= 8 and len(words) >= -(-n // 2):
        words = words.astype("<u2").view(np.uint8)  # the first entry is the lower byte
    if len(words) < n:
        raise ValueError("fewer entries than announced")
    return words[:n].astype(np.uint16)
