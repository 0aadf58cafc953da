"""Each data-set format, on files written here; and on the real sets where they are."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers import link, medmnist, real, save, table

import dhl_helpers as dhl
from dhl_helpers import readers
from dhl_helpers.readers.kermany import PATIENT as KERMANY_PATIENT


@pytest.mark.parametrize(
    ("file", "patient"),
    [
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("NORMAL2-IM-0115-0001.jpeg", "NORMAL2-IM-0115"),
        ("NORMAL2-IM-0666-0001-0002.jpeg", "NORMAL2-IM-0666"),
        ("person12_bacteria_46.jpeg", "person12_bacteria"),
        ("person12_virus_46.jpeg", "person12_virus"),
        ("BACTERIA-1031320-0001.jpeg", "BACTERIA-1031320"),
        ("VIRUS-7194018-0003.jpeg", "VIRUS-7194018"),
        ("NORMAL-1003233-0001.jpeg", "NORMAL-1003233"),
    ],
)
def test_the_kermany_patient_is_series_or_number_with_kind(file, patient):
    assert re.search(KERMANY_PATIENT, file).group(1) == patient


def test_chest_xray(kermany):
    data = dhl.load_dataset("chest_xray", kermany, image_size=8)
    assert data.class_names == ["normal", "pneumonia"] and np.bincount(data.labels).tolist() == [14, 28]
    assert len(set(data.patients)) == 21 and all(data.table.groupby("patient_id").size() == 2)
    assert data.table["split"].value_counts().to_dict() == {"train": 30, "test": 12}, "the tiny val joins train"
    train, val, test = data.split()
    assert len(test) == 12 and not set(train.patients) & (set(val.patients) | set(test.patients))


def test_chest_xray_in_three_classes(kermany):
    data = dhl.load_dataset("chest_xray_3", kermany, image_size=8)
    assert data.class_names == ["normal", "bacterial", "viral"] and np.bincount(data.labels).tolist() == [14, 14, 14]
    for label, path in zip(data.labels, data.table["path"], strict=True):
        assert (label == 1) == ("bacteria" in path) and (label == 2) == ("virus" in path)


def test_folder_with_and_without_parts(tmp_path):
    for part in ("train", "Validation", "test"):
        for label in ("dog", "cat"):
            for n in range(2):
                save(tmp_path / "parts" / part / label / "deeper" / f"p{n}-{part}.PNG")
    data = dhl.load_dataset("folder", tmp_path / "parts", image_size=8, patient_pattern=r"(p\d-\w+)")
    assert data.class_names == ["cat", "dog"] and len(data) == 12
    assert [len(part) for part in data.split()] == [4, 4, 4]
    assert sorted(set(data.patients))[:2] == ["p0-Validation", "p0-test"]
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        plain = dhl.load_dataset("folder", tmp_path / "parts" / "train", image_size=8)
    assert "split" not in plain.table and len(plain) == 4


@pytest.mark.parametrize("give_file", [True, False])
def test_medmnist(tmp_path, give_file):
    arrays = medmnist(tmp_path / "pneumoniamnist.npz")
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        data = dhl.load_dataset("pneumoniamnist", tmp_path / "pneumoniamnist.npz" if give_file else tmp_path, 10)
    parts = dict(zip(("train", "val", "test"), data.split(), strict=True))
    for name, part in parts.items():
        assert np.array_equal(part.images[..., 0], arrays[f"{name}_images"])
        assert np.array_equal(part.labels, arrays[f"{name}_labels"][:, 0])
    assert data.class_names == ["normal", "pneumonia"]
    assert data.table["path"].iloc[[0, 20]].tolist() == ["pneumoniamnist.npz[train, 0]", "pneumoniamnist.npz[val, 0]"]


def test_medmnist_in_colour_and_larger(tmp_path):
    colour = {f"{part}_images": np.full((n, 10, 10, 3), (9, 99, 200), np.uint8) for part, n in
              (("train", 20), ("val", 6), ("test", 8))}  # fmt: skip
    medmnist(tmp_path / "pneumoniamnist_224.npz", **colour)
    with pytest.warns(UserWarning, match="one patient"):
        data = dhl.load_dataset("pneumoniamnist", tmp_path, image_size=20, channels=3)
    assert data.images.shape == (34, 20, 20, 3) and (data.images == [9, 99, 200]).all()


def test_csv(tmp_path):
    split = ["train"] * 6 + ["val"] * 2 + ["test"] * 2 + ["external"] * 2
    table(tmp_path, 12, patient_id=np.arange(12), split=split, age=50)
    data = dhl.load_dataset("csv", tmp_path / "list.csv", image_size=8)
    assert data.class_names == ["a", "b"] and data.labels.tolist() == [0, 1] * 6
    assert [len(part) for part in data.split()] == [6, 2, 2] and len(data.part("external")) == 2
    assert (data.images[:, 0, 0, 0] == np.arange(12)).all() and (data.table["age"] == "50").all(), "cells are text"


def test_csv_like_the_article(tmp_path):
    frame = table(tmp_path, 4)
    frame = pd.DataFrame({"Path": "CheXpert-v1.0/" + frame["path"], "Edema": [0, 1, 1, 0], "who": list("abcd")})
    (tmp_path / "lists").mkdir()
    frame.to_csv(tmp_path / "lists" / "train.csv", index=False)
    data = dhl.load_dataset(
        "csv", tmp_path / "lists" / "train.csv", image_size=8, path_column="Path", label_column="Edema",
        patient_column="who", root=tmp_path, prefix="CheXpert-v1.0/",
    )  # fmt: skip
    assert data.class_names == ["0", "1"] and data.labels.tolist() == [0, 1, 1, 0]
    assert data.patients.tolist() == list("abcd")


def test_csv_follows_links_that_stay_inside(tmp_path):
    table(tmp_path, 4, patient_id=range(4))
    link(tmp_path / "img" / "0.png", tmp_path / "img" / "link.png")
    frame = pd.DataFrame({"path": ["img/link.png", "img/../img/1.png", str(tmp_path / "img" / "2.png")],
                          "label": ["a", "b", "a"], "patient_id": range(3)})  # fmt: skip
    frame.to_csv(tmp_path / "list.csv", index=False)
    data = dhl.load_dataset("csv", tmp_path / "list.csv", image_size=8)
    assert data.images[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_sample_reads_what_the_simulator_wrote(tmp_path, monkeypatch):
    frame = table(tmp_path, 6, patient_id=[0, 0, 1, 1, 2, 2], split=["train"] * 4 + ["external"] * 2, severity=0.5)
    frame.assign(label=["normal", "viral", "bacterial"] * 2).to_csv(tmp_path / "metadata.csv", index=False)
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path))
    data = dhl.load_dataset(image_size=8)
    assert data.name == "sample" and data.class_names == ["normal", "bacterial", "viral"]
    assert data.labels.tolist() == [0, 2, 1] * 2 and data.patients.tolist() == list("001122")
    assert (data.table["severity"] == 0.5).all()
    monkeypatch.delenv("DHL_SAMPLES")
    assert np.array_equal(dhl.load_dataset("sample", tmp_path, image_size=8).images, data.images)


def test_registry_names_title_licence_and_need():
    for name, reader in readers.REGISTRY.items():
        assert reader.title and callable(reader.read), name
        assert reader.needs == "nothing" if name == "sample" else "data_dir" in reader.needs
    assert {"sample", "chest_xray", "chest_xray_3", "pneumoniamnist", "folder", "csv"} <= set(readers.REGISTRY)


# The real radiographs.


def test_real_chest_xray():
    data = dhl.load_dataset("chest_xray_3", real("chest_xray"), image_size=28)
    assert np.bincount(data.labels).tolist() == [160, 160, 80]
    train, val, test = data.split(seed=0)
    assert len(test) == 100 and np.bincount(test.labels).tolist() == [40, 40, 20]
    assert not set(train.patients) & (set(val.patients) | set(test.patients)) and set(val.labels) == {0, 1, 2}
    numbers = [{re.sub(r"\D", "", patient) for patient in part.patients} for part in (train, test)]
    assert numbers[0] & numbers[1], "bare numbers collide between train and test: the key needs the kind of pneumonia"


def test_real_pneumoniamnist():
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        data = dhl.load_dataset("pneumoniamnist", real("pneumoniamnist.npz"), image_size=28)
    assert [np.bincount(part.labels).tolist() for part in data.split()] == [[1214, 3494], [135, 389], [234, 390]]
