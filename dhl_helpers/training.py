"""Training the article's network as the article does, and noticing when it dies."""

import numpy as np

from ._keras import first_weights, keras
from .errors import DataError
from .pixels.check import as_images
from .progress import progress

AGAIN = 3  # times that a dead network gets other first weights
WATCHED = 256  # training images by which death is noticed


def train_cnn(cnn, train, val, epochs, seed=0, loss=None, class_weight=None):
    """Train as the article does: Adam, early stopping and learning-rate reduction on the validation loss.

    A network dies where a large step turns off its ReLUs for every image: from then on all images get the same answer,
    no gradient comes back, and the loss stays at that of the class frequencies. Then training starts again from the
    first weights of the next seed, at most three times, and says so.

    Parameters
    ----------
    cnn : keras.Model
        Changed in place; at the end it has the weights of its best epoch.
    train, val : Radiographs
        Images on disk are read into memory.
    epochs : int
        At most so many.
    seed : int
        Seeds the order of the images and the dropout; after a death `seed` + 1 and so on, also the first weights.
    loss : str, callable or keras.losses.Loss, optional
        Takes one-hot labels; several findings per image as 1, 0 and NaN. Categorical cross-entropy by default, with
        several findings `known_crossentropy`.
    class_weight : dict of int to float, optional
        Has no meaning with several findings per image.

    Returns
    -------
    dict of str to list of float
        For each epoch: loss, accuracy, val_loss, val_accuracy, learning_rate; no accuracy with several findings. After
        a death also seed: the one with which it lived, or the last one tried.

    Raises
    ------
    DataError
        If class weights are given with several findings per image, or images are not uint8 of the network's shape.
    """
    if train.multilabel and class_weight:
        raise DataError("class_weight weights images by their one class; with several findings per image leave it out.")
    targets, metrics = [part.labels for part in (train, val)], []
    loss = loss or (known_crossentropy if train.multilabel else "categorical_crossentropy")
    if not train.multilabel:
        targets, metrics = [keras.utils.to_categorical(labels, train.n_classes) for labels in targets], ["accuracy"]
    images = [as_images(part, cnn.input_shape[1:]) for part in (train, val)]
    for used in range(seed, seed + AGAIN + 1):
        if used > seed:
            print(f"The network died: all images get the same answer. Training starts again with seed {used}.")
            _draw_again(cnn, used)
        keras.utils.set_random_seed(used)
        cnn.compile(optimizer=keras.optimizers.Adam(), loss=loss, metrics=metrics)
        history, died = _fit(cnn, images, targets, epochs, class_weight)
        learned = min(history["val_loss"]) < 0.98 * _loss_of_frequencies(loss, *targets)
        if not (died and not learned) and not is_dead(cnn, images[0], 1e-3):
            break
    return history if used == seed else history | {"seed": [used] * len(history["loss"])}


def known_crossentropy(labels, probabilities):
    """Binary cross-entropy of float32 tensors (n, k), labels NaN where unknown: (n,), the mean over the known ones."""
    ops = keras.ops
    unknown = ops.isnan(labels)
    present = ops.where(unknown, 0.0, labels)  # NaN times 0 would still be NaN
    p = ops.clip(probabilities, 1e-7, 1 - 1e-7)
    each = ops.where(unknown, 0.0, -(present * ops.log(p) + (1 - present) * ops.log(1 - p)))
    return ops.sum(each, -1) / ops.maximum(ops.sum(ops.cast(~unknown, "float32"), -1), 1.0)


def is_dead(cnn, images, tolerance=1e-6):
    """Whether a network's last hidden layer gives the same numbers, or no numbers, for images that differ.

    Parameters
    ----------
    cnn : keras.Model
    images : ndarray of uint8, shape (n, height, width, channels)
        At most 256 of them are looked at, evenly spaced.
    tolerance : float
        Relative to the largest number: what counts as the same.

    Returns
    -------
    bool
    """
    some = images[:: -(-len(images) // WATCHED) or 1]
    if (some == some[:1]).all():  # or there is one only
        return False
    hidden = np.asarray(keras.Model(cnn.inputs[0], cnn.layers[-1].input)(some.astype(np.float32), training=False))
    return not np.isfinite(hidden).all() or bool(np.ptp(hidden, axis=0).max() <= tolerance * np.abs(hidden).max())


def _fit(cnn, images, targets, epochs, class_weight):
    """The history of one training, and whether the network died on the way; then it ends at once."""
    bar, died = progress(total=epochs, unit="epoch", description="training"), []

    def after(epoch, logs):
        bar.update()
        if is_dead(cnn, images[0]):
            died.append(epoch)
            cnn.stop_training = True

    history = cnn.fit(
        images[0],
        targets[0],
        validation_data=(images[1], targets[1]),
        epochs=epochs,
        class_weight=class_weight,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=8, min_delta=1e-4, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=4, min_delta=1e-4),
            keras.callbacks.LambdaCallback(on_epoch_end=after),
        ],
    )
    bar.close()
    return history.history, bool(died)


def _draw_again(cnn, seed):
    """Give a network the first weights, and its dropout the stream, of another seed."""
    with first_weights(seed):
        other = keras.models.clone_model(cnn)
    for old, new in zip(cnn.layers, other.layers, strict=True):
        for variable, value in zip(old.variables, new.variables, strict=True):
            variable.assign(value)


def _loss_of_frequencies(loss, train, val):
    """The validation loss of a network that answers every image with the frequencies of the training part."""
    same = np.broadcast_to(np.nanmean(train, 0), val.shape).astype(np.float32)
    return float(keras.ops.mean(keras.losses.get(loss)(val.astype(np.float32), same)))
