"""Pre-train a small network on simulated films: not for diagnosis, nor for anything else done to patients.

    python -m tools.pretrain --out DIR                              50,000 films, 1 epoch
    python -m tools.pretrain --out DIR --films 10000 --epochs 6     the proxy by which a change is judged
    python -m tools.pretrain ... --without detail place             leave ingredients out, see INGREDIENTS

The films are those of films.py, a stream of their own that shares no patient with the shipped samples. The network
learns what the simulator knows of each: class, share of every lung zone that is affected, a coarse map of the lesions,
size of the heart, rotation, age group, view. The grey levels of every film are disguised anew in each epoch: contrast,
brightness, gamma, blur, noise, occlusion, bright marks; and it is cropped, stretched and shown at several resolutions,
because collections keep films at 28 pixels as well as at 2,000.

DIR keeps the films in parts and the state after every epoch; the same command goes on where it was interrupted. At
the end DIR holds simulated.keras, grey films (n, 96, 96, 1) of 0 to 255 to the probabilities of normal, bacterial and
viral (n, 3), whose layer "features" gives (n, 336); and recipe.json with its checksum, what made it, and what it
reached on films that it never saw. With --ship both are copied to data_samples/weights/, for
dhl.pretrained_base("simulated", ...). transfer.py measures it on real films.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from sklearn.metrics import roc_auc_score

from data_samples.simulator import DISEASES
from data_samples.simulator.collection import generate
from dhl_helpers.files import digest, write

SIZE, COARSE = 96, 12  # sides of a film and of the map of its lesions, pixels
PART = 5000  # films in one file
FILTERS = (24, 48, 96, 192)
AGES = (2, 8, 18)  # years that part the age groups
WEIGHTS = {"class": 1.0, "zones": 4.0, "lesion": 2.0, "heart": 0.2, "turn": 0.2, "age": 0.3, "view": 0.1}
BATCH, RATE = 64, 2e-3
RESOLUTIONS = (28, 40, 64, SIZE)  # pixels; a quarter of a batch each
INGREDIENTS = ("standardised", "grey", "patches", "place", "detail", "tasks", "levels")


def make_part(folder, part, n, seed, processes):
    """Films `part * PART` and on, `n` of them, as a file in `folder`; nothing is done where it is there already."""
    file = folder / f"films_{seed}_{part:02d}_{n}.npz"
    if not file.is_file():
        table, made = generate(n, seed, SIZE, first=part * PART, processes=processes)
        lesions = np.stack([film.mask for film in made]).astype(np.float32)
        cell = SIZE // COARSE
        half = file.with_suffix(".half.npz")
        np.savez_compressed(
            half,
            images=np.stack([film.pixels for film in made])[..., None],
            label=table["label"].map(DISEASES.index).to_numpy(),
            zones=np.stack([film.zones for film in made]).astype(np.float32),
            lesion=lesions.reshape(-1, COARSE, cell, COARSE, cell).mean((2, 4)).astype(np.float32)[..., None],
            heart=(table["heart"].to_numpy(np.float32) - 0.5) / 0.06,
            turn=table["turn"].to_numpy(np.float32) / 0.06,
            age=np.digitize(table["age"], AGES),
            view=(table["view"] == "AP").to_numpy(np.float32),
        )
        half.replace(file)  # a part is either whole or not there
    with np.load(file) as stored:
        return dict(stored)


def build(without=()):
    """The network that is kept, films to classes, and the one of all tasks; both share their weights."""
    films = keras.Input((SIZE, SIZE, 1))
    if "standardised" in without:
        x = layers.Rescaling(1 / 64, offset=-2)(films)
    else:  # each film by itself, so that a collection's overall grey level and contrast are no cue
        x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, epsilon=1e-3)(films)
    means = []
    for filters in FILTERS:
        for stride in (2, 1):
            x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        means.append(layers.GlobalAveragePooling2D()(x))
        if x.shape[1] == COARSE:
            lesion = layers.Conv2D(1, 1, activation="sigmoid", name="lesion")(x)
    # Texture comes from the middle of the network, whole patterns from its end: the features hold both.
    kept = means[-1:] if "levels" in without else means[1:]
    features = layers.Concatenate(name="features")(kept) if len(kept) > 1 else layers.Identity(name="features")(kept[0])
    # Where something is would be lost in the average: the zones are read from the last map.
    placed = layers.Flatten()(layers.Conv2D(16, 1)(x))
    tasks = {
        "class": layers.Dense(len(DISEASES), activation="softmax", name="class")(features),
        "zones": layers.Dense(6, activation="sigmoid", name="zones")(placed),
        "lesion": lesion,
        "heart": layers.Dense(1, name="heart")(features),
        "turn": layers.Dense(1, name="turn")(features),
        "age": layers.Dense(len(AGES) + 1, activation="softmax", name="age")(features),
        "view": layers.Dense(1, activation="sigmoid", name="view")(features),
    }
    if "tasks" in without:
        tasks = {"class": tasks["class"]}
    return keras.Model(films, tasks["class"], name="simulated"), keras.Model(films, tasks)


@tf.function
def disguise(films, lesions, seed, without=()):
    """Films (n, SIZE, SIZE, 1) as another machine, hospital and collection would show them; float32, 0 to 255.

    Other grey levels, blur, noise, a hidden patch, a bright mark, another crop and stretch (which the maps of the
    lesions, (n, COARSE, COARSE, 1), share), another resolution. `n` is a multiple of four. `seed` is a tensor of two
    int32: the same films and seed give the same result.
    """
    n = tf.shape(films)[0]

    def draw(k, low, high, shape=(1, 1, 1)):
        return tf.random.stateless_uniform((n, *shape), seed + [0, k], low, high)

    x = tf.cast(films, tf.float32) / 255
    if "grey" not in without:
        x = tf.clip_by_value(x, 1e-3, 1.0) ** tf.exp(draw(1, -0.6, 0.6))
        x = x * tf.exp(draw(2, -0.4, 0.3)) + draw(3, -0.15, 0.15)
        soft = tf.nn.avg_pool2d(x, 3, 1, "SAME")
        x = x + draw(4, -1.0, 1.0) * (soft - x)  # below 0 it sharpens
        x = x + draw(5, 0.0, 0.06) * tf.random.stateless_normal(tf.shape(x), seed + [0, 6])
    line = tf.range(SIZE, dtype=tf.float32)
    for k, (small, large, often) in enumerate(() if "patches" in without else ((8.0, 28.0, 0.5), (2.0, 8.0, 0.5))):
        top, left = draw(10 + 6 * k, 0.0, SIZE), draw(11 + 6 * k, 0.0, SIZE)
        high, wide = draw(12 + 6 * k, small, large), draw(13 + 6 * k, small, large)
        down = tf.abs(line[None, :, None, None] - top) < high / 2
        across = tf.abs(line[None, None, :, None] - left) < wide / 2
        patch = tf.cast(down & across & (draw(14 + 6 * k, 0.0, 1.0) < often), tf.float32)
        grey = draw(15 + 6 * k, 0.0, 1.0) if k == 0 else draw(15 + 6 * k, 0.8, 1.0)
        x = x + patch * (grey - x)
    if "place" not in without:
        middle = 0.5 + tf.concat([draw(7, -0.06, 0.06, (1,)), draw(8, -0.06, 0.06, (1,))], 1)
        half = 0.5 * tf.concat([draw(9, 0.72, 1.04, (1,)), draw(30, 0.72, 1.04, (1,))], 1)
        boxes = tf.concat([middle - half, middle + half], 1)
        x = tf.image.crop_and_resize(x, boxes, tf.range(n), (SIZE, SIZE))
        lesions = tf.image.crop_and_resize(lesions, boxes, tf.range(n), (COARSE, COARSE))
    if "detail" not in without:
        shown = [tf.image.resize(tf.image.resize(part, (side, side), "area"), (SIZE, SIZE))
                 for part, side in zip(tf.split(x, len(RESOLUTIONS)), RESOLUTIONS, strict=True)]
        x = tf.concat(shown, 0)
    return 255 * tf.clip_by_value(x, 0.0, 1.0), lesions


def batches(data, seed, epoch, without=()):
    """One epoch: the films in an order of its own, disguised, and what each task is compared with."""
    order = np.random.default_rng([seed, epoch]).permutation(len(data["label"]))
    for step in range(len(order) // BATCH):
        rows = order[step * BATCH : (step + 1) * BATCH]
        key = tf.constant([seed * 1000 + epoch, 1000 * step], tf.int32)
        films, lesions = disguise(tf.constant(data["images"][rows]), tf.constant(data["lesion"][rows]), key, without)
        truth = {name: data["label" if name == "class" else name][rows] for name in WEIGHTS} | {"lesion": lesions}
        yield films, {"class": truth["class"]} if "tasks" in without else truth


def measured(model, data):
    """What the network reached on films that it never saw."""
    answer = model.predict(data["images"], batch_size=256, verbose=0)
    found = {
        "AUC of pneumonia against normal": roc_auc_score(data["label"] > 0, 1 - answer["class"][:, 0]),
        "macro AUC of the classes": roc_auc_score(data["label"], answer["class"], multi_class="ovr"),
    }
    return found if len(answer) == 1 else found | {
        "correlation of the zones": np.corrcoef(data["zones"].ravel(), answer["zones"].ravel())[0, 1],
        "AUC of the lesion map's cells": roc_auc_score(data["lesion"].ravel() > 0.5, answer["lesion"].ravel()),
        "correlation of the heart's size": np.corrcoef(data["heart"], answer["heart"][:, 0])[0, 1],
        "correlation of the rotation": np.corrcoef(data["turn"], answer["turn"][:, 0])[0, 1],
        "accuracy of the age group": np.mean(answer["age"].argmax(1) == data["age"]),
        "AUC of the view": roc_auc_score(data["view"], answer["view"][:, 0]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of films, state, result; made when absent")
    parser.add_argument("--films", type=int, default=50_000, help="to learn from; a fiftieth more to measure on")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, help="that make films; default: all cores")
    parser.add_argument("--without", nargs="*", default=[], choices=INGREDIENTS, metavar="NAME",
                        help=f"leave out any of: {', '.join(INGREDIENTS)}")
    parser.add_argument("--ship", action="store_true", help="copy the result to data_samples/weights/")
    args = parser.parse_args()
    if args.films < BATCH or args.epochs < 1:
        parser.error(f"at least {BATCH} films and one epoch")
    args.out.mkdir(parents=True, exist_ok=True)
    sizes = [PART] * (args.films // PART) + ([args.films % PART] if args.films % PART else [])
    parts = [make_part(args.out, k, n, args.seed, args.processes) for k, n in enumerate(sizes)]
    data = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    unseen = make_part(args.out, len(sizes), max(100, args.films // 50), args.seed, args.processes)
    keras.utils.set_random_seed(args.seed)
    without = tuple(args.without)
    kept, model = build(without)
    steps = args.films // BATCH
    category, share = "sparse_categorical_crossentropy", "binary_crossentropy"
    losses = {"class": category, "zones": "mse", "lesion": share, "heart": "mse", "turn": "mse", "age": category,
              "view": share}
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, args.epochs * steps - steps // 2), warmup_target=RATE, warmup_steps=max(1, steps // 2))
    asked = model.output.keys()
    model.compile(keras.optimizers.Adam(schedule), loss={name: losses[name] for name in asked},
                  loss_weights={name: WEIGHTS[name] for name in asked})
    state, history = args.out / "state.weights.h5", args.out / "history.csv"
    rows = pd.read_csv(history).to_dict("records") if history.is_file() else []
    if rows:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(state)
    for epoch in range(len(rows), args.epochs):
        started = time.process_time()
        for films, truth in batches(data, args.seed, epoch, without):
            last = model.train_on_batch(films, truth, return_dict=True)
        seconds = time.process_time() - started
        rows.append({"epoch": epoch + 1, "seconds": seconds, "loss": last["loss"]} | measured(model, unseen))
        model.save_weights(args.out / "next.weights.h5")
        (args.out / "next.weights.h5").replace(state)
        write(history, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
        print("  ".join(f"{name} {value:.3f}" for name, value in rows[-1].items()), flush=True)
    kept.save(args.out / "simulated.keras")
    recipe = {
        "made by": f"pretrain.py, films of seed {args.seed}", "without": args.without, "films": args.films,
        "epochs": args.epochs, "parameters": kept.count_params(), "unseen films": len(unseen["label"]),
        "sha256": digest(args.out / "simulated.keras"),
        "processor seconds of training": round(sum(row["seconds"] for row in rows)),
    }
    recipe |= {name: round(float(value), 4) for name, value in rows[-1].items() if name not in ("epoch", "seconds")}
    write(args.out / "recipe.json", json.dumps(recipe, indent=1) + "\n")
    print(json.dumps(recipe, indent=1))
    if args.ship:
        weights = Path(__file__).resolve().parents[1] / "data_samples" / "weights"
        write(weights / "simulated.keras", (args.out / "simulated.keras").read_bytes())
        write(weights / "simulated.json", (args.out / "recipe.json").read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
