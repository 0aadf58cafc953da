"""What makes a notebook part of the course: its start, its claims, its results."""

import importlib.metadata
import os
import platform
import sys

# Every parameter that decides a result, with the value under which the notebooks are stored. A notebook's own
# parameter cell repeats them, and a test holds the two together; `claim` is strict only where all of them hold.
COMMITTED = {
    "DATASET": "sample",
    "DATA_DIR": "",
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


def claim(text, holds):
    """Print a claim, and fail if it stopped being true on the data and parameters that it was written for.

    Parameters
    ----------
    text : str
        A sentence that can be false, with its numbers formatted in.
    holds : bool
        Whether the measurements bear it out.

    Raises
    ------
    AssertionError
        If `holds` is false under the committed parameters. On other data or parameters the line
        "Does not hold here: ..." is printed instead, and the notebook goes on.
    """
    parameters = vars(sys.modules["__main__"])  # a notebook's variables live there
    if holds:
        print(f"Holds: {text}")
    elif all(parameters.get(name, value) == value for name, value in COMMITTED.items()):
        raise AssertionError(f"This claim of the course no longer holds: {text}")
    else:
        print(f"Does not hold here: {text}")


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
    """
    if results:
        rows = report[["metric", "value", "low", "high"]].assign(notebook=notebook, method=method, seconds=seconds)
        columns = ["notebook", "method", "metric", "value", "low", "high", "seconds"]
        rows[columns].to_csv(results, mode="a", index=False, header=not os.path.exists(results))
