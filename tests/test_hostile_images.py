"""Image files that are made to do harm: what they cost is limited, and only regular files of known formats open."""

import ast
import io
import json
import os
import re
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, compressed, film, save
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers.pixels.decode import decode_all
from dhl_helpers.pixels.files import MOST_BYTES, Budget, opened

WORST = 800_000_000  # bytes: what decoding any set of files may add to what Python has anyway
COUNTED = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
import dhl_helpers.pixels.decode as decode
def most(process):
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
before = most("self")
_, failed, *_ = decode.decode_all(sys.argv[1:], 64, 1, "")
workers = []
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{process}/stat") as file:
            if file.read().rsplit(")", 1)[1].split()[1] == str(os.getpid()):
                workers.append(most(process))
    except (OSError, StopIteration):
        pass
print(json.dumps([most("self") - before, workers, [failed.get(row, "") for row in range(len(sys.argv) - 1)]]))
"""


def cost(*paths):
    """Bytes that decoding these files took here and in each worker, and what was said of each."""
    if not Path("/proc/self/status").exists():
        pytest.skip("memory of a process is read from /proc")
    done = subprocess.run([sys.executable, "-c", COUNTED, *map(str, paths)], capture_output=True, text=True, cwd=ROOT,
                          timeout=300, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def blank(path, kind, mode, side, **options):
    Image.new(mode, (side, side)).save(path, kind, **options)
    return path


@pytest.mark.parametrize(
    ("kind", "mode", "side", "options"),
    [("JPEG2000", "RGBA", 7000, {}), ("WEBP", "RGBA", 7000, {"lossless": True}), ("PNG", "RGBA", 7000, {}),
     ("TIFF", "F", 7000, {"compression": "tiff_adobe_deflate"}), ("PNG", "RGB", 9000, {})],
)  # fmt: skip
def test_small_files_of_many_pixels_are_refused_before_they_are_decoded(tmp_path, kind, mode, side, options):
    paths = [blank(tmp_path / f"{n}.x", kind, mode, side, **options) for n in range(2)]
    taken, _, said = cost(*paths)
    assert all("exceeds" in reason for reason in said) and taken < 100_000_000


@pytest.mark.parametrize(
    ("kind", "mode", "side", "options"),
    [("JPEG2000", "RGBA", 4600, {}), ("WEBP", "RGBA", 4600, {"lossless": True}), ("PNG", "I;16", 5700, {}),
     ("TIFF", "F", 5500, {"compression": "tiff_adobe_deflate"}), ("PNG", "L", 7000, {}), ("PNG", "LA", 5700, {})],
)  # fmt: skip
def test_the_largest_files_that_are_read_take_no_more_than_the_limit_together(tmp_path, kind, mode, side, options):
    paths = [blank(tmp_path / f"{n}.x", kind, mode, side, **options) for n in range(3)]
    taken, _, said = cost(*paths)
    assert said == ["", "", ""] and taken < WORST


def test_compressed_dicom_takes_no_more_than_the_limit_together(tmp_path):
    large = np.zeros((5000, 5000), np.uint16)
    paths = [compressed(film(tmp_path / f"{n}.dcm", large, 12), "JPEG2000Lossless") for n in range(2)]
    taken, workers, said = cost(*paths)
    assert said == ["", ""] and taken + sum(workers) < WORST + len(workers) * 150_000_000  # Python and pydicom of each


def test_compressed_pixels_that_announce_more_than_the_header_are_not_decoded(tmp_path):
    import pydicom

    path = compressed(film(tmp_path / "a.dcm", np.zeros((2000, 2000), np.uint16), 12), "JPEG2000Lossless")
    for syntax in ("JPEG2000Lossless", "JPEGLosslessProcess14_1", "JPEGLSLossless"):
        path = compressed(film(tmp_path / "a.dcm", np.zeros((200, 200), np.uint16), 12), syntax)
        dataset = pydicom.dcmread(path)
        dataset.Rows = dataset.Columns = 8
        dataset.save_as(path)
        _, failed, *_ = decode_all([path], 8, 1, "")
        assert "compressed (200, 200), announced (8, 8)" in failed[0]


def test_a_deflated_data_set_is_unpacked_to_a_limit(tmp_path):
    import pydicom
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    path = film(tmp_path / "a.dcm", np.arange(4096, dtype=np.uint16).reshape(64, 64), 12)
    plain = decode_all([path], 64, 1, "").images
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    assert np.array_equal(decode_all([path], 64, 1, "").images, plain)
    raw = path.read_bytes()
    start = 144 + struct.unpack("<I", raw[140:144])[0]
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = pack.compress(zlib.decompress(raw[start:], -15) + struct.pack("<HH2sHI", 0x7FE1, 0x1001, b"OB", 0, 2**31))
    content += b"".join(pack.compress(bytes(1 << 24)) for _ in range(128))
    path.write_bytes(raw[:start] + content + pack.flush())
    taken, _, said = cost(path)
    assert path.stat().st_size < 3_000_000 and "exceeds the limit" in said[0] and taken < WORST


def test_who_wants_more_than_is_left_waits():
    budget, order = Budget(100), []

    def take(name, needed):
        with budget.reserve(needed):
            order.append(name)
            time.sleep(0.05)
            order.append(name)

    threads = [threading.Thread(target=take, args=(name, 60)) for name in "abc"]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert order[0::2] == order[1::2] and budget.left == 100
    with pytest.raises(ValueError, match="exceeds the limit of 100"), budget.reserve(101):
        pass


# What is no regular file, and names that none can have


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX pipes and devices")
def test_pipes_devices_folders_and_strange_names_are_listed(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "pipe.dcm")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    paths = [*sorted(tmp_path.iterdir()), "/dev/zero", tmp_path / ("n" * 300), "a\0b.png", tmp_path / "none.png"]
    before = time.perf_counter()
    _, failed, *_ = decode_all(paths, 8, 1, "")
    assert len(failed) == len(paths) and time.perf_counter() - before < 5
    assert sum("not a regular file" in reason for reason in failed.values()) == 5
    assert "too long" in failed[len(paths) - 3] and "null" in failed[len(paths) - 2]
    assert failed[len(paths) - 1] == "no such file"


def test_a_file_larger_than_any_film_is_not_read(tmp_path):
    with open(tmp_path / "a.tif", "wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ValueError, match="exceeds the limit"), opened(tmp_path / "a.tif"):
        pass


def test_a_file_exchanged_for_a_pipe_is_not_waited_for(tmp_path, monkeypatch):
    if not hasattr(os, "mkfifo"):
        pytest.skip("POSIX pipes")
    save(tmp_path / "a.png")
    regular = os.stat(tmp_path / "a.png")
    os.remove(tmp_path / "a.png")
    os.mkfifo(tmp_path / "a.png")
    monkeypatch.setattr(os, "stat", lambda *_, **__: regular)
    with pytest.raises(ValueError, match="not a regular file"), opened(tmp_path / "a.png"):
        pass


# Formats


@pytest.mark.parametrize("suffix", [".png", ".eps", ".tif", ""])
def test_postscript_is_never_handed_to_ghostscript(tmp_path, monkeypatch, suffix):
    trap = tmp_path / "bin" / "gs"
    trap.parent.mkdir()
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{trap.parent}{os.pathsep}{os.environ['PATH']}")
    for n in range(4):
        save(tmp_path / "set" / "ab"[n % 2] / f"{n}.png", 20 * n)
    script = tmp_path / "set" / "b" / f"film{suffix}"
    script.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = dhl.load_dataset("folder", tmp_path / "set", image_size=8, on_error="skip")
    _, failed, *_ = decode_all([script], 8, 1, "")
    assert len(data) == 4 and "not an image" in failed[0] and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["ICO", "PCX", "TGA", "SGI", "PDF", "EPS", "ICNS", "DDS", "IM"])
def test_formats_that_are_not_for_films_do_not_open_whatever_their_name(tmp_path, kind):
    content = io.BytesIO()
    Image.new("RGB", (16, 16)).save(content, kind)
    (tmp_path / "a.png").write_bytes(content.getvalue())
    assert "not an image" in decode_all([tmp_path / "a.png"], 8, 1, "").failed[0]


def code_of(path):
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    text = path.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)) if path.suffix == ".md" else text


def test_every_image_in_the_project_is_opened_with_a_list_of_formats():
    """Everywhere: Pillow opens some thirty formats by default, one of them with a program of the machine."""
    listed = subprocess.run(["git", "ls-files", "*.py", "*.ipynb", "*.md"], cwd=ROOT, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    if not files:
        pytest.skip("not a clone of the repository")
    calls, wrong = 0, []
    for path in files:
        code = code_of(path)
        if ".open(" not in code or "PIL" not in code:
            continue
        lines = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())
        for node in ast.walk(ast.parse(lines)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and ast.unparse(called).endswith("Image.open"):
                calls += 1
                if not any(keyword.arg == "formats" for keyword in node.keywords):
                    wrong.append(f"{path.relative_to(ROOT)}, line {node.lineno}")
    assert calls > 5 and not wrong
    assert not pd.Series([re.search(r"\b(imageio|cv2|skimage\.io|matplotlib\.image|tf\.io\.decode_)", code_of(path))
                          for path in files if path.is_relative_to(ROOT / "dhl_helpers")]).notna().any()  # fmt: skip
