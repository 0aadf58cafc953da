"""The notebooks: how they are made, that their exercises work, and that the series runs on real radiographs.

What their cells print is compared by nbval, which `make test` calls beside this.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from helpers import PATHS, REAL_DATA, ROOT, assert_sensible, each_notebook, markdown, real, run_series, text_of

from dhl_helpers.__main__ import main
from dhl_helpers.commands import _copies, _pages
from dhl_helpers.course import COMMITTED

SERIES = {path: nbformat.read(path, as_version=4) for path in PATHS}
MACHINE_PATH = re.compile(r"(?<![\w.~])/(?:work|root|home|tmp|Users|usr|opt)/|[A-Z]:\\")
# A share in per cent (but the 95 of an interval, and all), or a metric with a decimal number near it: results belong
# into outputs. A paragraph that links its source may state what stands there.
TYPED_RESULT = re.compile(
    r"(?<![\w.])(?!(?:95|100)\s?%)\d+(\.\d+)?\s?%"
    r"|(?i:auc|accuracy|recall|precision|f1|brier|sensitivity|specificity)[^.\n]{0,40}\b[01]?\.\d+"
)
SOURCE = re.compile(r"\]\(https?://|doi", re.IGNORECASE)
GLOSSARY = "**Words** The terms of the course are explained in its [glossary](../docs/glossary.md)."
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)  # [text](target), and [text]: target
def code_cells(notebook):
    return [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def test_the_series_is_complete():
    assert [path.name[:2] for path in PATHS] == [f"{number:02}" for number in range(len(PATHS))]
    assert len(PATHS) >= 7


@each_notebook
def test_frame(path):
    notebook = SERIES[path]
    top, text = notebook.cells[0], markdown(notebook)
    assert top.cell_type == "markdown" and re.match(rf"# {path.name[:2]} \w.+\n\n\w", top.source)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1, "one H1"
    for part in ("**You will be able to**", "**You need**", "**Time** Run: ", "(measured", "estimate"):
        assert part in top.source, part
    assert re.search("not for diagnosis", top.source) and re.search("[Ss]imulated", top.source)
    assert 3 <= len(re.findall(r"^- ", top.source, re.MULTILINE)) <= 6, "three to six things to be able to do"
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[-4:] == ["Exercises", "Quiz", "Take home", "Next"]
    assert any("dhl.start(SEED)" in cell.source for _, cell in code_cells(notebook)[:4])


@each_notebook
def test_the_first_cell_leads_to_the_glossary(path):
    assert GLOSSARY in SERIES[path].cells[0].source.split("\n\n")


PAGES = [*PATHS, *ROOT.glob("notebooks/warm_up/*.ipynb"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_to_files_resolve(page):
    """With their anchors, which are made of headings as GitHub makes them."""
    for target in {first or second for first, second in LINK.findall(text_of(page))}:
        if re.match(r"[a-z]+:", target):
            continue  # another site
        place, _, anchor = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        assert file.exists() and file.is_relative_to(ROOT), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", text_of(file), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor in slugs, f"{target}: no such heading"


@each_notebook
def test_parameters(path):
    """Plain literals, each with a comment, with the committed values."""
    found = [cell for _, cell in code_cells(SERIES[path]) if "parameters" in tags(cell)]
    assert found == [SERIES[path].cells[1]]
    values = {}
    for line, statement in zip(found[0].source.splitlines(), ast.parse(found[0].source).body, strict=True):
        values[statement.targets[0].id] = ast.literal_eval(statement.value)
        assert re.search(r"  # \w", line), f"no comment: {line}"
    assert values.pop("RESULTS") == "" and values.pop("OUT_DIR") == ""
    assert values == {name: COMMITTED[name] for name in values}


@each_notebook
def test_code_cells_are_short_and_executed_in_order(path):
    cells = code_cells(SERIES[path])
    assert [cell.execution_count for _, cell in cells] == list(range(1, len(cells) + 1))
    for i, cell in cells:
        assert len(cell.source.splitlines()) <= 25, f"cell {i}: more than 25 lines"
        assert not cell.source.rstrip().endswith(";"), f"cell {i}: a last semicolon fails strict nbval"
        assert "NBVAL" not in cell.source, f"cell {i}: decide by tag what is not compared"
        assert tags(cell) <= {"parameters", "nbval-ignore-output", "nbval-skip"}, f"cell {i}: {tags(cell)}"


@each_notebook
def test_outputs_are_clean(path):
    for i, cell in code_cells(SERIES[path]):
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr", f"cell {i}"
            text = output.get("text", "") + str({k: v for k, v in output.get("data", {}).items() if "image" not in k})
            assert not MACHINE_PATH.search(text), f"cell {i}: a path of the machine"
            assert not re.search(r"\b0x[0-9a-f]{6,}", text), f"cell {i}: an address in memory"
            assert not re.search(r"^(Does not hold here|wrong:)", text, re.MULTILINE), f"cell {i}: {text[:300]}"
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {}), f"cell {i}: a widget"


@each_notebook
def test_file(path):
    notebook = SERIES[path]
    assert path.stat().st_size < 2_500_000
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3" and "widgets" not in notebook.metadata
    assert not any("execution" in cell.metadata or "papermill" in cell.metadata for cell in notebook.cells)
    assert not MACHINE_PATH.search("\n".join(cell.source for cell in notebook.cells))


@each_notebook
def test_no_typed_results(path):
    asked = re.sub(r"<details>.*?</details>", "", markdown(SERIES[path]), flags=re.DOTALL)  # a quiz may suppose
    for paragraph in re.split(r"\n\s*\n", asked):
        found = TYPED_RESULT.search(" ".join(paragraph.split()))
        assert not found or SOURCE.search(paragraph), f"{found[0]!r}: let a cell print it, or link its source"


@each_notebook
def test_figures_have_a_text_equivalent(path):
    cells = SERIES[path].cells
    for i, cell in code_cells(SERIES[path]):
        if any(kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {})):
            said = _pages.CAPTION.match(cells[i + 1].source) if i + 1 < len(cells) else None
            assert said and len(said[1]) > 40, f"cell {i}: no *Figure: ...* in the cell after it"


@each_notebook
def test_exercises_and_quiz(path):
    notebook, exercises = SERIES[path], 0
    for i, cell in code_cells(notebook):
        if "### BEGIN SOLUTION" not in cell.source:
            continue
        exercises += 1
        function = re.search(r"^def (\w+)\(", cell.source, re.MULTILINE)[1]
        check = notebook.cells[i + 1]
        assert f"dhl.check({function}," in check.source.replace("(\n    ", "("), f"cell {i + 1}: no check of {function}"
        said = "\n".join(output.get("data", {}).get("text/plain", "") for output in check.outputs)
        assert re.search(r"^(\d+) of \1 points", said, re.MULTILINE), "the solution earns all points"
        uses = [k for k, other in code_cells(notebook) if k > i + 1 and re.search(rf"\b{function}\b", other.source)]
        assert not uses, f"cells {uses} use the exercise {function}: student copies would stop there"
    assert exercises >= 3
    text = markdown(notebook)
    quiz = next(i for i, cell in enumerate(notebook.cells) if "## Quiz" in cell.source)
    assert notebook.cells[quiz + 1].source == f'dhl.quiz("{path.name[:2]}")'
    assert notebook.cells[quiz + 2].source.startswith("## Take home")
    if path != PATHS[-1]:
        assert PATHS[PATHS.index(path) + 1].name in text[text.index("## Next") :]


@pytest.mark.parametrize("path", list(ROOT.glob("notebooks/warm_up/*.ipynb")), ids=lambda path: path.stem)
def test_warm_up(path, tmp_path):
    """Its solutions earn all points; the student's copy has its exercises open, in the same place."""
    notebook = nbformat.read(path, as_version=4)
    shown = [output.get("data", {}) for _, cell in code_cells(notebook) for output in cell.outputs]
    texts = "\n".join(data.get("text/plain", "") for data in shown)
    earned = re.findall(r"^(\d+) of (\d+) points", texts, re.MULTILINE)
    assert len(earned) == len(_copies.exercises(notebook)) >= 5 and all(one == all_ for one, all_ in earned)
    assert not main(["student", "--out", str(tmp_path)])
    copy = nbformat.read(tmp_path / "warm_up" / path.name, as_version=4)
    assert sum("not done yet" in cell.source for _, cell in code_cells(copy)) == len(earned)
    assert "SOLUTION" not in nbformat.writes(copy)


def test_few_outputs_are_left_uncompared():
    with_output = [cell for notebook in SERIES.values() for _, cell in code_cells(notebook) if cell.outputs]
    ignored = [cell for cell in with_output if tags(cell) & {"nbval-ignore-output", "nbval-skip"}]
    assert len(ignored) <= len(with_output) / 5


@each_notebook
def test_student_copies_hide_every_solution(path):
    hidden = re.findall(r"### BEGIN SOLUTION\n(.+?)### END SOLUTION", path.read_text(encoding="utf-8"), re.DOTALL)
    copy = nbformat.writes(_copies.opened(nbformat.read(path, as_version=4)))
    assert "SOLUTION" not in copy and copy.count("not done yet") >= len(hidden)
    for _, cell in code_cells(nbformat.reads(copy, as_version=4)):
        ast.parse(cell.source)


def small_set(folder):
    """The arguments for a small real set, or, where there is none, for class folders written from the samples."""
    if (REAL_DATA / "chest_xray").exists():
        return ["--dataset", "chest_xray", "--data-dir", REAL_DATA / "chest_xray"]
    samples = Path(os.environ.get("DHL_SAMPLES", ROOT / "data_samples"))
    table = pd.read_csv(samples / "metadata.csv")
    for label, rows in table[table["split"] == "train"].groupby("label"):
        (folder / label).mkdir(parents=True)
        for path in rows["path"][:60]:
            shutil.copy(samples / path, folder / label)
    return ["--dataset", "folder", "--data-dir", folder]


def test_student_copies_run_to_the_end_on_a_small_set(tmp_path):
    """The whole series through Papermill on other data, from another folder, exercises not done; small and short."""
    copies, out = tmp_path / "my_course", ROOT / "build" / "small"
    subprocess.run([sys.executable, "-m", "dhl_helpers", "student", "--out", copies], cwd=ROOT, check=True)
    quick = ["-p", "EPOCHS", "2", "-p", "IMAGE_SIZE", "76"]
    _, results = run_series(*small_set(tmp_path / "films"), *quick, notebooks=copies, out=out)
    assert_sensible(results)
    for path, notebook in SERIES.items():
        exercises = sum("### BEGIN SOLUTION" in cell.source for _, cell in code_cells(notebook))
        executed = nbformat.read(out / path.name, as_version=4)
        texts = [output.get("text", "") for _, cell in code_cells(executed) for output in cell.outputs]
        assert sum("not done yet" in text.lower() for text in texts) == exercises, path.stem


@pytest.mark.slow
@pytest.mark.parametrize("name, place", [("chest_xray", "chest_xray"), ("chest_xray_3", "chest_xray"),
                                         ("nih", "nih"), ("pneumoniamnist", "pneumoniamnist.npz")])  # fmt: skip
def test_real_sets(name, place):
    folder = real(place)
    folder = folder.parent if folder.suffix else folder
    _, results = run_series("--dataset", name, "--data-dir", folder, out=ROOT / "build" / name)
    assert_sensible(results)


@pytest.mark.slow
def test_several_findings_an_image(tmp_path):
    """The series on a set in the form of NIH ChestX-ray14, written from the samples; two findings can meet."""
    samples = Path(os.environ.get("DHL_SAMPLES", ROOT / "data_samples"))
    table = pd.read_csv(samples / "metadata.csv").query("split == 'train'").head(400)
    images = tmp_path / "images_001" / "images"
    images.mkdir(parents=True)
    rows = ["Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"]
    for row, (path, label, patient, severity) in enumerate(
        zip(table["path"], table["label"], pd.factorize(table["patient_id"])[0], table["severity"], strict=True)
    ):
        shutil.copy(samples / path, images / f"{patient:08}_{row:03}.png")  # the content decides, not the name
        finding = {"normal": "No Finding", "bacterial": "Consolidation", "viral": "Infiltration"}[label]
        rows.append(f"{patient:08}_{row:03}.png,{finding}{'|Effusion' * (severity > 0.1)},0,{patient},40,M,PA")
    (tmp_path / "Data_Entry_2017.csv").write_text("\n".join(rows))
    arguments = "--dataset", "nih", "--data-dir", tmp_path, "-p", "EPOCHS", "8"
    _, results = run_series(*arguments, out=ROOT / "build" / "several")
    assert_sensible(results)
    of_all = results[results["method"].str.contains("all findings")]
    assert set(of_all["notebook"]) == {4, 6} and of_all["method"].nunique() == 4
    assert {"AUC (Consolidation)", "AUC (Infiltration)", "AUC (Effusion)", "macro AUC"} <= set(of_all["metric"])


VARIANTS = {"AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"}, "one core": {}}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="outputs are compared on Linux")
@pytest.mark.parametrize("variant", VARIANTS)
def test_outputs_do_not_depend_on_the_processor(variant):
    pin = ["taskset", "-c", "0"] if variant == "one core" else []
    command = [*pin, sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env",
               "--nbval-cell-timeout=600", "-p", "no:cacheprovider", "notebooks"]  # fmt: skip
    environment = os.environ | VARIANTS[variant]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-8000:]
