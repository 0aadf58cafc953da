"""MedMNIST v2 (Yang et al. 2023, doi:10.1038/s41597-022-01721-8): one .npz with an official split, labels (n, 1).

Class names are those of the medmnist package's `INFO`. The single-label grey sets of radiology and ultrasound are
listed; patients are not recorded in any of them.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError
from .found import Found

# name: (title, licence, class names)
SETS = {
    "pneumoniamnist": ("PneumoniaMNIST: paediatric chest X-rays", "CC BY 4.0", ["normal", "pneumonia"]),
    "breastmnist": ("BreastMNIST: breast ultrasound", "CC BY 4.0", ["malignant", "normal, benign"]),
    "octmnist": (
        "OCTMNIST: retinal OCT",
        "CC BY 4.0",
        ["choroidal neovascularization", "diabetic macular edema", "drusen", "normal"],
    ),
}
PARTS = ("train", "val", "test")
KEYS = [f"{part}_{kind}" for part in PARTS for kind in ("images", "labels")]


def read(data_dir, name):
    """Read `data_dir`, the .npz file itself or the one folder that holds it."""
    file, names = _find(Path(data_dir), name), SETS[name][2]
    arrays = _arrays(file)
    lacking = [key for key in KEYS if key not in arrays]
    if lacking:
        raise DataError(f"{file}: no array {', '.join(lacking)}; a MedMNIST file has {', '.join(KEYS)}.")
    tables, images = [], [arrays[f"{part}_images"] for part in PARTS]
    for part, pixels in zip(PARTS, images, strict=True):
        labels = arrays[f"{part}_labels"].reshape(-1)
        if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
            raise DataError(
                f"{file}: {part}_images is {pixels.dtype} {pixels.shape}, not uint8 (n, h, w) or (n, h, w, 3)."
            )
        if len(pixels) != len(labels):
            raise DataError(f"{file}: {len(pixels)} {part} images but {len(labels)} labels. Get the file again.")
        strange = np.setdiff1d(labels, np.arange(len(names)))
        if len(strange):
            raise DataError(f"{file}: {part}_labels holds {strange[:5]}; {name} has classes 0 to {len(names) - 1}.")
        rows = [f"{file.name}[{part}, {row}]" for row in range(len(labels))]
        tables.append(pd.DataFrame({"path": rows, "label": [names[int(label)] for label in labels], "split": part}))
    if len({pixels.shape[1:] for pixels in images}) > 1:
        raise DataError(f"{file}: train, val and test images differ in size. Get the file again.")
    return Found(pd.concat(tables, ignore_index=True), names, np.concatenate(images))


def _arrays(file):
    try:
        with np.load(file, allow_pickle=False) as arrays:  # a pickle could run code
            return {key: arrays[key] for key in arrays.files if key in KEYS}
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds on a broken file
        raise DataError(
            f"{file}: not a readable .npz without pickled objects ({error}). Get the file again."
        ) from error


def _find(path, name):
    if path.is_file():
        return path
    files = sorted(path.glob(f"{name}*.npz"))
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise DataError(f"{path}: one file {name}.npz is needed, found: {found}. Give the file itself as data_dir.")
    return files[0]
