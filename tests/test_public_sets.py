"""The public sets, each on a look-alike written here with the columns and folders of the set; NIH on real files too."""

import gzip
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import film, medmnist, real, refused, save
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers import readers
from dhl_helpers.readers import medmnist_sets
from dhl_helpers.readers.chexpert import FINDINGS
from dhl_helpers.readers.findings import choose
from dhl_helpers.readers.found import Found
from dhl_helpers.readers.nih import FINDINGS as NIH_FINDINGS


def load(name, root, **options):
    return dhl.load_dataset(name, root, image_size=8, **options)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_what_is_known_of_each_set():
    for name, reader in readers.REGISTRY.items():
        if name not in ("folder", "csv"):
            assert all((reader.licence, reader.labels, reader.patient, reader.source, reader.checked)), name
    unseen = {name for name, reader in readers.REGISTRY.items() if not reader.on_real_files}
    assert not unseen & {"sample", "chest_xray", "chest_xray_3", "pneumoniamnist", "nih", "folder", "csv"}
    assert {"chexpert", "mura", "rsna", "mimic_cxr", "padchest", "vindr", "cohen", "montgomery", "octmnist"} <= unseen


# NIH ChestX-ray14

NIH_HEADER = ("Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
              "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]")  # fmt: skip
NIH_ROWS = ["Cardiomegaly", "Cardiomegaly|Emphysema", "No Finding", "Hernia", "No Finding", "Effusion"]


@pytest.fixture(params=["", ","], ids=["11 fields", "a comma at the end of each line"])
def nih(tmp_path, request):
    names = [f"{n // 2 + 1:08}_{n % 2:03}.png" for n in range(6)]
    rows = [f"{name},{found},0,{n // 2 + 1},58,M,PA,2682,2749,0.143,0.143{request.param}"
            for n, (name, found) in enumerate(zip(names, NIH_ROWS, strict=True))]  # fmt: skip
    write(tmp_path / "Data_Entry_2017.csv", "\n".join([NIH_HEADER + request.param, *rows]))
    for n, name in enumerate(names):
        path = tmp_path / f"images_{n // 2 + 1:03}" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(["L", "RGB", "RGBA"][n % 3], (8, 8), ((20 * n,) * 3 + (255,))[: n % 3 + 2] if n % 3 else 20 * n).save(
            path
        )
    return tmp_path, names


def test_nih(nih):
    root, names = nih
    data = load("nih", root)
    assert data.class_names == NIH_FINDINGS and data.labels.dtype == np.float32 and data.labels.shape == (6, 14)
    assert [[NIH_FINDINGS[j] for j in np.flatnonzero(row)] for row in data.labels] == [
        ["Cardiomegaly"], ["Cardiomegaly", "Emphysema"], [], ["Hernia"], [], ["Effusion"]]  # fmt: skip
    assert data.patients.tolist() == ["1", "1", "2", "2", "3", "3"] and "split" not in data.table
    assert data.images[:, 0, 0, 0].tolist() == [0, 20, 40, 60, 80, 100], "grey, RGB and RGBA files"
    assert data.table["label"].tolist() == NIH_ROWS


def test_nih_official_lists(nih):
    root, names = nih
    write(root / "train_val_list.txt", "\n".join(names[:4]) + "\n")
    write(root / "test_list.txt", "\n".join(names[4:]))
    assert load("nih", root).table["split"].tolist() == ["train"] * 4 + ["test"] * 2
    write(root / "test_list.txt", names[4])
    with refused("train_val_list.txt, test_list.txt: images in neither", names[5]):
        load("nih", root)


def test_nih_one_finding_and_single_findings(nih):
    data = load("nih:cardiomegaly", nih[0])
    assert data.class_names == ["No Finding", "Cardiomegaly"] and data.labels.tolist() == [1, 1, 0, 0]
    assert data.name == "nih:cardiomegaly" and len(data.images) == 4
    single = load("nih", nih[0], finding="single")
    assert single.class_names == ["No Finding", "Cardiomegaly", "Effusion", "Hernia"]
    assert single.labels.tolist() == [1, 0, 3, 0, 2], "the image with two findings is left out"
    with refused("no finding 'Measles'", "'single' or one of: Atelectasis"):
        load("nih:Measles", nih[0])


def test_nih_refusals(nih):
    root, names = nih
    (root / "images_001" / "images" / names[0]).unlink()
    with refused("1 of 6 images cannot be read", names[0], "no such file"):
        load("nih", root)
    with pytest.warns(UserWarning, match="1 of 6 images could not be read"):
        assert len(load("nih", root, on_error="skip").labels) == 5
    table = (root / "Data_Entry_2017.csv").read_text()
    write(root / "Data_Entry_2017.csv", table.replace("Hernia", "Hernya"))
    with refused("Data_Entry_2017.csv: unknown findings 'Hernya'", "Get the file again"):
        load("nih", root)
    write(root / "Data_Entry_2017.csv", table.replace("Patient ID", "Patient"))
    with refused("Data_Entry_2017.csv: no column Patient ID; there are: Image Index"):
        load("nih", root)
    (root / "Data_Entry_2017.csv").unlink()
    with refused("Data_Entry_2017.csv: not found", "Give the folder of the data set"):
        load("nih", root)


def test_real_nih():
    data = dhl.load_dataset("nih", real("nih"), image_size=64)
    assert len(data) == 120 and data.labels.shape == (120, 14) and not np.isnan(data.labels).any()
    table = pd.read_csv(real("nih") / "Data_Entry_2017.csv")
    for j, name in enumerate(data.class_names):
        assert data.labels[:, j].sum() == table["Finding Labels"].str.contains(name).sum()
    assert len(set(data.patients)) == table["Patient ID"].nunique()
    parts = data.split(seed=0)
    assert sum(map(len, parts)) == 120 and min(map(len, parts)) >= 15
    assert not set(parts[0].patients) & (set(parts[1].patients) | set(parts[2].patients))


# CheXpert and MIMIC-CXR

CHEXPERT = [  # path, values of No Finding, Cardiomegaly, Edema; the other findings blank
    ("train/patient00001/study1/view1_frontal.jpg", 1, "", ""),
    ("train/patient00002/study1/view1_frontal.jpg", "", 1, -1),
    ("train/patient00002/study1/view2_lateral.jpg", "", 1, -1),
    ("train/patient00002/study2/view1_frontal.jpg", "", 0, 1),
    ("valid/patient64541/study1/view1_frontal.jpg", 0, 1, 0),
]


@pytest.fixture(params=["CheXpert-v1.0", "CheXpert-v1.0-small"])
def chexpert(tmp_path, request):
    rows = {"train": [], "valid": []}
    for n, (path, none, heart, edema) in enumerate(CHEXPERT):
        values = {"No Finding": none, "Cardiomegaly": heart, "Edema": edema}
        cells = [f"{request.param}/{path}", "Female", 68, "Lateral" if "lateral" in path else "Frontal", "AP"]
        rows[path[:5]].append([*cells, *(values.get(name, "") for name in FINDINGS)])
        save(tmp_path / path, 10 * n)
    for part, lines in rows.items():
        frame = pd.DataFrame(lines, columns=["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FINDINGS])
        frame.to_csv(tmp_path / f"{part}.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "heart", "edema", "fracture"),
    [
        ({}, [0, 1, 0, 1], [0, np.nan, 1, 0], [0, 0, 0, 0]),
        ({"uncertain": "ones"}, [0, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0]),
        ({"uncertain": "zeros"}, [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]),
        ({"not_mentioned": "ignore"}, [np.nan, 1, 0, 1], [np.nan, np.nan, 1, 0], [np.nan] * 4),
    ],
)
def test_chexpert(chexpert, options, heart, edema, fracture):
    data = load("chexpert", chexpert, **options)
    assert data.class_names == FINDINGS and len(FINDINGS) == 14
    for name, expected in (("Cardiomegaly", heart), ("Edema", edema), ("Fracture", fracture)):
        assert np.array_equal(data.labels[:, FINDINGS.index(name)], expected, equal_nan=True), name
    assert data.patients.tolist() == ["patient00001", "patient00002", "patient00002", "patient64541"]
    assert data.table["split"].tolist() == ["train"] * 3 + ["val"]
    assert data.images[:, 0, 0, 0].tolist() == [0, 10, 30, 40]


def test_chexpert_lateral_and_one_finding(chexpert):
    assert len(load("chexpert", chexpert, lateral=True)) == 5
    data = load("chexpert:Cardiomegaly", chexpert)
    assert data.labels.tolist() == [0, 1, 1] and data.class_names == ["No Finding", "Cardiomegaly"]


def test_chexpert_refusals(chexpert):
    with refused("no policy 'maybe'", "zeros, ones, ignore"):
        load("chexpert", chexpert, uncertain="maybe")
    table = (chexpert / "train.csv").read_text()
    write(chexpert / "train.csv", table.replace(",-1,", ",2,"))
    with refused("train.csv: column", "holds '2', not only 1, 0, -1 and blanks"):
        load("chexpert", chexpert)
    write(chexpert / "train.csv", table.replace("patient00001", "case1"))
    with refused("no patient in the path", "case1"):
        load("chexpert", chexpert)
    write(chexpert / "train.csv", table.replace("train/patient00001", "../../x/patient00001"))
    with refused("train.csv: paths may not lead out of", "patient00001"):
        load("chexpert", chexpert)


@pytest.fixture
def mimic(tmp_path):
    def table(kind, columns, rows):
        with gzip.open(tmp_path / f"mimic-cxr-2.0.0-{kind}.csv.gz", "wt") as file:
            pd.DataFrame(rows, columns=columns).to_csv(file, index=False)

    films = [("a", 10000032, 50414267, "PA", "train"), ("b", 10000032, 50414267, "LATERAL", "train"),
             ("c", 10000764, 57375967, "AP", "validate"), ("d", 10000898, 50771383, "AP", "test"),
             ("e", 10000935, 50578979, "AP", "test")]  # fmt: skip
    columns = ["dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows"]
    table("metadata", columns,
          [(film, subject, study, "CHEST", view, 3056) for film, subject, study, view, _ in films])  # fmt: skip
    table("split", ["dicom_id", "study_id", "subject_id", "split"], [(f, st, su, part) for f, su, st, _, part in films])
    names = sorted(FINDINGS)
    labels = {50414267: {"No Finding": 1}, 57375967: {"Edema": -1, "Pneumonia": 1}, 50771383: {"Pneumonia": 0}}
    table("chexpert", ["subject_id", "study_id", *names],
          [(subject, study, *(labels[study].get(name) for name in names)) for _, subject, study, view, _ in films
           if study in labels and view != "LATERAL"])  # fmt: skip
    for name, subject, study, _, _ in films:
        save(tmp_path / "files" / f"p{str(subject)[:2]}" / f"p{subject}" / f"s{study}" / f"{name}.jpg")
    return tmp_path


def test_mimic(mimic):
    data = load("mimic_cxr", mimic)
    assert data.table["dicom_id"].tolist() == ["a", "c", "d"], "frontal, and with labels"
    assert data.patients.tolist() == ["10000032", "10000764", "10000898"]
    assert data.table["split"].tolist() == ["train", "val", "test"]
    assert data.labels[:, FINDINGS.index("Pneumonia")].tolist() == [0, 1, 0]
    assert np.isnan(data.labels[1, FINDINGS.index("Edema")]) and data.labels[0, FINDINGS.index("No Finding")] == 1
    assert len(load("mimic_cxr", mimic, lateral=True)) == 4


def test_mimic_refusals(mimic):
    path = mimic / "mimic-cxr-2.0.0-split.csv.gz"
    path.write_bytes(path.read_bytes()[:60])
    with refused("split.csv.gz: not a readable CSV", "Get the file again"):
        load("mimic_cxr", mimic)
    with gzip.open(path, "wt") as file:
        file.write("dicom_id,split\na,holdout\n")
    with refused("column 'split' holds holdout, not only train, validate, test"):
        load("mimic_cxr", mimic)
    with gzip.open(path, "wt") as file:
        file.write("dicom_id,split\nz,train\n")
    with refused("the three CSV files share no image"):
        load("mimic_cxr", mimic)
    path.unlink()
    with refused("mimic-cxr-2.0.0-split.csv.gz: not found"):
        load("mimic_cxr", mimic)


# MURA

MURA = ["train/XR_SHOULDER/patient00001/study1_positive/image1.png",
        "train/XR_SHOULDER/patient00001/study1_positive/image2.png",
        "train/XR_WRIST/patient00002/study1_negative/image1.png",
        "train/XR_WRIST/patient00002/study2_positive/image1.png",
        "valid/XR_WRIST/patient11185/study1_negative/image1.png"]  # fmt: skip


@pytest.fixture
def mura(tmp_path):
    for part in ("train", "valid"):
        write(tmp_path / f"{part}_image_paths.csv", "".join(f"MURA-v1.1/{p}\n" for p in MURA if p.startswith(part)))
    for path in MURA:
        save(tmp_path / path)
    return tmp_path


def test_mura(mura):
    data = load("mura", mura)
    assert data.class_names == ["normal", "abnormal"] and data.labels.tolist() == [1, 1, 0, 1, 0]
    assert data.patients.tolist() == ["patient00001"] * 2 + ["patient00002"] * 2 + ["patient11185"]
    assert data.table["split"].tolist() == ["train"] * 4 + ["val"]
    assert load("mura", mura, body_part="XR_WRIST").labels.tolist() == [0, 1, 0]


def test_mura_refusals(mura):
    with refused("no body part 'XR_HEAD'; there are: XR_SHOULDER, XR_WRIST"):
        load("mura", mura, body_part="XR_HEAD")
    write(mura / "valid_image_paths.csv", "MURA-v1.1/valid/XR_WRIST/patient11185/study1/image1.png\n")
    with refused("no body part, patient and study label in these paths", "patient11185/study1/image1.png"):
        load("mura", mura)
    write(mura / "valid_image_paths.csv", "")
    with refused("valid_image_paths.csv: no rows"):
        load("mura", mura)


# RSNA


@pytest.fixture
def rsna(tmp_path):

    rows = ["a,264,152,213,379,1", "a,562,152,256,453,1", "b,,,,,0", "c,,,,,0"]
    write(tmp_path / "stage_2_train_labels.csv", "\n".join(["patientId,x,y,width,height,Target", *rows]))
    details = ["a,Lung Opacity", "a,Lung Opacity", "b,No Lung Opacity / Not Normal", "c,Normal"]
    write(tmp_path / "stage_2_detailed_class_info.csv", "\n".join(["patientId,class", *details]))
    for n, name in enumerate("abc"):
        film(tmp_path / "stage_2_train_images" / f"{name}.dcm", np.full((8, 8), 50 * n, np.uint8), PatientID=name)
    return tmp_path


def test_rsna(rsna):
    with pytest.warns(UserWarning, match="patients' identity is lost.*NIH ChestX-ray14"):
        data = load("rsna", rsna)
    assert data.class_names == ["no pneumonia", "pneumonia"] and data.labels.tolist() == [1, 0, 0]
    with pytest.warns(UserWarning):
        data = load("rsna", rsna, three_classes=True)
    assert [data.class_names[label] for label in data.labels] == ["pneumonia", "other finding", "normal"]
    write(rsna / "stage_2_train_labels.csv", "patientId,Target\na,yes\n")
    with refused("stage_2_train_labels.csv: column 'Target' holds 'yes', not only 0, 1"):
        load("rsna", rsna)


# PadChest


@pytest.fixture
def padchest(tmp_path):
    rows = [  # ImageID, ImageDir, PatientID, Projection, Labels
        ("p1_a.png", 0, "p1", "PA", "['normal']"),
        ("p1_b.png", 0, "p1", "L", "['normal']"),
        ("p2.png", 3, "p2", "AP_horizontal", "['pleural effusion', ' pleural effusion', 'cardiomegaly', '']"),
        ("p3.png", 54, "p3", "PA", "['exclude']"),
        ("p4.png", 54, "p4", "PA", '["chronic changes", "cardiomegaly"]'),
        ("p5.png", 54, "p5", "PA", ""),
    ]
    frame = pd.DataFrame(rows, columns=["ImageID", "ImageDir", "PatientID", "Projection", "Labels"])
    frame.insert(0, "", range(6))
    frame.to_csv(tmp_path / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz", index=False)
    for n, (image, folder, *_) in enumerate(rows):
        path = tmp_path / str(folder) / image
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.array([[0, 256 * 50 * n], [65535, 65535]], np.uint16)).save(path)
    return tmp_path


def test_padchest(padchest):
    with pytest.warns(UserWarning, match="a few PNG files of the published set are corrupt"):
        data = load("padchest", padchest, fewest=1)
    assert data.class_names == ["cardiomegaly", "chronic changes", "pleural effusion"]
    assert data.labels.tolist() == [[0, 0, 0], [1, 0, 1], [1, 1, 0]] and data.patients.tolist() == ["p1", "p2", "p4"]
    assert data.images.max() == 255 and 90 < data.images[1, 0, -1, 0] < 110, "16 bits are scaled"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert load("padchest", padchest, fewest=2).class_names == ["cardiomegaly"]
        assert len(load("padchest", padchest, fewest=1, projections=["PA", "L"])) == 3
        (padchest / "3" / "p2.png").rename(padchest / "p2.png")
        assert len(load("padchest", padchest, fewest=1)) == 3, "the images may lie in one folder"


def test_padchest_refusals(padchest):
    with refused("no finding on 50 images or more", "Lower fewest"):
        load("padchest", padchest)
    with refused("no labelled image with Projection XX"):
        load("padchest", padchest, projections=["XX"])
    file = padchest / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"
    table = gzip.decompress(file.read_bytes()).decode()
    for text in ("__import__('os').system('touch sprung')", "['a'", "5", "[5]", "(" * 500):
        file.write_bytes(gzip.compress(table.replace("['normal']", text).encode()))
        with refused("column 'Labels' holds", "not a list of names"):
            load("padchest", padchest, fewest=1)


# VinDr-CXR


def test_vindr_challenge(tmp_path):
    rows = ["a,No finding,14,R1", "a,No finding,14,R2", "a,Cardiomegaly,3,R3", "b,Cardiomegaly,3,R1",
            "b,Cardiomegaly,3,R1", "b,Cardiomegaly,3,R2", "b,ILD,5,R3", "c,No finding,14,R1", "c,No finding,14,R2",
            "c,No finding,14,R3"]  # fmt: skip
    write(tmp_path / "train.csv", "\n".join(["image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max",
                                             *(f"{row},,,," for row in rows)]))  # fmt: skip
    for name in "abc":
        save(tmp_path / "train" / f"{name}.png")
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        data = load("vindr", tmp_path)
    assert data.class_names == ["Cardiomegaly", "ILD"] and data.labels.tolist() == [[0, 0], [1, 0], [0, 0]]
    (tmp_path / "train" / "a.png").unlink()
    with warnings.catch_warnings(), refused("1 of 3 images cannot be read", "a.dicom: no such file"):
        warnings.simplefilter("ignore")
        load("vindr", tmp_path)
    write(tmp_path / "train.csv", "image_id,class_name,class_id,rad_id\na,No finding,14,R1\n")
    with refused("train.csv: no finding in it"):
        load("vindr", tmp_path)


def test_vindr_physionet(tmp_path):
    write(tmp_path / "annotations" / "image_labels_train.csv",
          "image_id,rad_id,Cardiomegaly,Other diseases,No finding\n"
          "a,R1,1,0,0\na,R2,1,0,0\na,R3,0,1,0\nb,R1,0,0,1\nb,R2,0,0,1\nb,R3,1,0,0\n")  # fmt: skip
    write(tmp_path / "annotations" / "image_labels_test.csv",
          "image_id,Cardiomegaly,Other disease,No finding\nc,0,1,0\nd,,,1\n")  # fmt: skip
    for part, name in (("train", "a"), ("train", "b"), ("test", "c"), ("test", "d")):
        save(tmp_path / part / f"{name}.png")
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        data = load("vindr", tmp_path)
    assert data.class_names == ["Cardiomegaly", "Other diseases"]
    assert data.labels.tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]
    assert data.table["split"].tolist() == ["train", "train", "test", "test"]
    (tmp_path / "annotations" / "image_labels_test.csv").unlink()
    with refused("image_labels_test.csv: not found"):
        load("vindr", tmp_path)


# COVID-19 Radiography Database, Cohen, Montgomery, Shenzhen


def test_covid_radiography(tmp_path):
    for name, count in (("COVID", 3), ("Lung_Opacity", 2), ("Normal", 4), ("Viral Pneumonia", 2)):
        for n in range(count):
            save(tmp_path / name / "images" / f"{name}-{n + 1}.png")
            save(tmp_path / name / "masks" / f"{name}-{n + 1}.png", 255)
        write(tmp_path / f"{name}.metadata.xlsx", "a spreadsheet")
    with pytest.warns(UserWarning) as caught:
        data = load("covid_radiography", tmp_path)
    said = " ".join(str(warning.message) for warning in caught)
    assert "tell the source" in said and "each image counts as one patient" in said
    assert data.class_names == ["Normal", "COVID", "Lung_Opacity", "Viral Pneumonia"]
    assert np.bincount(data.labels).tolist() == [4, 3, 2, 2] and data.images.max() == 0, "no mask among the images"
    for path in (tmp_path / "COVID" / "images").iterdir():
        path.unlink()
    with refused(tmp_path / "COVID" / "images", "no PNG images"):
        load("covid_radiography", tmp_path)
    (tmp_path / "COVID").rename(tmp_path / "Covid-19")
    with refused("class folders not found", tmp_path / "COVID"):
        load("covid_radiography", tmp_path)


def test_cohen(tmp_path):
    rows = [("2", "Pneumonia/Viral/COVID-19", "PA", "X-ray", "CC BY-NC-SA"), ("2", "todo", "PA", "X-ray", ""),
            ("3", "Pneumonia/Viral/COVID-19", "L", "X-ray", ""), ("3", "Pneumonia/Viral/COVID-19", "Axial", "CT", ""),
            ("4", "Pneumonia/Bacterial/Klebsiella", "AP Supine", "X-ray", "CC0"), ("4", "Unknown", "PA", "X-ray", ""),
            ("5a", "No Finding", "AP", "X-ray", "CC BY")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["patientid", "finding", "view", "modality", "license"])
    frame = frame.assign(folder="images", filename=[f"{n}.jpg" for n in range(7)], offset=0)
    frame.to_csv(tmp_path / "metadata.csv", index=False)
    for n in range(7):
        save(tmp_path / "images" / f"{n}.jpg")
    with pytest.warns(UserWarning, match="licence of each is in its row"):
        data = load("cohen", tmp_path)
    assert data.class_names == ["other", "COVID-19"] and data.labels.tolist() == [1, 0, 0]
    assert data.patients.tolist() == ["2", "4", "5a"] and set(data.table["license"]) == {"CC BY-NC-SA", "CC0", "CC BY"}
    with pytest.warns(UserWarning):
        assert load("cohen:Bacterial", tmp_path).labels.tolist() == [0, 1, 0]
    with refused("metadata.csv: no finding 'Measles'; there are: Bacterial, COVID-19"):
        load("cohen:Measles", tmp_path)


@pytest.mark.parametrize(("name", "prefix"), [("montgomery", "MCUCXR"), ("shenzhen", "CHNCXR")])
def test_tuberculosis(tmp_path, name, prefix):
    for n, label in enumerate((0, 0, 1)):
        save(tmp_path / "CXR_png" / f"{prefix}_{n + 1:04}_{label}.png")
        write(tmp_path / "ClinicalReadings" / f"{prefix}_{n + 1:04}_{label}.txt", "Patient's Age: 027Y")
    save(tmp_path / "ManualMask" / "leftMask" / f"{prefix}_0001_0.png")
    data = load(name, tmp_path)
    assert data.class_names == ["normal", "tuberculosis"] and data.labels.tolist() == [0, 0, 1]
    assert data.patients.tolist() == [f"{prefix}_000{n}" for n in (1, 2, 3)]
    assert load(name, tmp_path / "CXR_png").labels.tolist() == [0, 0, 1]
    save(tmp_path / "CXR_png" / f"{prefix}_0004_2.png")
    with refused(f"names that are not {prefix}_<number>_<0 or 1>.png", "0004_2.png"):
        load(name, tmp_path)
    with refused("no PNG images", "CXR_png"):
        load(name, tmp_path / "ClinicalReadings")


# MedMNIST


@pytest.mark.filterwarnings("ignore:.*counts as one patient")
@pytest.mark.parametrize("name", list(medmnist_sets.SETS))
@pytest.mark.parametrize("size", [28, 64])
def test_every_medmnist(tmp_path, name, size):
    classes, n = medmnist_sets.SETS[name][2], 30
    rng = np.random.default_rng(0)
    changed = {}
    for part in ("train", "val", "test"):
        coloured = name in ("pathmnist", "dermamnist", "retinamnist", "bloodmnist")
        shape = (n, size, size, 3) if coloured else (n, size, size)
        changed[f"{part}_images"] = rng.integers(0, 256, shape).astype(np.uint8)
        changed[f"{part}_labels"] = np.arange(n)[:, None] % len(classes)
        if name == "chestmnist":
            changed[f"{part}_labels"] = rng.integers(0, 2, (n, 14))
    medmnist(tmp_path / f"{name}{'' if size == 28 else '_64'}.npz", **changed)
    data = dhl.load_dataset(name, tmp_path, image_size=size, channels=3)
    assert data.images.shape == (90, size, size, 3) and data.class_names == classes
    assert np.array_equal(data.labels[:n].squeeze(), changed["train_labels"].squeeze())
    assert data.multilabel == (name == "chestmnist") and [len(part) for part in data.split()] == [n, n, n]


def test_chestmnist_with_wrong_labels(tmp_path):
    parts = (("train", 20), ("val", 6), ("test", 8))
    medmnist(tmp_path / "chestmnist.npz")
    with refused("chestmnist.npz: train_labels holds shape (20, 1); chestmnist has 0 or 1 for each of 14 findings"):
        load("chestmnist", tmp_path)
    medmnist(tmp_path / "chestmnist.npz", **{f"{part}_labels": np.full((n, 14), 3) for part, n in parts})
    with refused("train_labels holds [3]", "0 or 1 for each of 14 findings"):
        load("chestmnist", tmp_path)


def test_npz_that_would_unpack_to_much_more(tmp_path):
    np.savez_compressed(tmp_path / "pneumoniamnist.npz", train_images=np.zeros((2**28,), np.uint8))
    with refused("pneumoniamnist.npz: not a readable .npz", "200 times its size"):
        load("pneumoniamnist", tmp_path)


# What is common to the listed sets


def test_listed_sets_with_gaps(tmp_path):
    folder = tmp_path / "covid-chestxray-dataset"
    columns = ["patientid", "finding", "view", "modality", "folder", "filename", "license"]
    good = {"patientid": "1", "finding": "COVID-19", "view": "PA", "modality": "X-ray", "filename": "a.png"}
    folder.mkdir()

    def listing(**changed):
        pd.DataFrame([good, good | changed], columns=columns).to_csv(folder / "metadata.csv", index=False)

    listing(filename=None)
    with refused("metadata.csv: 1 rows do not say which image they belong to", "Get the file again"):
        load("cohen", folder)
    listing(filename="../../x.png")
    with refused("metadata.csv: paths may not lead out of", "x.png"):
        load("cohen", folder)
    listing(filename="a\0b.png")
    with refused("metadata.csv: not a path in it", "Correct it"):
        load("cohen", folder)
    listing(patientid=None)
    with refused("metadata.csv: column 'patientid' is empty in 1 rows", "Remove them"):
        load("cohen", folder)
    write(folder / "metadata.csv", ",".join(columns) + "\n")
    with refused("metadata.csv: no rows", "Get the file again"):
        load("cohen", folder)


def test_nih_without_a_patient_or_a_finding_to_tell_apart(nih):
    root, names = nih
    table = (root / "Data_Entry_2017.csv").read_text()
    write(root / "Data_Entry_2017.csv", table.replace(",0,3,58", ",0,,58"))
    with refused("2 images of 'nih' have no patient", "Correct its list"):
        load("nih", root)
    write(root / "Data_Entry_2017.csv", "\n".join(table.splitlines()[:2]))
    with refused("'nih': no finding is present in one image and absent in another", "Add images"):
        load("nih", root)
    write(root / "Data_Entry_2017.csv", table)
    write(root / "train_val_list.txt", "\n".join(names))
    (root / "test_list.txt").write_bytes(b"\xff\xfe\x00")
    with refused("test_list.txt: not a text file", "Get the file again"):
        load("nih", root)


def test_rsna_with_an_unknown_class(rsna):
    write(rsna / "stage_2_detailed_class_info.csv", "patientId,class\na,Lung Opacity\nb,Odd\nc,Normal\n")
    with refused("1 images of 'rsna' have no label", "b.dcm"):
        load("rsna", rsna, three_classes=True)


def test_a_finding_where_there_is_one_class_an_image(tmp_path):
    with refused("'folder' does not take finding; its options: patient_pattern"):
        load("folder:Effusion", tmp_path)


# Controls are what the source states


def controls(data):
    return sorted(path.rsplit("/", 1)[-1] for path in data.table["path"][data.table["label"] == "No Finding"])


def test_padchest_controls_are_films_called_normal(tmp_path):
    labels = {"heart": ["cardiomegaly"], "normal": ["normal"], "rare": ["nodule"], "same": ["unchanged"], "bad": [""],
              "poor": ["suboptimal study"], "both": ["unchanged", "cardiomegaly"],
              "device": ["normal", "pacemaker"]}  # fmt: skip
    rows = [(f"{name}.png", "0", name, "PA", str(value)) for name, value in labels.items()]
    frame = pd.DataFrame(rows, columns=["ImageID", "ImageDir", "PatientID", "Projection", "Labels"])
    frame.to_csv(tmp_path / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", index=False)
    for n, (name, *_) in enumerate(rows):
        save(tmp_path / "0" / name, n)
    with pytest.warns(UserWarning, match="cardiomegaly: 2 images have it, 1 have no finding at all.*5 others"):
        data = load("padchest:cardiomegaly", tmp_path, fewest=2)
    assert controls(data) == ["normal.png"] and len(data) == 3
    with pytest.warns(UserWarning):
        whole = load("padchest", tmp_path, fewest=2)
    assert np.array_equal(whole.labels[:, 0], [1, 0, 0, np.nan, np.nan, np.nan, 1, 0], equal_nan=True)
    assert whole.table["label"].tolist()[1:6] == ["No Finding", "(another finding)", "(not stated)", "(not stated)",
                                                 "(not stated)"]  # fmt: skip


def test_chexpert_controls_are_the_publishers(chexpert):
    rows = [("1", "", ""), ("1", "", "1"), ("", "1", "1"), ("", "", ""), ("", "", "1")]  # No Finding, Edema, devices
    frame = pd.DataFrame("", index=range(5), columns=["Path", *FINDINGS])
    frame["Path"] = [f"CheXpert-v1.0/train/patient0000{n}/study1/view1_frontal.jpg" for n in range(5)]
    frame[["No Finding", "Edema", "Support Devices"]] = rows
    frame.to_csv(chexpert / "train.csv", index=False)
    for n in range(5):
        save(chexpert / "train" / f"patient0000{n}" / "study1" / "view1_frontal.jpg", 20 * n)
    with pytest.warns(UserWarning, match="Edema: 1 images have it, 2 have no finding at all.*3 others"):
        data = load("chexpert:Edema", chexpert)
    assert data.patients[data.labels == 0].tolist() == ["patient00000", "patient00001"]
    whole = load("chexpert", chexpert, not_mentioned="ones")
    assert np.array_equal(whole.labels[:5, 0], [1, 1, 0, np.nan, np.nan], equal_nan=True), "no policy makes a control"
    whole = load("chexpert", chexpert)
    again = choose(Found(whole.table, whole.class_names, None, whole.labels), "Edema")
    assert again.table["path"].tolist() == data.table["path"].tolist(), "as Radiographs.one_finding asks for it"


def test_vindr_controls_are_those_of_most_readers(tmp_path):
    rows = ["a,No finding,14,R1", "a,No finding,14,R2", "a,ILD,5,R3", "b,Cardiomegaly,3,R1", "b,ILD,5,R2",
            "b,Nodule,8,R3", "c,ILD,5,R1", "c,ILD,5,R2", "c,No finding,14,R3"]  # fmt: skip
    write(tmp_path / "train.csv", "\n".join(["image_id,class_name,class_id,rad_id", *rows]))
    for n, name in enumerate("abc"):
        save(tmp_path / "train" / f"{name}.png", n)
    with pytest.warns(UserWarning, match="ILD: 1 images have it, 1 have no finding at all.*1 others"):
        data = load("vindr:ILD", tmp_path)
    assert controls(data) == ["a.png"], "three readers called b abnormal, each in another way"


# Editions, and copies as people have them


def test_chexpert_in_four_batches_and_with_linked_folders(chexpert, tmp_path):
    whole = load("chexpert", chexpert)
    batches = tmp_path / "batches"
    first = batches / "CheXpert-v1.0 batch 1 (validate & csv)"
    first.mkdir(parents=True)
    (chexpert / "valid").rename(first / "valid")
    for name in ("train.csv", "valid.csv"):
        (chexpert / name).rename(first / name)
    for n, patient in enumerate(sorted((chexpert / "train").iterdir())):
        place = batches / f"CheXpert-v1.0 batch {2 + n} (train {1 + n})"
        place.mkdir()
        patient.rename(place / patient.name)
    for place in (batches, first):
        data = load("chexpert", place)
        assert np.array_equal(data.images, whole.images) and data.patients.tolist() == whole.patients.tolist()
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("train.csv", "valid.csv", "valid"):
        (linked / name).symlink_to(first / name)
    (linked / "train").symlink_to(tmp_path / "train")
    (tmp_path / "train").mkdir(exist_ok=True)
    for place in batches.glob("* (train *)"):
        for patient in place.iterdir():
            (tmp_path / "train" / patient.name).symlink_to(patient)
    assert np.array_equal(load("chexpert", linked).images, whole.images), "links on this machine may lead out"


def test_nih_editions(nih):
    root, names = nih
    (root / "Data_Entry_2017.csv").unlink()
    header = NIH_HEADER.partition(",OriginalImage[")[0] + ",OriginalImageWidth,OriginalImageHeight,x,y"
    found = ["Pleural Thickening", "Infiltrate", "No Finding", "pleural_thickening", "Effusion", "No Finding"]
    rows = [f"{name[:-4]},{label},0,{n // 2},060Y,M,PA,1,1,.1,.1"
            for n, (name, label) in enumerate(zip(names, found, strict=True))]  # fmt: skip
    write(root / "sample_labels.csv", "\n".join([header, *rows]))
    save(root / "sample" / "sample" / "images" / names[0], 99)
    with pytest.warns(UserWarning, match="1 images lie in a second folder, too"):
        data = load("nih", root)
    marked = [[NIH_FINDINGS[j] for j in np.flatnonzero(row)] for row in data.labels]
    assert marked == [["Pleural_Thickening"], ["Infiltration"], [], ["Pleural_Thickening"], ["Effusion"], []]
    assert data.images[0, 0, 0, 0] == 0, "the copy deeper down is not read"


def test_mimic_editions(mimic):
    for kind in ("chexpert", "metadata", "split"):
        path = mimic / f"mimic-cxr-2.0.0-{kind}.csv.gz"
        content = gzip.decompress(path.read_bytes()).replace(b"Lung Opacity", b"Airspace Opacity")
        (mimic / f"mimic-cxr-2.0.0-{'negbio' if kind == 'chexpert' else kind}.csv").write_bytes(content)
        path.unlink()
    with pytest.warns(UserWarning, match="1 images have no labels or no part"):
        assert len(load("mimic_cxr", mimic)) == 3
    old = mimic / "old"
    write(old / "train.csv", "path,view\n"), write(old / "valid.csv", "path,view\n")
    with refused("this is MIMIC-CXR 1.0"):
        load("mimic_cxr", old)


def test_rsna_of_stage_1_as_png(tmp_path):
    write(tmp_path / "stage_1_train_labels.csv", "patientId,x,y,width,height,Target\na,,,,,0\nb.dcm,1,1,2,2,1\n")
    for n, name in enumerate("ab"):
        save(tmp_path / "stage_1_train_images" / f"{name}.png", n)
    with pytest.warns(UserWarning):
        assert load("rsna", tmp_path).labels.tolist() == [0, 1]


def test_first_editions_of_cohen_and_of_the_radiography_database(tmp_path):
    rows = ["Patientid,offset,finding,view,filename,doi", "1,0,COVID-19,PA,0.jpg,", "2,0,SARS,PA,1.jpg,",
            '3,0,"COVID-19, ARDS",AP,2.jpg,', "4,0,COVID-19,CT,3.jpg,"]  # fmt: skip
    write(tmp_path / "metadata.csv", "\n".join(rows))
    for n in range(4):
        save(tmp_path / "images" / f"{n}.jpg", n)
    with pytest.warns(UserWarning, match="1 CT slices, 0 lateral films and 0 films without a finding"):
        assert load("cohen", tmp_path).labels.tolist() == [1, 0, 1]
    for name in ("NORMAL", "COVID-19", "Viral Pneumonia"):
        save(tmp_path / "first" / name / f"{name} (1).png")
    with pytest.warns(UserWarning):
        assert load("covid_radiography", tmp_path / "first").class_names == ["NORMAL", "COVID-19", "Viral Pneumonia"]


def test_both_tuberculosis_sets_in_one_folder(tmp_path):
    for n, label in enumerate((0, 1, 0)):
        save(tmp_path / "CXR_png" / f"MCUCXR_{n + 1:04}_{label}.png")
        save(tmp_path / "CXR_png" / f"CHNCXR_{n:04}_1.png")
    with pytest.warns(UserWarning, match="left out are 3 images of another set"):
        assert load("montgomery", tmp_path).labels.tolist() == [0, 1, 0]


def test_what_another_set_or_another_folder_would_be(tmp_path, chexpert):
    with refused("no data set 'CheXpert'. Did you mean 'chexpert'?"):
        load("CheXpert", chexpert)
    with refused("no data set 'mimic-cxr'. Did you mean 'mimic_cxr'?"):
        load("mimic-cxr", chexpert)
    below = tmp_path / "up" / "CheXpert-v1.0-small"
    below.mkdir(parents=True)
    for name in ("train.csv", "valid.csv", "train", "valid"):
        (chexpert / name).rename(below / name)
    with refused("train.csv: not found", f"Give {below} as data_dir: the files of 'chexpert' are there"):
        load("chexpert", tmp_path / "up")
    chexpert = below
    with refused("not found", "These look like the files of 'chexpert': give that name"):
        load("nih", chexpert)
    medmnist(tmp_path / "breastmnist.npz")
    with refused("breastmnist.npz: this is the file of 'breastmnist', not of 'pneumoniamnist'"):
        load("pneumoniamnist", tmp_path / "breastmnist.npz")
    write(tmp_path / "plus" / "df_chexpert_plus_240401.csv", "path_to_image\n")
    with refused("this is CheXpert Plus"):
        load("chexpert", tmp_path / "plus")
