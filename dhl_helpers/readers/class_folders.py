"""A folder of class folders, with or without train, val and test above them."""

import re
from pathlib import Path

import pandas as pd

from ..errors import DataError, listing
from ..pixels.dicom import is_dicom
from .found import Found, Reader

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
PARTS = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}


def read(data_dir, patient_pattern=None):
    """List the images.

    Parameters
    ----------
    data_dir : str or path
    patient_pattern : str, optional
        Regular expression whose first group, searched in the file name, is the patient.
    """
    root = Path(data_dir)
    if not root.is_dir():
        raise DataError(f"{root}: not a folder. Give the folder that holds one folder a class.")
    parts = [folder for folder in _visible(root) if folder.name.lower() in PARTS]
    levels = [(folder, PARTS[folder.name.lower()]) for folder in parts] or [(root, None)]
    classes = {level: _visible(level) for level, _ in levels}
    if not any(classes.values()):
        raise DataError(f"{root}: no class folders in it. Put the images of each class into a folder of its own.")
    rows, empty = [], []
    for level, part in levels:
        for folder in classes[level]:
            files = [file for file in sorted(folder.rglob("*")) if file.is_file() and is_image(file, root)]
            rows += [{"path": file, "label": folder.name, "split": part} for file in files]
            empty += [] if files else [folder]
    if empty:
        raise DataError(
            f"{root}: class folders without an image (DICOM, {', '.join(sorted(SUFFIXES))}). Fill or remove them:\n"
            + listing(empty)
        )
    table = pd.DataFrame(rows)
    if not parts:
        table = table.drop(columns="split")
    if patient_pattern:
        table["patient_id"] = _patients(table["path"], patient_pattern)
    return Found(table, sorted(table["label"].unique()))


def _visible(folder):
    return [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not entry.name.startswith((".", "__"))]


def is_image(path, root):
    """Whether a file below `root` is an image by its name, or DICOM; what is hidden is not."""
    hidden = any(part.startswith((".", "__")) for part in path.relative_to(root).parts)
    return not hidden and (path.suffix.lower() in SUFFIXES or is_dicom(path))


def _patients(paths, pattern):
    found = {path: re.search(pattern, path.name) for path in paths}
    unmatched = [path for path, match in found.items() if not match]
    if unmatched:
        raise DataError(
            f"No patient in these file names (pattern {pattern}). Rename or remove them:\n{listing(unmatched)}"
        )
    return [match.group(1) for match in found.values()]


SETS = {
    "folder": Reader(
        "Any folder of class folders, with or without train, val, test above them",
        read,
        labels="the names of the class folders",
        patient="option patient_pattern, searched in the file name; in DICOM files, their own",
        split="folders train, val, test, where there are any",
        checked="on real files",
    )
}
