"""What the readers of listed files share: reading a table as text, and keeping paths inside the data set."""

import bz2
import csv
import gzip
import io
import lzma
import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError, listing
from .names import clean

OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
SEPARATORS = (",", ";", "\t", "|")
MOST_BYTES = 2**30  # of a table, unpacked
LONGEST = 255  # bytes in the name of a file or folder, on every usual file system
AGAIN = "Get the file again."


def read_csv(file, columns, header=True, wanted=(), advice=AGAIN, other_names=None):
    """Read a table, every cell as text: nothing becomes a number, a date or a missing value but an empty cell.

    Spaces at the ends of cells are removed. The separator is the one of comma, semicolon, tab and bar by which the
    header has the wanted columns. Text is UTF-8 or has the byte order mark of UTF-16; .gz, .bz2 and .xz are unpacked.

    Parameters
    ----------
    file : Path
    columns : list of str
        Those that must be there; without a header, their names.
    header : bool
    wanted : sequence of str
        Columns that need not be there, and tell the separator where they are.
    advice : str
        What to do about a file that cannot be used.
    other_names : dict of str to str, optional
        What other editions call a column, and what it is called here; capitals do not matter.

    Returns
    -------
    pandas.DataFrame of str
        Empty cells are NaN. The index is the row's number as a spreadsheet counts, the header being row 1.

    Raises
    ------
    DataError
        If the file is not such a table, or lacks a column or rows.
    """
    text = _text(file, advice)
    if header and text[:4].lower() == "sep=":  # Excel's own first line
        text = text[4:].partition("\n")[2]
    try:
        rows = _rows(text, [*columns, *wanted] if header else ())
    except csv.Error as error:
        raise DataError(f"{file}: not a readable CSV ({error}). {advice}") from error
    if not rows:
        raise DataError(f"{file}: no rows. {advice}" if not header else f"{file}: not a readable CSV (empty). {advice}")
    bare = str.strip if text.isascii() else clean
    names = [bare(cell) for cell in rows[0]] if header else list(columns)
    if other_names:
        names = [name if name in columns else other_names.get(name.lower(), name) for name in names]
    body, width, start = rows[1:] if header else rows, len(names), 2 if header else 1
    long = [number for number, row in enumerate(body, start) if len(row) > width and any(map(str.strip, row[width:]))]
    if long:
        raise DataError(f"{file}: rows have more fields than the header, row {long[0]} the first of {len(long)}. Put "
                        "texts that hold commas in quotes.")  # fmt: skip
    lacking = [column for column in columns if names.count(column) != 1]
    if lacking:
        how = "no column" if lacking[0] not in names else "more than one column"
        raise DataError(f"{file}: {how} {', '.join(lacking)}; there are: {', '.join(filter(None, names))}. {advice}")
    cells = [[bare(cell) for cell in row[:width]] + [""] * (width - len(row)) for row in body]
    table = pd.DataFrame(cells, columns=_different(names), index=range(start, len(cells) + start), dtype=object)
    table = table[(table != "").any(axis=1)]
    if table.empty:
        raise DataError(f"{file}: no rows. {advice}")
    table = table.where(table != "", np.nan)
    for column in columns[:1]:
        if table[column].isna().any():
            raise DataError(f"{file}: column {column!r} is empty in {table[column].isna().sum()} rows. Remove them.")
    return table


def _text(file, advice):
    """The text of a file, its encoding told by a byte order mark, else UTF-8."""
    try:
        with OPENERS.get(file.suffix.lower(), open)(file, "rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise DataError(f"{file}: not a readable CSV ({error}). {advice}") from error
    if len(content) > MOST_BYTES:
        raise DataError(f"{file}: a table of more than {MOST_BYTES >> 20} MB. Split it.")
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise DataError(f"{file}: not a readable CSV (a workbook or an archive). Unpack it, or save it as 'CSV UTF-8'.")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise DataError(f"{file}: not a readable CSV (row {row} is not {encoding[:5].upper()} text). Save it as "
                        f"'CSV UTF-8'. {advice}") from error  # fmt: skip
    if text.count("\0") > len(text) / 4:
        raise DataError(f"{file}: not a readable CSV (not text, or UTF-16 without its mark). Save it as 'CSV UTF-8'.")
    return text


def _rows(text, columns):
    """The rows of a table as lists of text; the separator is that by which the first row has most of `columns`."""
    first = next(io.StringIO(text, newline=""), "")
    found = {mark: {cell.strip() for row in csv.reader([first], delimiter=mark) for cell in row} for mark in SEPARATORS}
    mark = max(SEPARATORS, key=lambda mark: len(found[mark].intersection(columns)))  # of equals, the comma
    lines = io.StringIO(text, newline="")
    return list(csv.reader(lines, delimiter=mark, strict=True, skipinitialspace=mark != "\t"))


def _different(names):
    """Column names without repetition: the second "x" is "x.1", as pandas calls it."""
    seen = {}
    for place, name in enumerate(names):
        name = name or f"column {place + 1}"
        seen[place] = name if name not in seen.values() else f"{name}.{place}"
    return list(seen.values())


def first_of(root, *patterns):
    """The first file in `root` that one of the patterns names, packed or not; DataError where there is none."""
    for pattern in patterns:
        for name in (pattern, f"{pattern}.gz"):
            if found := sorted(path for path in root.glob(name) if path.is_file()):
                return found[0]
    return need(root / patterns[0])


def need(file):
    """`file`, if it is there; DataError otherwise."""
    if not file.is_file():
        raise DataError(f"{file}: not found. Give the folder of the data set, with its own file names, as data_dir.")
    return file


def paths_inside(root, written, file, links=False):
    """Paths below `root`; DataError, naming `file` that lists them, where one leads out of it or can be no path.

    Where there is no such file, a path is tried with slashes for backslashes, and in Unicode's other forms.

    Parameters
    ----------
    root : Path
    written : iterable of str
    file : Path
    links : bool
        Whether links on this machine may lead out: they may where the table is a publisher's.

    Returns
    -------
    list of Path
        Absolute; links followed, unless they may lead out.
    """
    root, written = Path(root).resolve(), list(written)
    blank = sum(not isinstance(path, str) or not path.strip() for path in written)
    if blank:
        raise DataError(f"{file}: {blank} rows do not say which image they belong to. {AGAIN}")
    for path in written:
        if "\0" in path:
            raise DataError(f"{file}: not a path in it ({path!r}, with a null character). Correct it.")
        if max(map(len, os.fsencode(path).replace(b"\\", b"/").split(b"/"))) > LONGEST or len(path) > 4000:
            raise DataError(f"{file}: not a path in it ({path[:60]!r}..., too long for a file name). Correct it.")
    paths = [Path(_there(os.path.join(root, path))) for path in written]
    real = [Path(os.path.normpath(path) if links else os.path.realpath(path)) for path in paths]
    outside = [path for path in real if not path.is_relative_to(root)]
    if outside:
        advice = "Correct them" if links else "Correct them or give root"
        raise DataError(f"{file}: paths may not lead out of {root}. {advice}:\n{listing(outside)}")
    return real


def _there(path):
    """The path, or where there is nothing the same with other slashes or in another Unicode form."""
    if (path.isascii() and "\\" not in path) or os.path.lexists(path):
        return path
    slashed = path.replace("\\", "/")
    forms = [slashed, *(unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))]
    return next(filter(os.path.lexists, forms), path)


def numbers(table, columns, allowed, file):
    """Columns of text as float32, empty ones as NaN; DataError where a value is not one of `allowed`."""
    values = table[columns].apply(pd.to_numeric, errors="coerce")
    wrong = (values.isna() & table[columns].notna()) | ~(values.isin(allowed) | values.isna())
    if wrong.any(axis=None):
        column = wrong.any().idxmax()
        known = ", ".join(f"{value:g}" for value in allowed)
        value = table.loc[wrong[column], column].iloc[0]
        raise DataError(f"{file}: column {column!r} holds {value!r}, not only {known} and blanks. {AGAIN}")
    return values.to_numpy("float32")
