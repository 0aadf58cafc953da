"""The simulated radiographs that come with the course (data_samples/README.md is their data card)."""

import os
from pathlib import Path

import pandas as pd

from ..errors import DataError
from .found import Found, Reader

CLASS_NAMES = ["normal", "bacterial", "viral"]


def folder():
    """Where the samples are: DHL_SAMPLES if set, else beside the package in a clone."""
    return Path(os.environ.get("DHL_SAMPLES") or Path(__file__).parents[2] / "data_samples")


def read(data_dir=""):
    """List the samples, or another set that data_samples.simulate wrote to `data_dir`."""
    root = Path(data_dir or folder())
    file = root / "metadata.csv"
    if not file.is_file():
        raise DataError(
            f"{file}: not found. Run the course from its clone, or set DHL_SAMPLES to the folder data_samples of one."
        )
    try:
        table = pd.read_csv(file)
    except ValueError as error:  # pandas' parser errors and wrong encodings are ValueErrors
        raise DataError(f"{file}: not a readable CSV ({error}). Restore it or make the set again.") from error
    lacking = {"path", "label", "patient_id", "split"} - set(table)
    if lacking:
        raise DataError(f"{file}: no column {', '.join(sorted(lacking))}. Restore it or make the set again.")
    return Found(table.assign(path=[root / path for path in table["path"]]), CLASS_NAMES)


SETS = {
    "sample": Reader(
        "Simulated chest radiographs of this course",
        read,
        "CC BY 4.0",
        "nothing",
        "known, because simulated: normal, bacterial, viral after Kermany et al.",
        "column patient_id",
        "train, val, test, external (another simulated site), by patient",
        "comes with the course",
        "on the files themselves",
    )
}
