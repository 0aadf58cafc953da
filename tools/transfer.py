"""How far what a network learned from simulated films holds on real ones: not for diagnosis.

    DHL_REAL_DATA=DIR python -m tools.transfer FOLDER ...          on real training films: judges attempts
    DHL_REAL_DATA=DIR python -m tools.transfer FOLDER ... --test   on PneumoniaMNIST's test split: the report
    python -m tools.transfer --card                                only write the tables into the texts again

FOLDER is what pretrain.py makes, "untrained" stands for the untrained networks. The rows go into attempts.csv, with
--test into transfer.csv, in place of earlier ones of the same name, and from there into README.md and
weights/MODEL_CARD.md. DIR holds pneumoniamnist.npz (MedMNIST v2) and chest_xray/ (Kermany et al., Cell 172, 2018).
Every call with --test opens the test split once for every network; transfer.csv counts the calls.

zero-shot            AUC of pneumonia against normal, without any real film in the fitting
standardised         the same on films brought to one mean and one standard deviation, because the standard deviation
                     alone tells the classes apart to some degree
all films, 50 films  AUC of logistic regression on standardised features, fitted on real training films; 50 are drawn
                     (25 of each class) 20 times. C = 0.01, fixed beforehand. Measured on the test split, or without
                     --test on the training films left over (of all films: on the other half)
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from skimage.exposure import equalize_hist
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from dhl_helpers._keras import keras
from dhl_helpers.files import write
from dhl_helpers.pixels.decode import standardised
from dhl_helpers.pretrained import features_of
from dhl_helpers.tables import markdown, replace

SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"
SIZE, DRAWS, FEW = 96, 20, 25  # pixels; draws of so many films of each class
COLUMNS = ["network", "films as", "measured", "value", "low", "high"]
OWN = "its own unseen films, macro AUC"


def equalised(images):
    """Every film with all grey levels equally often; uint8."""
    return np.stack([255 * equalize_hist(image[..., 0])[..., None] for image in images]).astype(np.uint8)


AS = {"they are": lambda images: images, "standardised": standardised, "equalised": equalised}


def zero_shot(network, images, data):
    """AUC and interval of pneumonia against normal of a network of normal, bacterial and viral."""
    normal = data.class_names.index(next(name for name in data.class_names if name.lower() == "normal"))
    ill = 1 - network.predict(images, batch_size=128, verbose=0)[:, 0]
    report = dhl.evaluate((data.labels != normal).astype(int), ill, ["normal", "pneumonia"], data.patients)
    return tuple(report.set_index("metric").loc["macro AUC", ["value", "low", "high"]])


def linear(features, labels, others, truth, draws=DRAWS):
    """AUC of logistic regression fitted on all rows, and mean with its 95 % interval over draws of few."""
    def auc(rows):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
        return roc_auc_score(truth, model.fit(features[rows], labels[rows]).predict_proba(others)[:, 1])

    few = []
    for draw in range(draws):
        rng = np.random.default_rng([draw, 50])
        few.append(auc(np.concatenate([rng.choice(np.flatnonzero(labels == k), FEW, False) for k in (0, 1)])))
    spread = 1.96 * np.std(few, ddof=1) / np.sqrt(draws)
    return (auc(slice(None)), None, None), (np.mean(few), np.mean(few) - spread, np.mean(few) + spread)


def measure(networks, pneumonia, kermany, test):
    """Rows of the table. `networks`: name to (network of classes or None, base)."""
    train, _, official = pneumonia.split()
    half = np.random.default_rng(0).permutation(len(train)) % 2 == 0
    fitted, held = (train, official) if test else (train.subset(half), train.subset(~half))
    shown = official if test else train
    rows = []
    for name, (network, base) in networks.items():
        if network is not None:
            for way in ("they are", "standardised"):
                rows.append((name, way, "zero-shot", *zero_shot(network, AS[way](shown.images), shown)))
            if not test:
                rows.append((name, "they are", "zero-shot, full films", *zero_shot(network, kermany.images, kermany)))
        for way, change in AS.items():
            deep = dhl.DeepFeatures(base)
            features = [deep.transform(change(part.images)) for part in (fitted, held)]
            every, few = linear(features[0], fitted.labels, features[1], held.labels)
            rows += [(name, way, "all films", *every), (name, way, "50 films", *few)]
    return rows


def collect(folders, test):
    """Networks by name, and what they reached on simulated films."""
    networks, own = {}, []
    for folder in folders:
        if folder.name == "untrained":
            from .pretrain import build

            keras.utils.set_random_seed(0)
            networks["untrained, of the same form"] = (None, features_of(build()[0]))
            for kind, made in (("article", dhl.build_cnn), ("strong", dhl.build_strong_cnn)):
                networks[f"untrained {kind} CNN"] = (None, dhl.conv_base(made((SIZE, SIZE, 1), 2, 0)))
        else:
            network, recipe = keras.models.load_model(folder / "simulated.keras"), folder / "recipe.json"
            networks[folder.name] = (network, features_of(network))
            if not test:
                own.append((folder.name, "they are", OWN, json.loads(recipe.read_text())["macro AUC of the classes"],
                            None, None))
    return networks, own


def one_row_a_network(table):
    """The table for people: a row for each network and way of showing films, a column for each thing measured."""
    def cell(row):
        return f"{row.value:.3f}" + ("" if np.isnan(row.low) else f" ({row.low:.3f} to {row.high:.3f})")

    cells = table.assign(cell=[cell(row) for row in table.itertuples()])
    wide = cells.pivot_table("cell", ["network", "films as"], "measured", "first", sort=False).fillna("")
    wide = wide[list(dict.fromkeys(table["measured"]))].reset_index()
    if OWN not in set(table["measured"]):  # the test split is counted; training films may be looked at at will
        wide["test split opened"] = wide["network"].map(table.groupby("network")["looks"].max()).map("{} x".format)
    return wide


def of_recipe(file):
    """What a network is made of and what it reached on simulated films, for people."""
    recipe = json.loads(file.read_text(encoding="utf-8"))
    recipe["without"] = ", ".join(recipe["without"]) or "nothing left out"
    recipe["file"] = f"{file.with_suffix('.keras').stat().st_size / 1e6:.1f} MB"
    return pd.DataFrame({"": recipe.keys(), "simulated.keras": map(str, recipe.values())})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="from pretrain.py, or untrained")
    parser.add_argument("--test", action="store_true", help="open PneumoniaMNIST's test split")
    parser.add_argument("--card", action="store_true", help="only write the tables into the texts again")
    args = parser.parse_args()
    if not args.card:
        folder = Path(os.environ.get("DHL_REAL_DATA", ""))
        if not (folder / "pneumoniamnist.npz").is_file() or not args.folders:
            parser.error("name a folder, and set DHL_REAL_DATA to one with pneumoniamnist.npz and chest_xray/")
        pneumonia = dhl.load_dataset("pneumoniamnist", data_dir=folder, image_size=SIZE)
        kermany = dhl.load_dataset("chest_xray", data_dir=folder / "chest_xray", image_size=SIZE)
        kermany = kermany.subset((kermany.table["split"] != "test").to_numpy())
        networks, own = collect(args.folders, args.test)
        made = pd.DataFrame(own + measure(networks, pneumonia, kermany, args.test), columns=COLUMNS).assign(looks=1)
        file = SAMPLES / ("transfer.csv" if args.test else "attempts.csv")
        if file.is_file():
            kept = pd.read_csv(file)
            if args.test:
                made["looks"] += made["network"].map(kept.groupby("network")["looks"].max()).fillna(0).astype(int)
            made = pd.concat([kept[~kept["network"].isin(made["network"])], made])
        write(file, made.round(4).to_csv(index=False, lineterminator="\n"))
        print(made.round(3).to_string(index=False))
    card = SAMPLES / "weights" / "MODEL_CARD.md"
    texts = ("attempts.csv", SAMPLES / "README.md", "attempts"), ("transfer.csv", card, "transfer")
    for table, text, marker in texts:
        if (SAMPLES / table).is_file():
            replace(text, {marker: markdown(one_row_a_network(pd.read_csv(SAMPLES / table)))})
    if (recipe := SAMPLES / "weights" / "simulated.json").is_file():
        replace(card, {"recipe": markdown(of_recipe(recipe))})
    return 0


if __name__ == "__main__":
    sys.exit(main())
