"""Fixtures: the smallest network, the Kermany layout, and a series of three tiny notebooks."""

import nbformat
import pytest
from helpers import save
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


@pytest.fixture(scope="session", autouse=True)
def own_key(tmp_path_factory):
    """The key that signs pipelines lies in a folder of the tests, not of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DHL_DATA", str(tmp_path_factory.mktemp("data")))
        yield


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


@pytest.fixture
def kermany(tmp_path):
    """The Kermany layout: 6 normal patients, 6 bacterial, 6 viral, two images each, train and test; the tiny val."""
    for part, numbers in (("train", range(4)), ("test", range(4, 6)), ("val", [6])):
        for n in numbers:
            for image in (1, 2):
                save(tmp_path / part / "NORMAL" / f"{['IM', 'NORMAL2-IM'][n % 2]}-{n // 2:04}-{image:04}.jpeg")
                save(tmp_path / part / "PNEUMONIA" / f"person{n}_bacteria_{image}.jpeg")
                save(tmp_path / part / "PNEUMONIA" / f"person{n}_virus_{image}.jpeg")
    save(tmp_path / "__MACOSX" / "train" / "NORMAL" / "x.jpeg")
    (tmp_path / "train" / "NORMAL" / ".DS_Store").write_text("")
    (tmp_path / "train" / "NORMAL" / "._IM-0000-0001.jpeg").write_text("resource fork")
    return tmp_path
