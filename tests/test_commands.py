"""The commands of `python -m dhl_helpers`, on three tiny notebooks."""

import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import webbrowser
from importlib.util import find_spec

import nbformat
import pandas as pd
import psutil
import pytest
from helpers import ROOT
from nbformat.v4 import new_code_cell, new_notebook

import dhl_helpers as dhl
from dhl_helpers.__main__ import main
from dhl_helpers.commands import _copies

COMMAND = [sys.executable, "-m", "dhl_helpers"]


@pytest.fixture
def run(tiny, tmp_path, capfd):
    """Run the tiny series: run(arguments) -> exit code, stdout, stderr; its output is in `run.out`."""

    def call(*arguments):
        try:
            code = main(["run", "--notebooks", str(tiny), "--out", str(call.out), *arguments])
        except SystemExit as stop:
            code = stop.code
        return code, *capfd.readouterr()

    call.out = tmp_path / "out"
    return call


@pytest.mark.parametrize(
    "arguments, says",
    [
        ([], "COMMAND"),
        (["nothing"], "run"),
        (["run", "--nothing"], "--nothing"),
        (["run", "-p", "EPOCHS"], "-p"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_2(arguments, says, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr().err
    assert stop.value.code == 2 and said.startswith("error: ") and said.count("\n") == 1 and says in said


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["-p", "WEIGHT", "1"], "WEIGHT: none of the selected notebooks has it. They have EPOCHS, RATE, NAME"),
        (["--only", "00", "-p", "PAUSE", "1"], "PAUSE"),
        (["--only", "00", "--dataset", "sample"], "DATASET"),
        (["-p", "EPOCHS", "many"], "takes int values, like 3"),
        (["-p", "EPOCHS", "2.5"], "takes int values, like 3"),
        (["-p", "RESULTS", "elsewhere.csv"], "RESULTS"),
        (["--only", "00,07"], "07: no such notebook. There are 00, 01, 02"),
        (["--dataset", "nothing"], "sample, chest_xray"),
        (["--dataset", "folder", "--data-dir", "no/such/folder"], "no/such/folder"),
    ],
)
def test_what_cannot_be_met_is_refused_before_anything_runs(run, arguments, says):
    code, out, err = run(*arguments)
    assert code == 2 and says in err and err.startswith("error: ") and err.count("\n") == 1
    assert not out and not run.out.exists()


def test_a_run_writes_notebooks_pages_and_results(run, tiny):
    code, out, err = run("--only", "00,1", "-p", "EPOCHS", "4", "-p", "RATE", "1", "-p", "NAME", "12")
    assert code == 0
    assert re.search(r"00_first +\d+\.\d s +ok", out) and re.search(r"01_second +\d+\.\d s +ok", out)
    assert "2 of 2 notebooks" in out and "claims that do not hold here: 1" in out
    table = pd.read_csv(run.out / "results.csv")
    assert list(table) == ["notebook", "method", "metric", "value", "low", "high", "seconds"] and len(table) == 1
    text = json.dumps(nbformat.read(run.out / "00_first.ipynb", as_version=4))
    assert "NAME is 12" in text and str(tiny) in text, "parameters and working directory"
    index = (run.out / "index.html").read_text(encoding="utf-8")
    assert "0.900 (0.800 to 0.950)" in index and "2.5" in index and "EPOCHS: 4. RATE: 1. NAME: 12." in index
    assert index.index("0.900") < index.index("<img") < index.index(">01_second<"), "results, figures, then the list"
    assert 'alt="a line that &quot;rises&quot;. It is straight."' in index
    assert (run.out / "figures" / "00_first-1.png").read_bytes().startswith(b"\x89PNG")
    for page in run.out.glob("*.html"):
        content = page.read_text(encoding="utf-8")
        assert not re.search(r"<script|<link|@import|url\(|src=.(https?:)?//", content), "pages need no network"
        assert "viewport" in content and "prefers-color-scheme: dark" in content
        assert all("alt=" in image for image in re.findall(r"<img[^>]*>", content))


def test_a_second_run_starts_afresh(run):
    for _ in range(2):
        assert run("--only", "00")[0] == 0
    assert len(pd.read_csv(run.out / "results.csv")) == 1
    assert run("--only", "01")[0] == 0
    assert not (run.out / "results.csv").exists() and not (run.out / "00_first.html").exists()


def test_files_of_others_are_left_alone(run):
    (run.out / "work").mkdir(parents=True)
    (run.out / "work" / "thesis.txt").touch()
    code, _, err = run("--only", "00")
    assert code == 2 and "no run has made" in err and (run.out / "work" / "thesis.txt").exists()


@pytest.mark.parametrize("failure, says", [("raise", "RuntimeError: on purpose"), ("die", "Kernel died")])
def test_the_first_failure_stops_the_run(run, real_or_made, failure, says):
    code, out, err = run("--only", "02,00", *real_or_made, "-p", "FAIL", failure)
    assert code == 1 and says in err and str(run.out / "02_third.ipynb") in err
    assert f"02_third failed in cell {3 if failure == 'raise' else 4}" in err
    assert (run.out / "02_third.ipynb").exists() and "failed" in (run.out / "index.html").read_text(encoding="utf-8")
    assert "\x1b[" not in err


@pytest.fixture
def real_or_made(tmp_path):
    """The arguments for a small folder of class folders, written here."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("clear", "opaque"):
        (tmp_path / "films" / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(rng.integers(0, 256, (16, 16), np.uint8)).save(tmp_path / f"films/{name}/{number}.png")
    return ["--dataset", "folder", "--data-dir", str(tmp_path / "films")]


def test_keep_going_runs_the_others_too(tiny, tmp_path, run):
    broken = tmp_path / "series"
    shutil.copytree(tiny, broken)
    text = (broken / "00_first.ipynb").read_text(encoding="utf-8")
    (broken / "00_first.ipynb").write_text(text.replace("import sys, os", "import syss"), encoding="utf-8")
    code, out, err = run("--notebooks", str(broken), "--only", "00,01")
    assert code == 1 and "1 of 2 notebooks" in out and "00_first failed in cell 3" in err
    assert "not run" in (run.out / "index.html").read_text(encoding="utf-8")
    code, out, _ = run("--notebooks", str(broken), "--only", "00,01", "--keep-going")
    assert code == 1 and "2 of 2 notebooks" in out and "1 failed" in out


def test_the_kernel_is_the_running_interpreter(run, tmp_path, monkeypatch):
    """Another environment's kernel of the same name is registered, and is not taken."""
    other = tmp_path / "share" / "kernels" / "python3"
    other.mkdir(parents=True)
    spec = {"argv": ["no-such-python", "{connection_file}"], "display_name": "Other", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    assert run("--only", "00")[0] == 0
    assert sys.executable in (run.out / "00_first.ipynb").read_text(encoding="utf-8")
    assert os.environ["JUPYTER_PATH"] == str(tmp_path / "share")


def start(tiny, out, *arguments):
    command = [*COMMAND, "run", "--notebooks", str(tiny), "--out", str(out), *arguments]
    # A job in the background ignores Ctrl-C and hands that down; the test sends one all the same.
    listen = None if os.name == "nt" else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
                            preexec_fn=listen)  # fmt: skip


def test_two_runs_at_once(tiny, tmp_path):
    runs = [start(tiny, tmp_path / name, "--only", "00,01") for name in ("a", "b")]
    for each, name in zip(runs, "ab", strict=True):
        said, _ = each.communicate(timeout=120)
        assert each.returncode == 0, said
        assert len(pd.read_csv(tmp_path / name / "results.csv")) == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_leaves_what_is_done(tiny, tmp_path, run):
    first = start(tiny, run.out, "--only", "00,01", "-p", "PAUSE", "60")
    for _ in range(600):
        if (run.out / "work" / "pausing").exists():
            break
        time.sleep(0.1)
    code, _, err = run("--only", "00")
    assert code == 2 and "another run" in err
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=120)
    assert first.returncode == 130 and "interrupted" in said and "Traceback" not in said
    index = (run.out / "index.html").read_text(encoding="utf-8")
    assert "0.900" in index and (run.out / "00_first.html").exists()
    assert run("--only", "00")[0] == 0, "the folder is free again"


def test_student_copies_open_the_exercises_and_keep_work(tiny, tmp_path, capsys):
    out = tmp_path / "my_course"
    command = ["student", "--notebooks", str(tiny), "--out", str(out)]
    assert main(command) == 0
    copy = nbformat.read(out / "01_second.ipynb", as_version=4)
    assert 'def twice(x):\n    # Your code' in copy.cells[3].source
    assert copy.cells[3].source.endswith('\n    raise NotImplementedError("not done yet")')
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in copy.cells)
    changed = (out / "01_second.ipynb").read_text(encoding="utf-8").replace("# Your code", "# My code")
    (out / "01_second.ipynb").write_text(changed, encoding="utf-8")
    (out / "02_third.ipynb").unlink()
    capsys.readouterr()
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "Kept as you changed them: 01_second.ipynb." in said and "2 notebooks are fresh" in said
    assert (out / "01_second.ipynb").read_text(encoding="utf-8") == changed and (out / "02_third.ipynb").exists()


def test_a_copy_that_was_only_run_follows_the_course(tiny, tmp_path):
    """Outputs, counts and an empty cell are no work of the learner."""
    series, out = tmp_path / "series", tmp_path / "my_course"
    shutil.copytree(tiny, series)
    assert main(["student", "--notebooks", str(series), "--out", str(out)]) == 0
    copy = nbformat.read(out / "02_third.ipynb", as_version=4)
    copy.cells[-1].outputs = [nbformat.v4.new_output("stream", text="the end\n")]
    copy.cells[-1].execution_count = 3
    copy.cells.append(new_code_cell(""))
    nbformat.write(copy, out / "02_third.ipynb")
    text = (series / "02_third.ipynb").read_text(encoding="utf-8")
    (series / "02_third.ipynb").write_text(text.replace("the end", "the new end"), encoding="utf-8")
    assert main(["student", "--notebooks", str(series), "--out", str(out)]) == 0
    assert "the new end" in (out / "02_third.ipynb").read_text(encoding="utf-8")


def test_a_check_in_a_copy_is_folded_and_leads_to_a_solution(tiny, tmp_path):
    assert main(["student", "--notebooks", str(tiny), "--out", str(tmp_path / "mine")]) == 0
    cells = nbformat.read(tmp_path / "mine" / "01_second.ipynb", as_version=4).cells
    place = next(i for i, cell in enumerate(cells) if "dhl.check" in cell.source)
    assert cells[place].metadata.jupyter.source_hidden, "it holds the hints"
    target = re.search(r"\[A solution\]\((.+?)\)", cells[place + 1].source)[1]
    solution = nbformat.read(tmp_path / "mine" / target, as_version=4)
    assert any("return y" in cell.source for cell in solution.cells)


def test_links_of_a_copy_lead_into_the_course(tmp_path):
    assert main(["student", "--out", str(tmp_path / "mine")]) == 0
    for folder in (tmp_path / "mine", tmp_path / "mine" / "solutions"):
        text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.ipynb"))
        links = set(re.findall(r"\]\(([^)#]*\.(?:md|ipynb))", text))
        assert any(link.endswith("docs/glossary.md") for link in links)
        assert [link for link in links if not link.startswith("http") and not (folder / link).is_file()] == []


def test_points_are_kept_and_reported(tiny, tmp_path, capsys, monkeypatch):
    anna, ben = tmp_path / "class" / "anna", tmp_path / "class" / "ben"
    for folder in (anna, ben):
        assert main(["student", "--notebooks", str(tiny), "--out", str(folder)]) == 0
    monkeypatch.chdir(anna)
    tests = [("doubles", lambda f: f(2) == 4, "Multiply by two.")]
    for answer, points in ((lambda x: x, 0), (lambda x: 2 * x, 1), (lambda x: x, 0)):
        answer.__name__ = "twice"
        assert dhl.check(answer, tests) == points
    capsys.readouterr()
    report = dhl.progress_report()
    assert report.set_index("notebook").loc["01_second"].tolist() == [1, 1, 1, 1], "the best mark counts"
    assert report.iloc[-1].tolist() == ["all", 1, 1, 1, 1] and "All exercises are done" in capsys.readouterr().out
    assert main(["student", "--notebooks", str(tiny), "--out", str(anna)]) == 0
    assert dhl.progress_report().iloc[-1]["points"] == 1, "points survive new copies"
    assert main(["progress", str(ben)]) == 0 and "Next: 01_second." in capsys.readouterr().out
    assert main(["progress", str(tmp_path / "class")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].split() == ["anna", "0/0", "1/1", "0/0", "1/1"] and said[-1].split()[2] == "0/1"
    (anna / ".points.json").write_text("{damaged")
    assert dhl.progress_report().iloc[-1]["points"] == 0
    assert main(["progress", str(tmp_path / "nothing")]) == 2 and "student" in capsys.readouterr().err


OF_NUMBERS = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
    {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": 5}]}  # fmt: skip


@pytest.mark.parametrize("content", ["not json", "", "[1]", json.dumps(OF_NUMBERS)])
def test_a_damaged_notebook_is_named(tiny, tmp_path, capsys, content):
    series = tmp_path / "series"
    shutil.copytree(tiny, series)
    (series / "01_second.ipynb").write_text(content)
    for command in ("student", "solution", "slides"):
        assert main([command, "--notebooks", str(series), "--out", str(tmp_path / command)]) == 2
        assert "01_second.ipynb: not a notebook that can be read" in capsys.readouterr().err
    assert main(["progress", str(series)]) == 2
    assert "01_second.ipynb: not a notebook that can be read" in capsys.readouterr().err


def test_solutions_are_clean(tiny, tmp_path):
    assert main(["solution", "--notebooks", str(tiny), "--out", str(tmp_path)]) == 0
    copy = nbformat.read(tmp_path / "01_second.ipynb", as_version=4)
    assert copy.cells[3].source == "def twice(x):\n    y = 2 * x\n    return y"
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in copy.cells)


def test_hidden_tests_stay_with_the_solutions():
    exercise = "def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    check = "dhl.check(twice, [\n    A,\n    ### BEGIN HIDDEN TESTS\n    B,\n    ### END HIDDEN TESTS\n])"
    for copy, left in (_copies.opened, "    A,\n"), (_copies.solved, "    A,\n    B,\n"):
        notebook = new_notebook(cells=[new_code_cell(exercise), new_code_cell(check)])
        assert _copies.exercises(notebook)[0][3] == 2
        assert copy(notebook).cells[1].source == f"dhl.check(twice, [\n{left}])"


@pytest.mark.skipif(find_spec("nbgrader") is not None, reason="nbgrader is installed here")
def test_an_assignment_needs_nbgrader(tiny, tmp_path, capsys):
    assert main(["assignment", "--notebooks", str(tiny), "--out", str(tmp_path / "new")]) == 2
    assert "make assignment" in capsys.readouterr().err and not (tmp_path / "new").exists()


def test_student_copies_follow_the_course(tiny, tmp_path):
    """A copy that nobody changed is renewed when its notebook changes."""
    series, out = tmp_path / "series", tmp_path / "my_course"
    shutil.copytree(tiny, series)
    assert main(["student", "--notebooks", str(series), "--out", str(out)]) == 0
    text = (series / "02_third.ipynb").read_text(encoding="utf-8")
    (series / "02_third.ipynb").write_text(text.replace("the end", "the new end"), encoding="utf-8")
    assert main(["student", "--notebooks", str(series), "--out", str(out)]) == 0
    assert "the new end" in (out / "02_third.ipynb").read_text(encoding="utf-8")
    assert main(["student", "--notebooks", str(series), "--out", str(series)]) == 2


def test_a_copy_that_was_there_before_is_kept(tiny, tmp_path, capsys):
    (tmp_path / "00_first.ipynb").write_text("mine")
    assert main(["student", "--notebooks", str(tiny), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "00_first.ipynb").read_text() == "mine" and "00_first.ipynb" in capsys.readouterr().out


def test_open_exercises_are_not_done_yet(run, tiny, tmp_path):
    assert main(["student", "--notebooks", str(tiny), "--out", str(tmp_path / "copies")]) == 0
    assert run("--notebooks", str(tmp_path / "copies"), "--only", "01")[0] == 0
    assert "not done yet" in (run.out / "01_second.ipynb").read_text(encoding="utf-8").lower()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from /proc")
def test_refresh(tiny, tmp_path):
    """In a copy of the repository with the tiny series: outputs, timings, the figure and the README's tables."""
    for package in ("dhl_helpers", "tools"):
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copytree(tiny, tmp_path / "notebooks")
    (tmp_path / "README.md").write_text(
        "<!-- run:begin (by refresh) -->\n<!-- run:end -->\n<!-- notebooks:begin -->\nstale\n<!-- notebooks:end -->\n"
    )
    command = [sys.executable, "-m", "tools.refresh"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    timings = pd.read_csv(tmp_path / "notebooks" / "results" / "timings.csv")
    assert list(timings["notebook"]) == ["00_first", "01_second", "02_third"]
    assert (timings["seconds"] > 0).all() and timings["memory_mb"].between(30, 2000).all()
    assert timings["machine"].str.contains("cores").all()
    assert (tmp_path / "notebooks" / "results" / "dhl.png").read_bytes().startswith(b"\x89PNG")
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "[01_second](notebooks/01_second.ipynb) | The aim. |" in readme and "stale" not in readme
    assert "3 of 3 notebooks run in" in readme and re.search(r"00_first +\d+\.\d s +ok", readme)
    notebook = nbformat.read(tmp_path / "notebooks" / "00_first.ipynb", as_version=4)
    assert 'RESULTS = ""' in notebook.cells[1].source and notebook.cells[1].source.count("RESULTS") == 1
    assert "Run: 990 s" not in notebook.cells[0].source
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == [1, 2, 3, 4] and not any("execution" in cell.metadata for cell in notebook.cells)


def test_doctor_says_what_a_bug_report_needs(capsys, tmp_path):
    assert main(["doctor", "--out", str(tmp_path)]) == (0 if psutil.virtual_memory().available > 2.5e9 else 1)
    said = capsys.readouterr().out
    lines = dict(line.split(maxsplit=1) for line in said.split("\n\n")[0].splitlines())
    assert int(lines["cores"]) == os.cpu_count() and lines["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"system", "processor", "memory", "tensorflow", "keras", "scikit-learn"} <= set(lines)
    assert "yes  the sample radiographs are complete" in said and "yes  the Python packages fit" in said
    assert os.path.expanduser("~") not in said and str(ROOT) not in said


def test_doctor_has_a_remedy_for_each_failure(capsys, tmp_path, monkeypatch):
    (tmp_path / "samples").mkdir()
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path / "samples"))
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["numpy>=99", "keras>=3", "no-such-package>=1"])
    monkeypatch.setattr(webbrowser, "get", lambda: (_ for _ in ()).throw(webbrowser.Error("none")))
    (tmp_path / "file").write_text("")
    assert main(["doctor", "--out", str(tmp_path / "file" / "below")]) == 1
    said = capsys.readouterr().out.splitlines()
    refused = {line: remedy for line, remedy in zip(said, said[1:], strict=False) if line.startswith("NO")}
    assert "unfit: numpy, no-such-package" in refused["NO   the Python packages fit"]
    assert "choose another folder" in refused["NO   the folder for results can be written"]
    assert "restore data_samples" in refused["NO   the sample radiographs are complete"]
    assert "open the address" in refused["NO   there is a browser for JupyterLab"]
    assert said[-1] == "Follow the remedy of each NO, then ask again."
