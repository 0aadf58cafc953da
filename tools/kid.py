"""How far simulated films are from real ones, as a share of how far one real hospital is from another.

    python -m tools.kid STEP        measure the films that the simulator makes now, and write the card
    python -m tools.kid --samples   the same for the shipped samples
    python -m tools.kid --card      only write the table into data_samples/README.md again

The kernel distance (KID; Binkowski et al., ICLR 2018: unbiased, for small samples, cubic polynomial kernel) between two
collections on frozen features: EfficientNet-Lite0 with ImageNet weights, pooled, 192 pixels; where the course cannot
load it, the random filters of compare_real.py. The features see every film at the same 64 pixels, because the real NIH
films here have no more. 120 films per draw, 100 draws; the value is the mean, the interval 95 % of the draws.

children   simulated children against Kermany's training films, divided by NIH against Kermany
adults     simulated adults against NIH, divided by the same
at 224     simulated children against Kermany at 224 pixels, 1000 KID, with no second collection to divide by
floor      one half of Kermany's films (by patient) against the other, divided by NIH against Kermany

Real films are read from the folder that DHL_REAL_DATA names (default ../shared/data). Labels and test folders are not
read. The rows go to data_samples/kid.csv.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import dhl_helpers as dhl
from data_samples.simulator import film, patient
from dhl_helpers.files import write
from dhl_helpers.tables import markdown, replace

from .compare_real import random_features

SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"
FILE = SAMPLES / "kid.csv"
COARSE, FINE, SEED, MADE = 64, 224, 404, 240  # pixels; films of this seed serve this comparison only
A_DRAW, DRAWS, INPUT = 120, 100, 192


def read(files, size):
    """Grey films of `size` pixels, area-averaged: uint8 (n, size, size)."""
    opened = (Image.open(file, formats=["PNG", "JPEG"]).convert("L") for file in files)
    return np.stack([np.asarray(image.resize((size, size), Image.Resampling.BOX)) for image in opened])


def shrunk(images, size):
    """The same from 8-bit arrays (n, h, w)."""
    return np.stack([np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))
                     for image in images])


def kermany(folder):
    """Files of Kermany's training films and a group for each patient."""
    files = sorted([*(folder / "chest_xray" / "train").rglob("*.jp*g"),
                    *(folder / "chest_xray_large" / "train").rglob("*.jp*g")])
    files = list({file.name: file for file in files}.values())
    rng = np.random.default_rng(0)
    files = [files[k] for k in rng.permutation(len(files))[: 4 * MADE]]
    who = [re.match(r"(person\d+_[a-z]+|(?:NORMAL2-)?IM-\d+)", file.name).group(0) for file in files]
    return files, np.array(who)


def made(n, young, size):
    """`n` simulated children or adults of the stream of `SEED`."""
    images, number = [], 0
    while len(images) < n:
        who = patient(SEED, number)
        number += 1
        if (who.age < 15) == young:
            images.append(film(who, size=size).pixels)
    return np.stack(images)


def shipped(n, young, size):
    """`n` training films of children or adults of the shipped samples."""
    table = pd.read_csv(SAMPLES / "metadata.csv").query("split == 'train' or split == 'external'")
    table = table[(table["age"] < 15) == young]
    return read([SAMPLES / path for path in table["path"].sample(min(n, len(table)), random_state=0)], size)


def extractor():
    """A function from films (n, size, size) to features (n, d), and its name."""
    try:
        base = dhl.pretrained_base("EfficientNetLite0", (INPUT, INPUT, 3), weights="imagenet")
    except ValueError:  # dhl.DataError included
        return lambda images: random_features(images.astype(float), 1), "random filters"

    def features(images):
        large = np.stack([np.asarray(Image.fromarray(image).resize((INPUT, INPUT), Image.Resampling.BICUBIC))
                          for image in images])
        return dhl.DeepFeatures(base).transform(np.repeat(large[..., None], 3, axis=3))

    return features, "EfficientNet-Lite0"


def kid(one, other):
    """Unbiased squared kernel distance between two sets of features of the same number."""
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    n = len(one)
    same = sum((k.sum() - np.trace(k)) / (n * (n - 1)) for k in (kernel(one, one), kernel(other, other)))
    return same - 2 * kernel(one, other).mean()


def drawn(one, other):
    """The kernel distance in `DRAWS` draws of `A_DRAW` films of either set."""
    rng, found = np.random.default_rng(0), []
    n = min(A_DRAW, len(one), len(other))
    for _ in range(DRAWS):
        found.append(kid(one[rng.permutation(len(one))[:n]], other[rng.permutation(len(other))[:n]]))
    return np.array(found)


def measured(step, source, folder):
    """Rows of the table for one source of simulated films."""
    features, name = extractor()
    files, who = kermany(folder)
    first = np.isin(who, np.random.default_rng(0).permutation(np.unique(who))[::2])
    real = features(read(files, COARSE))
    nih = features(read(sorted((folder / "nih" / "images_001" / "images").glob("*.png")), COARSE))
    unit = drawn(nih, real).mean()
    young, grown = (source(MADE, child, FINE) for child in (True, False))
    rows = {"children": drawn(features(shrunk(young, COARSE)), real) / unit,
            "adults": drawn(features(shrunk(grown, COARSE)), nih) / unit,
            "at 224": 1000 * drawn(features(young), features(read(files[:MADE], FINE))),
            "floor": drawn(real[first], real[~first]) / unit}
    for what, values in rows.items():
        yield step, name, what, values.mean(), *np.quantile(values, [0.025, 0.975])


def write_card():
    """Put the rows of kid.csv into the data card."""
    table = pd.read_csv(FILE)
    table["shown"] = [f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})" for row in table.itertuples()]
    wide = table.pivot_table("shown", ["step", "features"], "measured", aggfunc="last", sort=False).reset_index()
    columns = ["step", "features", "children", "adults", "at 224", "floor"]
    replace(SAMPLES / "README.md", {"kid": markdown(wide[columns])})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="?", help="name of the row")
    parser.add_argument("--samples", action="store_true", help="measure the shipped samples")
    parser.add_argument("--card", action="store_true", help="only write the table")
    args = parser.parse_args()
    folder = Path(os.environ.get("DHL_REAL_DATA", SAMPLES.parents[1] / "shared" / "data"))
    if not args.card:
        if not (args.step or args.samples):
            parser.error("name the step, or give --samples or --card")
        if not (folder / "chest_xray_large" / "train").is_dir() or not (folder / "nih" / "images_001").is_dir():
            print(f"{folder}: set DHL_REAL_DATA to a folder with chest_xray, chest_xray_large and nih.")
            return 1
        step = args.step or "shipped samples"
        rows = pd.DataFrame(measured(step, shipped if args.samples else made, folder),
                            columns=["step", "features", "measured", "value", "low", "high"]).round(4)
        if FILE.is_file():
            kept = pd.read_csv(FILE)
            rows = pd.concat([kept[(kept["step"] != step) | (kept["features"] != rows["features"][0])], rows])
        write(FILE, rows.to_csv(index=False, lineterminator="\n"))
        print(rows.to_string(index=False))
    write_card()
    return 0


if __name__ == "__main__":
    sys.exit(main())
