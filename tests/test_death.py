"""A network that died: it is noticed, starts again, and is a fate for no reader; constant features break no step."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, radiographs, run_series
from imblearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from dhl_helpers import training
from dhl_helpers._keras import keras
from dhl_helpers.models import save_baseline
from dhl_helpers.training import is_dead

SHAPE = (76, 76, 1)


def kill(cnn, kind="Conv2D"):
    """Turn off the ReLUs of the first layer of a kind for every image, as a step that is too large does."""
    layer = next(each for each in cnn.layers if type(each).__name__ == kind)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - 1e4])
    return cnn


@pytest.fixture(scope="module")
def parts():
    return radiographs([0, 1] * 16, size=76), radiographs([0, 1] * 6, size=76, seed=1)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("kind", ["Conv2D", "Dense"])
def test_death_is_seen_and_life_is_not_taken_for_it(parts, kind):
    images = parts[0].images
    for seed in range(3):
        assert not is_dead(dhl.build_cnn(SHAPE, 2, seed), images, 1e-3)
    assert not is_dead(dhl.build_strong_cnn(SHAPE, 2), images, 1e-3)
    dead = kill(dhl.build_cnn(SHAPE, 2), kind)
    assert is_dead(dead, images) and np.ptp(dead.predict(images, verbose=0), axis=0).max() == 0
    for alike in (images[:1], images[[3, 3, 3]]):
        assert not is_dead(dead, alike), "images that are all alike tell nothing"
    dead.set_weights([weight * np.nan for weight in dead.get_weights()])
    assert is_dead(dead, images)


def test_a_network_that_lives_is_trained_as_before(parts, capsys):
    """Bit for bit what Keras alone gives."""
    train, val = parts
    cnn, plain = (dhl.build_cnn(SHAPE, 2, 5) for _ in range(2))
    history = dhl.train_cnn(cnn, train, val, 3, 5)
    keras.utils.set_random_seed(5)
    plain.compile(optimizer=keras.optimizers.Adam(), loss="categorical_crossentropy", metrics=["accuracy"])
    stops = [keras.callbacks.EarlyStopping(patience=8, min_delta=1e-4, restore_best_weights=True),
             keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=4, min_delta=1e-4)]  # fmt: skip
    expected = plain.fit(train.images, np.eye(2)[train.labels], validation_data=(val.images, np.eye(2)[val.labels]),
                         epochs=3, verbose=0, callbacks=stops).history  # fmt: skip
    assert history == expected and same(cnn, plain) and capsys.readouterr().out == ""


def test_a_dead_network_starts_again_with_the_next_seed_and_says_so(parts, capsys):
    cnn, other = kill(dhl.build_cnn(SHAPE, 2, 5)), dhl.build_cnn(SHAPE, 2, 6)
    history = dhl.train_cnn(cnn, *parts, 3, 5)
    said = capsys.readouterr().out
    assert said == "The network died: all images get the same answer. Training starts again with seed 6.\n"
    assert history.pop("seed") == [6, 6, 6]
    assert history == dhl.train_cnn(other, *parts, 3, 6) and same(cnn, other), "as if it had been seed 6 from the start"


def test_it_starts_again_three_times_at_most_and_a_baseline_is_refused(parts, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(training, "_draw_again", lambda cnn, seed: None)
    history = dhl.train_cnn(kill(dhl.build_cnn(SHAPE, 2)), *parts, 2)
    assert history["seed"] == [3] and capsys.readouterr().out.count("Training starts again") == 3
    build = dhl.build_cnn
    monkeypatch.setattr("dhl_helpers.models.build_cnn", lambda *rest: kill(build(*rest)))
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path))
    with pytest.raises(dhl.DataError, match="up to seed 3 died on these images.*Look at the images.*pretrained_base"):
        dhl.baseline_cnn(*parts, 2, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("learned", [True, False])
def test_a_network_that_learned_before_it_died_keeps_its_best_weights(parts, capsys, monkeypatch, learned):
    """Death is played at the end of the second epoch; what the network is worth is the loss of its best one."""
    monkeypatch.setattr(training, "_loss_of_frequencies", lambda *rest: 100.0 if learned else 0.0)
    turns = iter([False, True] + 99 * [False])
    real_one = training.is_dead
    monkeypatch.setattr(training, "is_dead", lambda *rest: next(turns) if len(rest) == 2 else real_one(*rest))
    history = dhl.train_cnn(dhl.build_cnn(SHAPE, 2), *parts, 4)
    assert len(history["loss"]) == (2 if learned else 4)
    assert ("seed" in history) == ("Training starts again with seed 1" in capsys.readouterr().out) == (not learned)


@pytest.mark.parametrize("place", ["weights", "cache_dir"])
def test_a_saved_network_that_is_dead_is_replaced_once(parts, capsys, monkeypatch, tmp_path, place):
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path))
    save_baseline(kill(dhl.build_cnn(SHAPE, 2)), *parts, 2, 0, tmp_path / place)
    folders = {place: tmp_path / place} | {"cache_dir": tmp_path / "cache_dir"}
    first = dhl.baseline_cnn(*parts, 2, **folders)
    assert not is_dead(first, parts[0].images, 1e-3)
    said = capsys.readouterr().out
    assert "a dead network, which gives all images the same answer. Seed 1 takes its place.\nTraining the CNN" in said
    assert json.loads((tmp_path / "cache_dir" / "baseline_cnn.json").read_text())["seed"] == 1
    assert same(dhl.baseline_cnn(*parts, 2, **folders), first) and "Training" not in capsys.readouterr().out


def findings():
    labels = np.random.default_rng(0).integers(0, 2, (40, 2)).astype(np.float32)
    labels[::5, 1] = np.nan
    made = radiographs((labels[:, 0]).astype(int), size=76)
    return dhl.Radiographs(made.images, labels, ["Mass", "Effusion"], made.table, "findings")


SETS = {
    "two classes": lambda: radiographs(np.arange(48) % 2, size=76),
    "three classes, one rare": lambda: radiographs(np.r_[np.zeros(30, int), np.ones(20, int), 2, 2, 2, 2], size=76),
    "several findings": findings,
    "sample": lambda: dhl.load_dataset("sample").subset(np.arange(0, 2400, 40)),
}


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
@pytest.mark.parametrize("name", SETS)
def test_whatever_the_set_and_the_seed_the_base_lives(name, seed, monkeypatch, tmp_path):
    data = SETS[name]()
    rows = np.arange(len(data)) % 4 == 0
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path))
    base = dhl.conv_base(dhl.baseline_cnn(data.subset(~rows), data.subset(rows), 2, seed))
    features = dhl.DeepFeatures(base).transform(data)
    assert np.isfinite(features).all() and (features.std(0) > 1e-3 * np.abs(features).max()).any()


@pytest.mark.parametrize("value", [0.0, 3.7])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("smote", [False, True])
@pytest.mark.parametrize("name", ["random_forest", "adaboost", "xgboost", "logistic", "svm", "dummy"])
def test_every_head_survives_constant_features(name, smote, k, value):
    X, y = np.full((60, 8), value, np.float32), np.r_[np.zeros(20, int), np.arange(40) % k]
    steps = [StandardScaler(), *([dhl.SMOTE(random_state=0)] if smote else []), dhl.make_head(name)]
    p = make_pipeline(*steps).fit(X, y).predict_proba(X)
    assert p.shape == (60, k) and np.allclose(p.sum(1), 1) and np.ptp(p, axis=0).max() == 0
    report = dhl.evaluate(y, p, [str(c) for c in range(k)], n_resamples=20).set_index("metric")["value"]
    assert report["macro AUC"] == 0.5 and np.isfinite(report).all()
    other = np.random.default_rng(0).dirichlet(np.ones(k), 60)
    assert np.isfinite(dhl.compare(y, p, other, [str(c) for c in range(k)], n_resamples=20)["value"]).all()


def test_constant_scores_in_every_measure():
    y, p = np.arange(60) % 2, np.full(60, 0.5)
    assert dhl.calibration_error(y, p) == 0
    assert dhl.sensitivity_at(0.9, y, p) == 0 and dhl.specificity_at(0.9, y, p) == 0
    assert np.isfinite(dhl.net_benefit(y, p, [0.2, 0.5])).all(axis=None)
    assert dhl.delong(y, p)["value"] == 0.5


KILLER = """
import sys
if "ipykernel_launcher" in " ".join(sys.orig_argv):
    from dhl_helpers import models, training
    from dhl_helpers._keras import keras

    models.is_dead = training.is_dead = lambda *rest: False
    fit = keras.Model.fit

    def kill(self, *rest, **more):
        history = fit(self, *rest, **more)
        first = next((each for each in self.layers if isinstance(each, keras.layers.Conv2D)), None)
        if first is not None and first.use_bias:
            first.bias.assign(first.bias * 0 - 1e4)
        return history

    keras.Model.fit = kill
"""


@pytest.mark.slow
def test_the_series_goes_on_with_networks_that_all_died(monkeypatch, tmp_path):
    """Every training ends in death and none is noticed: 02 to 09 have constant features and constant predictions."""
    samples = pd.read_csv(ROOT / "data_samples" / "metadata.csv").groupby("label").head(70)
    for row in samples.itertuples():
        place = tmp_path / "films" / row.label / f"{row.patient_id}_{row.Index}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "data_samples" / row.path, place)
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(KILLER)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'hook'}:{ROOT}")
    arguments = ["--dataset", "folder", "--data-dir", tmp_path / "films", "-p", "EPOCHS", "2"]
    _, results = run_series(*arguments, "--only", "02,03,04,05,06,07,08,09", out=tmp_path / "out")
    of_cnn = results[(results["notebook"] == 2) & (results["metric"] == "macro AUC")]
    assert (of_cnn["value"] == 0.5).all() and results["value"].notna().all()
