"""Fine-tuning: a pre-trained base learns from the radiographs, and is a base again."""

import hashlib
import json
from pathlib import Path

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from . import files
from ._keras import first_weights, keras
from .errors import DataError
from .pixels.check import as_images
from .progress import progress
from .readers import sample
from .training import known_crossentropy

SMOOTHING = 0.1  # of the labels: 1 becomes 0.9 and the rest is shared (Szegedy et al. 2016)
BATCH = 32


def fine_tune(base, train, val, seed=0, epochs=4, learning_rate=1e-4, class_weight=None, cache_dir=""):
    """Train a base on radiographs, with a dense layer on top that is thrown away afterwards.

    Batch normalisation keeps the statistics of the pre-training: batches of 32 films would disturb them. The learning
    rate rises during the first tenth of the steps and then falls to zero as a cosine. While training, each film is
    shifted, turned, zoomed, and changed in contrast and brightness, a little and at random, and never flipped.

    Parameters
    ----------
    base : keras.Model
        From `pretrained_base` or `conv_base`. It stays as it is.
    train, val : Radiographs
        The validation part decides which epoch is kept, nothing else.
    seed : int
        Seeds the order of the images, the augmentation and the dense layer.
    epochs : int
    learning_rate : float
        The highest, of Adam.
    class_weight : {None, "balanced"} or dict of int to float
        "balanced": n / (k * images of the class). Has no meaning where an image can have several findings.
    cache_dir : str or path
        Where weights of an earlier call with this base, these images and these settings are looked for, and kept. The
        weights shipped with the course are found without it.

    Returns
    -------
    keras.Model
        With the input and output of `base`. Its weights are rounded to float16, as they are stored.

    Raises
    ------
    DataError
        If the images do not fit the base or are not uint8, the parts differ in their classes, a setting is impossible,
        or stored weights are not what their checksum says.
    """
    weights = _weights_of(class_weight, train)
    _check(base, train, val, epochs, learning_rate)
    settings = {"epochs": epochs, "learning_rate": learning_rate, "class_weight": weights, "seed": seed}
    made_of = {"base": _digest(base.name, [type(layer).__name__ for layer in base.layers], *base.get_weights())}
    made_of |= {name: _digest(part.images, part.labels) for name, part in (("train", train), ("val", val))} | settings
    with first_weights(seed):
        tuned = keras.models.clone_model(base)
    for folder in filter(None, [sample.folder() / "weights", cache_dir]):
        if (stored := _stored(Path(folder), made_of)) is not None:
            tuned.set_weights(stored)
            return tuned
    print(f"Fine-tuning {base.name} on {len(train)} images ({epochs} epochs).")
    tuned.set_weights(base.get_weights())
    _train(tuned, train, val, settings)
    rounded = [array.astype(np.float16) for array in tuned.get_weights()]
    tuned.set_weights(rounded)
    if cache_dir:
        file = Path(cache_dir) / _name(made_of)
        file.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(file) as unfinished, open(unfinished, "wb") as stream:
            np.savez_compressed(stream, *rounded)
        text = json.dumps({"base": base.name, "recipe": made_of, "sha256": files.digest(file)}, indent=1)
        files.write(file.with_suffix(".json"), text + "\n")
    return tuned


def _train(tuned, train, val, settings):
    """Train in place; at the end the network has the weights of its best epoch."""
    keras.utils.set_random_seed(settings["seed"])
    for layer in _layers(tuned):
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    layers, image = keras.layers, keras.Input(train.image_shape)
    x = layers.RandomTranslation(0.05, 0.05, fill_mode="nearest")(image)
    x = layers.RandomRotation(0.02, fill_mode="nearest")(x)  # of a full turn: 7 degrees
    x = layers.RandomZoom(0.1, fill_mode="nearest")(x)
    x = layers.RandomContrast(0.2, value_range=(0, 255))(x)
    x = layers.RandomBrightness(0.1, value_range=(0, 255))(x)
    x = tuned(x)
    x = layers.GlobalAveragePooling2D()(x) if len(x.shape) == 4 else x
    x = layers.Dropout(0.2)(x)
    several = train.multilabel
    model = keras.Model(image, layers.Dense(train.n_classes, activation="sigmoid" if several else "softmax")(x))
    targets = [part.labels if several else np.eye(train.n_classes, dtype=np.float32)[part.labels]
               for part in (train, val)]  # fmt: skip
    smoothed = (1 - SMOOTHING) * targets[0] + SMOOTHING / (2 if several else train.n_classes)
    steps = settings["epochs"] * -(-len(train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 10, warmup_target=settings["learning_rate"], warmup_steps=steps // 10
    )
    model.compile(keras.optimizers.Adam(rate), known_crossentropy if several else "categorical_crossentropy")
    with progress(total=settings["epochs"], unit="epoch", description="fine-tuning") as bar:
        model.fit(
            train.images,
            smoothed,
            batch_size=BATCH,
            validation_data=(val.images, targets[1]),
            epochs=settings["epochs"],
            class_weight=settings["class_weight"],
            verbose=0,
            callbacks=[
                keras.callbacks.EarlyStopping(patience=settings["epochs"], restore_best_weights=True),
                keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: bar.update()),
            ],
        )
    for layer in _layers(tuned):
        layer.trainable = True


def _layers(network):
    """The layers of a network and of the networks inside it."""
    for layer in network.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]


def _check(base, train, val, epochs, learning_rate):
    for part in (train, val):
        if not isinstance(part.images, np.ndarray) or part.image_shape != base.input_shape[1:]:
            held = f"of shape {part.image_shape}" if isinstance(part.images, np.ndarray) else "left on disk"
            raise DataError(
                f"{part.name!r}: images {held}; fine-tuning {base.name} takes images of shape {base.input_shape[1:]} "
                "in memory. Load them with that image_size and number of channels, and without lazy."
            )
        as_images(part)
    if train.class_names != val.class_names or train.multilabel != val.multilabel:
        raise DataError(
            f"The training part has {', '.join(train.class_names)}, the validation part {', '.join(val.class_names)}. "
            "Take two parts of one data set, as .split() gives them."
        )
    if epochs < 1 or not learning_rate > 0:
        raise DataError(f"epochs={epochs}, learning_rate={learning_rate}: give at least 1 epoch and a positive rate.")


def _weights_of(class_weight, train):
    """Class to weight, or None; DataError where classes do not fit."""
    if class_weight is None:
        return None
    if train.multilabel:
        raise DataError("class_weight weights images by their one class; with several findings per image leave it out.")
    if class_weight == "balanced":
        classes = np.unique(train.labels)
        balanced = compute_class_weight("balanced", classes=classes, y=train.labels)
        return dict(zip(classes.tolist(), balanced.tolist(), strict=True))
    if not isinstance(class_weight, dict) or set(class_weight) != set(range(train.n_classes)):
        raise DataError(f"class_weight is None, 'balanced' or a weight for each of 0 to {train.n_classes - 1}.")
    return {int(label): float(weight) for label, weight in class_weight.items()}


def _stored(folder, made_of):
    """The weights that a folder holds for this recipe, or None; DataError where they are damaged."""
    file = folder / _name(made_of)
    if not file.with_suffix(".json").is_file():
        return None
    try:
        told = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
        if told != files.digest(file):
            raise ValueError(f"its SHA-256 is not {told[:12]}...")
        with np.load(file, allow_pickle=False) as arrays:
            return [arrays[name] for name in arrays.files]
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"{file}: not the weights that its .json describes ({error}). Restore or remove both."
        raise DataError(said) from error


def _name(made_of):
    return f"fine_tuned-{_digest(json.dumps(made_of, sort_keys=True))[:12]}.npz"


def _digest(*blobs):
    digest = hashlib.sha256()
    for blob in blobs:
        digest.update(np.ascontiguousarray(blob) if isinstance(blob, np.ndarray) else str(blob).encode())
    return digest.hexdigest()
