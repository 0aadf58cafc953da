"""The simulated radiographs: what metadata.csv promises, and what the program that makes them does."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT
from PIL import Image

from data_samples import simulate

FOLDER = ROOT / "data_samples"


@pytest.fixture(scope="module")
def table():
    return pd.read_csv(FOLDER / "metadata.csv")


def test_metadata_has_its_columns_and_no_gaps(table):
    assert list(table) == simulate.COLUMNS
    assert not table.isna().any().any()
    assert table["path"].is_unique
    assert set(table["label"]) == set(simulate.LABELS)
    assert set(table["sex"]) == {"F", "M"} and set(table["view"]) == {"AP", "PA"}


def test_every_file_is_in_the_table_and_fits_the_size(table):
    files = {f"images/{path.name}" for path in (FOLDER / "images").iterdir()}
    assert files == set(table["path"])
    assert sum((FOLDER / path).stat().st_size for path in files) < 20e6


def test_counts_of_splits_and_classes(table):
    assert table["split"].value_counts().to_dict() == {"train": 1000, "test": 700, "external": 400, "val": 300}
    shares = table["label"].value_counts(normalize=True)
    assert shares["normal"] == pytest.approx(0.68, abs=0.01)
    assert shares["bacterial"] == pytest.approx(0.24, abs=0.01)
    assert shares["viral"] == pytest.approx(0.08, abs=0.01)
    assert ((table["split"] == "test") & (table["label"] == "viral")).sum() >= 55


def test_a_patient_is_on_one_side_with_one_label_and_one_to_three_images(table):
    patients = table.groupby("patient_id")
    assert (patients[["split", "label", "site", "age", "sex"]].nunique() == 1).all().all()
    assert set(patients.size()) == {1, 2, 3}
    assert 0.62 < len(patients) / len(table) < 0.70


def test_site_b_is_the_external_split(table):
    assert ((table["site"] == "B") == (table["split"] == "external")).all()


def test_severity_is_a_share_and_zero_for_normal_only(table):
    assert table["severity"].between(0, 1).all()
    assert ((table["severity"] == 0) == (table["label"] == "normal")).all()


def test_images_decode_to_grey_squares_of_128_pixels_with_contrast(table):
    for path in table["path"][::10]:
        with Image.open(FOLDER / path, formats=["JPEG"]) as image:
            assert (image.mode, image.size) == ("L", (128, 128)), path
            assert np.asarray(image).std() > 15, path


def test_checksum_is_that_of_the_files():
    assert simulate.checksum(FOLDER) == (FOLDER / "CHECKSUM").read_text().strip()


def test_class_depends_on_nothing_but_disease(table):
    from tools.independence import LEVEL, independence

    found = independence(table)
    assert len(found) == 15
    assert min(found.values()) > LEVEL, found


def test_some_shipped_images_are_what_the_program_makes(table, tmp_path):
    for row in table.iloc[[0, 700, 1500, 2390]].itertuples():
        patient = simulate.draw_patient(row.seed, int(row.patient_id[1:]), site=row.site)
        pixels, mask, severity = simulate.film(patient, int(Path(row.path).stem[-1]))
        assert (patient.label, patient.age, patient.sex) == (row.label, row.age, row.sex)
        assert severity == pytest.approx(row.severity, abs=0.001)
        Image.fromarray(pixels).save(tmp_path / "again.jpg", quality=95)
        files = tmp_path / "again.jpg", FOLDER / row.path
        again, shipped = (np.asarray(Image.open(file, formats=["JPEG"])).astype(int) for file in files)
        assert np.abs(again - shipped).max() <= 1
        assert (again != shipped).mean() <= 0.001


def test_render_gives_an_image_and_its_lesions():
    ill = simulate.draw_patient(seed=3, number=1, label="viral", site="A")
    image, mask = simulate.render(ill, size=96)
    assert image.shape == mask.shape == (96, 96)
    assert image.dtype == np.uint8 and mask.dtype == bool
    assert mask.any()
    well, nothing = simulate.render(dataclasses.replace(ill, label="normal"), size=96)
    assert not nothing.any()
    difference = image.astype(int) - well
    assert difference[mask].mean() > difference[~mask].mean() + 5, "the lesion must be the brighter part"


def test_images_of_a_patient_differ_and_repeat():
    patient = simulate.draw_patient(seed=3, number=2)
    first, second = (simulate.render(patient, image=number, size=64)[0] for number in (1, 2))
    assert np.abs(first.astype(int) - second).mean() > 3
    assert np.array_equal(first, simulate.render(patient, image=1, size=64)[0])


def test_severity_agrees_with_the_mask():
    severity, share = [], []
    for number in range(14):
        patient = simulate.draw_patient(seed=4, number=number, label="bacterial" if number % 2 else "viral")
        _, mask, affected = simulate.film(patient, size=64)
        severity.append(affected)
        share.append(mask.mean())
    assert np.corrcoef(severity, share)[0, 1] > 0.8


def test_a_label_or_site_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="'fungal'.*normal, bacterial, viral"):
        simulate.draw_patient(seed=1, number=1, label="fungal")


def test_the_number_of_processes_does_not_matter():
    one, pixels = simulate.generate(4, seed=6, size=48, processes=1)
    two, same = simulate.generate(4, seed=6, size=48, processes=2)
    assert one.equals(two) and np.array_equal(pixels, same)


@pytest.mark.slow
def test_the_whole_set_is_what_the_program_makes():
    command = [sys.executable, "-m", "data_samples.simulate", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
