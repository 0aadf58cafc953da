"""MedMNIST v2 (Yang et al. 2023, doi:10.1038/s41597-022-01721-8): one .npz with an official split.

Labels are (n, 1), or (n, 14) for the findings of ChestMNIST; the grades of RetinaMNIST are read as classes. Patients
are not recorded in any of the sets.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..arrays import read_arrays
from ..errors import DataError
from . import medmnist_sets
from .findings import several
from .found import Found

OLD_NAMES = {"organamnist": "organmnist_axial", "organcmnist": "organmnist_coronal",
             "organsmnist": "organmnist_sagittal"}  # of version 1; the files are the same
PARTS = ("train", "val", "test")
KEYS = [f"{part}_{kind}" for part in PARTS for kind in ("images", "labels")]


def read(data_dir, name):
    """Read `data_dir`, the .npz file itself or the one folder that holds it."""
    file, names = _find(Path(data_dir), name), medmnist_sets.SETS[name][2]
    arrays = _arrays(file)
    lacking = [key for key in KEYS if key not in arrays]
    if lacking:
        raise DataError(f"{file}: no array {', '.join(lacking)}; a MedMNIST file has {', '.join(KEYS)}.")
    width = len(names) if name == "chestmnist" else 1
    for part in PARTS:
        pixels, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or pixels.ndim == 4 and pixels.shape[3] != 3:
            raise DataError(
                f"{file}: {part}_images is {pixels.dtype} {pixels.shape}, not uint8 (n, h, w) or (n, h, w, 3)."
            )
        if len(pixels) != len(labels):
            raise DataError(f"{file}: {len(pixels)} {part} images but {len(labels)} labels. Get the file again.")
        strange = np.setdiff1d(labels, np.arange(len(names) if width == 1 else 2))
        if len(strange) or labels.size != len(labels) * width:
            kinds = f"classes 0 to {len(names) - 1}" if width == 1 else f"0 or 1 for each of {width} findings"
            held = strange[:5] if len(strange) else f"shape {labels.shape}"
            raise DataError(f"{file}: {part}_labels holds {held}; {name} has {kinds}.")
    images = [arrays[f"{part}_images"] for part in PARTS]
    if len({pixels.shape[1:] for pixels in images}) > 1:
        raise DataError(f"{file}: train, val and test images differ in size. Get the file again.")
    rows = [(f"{file.name}[{part}, {row}]", part) for part in PARTS for row in range(len(arrays[f"{part}_labels"]))]
    table = pd.DataFrame(rows, columns=["path", "split"])
    images, labels = np.concatenate(images), np.concatenate([arrays[f"{part}_labels"] for part in PARTS])
    if width > 1:
        return several(table, names, labels)._replace(images=images)
    return Found(table.assign(label=[names[int(label)] for label in labels.reshape(-1)]), names, images)


def _arrays(file):
    try:
        return {key: np.atleast_1d(array) for key, array in read_arrays(file, KEYS).items()}
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file}: not a readable .npz without pickled objects ({error}). Get the file again."
        ) from error


def _find(path, name):
    if path.is_file():
        others = [other for other in medmnist_sets.SETS if path.name.lower().startswith(other) and other != name]
        if others:
            raise DataError(f"{path}: this is the file of {others[0]!r}, not of {name!r}. Give that name, or its file.")
        return path
    files = sorted({*path.glob(f"{name}*.npz"), *path.glob(f"{OLD_NAMES.get(name, name)}*.npz")})
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise DataError(f"{path}: one file {name}.npz is needed, found: {found}. Give the file itself as data_dir.")
    return files[0]


SETS = {name: medmnist_sets.describe(name, partial(read, name=name)) for name in medmnist_sets.SETS}
