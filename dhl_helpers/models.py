"""The article's network: building it, and the trained one that the later notebooks start from."""

import hashlib
import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from ._keras import first_weights, keras
from .errors import DataError
from .files import digest, replacing, write
from .pixels.check import as_images
from .readers import sample
from .training import is_dead, known_crossentropy, train_cnn  # noqa: F401, the loss is found here too

SMALLEST = 76  # pixels; below it the fourth convolution or pooling has no pixels left


def build_cnn(image_shape, n_classes, seed=0, multilabel=False):
    """Build the article's network, not yet compiled. Notebook 02 writes it out layer by layer.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width, channels) of uint8 images; grey levels are divided by 255 inside.
    n_classes : int
    seed : int
        Of the first weights. No random stream outside is touched.
    multilabel : bool
        Whether an image can have several findings: then each output is a sigmoid of its own.

    Returns
    -------
    keras.Sequential
        Output: probabilities, shape (n, n_classes).

    Raises
    ------
    DataError
        If an image side is below 76 pixels.
    """
    if min(image_shape[:2]) < SMALLEST:
        raise DataError(
            f"Images of {image_shape[0]} x {image_shape[1]} pixels are too small for this network: after three "
            f"convolutions and poolings nothing is left for the fourth. Load them with image_size={SMALLEST} or more."
        )
    layers = keras.layers
    with first_weights(seed):
        cnn = keras.Sequential([keras.Input(image_shape), layers.Rescaling(1 / 255)])
        for filters in (16, 32, 64, 64):
            cnn.add(layers.Conv2D(filters, 5, activation="relu"))
            cnn.add(layers.MaxPooling2D(2))
            cnn.add(layers.Dropout(0.25))
        cnn.add(layers.Flatten())
        for units in (128, 64):
            cnn.add(layers.Dense(units, activation="relu"))
            cnn.add(layers.Dropout(0.5))
        cnn.add(layers.Dense(n_classes, activation="sigmoid" if multilabel else "softmax"))
    return cnn


def baseline_cnn(train, val, epochs, seed=0, weights="", cache_dir=""):
    """The trained baseline, without training it again where that is not needed; never a dead one, see `train_cnn`.

    Parameters
    ----------
    train, val : Radiographs
        Images on disk are read into memory.
    epochs, seed : int
        The recipe, as for `train_cnn`.
    weights : str or path
        A folder where notebook 02 saved the reader's own CNN. It must have been trained on these images.
    cache_dir : str or path
        Where a CNN trained here is looked for and saved.

    Returns
    -------
    keras.Sequential
        From `weights` if given; else the weights shipped with the course, if they were trained on exactly these
        images by this recipe; else from `cache_dir`, unless damaged; else trained now. Where what was saved is dead,
        another one is trained, from the first weights of the next seed.

    Raises
    ------
    DataError
        If `weights` holds no CNN of this recipe, a weights file is missing or not the one that was saved, the images
        are not uint8 of 76 pixels or more, or each network dies on them.
    """
    train, val = (replace(part, images=as_images(part)) for part in (train, val))
    cnn = build_cnn(train.image_shape, train.n_classes, seed, train.multilabel)
    recipe = _recipe(train, val, epochs, seed)
    used = seed
    for folder in filter(None, dict.fromkeys([weights or sample.folder() / "weights", cache_dir])):
        try:
            file, saved_with = _saved(Path(folder, "baseline_cnn.json"), recipe)
        except DataError as error:
            if folder != cache_dir:
                raise
            warnings.warn(f"{error} The CNN is trained again.", stacklevel=2)
            continue
        if file:
            cnn.load_weights(file)
            if not is_dead(cnn, train.images, 1e-3):
                return cnn
            used = (seed if saved_with is None else saved_with) + 1
            print(f"{file}: a dead network, which gives all images the same answer. Seed {used} takes its place.")
        elif folder == weights:
            of = f"on these images with {epochs} epochs and seed {seed}"
            raise DataError(f"{weights}: no CNN trained {of}. Run 02 with these.")
    print(f"Training the CNN on {len(train)} images (at most {epochs} epochs).")
    cnn = build_cnn(train.image_shape, train.n_classes, used, train.multilabel)
    history = train_cnn(cnn, train, val, epochs, used) or {}
    used = history.get("seed", [used])[-1]
    if is_dead(cnn, train.images, 1e-3):
        raise DataError(
            f"Each network up to seed {used} died on these images: all get the same answer. Look at the images, "
            "choose another SEED, or take dhl.pretrained_base, which need not be trained."
        )
    if cache_dir:
        save_baseline(cnn, train, val, epochs, seed, cache_dir, used)
    return cnn


def save_baseline(cnn, train, val, epochs, seed, folder, used=None):
    """Save a trained CNN where `baseline_cnn` finds it: its weights, and a JSON file that says how they were made.

    Parameters
    ----------
    cnn : keras.Model
    train, val : Radiographs
    epochs, seed : int
        The recipe, as for `baseline_cnn`.
    folder : str or path
    used : int, optional
        The seed of a network that took the place of a dead one.
    """
    folder, recipe = Path(folder), _recipe(train, val, epochs, seed)
    folder.mkdir(parents=True, exist_ok=True)
    file = f"baseline_cnn-{_digest(json.dumps(recipe, sort_keys=True).encode())[:12]}.weights.h5"
    plain = build_cnn(train.image_shape, train.n_classes)  # leaves out the optimiser, twice the size of the weights
    plain.set_weights(cnn.get_weights())
    with replacing(folder / file) as unfinished:
        plain.save_weights(unfinished)
    card = {"file": file, "recipe": recipe, "sha256": digest(folder / file)}
    text = json.dumps(card | ({} if used in (None, seed) else {"seed": used}), indent=2)
    write(folder / "baseline_cnn.json", text + "\n")


def _saved(description, recipe):
    """The weights file of this recipe and its seed if it took the place of a dead one's; None where there is none.

    Raises
    ------
    DataError
        If they are damaged.
    """
    try:
        saved = json.loads(description.read_bytes()) if description.is_file() else {}
        file = description.with_name(saved["file"]) if saved.get("recipe") == recipe else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{description}: damaged ({error}). Restore or remove it.") from error
    if file and not (file.is_file() and digest(file) == saved.get("sha256")):
        raise DataError(f"{file}: missing or damaged, not what {description.name} describes. Restore or remove both.")
    return file, saved.get("seed")


def _recipe(train, val, epochs, seed):
    parts = {f"{name}_sha256": _digest(as_images(part), part.labels) for name, part in (("train", train), ("val", val))}
    return {**parts, "epochs": epochs, "seed": seed}


def _digest(*blobs):
    digest = hashlib.sha256()
    for blob in blobs:
        digest.update(np.ascontiguousarray(blob))
    return digest.hexdigest()
