"""A folder of class folders, with or without train, val and test above them; and the Kermany chest X-rays, such a tree.

Kermany et al. 2018, doi:10.17632/rscbjbr9sj: the patient and the kind of pneumonia are in the file names.
"""

import re
from pathlib import Path

import pandas as pd

from ..errors import DataError, listing
from .found import Found

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
PARTS = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}

# The number alone is not a patient (bacterial and viral cases are counted separately), and IM-0115 and
# NORMAL2-IM-0115 belong to two series. The third form is that of the data set's second edition.
KERMANY_PATIENT = r"((?:NORMAL2-)?IM-\d+|person\d+_(?:bacteria|virus)|(?:BACTERIA|VIRUS|NORMAL)-\d+)"


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
    folders = _visible(root)
    parts = [folder for folder in folders if folder.name.lower() in PARTS]
    levels = [(folder, PARTS[folder.name.lower()]) for folder in parts] or [(root, None)]
    classes = {level: _visible(level) for level, _ in levels}
    if not any(classes.values()):
        raise DataError(f"{root}: no class folders in it. Put the images of each class into a folder of its own.")
    rows, empty = [], []
    for level, part in levels:
        for folder in classes[level]:
            files = [file for file in sorted(folder.rglob("*")) if _is_image(file.relative_to(root)) and file.is_file()]
            rows += [{"path": file, "label": folder.name, "split": part} for file in files]
            empty += [] if files else [folder]
    if empty:
        raise DataError(
            f"{root}: class folders without an image ({', '.join(sorted(SUFFIXES))}). Fill or remove them:\n"
            + listing(empty)
        )
    table = pd.DataFrame(rows)
    names = sorted(table["label"].unique())
    if not parts:
        table = table.drop(columns="split")
    if patient_pattern:
        table["patient_id"] = _patients(table["path"], patient_pattern)
    return Found(table, names)


def read_kermany(data_dir, three_classes=False):
    """List the Kermany chest X-rays as normal and pneumonia, or as normal, bacterial and viral."""
    table, names, _ = read(data_dir, KERMANY_PATIENT)
    if [name.lower() for name in names] != ["normal", "pneumonia"]:
        raise DataError(f"{data_dir}: class folders {', '.join(names)}; the Kermany set has NORMAL and PNEUMONIA.")
    table["label"] = table["label"].str.lower()
    if three_classes:
        kinds = {"bact": "bacterial", "viru": "viral"}
        kind = table["path"].map(lambda path: re.search("bact|viru|$", path.name.lower()).group())
        unknown = table.loc[(table["label"] == "pneumonia") & (kind == ""), "path"].tolist()
        if unknown:
            raise DataError(
                f"{data_dir}: neither bacteria nor virus in these file names. Rename or remove them, or load "
                f"'chest_xray':\n{listing(unknown)}"
            )
        table["label"] = kind.map(kinds).where(table["label"] == "pneumonia", "normal")
    if "split" in table:  # the 16 images of `val` in one distribution are too few to choose anything by
        table["split"] = table["split"].replace("val", "train")
    return Found(table, ["normal", "bacterial", "viral"] if three_classes else ["normal", "pneumonia"])


def _visible(folder):
    return [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not entry.name.startswith((".", "__"))]


def _is_image(path):
    return path.suffix.lower() in SUFFIXES and not any(part.startswith((".", "__")) for part in path.parts)


def _patients(paths, pattern):
    found = {path: re.search(pattern, path.name) for path in paths}
    unmatched = [path for path, match in found.items() if not match]
    if unmatched:
        raise DataError(
            f"No patient in these file names (pattern {pattern}). Rename or remove them:\n{listing(unmatched)}"
        )
    return [match.group(1) for match in found.values()]
