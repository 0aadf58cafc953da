"""Names as people write them: of classes, patients and parts; spelt once, and in an order that a reader expects."""

import re
import unicodedata
from collections import Counter

from ..errors import DataError, listing

# The part of a split, by what stands before "set", "data", "images" or "split" in the name of a folder or a cell.
PARTS = {"train": "train", "training": "train", "trn": "train", "val": "val", "valid": "val",
         "validation": "val", "validate": "val", "validating": "val", "dev": "val", "development": "val",
         "test": "test", "testing": "test", "tst": "test", "external": "external", "ext": "external",
         "externaltest": "external", "testexternal": "external", "externalvalidation": "external"}  # fmt: skip


def clean(text):
    """`text` without spaces at its ends and what Excel and editors put there unseen, in Unicode's composed form."""
    return unicodedata.normalize("NFC", text.replace("\ufeff", "").replace("\u200b", "")).strip()


def tidy(text):
    """A name as `clean` leaves it, with single spaces in it, and without invisible marks and control characters."""
    seen = (letter for letter in text if letter.isspace() or unicodedata.category(letter) not in ("Cf", "Cc"))
    return " ".join(clean("".join(seen)).split())


def alike(ids):
    """Patients whose ids may be one: they differ only in case, outer zeros or the width of their letters.

    Parameters
    ----------
    ids : pandas.Series of str
        Each id once.

    Returns
    -------
    list of list of str
    """
    plain = ids.map(lambda each: unicodedata.normalize("NFKC", each).casefold().removeprefix("'"))
    plain = plain.str.replace(r"(?<![\d.])0+(?=\d)", "", regex=True)
    same = ids.groupby(plain.str.replace(r"(\.\d*?)\.?0+$", r"\1", regex=True).str.removesuffix(".")).agg(list)
    return [each for each in same if len(each) > 1]


def said_alike(file, ids):
    """A remark on patients that may be one, see `alike`: list of str, empty where there are none."""
    pairs = alike(ids)
    if not pairs:
        return []
    return [f"{file}: {len(pairs)} patients differ from another only in case or outer zeros "
            f"({' and '.join(pairs[0])}) and count as different ones."]  # fmt: skip


def part_of(name):
    """The part that a folder or a cell is named after: train, val, test or external; None for any other name."""
    plain = re.sub(r"[\W_]+", "", tidy(name).casefold())
    return PARTS.get(re.sub(r"(?<=.)(data|images?|imgs?|files|folder|split|part|samples|set)+$", "", plain))


def spelt_once(names, where):
    """Class names with one spelling each: those that differ only in case or spaces are one class.

    Parameters
    ----------
    names : list of str
        One per image.
    where : str or path
        The folder or table that they come from, for messages.

    Returns
    -------
    names : list of str
        Each class by the spelling that most images have.
    remarks : list of str
        What was brought together, to be said once.

    Raises
    ------
    DataError
        If two names are the same number written in two ways ("1" and "1.0"), or a name is blank.
    """
    counts, spellings = Counter(names), {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        if not tidy(name):
            raise DataError(f"{where}: a class without a name ({name!r}). Give it one.")
        spellings.setdefault(tidy(name).casefold(), []).append(name)
    several = [same for same in spellings.values() if len(same) > 1 and len({*map(tidy, same)} | {*same}) > 1]
    remarks = [f"{where}: {' and '.join(map(repr, same))} differ only in case or spaces and are one class, "
               f"{tidy(same[0])!r}." for same in several]  # fmt: skip
    chosen = {name: tidy(same[0]) for same in spellings.values() for name in same}
    numbers = {}
    for name in sorted(set(chosen.values())):
        if (number := _number(name)) is not None:
            numbers.setdefault(number, []).append(name)
    if twice := [" and ".join(map(repr, same)) for same in numbers.values() if len(same) > 1]:
        raise DataError(f"{where}: class names that are one number written in two ways. Correct one:\n{listing(twice)}")
    return [chosen[name] for name in names], remarks


def in_order(names):
    """Class names in order: numbers by value, and numbers within names too ("grade 2" before "grade 10")."""
    names = set(names)
    if all(_number(name) is not None for name in names):
        return sorted(names, key=_number)
    return sorted(names, key=lambda name: [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece)
                                           for piece in re.split(r"(\d+)", name) if piece])  # fmt: skip


def _number(name):
    """The value of a name that is a number in plain decimal notation, else None."""
    return float(name) if re.fullmatch(r"[+-]?\d+(\.\d+)?", name) else None
