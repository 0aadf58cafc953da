"""Compare simulated with real chest films by numbers, and write the table into the data card.

    python -m tools.compare_real            about 2 minutes on two cores

Real films are read from the folder that the environment variable DHL_REAL_DATA names (default ../shared/data):
chest_xray/train (Kermany et al.; never its test folder) and nih/images_001 (NIH ChestX-ray14). Labels are not read. The
rows go to data_samples/realism.csv. What is compared, at 64 x 64 pixels because the real NIH films here have no more:

tell apart    AUC, five-fold cross-validated, of logistic regression between simulated and real films on fixed random
              features: one layer of 256 random 7 x 7 filters on films standardised one by one, rectified and averaged
              over the whole film (texture) or over a 4 x 4 grid of places (texture and place), the 32 strongest
              principal components. 0.5: cannot be told apart; 1: always.
mean image    correlation between the two mean images.
grey levels   earth mover's distance between the histograms of all pixels, in grey levels (0 to 255).
spectrum      mean absolute difference of the radial power spectra, each as a share of the whole, in decades.
grey level      mean of a box where that part of the body usually lies, as the sets of films are.
local contrast  ratio, simulated to real, of the mean standard deviation in 7 x 7 pixel windows where lungs usually lie.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage
from scipy.stats import wasserstein_distance
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_samples.simulator import film, patient
from dhl_helpers.files import write

SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"
SIZE, SEED = 64, 404  # SEED: of films that are made for this comparison only
LUNGS = np.s_[14:44, 8:56]  # rows and columns where lungs and heart usually lie
PARTS = {"right lung": np.s_[20:38, 12:22], "left lung": np.s_[20:34, 44:52], "heart": np.s_[34:42, 30:37],
         "upper mediastinum": np.s_[13:20, 29:35], "abdomen": np.s_[57:63, 20:44], "outer edge": np.s_[26:, :3]}


def read(files):
    """Grey squares of `SIZE` pixels: float64 (n, SIZE, SIZE), 0 to 255."""
    opened = (Image.open(file, formats=["PNG", "JPEG"]).convert("L") for file in files)
    return np.stack([np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX), dtype=float) for image in opened])


def shrunk(images):
    """The same from 8-bit arrays (n, h, w)."""
    return np.stack([np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BOX), dtype=float)
                     for image in images])


def real_films(folder):
    """Real training films by collection; those that are absent are left out."""
    found = {"Kermany": sorted((folder / "chest_xray" / "train").rglob("*.jp*g")),
             "NIH": sorted((folder / "nih" / "images_001" / "images").glob("*.png"))}
    return {name: read(files) for name, files in found.items() if files}


def made_films(n, wanted):
    """`n` films of the second stream of those subjects that `wanted` accepts."""
    images, number = [], 0
    while len(images) < n:
        subject = patient(SEED, number)
        number += 1
        if wanted(subject):
            images.append(film(subject).pixels)
    return shrunk(images)


def sample_films(n, wanted):
    """`n` shipped training samples of the rows of metadata.csv that `wanted` accepts."""
    table = pd.read_csv(SAMPLES / "metadata.csv").query("split == 'train' or split == 'external'")
    rows = table[[wanted(row) for row in table.itertuples()]]
    rows = rows.sample(min(n, len(rows)), random_state=0)
    return read([SAMPLES / path for path in rows["path"]])


def random_features(images, cells):
    """Features (n, 256 * cells**2) of one layer of fixed random filters, see the top of this file."""
    rng = np.random.default_rng(0)
    filters = rng.normal(0, 1, (256, 7, 7))
    filters -= filters.mean((1, 2), keepdims=True)
    images = images - images.mean((1, 2), keepdims=True)
    images = images / (images.std((1, 2), keepdims=True) + 1e-6)
    windows = np.lib.stride_tricks.sliding_window_view(images, (7, 7), axis=(1, 2))[:, ::2, ::2]
    answer = np.maximum(windows.reshape(*windows.shape[:3], 49) @ filters.reshape(256, 49).T, 0)
    side = answer.shape[1] // cells
    answer = answer[:, : side * cells, : side * cells].reshape(len(images), cells, side, cells, side, 256)
    return answer.mean((2, 4)).reshape(len(images), -1)


def told_apart(one, other, cells):
    """Cross-validated AUC of a classifier between two sets of images, with a bootstrap interval of 95 %."""
    features = random_features(np.concatenate([one, other]), cells)
    labels = np.repeat([0, 1], [len(one), len(other)])
    model = make_pipeline(StandardScaler(), PCA(32, random_state=0), StandardScaler(),
                          LogisticRegression(C=0.1, max_iter=5000, class_weight="balanced"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    score = cross_val_predict(model, features, labels, cv=folds, method="decision_function")
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(labels), (500, len(labels)))
    aucs = [roc_auc_score(labels[draw], score[draw]) for draw in draws]
    return roc_auc_score(labels, score), *np.quantile(aucs, [0.025, 0.975])


def spectrum(images):
    """Radial power spectrum as shares of the whole, from wave number 1 to half the side: (SIZE / 2 - 1,)."""
    window = np.hanning(SIZE)[:, None] * np.hanning(SIZE)
    power = np.abs(np.fft.fft2((images - images.mean((1, 2), keepdims=True)) * window)) ** 2
    wave = np.fft.fftfreq(SIZE, 1 / SIZE)
    ring = np.round(np.sqrt(wave[:, None] ** 2 + wave**2)).astype(int)
    radial = ndimage.mean(power.mean(0), ring, np.arange(1, SIZE // 2))
    return radial / radial.sum()


def local_contrast(images):
    """Mean standard deviation in 7 x 7 windows where the lungs usually lie."""
    mean = ndimage.uniform_filter(images, (0, 7, 7))
    square = ndimage.uniform_filter(images**2, (0, 7, 7))
    return np.sqrt(np.maximum(square - mean**2, 0))[:, *LUNGS].mean()


def compare(made, real):
    """Rows (what, value, low, high) for one pair of sets."""
    yield "AUC of telling simulated from real by texture", *told_apart(made, real, 1)
    yield "AUC of telling simulated from real by texture and place", *told_apart(made, real, 4)
    yield "correlation of the mean images", np.corrcoef(made.mean(0).ravel(), real.mean(0).ravel())[0, 1], None, None
    yield "distance of the grey-level histograms, grey levels", wasserstein_distance(
        made[:, ::3, ::3].ravel(), real[:, ::3, ::3].ravel()), None, None
    yield "distance of the radial power spectra, decades", np.abs(
        np.log10(spectrum(made)) - np.log10(spectrum(real))).mean(), None, None
    for name, place in PARTS.items():
        gap = made[:, *place].mean() - real[:, *place].mean()
        yield f"grey level of the {name}, simulated minus real", gap, None, None
    white = 100 * ((made >= 240).mean() - (real >= 240).mean())
    yield "pixels at 240 or above, per cent, simulated minus real", white, None, None
    yield "local contrast in the lungs, simulated to real", local_contrast(made) / local_contrast(real), None, None


def write_card(table):
    """Put the table between its markers in README.md."""
    card = SAMPLES / "README.md"
    lines = ["| compared with | measured | shipped samples | second stream |", "|---|---|---|---|"]
    for (name, what), rows in table.groupby(["real", "measured"], sort=False):
        cells = []
        for made in ("samples", "films"):
            row = rows[rows["made"] == made].iloc[0]
            span = "" if pd.isna(row["low"]) else f" ({row['low']:.3f} to {row['high']:.3f})"
            cells.append(f"{row['value']:.3f}{span}")
        lines.append(f"| {name} | {what} | {cells[0]} | {cells[1]} |")
    before, rest = card.read_text(encoding="utf-8").split("<!-- realism -->\n")
    after = rest.split("<!-- realism end -->")[1]
    body = "\n".join(lines)
    write(card, f"{before}<!-- realism -->\n{body}\n<!-- realism end -->{after}")


def main():
    folder = Path(os.environ.get("DHL_REAL_DATA", SAMPLES.parents[1] / "shared" / "data"))
    sets = real_films(folder)
    if not sets:
        print(f"No chest_xray/train and no nih/images_001 in {folder}: set DHL_REAL_DATA to a folder with real films.")
        return 1
    rows = []
    for name, real in sets.items():
        # Children against children, adults against adults: age is not what is to be told apart.
        def wanted(who, young=name == "Kermany"):
            return (who.age < 15) == young

        for made, images in (("samples", sample_films(300, wanted)), ("films", made_films(300, wanted))):
            rows += [(name, len(real), made, len(images), *row) for row in compare(images, real)]
    columns = ["real", "n_real", "made", "n_made", "measured", "value", "low", "high"]
    table = pd.DataFrame(rows, columns=columns).round(4)
    write(SAMPLES / "realism.csv", table.to_csv(index=False, lineterminator="\n"))
    write_card(table)
    print(table.to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
