"""Splitting, labels and decoding: `Radiographs`, `as_labels`, `load_dataset`."""

import numpy as np
import pytest
from helpers import radiographs, refused
from PIL import Image

import dhl_helpers as dhl


def random_data(seed):
    """Some classes, some common patients, some images of several classes; a rare class with just enough patients."""
    rng = np.random.default_rng(seed)
    k, n = rng.integers(2, 5), rng.integers(40, 120)
    labels = rng.choice(k, n, p=rng.dirichlet(np.full(k, 2.0)))
    patients = rng.integers(0, n // 2, n)
    rare = np.repeat(np.arange(k), 3)  # three patients of each class and of no other
    return radiographs(np.r_[labels, rare], np.r_[patients, n + np.arange(3 * k)], size=1, seed=seed)


@pytest.mark.parametrize("seed", range(40))
def test_no_patient_on_two_sides_and_every_class_on_each(seed):
    data = random_data(seed)
    parts = data.split(seed)
    owners = [set(part.patients) for part in parts]
    assert not (owners[0] & owners[1] or owners[0] & owners[2] or owners[1] & owners[2])
    assert sum(map(len, parts)) == len(data)
    for part in parts:
        assert set(part.labels) == set(range(data.n_classes))
    again = data.split(seed)
    assert all(
        a.table.equals(b.table) and np.array_equal(a.images, b.images) for a, b in zip(parts, again, strict=True)
    )


def test_split_shares_and_seeds():
    data = radiographs([0] * 700 + [1] * 300, size=1)
    train, val, test = data.split(seed=0)
    for part, share in ((train, 0.6), (val, 0.2), (test, 0.2)):
        assert np.bincount(part.labels).tolist() == [700 * share, 300 * share]
    assert set(train.patients) != set(data.split(seed=1)[0].patients)


def test_split_does_not_depend_on_the_order_of_rows():
    data = random_data(3)
    shuffled = data.subset(np.random.default_rng(0).permutation(len(data)))
    for part, other in zip(data.split(5), shuffled.split(5), strict=True):
        assert set(part.table["path"]) == set(other.table["path"])


def test_a_patient_with_a_rare_image_is_dealt_as_rare():
    # All patients have class 0 as well: dealt by their commonest class, the three with class 1 could meet in one part.
    data = radiographs([0] * 30 + [1] * 3, [*range(30), 0, 1, 2], size=1)
    for seed in range(20):
        assert [int((part.labels == 1).sum()) for part in data.split(seed)] == [1, 1, 1]


def test_a_class_without_patients_of_its_own_can_be_split():
    data = radiographs([0, 1] * 10 + [0], [*np.repeat(np.arange(10), 2), 0], size=1)
    assert all(set(part.labels) == {0, 1} for part in data.split())


def test_official_split_is_kept():
    split = np.array(["train"] * 10 + ["val"] * 4 + ["test"] * 6 + ["external"] * 2)
    data = radiographs([0, 1] * 11, split=split, size=1)
    for seed in range(3):
        for part, name in zip(data.split(seed), ("train", "val", "test"), strict=True):
            assert part.table["path"].tolist() == data.table["path"][split == name].tolist()
    assert len(data.part("external")) == 2


@pytest.mark.parametrize("official", ["val", "test"])
def test_the_missing_part_is_dealt_from_training_only(official):
    split = np.array(["train"] * 40 + [official] * 10)
    data = radiographs([0, 1] * 25, split=split, size=1)
    parts = dict(zip(("train", "val", "test"), data.split(), strict=True))
    assert set(parts[official].patients) == set(range(40, 50))
    assert len(parts["val" if official == "test" else "test"]) == 8
    assert data.table["split"].tolist() == split.tolist(), "splitting must not change the data"


def test_subset_and_properties():
    data = radiographs([0, 1, 1, 0, 2], ["a", "b", "b", "c", "d"], size=4)
    assert (len(data), data.n_classes, data.image_shape) == (5, 3, (4, 4, 1))
    by_mask, by_position = data.subset(data.labels == 1), data.subset([1, 2])
    for part in (by_mask, by_position):
        assert part.patients.tolist() == ["b", "b"] and part.labels.tolist() == [1, 1]
        assert np.array_equal(part.images, data.images[1:3]) and part.table.index.tolist() == [0, 1]
        assert part.class_names == data.class_names
    assert data.subset([4, 0]).labels.tolist() == [2, 0]
    assert "made" in repr(data) and len(repr(data)) < 120


@pytest.mark.parametrize(
    "given",
    [
        [0, 2, 1],
        np.array([[0], [2], [1]], np.uint8),
        np.array([0.0, 2.0, 1.0]),
        np.eye(3)[[0, 2, 1]],
        ["a", "c", "b"],
        np.array([["a"], ["c"], ["b"]]),
        np.array(["a", "c", "b"], object),
        np.array([0, 2, 1], object),
    ],
)
def test_as_labels_takes_every_usual_form(given):
    labels = dhl.as_labels(given, ["a", "b", "c"])
    assert labels.dtype == np.int64 and labels.tolist() == [0, 2, 1]


def test_as_labels_two_classes():
    assert dhl.as_labels(np.array([True, False]), ["a", "b"]).tolist() == [1, 0]
    assert dhl.as_labels([[1, 0], [0, 1]], ["a", "b"]).tolist() == [0, 1]


# Decoding. A gradient from left to right tells orientation, scale and clipping apart.
GRADIENT = np.tile(np.linspace(0, 255, 64).round(), (48, 1))


def decoded(folder, name, image, channels=1, size=16, **options):
    """Save one image in a class of its own beside a black one, load both, and return the first."""
    for label in ("a", "b"):
        (folder / label).mkdir(exist_ok=True)
    image.save(folder / "a" / name, **options)
    Image.new("L", (8, 8)).save(folder / "b" / "black.png")
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        data = dhl.load_dataset("folder", folder, image_size=size, channels=channels)
    assert data.images.dtype == np.uint8 and data.images.shape == (2, size, size, channels)
    return data.images[0].astype(int)


def grey(size=16):
    return np.asarray(Image.fromarray(GRADIENT.astype(np.uint8)).resize((size, size), 2)).astype(int)[:, :, None]


L = Image.fromarray(GRADIENT.astype(np.uint8))
RGB = Image.merge("RGB", [L] * 3)
DEEP = GRADIENT.astype(np.uint16)
OPAQUE = Image.new("L", L.size, 255)


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("grey.png", L),
        ("grey.jpg", L),
        ("grey.bmp", L),
        ("grey.tif", L),
        ("colour.png", RGB),
        ("colour.jpg", RGB),
        ("palette.png", RGB.quantize(256)),
        ("palette.gif", RGB.quantize(256)),
        ("alpha.png", Image.merge("RGBA", [L, L, L, OPAQUE])),
        ("grey_alpha.png", Image.merge("LA", [L, OPAQUE])),
        ("cmyk.jpg", RGB.convert("CMYK")),
        ("cmyk.tif", RGB.convert("CMYK")),
        ("deep.png", Image.fromarray(DEEP * 257)),
        ("deep.tif", Image.fromarray(DEEP * 257)),
        ("twelve.png", Image.fromarray((DEEP * (4095 / 255)).round().astype(np.uint16))),
        ("eight_in_16.png", Image.fromarray(DEEP)),
        ("integer.tif", Image.fromarray((DEEP * 257).astype(np.int32))),
        ("fraction.tif", Image.fromarray((GRADIENT / 255).astype(np.float32))),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_file_gives_the_same_grey_levels(tmp_path, name, image, channels):
    pixels = decoded(tmp_path, name, image, channels)
    assert np.abs(pixels - grey()).max() <= (4 if name.endswith(("jpg", "gif")) or "palette" in name else 1)


def test_deep_images_are_scaled_not_clipped(tmp_path):
    pixels = decoded(tmp_path, "dim.png", Image.fromarray(np.full((20, 20), 5000, np.uint16)))
    assert (pixels == round(5000 * 255 / 65535)).all()
    pixels = decoded(tmp_path, "dim.png", Image.fromarray(np.full((20, 20), 2048, np.uint16)))
    assert (pixels == 128).all()


def test_transparent_pixels_are_black(tmp_path):
    white = Image.new("L", (16, 16), 255)
    alpha = Image.fromarray(np.repeat([[0, 255]], [8, 8], axis=1).repeat(16, 0).astype(np.uint8))
    for image in (Image.merge("LA", [white, alpha]), Image.merge("RGBA", [white] * 3 + [alpha])):
        pixels = decoded(tmp_path, "half.png", image)
        assert pixels[:, :8].max() == 0 and pixels[:, 8:].min() == 255
    pixels = decoded(
        tmp_path, "half.png", Image.fromarray(np.uint8([[7, 90]]).repeat(8, 1).repeat(16, 0)), transparency=7
    )
    assert pixels[:, :8].max() == 0 and pixels[:, 8:].min() == 90


def test_one_bit_images(tmp_path):
    half = np.repeat([[False, True]], [8, 8], axis=1).repeat(16, 0)
    pixels = decoded(tmp_path, "bit.png", Image.fromarray(half))
    assert pixels[:, :8].max() == 0 and pixels[:, 8:].min() == 255


def test_colour_keeps_its_colours(tmp_path):
    pixels = decoded(tmp_path, "red.png", Image.new("RGB", (20, 20), (200, 10, 30)), channels=3)
    assert (pixels == [200, 10, 30]).all()


@pytest.mark.parametrize(("orientation", "bright"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")])
def test_exif_rotation_is_applied(tmp_path, orientation, bright):
    image = Image.new("L", (320, 160))
    image.paste(255, (0, 0, 160, 160))
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decoded(tmp_path, "turned.jpg", image, size=8, exif=exif)[:, :, 0]
    sides = {"left": pixels[:, :3], "right": pixels[:, 5:], "top": pixels[:3], "bottom": pixels[5:]}
    assert max(sides, key=lambda side: sides[side].mean()) == bright and sides[bright].min() > 240


@pytest.mark.parametrize("shape", [(1500, 1100), (90, 70), (20, 30)])
def test_a_jpeg_that_shrinks_while_it_is_decoded_looks_the_same(tmp_path, shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    smooth = 127 + 80 * np.sin(6 * x / shape[1]) * np.cos(5 * y / shape[0])
    image = Image.fromarray(smooth.astype(np.uint8))
    pixels = decoded(tmp_path, "large.jpg", image, size=32, quality=95)[:, :, 0]
    whole = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(pixels - whole).max() <= 4 and np.abs(pixels - whole).mean() < 1


def test_images_keep_their_rows_when_decoded_in_parallel(tmp_path):
    for row in range(60):
        folder = tmp_path / "ab"[row % 2]
        folder.mkdir(exist_ok=True)
        Image.new("L", (4 + row, 4 + row), 4 * row).save(folder / f"{row:02}.png")
    with pytest.warns(UserWarning, match="one patient"):
        data = dhl.load_dataset("folder", tmp_path, image_size=8)
    for pixels, label, path in zip(data.images, data.labels, data.table["path"], strict=True):
        row = int(path[-6:-4])
        assert (pixels == 4 * row).all() and label == row % 2
    assert len(set(data.patients)) == len(data)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True, float("nan")])
def test_a_seed_is_a_whole_number(seed):
    with refused("seed is", "whole number from 0 on"):
        radiographs(np.arange(30) % 2).split(seed)
