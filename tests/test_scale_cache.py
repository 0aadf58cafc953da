"""The cache on disk: its command, a changed engine, two processes at once. More of it is in test_features.py."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import ROOT, left_by_a_dead_process, tiny_base

import dhl_helpers as dhl
from dhl_helpers import cache
from dhl_helpers.__main__ import main

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 1)).astype(np.uint8)


def test_the_command_counts_and_clears_its_own_files_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DHL_CACHE", str(tmp_path / "cache"))
    assert main(["cache"]) == 0 and "0 entries, 0.0 MB" in capsys.readouterr().out
    deep = dhl.DeepFeatures(tiny_base(), cache_dir=True)
    deep.transform(IMAGES)
    deep.transform(IMAGES[:7])
    (tmp_path / "cache" / "mine.npz").write_bytes(b"keep")
    np.savez(tmp_path / "cache" / "dhl-my-results.npz", a=1)
    left = tmp_path / "cache" / left_by_a_dead_process("dhl-features-0.npz")
    left.write_bytes(b"x" * 500_000)
    main(["cache"])
    assert f"{tmp_path / 'cache'}: 2 entries, 0.0 MB" in capsys.readouterr().out and not left.exists()
    main(["cache", "--clear", "--dir", str(tmp_path / "elsewhere")])
    assert len(list((tmp_path / "cache").iterdir())) == 4
    main(["cache", "--clear"])
    assert sorted(file.name for file in (tmp_path / "cache").iterdir()) == ["dhl-my-results.npz", "mine.npz"]
    assert "Cleared" in capsys.readouterr().out


def test_an_entry_belongs_to_its_engine_and_storage(tmp_path):
    base = tiny_base()
    for settings in ({}, {"storage": "float16"}, {"engine": "tensorflow-mixed"}, {}):
        dhl.DeepFeatures(base, cache_dir=tmp_path, **settings).transform(IMAGES)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_damaged_entry_is_removed_even_if_nothing_takes_its_place(tmp_path):
    file = tmp_path / "dhl-features-0.npz"
    cache.store(file, features=IMAGES)
    assert np.array_equal(cache.load(file)["features"], IMAGES)
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    assert cache.load(file) is None and not file.exists() and cache.load(file) is None


SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from dhl_helpers import cache
folder, found = Path(sys.argv[1]), 0
for turn in range(300):
    number = turn % 5
    entry = cache.load(folder / f"dhl-features-{number}.npz")
    assert entry is None or (entry["features"] == number).all()
    found += entry is not None
    if entry is None:
        cache.store(folder / f"dhl-features-{number}.npz", features=np.full((50, 50), number))
    elif turn % 7 == 0:
        (folder / f"dhl-features-{number}.npz").write_bytes(b"damaged")
assert found > 100
"""


def test_two_processes_share_it(tmp_path):
    both = [subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE,
                             env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True) for _ in range(2)]  # fmt: skip
    for process in both:
        said = process.communicate(timeout=280)[1]
        assert process.returncode == 0, said


@pytest.mark.slow
def test_a_hit_is_fifty_times_faster_than_computing_with_densenet(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (1000, 224, 224, 1)).astype(np.uint8)
    deep = dhl.DeepFeatures(dhl.pretrained_base("DenseNet121", (224, 224, 1), weights=None), cache_dir=tmp_path)
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        deep.transform(images)
        seconds.append(time.perf_counter() - begin)
    assert seconds[0] > 50 * min(seconds[1:])
