"""Pages in the style of the course, each a single file that needs no network, and the figures of a notebook."""

import base64
import re
from html import escape
from urllib.parse import quote

from ..files import write
from ..tables import as_html

CAPTION = re.compile(r"\*Figure: (.+?)\*\s*(?:\n\n|$)", re.DOTALL)
FIRST = ["macro AUC", "balanced accuracy", "Brier score"]  # of the results on the first page
STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --paper: #fff; --soft: #f3f5f7; --line: #d5dae0; --link: #0b5cad }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e7eb; --paper: #14181c; --soft: #1e242a; --line: #39424c; --link: #7db8f5 } }
body { font: 1rem/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 0 auto; padding: 1rem }
a { color: var(--link) } h1, h2, h3 { line-height: 1.25 } .anchor-link, .prompt { display: none }
pre { overflow-x: auto; padding: .6rem .8rem; margin: .4rem 0; font: .85rem/1.45 ui-monospace, monospace }
.highlight { background: var(--soft); border-left: 3px solid var(--line) } .highlight pre { background: none }
.output_error { border-left: 3px solid #c2410c } .scroll, .rendered_html { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; margin: .6rem 0 }
th, td { padding: .3rem .7rem; border: 0 solid var(--line); border-bottom-width: 1px; text-align: left }
td { font-variant-numeric: tabular-nums } .scroll td { min-width: 5.2rem; vertical-align: top }
img { max-width: 100%; height: auto; background: #fff; border-radius: 4px }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem }
figure { margin: 0 } figcaption { font-size: .85rem } summary { cursor: pointer; padding: .3rem 0 }
"""


def draw_out(notebook, name, out):
    """Write the figures of a notebook as files, give each its alternative text; returns [(file name, text)].

    The text is the cell after the figure, `*Figure: ...*`; the last heading stands in where there is none.
    """
    figures, heading = [], name
    for cell, after in zip(notebook.cells, [*notebook.cells[1:], {"source": ""}], strict=True):
        if cell.cell_type == "markdown":
            heading = [heading, *re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)][-1]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                said = CAPTION.match(after["source"])
                text = re.sub(r"[*`]", "", " ".join(said[1].split())) if said else f"Figure of the section {heading}"
                output.metadata.setdefault("image/png", {})["alt"] = text
                figures.append((f"{name}-{len(figures) + 1}.png", text))
                write(out / "figures" / figures[-1][0], base64.b64decode(output.data["image/png"]))
    return figures


def page(title, body):
    """A complete HTML page in the style of the course, in light and dark, with Pygments' colours for code."""
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def notebook_page(notebook, name):
    """An executed notebook as a page, its figures inside."""
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return page(name, f'<p><a href="index.html">All notebooks of this run</a></p>\n{body}')


def index(about, table, done, planned, figures):
    """The first page of a run: what it was, its results, its figures, then its notebooks with their times."""
    parts = ["<h1>Deep Hybrid Learning for radiographs</h1>", *(f"<p>{escape(line)}</p>" for line in about)]
    if table is not None:
        opened = table[table["method"].str.endswith(("(test)", "(external)"))]
        if len(opened):
            shown = as_html(opened[["notebook", "method", *(name for name in FIRST if name in opened)]])
            parts += ["<h2>Results on images that no choice was made on</h2>", shown]
        by_class = [name for name in table if name.endswith(")")]  # as in "AUC (viral)"
        more = as_html(table.drop(columns=by_class))
        parts.append(f"<details{'' if len(opened) else ' open'}><summary>All results</summary>{more}</details>")
        if by_class:
            table = as_html(table[["notebook", "method", *by_class]])
            parts.append(f"<details><summary>All results by class</summary>{table}</details>")
    parts.append("<h2>Figures</h2>" if any(figures) else "")
    for (name, _, _), drawn in reversed(list(zip(done, figures, strict=True))):
        if drawn:
            parts.append(f"<details open><summary>{escape(name)}</summary><div class=figures>")
            parts += [
                f'<figure><a href="{quote(name)}.html">'
                f'<img src="figures/{quote(file)}" loading="lazy" alt="{escape(text)}"></a>'
                f"<figcaption>{escape(text[0].upper() + text.split('. ')[0][1:])}</figcaption></figure>"
                for file, text in drawn
            ]
            parts.append("</div></details>")
    rows = [f'<td><a href="{quote(name)}.html">{escape(name)}</a></td><td>{seconds:.1f}</td><td>{escape(state)}</td>'
            for name, seconds, state in done]  # fmt: skip
    rows += [f"<td>{escape(name)}</td><td></td><td>not run</td>" for name in planned[len(done):]]
    parts.append("<h2>Notebooks</h2><table><thead><tr><th>Notebook</th><th>Seconds</th><th>Result</th></tr></thead>")
    parts += [*(f"<tr>{row}</tr>" for row in rows), "</table>"]
    return page("Deep Hybrid Learning: results of a run", "\n".join(parts))
