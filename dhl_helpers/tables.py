"""Tables for people: CSV for a spreadsheet, Markdown, HTML, and in their places in a page."""

import csv
import re

from .files import write

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain(text):
    """Text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe in front."""
    return f"'{text}" if str(text).strip(" ")[:1] in FORMULA and str(text).strip(" ") else text


def for_spreadsheets(table):
    """A table as CSV whose names and texts stay texts where a spreadsheet opens it, encoded as UTF-8.

    Texts stand in quotes, so that no other separator cuts them.

    Parameters
    ----------
    table : pandas.DataFrame
        Without its index.

    Returns
    -------
    bytes
    """
    import pandas as pd  # not above: the book's environment reads this module and has no pandas
    from pandas.api.types import is_numeric_dtype

    table = table.rename(columns=plain)
    texts = [place for place, dtype in enumerate(table.dtypes) if not is_numeric_dtype(dtype)]
    columns = [table.iloc[:, place].map(plain) if place in texts else table.iloc[:, place]
               for place in range(table.shape[1])]  # fmt: skip
    table = pd.concat(columns, axis=1) if columns else table
    text = table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8", "backslashreplace")


def markdown(table):
    """A table of text as Markdown."""
    rows = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def replace(page, tables):
    """Put each table between its markers in a Markdown page."""
    write(page, replaced(page.read_text(encoding="utf-8"), tables))


def replaced(text, tables):
    """A Markdown text with each table between its markers: <!-- NAME:begin ... --> and <!-- NAME:end -->."""
    for name, table in tables.items():
        marked = rf"(<!-- {name}:begin.*?-->\n).*?(<!-- {name}:end -->)"
        text = re.sub(marked, lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)
    return text


def as_html(table):
    """A table of text as HTML that scrolls on a narrow screen."""
    return f'<div class="scroll">{table.to_html(index=False, border=0)}</div>'
