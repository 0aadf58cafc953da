"""Features of a data set that stays on disk: into a file, in pieces, through kills, in flat memory."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import ROOT, left_by_a_dead_process, tiny_base
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers import cache
from dhl_helpers.pixels.lazy import LazyImages
from dhl_helpers.scale import extract, store
from dhl_helpers.scale.store import FeatureFile


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """50 noisy images of 30 x 30 pixels."""
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    for row in range(50):
        Image.fromarray(rng.integers(0, 256, (30, 30)).astype(np.uint8)).save(folder / f"{row:02}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def deep():
    return dhl.DeepFeatures(tiny_base())


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(store, "PIECE", 16)
    monkeypatch.setattr(cache, "PIECE", 16)


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_file_holds_what_memory_would(deep, paths, tmp_path):
    lazy = LazyImages(paths, 32, 1)
    expected = deep.transform(np.asarray(lazy))
    assert np.array_equal(deep.transform(lazy), expected) and expected.dtype == np.float32
    file = extract(deep, lazy, tmp_path / "features.zarr")
    assert (file.shape, len(file), file.missing()) == (expected.shape, 50, [])
    for rows in (slice(None), slice(10, 40, 3), [49, 0, 16, 15], np.arange(50) % 3 == 0, 31, -1):
        found = file[rows]
        assert found.dtype == np.float32 and np.array_equal(found, expected[rows])
    assert np.array_equal(np.asarray(FeatureFile(tmp_path / "features.zarr")), expected)
    assert (
        content(extract(deep, np.asarray(lazy), tmp_path / "from_array").path).keys() == content(file.path).keys()
    )


def test_zarr_opens_the_file(deep, paths, tmp_path):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed; it is in the extra `large`")
    file = extract(deep, LazyImages(paths, 32, 1), tmp_path / "features.zarr")
    array = zarr.open_array(tmp_path / "features.zarr", mode="r")
    assert np.array_equal(array[:], file[:]) and array.attrs["dhl_helpers"] == file.made_of


def test_cached_piece_by_piece(deep, paths, tmp_path, monkeypatch):
    cached = dhl.DeepFeatures(deep.base, cache_dir=tmp_path)
    first = cached.transform(LazyImages(paths, 32, 1))
    assert len(list(tmp_path.iterdir())) == 4 and np.array_equal(first, deep.transform(LazyImages(paths, 32, 1)))
    monkeypatch.setattr(dhl.DeepFeatures, "compute", None)
    assert np.array_equal(cached.transform(LazyImages(paths, 32, 1)), first)


def test_half_precision_on_disk(deep, paths, tmp_path):
    lazy, half = LazyImages(paths, 32, 1), dhl.DeepFeatures(deep.base, storage="float16")
    exact, rounded = deep.transform(lazy), half.transform(lazy)
    assert rounded.dtype == np.float32 and 0 < np.abs(rounded - exact).max() <= 2**-11 * exact.max()
    cached = dhl.DeepFeatures(deep.base, storage="float16", cache_dir=tmp_path / "cache")
    file = extract(half, lazy, tmp_path / "half.zarr")
    for again in (cached.transform(lazy), cached.transform(lazy), file[:]):
        assert np.array_equal(again, rounded)
    full = extract(deep, lazy, tmp_path / "full.zarr")
    assert sum(map(len, content(file.path / "c").values())) * 2 == sum(map(len, content(full.path / "c").values()))
    with pytest.raises(dhl.DataError, match="up to 70000 do not fit into float16"):
        cache.rounded(np.float32([[70000]]), "float16")
    with pytest.raises(dhl.DataError, match="no storage 'float8'"):
        dhl.DeepFeatures(deep.base, storage="float8").transform(lazy)


def test_it_goes_on_where_it_was_and_mends_what_was_cut_off(deep, paths, tmp_path, monkeypatch):
    lazy = LazyImages(paths, 32, 1)
    whole = content(extract(deep, lazy, tmp_path / "whole").path)
    write, written = FeatureFile.write, []

    def interrupted(self, rows, features):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(rows.start)
        write(self, rows, features)

    monkeypatch.setattr(FeatureFile, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract(deep, lazy, tmp_path / "part")
    part = FeatureFile(tmp_path / "part")
    assert [rows.start for rows in part.missing()] == [32, 48] and np.isfinite(part[:32]).all()
    with pytest.raises(dhl.DataError, match="piece 2 is missing. Run the extraction again"):
        part[30:40]
    monkeypatch.setattr(FeatureFile, "write", lambda self, *rest: written.append(rest[0].start) or write(self, *rest))
    first = tmp_path / "part" / "c" / "0" / "0"
    first.write_bytes(first.read_bytes()[:-3])
    (tmp_path / "part" / "c" / "1" / left_by_a_dead_process("0")).write_bytes(b"half")
    extract(deep, lazy, tmp_path / "part")
    assert written == [0, 16, 0, 32, 48] and content(tmp_path / "part") == whole


def test_other_images_or_another_network_are_refused(deep, paths, tmp_path):
    extract(deep, LazyImages(paths, 32, 1), tmp_path / "file")
    other = dhl.DeepFeatures(tiny_base())
    other.base.layers[0].bias.assign(np.ones(6))
    lazy, half = LazyImages(paths, 32, 1), dhl.DeepFeatures(deep.base, storage="float16")
    for refused, images, what in [(deep, lazy.subset(slice(40)), "images"),
                                  (deep, lazy.subset([1, *range(49)]), "images"),
                                  (other, lazy, "network"), (half, lazy, "shape")]:  # fmt: skip
        with pytest.raises(dhl.DataError, match=rf"file: holds other features \(differs in: {what}"):
            extract(refused, images, tmp_path / "file")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(dhl.DataError, match="mine: not a file of features"):
        extract(deep, LazyImages(paths, 32, 1), tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_an_unreadable_image_stops_it_or_leaves_a_gap(deep, paths, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(paths[20].read_bytes()[:60])
    some = [*paths[:20], broken, *paths[21:]]
    with pytest.raises(dhl.DataError, match="1 images cannot be read(.|\n)*broken.png"):
        extract(deep, LazyImages(some, 32, 1), tmp_path / "strict")
    assert FeatureFile(tmp_path / "strict").missing()[0].start == 16, "what came before is kept"
    expected = deep.transform(LazyImages(paths, 32, 1))
    cached = dhl.DeepFeatures(deep.base, cache_dir=tmp_path / "cache")
    for way in (deep.transform, cached.transform, lambda images: extract(deep, images, tmp_path / "gap")):
        with pytest.warns(UserWarning, match="1 images could not be read; their features are NaN:\n.*broken.png"):
            found = np.asarray(way(LazyImages(some, 32, 1, skip=True)))
        assert np.isnan(found).any(1).nonzero()[0].tolist() == [20]
        assert np.array_equal(np.delete(found, 20, 0), np.delete(expected, 20, 0))


SCRIPT = r"""
import re, sys
from pathlib import Path
import numpy as np
import dhl_helpers as dhl
from dhl_helpers.pixels.lazy import LazyImages
sys.path.insert(0, "tests")
from helpers import left_by_a_dead_process, tiny_base
from dhl_helpers.scale import extract, store
store.PIECE = 64
paths, times, to = sorted(Path(sys.argv[1]).iterdir()), int(sys.argv[2]), sys.argv[3]
deep = dhl.DeepFeatures(tiny_base())
deep.transform(np.zeros((64, 32, 32, 1), np.uint8))
def peak():  # in kB; getrusage would begin with what the parent held
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
extract(deep, LazyImages(paths * times, 32, 1), to)
print(peak() - before)
"""


def started(paths, times, to):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(paths[0].parent), str(times), str(to)], cwd=ROOT,
                            env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the memory from /proc")
def test_killed_at_any_moment_it_ends_with_the_same_bytes_in_flat_memory(paths, tmp_path):
    output = started(paths, 20, tmp_path / "whole").communicate()[0]
    process = started(paths, 80, tmp_path / "killed")
    while len(list((tmp_path / "killed").glob("c/*/0"))) < 3 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 3 <= len(list((tmp_path / "killed").glob("c/*/0"))) < 63, "killed in the middle"
    more = started(paths, 80, tmp_path / "killed").communicate()[0]
    whole, killed = content(tmp_path / "whole"), content(tmp_path / "killed")
    assert len(killed) == 1 + 2 * 63 and FeatureFile(tmp_path / "killed").missing() == []
    # 1,000 images end within a piece; all before it are the beginning of the 4,000
    assert all(killed[name] == whole[name] for name in list(whole) if name.parts[0] == "c" and int(name.parts[1]) < 15)
    assert int(more) < int(output) + 20_000, "four times the images take at most 20 MB more"


def mine(folder, name):
    """A file of the user's own in a folder, and a check that it is still what it was."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")
    return lambda: (folder / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["zarr.json", "c/0/0", "sha256/0", "c/work.txt", ".notes", "c/0/0/more", "notes.txt"])
def test_a_folder_of_somebody_else_is_refused_and_stays(tmp_path, name):
    still_there = mine(tmp_path, name)
    with pytest.raises(dhl.DataError, match="holds other features|it holds"):
        FeatureFile.create(tmp_path, (10, 4), "float32", {"images": "i"})
    assert still_there()


def test_features_are_removed_and_what_else_is_there_stays(tmp_path):
    file = FeatureFile.create(tmp_path / "f", (10, 4), "float32", {"images": "i"})
    file.write(slice(0, 10), np.zeros((10, 4), np.float32))
    still_there = mine(tmp_path / "f", "notes.txt")
    file.remove()
    assert still_there() and [path.name for path in (tmp_path / "f").iterdir()] == ["notes.txt"]
