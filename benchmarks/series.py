"""Where the processor seconds of the series go: each notebook's kernel is looked at a hundred times a second.

Processor seconds, of all cores together, because other work on the machine does not count in them.
"""

import json
from pathlib import Path

import nbformat
import pandas as pd
from measure import HERE, into, show
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from dhl_helpers.commands._series import own_kernel, select
from dhl_helpers.files import temporary_folder, write

# Runs in the kernel. An import counts as one whatever it executes; else the innermost frame that one of the words fits
# says what a moment was spent on. A moment lasts until the next look, however long the interpreter was held up in
# between. The clock is that of the kernel's processor time, all threads together.
SAMPLER = '''
import sys, threading, time
KINDS = [("loading", "dhl_helpers/pixels/"), ("loading", "dhl_helpers/data.py"), ("features", "dhl_helpers/deep.py"),
         ("features", "dhl_helpers/handcrafted.py"), ("evaluation", "dhl_helpers/evaluation.py"),
         ("evaluation", "dhl_helpers/measures.py"), ("training", "keras/src/backend/tensorflow/trainer.py"),
         ("heads", "/sklearn/"), ("heads", "/xgboost/"),
         ("heads", "/imblearn/"), ("figures", "/matplotlib"), ("figures", "/seaborn/"),
         ("figures", "dhl_helpers/plots.py")]

def kind(frame):
    names = []
    while frame:
        names.append(frame.f_code.co_filename)
        frame = frame.f_back
    if not any("ipython-input" in name or "/ipykernel_" in name for name in names) and "matplotlib" not in str(names):
        return "waiting"
    if any("importlib._bootstrap" in name for name in names):
        return "imports"
    for name in names:
        for label, word in KINDS:
            if word in name:
                return label
    return "other"

def look(main, spent):
    last = time.process_time()
    while not DHL_END.wait(0.01):
        now = time.process_time()
        label = kind(sys._current_frames().get(main))
        spent[label] = spent.get(label, 0) + now - last
        last = now

DHL_SPENT, DHL_END = {}, threading.Event()
threading.Thread(target=look, args=(threading.get_ident(), DHL_SPENT), daemon=True).start()
'''
REPORT = "import json\nDHL_END.set()\nopen(%r, 'w').write(json.dumps(DHL_SPENT | {'all': time.process_time()}))"
KINDS = ["imports", "loading", "training", "features", "heads", "evaluation", "figures", "other", "kernel"]


def profile(path):
    """Processor seconds of a notebook by what they were spent on; "kernel" is its start and the messages to and fro."""
    notebook = nbformat.read(path, as_version=4)
    with temporary_folder() as folder, own_kernel() as kernel:
        told = Path(folder, "spent.json")
        notebook.cells.insert(0, new_code_cell(SAMPLER))
        notebook.cells.append(new_code_cell(REPORT % str(told)))
        where = {"metadata": {"path": path.parent}}
        NotebookClient(notebook, timeout=900, kernel_name=kernel, resources=where).execute()
        spent = json.loads(told.read_text())
    known = sum(spent.get(kind, 0) for kind in KINDS)
    return {"notebook": path.stem, **spent, "kernel": spent["all"] - known}


def main(only=""):
    rows = []
    for path in select(only=only):
        rows.append(profile(path))
        show(pd.DataFrame(rows[-1:]))
    table = pd.DataFrame(rows, columns=["notebook", *KINDS, "all"]).fillna(0)
    table.loc[len(table)] = ["all", *table.drop(columns="notebook").sum()]
    write(HERE / "series.csv", table.round(1).to_csv(index=False, lineterminator="\n"))
    into("CONTRIBUTING.md", "profile", table.set_index("notebook").map("{:.1f}".format).reset_index())


if __name__ == "__main__":
    main()
