"""The whole series on sets as large as those that readers try first: real ones where they are, and simulated films.

An hour or more on two cores: `pytest tests/test_large_sets.py -m slow`. The films are simulated, 5,000 of them, and
written in the layouts of four public sets.
"""

import shutil

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, assert_sensible, film, real, run_series
from PIL import Image

from data_samples.simulator import collection
from dhl_helpers.readers.chexpert import FINDINGS

N = 5000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """A folder of simulated films and their table: one film each of 5,000 subjects."""
    folder = tmp_path_factory.mktemp("films")
    table, _ = collection.generate(N, seed=11, folder=folder)
    table["sick"] = table["label"] != "normal"
    return folder, table


def kermany(films, to):
    """train and test, NORMAL and PNEUMONIA, the subject in the file name."""
    folder, table = films
    for row in table.itertuples():
        part, name = ("test", "train")[row.Index % 8 > 0], "NORMAL"
        file = f"NORMAL2-IM-{row.Index:04}-0001.jpeg"
        if row.sick:
            name, file = "PNEUMONIA", f"person{row.Index}_{'virus' if row.label == 'viral' else 'bacteria'}_1.jpeg"
        place = to / "chest_xray" / part / name / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / row.path, place)
    return "chest_xray", to / "chest_xray"


def nih(films, to):
    """Twelve folders of images and Data_Entry_2017.csv; two findings can meet."""
    folder, table = films
    lines = ["Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"]
    for row in table.itertuples():
        place = to / f"images_{row.Index % 12 + 1:03}" / "images" / f"{row.Index + 1:08}_000.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / row.path, place)
        found = {"normal": "No Finding", "bacterial": "Consolidation", "viral": "Infiltration"}[row.label]
        found += "|Effusion" * bool(row.sick and row.severity > 0.1)
        lines.append(f"{place.name},{found},0,{row.Index + 1},{int(row.age)},{row.sex},{row.view}")
    (to / "Data_Entry_2017.csv").write_text("\n".join(lines))
    return "nih", to


def chexpert(films, to):
    """train and valid with their tables; findings present, absent or not mentioned."""
    folder, table = films
    lines = {"train": [], "valid": []}
    for row in table.itertuples():
        part = "valid" if row.Index % 10 == 0 else "train"
        path = f"{part}/patient{row.Index + 1:05}/study1/view1_frontal.jpg"
        place = to / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / row.path, place)
        values = dict.fromkeys(FINDINGS, "") | {"No Finding": "" if row.sick else 1.0}
        if row.sick:
            values |= {"Pneumonia": 1.0, "Consolidation": float(row.label == "bacterial")}
        sex = {"M": "Male", "F": "Female"}.get(row.sex, row.sex)
        lines[part].append([f"CheXpert-v1.0-small/{path}", sex, int(row.age), "Frontal", row.view, *values.values()])
    columns = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FINDINGS]
    for part, rows in lines.items():
        pd.DataFrame(rows, columns=columns).to_csv(to / f"{part}.csv", index=False)
    return "chexpert:Pneumonia", to


def dicom(films, to):
    """A folder for each class, DICOM files of 12 bits, the subject in the header."""
    folder, table = films
    for row in table.itertuples():
        place = to / ("healthy", "pneumonia")[row.sick] / f"{row.Index:05}.dcm"
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(Image.open(folder / row.path, formats=["PNG", "JPEG"])).astype(np.uint16) * 16
        window = {"WindowCenter": 2048, "WindowWidth": 4096}
        film(place, pixels, 12, PatientID=f"p{row.Index:05}", **window)
    return "folder", to


@pytest.mark.parametrize("layout", [kermany, nih, chexpert, dicom])
def test_simulated_films_in_the_layout_of(layout, films, tmp_path):
    name, folder = layout(films, tmp_path)
    out = ROOT / "build" / f"large_{layout.__name__}"
    _, results = run_series("--dataset", name, "--data-dir", folder, out=out)
    assert_sensible(results)


@pytest.mark.parametrize("name, place", [("chest_xray", "chest_xray_large"), ("pneumoniamnist", "pneumoniamnist.npz")])
def test_whole_real_sets(name, place):
    folder = real(place)
    folder = folder.parent if folder.suffix else folder
    _, results = run_series("--dataset", name, "--data-dir", folder, out=ROOT / "build" / f"large_{place}")
    assert_sensible(results)
    of_cnn = results[(results["notebook"] == 2) & (results["metric"] == "macro AUC")]
    assert (of_cnn["value"] > 0.8).all(), "the network lives"
