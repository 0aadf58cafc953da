"""Damaged files of every kind give an image set or a `DataError`: no other exception, no hang, no crash, no bomb."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import compressed, damaged, film, medmnist, peak_memory, save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import dhl_helpers as dhl

NOISE = np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8)
COUNT = 6  # images in each set, the damaged one included
MOST_MEMORY = 1_000_000_000  # bytes


def images(folder, suffix, **options):
    """Five good images and one of the kind to damage, in two class folders; returns that one and how to load."""
    for n in range(COUNT - 1):
        save(folder / "ab"[n % 2] / f"{n}.png", 20 * n)
    target = folder / "b" / f"x{suffix}"
    if suffix == ".dcm":
        film(target, NOISE.astype(np.uint16) * 13, 12, PatientID="p", WindowCenter=2000, WindowWidth=4000)
        if options:
            compressed(target, options["syntax"])
    else:
        Image.fromarray(NOISE).save(target, **options)
    return target, ("folder", folder)


def archive(folder):
    target = folder / "pneumoniamnist.npz"
    parts = {"train": 3, "val": 2, "test": 1}
    medmnist(target, **{f"{part}_images": np.stack([NOISE[:10, :10]] * n) for part, n in parts.items()},
             **{f"{part}_labels": np.arange(n)[:, None] % 2 for part, n in parts.items()})  # fmt: skip
    return target, ("pneumoniamnist", target)


def listed(folder):
    for n in range(COUNT):
        save(folder / "img" / f"{n}.png", 20 * n)
    paths, patients = ([text.format(n) for n in range(COUNT)] for text in ("img/{}.png", "p{}"))
    frame = pd.DataFrame({"path": paths, "label": list("ababab"), "patient_id": patients})
    frame["split"] = ["train"] * 4 + ["test"] * 2
    frame.to_csv(folder / "list.csv", index=False)
    return folder / "list.csv", ("csv", folder / "list.csv")


def public(folder):
    header = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age"
    rows = [f"{n}.png,{['No Finding', 'Mass|Hernia'][n % 2]},0,{n},50" for n in range(COUNT)]
    (folder / "Data_Entry_2017.csv").write_text("\n".join([header, *rows]))
    for n in range(COUNT):
        save(folder / f"{n}.png")
    return folder / "Data_Entry_2017.csv", ("nih", folder)


KINDS = {
    "png": lambda folder: images(folder, ".png"),
    "jpeg": lambda folder: images(folder, ".jpg"),
    "tiff": lambda folder: images(folder, ".tif"),
    "dicom": lambda folder: images(folder, ".dcm"),
    "dicom jpeg-ls": lambda folder: images(folder, ".dcm", syntax="JPEGLSLossless"),
    "dicom jpeg 2000": lambda folder: images(folder, ".dcm", syntax="JPEG2000Lossless"),
    "dicom jpeg lossless": lambda folder: images(folder, ".dcm", syntax="JPEGLosslessProcess14_1"),
    "npz": archive,
    "csv": listed,
    "csv of a public set": public,
}
PLACES = st.integers(0, 2**31)
DAMAGE = st.one_of(
    st.tuples(st.just("cut"), PLACES, PLACES),
    st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
    st.tuples(st.just("set"), PLACES, st.integers(0, 255)),
    st.tuples(st.just("swap"), PLACES, PLACES),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("examples", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_damaged_files(tmp_path, kind, examples):
    target, (name, where) = KINDS[kind](tmp_path)
    whole, before = target.read_bytes(), peak_memory()
    outcomes = {"loaded": 0, "skipped": 0, "refused": 0}

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.lists(DAMAGE, min_size=1, max_size=4))
    def load(damages):
        target.write_bytes(damaged(whole, damages))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data = dhl.load_dataset(name, where, image_size=8, on_error="skip")
            except dhl.DataError as error:
                assert str(error)
                outcomes["refused"] += 1
                return
        assert len(data) == len(data.images) == len(data.labels) == len(data.table)
        assert data.images.shape[1:] == (8, 8, 1) and data.images.dtype == np.uint8
        if name == "folder":  # the other five are whole, and the sixth is there or listed
            assert len(data) + len(data.skipped) == COUNT
            assert all(str(target) in line for line in data.skipped)
        elif name == "pneumoniamnist":
            assert len(data) == COUNT
        outcomes["skipped" if data.skipped else "loaded"] += 1

    load()
    assert outcomes["skipped"] + outcomes["refused"] > 0, "the damage is noticed now and then"
    assert peak_memory() - before < MOST_MEMORY


def test_a_whole_file_of_each_kind_loads(tmp_path):
    for kind, make in KINDS.items():
        (tmp_path / kind).mkdir()
        _, (name, where) = make(tmp_path / kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert len(dhl.load_dataset(name, where, image_size=8)) == COUNT, kind


@pytest.mark.parametrize("side", [9_000, 30_000])
def test_an_image_that_unpacks_to_too_much_is_refused(tmp_path, side):
    for n in range(4):
        save(tmp_path / "ab"[n % 2] / f"{n}.png", 20 * n)
    content = io.BytesIO()
    Image.new("1", (side, side)).save(content, "PNG")
    assert len(content.getvalue()) < 200_000
    (tmp_path / "a" / "bomb.png").write_bytes(content.getvalue())
    before = peak_memory()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = dhl.load_dataset("folder", tmp_path, image_size=8, on_error="skip")
    assert len(data) == 4 and "exceeds limit" in data.skipped[0] and peak_memory() - before < MOST_MEMORY
