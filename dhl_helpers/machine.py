"""Is this machine ready for the course? Its facts, and the questions that matter, each with a remedy."""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import tempfile
from pathlib import Path

from .course import versions
from .files import digest
from .readers import sample

MEMORY, DISK = 2.5e9, 1e9  # bytes that should be free


def facts():
    """What a bug report needs to know of a machine, nothing personal and no paths: dict of str to str."""
    import psutil

    memory = psutil.virtual_memory()
    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB of it free",
        **versions(),
    }


def check_machine(folder=""):
    """Answer the questions that decide whether the course runs here, and say what to do about each *NO*.

    Parameters
    ----------
    folder : str or path
        Where results will be written; empty: the folder for temporary files.

    Returns
    -------
    bool
        Whether every answer is yes.
    """
    import psutil

    folder = Path(folder or tempfile.gettempdir())
    unfit, free = unfit_packages(), psutil.virtual_memory().available
    questions = [
        ("the Python packages fit", not unfit,
         f"delete the folder .venv and run `make course`; unfit: {', '.join(unfit)}"),
        ("2.5 GB of memory are free", free > MEMORY, "close other programs, browser tabs and idle notebooks"),
        ("1 GB of disk is free", _free(folder) > DISK, "make room, or write the results to another disk"),
        ("the folder for results can be written", _writable(folder), f"choose another folder than {folder}"),
        ("the sample radiographs are complete", samples_are_complete(), "restore data_samples from the clone"),
    ]  # fmt: skip
    for question, fine, remedy in questions:
        print(f"{'yes' if fine else 'NO '}  {question}" + ("" if fine else f"\n     {remedy}"))
    ready = all(fine for _, fine, _ in questions)
    print("Your machine is ready." if ready else "Follow the remedy of each NO, then ask again.")
    return ready


def unfit_packages():
    """The declared packages that are missing or of another version than the course declares: list of str."""
    from packaging.requirements import Requirement

    declared = [Requirement(line) for line in importlib.metadata.requires("dhl-helpers") or []]
    return [each.name for each in declared if (not each.marker or each.marker.evaluate()) and not _fits(each)]


def samples_are_complete():
    """Whether the sample images are the shipped ones, bit for bit: their digest is that of data_samples/CHECKSUM."""
    import pandas as pd

    whole, folder = hashlib.sha256(), sample.folder()
    try:
        for path in pd.read_csv(folder / "metadata.csv", dtype=str)["path"]:
            whole.update(bytes.fromhex(digest(folder / path)))
        return whole.hexdigest() == (folder / "CHECKSUM").read_text(encoding="utf-8").split()[0]
    except (OSError, ValueError, KeyError, IndexError):
        return False


def _fits(requirement):
    """Whether a package is there in a version that fits; TensorFlow and XGBoost go by two names."""
    for name in {requirement.name, requirement.name.removesuffix("-cpu")}:
        try:
            return requirement.specifier.contains(importlib.metadata.version(name), prereleases=True)
        except importlib.metadata.PackageNotFoundError:
            continue
    return False


def _free(folder):
    """Free bytes on the disk of a folder that need not be there yet."""
    there = next((each for each in [folder, *folder.absolute().parents] if each.exists()), Path("/"))
    return shutil.disk_usage(there).free


def _writable(folder):
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return True
    except OSError:
        return False
