"""What readers need who cannot see a figure, cannot tell its colours, or do not know an abbreviation yet."""

import itertools
import re

import nbformat
import numpy as np
import pytest
from helpers import ROOT, each_notebook, text_of
from skimage.color import deltaE_ciede2000, rgb2lab

from dhl_helpers import PALETTE

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DOCS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "data_samples" / "README.md"]
each_page = pytest.mark.parametrize("page", [*NOTEBOOKS, *DOCS], ids=lambda page: f"{page.parent.name}-{page.stem}")

# Words of the explanation that stands in the cell in which a notebook first uses the abbreviation, or before it.
EXPLAINED = {
    "AI": "artificial intelligence", "AP": "antero-posterior", "AUC": "area under", "CLAHE": "adaptive histogram",
    "CLAIM": "checklist for", "CNN": "convolutional neural network", "CSV": "comma-separated", "CT": "tomography",
    "DHL": "deep hybrid learning", "DICOM": "digital imaging and communications", "GLCM": "co-occurrence",
    "HOG": "oriented gradients", "LBP": "local binary patterns", "LDA": "linear discriminant", "NIH": "institutes of",
    "NPV": "negative predictive", "OCT": "optical coherence", "PA": "postero-anterior", "PCA": "principal component",
    "PPV": "positive predictive", "PR": "precision-recall", "ReLU": "rectified linear", "ROC": "receiver operating",
    "SHAP": "shapley", "SMOTE": "minority oversampling", "SVM": "support vector", "TRIPOD": "transparent reporting",
}  # fmt: skip
EMPTY_WORDS = {"here", "this", "link", "click here", "this link", "this page", "more", "read more", "page", "see"}

# What is left of linear red, green and blue without one kind of cone: Machado, Oliveira and Fernandes 2009,
# https://doi.org/10.1109/TVCG.2009.113, at full severity.
SIGHT = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}  # fmt: skip


def plain(text):
    """Text in lower case without emphasis, its white space evened out."""
    return " ".join(re.sub(r"[*_>]", "", text).lower().split())


@each_notebook
def test_abbreviations_are_explained_where_they_first_appear(path):
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    for short, words in EXPLAINED.items():
        read = ""
        for source in cells:
            read += f" {source}"
            shown = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", " ", source, flags=re.DOTALL)
            if re.search(rf"(?<![\w-]){short}s?(?![\w-])", shown):
                assert words in plain(read), f"{short}: say what it stands for, {words!r}, in\n{source[:400]}"
                break


@each_page
def test_headings_are_in_order(page):
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1 and 1 not in levels[1:], "one H1, at the top"
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@each_page
def test_links_say_where_they_lead(page):
    text = text_of(page)
    for shown, target in re.findall(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", text):
        assert plain(shown).strip(" .") not in EMPTY_WORDS, f"[{shown}]({target})"
    bare = re.sub(r"\]\([^)]*\)|^\[[^\]]+\]: \S+$|`[^`]*`|<[^>]*>|```.*?```", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"https?://", bare), "an address without words"


@each_page
def test_images_have_an_alternative_text(page):
    for said, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text_of(page)):
        assert len(said) > 30, target


def test_the_palette_is_told_apart_without_red_or_green():
    """The distance (CIEDE2000) of any two colours that a figure draws in one line style, as such eyes see them."""
    srgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in PALETTE])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    for name, matrix in SIGHT.items():
        seen = (linear @ np.array(matrix).T).clip(0, 1)
        lab = rgb2lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055))
        for (i, one), (k, other) in itertools.combinations(enumerate(lab), 2):
            assert deltaE_ciede2000(one, other) > 10, f"{name}: {PALETTE[i]} and {PALETTE[k]}"


@each_notebook
def test_figures_take_their_colours_from_the_palette(path):
    """Or greys, or a colour map whose lightness tells, too: a colour of its own would not have been tested above."""
    code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    named = re.findall(r"""\b(?:c|color|colour|facecolor|edgecolor)=["']([^"']+)["']""", code)
    assert not [name for name in named if not re.fullmatch(r"0\.\d+|black|white|grey|none|#D6E6F2", name)]
    assert set(re.findall(r"""cmap=["']([^"']+)["']""", code)) <= {"gray", "Blues", "viridis", "RdBu_r", "RdBu"}


def test_the_glossary_explains_the_abbreviations():
    listed = set(re.findall(r"^### (\w+)", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"AP", "AUC", "CNN", "DICOM", "PA", "ROC", "ReLU", "SMOTE"} <= listed
