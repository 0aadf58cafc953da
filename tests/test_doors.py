"""Every public function that takes pixels takes the same ones, and none touches a random stream that is not its own."""

import random
import re

import numpy as np
import pytest
from helpers import radiographs
from sklearn.pipeline import make_pipeline

import dhl_helpers as dhl
from dhl_helpers import models
from dhl_helpers._keras import tf
from dhl_helpers.pixels.check import as_images
from dhl_helpers.pixels.lazy import LazyImages
from dhl_helpers.scale import extract

SHAPE = (76, 76, 1)
MADE = radiographs(np.arange(12) % 2, size=76)
LAZY = dhl.Radiographs(LazyImages(MADE.images[..., 0], 76, 1), MADE.labels, MADE.class_names, MADE.table, "made")


def of(images):
    return dhl.Radiographs(images, MADE.labels, MADE.class_names, MADE.table, "made")


@pytest.fixture(scope="module")
def deep():
    return dhl.DeepFeatures(dhl.conv_base(dhl.build_cnn(SHAPE, 2)))


def trained(images):
    cnn = dhl.build_cnn(SHAPE, 2)
    dhl.train_cnn(cnn, of(images), of(images), 1)
    return cnn.predict(MADE.images, verbose=0)


def strongly_trained(images):
    cnn = dhl.build_strong_cnn(SHAPE, 2)
    dhl.train_strong_cnn(cnn, of(images), of(images), 1)
    return cnn.predict(MADE.images, verbose=0)


def saved_and_found(images, folder):
    dhl.save_baseline(dhl.build_cnn(SHAPE, 2, 7), of(images), of(images), 1, 0, folder)
    return dhl.baseline_cnn(of(images), of(images), 1, weights=folder).get_weights()[0]


def scored(images, deep, folder):
    model = make_pipeline(deep, dhl.make_head("logistic")).fit(MADE.images, MADE.labels)
    dhl.save_pipeline(folder, model, MADE, 0.5)
    return dhl.load_pipeline(folder)[0].predict_proba(images)


def cached(deep, folder):
    return dhl.DeepFeatures(deep.base, cache_dir=folder)


def drawn(images):
    figure = dhl.show_images(images, [""] * 12)
    return np.stack([axis.images[0].get_array() for axis in figure.axes])


DOORS = {
    "DeepFeatures": lambda images, deep, folder: deep.transform(images),
    "DeepFeatures, cached": lambda images, deep, folder: cached(deep, folder).transform(images),
    "extract": lambda images, deep, folder: extract(deep, images, folder / "features")[:],
    "HandcraftedFeatures": lambda images, deep, folder: dhl.HandcraftedFeatures().transform(images),
    "occlusion": lambda images, deep, folder: dhl.occlusion(lambda x: x.mean((1, 2, 3)), images, patch=40, step=40),
    "grad_cam": lambda images, deep, folder: dhl.grad_cam(dhl.build_cnn(SHAPE, 2), images, 1),
    "show_images": lambda images, deep, folder: drawn(images),
    "train_cnn": lambda images, deep, folder: trained(images),
    "train_strong_cnn": lambda images, deep, folder: strongly_trained(images),
    "baseline_cnn": lambda images, deep, folder: saved_and_found(images, folder),
    "a loaded pipeline": lambda images, deep, folder: scored(images, deep, folder),
}
each_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


@each_door
def test_images_on_disk_are_the_same_as_in_memory(door, deep, tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    expected = door(MADE.images, deep, tmp_path / "a")
    assert np.array_equal(door(LAZY.images, deep, tmp_path / "b"), expected)


WRONG = {
    "divided by 255": (MADE.images / 255, r"\(images \* 255\).round\(\).astype"),
    "float32 of 0 to 255": (MADE.images.astype(np.float32), r"images.round\(\).astype\(np.uint8\)"),
    "12 bits": (MADE.images.astype(np.uint16) * 16, "more than 8 bits"),
    "whole numbers": (MADE.images.astype(int), r"They fit into 0 to 255: images.astype\(np.uint8\)"),
    "standardised": ((MADE.images - 90.0) / 40, "standardised or signed"),
    "NaN": (np.where(np.arange(12)[:, None, None, None] % 3 == 0, np.nan, MADE.images), "NaN or infinity, the first"),
    "no pixels": (np.full((12, *SHAPE), "film.png"), "no pixels but"),
    "yes and no": (MADE.images > 90, "bool"),
}  # fmt: skip


@each_door
@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_grey_level_is_refused_with_words(door, what, deep, tmp_path):
    images, says = WRONG[what]
    with pytest.raises(dhl.DataError, match=f"(?s){says}"):
        door(images, deep, tmp_path)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (MADE.images[..., 0], "without a channel are images[..., None]"),
        (MADE.images[0], "One image is images[None]"),
        (MADE.images[0, ..., 0], "One image is images[None, ..., None]"),
        (np.moveaxis(MADE.images, -1, 1), "np.moveaxis(images, 1, -1)"),
        ([MADE.images[0], MADE.images[0, :40]], "different sizes"),
        (["a.png", "b.png"], "no pixels but"),
        (None, "no pixels but"),
    ],
)
def test_other_shapes_are_named(images, says):
    with pytest.raises(dhl.DataError, match=re.escape(says)):
        as_images(images)


@pytest.mark.parametrize("what", WRONG)
def test_fine_tuning_takes_grey_levels_in_memory_only(what, deep):
    images, says = WRONG[what]
    with pytest.raises(dhl.DataError, match=f"(?s){says}"):
        dhl.fine_tune(deep.base, of(images), of(images))
    with pytest.raises(dhl.DataError, match="left on disk.*without lazy"):
        dhl.fine_tune(deep.base, LAZY, LAZY)


def test_images_on_disk_that_do_not_fit_into_memory_are_refused(monkeypatch):
    import psutil

    class Memory:
        available = 1000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    with pytest.raises(dhl.DataError, match=r"12 images on disk take 0.0 GB.*DeepFeatures reads them as it goes"):
        dhl.HandcraftedFeatures().transform(LAZY)


def streams():
    """The state of each random stream of this process that anybody shares."""
    from tensorflow.python.eager import context

    keys = np.random.get_state()
    return (random.getstate(), keys[0], keys[1].tobytes(), *keys[2:],
            context.context()._seed, context.context()._rng.getstate())  # fmt: skip


def findings():
    return np.random.default_rng(0).dirichlet([1, 1], 12)


def loads(folder):
    models.save_baseline(dhl.build_cnn(SHAPE, 2, 7), MADE, MADE, 1, 0, folder)
    dhl.baseline_cnn(MADE, MADE, 1, weights=folder)


def keeps(deep, folder):
    dhl.make_head("svm").fit(deep.transform(MADE), MADE.labels)
    for name in ("adaboost", "random_forest"):
        model = make_pipeline(deep, dhl.make_head(name)).fit(MADE.images, MADE.labels)
        dhl.save_pipeline(folder / name, model, MADE, 0.5)
        dhl.load_pipeline(folder / name)[0].predict_proba(MADE.images)


QUIET = {
    "build_cnn": lambda deep, folder: dhl.build_cnn(SHAPE, 2, seed=5),
    "build_strong_cnn": lambda deep, folder: dhl.build_strong_cnn(SHAPE, 2, seed=5),
    "save_baseline and baseline_cnn": lambda deep, folder: loads(folder),
    "conv_base": lambda deep, folder: dhl.conv_base(dhl.build_cnn(SHAPE, 2), "average"),
    "pretrained_base, random": lambda deep, folder: dhl.pretrained_base("MobileNetV3Small", (64, 64, 1), weights=None),
    "pretrained_base, simulated": lambda deep, folder: dhl.pretrained_base("simulated", SHAPE),
    "DeepFeatures": lambda deep, folder: cached(deep, folder).transform(LAZY),
    "DeepFeatures, mixed": lambda deep, folder: dhl.DeepFeatures(deep.base, engine="tensorflow-mixed").transform(LAZY),
    "extract": lambda deep, folder: extract(deep, LAZY, folder / "features"),
    "HandcraftedFeatures": lambda deep, folder: dhl.HandcraftedFeatures().transform(MADE),
    "grad_cam and to_pixels": lambda deep, folder: dhl.grad_cam(dhl.build_cnn(SHAPE, 2), MADE, 1),
    "occlusion": lambda deep, folder: dhl.occlusion(lambda x: x.mean((1, 2, 3)), MADE, patch=40, step=40),
    "save_pipeline and load_pipeline": keeps,
    "load_dataset and split": lambda deep, folder: dhl.load_dataset("sample", image_size=8).split(3),
    "evaluate": lambda deep, folder: dhl.evaluate(MADE.labels, findings(), MADE.class_names, MADE.patients, 50),
    "compare": lambda deep, folder: dhl.compare(
        MADE.labels, findings(), findings()[::-1], MADE.class_names, MADE.patients, 50),
    "SMOTE": lambda deep, folder: dhl.SMOTE(k_neighbors=1, random_state=0).fit_resample(
        np.arange(24.0).reshape(12, 2), np.repeat([0, 1], [8, 4])),
    "show_images": lambda deep, folder: dhl.show_images(MADE, [""] * 12),
}  # fmt: skip


@pytest.mark.parametrize("name", QUIET)
def test_no_function_but_start_and_a_fit_with_a_seed_touches_a_random_stream(name, deep, tmp_path):
    dhl.start(3)
    random.random(), np.random.random(), tf.random.uniform([2])
    before = streams()
    QUIET[name](deep, tmp_path)
    assert streams() == before


def test_a_touched_stream_would_be_seen():
    for touch in (random.random, np.random.random, lambda: tf.random.uniform([1]), lambda: dhl.start(8)):
        before = streams()
        touch()
        assert streams() != before


def test_random_weights_have_their_seed():
    bases = [dhl.pretrained_base("MobileNetV3Small", (64, 64, 1), weights=None, seed=seed) for seed in (1, 1, 2)]
    one, same, other = (base.get_weights()[0] for base in bases)
    assert np.array_equal(one, same) and not np.array_equal(one, other)
