"""A notebook as the cells of a deck of slides.

A key cell, whose metadata say `slideshow: {slide_type: slide}`, makes a slide, or two. The text of its section becomes
the speaker's notes. Quiz and Take home are shown whole.
"""

import re

from ._pages import CAPTION

LINES = 22  # of code and output that fit on a slide
WHOLE = ("## Quiz", "## Take home")
MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$])\$(?P<inline>[^$\n][^$]*?)\$(?!\d)", re.DOTALL)


def deck(notebook):
    """The cells of a deck, and how many slides they make."""
    import nbformat

    cells, shown = [], 0
    text = nbformat.v4.new_markdown_cell
    for title, items in sections(notebook):
        slides, said = [], []
        for item, after in zip(items, [*items[1:], text("")], strict=True):
            caption = CAPTION.match(item.source) if item.cell_type == "markdown" else None
            if is_key(item) or title in WHOLE:
                for content in contents(item, CAPTION.match(after.source)):
                    slides.append((content, said))
                    said = []
            else:
                said.append(plain(item.source[caption.end():] if caption else item.source)
                            if item.cell_type == "markdown" else "")  # fmt: skip
        for number, (content, before) in enumerate(slides):
            heading = text(title, metadata={"slideshow": {"slide_type": "subslide" if number else "slide"}})
            notes = "\n\n".join(filter(None, [*before, *(said if number == len(slides) - 1 else [])]))
            cells += [heading, *content]
            if notes:
                cells.append(text(notes, metadata={"slideshow": {"slide_type": "notes"}}))
        shown += len(slides)
    return cells, shown


def is_key(cell):
    """Whether a cell goes on a slide."""
    return cell.metadata.get("slideshow", {}).get("slide_type") == "slide"


def sections(notebook):
    """The notebook cut at its second-level headings: (heading, cells) each; the first is the title's."""
    from nbformat.v4 import new_markdown_cell

    found = [("", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found[-1][1].append(cell)
            continue
        for piece in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
            if piece.startswith("## "):
                heading, _, piece = piece.partition("\n")
                found.append((heading, []))
            if piece.strip():
                found[-1][1].append(new_markdown_cell(piece.strip(), metadata=cell.metadata))
    return found


def contents(cell, caption):
    """The slides of one key cell, a list of cells each.

    A figure stands with its caption and without its code, so do findings and claims that fill the slide; other code and
    its output are on two slides where one is too small.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell

    if cell.cell_type == "markdown":
        left_out = "**You need", "**Time", "**Words", "**How to work"
        kept = [part for part in cell.source.split("\n\n") if not part.startswith(left_out)]
        return [[new_markdown_cell(plain("\n\n".join(kept)))]]
    pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
    if pictures:
        said = " ".join(caption[1].split()) if caption else ""
        slides = []
        for output in pictures:
            output.metadata["image/png"] = {"alt": re.sub(r"[*`]", "", said)}
            figure = new_code_cell("", outputs=[output], metadata={"transient": {"remove_source": True}})
            slides.append([figure, new_markdown_cell(f"*{said[:1].upper()}{said[1:]}*")])
        return slides
    printed = [output for output in cell.outputs
               if output.output_type == "stream" or "dhl-finding" in output.get("data", {}).get("text/html", "")]
    code = new_code_cell(cell.source)
    output = new_code_cell("", outputs=printed, metadata={"transient": {"remove_source": True}})
    lines = len(cell.source.splitlines()) + sum(len(each.get("text", "\n\n").splitlines()) for each in printed)
    if lines <= LINES or not printed:
        return [[code, output]]
    return [[output]] if re.search(r"dhl\.(claim|finding)\(", cell.source) else [[code], [output]]


def plain(text):
    """Markdown without links into the repository, its formulas as MathML, which browsers draw by themselves."""
    from latex2mathml.converter import convert

    text = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)
    return MATH.sub(lambda at: convert(at["block"] or at["inline"], display="block" if at["block"] else "inline"), text)
