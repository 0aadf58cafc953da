"""The engines give the network's own features, each as exactly as it says."""

import importlib.util
import sys

import numpy as np
import pytest
from helpers import tiny_base

import dhl_helpers as dhl
from dhl_helpers import engines

IMAGES = np.random.default_rng(0).integers(0, 256, (21, 32, 32, 1)).astype(np.uint8)
needs_openvino = pytest.mark.skipif(
    not importlib.util.find_spec("openvino"), reason="OpenVINO is not installed; it is in the extra `fast`"
)


@pytest.fixture(scope="module")
def expected():
    return tiny_base().predict(IMAGES.astype(np.float32), verbose=0)


def error(features, expected):
    """The largest difference, relative to the largest feature."""
    assert features.dtype == np.float32 and features.shape == expected.shape
    return np.abs(features - expected).max() / np.abs(expected).max()


def test_tensorflow_equals_predict_and_mixed_is_near(expected):
    assert error(dhl.DeepFeatures(tiny_base()).transform(IMAGES), expected) < 1e-6
    mixed = dhl.DeepFeatures(tiny_base(), engine="tensorflow-mixed").transform(IMAGES)
    assert 1e-5 < error(mixed, expected) < 2e-2


def test_mixed_takes_networks_with_their_own_preprocessing():
    base = dhl.pretrained_base("MobileNetV3Small", (32, 32, 1), weights=None)
    exact = dhl.DeepFeatures(base).transform(IMAGES)
    mixed = dhl.DeepFeatures(base, engine="tensorflow-mixed").transform(IMAGES)
    assert 0 < error(mixed, exact) < 5e-2


def test_changed_weights_change_the_features_of_every_engine():
    base = tiny_base()
    before = dhl.DeepFeatures(base, engine="tensorflow-mixed").transform(IMAGES)
    base.set_weights([weight + 1 for weight in base.get_weights()])
    assert error(dhl.DeepFeatures(base, engine="tensorflow-mixed").transform(IMAGES), before) > 0.1


def test_an_unknown_engine_or_an_absent_package_is_a_clear_error(monkeypatch):
    with pytest.raises(dhl.DataError, match="no engine 'onnx'; choose one of tensorflow, tensorflow-mixed, openvino"):
        dhl.DeepFeatures(tiny_base(), engine="onnx").transform(IMAGES)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(dhl.DataError, match="engine='openvino' needs OpenVINO: pip install 'dhl-helpers"):
        dhl.DeepFeatures(tiny_base(), engine="openvino").transform(IMAGES)


@needs_openvino
def test_openvino_is_exact_and_its_bfloat16_near(expected, tmp_path, monkeypatch):
    export, exports = engines.keras.Model.export, []
    monkeypatch.setattr(
        engines.keras.Model, "export", lambda self, *rest, **more: exports.append(1) or export(self, *rest, **more)
    )
    for name, most in (("openvino", 1e-4), ("openvino-bf16", 3e-2)):
        features = dhl.DeepFeatures(tiny_base(), engine=name, batch_size=4, cache_dir=tmp_path).transform(IMAGES)
        assert error(features, expected) < most
    assert len(exports) == 1, "translated once, then kept"
    (entry,) = tmp_path.glob("dhl-network-*.npz")
    entry.write_bytes(entry.read_bytes()[:-100])
    engines._openvino.cache_clear()
    for features in tmp_path.glob("dhl-features-*"):
        features.unlink()
    again = dhl.DeepFeatures(tiny_base(), engine="openvino", cache_dir=tmp_path).transform(IMAGES)
    assert error(again, expected) < 1e-4 and len(exports) == 2
