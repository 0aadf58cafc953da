"""The pre-trained base that comes with the course: whole, small, checked before it is loaded, and honest."""

import json
import shutil

import numpy as np
import pytest
from helpers import ROOT

import dhl_helpers as dhl
from data_samples.simulator import film, patient
from dhl_helpers import pretrained
from dhl_helpers._keras import keras

WEIGHTS = ROOT / "data_samples" / "weights"


@pytest.fixture(scope="module")
def network():
    return pretrained.simulated_cnn()


def test_it_is_small_and_was_trained_on_simulated_films_only(network):
    recipe = json.loads((WEIGHTS / "simulated.json").read_text())
    assert network.count_params() == recipe["parameters"] <= 2_000_000
    assert (WEIGHTS / "simulated.keras").stat().st_size <= 5_000_000
    assert recipe["made by"].startswith("pretrain.py, films of seed")
    assert network.input_shape == (None, 96, 96, 1) and network.output_shape == (None, 3)


@pytest.mark.parametrize("shape", [(96, 96, 1), (96, 96, 3), (28, 28, 1), (120, 100, 1)])
def test_any_image_becomes_336_features(network, shape, capsys):
    base = dhl.pretrained_base("simulated", shape)
    assert "not for diagnosis" in capsys.readouterr().out
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    features = dhl.DeepFeatures(base).transform(images)
    assert features.shape == (3, 336) and features.dtype == np.float32 and np.isfinite(features).all()
    if shape == (96, 96, 1):
        inner = keras.Model(network.inputs[0], network.get_layer("features").output)
        assert np.allclose(features, inner(images.astype(np.float32)), atol=1e-4)


def test_grey_level_and_contrast_of_a_film_do_not_matter(network):
    image = np.random.default_rng(1).integers(0, 200, (1, 96, 96, 1)).astype(np.float32)
    assert np.allclose(network(image), network(20 + 0.7 * image), atol=1e-4)


@pytest.mark.parametrize("damage", ["changed", "file gone", "recipe gone"])
def test_another_file_is_not_loaded(damage, tmp_path, monkeypatch):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    file = tmp_path / "weights" / "simulated.keras"
    if damage == "changed":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        (file if damage == "file gone" else file.with_suffix(".json")).unlink()
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path))
    with pytest.raises(dhl.DataError, match="simulated.keras.*(damaged|not found)"):
        dhl.pretrained_base("simulated", (96, 96, 1))


def test_it_tells_fresh_simulated_films_apart(network):
    """Films of a seed that nothing was trained or chosen on."""
    labels = ["normal"] * 16 + ["bacterial", "viral"] * 8
    made = [film(patient(977, k, label), 1, 96).pixels for k, label in enumerate(labels)]
    ill = 1 - network.predict(np.stack(made)[..., None], verbose=0)[:, 0]
    report = dhl.evaluate((np.array(labels) != "normal").astype(int), ill, ["normal", "pneumonia"], n_resamples=0)
    assert report["value"][0] > 0.8
