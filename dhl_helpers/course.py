"""What makes a notebook part of the course: its start, its committed parameters, its results."""

import importlib.metadata
import platform
from pathlib import Path

from .errors import DataError
from .files import write
from .locks import lock

# Every parameter that decides a result, with the value under which the notebooks are stored. A notebook's own
# parameter cell repeats them, and a test holds the two together; `finding`, `guard` and `claim` are strict only where
# all of them hold.
COMMITTED = {
    "DATASET": "sample",
    "DATA_DIR": "",
    "OPTIONS": {},
    "IMAGE_SIZE": 96,
    "EPOCHS": 24,
    "SEED": 0,
    "WEIGHTS": "",
    "PRETRAINED": "DenseNet121",
    "PRETRAINED_WEIGHTS": "",
    "BASE": "",
    "SAVE": "",
    "BENCHMARK_DIR": "",
}

_PACKAGES = ("tensorflow", "keras", "scikit-learn", "xgboost", "imbalanced-learn", "numpy", "pandas")


def start(seed=0):
    """Seed every random stream, quieten the logs, set the style of the figures.

    Parameters
    ----------
    seed : int
        Seed of Python's, NumPy's and TensorFlow's random streams.

    Returns
    -------
    dict of str to str
        The versions in use, by package.
    """
    from ._keras import keras
    from .plots import use_style

    keras.utils.set_random_seed(seed)
    use_style()
    return versions()


def versions():
    """dict of str to str: the versions in use, by package."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        for name in (package, f"{package}-cpu"):  # the same code under two names; see pyproject.toml
            try:
                found[package] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
    return found


def record(results, notebook, method, report, seconds=None):
    """Append a report to the table of results of a run.

    Parameters
    ----------
    results : str
        The CSV file, made when absent. Empty: nothing is written.
    notebook, method : str
        Which notebook measured, and what.
    report : pandas.DataFrame
        From `evaluate`: columns metric, value, low, high.
    seconds : float, optional
        Wall-clock seconds of training, features included.

    Raises
    ------
    DataError
        If the file holds something else.
    """
    if not results:
        return
    from .tables import plain

    file, columns = Path(results), ["notebook", "method", "metric", "value", "low", "high", "seconds"]
    header = ",".join(columns) + "\n"
    rows = report[["metric", "value", "low", "high"]].assign(notebook=notebook, method=plain(method), seconds=seconds)
    rows["metric"] = rows["metric"].map(plain)
    file.parent.mkdir(parents=True, exist_ok=True)
    with lock(file.with_name(f".dhl-lock-{file.name}")):
        before = file.read_text(encoding="utf-8") if file.exists() else header
        if not before.startswith(header):
            raise DataError(f"{file}: holds something else than results of the notebooks. Give RESULTS another name.")
        write(file, before + rows[columns].to_csv(index=False, header=False, lineterminator="\n"))
