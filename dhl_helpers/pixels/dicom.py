"""DICOM files: which they are, and which of them are of one patient.

Only elements that are asked for by name are read. Names, dates and identifiers of persons are never parsed, so they can
get into no message and no table; a patient's ID is compared with those of the other files and forgotten.
"""

import io
import os
import warnings
import zlib
from pathlib import Path

import pandas as pd
import pydicom
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from .files import opened

SUFFIXES = {".dcm", ".dicom"}
MOST_INFLATED = 128 * 2**20  # bytes; a film of 30 million pixels of 16 bits has 60 million

warnings.filterwarnings("ignore", module="pydicom")  # its warnings may quote what they find odd


def is_dicom(path):
    """Whether a file is DICOM by its suffix or, as many have none, by the four letters after its preamble."""
    if Path(path).suffix.lower() in SUFFIXES:
        return True
    try:
        with opened(path) as file:
            return begins(file)
    except (OSError, ValueError):
        return False


def begins(file):
    """Whether an open file begins as DICOM does; it is left at its first byte."""
    head = file.read(132)
    file.seek(0)
    return head[128:] == b"DICM"


def patients(paths):
    """Number the patients of DICOM files in the order of the files' paths.

    Parameters
    ----------
    paths : sequence of Path

    Returns
    -------
    ndarray of int64, shape (n,)
        Equal numbers for files of one patient; -1 for files that are not DICOM or do not name one.
    """
    ids = pd.Series([_patient(path) for path in paths], index=map(str, paths), dtype=object)
    ordered = ids[~ids.index.duplicated()].sort_index()
    numbers = pd.Series(pd.factorize(ordered)[0], index=ordered.index)  # counted, not derived from the ID
    return numbers[ids.index].to_numpy(copy=True)


def _patient(path):
    try:
        with opened(path) as file:
            if not begins(file) and Path(path).suffix.lower() not in SUFFIXES:
                return None
            return " ".join(str(read(file, ["PatientID"]).get("PatientID") or "").split()) or None
    except Exception:  # as many kinds as in `read`; decoding will say what is wrong with the file
        return None


def read(source, elements):
    """The named elements of a DICOM file, as a pydicom dataset.

    Parameters
    ----------
    source : str, path or binary file
    elements : list of str

    Raises
    ------
    ValueError
        If the file is not DICOM or broken.
    FileNotFoundError
    """
    if isinstance(source, (str, os.PathLike)):
        with opened(source) as file:
            return read(file, elements)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # else odd values are warned of, and quoted
    try:
        source = _inflated(source)
        return pydicom.dcmread(source, specific_tags=elements, stop_before_pixels="PixelData" not in elements)
    except pydicom.errors.InvalidDicomError as error:
        raise ValueError("no DICOM header (cut off, or another kind of file)") from error
    except (TooLarge, MemoryError):
        raise
    except Exception as error:  # pydicom raises a dozen kinds on a broken file, and their messages may quote it
        raise ValueError(f"a broken DICOM file ({type(error).__name__} while reading it)") from error


def _inflated(file):
    """The file, or where its data set is deflated, what that unpacks to; pydicom would unpack it without a limit."""
    file.seek(0)
    if not begins(file):
        return file
    file.seek(132)
    meta = read_dataset(file, False, True, stop_when=lambda tag, *_: tag.group != 2)
    start = file.tell()
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        file.seek(0)
        return file
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    content = unpack.decompress(file.read(), MOST_INFLATED)
    if not unpack.eof:
        raise TooLarge(f"a deflated data set that is cut off, or exceeds the limit of {MOST_INFLATED} bytes")
    file.seek(0)
    plain = ExplicitVRLittleEndian.encode().ljust(len(DeflatedExplicitVRLittleEndian), b"\0")
    return io.BytesIO(file.read(start).replace(DeflatedExplicitVRLittleEndian.encode(), plain) + content)


class TooLarge(ValueError):
    """What a file unpacks to is more than a film."""


def syntax_of(dataset):
    """The transfer syntax of a dataset that was read; None where the file does not name it and is not compressed.

    Raises
    ------
    ValueError
        If the pixels are compressed and the file does not say how.
    """
    syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if syntax:
        return syntax
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        raise ValueError("compressed, but the file does not say how (no Transfer Syntax UID)")
    return None
