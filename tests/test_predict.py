"""`predict`: a row for each image, the scores of the notebook, refusals, and no names out of DICOM files."""

import json
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, film
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from dhl_helpers.__main__ import main
from dhl_helpers.commands import _score
from dhl_helpers.pipeline import decide
from dhl_helpers.pixels.decode import decode_all

RNG = np.random.default_rng(0)


def grey(path, value, size=100):
    """Write a grey image of noise around a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.normal(value, 20, (size, size)).clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory, cnn):
    """A kept pipeline that tells dark images from bright ones, trained on grey files of 100 pixels."""
    folder = tmp_path_factory.mktemp("predict")
    for number in range(24):
        grey(folder / "set" / ("dark", "bright")[number % 2] / f"p{number // 4}_{number}.png", 60 + 90 * (number % 2))
    data = dhl.load_dataset("folder", folder / "set", image_size=76, patient_pattern=r"(p\d+)")
    model = make_pipeline(dhl.DeepFeatures(dhl.conv_base(cnn)), StandardScaler(), dhl.make_head("logistic"))
    model.fit(data.images, data.labels)
    dhl.save_pipeline(folder / "pipeline", model, data, 0.5, "Chosen by the test.")
    return folder / "pipeline"


@pytest.fixture
def films(tmp_path):
    """PNG, JPEG in RGB, 16 bits, TIFF, DICOM as positive and as negative; a hidden image, and what is no image."""
    folder = tmp_path / "films"
    grey(folder / "a.png", 60)
    grey(folder / "deep" / "er" / "b.tif", 150)
    Image.open(folder / "a.png", formats=["PNG"]).convert("RGB").save(folder / "c.jpeg")
    pixels = RNG.normal(2400, 300, (100, 120)).clip(0, 4095).astype(np.uint16)
    Image.fromarray(pixels * 16).save(folder / "d16.png")
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    film(folder / "deep" / "pos.dcm", pixels, 12, **window)
    film(folder / "deep" / "neg", 4095 - pixels, 12, PhotometricInterpretation="MONOCHROME1", **window)
    grey(folder / ".hidden.png", 60)
    (folder / "notes.txt").write_text("notes")
    return folder


@pytest.fixture
def predict(pipeline, films, tmp_path, capfd):
    """predict(arguments) -> exit code, the table or None, stdout, stderr."""

    def call(*arguments, pipeline=pipeline, films=films, out=tmp_path / "scores.csv"):
        code = main(["predict", str(pipeline), str(films), "--out", str(out), *arguments])
        table = pd.read_csv(out, keep_default_na=False) if out.is_file() else None
        return code, table, *capfd.readouterr()

    return call


def scores_of(table):
    return table.filter(like="probability").astype(float).to_numpy()


def test_a_row_for_each_image(predict, films, pipeline):
    code, table, out, err = predict()
    assert code == 0 and err.count("\n") == 1
    assert "1 hidden or written by an operating system (.hidden.png); 1 files that are not images (.txt: 1" in err
    assert list(table) == ["path", "probability (bright)", "probability (dark)", "decision", "problem"]
    assert table["path"].tolist() == ["a.png", "c.jpeg", "d16.png", "deep/er/b.tif", "deep/neg", "deep/pos.dcm"]
    model, card = dhl.load_pipeline(pipeline)
    images, failed, *_ = decode_all([films / path for path in table["path"]], 76, 1, "")
    expected = model.predict_proba(images)
    assert not failed and np.abs(scores_of(table) - expected).max() < 1e-6
    assert table["decision"].tolist() == decide(expected, card) and set(table["decision"]) == {"dark", "bright"}
    assert (table["problem"] == "").all()
    by_name = dict(zip(table["path"], table["probability (bright)"].astype(float), strict=True))
    assert abs(by_name["deep/neg"] - by_name["deep/pos.dcm"]) < 1e-3, "MONOCHROME1 is read as a positive"
    assert "6 of 6 images scored" in out and "not for diagnosis" in out
    assert "24 images of 6 patients of 'folder'. Chosen by the test." in out


def test_the_batches_are_joined_in_order(predict, monkeypatch):
    _, whole, *_ = predict()
    monkeypatch.setattr(_score, "BATCH", 2)
    _, pieces, *_ = predict()
    assert whole["path"].equals(pieces["path"]) and np.abs(scores_of(whole) - scores_of(pieces)).max() < 1e-6


def test_unreadable_images_are_listed_and_not_lost(predict, films):
    (films / "empty.png").write_bytes(b"")
    (films / "text.jpg").write_text("no image")
    (films / "cut.png").write_bytes((films / "a.png").read_bytes()[:2000])
    film(films / "ct.dcm", np.zeros((100, 100), np.uint16), Modality="CT")
    code, table, out, err = predict()
    problems = table[table["problem"] != ""].set_index("path")
    assert code == 1 and set(problems.index) == {"empty.png", "text.jpg", "cut.png", "ct.dcm"} and len(table) == 10
    assert "computed tomography" in problems["problem"]["ct.dcm"] and (problems["decision"] == "").all()
    assert (problems["probability (dark)"] == "").all() and "6 of 10 images scored" in out
    assert "4 images have no score:" in err and all(f"{name}: " in err for name in problems.index)
    assert (scores_of(table[table["problem"] == ""]).sum(1).round(6) == 1).all()


def test_images_unlike_those_of_the_training_are_refused(predict, films):
    grey(films / "small.png", 60, size=49)
    grey(films / "half.png", 60, size=50)
    Image.fromarray(RNG.integers(0, 256, (100, 100, 3), np.uint8)).save(films / "photo.png")
    film(films / "tiny.dcm", np.zeros((20, 200), np.uint16))
    code, table, out, err = predict()
    assert code == 2 and table is None and not out and err.startswith("error: ")
    assert "3 of 10 images are unlike those that the pipeline was trained on. Remove them, or add --leave-out" in err
    assert "small.png: shorter side of 49 pixels, in training 100 or more" in err and "half.png" not in err
    assert "photo.png: in colour, in training all grey" in err and "tiny.dcm: shorter side of 20 pixels" in err
    code, table, out, err = predict("--leave-out")
    left = table[table["problem"] != ""]
    assert code == 1 and set(left["path"]) == {"small.png", "photo.png", "tiny.dcm"} and "7 of 10 images scored" in out


def test_what_is_like_the_training(films, capsys):
    names = ["a.png", "c.jpeg", "photo.png"]
    Image.fromarray(RNG.integers(0, 256, (100, 100, 3), np.uint8)).save(films / "photo.png")
    marked = Image.open(films / "a.png", formats=["PNG"]).convert("RGB")
    marked.paste("red", (0, 0, 10, 10))
    marked.save(films / "marked.png")

    def compared(colour, smallest=100, names=names):
        told = {"smallest shorter side, pixels": smallest, "share in colour": colour}
        return _score.unlike([films / name for name in names], told)

    assert compared(0.0) == {2: "in colour, in training all grey"}
    assert compared(0.5) == {} and compared(0.0, names=["marked.png"]) == {}, "some in colour; a small coloured mark"
    assert set(compared(1.0)) == {0, 1} and compared(1.0)[0] == "grey, in training all in colour"
    assert compared(None, None) == {}
    assert "how the training images looked is not known, so these are not compared" in capsys.readouterr().err


def test_a_pipeline_for_images_that_are_not_square(predict, tmp_path):
    from dhl_helpers._keras import keras

    images, labels = RNG.integers(0, 256, (8, 20, 30, 1), np.uint8), np.arange(8) % 2
    table = pd.DataFrame({"path": [f"{row}.png" for row in range(8)], "patient_id": range(8)})
    base = keras.Sequential([keras.Input((20, 30, 1)), keras.layers.GlobalAveragePooling2D()])
    model = make_pipeline(dhl.DeepFeatures(base), dhl.make_head("dummy")).fit(images, labels)
    dhl.save_pipeline(tmp_path / "p", model, dhl.Radiographs(images, labels, ["a", "b"], table), 0.5)
    code, table, _, err = predict(pipeline=tmp_path / "p")
    assert code == 2 and table is None and "for images of 20 x 30 pixels" in err and "load_pipeline" in err


def test_several_findings(predict, cnn, tmp_path):
    images = RNG.integers(0, 256, (8, 76, 76, 1), np.uint8)
    labels = RNG.integers(0, 2, (8, 2)).astype(np.float32)
    table = pd.DataFrame({"path": [f"{row}.png" for row in range(8)], "patient_id": range(8)})
    data = dhl.Radiographs(images, labels, ["Edema", "Mass"], table, "several")
    model = make_pipeline(dhl.DeepFeatures(dhl.conv_base(cnn)), dhl.make_head("logistic", multilabel=True))
    dhl.save_pipeline(tmp_path / "p", model.fit(images, labels), data, [0.0, 1.1], "By hand.")
    code, table, _, err = predict(pipeline=tmp_path / "p")
    assert code == 0 and set(table["decision"]) == {"Edema"} and "not compared" in err
    assert list(table)[1:3] == ["probability (Edema)", "probability (Mass)"]


# Files


def test_only_its_own_untouched_table_is_replaced(predict, tmp_path):
    out = tmp_path / "scores.csv"
    assert predict()[0] == 0 and predict()[0] == 0
    note = json.loads((tmp_path / "scores.csv.json").read_text(encoding="utf-8"))
    assert "not for diagnosis" in note["notice"] and note["images"] == note["scored"] == 6 and note["files"]
    out.write_text(out.read_text() + "my,own,note,,\n")
    code, _, _, err = predict()
    assert code == 2 and f"{out}: not written by this command, or changed since" in err and "--out" in err
    assert out.read_text().endswith("my,own,note,,\n")
    other = tmp_path / "other.csv"
    other.write_text("mine")
    assert predict(out=other)[0] == 2 and other.read_text() == "mine"
    (tmp_path / "third.csv.json").write_text("{}")
    assert predict(out=tmp_path / "third.csv")[0] == 2 and not (tmp_path / "third.csv").exists()
    assert not list(tmp_path.glob(".unfinished*"))


def test_where_nothing_can_be_written(predict, tmp_path):
    code, _, _, err = predict(out=tmp_path / "nowhere" / "scores.csv")
    assert code == 2 and f"{tmp_path / 'nowhere'}: no such folder. Make it, or choose another --out." in err
    assert "not written by this command" in predict(out=tmp_path)[3]


def test_what_is_no_folder_of_images(predict, films, tmp_path):
    code, _, _, err = predict(films=films / "a.png")
    assert code == 2 and "a.png: not a folder. Give the folder that holds the images." in err
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    code, _, _, err = predict(films=tmp_path / "empty")
    assert code == 2 and f"{tmp_path / 'empty'}: no images in it (DICOM, PNG" in err and "Give the folder" in err


def test_what_is_no_pipeline(predict, pipeline, tmp_path):
    code, table, _, err = predict(pipeline=tmp_path)
    assert code == 2 and table is None and "pipeline.json: not found. Give a folder that" in err
    broken = shutil.copytree(pipeline, tmp_path / "broken")
    (broken / "0.keras").write_bytes(b"")
    code, table, _, err = predict(pipeline=broken)
    assert code == 2 and table is None and "0.keras: damaged or changed" in err and err.count("error: ") == 1


def test_other_versions_are_noted(predict, pipeline, tmp_path):
    from test_pipeline import forge

    forge(shutil.copytree(pipeline, tmp_path / "p"), versions={"keras": "2.0.0"})
    code, _, _, err = predict("--trust", pipeline=tmp_path / "p")
    assert code == 0 and "note: " in err and "made with keras 2.0.0" in err


def test_the_rule_is_in_the_help(capsys):
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for words in ("less than half", "in colour and all of those were grey", "--leave-out", "Not for diagnosis"):
        assert words in said
    assert _score.NARROW == 0.5


# run --save


def test_save_is_refused_where_no_notebook_keeps_a_pipeline(tiny, tmp_path, capfd):
    def refused(*arguments):
        assert main(["run", "--save", "--out", str(tmp_path / "out"), *arguments]) == 2
        assert not (tmp_path / "out").exists()
        return capfd.readouterr().err

    said = "error: --save: none of the selected notebooks keeps a pipeline; "
    assert refused("--only", "01,04") == f"{said}06 would.\n"
    assert refused("--notebooks", str(tiny)) == f"{said}none would.\n"
    assert "-p SAVE: none of the selected notebooks has it" in refused("--only", "06", "-p", "SAVE", "elsewhere")


def test_save_hands_the_notebook_a_folder_of_the_run(tmp_path, capfd):
    top = new_code_cell('SAVE = ""\nRESULTS = ""\nOUT_DIR = ""', metadata={"tags": ["parameters"]})
    code = "import os\nif SAVE:\n    os.mkdir(SAVE)\n    open(SAVE + '/kept', 'w').write(str(os.getpid()))"
    keep = new_code_cell(code)
    notebook = new_notebook(cells=[new_markdown_cell("# 00 Keep\n\nAim."), top, keep])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "series").mkdir()
    nbformat.write(notebook, tmp_path / "series" / "00_keep.ipynb")
    command = ["run", "--notebooks", str(tmp_path / "series"), "--out", str(tmp_path / "out")]
    kept = tmp_path / "out" / "pipeline" / "kept"
    assert main([*command, "--save"]) == 0
    assert f"python -m dhl_helpers predict {kept.parent} FOLDER" in capfd.readouterr().out
    first = kept.read_text()
    assert main(command) == 0 and kept.read_text() == first, "a run that keeps nothing leaves the kept one"
    assert "predict" not in capfd.readouterr().out
    assert main([*command, "--save"]) == 0 and kept.read_text() != first
    shutil.copytree(kept.parent, tmp_path / "other" / "pipeline")
    assert main([*command[:-1], str(tmp_path / "other"), "--save"]) == 2
    assert "holds files that no run has made" in capfd.readouterr().err


# From the notebooks to `predict`, with names planted in the files

NAME, IDENTIFIER = "Quintanilla^Zebedee", "MRN-7731-KX"
SECRETS = ("Quintanilla", "Zebedee", IDENTIFIER, "19330417")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A hundred DICOM films of fifty patients in two classes, half of them MONOCHROME1, a name and an ID in each."""
    folder = tmp_path_factory.mktemp("hospital") / "films"
    for n in range(100):
        pixels = RNG.normal(1200 + 500 * (n // 2 % 2), 500, (80, 80)).clip(0, 4095).astype(np.uint16)
        elements = {"WindowCenter": 2048, "WindowWidth": 4096, "PatientBirthDate": "19330417", "StudyDescription": NAME,
                    "PatientName": f"{NAME}{n // 2}", "PatientID": f"{IDENTIFIER}-{n // 2}"}  # fmt: skip
        if n % 2:
            elements["PhotometricInterpretation"], pixels = "MONOCHROME1", 4095 - pixels
        film(folder / ["normal", "opaque"][n // 2 % 2] / f"{n:03}.dcm", pixels, 12, **elements)
    return folder


def test_the_scores_of_the_notebook_and_no_names(hospital, tmp_path):
    """06 and 07 on DICOM files; the kept pipeline scores the same files; 06's metrics follow from those scores."""
    commands = [
        ["run", "--only", "06,07", "--dataset", "folder", "--data-dir", hospital, "--out", tmp_path / "build", "--save",
         "-p", "EPOCHS", "2", "-p", "IMAGE_SIZE", "76"],
        ["predict", tmp_path / "build" / "pipeline", hospital, "--out", tmp_path / "scores.csv"],
    ]  # fmt: skip
    said = ""
    for command in commands:
        done = subprocess.run([sys.executable, "-m", "dhl_helpers", *map(str, command)], cwd=ROOT, capture_output=True,
                              text=True, timeout=600)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        said += done.stdout + done.stderr
    assert "Score other images: python -m dhl_helpers predict" in said and "100 of 100 images scored" in said

    data = dhl.load_dataset("folder", hospital, image_size=76)
    card = dhl.load_pipeline(tmp_path / "build" / "pipeline")[1]
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("path")
    paths = [str(path) for path in data.split()[2].table["path"]]
    test = data.subset(np.isin(data.table["path"], paths))
    rows = [path.removeprefix(f"{hospital}/") for path in test.table["path"]]
    probabilities = scores.filter(like="probability").loc[rows].to_numpy()
    report = dhl.evaluate(test.labels, probabilities, data.class_names, test.patients).set_index("metric")["value"]
    for metric, (value, *_) in card["results"]["test"].items():
        assert abs(report[metric] - value) < 1e-6, metric

    cache = dhl.DeepFeatures(dhl.conv_base(dhl.build_cnn(data.image_shape, 2), "average"), cache_dir=tmp_path / "cache")
    cache.transform(data.images)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    names = {path.name for path in written}
    assert {"07_your_own_data.ipynb", "06_evaluation.html", "results.csv", "scores.csv", "pipeline.json"} <= names
    assert any(path.parent.name == "cache" for path in written)
    told = said.encode() + b"".join(path.read_bytes() for path in written)
    for secret in SECRETS:
        assert secret.encode() not in told and secret.encode("utf-16-le") not in told, secret


def test_a_broken_dicom_file_does_not_tell_names(predict, hospital, tmp_path):
    whole = (hospital / "normal" / "000.dcm").read_bytes()
    (tmp_path / "broken").mkdir()
    for number, length in enumerate((131, 300, 500, 700, 2000, len(whole) - 200)):
        (tmp_path / "broken" / f"{number}.dcm").write_bytes(whole[:length])
    code, table, out, err = predict(films=tmp_path / "broken")
    assert code == 1 and len(table) == 6 and (table["problem"] != "").all() and "0 of 6 images scored" in out
    told = out + err + (tmp_path / "scores.csv").read_text() + (tmp_path / "scores.csv.json").read_text()
    assert not any(secret in told for secret in SECRETS)
