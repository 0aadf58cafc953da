"""The article's network: building, training, and the trained one that the later notebooks start from."""

import hashlib
import json
import warnings
from pathlib import Path

from ._keras import first_weights, keras
from .errors import DataError
from .files import digest, replacing, write
from .progress import progress
from .readers import sample

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
            f"Images of {image_shape[0]} x {image_shape[1]} pixels are too small for this network: nothing is left for "
            f"the fourth convolution. Load them with image_size={SMALLEST} or more."
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


def train_cnn(cnn, train, val, epochs, seed=0, loss=None, class_weight=None):
    """Train as the article does: Adam, early stopping and learning-rate reduction on the validation loss.

    Parameters
    ----------
    cnn : keras.Model
        Changed in place; at the end it has the weights of its best epoch.
    train, val : Radiographs
    epochs : int
        At most so many.
    seed : int
        Seeds the order of the images and the dropout.
    loss : str, callable or keras.losses.Loss, optional
        Takes one-hot labels; several findings an image as 1, 0 and NaN. Categorical cross-entropy by default, with
        several findings `known_crossentropy`.
    class_weight : dict of int to float, optional
        Has no meaning with several findings an image.

    Returns
    -------
    dict of str to list of float
        For each epoch: loss, accuracy, val_loss, val_accuracy, learning_rate; no accuracy with several findings.

    Raises
    ------
    DataError
        If class weights are given with several findings an image.
    """
    if train.multilabel and class_weight:
        raise DataError("class_weight weights images by their one class; with several findings an image leave it out.")
    targets, metrics = [part.labels for part in (train, val)], []
    loss = loss or (known_crossentropy if train.multilabel else "categorical_crossentropy")
    if not train.multilabel:
        targets, metrics = [keras.utils.to_categorical(labels, train.n_classes) for labels in targets], ["accuracy"]
    keras.utils.set_random_seed(seed)
    cnn.compile(optimizer=keras.optimizers.Adam(), loss=loss, metrics=metrics)
    bar = progress(total=epochs, unit="epoch", description="training")
    history = cnn.fit(
        train.images,
        targets[0],
        validation_data=(val.images, targets[1]),
        epochs=epochs,
        class_weight=class_weight,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=8, min_delta=1e-4, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=4, min_delta=1e-4),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: bar.update()),
        ],
    )
    bar.close()
    return history.history


def known_crossentropy(labels, probabilities):
    """Binary cross-entropy of float32 tensors (n, k), labels NaN where unknown: (n,), the mean over the known ones."""
    ops = keras.ops
    unknown = ops.isnan(labels)
    present = ops.where(unknown, 0.0, labels)  # NaN times 0 would still be NaN
    p = ops.clip(probabilities, 1e-7, 1 - 1e-7)
    each = ops.where(unknown, 0.0, -(present * ops.log(p) + (1 - present) * ops.log(1 - p)))
    return ops.sum(each, -1) / ops.maximum(ops.sum(ops.cast(~unknown, "float32"), -1), 1.0)


def baseline_cnn(train, val, epochs, seed=0, weights="", cache_dir=""):
    """The trained baseline, without training it again where that is not needed.

    Parameters
    ----------
    train, val : Radiographs
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
        images by this recipe; else from `cache_dir`, unless damaged; else trained now.

    Raises
    ------
    DataError
        If `weights` holds no CNN of this recipe, or a weights file is missing or not the one that was saved.
    """
    cnn = build_cnn(train.image_shape, train.n_classes, seed, train.multilabel)
    recipe = _recipe(train, val, epochs, seed)
    for folder in filter(None, [weights] if weights else [sample.folder() / "weights", cache_dir]):
        try:
            if file := _saved(Path(folder, "baseline_cnn.json"), recipe):
                cnn.load_weights(file)
                return cnn
        except DataError as error:
            if folder != cache_dir:
                raise
            warnings.warn(f"{error} The CNN is trained again.", stacklevel=2)
    if weights:
        of = f"on these images with {epochs} epochs and seed {seed}"
        raise DataError(f"{weights}: no CNN trained {of}. Run 02 with these.")
    print(f"Training the CNN on {len(train)} images (at most {epochs} epochs).")
    train_cnn(cnn, train, val, epochs, seed)
    if cache_dir:
        save_baseline(cnn, train, val, epochs, seed, cache_dir)
    return cnn


def save_baseline(cnn, train, val, epochs, seed, folder):
    """Save a trained CNN where `baseline_cnn` finds it: its weights, and a JSON file that says how they were made."""
    folder, recipe = Path(folder), _recipe(train, val, epochs, seed)
    folder.mkdir(parents=True, exist_ok=True)
    file = f"baseline_cnn-{_digest(json.dumps(recipe, sort_keys=True).encode())[:12]}.weights.h5"
    plain = build_cnn(train.image_shape, train.n_classes)  # leaves out the optimiser, twice the size of the weights
    plain.set_weights(cnn.get_weights())
    with replacing(folder / file) as unfinished:
        plain.save_weights(unfinished)
    text = json.dumps({"file": file, "recipe": recipe, "sha256": digest(folder / file)}, indent=2)
    write(folder / "baseline_cnn.json", text + "\n")


def _saved(description, recipe):
    """The weights file of this recipe, None where another or none was saved; DataError if they are damaged."""
    try:
        saved = json.loads(description.read_bytes()) if description.is_file() else {}
        file = description.with_name(saved["file"]) if saved.get("recipe") == recipe else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{description}: damaged ({error}). Restore or remove it.") from error
    if file and not (file.is_file() and digest(file) == saved.get("sha256")):
        raise DataError(f"{file}: missing or damaged, not what {description.name} describes. Restore or remove both.")
    return file


def _recipe(train, val, epochs, seed):
    parts = {f"{name}_sha256": _digest(part.images, part.labels) for name, part in (("train", train), ("val", val))}
    return {**parts, "epochs": epochs, "seed": seed}


def _digest(*blobs):
    digest = hashlib.sha256()
    for blob in blobs:
        digest.update(blob)
    return digest.hexdigest()
