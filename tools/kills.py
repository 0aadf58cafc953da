"""Kill what the course does at random moments, start it again, and compare with what an undisturbed run leaves.

    python -m tools.kills [--tries 200] [--only student,run] [--seed 0]

Each try is a process of its own that is killed (SIGKILL) at a moment drawn uniformly from the time that the undisturbed
run took; then the same is done again to its end. The files must be those of the undisturbed run, byte for byte, and
nothing temporary may be left. Times differ between any two runs: notebooks and the columns of seconds are left out of
the comparison, and of a pipeline the threshold, the names and the checksums are compared. The processes share what is
imported, which TensorFlow does not survive, so a stand-in takes the place of each network and of the measuring of the
benchmark; all that writes is the course's own. POSIX only.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from nbformat import v4, write
from PIL import Image

SHARES = {"extract": 50, "cache": 40, "student": 40, "save": 30, "run": 25, "benchmark": 15}  # of 200 tries
IMAGES = np.random.default_rng(0).integers(0, 256, (96, 32, 32, 1), np.uint8)


class Network:
    """Stands for a network: features are grey levels."""

    input_shape, output_shape = (None, 32, 32, 1), (None, 32)

    def to_json(self):
        return "{}"

    def get_weights(self):
        return []

    def save(self, path):
        with open(path, "wb") as file:
            for number in range(50):
                file.write(bytes([number]) * 5000)
                file.flush()


def deep():
    from dhl_helpers import DeepFeatures, engines

    def run(base, images, *_):
        time.sleep(0.002)
        return images[:, 0, :, 0].astype(np.float32)

    engines.run = run
    return DeepFeatures(Network())


def extract(folder):
    from dhl_helpers.scale import extract as to_file
    from dhl_helpers.scale import store

    store.PIECE = 4
    to_file(deep(), IMAGES, folder / "features.zarr")
    return files(folder)


def cache(folder):
    from dhl_helpers import cache as kept

    kept.PIECE = 4
    transformer = deep()
    transformer.cache_dir = folder
    features = transformer.transform(IMAGES)
    return files(folder) | {"features": features.tobytes()}


def student(folder):
    command("student", "--notebooks", series(folder), "--out", folder)
    return files(folder)


def save(folder):
    from sklearn.pipeline import make_pipeline

    import dhl_helpers as dhl
    from dhl_helpers import pipeline_files
    from dhl_helpers.data import Radiographs

    pipeline_files.check_network = lambda *_: None
    labels = np.arange(len(IMAGES)) % 2
    table = pd.DataFrame({"path": "", "patient_id": np.arange(len(IMAGES))})
    data = Radiographs(IMAGES, labels, ["a", "b"], table, "made")
    model = make_pipeline(deep(), dhl.make_head("logistic")).fit(IMAGES, labels)
    for threshold in (0.3, 0.4, 0.5):
        dhl.save_pipeline(folder / "pipeline", model, data, threshold)
    pipeline_files.checked(folder / "pipeline")
    card = json.loads((folder / "pipeline" / "pipeline.json").read_text())
    return {"threshold": card["operating_point"]["threshold"], "names": sorted(files(folder))}


def run(folder):
    command("run", "--notebooks", series(folder), "--out", folder)
    made = {name: content for name, content in files(folder).items() if not name.startswith("interrupted-")}
    return {name: content if name.startswith(("results.csv", "work/")) else "" for name, content in made.items()}


def series(folder):
    """Three notebooks, each with a row for the results and a file in its working folder."""
    place = folder.with_name("series")
    place.mkdir(exist_ok=True)
    for number in range(3):
        code = ("import dhl_helpers as dhl, pandas as pd\nfrom pathlib import Path\n"
                "table = pd.DataFrame({'metric': ['auc'], 'value': [0.9], 'low': [0.8], 'high': [0.95]})\n"
                f"dhl.record(RESULTS, '0{number}', 'CNN', table)\n"
                f"_ = Path(OUT_DIR, 'made-{number}.txt').write_text('made')")  # fmt: skip
        cells = [v4.new_markdown_cell(f"# 0{number}\n\nThe aim.", id="title"),
                 v4.new_code_cell('RESULTS = ""\nOUT_DIR = ""', id="set", metadata={"tags": ["parameters"]}),
                 v4.new_code_cell(code, id="code")]  # fmt: skip
        notebook = v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        if not (place / f"0{number}_made.ipynb").exists():
            write(notebook, place / f"0{number}_made.ipynb")
    return place


def benchmark(folder):
    from dhl_helpers.benchmark import protocol, workbench

    def measure(bench, model, drawn):
        time.sleep(0.005)
        rows = pd.DataFrame({"metric": ["macro AUC", "accuracy"], "value": 0.5, "low": 0.4, "high": 0.6})
        seconds = dict.fromkeys(("seconds_base", "seconds_features", "seconds_head"), 1.0)
        return rows.assign(**model._asdict(), part="test", chosen="", **seconds)

    protocol.measure, protocol.rows_each, protocol.references = measure, lambda _: 2, lambda *_: None
    workbench.Workbench = lambda *_: None
    films = folder.with_name("films")
    if not films.exists():
        for number in range(60):
            film = np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)
            (films / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(film).save(films / "ab"[number % 2] / f"{number}.png")
    command("benchmark", "--dataset", "folder", "--data-dir", films, "--out", folder, "--seeds", 2, "--image-size", 28,
            "--heads", "logistic", "--cache", folder.with_name("kept"))  # fmt: skip
    return files(folder)


def command(*words):
    from dhl_helpers.__main__ import main

    if code := main([str(word) for word in words]):
        raise SystemExit(code)


def files(folder):
    """The files of a folder, by name."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def child(work, folder, told=None):
    """Start `work` in a process that shares what is already imported; returns its number."""
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        warnings.simplefilter("ignore")
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        result = work(folder)
        left = [name for name in files(folder) if ".dhl-" in name]
        if told:
            told.write_text(repr((result, left)))
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def kill(kind, tries, place, draw):
    """Kill and repeat one kind of work; returns kills and differences."""
    work, told = globals()[kind], place / "told"
    begin = time.monotonic()
    os.waitpid(child(work, place / "whole", told), 0)
    seconds, whole = time.monotonic() - begin, told.read_text()
    kills, different = 0, []
    for number in range(tries):
        folder = place / f"out{number}"
        victim = child(work, folder)
        time.sleep(draw.uniform(0, seconds))
        os.kill(victim, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(victim, 0)[1])
        told.unlink(missing_ok=True)
        os.waitpid(child(work, folder, told), 0)
        if not told.exists() or told.read_text() != whole:
            different.append(number)
    print(f"{kind:<10}{tries:4d} tries {kills:4d} killed before the end {len(different):4d} different {different}",
          flush=True)  # fmt: skip
    return kills, len(different)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=200, help="in all, shared out over the kinds")
    parser.add_argument("--only", default=",".join(SHARES), help="some of the kinds")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    import papermill  # noqa: F401  so that the children need not import it

    import dhl_helpers.benchmark.protocol
    import dhl_helpers.pipeline  # noqa: F401

    kinds = args.only.split(",")
    shares = {kind: max(1, round(args.tries * SHARES[kind] / sum(SHARES[kind] for kind in kinds))) for kind in kinds}
    counts = []
    for kind, tries in shares.items():
        with tempfile.TemporaryDirectory(prefix="kills-") as place:
            counts.append(kill(kind, tries, Path(place), random.Random(f"{args.seed} {kind}")))
    kills, different = map(sum, zip(*counts, strict=True))
    print(f"{kills} kills, {different} with other files after starting again")
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
