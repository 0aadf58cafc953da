"""The assignments, marked by nbgrader itself.

nbgrader has an environment of its own, which `make test` sets up; DHL_CLASSROOM is another one's folder.
"""

import csv
import os
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from helpers import ROOT
from nbformat.v4 import new_code_cell, new_notebook

from dhl_helpers.commands import _copies

HOME = Path(os.environ.get("DHL_CLASSROOM", ROOT / ".venv-classroom"))
PYTHON = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no nbgrader: `make assignment` sets up its environment")


def call(*arguments, folder=ROOT):
    """A Python module of the classroom's environment; returns what it said."""
    environment = os.environ | {"PATH": os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", "")]),
                                "PYTHONPATH": str(ROOT)}  # fmt: skip
    done = subprocess.run([PYTHON, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=3000)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def made(folder, notebooks, *arguments):
    """The course folder for nbgrader, and clean copies of the notebooks: solved and open."""
    call("dhl_helpers", "assignment", "--notebooks", str(notebooks), "--out", str(folder / "course"), *arguments)
    for command in ("solution", "student"):
        call("dhl_helpers", command, "--notebooks", str(notebooks), "--out", str(folder / command))
    return folder / "course"


def hand_in(course, student, name, notebook):
    place = course / "submitted" / student / name / f"{name}.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)


def marks(course, name):
    """The points of each student, and those to be had; and what the checks said, by student."""
    said = call("nbgrader", "autograde", name, "--create", folder=course)
    assert "ERROR" not in said, said
    call("nbgrader", "export", "--to", "marks.csv", folder=course)
    with open(course / "marks.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == name]
    graded = {path.parts[-3]: nbformat.read(path, as_version=4) for path in course.glob(f"autograded/*/{name}/*.ipynb")}
    for student, notebook in graded.items():
        for cell in _copies.code_cells(notebook):
            if cell.metadata.get("nbgrader", {}).get("grade"):
                assert not any(output.get("name") == "stderr" for output in cell.outputs), student
    outputs = {student: [output for cell in _copies.code_cells(notebook) for output in cell.outputs]
               for student, notebook in graded.items()}  # fmt: skip
    texts = {student: "\n".join(each.get("text", "") + each.get("data", {}).get("text/plain", "") for each in told)
             for student, told in outputs.items()}  # fmt: skip
    return {row["student_id"]: float(row["score"]) for row in rows}, float(rows[0]["max_score"]), texts


def filled(notebook, bodies):
    """An open copy in which the cells of some functions have another source."""
    for cell in _copies.code_cells(notebook):
        name = re.match(r"def (\w+)", cell.source)
        if name and name[1] in bodies:
            cell.source = bodies[name[1]]
    return notebook


def test_marks(tmp_path):
    """The exercises of 01 without the rest of the notebook, handed in by six students."""
    name, series = "01_load_data", tmp_path / "series"
    whole = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    cells = [cell for _, *pair, _ in _copies.exercises(whole) for cell in pair]
    start = new_code_cell("import sys\n\nimport numpy as np\n\nimport dhl_helpers as dhl", id="start")
    series.mkdir()
    nbformat.write(new_notebook(cells=[start, *cells], metadata=whole.metadata), series / f"{name}.ipynb")
    course = made(tmp_path, series)
    released = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    text = nbformat.writes(released)
    assert "SOLUTION" not in text and text.count("not done yet") == 3 and "checksum" in text
    points = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points for cell in released.cells
              if cell.metadata.nbgrader.grade}  # fmt: skip
    assert points == {"memory_bytes_check": 3, "hold_back_check": 4, "to_8_bit_check": 5}

    solved, untouched = (nbformat.read(tmp_path / command / f"{name}.ipynb", as_version=4)
                         for command in ("solution", "student"))  # fmt: skip
    answers = {re.match(r"def (\w+)", cell.source)[1]: cell.source for cell in solved.cells if "def " in cell.source}
    warns = answers["to_8_bit"].replace("return", 'print("slow", file=sys.stderr)\n    return')
    hand_in(course, "solved", name, solved)
    hand_in(course, "untouched", name, untouched)
    hand_in(course, "half", name, filled(nbformat.from_dict(released), {
        "memory_bytes": answers["memory_bytes"],
        "to_8_bit": "def to_8_bit(pixels):\n    return pixels.astype(np.uint8)"}))  # fmt: skip
    hand_in(course, "loud", name, filled(nbformat.from_dict(released), answers | {"to_8_bit": warns}))
    hand_in(course, "broken", name, filled(nbformat.from_dict(released), answers | {"hold_back": "def hold_back(:"}))
    generous = nbformat.from_dict(released)
    for cell in generous.cells:
        if cell.metadata.nbgrader.grade:
            cell.source = "3"
    hand_in(course, "generous", name, generous)
    scores, most, said = marks(course, name)
    assert most == 12
    assert scores == {"solved": 12, "untouched": 0, "half": 3 + 3, "loud": 12, "broken": 8, "generous": 0}
    assert "slow" in said["loud"] and "astype alone keeps the last 8 bits" in said["half"]


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_marks_of_the_whole_notebook(path, tmp_path):
    """Solved copies get full marks, half-done ones those of what is done, untouched ones none."""
    name = path.stem
    course = made(tmp_path, ROOT / "notebooks", "--only", name[:2])
    solved, untouched, half = (nbformat.read(tmp_path / command / path.name, as_version=4)
                               for command in ("solution", "student", "student"))  # fmt: skip
    exercises = _copies.exercises(nbformat.read(path, as_version=4))
    done = exercises[: len(exercises) // 2]
    for student, notebook in {"solved": solved, "untouched": untouched}.items():
        hand_in(course, student, name, notebook)
    hand_in(course, "half", name, filled(half, {function: cell.source for function, cell, *_ in done}))
    scores, most, said = marks(course, name)
    assert most == sum(points for *_, points in exercises)
    assert scores == {"solved": most, "untouched": 0, "half": sum(points for *_, points in done)}
    assert "wrong:" not in said["solved"] and said["untouched"].count("Not done yet") == len(exercises)
