"""What the tests share: where things are, data sets and files that they make, and words that an error must hold."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import dhl_helpers as dhl

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = Path(os.environ.get("DHL_REAL_DATA", ROOT.parent / "shared" / "data"))
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
RAMP = (np.add.outer(np.arange(32), np.arange(40)) * 57 % 4096).astype(np.uint16)  # 12 bits


def real(name):
    """The path of a real data set; the test is skipped where it is absent."""
    if not (REAL_DATA / name).exists():
        pytest.skip(f"no {name} in {REAL_DATA}; set DHL_REAL_DATA to the folder of the real radiographs")
    return REAL_DATA / name


def refused(*words):
    """`pytest.raises` for a DataError whose message holds all of these words in this order."""
    return pytest.raises(dhl.DataError, match="(?s)" + ".*".join(map(re.escape, map(str, words))))


def radiographs(labels, patients=None, split=None, size=8, seed=0):
    """A loaded data set of noise that is brighter for a higher label; each image its own patient if not told."""
    from dhl_helpers.radiographs import Radiographs

    labels = np.asarray(labels)
    images = np.random.default_rng(seed).normal(50 + 60 * labels.reshape(-1, 1, 1, 1), 25, (len(labels), size, size, 1))
    table = pd.DataFrame({"path": [f"{row}.png" for row in range(len(labels))]})
    table["patient_id"] = np.arange(len(labels)) if patients is None else patients
    if split is not None:
        table["split"] = split
    names = [f"class {label}" for label in range(labels.max() + 1)]
    return Radiographs(images.clip(0, 255).astype(np.uint8), labels, names, table, "made")


def save(path, value=0, size=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (size, size), value).save(path)
    return path


def link(target, path):
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("this account may not make symbolic links")


def table(folder, rows, **columns):
    """A CSV of existing images under `folder`/img."""
    for n in range(rows):
        save(folder / "img" / f"{n}.png", n)
    frame = pd.DataFrame({"path": [f"img/{n}.png" for n in range(rows)], "label": ["a", "b"] * (rows // 2), **columns})
    frame.to_csv(folder / "list.csv", index=False)
    return frame


def medmnist(path, size=10, **changed):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 20), ("val", 6), ("test", 8)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (n, size, size)).astype(np.uint8)
        arrays[f"{part}_labels"] = (np.arange(n)[:, None] % 2).astype(np.uint8)
    np.savez(path, **{key: value for key, value in (arrays | changed).items() if value is not None})
    return arrays


def film(path, pixels=RAMP, bits=None, suffix=True, **elements):
    """Write a DICOM radiograph of these pixels; an element given as None is left out."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.Modality, dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "CR", "MONOCHROME2", 1
    dataset.Rows, dataset.Columns = pixels.shape[-2:] if pixels.ndim < 4 else pixels.shape[1:3]
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    for name, value in elements.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def compressed(path, syntax):
    """Compress a DICOM file in place."""
    import gdcm

    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return path


def big_endian(path, pixels, vr="OW"):
    """Write the film again in the retired transfer syntax."""
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian

    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    data = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    data += b"\0" * (len(data) % 2)
    if pixels.itemsize == 1 and vr == "OW":
        data = np.frombuffer(data, "u2").byteswap().tobytes()
    dataset["PixelData"].VR, dataset["PixelData"]._value = vr, data
    pydicom.dcmwrite(path, dataset, little_endian=False, implicit_vr=False)
    return path


def damaged(content, damages):
    """`content` with bits flipped, bytes set and swapped, and the end cut off."""
    content = bytearray(content)
    for how, place, with_what in damages:
        place %= max(1, len(content))
        if how == "cut":
            del content[max(1, place) :]
        elif how == "flip":
            content[place] ^= 1 << with_what
        elif how == "set":
            content[place] = with_what
        else:
            other = with_what % len(content)
            content[place], content[other] = content[other], content[place]
    return bytes(content)


def peak_memory():
    """The highest resident memory of this process so far, in bytes."""
    resource = pytest.importorskip("resource", reason="peak memory is read from POSIX")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def tiny_base():
    from dhl_helpers._keras import keras

    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(6, 3, activation="relu")
    return keras.Sequential(
        [keras.Input((32, 32, 1)), convolution, keras.layers.AveragePooling2D(5), keras.layers.Flatten()]
    )


def markdown(notebook):
    """All text of a notebook, code fences left out."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def text_of(page):
    """The text of a Markdown file or of a notebook's Markdown cells."""
    return markdown(nbformat.read(page, as_version=4)) if page.suffix == ".ipynb" else page.read_text(encoding="utf-8")


def left_by_a_dead_process(name):
    """A temporary name as a process of this machine had it that has ended: here one that only printed its number."""
    code = f"from dhl_helpers.files import _temporary; print(_temporary({name!r}))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def run_series(*arguments, notebooks=ROOT / "notebooks", out):
    """`python -m dhl_helpers run`, its pages kept under build/; returns what it printed and its results."""
    command = [sys.executable, "-m", "dhl_helpers", "run", "--notebooks", notebooks, "--out", out, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, pd.read_csv(out / "results.csv")


def assert_sensible(results):
    """Rows of 02 to 06 with finite metrics and ordered intervals; the networks and heads are no worse than chance."""
    assert list(results) == ["notebook", "method", "metric", "value", "low", "high", "seconds"]
    assert {2, 3, 4, 5, 6} <= set(results["notebook"])
    assert results["value"].notna().all() and not results.duplicated(["notebook", "method", "metric"]).any()
    interval = results.dropna(subset=["low", "high"])
    assert (interval["low"] <= interval["value"] + 1e-9).all() and (interval["value"] <= interval["high"] + 1e-9).all()
    auc = results[results["metric"].str.contains("auc", case=False)]
    assert auc["value"].between(0, 1).all() and auc["value"].max() > 0.7
