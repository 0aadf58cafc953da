"""Train the baseline CNN on the samples and write the weights that notebooks 03 and later start from.

    python -m tools.train_weights

The recipe is that of notebook 02: the article's network on the training part, early stopping on the validation part.
"""

import dhl_helpers as dhl
from dhl_helpers.course import COMMITTED
from dhl_helpers.readers import sample

if __name__ == "__main__":
    epochs, seed = COMMITTED["EPOCHS"], COMMITTED["SEED"]
    dhl.start(seed)
    train, val, _ = dhl.load_dataset("sample", image_size=COMMITTED["IMAGE_SIZE"]).split(seed)
    cnn = dhl.build_cnn(train.image_shape, train.n_classes, seed)
    history = dhl.train_cnn(cnn, train, val, epochs, seed)
    folder = sample.folder() / "weights"
    for old in folder.glob("baseline_cnn*"):
        old.unlink()
    dhl.save_baseline(cnn, train, val, epochs, seed, folder)
    print(f"validation loss {min(history['val_loss']):.4f}, written to {folder}")
