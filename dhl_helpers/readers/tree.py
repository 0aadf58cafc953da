"""Everything below a folder: each file is an image, or is left out and named by kind."""

import os
import re
import stat
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

from PIL import Image

from ..errors import DataError
from ..pixels.dicom import SUFFIXES as DICOM
from ..pixels.dicom import is_dicom
from ..pixels.pictures import FORMATS

KINDS = ", ".join(("DICOM", *FORMATS))
ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"}
SYSTEM = {"thumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__", "@eadir", "lost+found", "$recycle.bin",
          "system volume information"}  # fmt: skip
MASKS = re.compile(r"(masks?|segmentations?|ground[\W_]?truths?|label[\W_]?maps?|annotations?)($|[\W_\d])")
FILMS = re.compile(r"(^|[\W_])(images?|imgs?|films?|cxrs?|x-?rays?|radiographs?|pngs?|jpe?gs?)($|[\W_\d])")
MASK_FILE = re.compile(r"(?P<film>.+?)[\W_]+(mask|seg|segmentation|gt)([\W_]*\d+)?$", re.IGNORECASE)
MOST = 20  # ways that links may lead to one folder

HIDDEN = "hidden or written by an operating system"
LINKS = "links that lead nowhere or back to a folder above"
SPECIAL = "pipes, devices or sockets"
UNNAMED = "names that are not Unicode, to be renamed"
CLOSED = "folders that may not be opened"
PACKED = "archives, to be unpacked"
OTHER = "files that are not images"
MASKED = "masks of images"


def walk(root):
    """List what is below a folder, links followed.

    Parameters
    ----------
    root : Path

    Returns
    -------
    images : list of tuple of str
        Each image by the names of the folders that lead to it, and its own; in order.
    folders : set of tuple of str
        All visible folders, as such names.
    left : dict of str to list of tuple of str
        What is left out, by kind.

    Raises
    ------
    DataError
        If links lead to one folder in more than 20 ways.
    """
    images, folders, left, ways = [], set(), defaultdict(list), Counter()

    def visit(path, names, above):
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError:
            left[CLOSED].append(names)
            return
        for entry in entries:
            here = (*names, entry.name)
            if entry.name.startswith(".") or entry.name.casefold() in SYSTEM:
                left[HIDDEN].append(here)
                continue
            if not entry.name.isprintable() and entry.name.encode("utf-8", "replace") != os.fsencode(entry.name):
                left[UNNAMED].append((*names, os.fsencode(entry.name).decode("utf-8", "backslashreplace")))
                continue
            try:
                found = entry.stat()
            except OSError:
                left[LINKS].append(here)
                continue
            identity = (found.st_dev, found.st_ino)
            if not stat.S_ISDIR(found.st_mode):
                kind = _kind(entry.path, found)
                (images if kind is None else left[kind]).append(here)
            elif identity in above:
                left[LINKS].append(here)
            else:
                ways[identity] += 1
                if ways[identity] > MOST:
                    raise DataError(f"{entry.path}: links lead here in more than {MOST} ways. Remove some of them.")
                folders.add(here)
                visit(entry.path, here, above | {identity})

    try:
        top = os.stat(root)
    except (OSError, ValueError) as error:
        raise DataError(f"{root}: cannot be opened ({error}). Give the folder that holds the images.") from error
    visit(root, (), frozenset({(top.st_dev, top.st_ino)}))
    return _without_masks(images, folders, left)


def _kind(path, found):
    """Why a file is left out; None for an image."""
    if not stat.S_ISREG(found.st_mode):
        return SPECIAL
    if is_image(path) and Path(path).name.upper() != "DICOMDIR":  # an index of DICOM files
        return None
    return PACKED if Path(path).suffix.lower() in ARCHIVES else OTHER


@cache
def _suffixes():
    return DICOM.union(suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS)


def is_image(path):
    """Whether a file is an image: by its suffix or, with any other suffix or none, by its content."""
    if Path(path).suffix.lower() in _suffixes() or is_dicom(path):
        return True
    try:
        Image.open(path, formats=FORMATS).close()
    except Image.DecompressionBombError:
        return True  # reading it will say what is wrong
    except Exception:  # Pillow raises many kinds on what is no image
        return False
    return True


def _without_masks(images, folders, left):
    """Move masks to what is left out: folders of masks beside folders of films, and files named like a film."""
    beside, stems = defaultdict(set), defaultdict(set)
    for folder in folders:
        beside[folder[:-1]].add(folder[-1].casefold())
    for names in images:
        stems[names[:-1]].add(Path(names[-1]).stem.casefold())

    @cache
    def holds_masks(folder):
        parent, name = folder[:-1], folder[-1].casefold()
        if not MASKS.search(name):
            return bool(parent) and holds_masks(parent)
        films = any(FILMS.search(other) and not MASKS.search(other) for other in beside[parent])
        return films or bool(parent and stems[parent])

    def masked(names):
        match = MASK_FILE.fullmatch(Path(names[-1]).stem)
        named_so = match is not None and match["film"].casefold() in stems[names[:-1]]
        return named_so or bool(names[:-1] and holds_masks(names[:-1]))

    kept = []
    for names in images:
        (left[MASKED] if masked(names) else kept).append(names)
    return kept, folders, dict(left)


def told(root, left):
    """One sentence on what is left out, or none: a list for `Found.remarks`."""
    kinds = []
    for kind, names in left.items():
        some = [os.path.join(*each) for each in names[:3]]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        if kind == OTHER:
            suffix = Counter(Path(each[-1]).suffix.lower() or "without suffix" for each in names)
            some, more = [f"{name}: {count}" for name, count in suffix.most_common()], f"; for example {some[0]}"
        kinds.append(f"{len(names)} {kind} ({', '.join(some)}{more})")
    return [f"{root}: left out are {'; '.join(kinds)}."] if kinds else []
