"""Measure what the data card says of the simulated radiographs, and write it there.

    python -m tools.measure               everything, about 40 minutes on two cores
    python -m tools.measure band speed    only these; the other rows of measured.csv stay as they are

The rows go to data_samples/measured.csv, and from there into the tables of data_samples/README.md. `transfer` reads
pneumoniamnist.npz in the folder that the environment variable DHL_REAL_DATA names, opens its test split once a run, and
is left out where the file is absent. Nothing measured here chooses anything of the shipped samples.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from data_samples import simulate
from dhl_helpers.course import COMMITTED
from dhl_helpers.files import write

from .independence import independence

SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"
FRESH_SEED, FRESH_IMAGES = 77, 3700  # another stream of patients, more than 2,000 of them of site A
SEEDS = range(10)
IMAGE_SIZE, EPOCHS = COMMITTED["IMAGE_SIZE"], COMMITTED["EPOCHS"]


def macro_auc(labels, probabilities):
    """Mean over the classes of the AUC of one class against the rest."""
    return roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")


def grey_levels(images):
    """Mean, standard deviation and 19 quantiles of each image (n, h, w, 1); float64 (n, 21)."""
    flat = images.reshape(len(images), -1) / 255
    return np.column_stack([flat.mean(1), flat.std(1), np.quantile(flat, np.arange(0.05, 1, 0.05), axis=1).T])


def measure_band(fresh):
    """Macro AUC of the article's CNN on fresh patients, for ten training seeds."""
    train, val, _ = dhl.load_dataset("sample", image_size=IMAGE_SIZE).split()
    inside, outside = _by_site(fresh)
    aucs, others = [], []
    for seed in SEEDS:
        cnn = dhl.build_cnn(train.image_shape, train.n_classes, seed)
        dhl.train_cnn(cnn, train, val, EPOCHS, seed)
        for part, found in ((inside, aucs), (outside, others)):
            found.append(macro_auc(part.labels, cnn.predict(part.images, verbose=0)))
        print(f"seed {seed}: macro AUC {aucs[-1]:.3f} at site A, {others[-1]:.3f} at site B", flush=True)
    patients = len(np.unique(inside.patients))
    held = sum(0.82 <= auc <= 0.95 for auc in aucs)
    name = f"macro AUC of the CNN ({EPOCHS} epochs), mean and range of {len(SEEDS)} seeds, {patients} fresh patients"
    yield "band", name, np.mean(aucs), min(aucs), max(aucs)
    yield "band", f"seeds of {len(SEEDS)} with a macro AUC from 0.82 to 0.95", held, None, None
    name = "macro AUC of the same networks on fresh patients of site B"
    yield "band", name, np.mean(others), min(others), max(others)


def measure_greys(fresh):
    """Macro AUC of a logistic regression on grey-level statistics alone: what no anatomy is needed for."""
    train, _, _ = dhl.load_dataset("sample", image_size=IMAGE_SIZE).split()
    inside, _ = _by_site(fresh)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    model.fit(grey_levels(train.images), train.labels)
    auc = macro_auc(inside.labels, model.predict_proba(grey_levels(inside.images)))
    yield "greys", "macro AUC of logistic regression on mean, standard deviation and quantiles", auc, None, None


def measure_independence(fresh):
    """The smallest p value, over the shipped set and over the fresh one."""
    for name, table in (("shipped", pd.read_csv(SAMPLES / "metadata.csv")), ("fresh", fresh.table)):
        found = independence(table)
        weakest = min(found, key=found.get)
        yield ("independence", f"smallest p of {len(found)} tests of class against site, marker, text, age, dose ... "
               f"({name} set: {weakest})", found[weakest], None, None)


def measure_speed(fresh):
    """Images per second at 128 pixels with two processes, their start included."""
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        simulate.generate(600, seed=5, folder=folder, processes=2)
        yield "speed", "images per second at 128 pixels, two processes", 600 / (time.perf_counter() - start), None, None


def measure_transfer(fresh):
    """What a CNN trained on the samples alone knows of real films: pneumonia against normal on PneumoniaMNIST."""
    folder = Path(os.environ.get("DHL_REAL_DATA", SAMPLES.parent / "data"))
    if not (folder / "pneumoniamnist.npz").is_file():
        print("transfer: left out; set DHL_REAL_DATA to a folder with pneumoniamnist.npz.")
        return
    real = dhl.load_dataset("pneumoniamnist", data_dir=folder, image_size=IMAGE_SIZE)
    real_train, _, real_test = real.split()
    train, val, _ = dhl.load_dataset("sample", image_size=IMAGE_SIZE).split()
    for part in (train, val):  # the two questions and the two resolutions become one: 28 pixels, sick or not
        part.images[..., 0] = [_blurred(image) for image in part.images[..., 0]]
        part.labels[:] = part.labels > 0
        part.class_names[:] = ["normal", "pneumonia"]
    untrained, trained = (dhl.build_cnn(train.image_shape, 2, seed=0) for _ in range(2))
    dhl.train_cnn(trained, train, val, EPOCHS, seed=0)
    scores = {"trained on the samples alone, no real film": trained.predict(real_test.images, verbose=0)[:, 1]}
    for name, cnn in (("that CNN's", trained), ("the untrained CNN's", untrained)):
        logistic = LogisticRegression(C=0.01, max_iter=5000)
        head = make_pipeline(dhl.DeepFeatures(dhl.conv_base(cnn)), StandardScaler(), logistic)
        head.fit(real_train.images, real_train.labels)
        scores[f"logistic regression on {name} features, fitted on real training films"] = head.predict_proba(
            real_test.images)[:, 1]
    for name, score in scores.items():
        auc, low, high = _with_interval(real_test.labels, score)
        yield "transfer", f"AUC on PneumoniaMNIST's test films: {name}", auc, low, high


def _by_site(data):
    site = data.table["site"].to_numpy()
    return data.subset(site == "A"), data.subset(site == "B")


def _blurred(image):
    small = Image.fromarray(image).resize((28, 28), Image.Resampling.BOX)
    return np.asarray(small.resize(image.shape, Image.Resampling.BILINEAR))


def _with_interval(labels, score, n_resamples=1000):
    """AUC with a 95 % percentile bootstrap interval over images."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(labels), (n_resamples, len(labels)))
    aucs = [roc_auc_score(labels[draw], score[draw]) for draw in draws]
    return roc_auc_score(labels, score), *np.quantile(aucs, [0.025, 0.975])


def write_card():
    """Put the rows of measured.csv between the markers of README.md."""
    card, table = SAMPLES / "README.md", pd.read_csv(SAMPLES / "measured.csv")
    lines = ["| measured | value | range or 95 % interval |", "|---|---|---|"]
    for row in table.itertuples():
        span = "" if pd.isna(row.low) else f"{row.low:.3f} to {row.high:.3f}"
        lines.append(f"| {row.name} | {row.value:.3f} | {span} |".replace(".000 |", " |"))
    before, rest = card.read_text(encoding="utf-8").split("<!-- measured -->\n")
    after = rest.split("<!-- end -->")[1]
    body = "\n".join(lines)
    write(card, f"{before}<!-- measured -->\n{body}\n<!-- end -->{after}")


MEASURES = {"band": measure_band, "greys": measure_greys, "independence": measure_independence, "speed": measure_speed,
            "transfer": measure_transfer}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help=f"any of {', '.join(MEASURES)}; default: all")
    parser.add_argument("--fresh", type=Path, help="folder that keeps the fresh patients from one run to the next")
    args = parser.parse_args()
    what = args.what or list(MEASURES)
    if unknown := set(what) - set(MEASURES):
        parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(MEASURES)}")
    dhl.start(seed=0)
    with TemporaryDirectory() as passing:
        folder, fresh = args.fresh or Path(passing), None
        if {"band", "greys", "independence"} & set(what):
            if not (folder / "metadata.csv").is_file():
                simulate.generate(FRESH_IMAGES, FRESH_SEED, folder=folder)
            fresh = dhl.load_dataset("sample", data_dir=folder, image_size=IMAGE_SIZE)
        rows = [row for name in what for row in MEASURES[name](fresh)]
    made = pd.DataFrame(rows, columns=["measure", "name", "value", "low", "high"]).round(4)
    file = SAMPLES / "measured.csv"
    if file.is_file():
        kept = pd.read_csv(file)
        made = pd.concat([kept[~kept["measure"].isin(made["measure"])], made])
    made = made.sort_values("measure", key=lambda names: names.map(list(MEASURES).index), kind="stable")
    write(file, made.to_csv(index=False, lineterminator="\n"))
    write_card()
    print(made.to_string(index=False))


if __name__ == "__main__":
    sys.exit(main())
