"""DICOM: pixels as a viewer shows them, files that are no radiographs, and patients whose names go nowhere."""

import io
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import RAMP, compressed, film, real, refused, save
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers.pixels import dicom, dicom_worker
from dhl_helpers.pixels.dicom_greys import open_image


def scaled(pixels, low, high):
    return np.round((pixels.astype(float) - low) * 255 / (high - low)).clip(0, 255)


# Pixels


@pytest.mark.parametrize(
    ("pixels", "bits"),
    [(RAMP, 12), (RAMP // 16, 8), ((RAMP // 16).astype(np.uint8), 8), (RAMP * 16, 16), (RAMP // 4, 10),
     (RAMP.astype(np.uint32), 12)],
)  # fmt: skip
def test_any_depth_is_scaled_by_what_its_bits_hold(tmp_path, pixels, bits):
    shown = np.asarray(open_image(film(tmp_path / "a.dcm", pixels, bits)))
    assert np.array_equal(shown, scaled(pixels, 0, 2**bits - 1))


@pytest.mark.parametrize(
    ("pixels", "bits"),
    [(RAMP.astype(np.int16) - 2000, 16), (RAMP.astype(np.uint32) * 5, 32),
     (np.linspace(-(2**15), 2**15 - 1, 1280).reshape(32, 40).astype(np.int16), 16),
     ((RAMP.astype(int) // 16 - 128).astype(np.int8), 8)],
)  # fmt: skip
def test_values_without_a_depth_are_scaled_by_percentiles(tmp_path, pixels, bits):
    shown = np.asarray(open_image(film(tmp_path / "a.dcm", pixels, bits)), int)
    low, high = np.percentile(pixels.astype(float), (0.5, 99.5))
    assert np.abs(shown - scaled(pixels, low, high)).max() <= 2


def test_monochrome1_is_inverted(tmp_path):
    positive = film(tmp_path / "2.dcm", RAMP, 12)
    negative = film(tmp_path / "1.dcm", 4095 - RAMP, 12, PhotometricInterpretation="MONOCHROME1")
    assert np.abs(np.asarray(open_image(positive), int) - np.asarray(open_image(negative), int)).max() <= 1


def test_window_and_rescale_slope(tmp_path):
    window = film(tmp_path / "w.dcm", RAMP, 12, WindowCenter=2000, WindowWidth=1000)
    assert np.abs(np.asarray(open_image(window), int) - scaled(RAMP, 1500, 2500)).max() <= 1
    elements = {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 3900, "WindowWidth": 2000}
    both = film(tmp_path / "s.dcm", RAMP, 12, **elements)
    assert np.abs(np.asarray(open_image(both), int) - scaled(RAMP, 1500, 2500)).max() <= 1
    wide = film(tmp_path / "b.dcm", RAMP, 12, WindowCenter=4096, WindowWidth=8192)
    assert np.asarray(open_image(wide)).max() < 130, "a window wider than the pixels leaves them dark"


@pytest.mark.parametrize("kind", ["VOILUTSequence", "ModalityLUTSequence"])
def test_lookup_tables(tmp_path, kind):
    from pydicom import Dataset

    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 16], (np.arange(4096) ** 2 // 256).astype(np.uint16).tobytes()
    table.ModalityLUTType = "US"
    path = film(tmp_path / "a.dcm", RAMP, 12, **{kind: [table]})
    expected = RAMP.astype(float) ** 2 // 256
    black, white = (0, 65535) if kind == "VOILUTSequence" else np.percentile(expected, (0.5, 99.5))
    assert np.abs(np.asarray(open_image(path), int) - scaled(expected, black, white)).max() <= 1


def test_white_comes_from_the_pixels_not_from_what_a_table_has_for_absent_values(tmp_path):
    from pydicom import Dataset

    table = Dataset()
    entries = np.where(np.arange(4096) % 2, 65535, np.arange(4096)).astype(np.uint16)
    table.LUTDescriptor, table.LUTData, table.ModalityLUTType = [4096, 0, 16], entries.tobytes(), "US"
    even = RAMP // 2 * 2
    shown = np.asarray(open_image(film(tmp_path / "a.dcm", even, 12, ModalityLUTSequence=[table])), int)
    assert np.abs(shown - scaled(even, *np.percentile(even, (0.5, 99.5)))).max() <= 1


@pytest.mark.parametrize(
    "syntax", ["JPEG2000Lossless", "JPEGLSLossless", "JPEGLosslessProcess14_1", "JPEGLosslessProcess14", "RLELossless"]
)
def test_compressed_pixels_are_those_of_the_plain_file(tmp_path, syntax):
    plain = np.asarray(open_image(film(tmp_path / "plain.dcm", RAMP, 12)))
    path = compressed(film(tmp_path / "small.dcm", RAMP, 12), syntax)
    assert np.array_equal(np.asarray(open_image(path)), plain)


def test_real_jpeg2000_monochrome1():
    shown = np.asarray(open_image(real("dicom") / "chest_pa_monochrome1_j2k.dcm"), float)
    assert shown.shape == (1955, 1841)
    spine, lung = shown[900:1000, 900:960].mean(), shown[700:800, 1250:1350].mean()
    assert spine > lung + 50, "bone is brighter than lung"


def test_real_monochrome_pair():
    """The pair has the same stored pixels and differs in the label alone, so each shows the other's negative."""
    one, two = (np.asarray(open_image(real("dicom") / f"chest_monochrome{n}.dcm"), int) for n in (1, 2))
    assert np.abs(one + two - 255).max() <= 1


def test_a_folder_of_dicom_of_other_kinds(tmp_path):
    for name in "abc":
        film(tmp_path / "a" / f"{name}.dcm", PatientID=f"{name}1")
        film(tmp_path / "b" / f"1.2.840.{ord(name)}", PatientID=f"{name}2")  # no suffix of DICOM
    write = tmp_path / "a"
    film(write / "ct.dcm", Modality="CT")
    film(write / "frames.dcm", np.stack([RAMP, RAMP]), NumberOfFrames=2)
    film(write / "colour.dcm", np.zeros((8, 8, 3), np.uint8), Rows=8, Columns=8, SamplesPerPixel=3,
         PhotometricInterpretation="RGB", PlanarConfiguration=0)  # fmt: skip
    film(write / "plan.dcm", PixelData=None)
    film(write / "short.dcm", PixelData=RAMP.tobytes()[:-100])
    film(write / "huge.dcm", Rows=60_000, Columns=60_000)
    (write / "headless.dcm").write_bytes(film(tmp_path / "x.dcm").read_bytes()[132:])
    (write / "empty.dcm").write_bytes(b"")
    reasons = {
        "ct.dcm": "a slice of computed tomography", "frames.dcm": "2 frames in one file",
        "colour.dcm": "colour image (RGB)",
        "plan.dcm": "without an image", "short.dcm": "truncated pixels", "huge.dcm": "too many for a film",
        "headless.dcm": "no DICOM header", "empty.dcm": "no DICOM header",
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with refused("8 of 14 images cannot be read") as caught:
            dhl.load_dataset("folder", tmp_path, image_size=8)
        data = dhl.load_dataset("folder", tmp_path, image_size=8, on_error="skip")
    lines = {os.path.basename(line.split(": ")[0]): line for line in str(caught.value).splitlines()[1:]}
    assert set(lines) == set(reasons) and all(reason in lines[name] for name, reason in reasons.items())
    assert len(data) == 6 and len(data.skipped) == 8 and data.labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("CT_small", "computed tomography"), ("MR_truncated", "magnetic resonance"), ("no_meta", "no DICOM header"),
     ("rtplan", "without an image")],
)  # fmt: skip
def test_real_files_that_are_no_radiographs(name, reason):
    with pytest.raises(ValueError, match=reason):
        open_image(real("dicom") / f"{name}.dcm")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_decoder_that_dies_or_hangs_costs_one_image(tmp_path, monkeypatch):
    path = compressed(film(tmp_path / "a.dcm", RAMP, 12), "JPEGLosslessProcess14_1")
    whole = np.asarray(open_image(path))
    worker = dicom_worker._idle.get_nowait()
    worker.kill()
    worker.wait()
    dicom_worker._idle.put(worker)
    with pytest.raises(ValueError, match="the decoder failed on it"):
        open_image(path)
    assert np.array_equal(np.asarray(open_image(path)), whole), "the next image has a new worker"
    worker = dicom_worker._idle.get_nowait()
    worker.send_signal(signal.SIGSTOP)  # as if it hung
    dicom_worker._idle.put(worker)
    monkeypatch.setattr(dicom_worker, "SECONDS", 0.2)
    with pytest.raises(ValueError, match="the decoder failed on it"):
        open_image(path)


# Patients

NAME, IDENTIFIER = "Quintanilla^Zebedee", "MRN-7731-KX"


@pytest.fixture
def hospital(tmp_path):
    """Twelve films of six patients in two classes, with a name, an ID and a birth date planted in each."""
    for n in range(12):
        film(tmp_path / ["normal", "viral"][n % 2] / f"{n:02}.dcm", RAMP + n, 16, PatientName=f"{NAME}{n // 4}",
             PatientID=f"{IDENTIFIER}-{n // 4}{n % 2}", PatientBirthDate="19330417", AccessionNumber=f"ACC{IDENTIFIER}",
             OtherPatientIDs=IDENTIFIER, InstitutionName="Saint Quintanilla", StudyDescription=NAME)  # fmt: skip
    return tmp_path


def test_patients_are_numbers_in_the_order_of_the_files(hospital):
    data = dhl.load_dataset("folder", hospital, image_size=8)
    assert data.patients.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    paths = [Path(path) for path in data.table["path"]]
    assert dicom.patients(paths[::-1]).tolist() == data.patients.tolist()[::-1]
    save(hospital / "viral" / "x.png")
    with pytest.warns(UserWarning, match="whose image is whose of 1 images: each image counts as one patient"):
        assert dhl.load_dataset("folder", hospital, image_size=8).patients.tolist()[-1] == 6


def test_a_tree_of_dicom_with_a_csv_of_labels(hospital):
    files = sorted(hospital.rglob("*.dcm"))
    table = pd.DataFrame({"file": [path.relative_to(hospital) for path in files], "finding": ["a", "b", "a"] * 4})
    table.to_csv(hospital / "labels.csv", index=False)
    options = {"path_column": "file", "label_column": "finding"}
    data = dhl.load_dataset("csv", hospital / "labels.csv", image_size=8, **options)
    assert data.labels.tolist() == [0, 1, 0] * 4 and data.patients.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    table.assign(patient_id=range(12)).to_csv(hospital / "labels.csv", index=False)
    assert len(set(dhl.load_dataset("csv", hospital / "labels.csv", image_size=8, **options).patients)) == 12


def test_names_and_ids_go_nowhere(hospital, tmp_path_factory):
    """Load, list, skip, cache features and record results; then look for what was planted, in files and in output."""
    out = tmp_path_factory.mktemp("out")
    broken = hospital / "normal" / "broken.dcm"
    broken.write_bytes((hospital / "normal" / "00.dcm").read_bytes()[:-200])
    program = f"""
import numpy as np, dhl_helpers as dhl
try:
    dhl.load_dataset("folder", {str(hospital)!r}, image_size=76)
except dhl.DataError as error:
    print(error)
data = dhl.load_dataset("folder", {str(hospital)!r}, image_size=76, on_error="skip")
print(data, data.skipped, data.table.to_string(), data.patients)
train, val, test = data.split()
base = dhl.conv_base(dhl.build_cnn(data.image_shape, 2), "average")
features = dhl.DeepFeatures(base, cache_dir={str(out / "cache")!r}).fit_transform(data.images)
data.table.to_csv({str(out / "table.csv")!r})
report = dhl.evaluate(data.labels, np.full((len(data), 2), 0.5), data.class_names, data.patients, n_resamples=50)
dhl.record({str(out / "results.csv")!r}, "07", "CNN", report)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, cwd=out)
    assert done.returncode == 0, done.stderr
    written = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    assert len(written) == 3 and "broken.dcm" in done.stdout
    said = done.stdout.encode() + done.stderr.encode() + b"".join(written)
    for secret in ("Quintanilla", "Zebedee", IDENTIFIER, "7731", "19330417"):
        assert secret.encode() not in said and secret.encode("utf-16-le") not in said, secret


def test_damaged_files_do_not_tell_names(hospital):
    whole, rng = (hospital / "viral" / "01.dcm").read_bytes(), np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for position in rng.integers(132, 900, 3):
            damaged[position] = rng.integers(256)
        (hospital / "x.dcm").write_bytes(damaged)
        with warnings.catch_warnings(record=True) as caught:
            warnings.filterwarnings("ignore", module="pydicom")
            try:
                open_image(hospital / "x.dcm")
            except ValueError as error:
                assert "Quintanilla" not in str(error) and IDENTIFIER not in str(error)
        assert not caught


def test_a_png_beside_dicom_is_still_a_png(tmp_path):
    content = io.BytesIO()
    Image.new("L", (8, 8), 77).save(content, "PNG")
    (tmp_path / "a.png").write_bytes(content.getvalue())
    assert not dicom.is_dicom(tmp_path / "a.png") and not dicom.is_dicom(tmp_path / "missing")


def test_pixels_that_are_not_numbers(tmp_path):
    pixels = np.full((8, 8), np.nan, np.float32)
    path = film(tmp_path / "a.dcm", pixels, PixelData=None, FloatPixelData=pixels.tobytes())
    with pytest.raises(ValueError, match="pixels that are not numbers"):
        open_image(path)


@pytest.mark.parametrize("syntax", ["", "JPEG2000Lossless"])
def test_a_file_is_opened_once_to_be_decoded(tmp_path, monkeypatch, syntax):
    from dhl_helpers.pixels import files
    from dhl_helpers.pixels.decode import decode_all

    path = film(tmp_path / "1.2.840.3", RAMP, 12)
    path = compressed(path, syntax) if syntax else path
    names, real_open = [], os.open
    monkeypatch.setattr(files.os, "open", lambda name, *rest: names.append(str(name)) or real_open(name, *rest))
    assert not decode_all([path], 8, 1, "").failed and names.count(str(path)) == 1
    names.clear()
    dicom.patients([path])
    assert names.count(str(path)) == 1
