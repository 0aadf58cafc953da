"""A folder of class folders, with or without train, val, test and external above or below them."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd

from ..errors import DataError, listing
from .found import Found, Reader
from .names import in_order, part_of, spelt_once, tidy
from .tree import ARCHIVES, KINDS, MASKED, told, walk

OUTSIDE = "images outside the class folders"


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
        packed = "an archive: unpack it first" if root.suffix.lower() in ARCHIVES else "not a folder"
        raise DataError(f"{root}: {packed}. Give the folder that holds one folder per class.")
    images, folders, left = walk(root)
    places = _places(root, images, folders, {names[:-1][:depth] for names in left.get(MASKED, ()) for depth in (1, 2)})
    rows, outside = [], []
    for names in images:
        place = places.get(names[:2]) or places.get(names[:1])
        (rows if place else outside).append((root.joinpath(*names), *place) if place else names)
    if outside:
        left[OUTSIDE] = outside
    filled = {names[:depth] for names in images for depth in (1, 2)}
    if empty := [root.joinpath(*names) for names in places if names not in filled]:
        raise DataError(f"{root}: class folders without an image ({KINDS}). Fill or remove them:\n{listing(empty)}"
                        + "".join(f"\n{said}" for said in told(root, left)))  # fmt: skip
    if not rows:
        raise DataError(f"{root}: no class folders in it. Put the images of each class into a folder of its own."
                        + "".join(f"\n{said}" for said in told(root, left)))  # fmt: skip
    table = pd.DataFrame(rows, columns=["path", "label", "split"])
    table["label"], remarks = spelt_once(table["label"].tolist(), root)
    if table["split"].isna().all():
        table = table.drop(columns="split")
    if patient_pattern:
        table["patient_id"] = _patients(table["path"], patient_pattern)
    return Found(table, in_order(table["label"]), remarks=(*told(root, left), *remarks))


def _places(root, images, folders, masks):
    """Where the classes are: for each class folder, as a tuple of names, the class and the part (or None)."""
    below = defaultdict(list)
    for folder in sorted(folders - masks | {names[:depth] for names in images for depth in range(1, len(names))}):
        below[folder[:-1]].append(folder)
    filled = {names[:depth] for names in images for depth in range(1, len(names))}
    top = [folder for folder in below[()] if folder in filled]
    parts = [folder for folder in top if part_of(folder[0]) and any(child in filled for child in below[folder])]
    if parts:
        return {child: (child[1], part_of(folder[0])) for folder in parts for child in below[folder]}
    if top and all(part_of(folder[0]) for folder in top):
        names = ", ".join(folder[0] for folder in top)
        raise DataError(f"{root}: {names} hold images but no class folders. Put the images of each class into a folder "
                        "of its own, in each of these parts.")  # fmt: skip
    _refuse_one_level_too_high(root, top, below, filled, {names[:-1] for names in images})
    inner = {folder: [child for child in below[folder] if part_of(child[1]) and child in filled] for folder in top}
    if top and all(inner.values()):
        return {child: (folder[0], part_of(child[1])) for folder in top for child in inner[folder]}
    if any(inner.values()):
        names = ", ".join(folder[0] for folder in top if inner[folder])
        raise DataError(f"{root}: in {names} the images lie in folders named like parts of a split, in the others they "
                        "do not. Use such folders in all classes or in none.")  # fmt: skip
    return {folder: (folder[0], None) for folder in below[()]}


def _refuse_one_level_too_high(root, top, below, filled, holding):
    """DataError that names the folder to give, where `root` holds whole data sets and not classes."""
    inner = {folder: [child[-1].casefold() for part in below[folder] if part_of(part[-1])
                      for child in below[part] if child in filled] for folder in top}  # fmt: skip
    again = Counter(name for names in inner.values() for name in names)
    sets = [folder for folder in top if inner[folder]]
    if len(top) > 1 and sets and sum(count > 1 for count in again.values()) * 2 >= len(again):
        names = [root.joinpath(*folder) for folder in sets]
        raise DataError(f"{root}: one level too high. A data set of its own is in:\n{listing(names)}")
    if len(top) == 1:
        folder = top[0]
        inside = [child for child in below[folder] if child in filled]
        while folder not in holding and len(inside) == 1 and not part_of(inside[0][-1]):
            folder = inside[0]
            inside = [child for child in below[folder] if child in filled]
        if folder not in holding and inside:
            better = root.joinpath(*folder)
            raise DataError(f"{root}: one level too high, it holds one folder only. Give {better} as data_dir, which "
                            f"holds {', '.join(child[-1] for child in inside[:5])}.")  # fmt: skip


def _patients(paths, pattern):
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(f"patient_pattern {pattern!r} is not a regular expression ({error}). Correct it.") from error
    if not expression.groups:
        raise DataError(f"patient_pattern {pattern!r} has no group. Put what is the patient in parentheses.")
    found = {path: expression.search(path.name) for path in paths}
    unmatched = [path for path, match in found.items() if not match or not tidy(match.group(1) or "")]
    if unmatched:
        raise DataError(
            f"No patient in these file names (pattern {pattern}). Rename or remove them:\n{listing(unmatched)}"
        )
    return [tidy(match.group(1)) for match in found.values()]


SETS = {
    "folder": Reader(
        title="Any folder of class folders, with or without train, val, test, external above them",
        read=read,
        labels="the names of the class folders",
        patient="option patient_pattern, searched in the file name; in DICOM files, their own",
        split="folders train, val, test, external (in any case, and by their usual other names), where there are any",
        on_real_files=True,
        checked="the Kermany set among others",
    )
}
