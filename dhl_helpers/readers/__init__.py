"""The one place that knows which data-set formats there are.

To add a format: a file beside this one with a function `read(data_dir, ...)` that returns a `Found` and a `SETS` that
says what is known of the set, and its name in `REGISTRY`. Nothing else in the course knows a format.
"""

from pathlib import Path

from ..errors import DataError
from . import (
    chexpert,
    class_folders,
    cohen,
    covid_radiography,
    embeddings,
    kermany,
    medmnist,
    mimic,
    mura,
    nih,
    padchest,
    rsna,
    sample,
    table,
    tuberculosis,
    vindr,
)
from .findings import choose
from .found import Found, Reader
from .hints import meant, place
from .once import once
from .options import defaults, typed

__all__ = ["REGISTRY", "Found", "Reader", "named", "read"]

REGISTRY = {
    **sample.SETS, **kermany.SETS, **medmnist.SETS, **nih.SETS, **chexpert.SETS, **mura.SETS, **rsna.SETS,
    **mimic.SETS, **padchest.SETS, **vindr.SETS, **covid_radiography.SETS, **cohen.SETS, **tuberculosis.SETS,
    **class_folders.SETS, **table.SETS,
}  # fmt: skip


def named(name):
    """The data set of a name such as "nih" or, with one of its findings, "nih:Effusion"; and "embeddings"."""
    known = REGISTRY | embeddings.SETS  # not a set of images, so not in the registry
    if name.partition(":")[0] not in known:
        raise DataError(f"There is no data set {name!r}.{meant(name, known)} Known: {', '.join(known)}.")
    return known[name.partition(":")[0]]


def read(name, data_dir, options):
    """List the images of a registered data set; DataError when `data_dir` or an option does not fit."""
    reader, (name, _, finding) = named(name), name.partition(":")
    if not data_dir and name != "sample":
        raise DataError(f"{name!r} is not part of the course: say where it lies with data_dir ({reader.needs}).")
    if data_dir and not Path(data_dir).exists():
        raise DataError(f"{data_dir}: there is no such file or folder. {name!r} needs {reader.needs}.")
    options = {**options, "finding": finding} if finding else dict(options)
    known = defaults(reader.read) | ({"finding": ""} if reader.several else {}) | {"positive": ()}
    if unknown := [option for option in options if option not in known]:
        raise DataError(f"{name!r} does not take {', '.join(unknown)}; its options: {', '.join(known) or 'none'}.")
    options = {option: typed(option, value, known[option]) for option, value in options.items()}
    finding, positive = options.pop("finding", "") if reader.several else "", options.pop("positive", ())
    try:
        found = once(reader.read(data_dir, **options), name)
    except DataError as error:
        if hint := place(name, data_dir, REGISTRY | {name: reader}) if data_dir else "":
            raise DataError(f"{error}{hint}") from error
        raise
    return positive_last(choose(found, finding) if finding else found, positive, name)


def positive_last(found, positive, name):
    """Order the classes so that the one which is not positive comes first: the operating point is for the others."""
    if not positive:
        return found
    first = [each for each in found.class_names if each not in positive]
    if found.findings is not None or len(first) != 1 or not {*positive} < {*found.class_names}:
        raise DataError(f"{name!r}: positive is {', '.join(positive)}; name all classes but one of "
                        f"{', '.join(found.class_names)}, of a set with one class per image.")  # fmt: skip
    return found._replace(class_names=first + [each for each in found.class_names if each in positive])
