"""Cuts, pre-trained bases, and `DeepFeatures` as a part of scikit-learn and imbalanced-learn."""

import pickle

import numpy as np
import pytest
import sklearn
from helpers import radiographs
from imblearn.pipeline import make_pipeline
from sklearn.model_selection import GroupKFold, TunedThresholdClassifierCV, cross_val_predict
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import dhl_helpers as dhl
from dhl_helpers import pretrained


@pytest.fixture(scope="module")
def data():
    """60 images of 20 patients, one in three of class 1."""
    patients = np.repeat(np.arange(20), 3)
    return radiographs((patients % 3 == 2).astype(int), patients, size=76)


@pytest.fixture(scope="module")
def base(cnn):
    return dhl.conv_base(cnn)


@pytest.mark.parametrize("cut", ["flatten", "average", "dense"])
def test_a_cut_gives_what_the_network_computes_there(cnn, data, cut):
    images = data.images[:5].astype(np.float32)
    activations, by_layer = images, {}
    for layer in cnn.layers:
        activations = layer(activations)
        by_layer.setdefault(type(layer).__name__, []).append(np.asarray(activations))
    expected = {
        "flatten": by_layer["Flatten"][0],
        "average": by_layer["MaxPooling2D"][-1].mean((1, 2)),
        "dense": by_layer["Dense"][-2],
    }[cut]
    measured = dhl.DeepFeatures(dhl.conv_base(cnn, cut)).transform(data.images[:5])
    assert measured.dtype == np.float32 and measured.shape == expected.shape
    np.testing.assert_allclose(measured, expected, rtol=1e-4, atol=1e-6)


def test_the_average_of_a_strong_cnn_is_its_own(data):
    strong = dhl.build_strong_cnn((32, 32, 1), 2)
    bases = [dhl.conv_base(strong, cut) for cut in ("average", "flatten")]
    small = data.images[:3, :32, :32]
    assert np.array_equal(*(dhl.DeepFeatures(base).transform(small) for base in bases))


def test_a_cut_shares_the_weights(cnn, data):
    deep = dhl.DeepFeatures(dhl.conv_base(cnn))
    before = deep.transform(data.images[:4])
    weights = cnn.get_weights()
    try:
        cnn.set_weights([2 * weight for weight in weights])
        assert not np.allclose(deep.transform(data.images[:4]), before)
    finally:
        cnn.set_weights(weights)
    assert np.array_equal(deep.transform(data.images[:4]), before)


@pytest.mark.parametrize("batch_size", [1, 7, 60, 100])
def test_order_and_the_last_smaller_batch(base, data, batch_size):
    deep = dhl.DeepFeatures(base, batch_size=batch_size)
    whole = deep.transform(data.images)
    assert whole.shape == (60, 64) and whole.dtype == np.float32
    backwards = deep.transform(data.images[::-1])
    np.testing.assert_allclose(backwards[::-1], whole, rtol=1e-4, atol=1e-6)
    assert not np.allclose(whole[0], whole[59]), "or the order could not be seen"


def test_no_images(base, data, tmp_path):
    for deep in (dhl.DeepFeatures(base), dhl.DeepFeatures(base, cache_dir=tmp_path)):
        assert deep.transform(data.images[:0]).shape == (0, 64)


def test_a_clone_shares_the_model_and_nothing_is_fitted(base, data):
    deep = dhl.DeepFeatures(base, batch_size=5, cache_dir="somewhere")
    clone = sklearn.clone(deep)
    assert clone is not deep and clone.base is base and clone.get_params() == deep.get_params()
    before = [weight.copy() for weight in base.get_weights()]
    assert deep.fit(data.images, data.labels) is deep
    assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
    check_is_fitted(deep)
    assert clone.set_params(batch_size=3).batch_size == 3


@pytest.fixture
def computed(monkeypatch):
    """The number of images of each computation, in order."""
    counts, compute = [], dhl.DeepFeatures.compute
    monkeypatch.setattr(
        dhl.DeepFeatures, "compute", lambda self, X, *rest: counts.append(len(X)) or compute(self, X, *rest)
    )
    return counts


def test_the_cache_serves_the_same_pixels_and_weights(cnn, data, computed, tmp_path):
    first = dhl.DeepFeatures(dhl.conv_base(cnn), cache_dir=tmp_path / "new").transform(data.images)
    # the same network built and cut once more, as another notebook does, has other layer names and the same features
    again = dhl.DeepFeatures(dhl.conv_base(dhl.build_cnn((76, 76, 1), 2, seed=0)), 7, tmp_path / "new").transform(
        data.images
    )
    assert computed == [60] and np.array_equal(first, again)
    assert [path.suffix for path in (tmp_path / "new").iterdir()] == [".npz"], "one entry, nothing unfinished"
    assert np.array_equal(first, dhl.DeepFeatures(dhl.conv_base(cnn)).transform(data.images))


def test_the_cache_misses_what_has_changed(cnn, data, computed, tmp_path):
    def run(cut="flatten", images=data.images, network=cnn):
        return dhl.DeepFeatures(dhl.conv_base(network, cut), cache_dir=tmp_path).transform(images)

    before = run()
    pixel = data.images.copy()
    pixel[17, 3, 4, 0] ^= 1
    network = dhl.build_cnn((76, 76, 1), 2, seed=0)
    kernel = network.layers[1].kernel
    kernel.assign(kernel.numpy() + 1e-3 * (np.arange(kernel.shape[-1]) == 5))
    # at this size flatten and average give the same numbers; the cache must still not take one for the other
    for change in ({"cut": "average"}, {"cut": "dense"}, {"images": pixel}, {"images": data.images[::-1]},
                   {"images": data.images[:59]}):  # fmt: skip
        run(**change)
    assert not np.array_equal(run(network=network), before)
    assert len(computed) == len(list(tmp_path.iterdir())) == 7
    run()
    assert len(computed) == 7


def flipped(content, place):
    """One bit of the file is another."""
    return content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :]


DAMAGES = [lambda content: content[:-9], lambda content: content[:20], lambda content: b"", lambda content: b"no" * 99,
           *(lambda content, place=place: flipped(content, place) for place in (3, 40, 700))]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_entry_is_computed_and_written_again(base, data, computed, tmp_path, damage):
    deep = dhl.DeepFeatures(base, cache_dir=tmp_path)
    expected = deep.transform(data.images[:4])
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    assert np.array_equal(deep.transform(data.images[:4]), expected)
    assert computed == [4, 4] and [path.read_bytes() for path in tmp_path.iterdir()] == [whole]
    deep.transform(data.images[:4])
    assert computed == [4, 4]


def test_in_a_pipeline_with_scaler_smote_and_head(base, data):
    deep = dhl.DeepFeatures(base)
    pipe = make_pipeline(deep, StandardScaler(), dhl.SMOTE(random_state=0), dhl.make_head("logistic"))
    pipe.fit(data.images, data.labels)
    probabilities = pipe.predict_proba(data.images)
    assert probabilities.shape == (60, 2) and ((probabilities[:, 1] > 0.5) == data.labels).mean() > 0.9
    scaled = StandardScaler().fit_transform(deep.transform(data.images))
    by_hand = dhl.make_head("logistic").fit(*dhl.SMOTE(random_state=0).fit_resample(scaled, data.labels))
    np.testing.assert_allclose(probabilities, by_hand.predict_proba(scaled), rtol=1e-5)


def test_in_cross_val_predict_with_groups(base, data):
    pipe = make_pipeline(dhl.DeepFeatures(base), StandardScaler(), dhl.make_head("logistic"))
    folds = GroupKFold(4)
    found = cross_val_predict(pipe, data.images, data.labels, groups=data.patients, cv=folds, method="predict_proba")
    by_hand = np.empty_like(found)
    for train, test in folds.split(data.images, data.labels, data.patients):
        assert not set(data.patients[train]) & set(data.patients[test])
        fitted = sklearn.clone(pipe).fit(data.images[train], data.labels[train])
        by_hand[test] = fitted.predict_proba(data.images[test])
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)
    assert dhl.evaluate(data.labels, found, data.class_names, data.patients, 20)["value"][0] > 0.9


def test_in_a_tuned_threshold_with_groups(base, data):
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(dhl.DeepFeatures(base), StandardScaler(), dhl.make_head("logistic"))
        seen = []

        class Folds(GroupKFold):
            def split(self, X, y=None, groups=None):
                seen.append(groups)
                return super().split(X, y, groups)

        tuned = TunedThresholdClassifierCV(pipe, cv=Folds(4), scoring="balanced_accuracy")
        tuned.fit(data.images, data.labels, groups=data.patients)
    assert np.array_equal(seen[0], data.patients), "the patients reached the folds"
    assert 0 < tuned.best_threshold_ < 1 and tuned.best_score_ > 0.85
    assert np.array_equal(
        tuned.predict(data.images), (tuned.predict_proba(data.images)[:, 1] >= tuned.best_threshold_).astype(int)
    )


def test_pickled_and_in_two_processes(base, data):
    deep = dhl.DeepFeatures(base, batch_size=9)
    again = pickle.loads(pickle.dumps(deep))
    assert again.batch_size == 9 and np.array_equal(again.transform(data.images), deep.transform(data.images))
    pipe = make_pipeline(deep, dhl.make_head("logistic"))
    one, two = (
        cross_val_predict(pipe, data.images, data.labels, cv=2, method="predict_proba", n_jobs=jobs) for jobs in (1, 2)
    )
    np.testing.assert_allclose(one, two, rtol=1e-4)


def test_a_pretrained_base_does_its_own_preprocessing():
    from dhl_helpers._keras import keras

    base = dhl.pretrained_base("DenseNet121", (33, 40, 1), weights=None)
    images = np.random.default_rng(0).integers(0, 256, (2, 33, 40, 1)).astype(np.uint8)
    measured = dhl.DeepFeatures(base).transform(images)
    assert measured.shape == (2, 1024) and base.name == "DenseNet121"
    colour = np.repeat(images, 3, axis=-1).astype(np.float32)
    (network,) = [layer for layer in base.layers if isinstance(layer, keras.Model)]
    expected = network(keras.applications.densenet.preprocess_input(colour))
    np.testing.assert_allclose(measured, expected, rtol=1e-3, atol=1e-4)


def test_feature_maps_without_pooling_are_flattened():
    base = dhl.pretrained_base("MobileNetV3Small", (64, 64, 3), weights=None, pooling=None)
    assert base.output_shape == (None, 2, 2, 576)
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    measured = dhl.DeepFeatures(base).transform(images)
    assert measured.shape == (1, 2304)
    np.testing.assert_allclose(measured.reshape(1, 2, 2, 576), base(images.astype(np.float32)), rtol=1e-3, atol=1e-4)
    assert dhl.DeepFeatures(base).transform(images[:0]).shape == (0, 2304)


def test_every_network_of_keras_is_known_with_its_preprocessing():
    from dhl_helpers._keras import keras

    names = [name for name in dir(keras.applications) if name[0].isupper()]
    assert len(names) > 30 and "DenseNet201" in names
    for name in names:
        build, preprocess = pretrained._application(name)
        assert build.__name__ == name and preprocess.__name__ == "preprocess_input"
    sample = np.full((1, 2, 2, 3), 100.0)
    assert np.allclose(
        pretrained._application("DenseNet121")[1](sample.copy())[0, 0, 0], [-0.405, -0.285, -0.062], atol=2e-3
    )
    assert np.allclose(
        pretrained._application("ResNet50")[1](sample.copy())[0, 0, 0], [-3.939, -16.779, -23.68], atol=2e-3
    )
