"""Binder, Colab and the dev container, as far as they can be checked without them; and the one address they share."""

import importlib.util
import json
import os
import re
import tomllib

import nbformat
import pytest
from helpers import ROOT
from packaging.requirements import Requirement

REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["book"]["repository"]


@pytest.fixture
def colab():
    """docs/colab.py as a module; it is no part of the package."""
    place = importlib.util.spec_from_file_location("colab", ROOT / "docs" / "colab.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def test_the_address_is_the_same_everywhere():
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", REPOSITORY)
    name = REPOSITORY.rpartition("/")[2]
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*"), *ROOT.glob("notebooks/*.ipynb"), ROOT / "CITATION.cff"]
    found = {}
    for path in files:
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            found |= {address: path.name for address in re.findall(rf"https://github\.com/[\w.-]+/{name}", text)}
    assert set(found) == {REPOSITORY}


def test_binder_installs_the_pinned_packages_and_the_course():
    binder = ROOT / ".binder"
    assert (binder / "runtime.txt").read_text().strip() == f"python-{(ROOT / '.python-version').read_text().strip()}"
    assert "-r ../requirements.txt" in (binder / "requirements.txt").read_text().splitlines()
    post = (binder / "postBuild").read_text()
    assert "--no-deps --no-build-isolation --editable ." in post and "set -euo pipefail" in post
    assert os.name == "nt" or os.access(binder / "postBuild", os.X_OK)


def test_the_dev_container_calls_a_target_of_the_makefile():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["image"] == f"python:{(ROOT / '.python-version').read_text().strip()}"
    assert container["postCreateCommand"] == "make .venv/.installed"


def test_the_first_cell_for_colab_is_the_one_in_the_docs():
    cells = nbformat.read(ROOT / "docs" / "colab.ipynb", as_version=4).cells
    cell = next(cell.source for cell in cells if cell.cell_type == "code")
    assert f"```ipython3\n{cell}\n```" in (ROOT / "docs" / "launch.md").read_text(encoding="utf-8")
    assert "/content/course/docs/colab.py" in cell


def test_colab_keeps_tensorflow_and_all_it_needs(colab):
    kept = colab.untouchable()
    assert {"keras", "numpy", "protobuf", "h5py"} <= kept.keys()
    assert {"tensorflow", "tensorflow-cpu"} & kept.keys()
    assert colab.unfit() == [], "the packages here are the declared ones"


def test_colab_installs_what_is_missing_and_says_what_is_older(colab, monkeypatch, capsys, tmp_path):
    """On a machine without imbalanced-learn and with an older TensorFlow, by what pip is asked to do."""
    real, asked = colab.installed, []
    older = {"tensorflow-cpu": "2.18.0", "tensorflow": "2.18.0", "imbalanced-learn": None}
    monkeypatch.setattr(colab, "installed", lambda name: older[name] if name in older else real(name))

    def pip(command, check):
        constraints = command[command.index("--constraint") + 1].read_text() if "--constraint" in command else ""
        asked.append((command[5:], constraints))

    monkeypatch.setattr(colab.subprocess, "run", pip)
    monkeypatch.setattr(colab.sys, "path", list(colab.sys.path))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.chdir(tmp_path)
    colab.main()
    (first, constraints), (second, _) = asked
    assert [Requirement(name).name for name in first[2:]] == ["imbalanced-learn"]
    assert re.search(r"^numpy==\d", constraints, re.MULTILINE) and re.search(r"^keras==\d", constraints, re.MULTILINE)
    assert second[:2] == ["--no-deps", "--editable"]
    said = capsys.readouterr().out
    assert "Left as it is: tensorflow-cpu 2.18.0" in said or "Left as it is: tensorflow 2.18.0" in said
    assert os.getcwd() == str(ROOT / "notebooks")
