"""Tables as text: Markdown, HTML, and in their places in a page."""

import re

from .files import write


def markdown(table):
    """A table of text as Markdown."""
    rows = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def replace(page, tables):
    """Put each table between its markers in a Markdown page: <!-- NAME:begin ... --> and <!-- NAME:end -->."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        marked = rf"(<!-- {name}:begin.*?-->\n).*?(<!-- {name}:end -->)"
        text = re.sub(marked, lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)
    write(page, text)


def as_html(table):
    """A table of text as HTML that scrolls on a narrow screen."""
    return f'<div class="scroll">{table.to_html(index=False, border=0)}</div>'
