"""A page of the exam as a PDF, A4: name line, score boxes and room for the answers where it is to be filled in."""

import io
import re

from markdown_it import MarkdownIt
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

for _name in ("Vera", "VeraBd", "VeraIt", "VeraBI"):  # they come with reportlab and are put into the file
    pdfmetrics.registerFont(TTFont(_name, f"{_name}.ttf"))
pdfmetrics.registerFontFamily("Vera", normal="Vera", bold="VeraBd", italic="VeraIt", boldItalic="VeraBI")

TEXT = ParagraphStyle("text", fontName="Vera", fontSize=9.5, leading=13.5, spaceAfter=2 * mm)
QUOTE = ParagraphStyle("quote", TEXT, leftIndent=8 * mm, rightIndent=8 * mm)
HEADINGS = {
    "h1": ParagraphStyle("h1", TEXT, fontName="VeraBd", fontSize=17, leading=22, spaceAfter=4 * mm),
    "h2": ParagraphStyle("h2", TEXT, fontName="VeraBd", fontSize=12, leading=16, spaceBefore=5 * mm),
}
WIDTH = A4[0] - 40 * mm - 12  # the frame's padding
POINTS = re.compile(r"\((\d+) points( each)?\)")


def pdf(text, to_fill_in):
    """Markdown as the bytes of a PDF.

    Parameters
    ----------
    text : str
        Headings, paragraphs, numbered and plain lists, quotations. A second-level heading says what its questions are
        worth, as in "(5 points each)".
    to_fill_in : bool
        Whether learners write on it.

    Returns
    -------
    bytes
    """
    blocks = list(_blocks(text))
    title = blocks[0][1]

    def build(total):
        """The file with its pages numbered out of `total`, and how many there are."""
        made = io.BytesIO()

        def foot(canvas, document):
            canvas.setFont("Vera", 7.5)
            canvas.drawString(20 * mm, 12 * mm, f"{title}. Not for diagnosis.")
            canvas.drawRightString(A4[0] - 20 * mm, 12 * mm, f"page {document.page} of {total}")

        document = SimpleDocTemplate(made, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm,
                                     bottomMargin=20 * mm, title=title, invariant=True)  # fmt: skip
        document.build(_story(blocks, to_fill_in), onFirstPage=foot, onLaterPages=foot)
        return made.getvalue(), document.page

    return build(build(0)[1])[0]


def _blocks(text):
    """The blocks of a Markdown text as (kind, content, number): h1, h2, text, quote, numbered or bullet."""
    markdown = MarkdownIt()
    inside, number = [], 0
    for token in markdown.parse(re.sub(r"<!--.*?-->\n?", "", text)):
        if token.nesting == 1:
            inside.append(token.tag)
            number = int(token.attrs.get("start", 1)) - 1 if token.tag == "ol" else number + (token.tag == "li")
        elif token.nesting == -1:
            inside.pop()
        elif token.type == "inline":
            content = markdown.renderer.renderInline(token.children, markdown.options, {})
            content = re.sub(r"<(/?)code>", lambda at: "</font>" if at[1] else '<font face="Courier">', content)
            kind = next((kind for tag, kind in (("ol", "numbered"), ("ul", "bullet"), ("blockquote", "quote"))
                         if tag in inside), inside[-1])  # fmt: skip
            yield ("text" if kind == "p" else kind), content, number


def _story(blocks, to_fill_in):
    """What reportlab lays out."""
    story, worth = [], (0, "")
    for place, (kind, content, number) in enumerate(blocks):
        if kind in HEADINGS:
            story.append(Paragraph(content, HEADINGS[kind]))
            if kind == "h1" and to_fill_in:
                story += [*_head(blocks)]
            found = POINTS.search(content)
            worth = (int(found[1]), found[2]) if found else (0, "")
        elif kind == "numbered":
            question = Paragraph(f"<b>{number}.</b> {content}", TEXT)
            if to_fill_in:
                row = Table([[question, _box(worth[0])]], colWidths=[WIDTH - 18 * mm, 18 * mm], hAlign="LEFT", style=[
                    ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, 0), 0)])  # fmt: skip
                question = KeepTogether([row, *(_lines(3) if worth[0] == 5 else [Spacer(1, 32 * mm)])])
            story.append(question)
        elif kind == "bullet":
            story.append(Paragraph(f"&bull; {content}", TEXT))
        else:
            story.append(Paragraph(content, QUOTE if kind == "quote" else TEXT))
        last_of_part = place + 1 == len(blocks) or blocks[place + 1][0] == "h2"
        if to_fill_in and last_of_part and worth[0] and not worth[1]:  # a part that is one question
            story += [*_lines(16), _box(worth[0])]
    return story


def _head(blocks):
    """The line for the name, and a box for the points of each part and for their sum."""
    line = [("LINEBELOW", (1, 0), (1, 0), 0.6, "black"), ("LINEBELOW", (3, 0), (3, 0), 0.6, "black"),
            ("FONT", (0, 0), (-1, -1), "Vera", 9.5), ("LEFTPADDING", (0, 0), (0, 0), 0)]  # fmt: skip
    yield Table([["Name", "", "Date", ""]], colWidths=[16 * mm, WIDTH - 76 * mm, 15 * mm, 45 * mm], style=line,
                hAlign="LEFT")  # fmt: skip
    yield Spacer(1, 5 * mm)
    parts = {}
    for kind, content, _ in blocks:
        if kind == "h2":
            part = content[0]
            points, each = POINTS.search(content).groups()
            parts[part] = 0 if each else int(points)
        elif kind == "numbered":
            parts[part] += int(points)
    cells = [*parts.items(), ("Sum", sum(parts.values()))]
    grid = [("GRID", (0, 0), (-1, -1), 0.6, "black"), ("FONT", (0, 0), (-1, -1), "Vera", 9.5),
            ("ALIGN", (0, 0), (-1, -1), "CENTER"), ("VALIGN", (0, 1), (-1, 1), "BOTTOM")]  # fmt: skip
    rows = [[name for name, _ in cells], [f"of {points}" for _, points in cells]]
    yield Table(rows, colWidths=[28 * mm] * len(cells), rowHeights=[7 * mm, 13 * mm], style=grid, hAlign="LEFT")
    yield Spacer(1, 5 * mm)


def _box(points):
    """A box for the points of one question."""
    return Table([[f"/ {points}"]], colWidths=[16 * mm], rowHeights=[8 * mm], hAlign="RIGHT", style=[
        ("BOX", (0, 0), (-1, -1), 0.6, "black"), ("ALIGN", (0, 0), (-1, -1), "RIGHT"),
        ("FONT", (0, 0), (-1, -1), "Vera", 9)])  # fmt: skip


def _lines(count):
    """Lines to write on."""
    return [Table([[""]] * count, colWidths=[WIDTH], rowHeights=[8.5 * mm] * count, hAlign="LEFT",
                  style=[("LINEBELOW", (0, 0), (-1, -1), 0.3, "grey")]), Spacer(1, 4 * mm)]  # fmt: skip
