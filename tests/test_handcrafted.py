"""The handcrafted features, and the strong network beside the article's."""

import numpy as np
import pytest
from helpers import radiographs
from skimage.feature import hog
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)).astype(np.uint8)


@pytest.mark.parametrize("size, cells, width", [(28, 4, 516), (96, 4, 516), (29, 3, 356), (16, 2, 260)])
def test_shape_and_determinism(size, cells, width):
    X = np.random.default_rng(0).integers(0, 256, (3, size, size, 1)).astype(np.uint8)
    features = dhl.HandcraftedFeatures(cells).fit(X).transform(X)
    assert features.shape == (3, width) and features.dtype == np.float32 and np.isfinite(features).all()
    assert np.array_equal(features, dhl.HandcraftedFeatures(cells).transform(X))
    assert np.array_equal(features[1:2], dhl.HandcraftedFeatures(cells).transform(X[1:2])), "images do not mix"


def test_the_three_kinds(images):
    features = dhl.HandcraftedFeatures().transform(images)
    gradients, patterns, co_occurrences = np.split(features, [288, 468], axis=1)
    assert gradients[0] == pytest.approx(hog(images[0, ..., 0], 8, (7, 7), (2, 2)), abs=1e-6)
    assert patterns.reshape(6, 18, 10).sum(2) == pytest.approx(1, abs=1e-5), "a histogram for each region and radius"
    assert co_occurrences.shape == (6, 48)


def test_they_see_what_they_should():
    flat = np.full((1, 32, 32, 1), 90, np.uint8)
    stripes = flat + 40 * (np.arange(32) // 2 % 2).astype(np.uint8)[:, None, None]
    of_flat, of_stripes, turned = (
        dhl.HandcraftedFeatures().transform(X)[0] for X in (flat, stripes, stripes.transpose(0, 2, 1, 3))
    )
    assert of_flat[:288].sum() == 0 and of_stripes[:288].sum() > 1, "edges"
    assert of_flat[468] == 0 and of_stripes[468:480].max() > 10, "contrast"
    assert not np.allclose(of_stripes[:288], turned[:288]), "direction"
    brighter = dhl.HandcraftedFeatures().transform(stripes + np.uint8(32))[0]
    assert of_stripes[:468] == pytest.approx(brighter[:468], abs=0.02), "edges and patterns do not mind brightness"


def test_colour_is_averaged(images):
    assert np.array_equal(
        dhl.HandcraftedFeatures().transform(images.repeat(3, axis=3)), dhl.HandcraftedFeatures().transform(images)
    )


def test_joined_to_deep_features_in_a_pipeline():
    data = radiographs(np.arange(40) % 2, size=76)
    deep = dhl.DeepFeatures(dhl.conv_base(dhl.build_cnn(data.image_shape, 2)))
    union = FeatureUnion([("deep", deep), ("handcrafted", dhl.HandcraftedFeatures())])
    assert union.fit_transform(data.images).shape == (40, 64 + 516)
    model = clone(make_pipeline(union, StandardScaler(), LogisticRegression())).fit(data.images, data.labels)
    assert (model.predict(data.images) == data.labels).mean() > 0.9
    assert model.get_params()["featureunion__handcrafted__cells"] == 4


@pytest.mark.parametrize(
    "X, cells, says",
    [
        (np.zeros((2, 28, 28), np.uint8), 4, r"shape \(2, 28, 28\)"),
        (np.zeros((2, 28, 28, 1), np.float32), 4, "float32; give uint8"),
        (np.zeros((2, 28, 28, 2), np.uint8), 4, "1 or 3"),
        (np.zeros((2, 12, 28, 1), np.uint8), 4, "12 x 28 pixels .* images of 16 or more"),
        (np.zeros((2, 28, 28, 1), np.uint8), 1, "2 cells or more"),
        (np.zeros((2, 28, 28, 1), np.uint8), 20, "20 x 20"),
    ],
)
def test_what_it_cannot_take(X, cells, says):
    with pytest.raises(dhl.DataError, match=says):
        dhl.HandcraftedFeatures(cells).transform(X)


def test_the_strong_network_has_the_size_of_the_articles():
    strong, article = dhl.build_strong_cnn((96, 96, 1), 2), dhl.build_cnn((96, 96, 1), 2)
    assert 0.9 < strong.count_params() / article.count_params() < 1.1
    assert dhl.conv_base(strong).output_shape == (None, 120)
    for size in (28, 64, 224):
        assert dhl.build_strong_cnn((size, size, 1), 3).output_shape == (None, 3)
    with pytest.raises(dhl.DataError, match="image_size=16"):
        dhl.build_strong_cnn((15, 28, 1), 2)


def test_the_strong_network_learns_and_depends_on_its_seed_alone():
    train, val = radiographs(np.arange(64) % 2, size=28), radiographs(np.arange(32) % 2, size=28, seed=1)
    found = []
    for seed in (0, 0, 1):
        cnn = dhl.build_strong_cnn(train.image_shape, 2, seed)
        history = dhl.train_strong_cnn(cnn, train, val, epochs=4, seed=seed)
        assert len(history["val_loss"]) == 4 and history["loss"][-1] < history["loss"][0]
        found.append(cnn.predict(val.images, verbose=0))
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
    assert float(cnn.optimizer.learning_rate) == pytest.approx(0, abs=1e-9), "the schedule has come to rest"
    weighted = dhl.build_strong_cnn(train.image_shape, 2)
    dhl.train_strong_cnn(weighted, train, val, 1, class_weight={0: 1.0, 1: 5.0}, loss="categorical_focal_crossentropy")
    findings = radiographs(np.arange(4) % 2)
    findings.labels = np.ones((4, 2), np.float32)
    with pytest.raises(dhl.DataError, match="one class an image"):
        dhl.train_strong_cnn(weighted, findings, findings, 1)


def test_augmentation_is_off_when_it_predicts():
    cnn, images = dhl.build_strong_cnn((28, 28, 1), 2), np.full((4, 28, 28, 1), 90, np.uint8)
    images[:, 8:20, 8:20] = 200
    first, second = (cnn.predict(images, verbose=0) for _ in range(2))
    assert np.array_equal(first, second) and np.allclose(first, first[0])
