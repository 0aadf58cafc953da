"""Fine-tuning: it learns, leaves the base and its batch statistics alone, repeats exactly; its weights are checked."""

import json

import numpy as np
import pytest
from helpers import radiographs, refused
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from dhl_helpers._keras import keras


def small_base(size=16):
    """A network with batch normalisation whose statistics are not those of the images."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    base = keras.Sequential(
        [keras.Input((size, size, 1)), layers.Rescaling(1 / 255), layers.Conv2D(8, 3, 2), layers.BatchNormalization(),
         layers.ReLU(), layers.GlobalAveragePooling2D()],
        name="small",
    )  # fmt: skip
    base.layers[2].set_weights([np.full(8, value, np.float32) for value in (8, 0, 0.125, 0.5)])
    return base


@pytest.fixture(scope="module")
def parts():
    """Noise that is brighter in class 1: 120 training and 40 validation images."""
    data = radiographs(np.arange(160) % 2, size=16)
    return data.subset(np.arange(120)), data.subset(np.arange(120, 160))


def test_the_base_learns_and_is_a_base_again(parts, capsys, monkeypatch):
    train, val = parts
    histories, fit = [], keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", lambda self, *a, **k: histories.append(fit(self, *a, **k)) or histories[-1])
    base = small_base()
    before = base.get_weights()
    tuned = dhl.fine_tune(base, train, val, epochs=10, learning_rate=0.05)
    assert capsys.readouterr().out == "Fine-tuning small on 120 images (10 epochs).\n"
    assert tuned.input_shape == base.input_shape and tuned.output_shape == base.output_shape
    assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True)), "the base stays as it is"
    moved = [not np.array_equal(a, b) for a, b in zip(before, tuned.get_weights(), strict=True)]
    assert moved == [True, True, False, False, False, False], "convolution and its bias, not batch normalisation"
    assert all(np.array_equal(w, w.astype(np.float16).astype(np.float32)) for w in tuned.get_weights())
    losses = histories[0].history["val_loss"]
    assert len(losses) == 10 and min(losses) < 0.7 * losses[0]
    deep = dhl.DeepFeatures(tuned)
    head = make_pipeline(StandardScaler(), dhl.make_head("logistic")).fit(deep.transform(train), train.labels)
    assert roc_auc_score(val.labels, head.predict_proba(deep.transform(val))[:, 1]) > 0.99


def test_it_repeats_exactly_and_another_seed_differs(parts):
    one, again, other = (dhl.fine_tune(small_base(), *parts, seed=seed, epochs=2).get_weights() for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("name", ["simulated", "EfficientNetLite0", "article"])
def test_every_base_of_the_course_can_be_tuned(name):
    data = radiographs(np.arange(12) % 3, size=76)
    base = dhl.conv_base(dhl.build_cnn((76, 76, 1), 3)) if name == "article" else dhl.pretrained_base(name, (76, 76, 1))
    tuned = dhl.fine_tune(base, data, data.subset(np.arange(6)), epochs=1)
    features, tuned_features = (dhl.DeepFeatures(network).transform(data) for network in (base, tuned))
    assert features.shape == tuned_features.shape and np.isfinite(tuned_features).all()
    assert not np.array_equal(features, tuned_features)


def test_feature_maps_can_be_tuned_as_well(parts):
    base = keras.Sequential([keras.Input((16, 16, 1)), *small_base().layers[:-1]], name="maps")
    assert dhl.fine_tune(base, *parts, epochs=1).output_shape == (None, 7, 7, 8)


def test_class_weights_reach_the_training(parts, monkeypatch):
    train, val = (part.subset(np.r_[np.flatnonzero(part.labels == 0)[:5], np.flatnonzero(part.labels == 1)])
                  for part in parts)  # fmt: skip
    given, fit = [], keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", lambda self, *a, **k: given.append(k["class_weight"]) or fit(self, *a, **k))
    tuned = [dhl.fine_tune(small_base(), train, val, epochs=1, class_weight=weight).get_weights()[0]
             for weight in (None, "balanced", {0: 1, 1: 1})]  # fmt: skip
    n, of = len(train), np.bincount(train.labels)
    assert given == [None, {0: n / (2 * of[0]), 1: n / (2 * of[1])}, {0: 1.0, 1: 1.0}]
    assert np.array_equal(tuned[0], tuned[2]) and not np.array_equal(tuned[0], tuned[1])


def test_several_findings_with_unknown_ones(parts):
    train, val = (part.subset(np.arange(len(part))) for part in parts)
    for part in (train, val):
        part.labels = np.column_stack([part.labels, 1 - part.labels]).astype(np.float32)
        part.labels[::3, 1] = np.nan
    tuned = dhl.fine_tune(small_base(), train, val, epochs=1)
    assert all(np.isfinite(weight).all() for weight in tuned.get_weights())
    with refused("several findings per image leave it out"):
        dhl.fine_tune(small_base(), train, val, class_weight="balanced")


def test_kept_weights_are_loaded_for_the_same_recipe_only(parts, tmp_path, capsys):
    train, val = parts
    first = dhl.fine_tune(small_base(), train, val, epochs=1, cache_dir=tmp_path / "new")
    (file,), said = list((tmp_path / "new").glob("*.npz")), capsys.readouterr().out
    assert said and json.loads(file.with_suffix(".json").read_text())["recipe"]["epochs"] == 1
    again = dhl.fine_tune(small_base(), train, val, epochs=1, cache_dir=tmp_path / "new")
    assert capsys.readouterr().out == "", "nothing is trained"
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    other = small_base()
    other.set_weights([weight + 0.01 for weight in other.get_weights()])
    fewer = train.subset(np.arange(100))
    for base, epochs, part in ((other, 1, train), (small_base(), 2, train), (small_base(), 1, fewer)):
        dhl.fine_tune(base, part, val, epochs=epochs, cache_dir=tmp_path / "new")
        assert capsys.readouterr().out.startswith("Fine-tuning"), "other weights, settings or images"
    assert len(list((tmp_path / "new").glob("*.npz"))) == 4


@pytest.mark.parametrize("damage", ["changed", "gone", "description"])
def test_damaged_weights_are_refused(parts, tmp_path, damage):
    dhl.fine_tune(small_base(), *parts, epochs=1, cache_dir=tmp_path)
    (file,) = tmp_path.glob("*.npz")
    if damage == "changed":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "gone":
        file.unlink()
    else:
        file.with_suffix(".json").write_text("{}")
    with refused(file.name, "not the weights that its .json describes", "Restore or remove both"):
        dhl.fine_tune(small_base(), *parts, epochs=1, cache_dir=tmp_path)


def test_what_cannot_be_tuned(parts):
    train, val = parts
    with refused("images of shape (16, 16, 1)", "fine-tuning small takes images of shape (20, 20, 1)", "image_size"):
        dhl.fine_tune(small_base(20), train, val)
    more = radiographs(np.arange(9) % 3, size=16)
    with refused("The training part has class 0, class 1, the validation part class 0, class 1, class 2", ".split()"):
        dhl.fine_tune(small_base(), train, more)
    for wrong in ({"epochs": 0}, {"learning_rate": 0}, {"learning_rate": float("nan")}):
        with refused("give at least 1 epoch and a positive rate"):
            dhl.fine_tune(small_base(), train, val, **wrong)
    for weights in ({0: 1}, {0: 1, 1: 1, 2: 1}, "equal", [1, 2]):
        with refused("class_weight is None, 'balanced' or a weight for each of 0 to 1"):
            dhl.fine_tune(small_base(), train, val, class_weight=weights)


def test_images_left_on_disk_are_refused(tmp_path):
    from helpers import table

    table(tmp_path, 12, patient_id=range(12))
    data = dhl.load_dataset("csv", tmp_path / "list.csv", image_size=16, lazy=True)
    with refused("images left on disk", "without lazy"):
        dhl.fine_tune(small_base(), data, data)
