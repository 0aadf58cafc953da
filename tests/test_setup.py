"""The set-up: pins, conda environment, make targets, licences."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from helpers import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
PINNED = {  # each file of pins and what it must hold
    "requirements.txt": PROJECT["project"]["dependencies"] + GROUPS["test"],
    "docs/requirements.txt": GROUPS["book"],
    "docs/instructor/requirements.txt": GROUPS["classroom"],
}
each_file = pytest.mark.parametrize("file", PINNED)
SUPPORTED = SpecifierSet(PROJECT["project"]["requires-python"])
REFERENCE = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
PLATFORMS = [("linux", "x86_64", "posix"), ("linux", "aarch64", "posix"), ("darwin", "arm64", "posix"),
             ("win32", "AMD64", "nt")]  # fmt: skip


def pins(file):
    """Requirement and hashes of each line of a file of pins."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.sub(r"#.*", "", text).splitlines():
        if line.strip():
            requirement, *hashes = line.split("--hash=")
            yield Requirement(requirement.strip()), [value.strip() for value in hashes]


def applies(requirement, python, platform, machine, os_name):
    environment = {
        "python_version": python, "python_full_version": f"{python}.1", "sys_platform": platform,
        "platform_machine": machine, "os_name": os_name, "implementation_name": "cpython",
    }  # fmt: skip
    return requirement.marker is None or requirement.marker.evaluate(environment)


@each_file
def test_every_pin_is_exact_and_hashed(file):
    for pin, hashes in pins(file):
        assert len(pin.specifier) == 1 and next(iter(pin.specifier)).operator == "==", pin
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), pin


@each_file
def test_pins_hold_no_download_address(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text and " @ " not in text


@each_file
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", PLATFORMS, ids="-".join)
def test_pins_agree_with_pyproject(python, platform, file):
    here = {}
    for pin, _ in pins(file):
        if applies(pin, python, *platform):
            name = canonicalize_name(pin.name)
            assert name not in here, f"{name} is pinned twice"
            here[name] = next(iter(pin.specifier)).version
    for requirement in map(Requirement, PINNED[file]):
        if applies(requirement, python, *platform):
            version = here.get(canonicalize_name(requirement.name))
            assert version, f"{requirement.name} is declared but not pinned: make pins"
            assert requirement.specifier.contains(version), f"{requirement} but {version} is pinned: make pins"


def test_each_dependency_says_what_needs_it():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    for before, line in itertools.pairwise(lines):
        if line.startswith('    "') and "tensorflow" not in line and "xgboost" not in line:
            assert "#" in line or before.strip().startswith("#"), line


def test_installed_versions_are_the_pinned_ones():
    machine = {"linux": "x86_64", "darwin": "arm64", "win32": "AMD64"}.get(sys.platform, "")
    here = f"{sys.version_info[0]}.{sys.version_info[1]}", sys.platform, machine, os.name
    different = [
        f"{pin} but {metadata.version(pin.name)} is installed" for pin, _ in pins("requirements.txt")
        if applies(pin, *here) and not pin.specifier.contains(metadata.version(pin.name))
    ]  # fmt: skip
    assert not different


def test_conda_environment_takes_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"][0] == "conda-forge"
    assert f"python={REFERENCE}" in environment["dependencies"]
    assert environment["dependencies"][-1] == {"pip": ["-r requirements.txt"]}
    assert SUPPORTED.contains(f"{REFERENCE}.0")


def test_ci_calls_the_test_command():
    script = ROOT / ".ci" / "run"
    assert "make test\n" in script.read_text(encoding="utf-8")
    assert os.name == "nt" or os.access(script, os.X_OK)
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]["test"]
    assert {name.split("-")[0] for name in job["strategy"]["matrix"]["os"]} == {"ubuntu", "macos", "windows"}
    assert any(step.get("run", "").startswith("make test") for step in job["steps"])


def test_what_stands_beside_the_course():
    """All YAML files parse; citation, change log and package tell one version; the templates ask for what is needed."""
    project = PROJECT["project"]
    pages = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / ".github").rglob("*.yml")}
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"] and citation["license"] == project["license"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    asked = [field["attributes"]["label"].lower() for field in pages["bug.yml"]["body"]]
    assert [any(word in label for label in asked) for word in ("notebook", "cell", "environment")] == [True] * 3
    weekly = [step.get("run", "") for step in pages["newest.yml"]["jobs"]["newest"]["steps"]]
    assert any("--nbval-lax" in line for line in weekly) and not any("requirements.txt" in line for line in weekly)


def test_licences():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert "CC-BY-4.0" in (ROOT / "LICENSE-CC-BY-4.0").read_text(encoding="utf-8")


needs_make = pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="needs a POSIX make")


@pytest.fixture
def bare(tmp_path):
    """A folder with what make needs and no .venv."""
    (tmp_path / "docs" / "instructor").mkdir(parents=True)
    for name in ("Makefile", *PINNED, "pyproject.toml", ".python-version"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def install(folder):
    """Pretend that the environments are set up."""
    for name in (".venv", ".venv-classroom", ".venv-book"):
        (folder / name).mkdir()
        (folder / name / ".installed").touch()


def make(folder, *arguments):
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


@needs_make
@pytest.mark.parametrize("minor", range(9, 16))
def test_a_python_that_the_pins_do_not_serve_is_refused(bare, minor):
    """A stand-in for python says that it is another version; no virtual environment may come of a refused one."""
    python = bare / "python"
    pretend = f"import sys; sys.version_info = (3, {minor}, 0, 'final', 0); exec(sys.argv[1])"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} -c "{pretend}" "$2"\nexit 1\n')
    python.chmod(0o755)
    for target in ("course", "test"):
        done = make(bare, target, f"PYTHON={python}")
        said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
        assert done.returncode and not (bare / ".venv").exists()
        if SUPPORTED.contains(f"3.{minor}.0"):
            assert not said
        else:
            assert len(said) == 1 and f"needs Python 3.11, 3.12 or 3.13 and this is 3.{minor}" in said[0]


@needs_make
def test_a_second_call_does_not_install_again(bare):
    assert "pip install" in make(bare, "-n", "course").stdout
    install(bare)
    targets = "course test test-all lab assignment slides book book-teacher test-book lint"
    for target in targets.split():
        commands = make(bare, "-n", target).stdout
        assert commands and "pip install" not in commands and "-m venv" not in commands, target


@needs_make
def test_make_targets(bare):
    install(bare)
    assert "dhl_helpers run" in make(bare, "-n", "course").stdout
    lab = make(bare, "-n", "lab").stdout
    assert "dhl_helpers student" in lab and "jupyter lab --config .jupyter/lab.json" in lab
    # The clone is the root of the server, so the links from a copy to the docs work.
    settings = json.loads((ROOT / ".jupyter" / "lab.json").read_text(encoding="utf-8"))
    assert settings["LabApp"]["default_url"] == "/lab/tree/my_course/00_start_here.ipynb"
    assert settings["MappingKernelManager"]["cull_idle_timeout"] == 600
    assert "ruff check ." in make(bare, "-n", "lint").stdout
    assert "dhl_helpers exam --seed 7" in make(bare, "-n", "exam", "SEED=7").stdout
    assert "DHL_EXAM_SEED=7 " in make(bare, "-n", "book-teacher", "SEED=7").stdout
    assert "DHL_EXAM_SEED= " not in make(bare, "-n", "book-teacher").stdout


@pytest.mark.slow
def test_installed_size():
    size = sum(path.stat().st_size for path in Path(sys.prefix).rglob("*") if path.is_file() and not path.is_symlink())
    assert size < 2.2e9
