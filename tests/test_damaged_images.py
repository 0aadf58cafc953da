"""Damaged images of every format: named or read; no traceback, no hang, no silent change that a checksum shows.

The slow version goes through 10,000 files and more; `pytest -m slow -s tests/test_damaged_images.py` prints its table.
"""

import time
import warnings
import zlib

import numpy as np
import pytest
from helpers import big_endian, compressed, damaged, film, peak_memory
from PIL import Image

import dhl_helpers as dhl

SECONDS = 30  # at most for a batch, on a busy machine
BATCH = 50
MOST_MEMORY = 1_000_000_000
SMOOTH = np.asarray(Image.fromarray(np.random.default_rng(0).integers(0, 4096, (9, 11)).astype(np.float32))
                    .resize((96, 80), Image.Resampling.BICUBIC)).clip(0, 4095).astype(np.uint16)  # fmt: skip
GREY = Image.fromarray((SMOOTH >> 4).astype(np.uint8))
DEEP = Image.fromarray(SMOOTH)


def picture(image, suffix, **options):
    return lambda path: image.save(path.with_suffix(suffix), **options) or path.with_suffix(suffix)


def dicom(change=lambda path: path):
    return lambda path: change(film(path.with_suffix(".dcm"), SMOOTH, 12, WindowCenter=2048, WindowWidth=4096))


def deflated(path):
    import pydicom
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    return path


KINDS = {
    "PNG": picture(GREY, ".png"),
    "PNG, 16 bits": picture(DEEP, ".png"),
    "PNG, palette": picture(GREY.convert("P"), ".png"),
    "JPEG": picture(GREY, ".jpg", quality=90),
    "JPEG, progressive, colour": picture(GREY.convert("RGB"), ".jpg", progressive=True),
    "TIFF": picture(DEEP, ".tif"),
    "TIFF, deflate": picture(DEEP, ".tif", compression="tiff_adobe_deflate"),
    "TIFF, LZW": picture(GREY, ".tif", compression="tiff_lzw"),
    "TIFF, fractions": picture(Image.fromarray((SMOOTH / 4095).astype(np.float32)), ".tif"),
    "BMP": picture(GREY, ".bmp"),
    "GIF": picture(GREY, ".gif"),
    "WebP": picture(GREY, ".webp", quality=90),
    "WebP, lossless": picture(GREY, ".webp", lossless=True),
    "JPEG 2000": picture(GREY, ".jp2"),
    "PNM": picture(DEEP, ".pgm"),
    "DICOM": dicom(),
    "DICOM, big endian": dicom(lambda path: big_endian(path, SMOOTH)),
    "DICOM, deflated": dicom(deflated),
    "DICOM, JPEG 2000": dicom(lambda path: compressed(path, "JPEG2000Lossless")),
    "DICOM, JPEG-LS": dicom(lambda path: compressed(path, "JPEGLSLossless")),
    "DICOM, lossless JPEG": dicom(lambda path: compressed(path, "JPEGLosslessProcess14_1")),
    "DICOM, run lengths": dicom(lambda path: compressed(path, "RLELossless")),
}


def checked(kind, content):
    """The bytes that a checksum inside the file covers: a slice, empty where there is none."""
    if kind.startswith("PNG"):
        return slice(8, len(content))
    if kind == "TIFF, deflate":
        start = next(at for at in range(8, len(content)) if content[at : at + 2] in (b"x\x9c", b"x\xda", b"x^"))
        unpack = zlib.decompressobj()
        unpack.decompress(content[start:])
        return slice(start, len(content) - len(unpack.unused_data))
    return slice(0, 0)


def damages(rng, length):
    """One to three of: a bit flipped, a byte set, two bytes exchanged, the end cut off."""
    kinds = rng.choice(["flip", "set", "swap", "cut"], rng.integers(1, 4), p=[0.45, 0.3, 0.15, 0.1])
    most = {"flip": 8, "set": 256}
    return [(how, int(rng.integers(length)), int(rng.integers(most.get(how, length)))) for how in kinds]


def load(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dhl.load_dataset("folder", folder, image_size=32, on_error="skip")


def run(folder, kind, n, seed=0):
    """Load n damaged files in batches; how many were named, read right or with other greys, and the slowest batch."""
    rng, counts, slowest = np.random.default_rng([seed, list(KINDS).index(kind)]), dict(named=0, same=0, other=0), 0.0
    whole = KINDS[kind](folder / "whole")
    content = whole.read_bytes()
    for label in "ab":
        (folder / "set" / label).mkdir(parents=True)
        (folder / "set" / label / f"whole{whole.suffix}").write_bytes(content)
    right = load(folder / "set").images[0].astype(int)
    covered = checked(kind, content)
    for start in range(0, n, BATCH):
        told = {}
        for number in range(start, min(start + BATCH, n)):
            changed = damaged(content, damages(rng, len(content)))
            path = folder / "set" / "a" / f"{number:05}{whole.suffix}"
            path.write_bytes(changed)
            told[str(path)] = len(changed) == len(content) and changed[covered] != content[covered]
        before = time.perf_counter()
        data = load(folder / "set")
        slowest = max(slowest, time.perf_counter() - before)
        named = {line.split(": ")[0] for line in data.skipped}
        assert len(data) + len(data.skipped) == len(told) + 2 and named <= set(told)
        for path, image in zip(data.table["path"], data.images.astype(int), strict=True):
            if path in told:
                other = np.abs(image - right).max() > 2
                counts["other" if other else "same"] += 1
                assert not (other and told[path]), f"{path}: its checksum tells, and nobody listened"
        counts["named"] += len(named)
        for path in told:
            (folder / path).unlink()
    return counts, slowest


@pytest.mark.parametrize("n", [50, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_named_or_read(tmp_path, kind, n):
    before = peak_memory()
    counts, slowest = run(tmp_path, kind, n, seed=n)
    grown = peak_memory() - before
    print(f"\n{kind}: {n} files, {counts['named']} named, {counts['same']} read right, {counts['other']} with other "
          f"greys; slowest batch of {BATCH} {slowest:.1f} s, {grown / 1e6:.0f} MB more memory")  # fmt: skip
    assert counts["named"] and sum(counts.values()) == n
    assert slowest < SECONDS and grown < MOST_MEMORY


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_off_is_named(tmp_path, kind):
    whole = KINDS[kind](tmp_path / "whole")
    content = whole.read_bytes()
    for label in "ab":
        (tmp_path / "set" / label).mkdir(parents=True)
        (tmp_path / "set" / label / f"whole{whole.suffix}").write_bytes(content)
    cuts = [len(content) * part // 20 for part in range(1, 20)]
    for number, cut in enumerate(cuts):
        (tmp_path / "set" / "a" / f"{number:05}{whole.suffix}").write_bytes(content[:cut])
    data = load(tmp_path / "set")
    assert len(data.skipped) == len(cuts), f"cut and not named: {[path for path in data.table['path'] if '/0' in path]}"
