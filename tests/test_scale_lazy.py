"""A data set that stays on disk is the same data set: rows, splits, errors."""

import shutil
import threading

import numpy as np
import pytest
from helpers import radiographs
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers import readers
from dhl_helpers.pixels.lazy import AHEAD, LazyImages, batches


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """60 noisy grey images of 20 patients in two classes, and the CSV that lists them."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    lines = ["path,label,patient_id"]
    for row in range(60):
        pixels = rng.integers(0, 100, (40, 50)) + 100 * (row // 3 % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{row:02}.png")
        lines.append(f"{row:02}.png,{'ab'[row // 3 % 2]},p{row // 3}")
    (folder / "list.csv").write_text("\n".join(lines))
    return folder


def load(folder, lazy=True, **options):
    return dhl.load_dataset("csv", folder / "list.csv", image_size=24, lazy=lazy, **options)


@pytest.fixture
def decoded(monkeypatch):
    """The number of images of each decoding, in order."""
    from dhl_helpers.pixels import lazy

    counts, decode_all = [], lazy.decode_all
    monkeypatch.setattr(
        lazy, "decode_all", lambda sources, *rest: counts.append(len(sources)) or decode_all(sources, *rest)
    )
    return counts


def test_the_same_rows_in_the_same_parts(folder, decoded):
    lazy, whole = load(folder), load(folder, lazy=False)
    assert lazy.table.equals(whole.table) and np.array_equal(lazy.labels, whole.labels)
    assert (lazy.image_shape, len(lazy), repr(lazy)) == (whole.image_shape, 60, repr(whole))
    parts = list(zip(lazy.split(3), whole.split(3), strict=True))
    assert not decoded, "nothing is read for labels, patients and split"
    for part, expected in parts:
        assert part.table.equals(expected.table) and np.array_equal(np.asarray(part.images), expected.images)


@pytest.mark.parametrize(
    "rows", [slice(3, 9), slice(None, None, -7), [5, 2, 2], np.arange(60) % 4 == 1, 7, np.int64(-1), []], ids=str
)
def test_any_rows_are_decoded_when_asked_for(folder, decoded, rows):
    lazy, whole = load(folder), load(folder, lazy=False)
    rows = np.array(rows, int) if isinstance(rows, list) else rows
    images = lazy.images[rows]
    assert images.dtype == np.uint8 and np.array_equal(images, whole.images[rows])
    assert sum(decoded) == np.size(np.arange(60)[rows])
    if not np.isscalar(rows):
        assert np.array_equal(np.asarray(lazy.images.subset(rows)), images)


def test_arrays_on_disk_and_one_finding_of_several():
    labels = np.zeros((40, 2), np.float32)
    labels[::2, 0] = labels[::5, 1] = 1
    made = radiographs(labels[:, 0].astype(int), size=20)
    whole = dhl.Radiographs(made.images, labels, ["Mass", "Effusion"], made.table, "made")
    lazy = dhl.Radiographs(LazyImages(made.images[..., 0], 20, 1), labels, ["Mass", "Effusion"], made.table, "made")
    one, expected = lazy.one_finding("Effusion"), whole.one_finding("Effusion")
    assert one.table.equals(expected.table) and np.array_equal(np.asarray(one.images), expected.images)
    assert 0 < len(one) < 40


def test_missing_files_are_told_at_once_and_broken_ones_when_read(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "films")
    found = readers.read("csv", tmp_path / "films" / "list.csv", {})  # as a list that does not look for its files
    monkeypatch.setattr(readers, "read", lambda *args: found)
    (tmp_path / "films" / "07.png").unlink()
    (tmp_path / "films" / "11.png").write_bytes(b"no image")
    with pytest.raises(dhl.DataError, match=r"1 of 60 images cannot be read.*\n.*07.png: no such file$"):
        load(folder)
    with pytest.warns(UserWarning, match="1 of 60 images could not be read"):
        data = load(folder, on_error="skip")
    assert len(data) == len(data.images) == 59 and "07.png" not in " ".join(data.table["path"])
    images, failed = data.images.read()
    assert list(failed) == [10] and "11.png: not an image" in failed[10] and not images[10].any()
    assert data.images[:10].shape == (10, 24, 24, 1)
    with pytest.raises(dhl.DataError, match=r"1 images cannot be read(.|\n)*11.png: not an image"):
        data.images[8:12]


@pytest.mark.parametrize("step", [1, 7, 60, 100])
def test_batches_keep_the_order(folder, step):
    data, whole = load(folder), load(folder, lazy=False)
    for images in (data.images, whole.images):
        found = list(batches(images, step))
        assert {len(batch) for batch, _ in found[:-1]} <= {step} and not any(failed for _, failed in found)
        assert np.array_equal(np.concatenate([batch for batch, _ in found]), whole.images)


def test_batches_are_read_ahead_but_not_far_and_end_with_the_caller(folder, decoded):
    before = threading.active_count()
    reading = batches(load(folder).images, 6)
    next(reading)
    reading.close()
    assert 1 <= len(decoded) <= AHEAD + 1 and threading.active_count() == before


def test_a_fingerprint_follows_the_files_and_the_size(folder, tmp_path):
    first = load(folder).images
    assert first.fingerprint() == load(folder).images.fingerprint()
    others = [first.subset(slice(1, None)).fingerprint(), first.subset(slice(None, None, -1)).fingerprint(),
              dhl.load_dataset("csv", folder / "list.csv", image_size=25, lazy=True).images.fingerprint(),
              load(folder, channels=3).images.fingerprint()]  # fmt: skip
    path = folder / "59.png"
    content = path.read_bytes()
    path.write_bytes(content + b"\0")
    others.append(first.fingerprint())
    path.write_bytes(content)
    assert len({first.fingerprint(), *others}) == 6
