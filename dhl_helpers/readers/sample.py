"""The simulated radiographs that come with the course (data_samples/README.md is their data card)."""

import os
from pathlib import Path

import pandas as pd

from ..errors import DataError
from .files import paths_inside, read_csv
from .found import Found, Reader

CLASS_NAMES = ["normal", "bacterial", "viral"]
NUMBERS = ("severity", "age", "seed")  # every other column is text


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
    table = read_csv(file, ["path", "label", "patient_id", "split"], advice="Restore it or make the set again.")
    for column in filter(table.columns.__contains__, NUMBERS):
        try:
            table[column] = pd.to_numeric(table[column])
        except ValueError as error:
            raise DataError(f"{file}: column {column!r} holds text ({error}). Restore it.") from error
    return Found(table.assign(path=paths_inside(root, table["path"], file)), CLASS_NAMES)


SETS = {
    "sample": Reader(
        title="Simulated chest radiographs of this course",
        read=read,
        licence="CC BY 4.0",
        needs="nothing",
        labels="known, because simulated: normal, bacterial, viral after Kermany et al.",
        patient="column patient_id",
        split="train, val, test, external (another simulated site), by patient",
        source="comes with the course",
        on_real_files=True,
        checked="the files themselves",
    )
}
