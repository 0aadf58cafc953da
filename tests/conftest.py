"""Shared by the tests: where things are, and a series of three tiny notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = Path(os.environ.get("DHL_REAL_DATA", ROOT.parent / "shared" / "data"))


def real(name):
    """The path of a real data set; the test is skipped where it is absent."""
    if not (REAL_DATA / name).exists():
        pytest.skip(f"no {name} in {REAL_DATA}; set DHL_REAL_DATA to the folder of the real radiographs")
    return REAL_DATA / name


def radiographs(labels, patients=None, split=None, size=8, seed=0):
    """A loaded data set of noise that is brighter for a higher label; each image its own patient if not told."""
    from dhl_helpers.data import Radiographs

    labels = np.asarray(labels)
    images = np.random.default_rng(seed).normal(50 + 60 * labels.reshape(-1, 1, 1, 1), 25, (len(labels), size, size, 1))
    table = pd.DataFrame({"path": [f"{row}.png" for row in range(len(labels))]})
    table["patient_id"] = np.arange(len(labels)) if patients is None else patients
    if split is not None:
        table["split"] = split
    names = [f"class {label}" for label in range(labels.max() + 1)]
    return Radiographs(images.clip(0, 255).astype(np.uint8), labels, names, table, "made")


def left_by_a_dead_process(name):
    """A temporary name as a process of this machine had it that has ended: here one that only printed its number."""
    code = f"from dhl_helpers.files import _temporary; print(_temporary({name!r}))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def cnn():
    """The article's network at its smallest size, untrained."""
    import dhl_helpers as dhl

    return dhl.build_cnn((76, 76, 1), 2, seed=0)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder with three notebooks of a second or two each: a result and a figure; an exercise; ways to fail."""
    folder = tmp_path_factory.mktemp("series")
    common = 'EPOCHS = 3  # passes\nRATE = 0.5\nNAME = "a"\nRESULTS = ""\nOUT_DIR = ""'

    def write(name, parameters, *cells):
        top = [new_markdown_cell(f"# {name}\n\nThe aim. More.\n\n**Time** Run: 990 s (measured)")]
        top.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        notebook = new_notebook(cells=top + list(cells))
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / f"{name}.ipynb")

    write(
        "00_first", common,
        new_code_cell("import sys, os\nprint(sys.executable)\nprint(os.getcwd())\nprint('NAME is', NAME)"),
        new_code_cell(
            "import dhl_helpers as dhl, pandas as pd\n"
            "table = pd.DataFrame({'metric': ['auc'], 'value': [0.9], 'low': [0.8], 'high': [0.95]})\n"
            "dhl.record(RESULTS, '00', 'CNN', table, seconds=2.5)\ndhl.claim('three passes', EPOCHS == 3)"
        ),
        new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"),
        new_markdown_cell('*Figure: a line that "rises". It is straight.*'),
    )  # fmt: skip
    write(
        "01_second", common + "\nPAUSE = 0",
        new_code_cell("import time\nif PAUSE:\n    open(OUT_DIR + '/pausing', 'w').close()\ntime.sleep(PAUSE)"),
        new_code_cell("def twice(x):\n    ### BEGIN SOLUTION\n    y = 2 * x\n    return y\n    ### END SOLUTION"),
        new_code_cell(
            "import dhl_helpers as dhl\n_ = dhl.check(twice, [('doubles', lambda f: f(2) == 4, 'Multiply by two.')])"
        ),
    )  # fmt: skip
    write(
        "02_third", common + '\nDATASET = "sample"\nDATA_DIR = ""\nFAIL = ""',
        new_code_cell("import os\nif FAIL == 'raise':\n    raise RuntimeError('on purpose')"),
        new_code_cell("if FAIL == 'die':\n    os._exit(3)"),
        new_code_cell("print('the end')"),
    )  # fmt: skip
    return folder
