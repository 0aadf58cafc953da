"""DICOM files: which they are, and which of them are of one patient.

Only elements that are asked for by name are read. Names, dates and identifiers of persons are never parsed, so they can
get into no message and no table; a patient's ID is compared with those of the other files and forgotten.
"""

import warnings
from pathlib import Path

import pandas as pd

SUFFIXES = {".dcm", ".dicom"}

warnings.filterwarnings("ignore", module="pydicom")  # its warnings may quote what they find odd


def is_dicom(path):
    """Whether a file is DICOM by its suffix or, as many have none, by the four letters after its preamble."""
    path = Path(path)
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


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
    if not is_dicom(path):
        return None
    try:
        return str(read(path, ["PatientID"]).get("PatientID") or "").strip() or None
    except Exception:  # as many kinds as in `read`; decoding will say what is wrong with the file
        return None


def read(path, elements):
    """The named elements of a DICOM file, as a pydicom dataset.

    Raises
    ------
    ValueError
        If the file is not DICOM or broken.
    FileNotFoundError
    """
    import pydicom

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # else odd values are warned of, and quoted
    try:
        return pydicom.dcmread(path, specific_tags=elements, stop_before_pixels="PixelData" not in elements)
    except FileNotFoundError:
        raise
    except pydicom.errors.InvalidDicomError as error:
        raise ValueError("no DICOM header (cut off, or another kind of file)") from error
    except Exception as error:  # pydicom raises a dozen kinds on a broken file, and their messages may quote it
        raise ValueError(f"a broken DICOM file ({type(error).__name__} while reading it)") from error


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
