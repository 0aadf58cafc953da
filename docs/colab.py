"""For Google Colab: adds what the course needs to a Python that has its own TensorFlow, and leaves that one alone.

The first cell of a notebook clones the repository and runs this file: docs/launch.md.
"""

import importlib.metadata
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

COURSE = Path(__file__).resolve().parents[1]


def installed(name):
    """The version of a package, or None. TensorFlow and XGBoost go by two names."""
    for one in (name, name.removesuffix("-cpu"), f"{name}-cpu"):
        try:
            return importlib.metadata.version(one)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def untouchable():
    """dict of str to str: the versions of TensorFlow, Keras and of everything that they need, as they are here."""
    kept, left = {}, ["tensorflow", "tensorflow-cpu", "keras"]
    while left:
        name = canonicalize_name(left.pop())
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if name not in kept:
            kept[name] = found.version
            needs = map(Requirement, found.requires or [])
            left += [each.name for each in needs if not each.marker or each.marker.evaluate({"extra": ""})]
    return kept


def unfit():
    """list of Requirement: what pyproject.toml declares and what is missing here or too old."""
    declared = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    needed = [each for each in map(Requirement, declared) if not each.marker or each.marker.evaluate()]
    return [each for each in needed if not each.specifier.contains(installed(each.name) or "0", prereleases=True)]


def main():
    """Install what is missing beside the untouchable, make the course importable, go to its notebooks."""
    kept, lacking = untouchable(), unfit()
    fixed = {*kept, "tensorflow", "tensorflow-cpu"}
    wanted = [f"{each.name}{each.specifier}" for each in lacking if canonicalize_name(each.name) not in fixed]
    loaded = importlib.metadata.packages_distributions()
    before = {name: installed(name) for module in {*sys.modules} & {*loaded} for name in loaded[module]}
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "kept.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in kept.items()))
        if wanted:
            subprocess.run([*pip, "--constraint", constraints, *wanted], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", COURSE], check=True)
    sys.path.insert(0, str(COURSE))
    os.environ["PYTHONPATH"] = str(COURSE)
    os.chdir(COURSE / "notebooks")
    importlib.invalidate_caches()
    for each in lacking:
        if canonicalize_name(each.name) in fixed:
            print(f"Left as it is: {each.name} {installed(each.name)}. The course was made with {each.specifier}.")
    changed = sorted(name for name, version in before.items() if installed(name) != version)
    if changed:
        print(f"Restart the runtime and run this cell again: {', '.join(changed)} was in use and is newer now.")
    else:
        print("Ready.")


if __name__ == "__main__":
    main()
