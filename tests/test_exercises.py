"""Every exercise: its check is content with the solution, and helps with the stub and with typical wrong answers.

No kernel runs: the functions and checks are taken out of the notebooks. The wrong answers are in wrong_answers/NN.py,
where `accuracy__in_per_cent` answers the exercise `accuracy`, and its docstring is words of the hint it must get.
"""

import ast
import sys
from functools import cache

import nbformat
import numpy as np
import pytest
from helpers import ROOT, radiographs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from dhl_helpers.commands import _copies

SERIES = {path.name[:2]: nbformat.read(path, as_version=4) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
EXERCISES = [(number, name) for number, notebook in SERIES.items() for name, *_ in _copies.exercises(notebook)]
WRONG = {number: ROOT / "tests" / "wrong_answers" / f"{number}.py" for number in SERIES}
ANSWERS = [
    (number, node.name, ast.get_docstring(node)) for number, path in WRONG.items() if path.exists()
    for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
]  # fmt: skip


def of_extraction():
    """What the checks of 03 need of their notebook, at the smallest size."""
    untrained = dhl.build_cnn((92, 92, 1), 2, seed=0)
    train = radiographs(np.arange(50) % 2, size=92)
    flat, average = (dhl.DeepFeatures(dhl.conv_base(untrained, cut)).transform(train.images[:4])
                     for cut in ("flatten", "average"))  # fmt: skip
    spaces = {"untrained, flatten": (None, flat), "untrained, average": (None, average)}
    return {"untrained": untrained, "train": train, "spaces": spaces, "base": dhl.conv_base(untrained), "SEED": 0}


def of_heads():
    """What the checks of 04 need of their notebook."""
    deep = dhl.DeepFeatures(dhl.conv_base(dhl.build_cnn((76, 76, 1), 2, seed=0)))
    train, val = (radiographs(np.arange(n) % 2, size=76, seed=seed) for seed, n in enumerate((20, 8)))
    return {"deep": deep, "train": train, "val": val, "features": {"untrained": (deep.transform(train.images),)}}


def of_validity():
    """What the checks of 08 need of their notebook."""
    return {"scaling": make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))}


NEEDED = {"03": of_extraction, "04": of_heads, "08": of_validity}


def names_in(node):
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


@cache
def prepared(number):
    """The names that the exercises of a notebook see, and the tests of each check.

    The section Exercises is executed, and of what stands before it the imports and functions that the section uses.
    """
    cells, namespace, checks = SERIES[number].cells, {}, {}
    start = next(i for i, cell in enumerate(cells) if "## Exercises" in cell.source)
    before, section = ("\n".join(cell.source for cell in part if cell.cell_type == "code")
                       for part in (cells[:start], cells[start:]))  # fmt: skip
    used = names_in(ast.parse(section))
    used |= {name for node in ast.parse(before).body if getattr(node, "name", "") in used for name in names_in(node)}
    for node in ast.parse(before).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            node.names = [name for name in node.names if (name.asname or name.name) in used]
            if node.names:
                exec(ast.unparse(node), namespace)
        elif isinstance(node, ast.FunctionDef) and node.name in used:
            exec(ast.unparse(node), namespace)
    namespace.update(NEEDED.get(number, dict)())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dhl, "check", lambda function, tests: checks.update({function.__name__: tests}))
        exec(section, namespace)
    return namespace, checks


def marked(function, tests, capfd):
    """The points of a function, and what its check said; nothing may go to stderr."""
    capfd.readouterr()
    points = dhl.check(function, tests)
    out, err = capfd.readouterr()
    assert not err
    return points, out


@pytest.mark.parametrize("number, name", EXERCISES)
def test_the_solution_gets_all_points(number, name, capfd):
    namespace, checks = prepared(number)
    points, said = marked(namespace[name], checks[name], capfd)
    assert points == len(checks[name]) and "wrong" not in said, said


@pytest.mark.parametrize("number, name", EXERCISES)
def test_the_stub_is_not_done_yet(number, name, capfd):
    namespace, checks = prepared(number)
    cell = next(cell for exercise, cell, *_ in _copies.exercises(SERIES[number]) if exercise == name)
    stub = {**namespace}
    exec(_copies.opened(nbformat.v4.new_notebook(cells=[cell.copy()])).cells[0].source, stub)
    points, said = marked(stub[name], checks[name], capfd)
    assert points == 0 and said.startswith("Not done yet.") and said.count("\n") == 1


@pytest.mark.parametrize("number, name, hint", ANSWERS, ids=[f"{number}-{name}" for number, name, _ in ANSWERS])
def test_a_wrong_answer_gets_its_hint(number, name, hint, capfd):
    namespace, checks = prepared(number)
    answers = {**namespace}
    exec(WRONG[number].read_text(encoding="utf-8"), answers)
    tests = checks[name.split("__")[0]]
    points, said = marked(answers[name], tests, capfd)
    assert points < len(tests) and hint in said, said


def test_each_exercise_has_wrong_answers():
    tried = [(number, name.split("__")[0]) for number, name, _ in ANSWERS]
    assert set(tried) == set(EXERCISES)
    assert all(tried.count(exercise) >= 2 for exercise in EXERCISES)


def test_what_an_answer_writes_to_stderr_is_shown_and_costs_no_points(capfd):
    """nbgrader gives no points for a cell that writes to stderr."""

    def warns(x):
        print("divided by zero", file=sys.stderr)
        return x

    points, said = marked(warns, [("same", lambda f: f(1) == 1, "")], capfd)
    assert points == 1 and "divided by zero" in said
