"""Embeddings from a file: three formats, every fault named by row or column, and a set that works without pixels."""

import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import refused, save
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from dhl_helpers.embeddings import Embeddings
from dhl_helpers.validation import validate

N, D = 60, 8
SPLIT = ["train"] * 30 + ["val"] * 10 + ["test"] * 10 + ["external"] * 10


def table(**changed):
    """60 rows of 30 patients; the numbers of the class `ill` are higher."""
    ill = np.arange(N) // 2 % 2
    numbers = (np.random.default_rng(0).normal(size=(N, D)) + 2 * ill[:, None]).astype(np.float32)
    frame = pd.DataFrame({"path": [f"films/{row:02}.png" for row in range(N)]})
    frame["label"], frame["patient"] = np.array(["normal", "ill"])[ill], [f"{row // 2:03}" for row in range(N)]
    frame = pd.concat([frame, pd.DataFrame(numbers, columns=[f"f{place}" for place in range(D)])], axis=1)
    for name, values in changed.items():
        frame[name] = values
    return frame


def numbers_of(frame):
    return frame[[f"f{place}" for place in range(D)]].to_numpy(np.float32)


def written(folder, kind, frame):
    """The table as a file of one of the formats."""
    file = folder / f"table.{kind}"
    if kind == "csv":
        frame.to_csv(file, index=False)
    elif kind == "npz":
        texts = {name: frame[name].to_numpy(str) for name in frame if name[0] != "f"}
        np.savez(file, features=numbers_of(frame), **texts)
    else:
        pytest.importorskip("pyarrow")
        if kind == "lists.parquet":
            frame = frame.drop(columns=[f"f{place}" for place in range(D)]).assign(embedding=list(numbers_of(frame)))
        frame.to_parquet(file)
    return file


@pytest.mark.parametrize("kind", ["csv", "parquet", "lists.parquet", "npz"])
@pytest.mark.parametrize("parts", [False, True])
def test_every_format_gives_the_same_set(tmp_path, kind, parts):
    frame = table(part=SPLIT) if parts else table()
    file = written(tmp_path, kind, frame)
    data = dhl.load_embeddings(file)
    assert isinstance(data, Embeddings) and len(data) == N and data.class_names == ["ill", "normal"]
    assert data.features.dtype == np.float32 and np.array_equal(data.features, numbers_of(frame))
    assert data.labels.tolist() == (frame["label"] == "normal").tolist() and data.n_classes == 2 and not data.multilabel
    assert data.patients.tolist() == frame["patient"].tolist() and data.patients_unknown == 0
    assert data.table["path"].tolist() == frame["path"].tolist()
    again = dhl.load_dataset("embeddings", file, image_size=96)
    assert np.array_equal(again.features, data.features) and again.table.equals(data.table)
    split = data.split(seed=0)
    assert [len(part) for part in split] == ([30, 10, 10] if parts else [36, 12, 12])
    for part in split:
        where = data.table["path"].isin(part.table["path"]).to_numpy()
        assert np.array_equal(part.features, data.features[where]) and np.array_equal(part.labels, data.labels[where])
    assert not set(split[0].patients) & (set(split[1].patients) | set(split[2].patients))
    if parts:
        assert data.part_names == ["train", "val", "test", "external"] and len(data.part("external")) == 10


def test_heads_and_measures_take_it(tmp_path):
    data = dhl.load_embeddings(written(tmp_path, "csv", table()), class_names=["normal", "ill"])
    assert data.class_names == ["normal", "ill"]
    train, _, test = data.split(0)
    deep = dhl.DeepFeatures(None)
    model = make_pipeline(deep, StandardScaler(), dhl.make_head("logistic")).fit(train.features, train.labels)
    p = model.predict_proba(test.features)
    assert dhl.evaluate(test.labels, p, test.class_names, test.patients, n_resamples=20)["value"][0] > 0.95
    assert np.array_equal(deep.transform(test), test.features)
    folds = GroupKFold(3)
    p = cross_val_predict(model, train.features, train.labels, groups=train.patients, cv=folds, method="predict_proba")
    assert p.shape == (36, 2)


def test_what_needs_pixels_says_so(tmp_path):
    data = dhl.load_embeddings(written(tmp_path, "csv", table()))
    base = dhl.conv_base(dhl.build_cnn((76, 76, 1), 2))
    for attempt in (lambda: data.images, lambda: data.image_shape, lambda: dhl.DeepFeatures(base).transform(data),
                    lambda: dhl.baseline_cnn(data, data, 1), lambda: dhl.fine_tune(base, data, data),
                    lambda: dhl.HandcraftedFeatures().transform(data)):  # fmt: skip
        with refused("'embeddings' has embeddings and no images", "need pixels", "Use its .features"):
            attempt()
    with refused("has one class per image"):
        data.one_finding()
    assert repr(data) == "Embeddings('embeddings', features (60, 8), classes ['ill', 'normal'])"


def test_deep_features_without_a_network_take_features_only():
    deep = dhl.DeepFeatures(None)
    for wrong in (np.zeros((2, 8, 8, 1), np.uint8), np.full((2, 3), np.nan, np.float32), np.array([["a", "b"]])):
        with refused("DeepFeatures(None) takes features", "(n, d)"):
            deep.transform(wrong)


def test_ids_stay_texts(tmp_path):
    ids = ["001", "1", "1.0", "1E5", "100000", "NA", "None", "nan"] + [f"x{row}" for row in range(N - 8)]
    frame = table(patient=ids).rename(columns={"path": "id"})
    data = dhl.load_embeddings(written(tmp_path, "csv", frame))
    assert data.patients.tolist() == ids and len(set(data.patients)) == N
    assert data.table["path"].tolist() == frame["id"].tolist()


def test_numbers_as_ids_and_labels_in_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = table(label=[10, 9] * 30, patient=np.arange(N, dtype=float)).rename(columns={"path": "id"})
    frame["id"] = np.arange(N)
    frame.to_parquet(tmp_path / "a.parquet")
    data = dhl.load_embeddings(tmp_path / "a.parquet")
    assert data.class_names == ["9", "10"] and data.patients[:3].tolist() == ["0", "1", "2"]


def test_the_order_of_the_classes(tmp_path):
    pytest.importorskip("pyarrow")
    frame = table()
    frame.assign(label=pd.Categorical(frame["label"], ["normal", "ill"])).to_parquet(tmp_path / "a.parquet")
    assert dhl.load_embeddings(tmp_path / "a.parquet").class_names == ["normal", "ill"]
    arrays = {"features": numbers_of(frame), "ids": np.arange(N), "class_names": ["normal", "ill"]}
    np.savez(tmp_path / "a.npz", labels=(frame["label"] == "ill").astype(int), **arrays)
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        data = dhl.load_embeddings(tmp_path / "a.npz")
    assert data.class_names == ["normal", "ill"] and data.labels.tolist() == (frame["label"] == "ill").tolist()
    np.savez(tmp_path / "b.npz", labels=np.arange(N) % 3, **arrays)
    with refused("labels holds 0 to 2; class_names has names for 0 to 1"):
        dhl.load_embeddings(tmp_path / "b.npz")
    for names in (["normal"], ["normal", "ill", "ill"], ["normal", "sick"]):
        with refused("the labels are ill, normal; class_names has", names[-1], "Name each label once"):
            dhl.load_embeddings(written(tmp_path, "csv", frame), class_names=names)


def test_columns_are_found_by_their_number(tmp_path):
    frame = table()
    shuffled = frame[["f3", "label", "f0", "f1", "path", "f7", "f6", "f5", "f4", "f2", "patient"]].assign(age=50)
    data = dhl.load_embeddings(written(tmp_path, "csv", shuffled))
    assert np.array_equal(data.features, numbers_of(frame)) and (data.table["age"] == "50").all()
    two = frame.assign(g0=1.5, g1=np.arange(N))
    with refused("one set of numbered feature columns is needed", "Found: f0, f1, ..., g0, g1, ...", "features="):
        dhl.load_embeddings(written(tmp_path, "csv", two))
    assert np.array_equal(dhl.load_embeddings(tmp_path / "table.csv", features="f").features, numbers_of(frame))
    with pytest.warns(UserWarning, match="1 of 2 feature columns are constant, such as g0"):
        assert dhl.load_embeddings(tmp_path / "table.csv", features="g").features.shape == (N, 2)
    from_one = frame.rename(columns={f"f{place}": f"{place + 1}" for place in range(D)})
    assert np.array_equal(dhl.load_embeddings(written(tmp_path, "csv", from_one)).features, numbers_of(frame))


ROW = {"csv": "row 6 (films/04.png)", "parquet": "row 4 (films/04.png)", "npz": "row 4 (films/04.png)"}


@pytest.mark.parametrize("kind", list(ROW))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(tmp_path, kind, value):
    frame = table()
    frame.loc[[4, 9], "f3"] = value
    column = "number 3" if kind == "npz" else "f3"
    with refused(f"table.{kind}", ROW[kind], f"column {column} holds", "2 of 60 rows", "compute them again, or remove"):
        dhl.load_embeddings(written(tmp_path, kind, frame))


@pytest.mark.parametrize("value", ["abc", "", "1,5", "1e39", "0x10"])
def test_cells_of_a_csv_that_are_no_numbers(tmp_path, value):
    frame = table().astype({"f3": object})
    frame.loc[4, "f3"] = value
    with refused(ROW["csv"], "column f3 holds", value, "no finite float32 number"):
        dhl.load_embeddings(written(tmp_path, "csv", frame))


def test_rows_of_several_widths(tmp_path):
    pytest.importorskip("pyarrow")
    frame = table()
    lists = list(numbers_of(frame))
    lists[7] = lists[7][:5]
    frame = frame[["path", "label"]].assign(features=lists)
    frame.to_parquet(tmp_path / "a.parquet")
    with refused("row 7 (films/07.png) has 5 numbers where others have 8", "one layer of it, for all images"):
        dhl.load_embeddings(tmp_path / "a.parquet")
    frame["features"] = [None, *lists[1:7], lists[0], *lists[8:]]
    frame.to_parquet(tmp_path / "a.parquet")
    with refused("row 0 (films/00.png) has 0 numbers where others have 8"):
        dhl.load_embeddings(tmp_path / "a.parquet", features="features")
    text = written(tmp_path, "csv", table()).read_text().splitlines()
    text[3] += ",1.5"
    (tmp_path / "a.csv").write_text("\n".join(text))
    with refused("a.csv", "more fields than the header, row 4"):
        dhl.load_embeddings(tmp_path / "a.csv")


@pytest.mark.parametrize("kind", list(ROW))
def test_an_image_twice_and_empty_cells(tmp_path, kind):
    again = table()
    again.loc[5, "path"] = "films/04.png"
    with refused(f"table.{kind}", "more than once", ROW[kind], "(films/04.png)"):
        dhl.load_embeddings(written(tmp_path, kind, again))
    for column in ("path", "label", "patient"):
        frame = table()
        frame.loc[4, column] = ""
        with refused(f"table.{kind}", f"{column} is empty; fill it in or remove the rows", ROW[kind].split(" (")[0]):
            dhl.load_embeddings(written(tmp_path, kind, frame))


@pytest.mark.parametrize("kind", list(ROW))
def test_patients_and_images_in_two_parts(tmp_path, kind):
    shared = table(part=SPLIT)
    shared.loc[31, "patient"] = "000"
    with refused("patients are in several parts", "leave the column part out", "000: train, val"):
        dhl.load_embeddings(written(tmp_path, kind, shared))
    same = table(part=SPLIT)
    same.loc[45, [f"f{place}" for place in range(D)]] = same.loc[4, [f"f{place}" for place in range(D)]].to_numpy()
    with refused("same numbers are in several parts", ROW[kind], " in train = ", "(films/45.png) in test"):
        dhl.load_embeddings(written(tmp_path, kind, same))
    same = same.drop(columns="part")
    train, val, test = dhl.load_embeddings(written(tmp_path, kind, same)).split(0)
    assert sum({"films/04.png", "films/45.png"} <= set(part.table["path"]) for part in (train, val, test)) == 1


def test_parts_by_other_names_and_strange_ones(tmp_path):
    parts = pd.Series(SPLIT).replace({"val": "Validation", "train": "training"})
    data = dhl.load_embeddings(written(tmp_path, "csv", table(part=parts)))
    assert data.part_names == ["train", "val", "test", "external"]
    parts[33] = "holdout"
    with refused("row 35 (films/33.png) has the part 'holdout'; parts are called train, val, test, external"):
        dhl.load_embeddings(written(tmp_path, "csv", table(part=parts)))


def test_a_class_that_no_training_image_has(tmp_path):
    frame = table(part=SPLIT)
    frame.loc[42, "label"] = "covid"
    with refused("row 44 (films/42.png) of part 'test' has the class 'covid'", "a head would not know it", "remove"):
        dhl.load_embeddings(written(tmp_path, "csv", frame))


def test_columns_that_tell_nothing(tmp_path):
    with pytest.warns(UserWarning, match="2 of 8 feature columns are constant, such as f2. They tell no images apart"):
        dhl.load_embeddings(written(tmp_path, "csv", table(f2=0.5, f6=1)))
    with refused("all rows hold the same numbers"):
        dhl.load_embeddings(written(tmp_path, "csv", table(**{f"f{place}": place for place in range(D)})))
    with refused("all images have the label 'normal'. Add images of a second class"):
        dhl.load_embeddings(written(tmp_path, "csv", table(label="normal")))


@pytest.mark.parametrize(("change", "words"), [
    ({"drop": "label"}, ["no column label", "path, patient_id", "Add it"]),
    ({"drop": "path"}, ["no column path or id"]),
    ({"drop": "f4"}, ["feature columns f... are not complete: f4 is missing"]),
    ({"rename": {f"f{n}": f"f{n + 5}" for n in range(D)}}, ["they begin with f5", "Number them from 0 or 1 on"]),
    ({"rename": {"f4": "f03"}}, ["f3 and f03 have one number"]),
    ({"rename": {f"f{n}": "abcdefgh"[n] for n in range(D)}}, ["numbered feature columns is needed", "Found: none"]),
    ({"copy": ("patient", "patient_id")}, ["columns patient and patient_id mean the same"]),
])  # fmt: skip
def test_columns_that_are_missing_or_unclear(tmp_path, change, words):
    frame = table()
    if "copy" in change:
        frame[change["copy"][1]] = frame[change["copy"][0]]
    frame = frame.drop(columns=change.get("drop", [])).rename(columns=change.get("rename", {}))
    with refused("table.csv", *words):
        dhl.load_embeddings(written(tmp_path, "csv", frame))


def test_files_that_cannot_be_read(tmp_path):
    for name, content in (("a.csv", b""), ("a.parquet", b"PAR1 no"), ("a.npz", b"PK no"), ("a.csv", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(content)
        with refused(name):
            dhl.load_embeddings(tmp_path / name)
    for name in ("none.csv", "a.xlsx", "."):
        with refused(tmp_path / name):
            dhl.load_embeddings(tmp_path / name)
    np.savez(tmp_path / "b.npz", features=np.zeros((4, 2)), labels=np.array(list("abab"), dtype=object))
    with refused("b.npz", "np.array(paths, dtype=str) and no pickled objects"):
        dhl.load_embeddings(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", features=np.zeros((4, 2)), labels=np.arange(3), ids=np.arange(4))
    with refused("c.npz", "the arrays differ in length", "labels 3", "features 4", "one entry per image"):
        dhl.load_embeddings(tmp_path / "c.npz")
    with refused("'embeddings' does not take label_column; its options: features, class_names, positive"):
        dhl.load_dataset("embeddings", written(tmp_path, "csv", table()), label_column="x")


def test_without_pyarrow_the_remedy_is_said(tmp_path, monkeypatch):
    import sys

    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with refused("a.parquet: reading Parquet needs pyarrow: pip install pyarrow"):
        dhl.load_embeddings(tmp_path / "a.parquet")


@pytest.fixture
def films(tmp_path):
    """The films of the table as files, in another order."""
    frame = table(part=SPLIT)
    shuffled = frame.sample(frac=1, random_state=0)
    for row in frame.index:
        save(tmp_path / frame["path"][row], row * 4)
    shuffled[["path", "label", "patient", "part"]].to_csv(tmp_path / "films.csv", index=False)
    return dhl.load_dataset("csv", tmp_path / "films.csv", image_size=8, patient_column="patient", split_column="part")


@pytest.mark.parametrize("named", ["path", "id", "Windows"])
def test_rows_are_matched_to_images(tmp_path, films, named):
    frame = table()[["path", *[f"f{place}" for place in range(D)]]]
    if named == "id":
        frame = frame.assign(path=frame["path"].str[6:8]).rename(columns={"path": "id"})
    elif named == "Windows":
        frame = frame.assign(path="films\\" + frame["path"].str[6:])
    data = dhl.load_embeddings(written(tmp_path, "csv", frame), images=films)
    order = [int(path[-6:-4]) for path in films.table["path"]]
    assert order != sorted(order) and np.array_equal(data.features, numbers_of(table())[order])
    assert np.array_equal(data.labels, films.labels) and data.class_names == films.class_names
    assert data.patients.tolist() == films.patients.tolist() and data.part_names == films.part_names


def test_rows_that_do_not_match_the_images(tmp_path, films):
    frame = table()
    frame.loc[4, "path"] = "films/99.png"
    with refused("rows and images do not match", "row 6 (films/99.png) has no image", "04.png has no row"):
        dhl.load_embeddings(written(tmp_path, "csv", frame), images=films)
    with refused("rows and images do not match", "59.png has no row"):
        dhl.load_embeddings(written(tmp_path, "csv", table()[:59]), images=films)
    frame.loc[4, "path"] = "films/05.png"
    with refused("is a second row for", "05.png"):
        dhl.load_embeddings(written(tmp_path, "csv", frame), images=films)
    other = table()
    other.loc[4, "label"] = "ill"
    with refused("row 6 (films/04.png) has the label 'ill', its image 'normal'; 1 rows differ"):
        dhl.load_embeddings(written(tmp_path, "csv", other), images=films)
    with refused("no column path or id", "cannot be matched"):
        dhl.load_embeddings(written(tmp_path, "csv", table().drop(columns="path")), images=films)


def test_an_ambiguous_path_fits_no_image(tmp_path):
    for folder in ("a", "b"):
        for row in range(4):
            save(tmp_path / folder / f"{row}.png", row * 9 + 40 * (folder == "b"))
    paths = [f"{folder}/{row}.png" for folder in "ab" for row in range(4)]
    frame = pd.DataFrame({"path": paths, "label": ["x", "y"] * 4})
    frame.assign(patient_id=range(8)).to_csv(tmp_path / "films.csv", index=False)
    films = dhl.load_dataset("csv", tmp_path / "films.csv", image_size=8)
    frame = frame.assign(f0=np.arange(8), f1=np.arange(8) ** 2)
    assert dhl.load_embeddings(written(tmp_path, "csv", frame), images=films).features[:, 0].tolist() == list(range(8))
    with refused("row 2 (0.png) fits 2 images"):
        dhl.load_embeddings(written(tmp_path, "csv", frame.assign(path=frame["path"].str[2:])), images=films)


def test_a_look_at_the_file(tmp_path, capsys):
    from dhl_helpers.__main__ import main

    file = written(tmp_path, "csv", table(part=SPLIT))
    counts, problems = validate("embeddings", file)
    assert problems.empty and counts.loc["images"].tolist() == [30, 10, 10, 10]
    assert main(["datasets", "embeddings", "--data-dir", str(file)]) == 0
    assert "No problems found" in capsys.readouterr().out


def test_a_run_checks_it_before_the_first_notebook(tmp_path):
    from dhl_helpers.commands.run import check_data

    file = written(tmp_path, "csv", table(part=SPLIT))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = check_data({"DATASET": "embeddings", "DATA_DIR": str(file), "IMAGE_SIZE": 96, "SEED": 0}, "", False)
    assert told == "Features that were made elsewhere: a table without pixels: 60 images. Not for diagnosis."
