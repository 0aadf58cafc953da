"""Where a data set may lie, or which one it may be, when its files are not where they were said to be."""

from difflib import get_close_matches
from itertools import islice
from pathlib import Path

DEPTH, MOST = 3, 2000  # levels and folders below the given one that are looked at


def meant(name, names):
    """The sentence "Did you mean ...?" for a name that is unknown, or nothing."""
    close = get_close_matches(name.strip().lower().replace("-", "_").replace(" ", "_"), names, 1, 0.75)
    return f" Did you mean {close[0]!r}?" if close else ""


def place(name, data_dir, registry):
    """A sentence on a folder below that has the files of the set, or on the set whose files these are, or nothing.

    Parameters
    ----------
    name : str
    data_dir : str or path
    registry : dict of str to Reader
    """
    root, own = Path(data_dir), registry[name].marks
    if _holds(root, own):
        return ""
    if root.is_dir() and own:
        below = islice((folder for depth in range(1, DEPTH + 1) for folder in sorted(root.glob("*/" * depth))), MOST)
        for folder in below:
            if not folder.name.startswith((".", "__")) and _holds(folder, own):
                return f"\nGive {folder} as data_dir: the files of {name!r} are there."
    others = [other for other, reader in registry.items() if reader.marks != own and _holds(root, reader.marks)]
    return f"\nThese look like the files of {others[0]!r}: give that name." if others else ""


def _holds(root, marks):
    if root.is_file():
        return any(root.match(mark) for mark in marks)
    return any(any(root.glob(mark)) for mark in marks)
