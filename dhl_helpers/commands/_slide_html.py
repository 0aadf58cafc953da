"""Markdown, code and printed lines as the HTML of a slide, in letters that fill it."""

import math
import re

WIDTH, HEIGHT = 1180, 500  # px for a table or for code
LARGEST, SMALLEST = 26, 14  # px of its letters
MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$])\$(?P<inline>[^$\n][^$]*?)\$(?!\d)", re.DOTALL)


def sized(kind, plain, content):
    """HTML in letters as large as the slide allows; a sentence may wrap, and what then does not fit is left out."""
    lines = plain.splitlines()
    rows = [line for line in lines if kind == "code" or re.search(r"\S  +\S", line)]
    for size in range(LARGEST, SMALLEST - 1, -1):
        columns, fit = int(WIDTH / (0.61 * size)), int(HEIGHT / (1.35 * size))
        high = sum(math.ceil(len(line) / columns) or 1 for line in lines)
        if high <= fit and max(map(len, rows), default=0) <= columns:
            break
    else:
        content = "\n".join([*content.splitlines()[: fit - 1], "..."] if len(lines) > fit else content.splitlines())
    return f'<pre class="{kind}" style="font-size: {size}px">{content}</pre>'


def code(source):
    """Python code as HTML."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    source = source.strip("\n")
    coloured = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return f'<div class="highlight">{sized("code", source, coloured)}</div>'


def html(markdown, inside=False):
    """Markdown as HTML without links into the repository, formulas as MathML; `inside`: what the paragraph holds."""
    from latex2mathml.converter import convert
    from nbconvert.filters import markdown2html

    markdown = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", markdown)
    markdown = MATH.sub(
        lambda at: convert(at["block"] or at["inline"], display="block" if at["block"] else "inline"), markdown
    )
    made = markdown2html(markdown).strip()
    return re.sub(r"^<p>|</p>$", "", made) if inside else made
