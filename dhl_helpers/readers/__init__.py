"""The one place that knows which data-set formats there are.

To add a format: a file beside this one with a function `read(data_dir, ...)` that returns a `Found`, and one line in
`REGISTRY`. Nothing else in the course knows a format.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import DataError
from . import class_folders, medmnist, sample, table
from .found import Found

__all__ = ["REGISTRY", "Found", "Reader", "read"]


@dataclass(frozen=True)
class Reader:
    """How a data set is read and what a reader should know of it before using it."""

    title: str
    read: Callable
    licence: str = ""
    needs: str = "data_dir: a folder"


REGISTRY = {
    "sample": Reader("Simulated chest radiographs of this course", sample.read, "CC BY 4.0", "nothing"),
    "chest_xray": Reader(
        "Paediatric chest X-rays (Kermany et al. 2018), normal or pneumonia", class_folders.read_kermany, "CC BY 4.0"
    ),
    "chest_xray_3": Reader(
        "The same, pneumonia divided into bacterial and viral by file name",
        partial(class_folders.read_kermany, three_classes=True),
        "CC BY 4.0",
    ),
    **{
        name: Reader(title, partial(medmnist.read, name=name), licence, f"data_dir: {name}.npz or its folder")
        for name, (title, licence, _) in medmnist.SETS.items()
    },
    "folder": Reader("Any folder of class folders, with or without train, val, test above them", class_folders.read),
    "csv": Reader("Any CSV with a path, a label and a patient column", table.read, needs="data_dir: the CSV file"),
}


def read(name, data_dir, options):
    """List the images of a registered data set; DataError when `data_dir` or an option does not fit."""
    reader = REGISTRY[name]
    if not data_dir and name != "sample":
        raise DataError(f"{name!r} is not part of the course: say where it lies with data_dir ({reader.needs}).")
    if data_dir and not Path(data_dir).exists():
        raise DataError(f"{data_dir}: there is no such file or folder. {name!r} needs {reader.needs}.")
    taken = {"data_dir", *getattr(reader.read, "keywords", {})}
    known = [option for option in inspect.signature(reader.read).parameters if option not in taken]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise DataError(f"{name!r} does not take {', '.join(unknown)}; its options: {', '.join(known) or 'none'}.")
    return reader.read(data_dir, **options)
