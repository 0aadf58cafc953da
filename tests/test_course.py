"""What makes a notebook part of the course: start, claim, check, record, progress, figures; and the lazy import."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from helpers import ROOT
from jupyter_client.manager import run_kernel
from nbclient import NotebookClient

import dhl_helpers as dhl
from dhl_helpers import course, findings
from dhl_helpers.progress import progress

MOST_NAMES = 30


def test_the_public_names_are_those_of_the_documentation():
    page = (ROOT / "docs" / "helper.md").read_text(encoding="utf-8")
    assert sorted(dhl.__all__) == dir(dhl)
    assert dhl.__all__ == re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert len(dhl.__all__) <= MOST_NAMES
    for name in dhl.__all__:
        thing = getattr(dhl, name)
        assert not callable(thing) or thing.__doc__, f"{name} explains itself"
    with pytest.raises(AttributeError, match="dhl_helpers has no 'load_data'; it has .*load_dataset"):
        _ = dhl.load_data


def test_editors_see_the_public_names():
    """What is imported for type checkers is what is found at run time, from the same modules."""
    source = ast.parse(Path(dhl.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in source.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == dhl._PUBLIC


def test_importing_and_loading_do_not_load_tensorflow():
    code = "import sys, dhl_helpers as dhl\nassert 'pandas' not in sys.modules\n"
    code += "dhl.load_dataset, dhl.evaluate, dhl.claim, dhl.DataError, dhl.make_head, dhl.SMOTE, dhl.show_images\n"
    code += "assert 'pandas' in sys.modules\nassert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout == done.stderr == ""


def test_tensorflow_starts_without_a_word():
    code = "import dhl_helpers as dhl, numpy as np\ndhl.start()\ncnn = dhl.build_cnn((76, 76, 1), 2)\n"
    code += "dhl.DeepFeatures(dhl.conv_base(cnn)).transform(np.zeros((1, 76, 76, 1), np.uint8))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_start_seeds_and_tells_versions():
    import random

    from dhl_helpers._keras import tf

    draws = []
    for seed in (5, 5, 6):
        versions = dhl.start(seed)
        draws.append((random.random(), np.random.random(), float(tf.random.uniform(()))))
    assert draws[0] == draws[1] and all(a != b for a, b in zip(draws[1], draws[2], strict=True))
    assert {"python", "tensorflow", "keras", "scikit-learn", "xgboost", "imbalanced-learn"} <= set(versions)
    assert versions["tensorflow"] == tf.__version__ and versions["numpy"] == np.__version__
    assert plt.rcParams["image.cmap"] == "gray" and plt.rcParams["axes.prop_cycle"].by_key()["color"] == dhl.PALETTE


def test_claim_holds(capsys):
    dhl.claim("two is more than one", np.bool_(2 > 1))
    assert capsys.readouterr().out == "Holds: two is more than one\n"


def test_a_claim_fails_under_the_committed_parameters():
    with pytest.raises(AssertionError, match="no longer holds: pigs fly"):
        dhl.claim("pigs fly", False)


@pytest.mark.parametrize(("name", "value"), [("DATASET", "csv"), ("EPOCHS", 1), ("SEED", 9), ("WEIGHTS", "mine")])
def test_a_claim_is_not_strict_on_other_parameters(monkeypatch, capsys, name, value):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, name, course.COMMITTED[name], raising=False)
    with pytest.raises(AssertionError):
        dhl.claim("pigs fly", False)
    monkeypatch.setattr(main, name, value)
    dhl.claim("pigs fly", False)
    dhl.claim("pigs walk", True)
    assert capsys.readouterr().out == "Does not hold here: pigs fly\nHolds: pigs walk\n"


TESTS = [
    ("doubles two", lambda f: f(2) == 4, "Multiply by two."),
    ("doubles nothing", lambda f: f(0) == 0, "Zero stays zero."),
    ("doubles an array", lambda f: (f(np.array([1, 2])) == [2, 4]).all(), "Use * and no loop."),
]


def test_check_of_a_solution(capsys):
    assert dhl.check(lambda x: 2 * x, TESTS) == 3
    assert capsys.readouterr().out.splitlines() == [
        "right: doubles two",
        "right: doubles nothing",
        "right: doubles an array",
        "3 of 3 points",
    ]


def test_check_of_a_stub(capsys):
    def stub(x):
        raise NotImplementedError

    assert dhl.check(stub, TESTS) == 0
    out = capsys.readouterr().out
    assert out.startswith("Not done yet.") and "raise NotImplementedError" in out and "points" not in out


def test_check_of_a_wrong_solution_gives_hints_and_partial_credit(capsys):
    assert dhl.check(lambda x: x**2, TESTS) == 2
    out = capsys.readouterr().out
    said = ["wrong: doubles an array", "Your function returned array([1, 4]), of shape (2,).", "Use * and no loop."]
    assert "\n       ".join(said) + "\n2 of 3 points" in out and "Multiply" not in out


def test_check_explains_what_the_code_raised(capsys):
    assert dhl.check(lambda x: x["a"], TESTS) == 0
    out = capsys.readouterr()
    assert out.out.startswith("Traceback (most recent call last):") and 'x["a"]' in out.out and not out.err
    assert "Your code raised TypeError: 'int' object is not subscriptable\n       Multiply by two." in out.out
    assert "exercises.py" not in out.out, "the frames of the check are not the reader's"


def test_check_asks_for_a_forgotten_return(capsys):
    assert dhl.check(lambda x: None, TESTS) == 0
    assert capsys.readouterr().out.count("Your function returned None: is `return` missing?") == 3


def test_check_shows_the_value_that_broke_the_test(capsys):
    assert dhl.check(lambda x: "two", TESTS) == 0
    out = capsys.readouterr().out
    assert "Your function returned 'two'." in out and "failed on it with AttributeError" in out


def test_a_notebook_shows_the_verdict_in_colour_and_nothing_for_the_points():
    cell = nbformat.v4.new_code_cell("import dhl_helpers as dhl\ndhl.check(lambda x: x, [('<b>', lambda f: f(1), '')])")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    verdict, points = notebook.cells[0].outputs
    assert "&#10004; right</strong>: &lt;b&gt;" in verdict.data["text/html"] and "#1a7f37" in verdict.data["text/html"]
    assert verdict.data["text/plain"] == "right: <b>\n1 of 1 points"
    assert points.output_type == "execute_result" and points.data == {"text/plain": "1", "text/html": ""}


def test_record_appends_rows_under_one_header(tmp_path):
    file = tmp_path / "results.csv"
    report = dhl.evaluate([0, 1, 0, 1], [0.2, 0.7, 0.6, 0.9], ["a", "b"], n_resamples=10)
    dhl.record(str(file), "04", "forest", report, seconds=1.5)
    dhl.record(str(file), "04", "boost, deep", report.head(2))
    table = pd.read_csv(file, dtype={"notebook": str})
    assert table.columns.tolist() == ["notebook", "method", "metric", "value", "low", "high", "seconds"]
    assert table["method"].tolist() == ["forest"] * len(report) + ["boost, deep"] * 2
    assert set(table["notebook"]) == {"04"} and table["value"][: len(report)].tolist() == report["value"].tolist()
    assert table["seconds"].head(3).tolist() == [1.5] * 3 and table["seconds"].tail(2).isna().all()


def test_record_writes_nothing_where_no_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dhl.record("", "04", "forest", dhl.evaluate([0, 1], [0.2, 0.7], ["a", "b"], n_resamples=5))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keyboard", [True, False])
def test_a_progress_bar_is_a_widget_where_there_is_a_keyboard_and_nothing_elsewhere(keyboard):
    """JupyterLab shows what goes to stderr as a red block, also when it is empty."""
    kinds, code = [], "from dhl_helpers.progress import progress\nfor _ in progress(range(3)):\n    pass"
    with run_kernel(kernel_name="python3") as client:
        answer = client.execute_interactive(
            code, allow_stdin=keyboard, timeout=60, stdin_hook=print,
            output_hook=lambda message: kinds.append((message["msg_type"], message["content"].get("name", ""))),
        )  # fmt: skip
    assert answer["content"]["status"] == "ok"
    assert ("stream", "stderr") not in kinds and (("display_data", "") in kinds) is keyboard


def test_a_progress_bar_outside_a_notebook_needs_a_terminal(monkeypatch, capfd):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert list(progress(range(3), total=3)) == [0, 1, 2]
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(progress(range(3), total=3, unit="image", description="reading")) == [0, 1, 2]
    assert "reading" in capfd.readouterr().err


def test_a_finding_is_highlighted_and_a_guard_is_silent(capsys):
    dhl.finding("two is more than <b>one</b>", np.bool_(2 > 1))
    dhl.guard("two is more than one", True)
    assert capsys.readouterr().out == "Finding: two is more than <b>one</b>\n"
    html = findings.Finding("two > <b>one</b>", True)._repr_html_()
    assert "<strong>Finding:</strong> two &gt; &lt;b&gt;one&lt;/b&gt;</div>" in html


@pytest.mark.parametrize("say", [dhl.finding, dhl.guard])
def test_findings_and_guards_fail_under_the_committed_parameters_only(monkeypatch, capsys, say):
    main = sys.modules["__main__"]
    with pytest.raises(AssertionError, match="no longer holds: pigs fly"):
        say("pigs fly", False)
    with monkeypatch.context() as changed:
        changed.setenv("DHL_SAMPLES", "elsewhere")
        say("pigs fly", np.bool_(False))
    for name, value in course.COMMITTED.items():
        others = {"": ["x"], "sample": ["csv"]}.get(value, []) if isinstance(value, str) else [str(value)]
        others += [value + 1] if isinstance(value, int) else [{"fewest": 10}]
        for other in [value, *others, None, np.arange(3)]:
            with monkeypatch.context() as changed:
                changed.setattr(main, name, other, raising=False)
                if other is value:
                    with pytest.raises(AssertionError, match="pigs fly"):
                        say("pigs fly", False)
                else:
                    say("pigs fly", False)
    lines = set(capsys.readouterr().out.splitlines())
    assert lines == ({"Does not hold here: pigs fly"} if say is dhl.finding else set())


@pytest.mark.parametrize("holds", [(2 > 3, "a tuple is true"), lambda: False, "no", 1, None, np.array([True, False])])
@pytest.mark.parametrize("say", [dhl.finding, dhl.guard])
def test_what_cannot_be_false_is_refused(say, holds):
    with pytest.raises(dhl.DataError, match="'pigs fly': `holds` is .*, not True or False. Give a comparison"):
        say("pigs fly", holds)


def test_findings_in_a_headless_notebook():
    cells = [
        "import dhl_helpers as dhl\nfrom dhl_helpers.course import COMMITTED\nEPOCHS = COMMITTED['EPOCHS']",
        "dhl.guard('one', True)\ndhl.finding('pigs walk', 2 > 1)",
        "dhl.finding('pigs fly', False)",
        "EPOCHS = 2\ndhl.guard('one', False)\ndhl.finding('pigs fly', False)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    walk, fly, here = (cell.outputs for cell in notebook.cells[1:])
    assert fly[0].ename == "AssertionError" and len(walk) == len(here) == 1
    assert walk[0].data["text/plain"] == "Finding: pigs walk" and "dhl-finding" in walk[0].data["text/html"]
    assert here[0].data["text/plain"] == "Does not hold here: pigs fly"
    assert "Does not hold here:</strong> pigs fly" in here[0].data["text/html"]


def test_a_headless_notebook_has_no_progress_bar_and_keeps_its_claims():
    cells = [
        "EPOCHS = 1\nimport dhl_helpers as dhl\nfrom dhl_helpers.course import COMMITTED",
        "from dhl_helpers.progress import progress\nfor _ in progress(range(5)):\n    pass\nprint('done')",
        "dhl.claim('pigs fly', False)",
        "EPOCHS = COMMITTED['EPOCHS']\ndhl.claim('pigs fly', False)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert outputs[0] == [] and [(o.name, o.text) for o in outputs[1]] == [("stdout", "done\n")]
    assert [(o.name, o.text) for o in outputs[2]] == [("stdout", "Does not hold here: pigs fly\n")]
    assert outputs[3][0].ename == "AssertionError"


@pytest.mark.parametrize(("n", "channels", "rows"), [(1, 1, 1), (6, 3, 1), (7, 1, 2)])
def test_show_images(n, channels, rows):
    images = np.arange(n * 4 * 4 * channels, dtype=np.uint8).reshape(n, 4, 4, channels)
    figure = dhl.show_images(images, [f"image {i}" for i in range(n)], suptitle="Simulated")
    try:
        drawn = [axis for axis in figure.axes if axis.images]
        assert len(figure.axes) == 6 * rows and len(drawn) == n and figure.get_suptitle() == "Simulated"
        assert [axis.get_title() for axis in drawn] == [f"image {i}" for i in range(n)]
        for axis, image in zip(drawn, images, strict=True):
            assert np.array_equal(axis.images[0].get_array(), image.squeeze()) and axis.images[0].get_clim() == (0, 255)
        assert not any(axis.axison for axis in figure.axes)
    finally:
        plt.close(figure)


def test_colours_and_their_second_cues():
    assert len(dhl.PALETTE) == len(dhl.MARKERS) == len(dhl.LINESTYLES) == len(set(dhl.PALETTE))
    lightness = sorted(
        0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(plt.matplotlib.colors.to_rgb, dhl.PALETTE)
    )
    assert lightness[-1] < 0.75, "pale colours vanish on white"
    assert len(set(map(str, dhl.LINESTYLES))) == len(set(dhl.MARKERS)) == len(dhl.PALETTE)
