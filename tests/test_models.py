"""The article's network: its shape, its training, and where the trained one comes from."""

import json

import numpy as np
import pytest
from helpers import radiographs

import dhl_helpers as dhl
from dhl_helpers import models


@pytest.mark.parametrize(("side", "flat"), [(76, 1), (77, 1), (83, 1), (91, 1), (92, 2), (96, 2)])
def test_sizes_from_the_smallest_on(side, flat):
    cnn = dhl.build_cnn((side, 76, 1), 2)
    assert dhl.conv_base(cnn).output_shape == (None, flat * 64)
    assert cnn(np.zeros((1, side, 76, 1), np.float32)).shape == (1, 2)


@pytest.mark.parametrize("side", range(68, 76))
def test_below_it_the_layers_do_not_fit(side):
    with pytest.raises(dhl.DataError, match="too small"):
        dhl.build_cnn((side, side, 1), 2)
    for _ in range(4):
        side = (side - 4) // 2
    assert side == 0, "the fourth pooling has no pixel left"


def test_the_layers_are_those_of_the_article():
    cnn = dhl.build_cnn((96, 96, 1), 3)
    kinds = [type(layer).__name__ for layer in cnn.layers]
    assert kinds == [
        "Rescaling",
        *["Conv2D", "MaxPooling2D", "Dropout"] * 4,
        "Flatten",
        *["Dense", "Dropout"] * 2,
        "Dense",
    ]
    convolutions = [layer for layer in cnn.layers if type(layer).__name__ == "Conv2D"]
    assert [(c.filters, c.kernel_size, c.activation.__name__) for c in convolutions] == [
        (filters, (5, 5), "relu") for filters in (16, 32, 64, 64)
    ]
    dense = [layer for layer in cnn.layers if type(layer).__name__ == "Dense"]
    assert [(d.units, d.activation.__name__) for d in dense] == [(128, "relu"), (64, "relu"), (3, "softmax")]
    assert [layer.rate for layer in cnn.layers if type(layer).__name__ == "Dropout"] == [0.25] * 4 + [0.5] * 2
    assert not cnn.compiled


def test_weights_depend_on_the_seed_alone():
    one, same, other = (dhl.build_cnn((76, 76, 1), 2, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


@pytest.fixture(scope="module")
def parts():
    train = radiographs([0, 1] * 16, size=76)
    return train, radiographs([0, 1] * 6, size=76, seed=1)


def trained(parts, **options):
    cnn = dhl.build_cnn((76, 76, 1), 2, seed=0)
    return dhl.train_cnn(cnn, *parts, epochs=2, **options), cnn.get_weights()


@pytest.fixture(scope="module")
def plain(parts):
    """The history and the weights of a training of two epochs."""
    return trained(parts, seed=3)


def test_training_gives_the_same_for_one_seed(parts, plain):
    history, weights = plain
    again, weights_again = trained(parts, seed=3)
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert all(len(values) == 2 for values in history.values())
    assert history == again
    assert all(np.array_equal(a, b) for a, b in zip(weights, weights_again, strict=True))


def test_training_stops_early_and_keeps_the_best_weights(parts):
    train, val = parts
    backwards = dhl.Radiographs(val.images, 1 - val.labels, val.class_names, val.table)  # the better, the worse
    cnn = dhl.build_cnn((76, 76, 1), 2, seed=0)
    history = dhl.train_cnn(cnn, train, backwards, epochs=60)
    epochs = len(history["loss"])
    best = int(np.argmin(history["val_loss"]))
    assert epochs < 60 and best >= epochs - 1 - 8 - 8
    assert history["learning_rate"][-1] < history["learning_rate"][0] == pytest.approx(1e-3)
    loss = cnn.evaluate(val.images, np.eye(2)[backwards.labels], verbose=0)[0]
    assert loss == pytest.approx(history["val_loss"][best], rel=1e-3, abs=2e-3)
    assert loss < history["val_loss"][-1]


def test_seed_class_weights_and_loss_are_used(parts, plain):
    loss = plain[0]["loss"][0]
    weighted, _ = trained(parts, seed=4, class_weight={0: 4, 1: 4})
    assert 3.5 * loss < weighted["loss"][0] < 4.5 * loss and weighted["loss"][0] != pytest.approx(4 * loss, rel=1e-6)
    focal, _ = trained(parts, seed=3, loss="categorical_focal_crossentropy")
    assert focal["loss"][0] < loss / 2


@pytest.fixture
def trainings(monkeypatch, tmp_path):
    """Training only moves the weights to a place of its own; lists the calls. No weights are shipped."""
    calls = []

    def train(cnn, train, val, epochs, seed):
        calls.append((epochs, seed))
        cnn.set_weights([np.full_like(weight, 0.01 * (epochs + 10 * seed)) for weight in cnn.get_weights()])

    monkeypatch.setattr(models, "train_cnn", train)
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path / "samples"))
    return calls


def place(cnn):
    return round(float(cnn.get_weights()[0].flat[0]) * 100)


def test_without_weights_the_baseline_is_trained_and_says_so(parts, trainings, capsys):
    assert place(dhl.baseline_cnn(*parts, epochs=3, seed=2)) == 23
    assert trainings == [(3, 2)] and capsys.readouterr().out == "Training the CNN on 32 images (at most 3 epochs).\n"


def test_a_baseline_trained_once_is_found_in_the_cache(parts, trainings, tmp_path):
    for _ in range(2):
        assert place(dhl.baseline_cnn(*parts, epochs=3, cache_dir=tmp_path / "cache")) == 3
    assert trainings == [(3, 0)]
    train, val = parts
    brighter = dhl.Radiographs(train.images + np.uint8(1), train.labels, train.class_names, train.table)
    swapped = dhl.Radiographs(val.images, 1 - val.labels, val.class_names, val.table)
    for change in ({"epochs": 4}, {"seed": 1}, {"train": brighter}, {"val": swapped}, {"train": train.subset([0, 1])}):
        dhl.baseline_cnn(**{"train": train, "val": val, "epochs": 3, "cache_dir": tmp_path / "cache"} | change)
    assert len(trainings) == 6, "another recipe or another pixel is another CNN"


def test_shipped_weights_serve_only_their_own_images(parts, trainings, tmp_path, capsys):
    shipped = dhl.build_cnn((76, 76, 1), 2)
    shipped.set_weights([np.full_like(weight, 0.77) for weight in shipped.get_weights()])
    dhl.save_baseline(shipped, *parts, epochs=5, seed=0, folder=tmp_path / "samples" / "weights")
    assert place(dhl.baseline_cnn(*parts, epochs=5)) == 77
    assert trainings == [] and capsys.readouterr().out == ""
    assert place(dhl.baseline_cnn(parts[0].subset(range(20)), parts[1], epochs=5)) == 5
    assert trainings == [(5, 0)]


def test_the_readers_own_weights_come_first_and_alone(parts, trainings, tmp_path):
    for value, folder in ((0.77, tmp_path / "samples" / "weights"), (0.55, tmp_path / "mine")):
        cnn = dhl.build_cnn((76, 76, 1), 2)
        cnn.set_weights([np.full_like(weight, value) for weight in cnn.get_weights()])
        dhl.save_baseline(cnn, *parts, 5, 0, folder)
    assert place(dhl.baseline_cnn(*parts, epochs=5, weights=tmp_path / "mine")) == 55
    with pytest.raises(dhl.DataError, match="mine: no CNN trained on these images with 6 epochs and seed 0"):
        dhl.baseline_cnn(*parts, epochs=6, weights=tmp_path / "mine", cache_dir=tmp_path / "mine")
    assert trainings == []


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_weights_file_is_refused(parts, trainings, tmp_path, damage):
    dhl.save_baseline(dhl.build_cnn((76, 76, 1), 2), *parts, 5, 0, tmp_path)
    saved = json.loads((tmp_path / "baseline_cnn.json").read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == [saved["file"], "baseline_cnn.json"]
    file = tmp_path / saved["file"]
    file.write_bytes(file.read_bytes()[:5000])
    if damage == "gone":
        file.unlink()
    with pytest.raises(dhl.DataError, match=f"{saved['file']}: missing or damaged.*Restore or remove both"):
        dhl.baseline_cnn(*parts, epochs=5, weights=tmp_path)
    assert trainings == []
