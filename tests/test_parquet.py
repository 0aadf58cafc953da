"""A base's features as a table of embeddings: written by `extract --format parquet`, read by `load_embeddings`."""

import numpy as np
import pandas as pd
import pytest
from helpers import radiographs, refused, save

import dhl_helpers as dhl
from dhl_helpers.__main__ import main

pytest.importorskip("pyarrow")
from dhl_helpers.scale import parquet  # noqa: E402

SPLIT = ["train"] * 12 + ["val"] * 4 + ["test"] * 4


@pytest.fixture
def films(tmp_path):
    """20 films of ten patients, and their list."""
    rng = np.random.default_rng(0)
    for row in range(20):
        path = save(tmp_path / "films" / f"{row}.png", size=40)
        from PIL import Image

        Image.fromarray(rng.integers(0, 256, (40, 40)).astype(np.uint8)).save(path)
    frame = pd.DataFrame({"path": [f"films/{row}.png" for row in range(20)], "label": ["well", "ill"] * 10})
    frame["patient_id"], frame["split"] = [f"{row // 2:03}" for row in range(20)], SPLIT
    frame.to_csv(tmp_path / "list.csv", index=False)
    return tmp_path / "list.csv"


def extract(films, out, *more):
    return main(["extract", "--dataset", "csv", "--data-dir", str(films), "--out", str(out), "--image-size", "40",
                 "--format", "parquet", *more])  # fmt: skip


@pytest.mark.parametrize("base", [["simulated"], ["EfficientNetLite0", "--cut", "stages"], ["kept"]])
def test_the_table_of_a_base_comes_back_as_its_features(films, tmp_path, capsys, base):
    data, out = dhl.load_dataset("csv", films, image_size=40), tmp_path / "table.parquet"
    if base == ["kept"]:
        network = dhl.pretrained_base("EfficientNetLite0", (40, 40, 1), weights=None)
        network.save(tmp_path / "base.keras")
        base = [str(tmp_path / "base.keras")]
    else:
        network = dhl.pretrained_base(base[0], (40, 40, 1), cut="stages" if len(base) > 1 else "last")
    assert extract(films, out, "--pretrained", *base) == 0
    said = capsys.readouterr().out
    assert f"{out}: 20 rows of {network.output_shape[1]} features; 0 images" in said and "load_embeddings" in said
    table = dhl.load_embeddings(out)
    np.testing.assert_allclose(table.features, dhl.DeepFeatures(network).transform(data), atol=1e-4)
    assert np.array_equal(table.labels, data.labels) and table.class_names == data.class_names == ["ill", "well"]
    assert table.table["path"].tolist() == [f"films/{row}.png" for row in range(20)]
    assert table.patients.tolist() == data.patients.tolist() and table.part_names == ["train", "val", "test"]
    matched = dhl.load_embeddings(out, images=data)
    assert np.array_equal(matched.features, table.features)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".keras") == [
        "films", "list.csv", "table.parquet"]  # fmt: skip


def test_images_that_cannot_be_read_are_left_out(films, tmp_path, capsys):
    (tmp_path / "films" / "3.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match="could not be read"):
        assert extract(films, tmp_path / "a.parquet", "--skip") == 0
    assert "19 rows of 336 features; 1 images could not be read" in capsys.readouterr().out
    assert len(dhl.load_embeddings(tmp_path / "a.parquet")) == 19


def test_a_run_that_was_stopped_goes_on(films, tmp_path, monkeypatch):
    write = parquet.write_parquet
    monkeypatch.setattr(parquet, "write_parquet", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert extract(films, tmp_path / "a.parquet") == 130
    assert not (tmp_path / "a.parquet").exists() and (tmp_path / ".a.zarr").is_dir()
    monkeypatch.setattr(parquet, "write_parquet", write)
    monkeypatch.setattr(dhl.DeepFeatures, "compute", lambda *_: pytest.fail("the features are there"))
    assert extract(films, tmp_path / "a.parquet") == 0 and not (tmp_path / ".a.zarr").exists()


def test_what_is_refused_before_the_work(films, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(dhl.DeepFeatures, "compute", lambda *_: pytest.fail("too late"))
    (tmp_path / "there.parquet").write_text("mine")
    for out, more, words in (
        ("there.parquet", (), "give the name of a new file that ends in .parquet"),
        ("a.csv", (), "give the name of a new file that ends in .parquet"),
        ("a.parquet", ("--head",), "leave out --format parquet"),
        ("a.parquet", ("--pretrained", "DenseNet121"), "needs --weights"),
        ("a.parquet", ("--pretrained", "none.keras"), "none.keras: not a base that base.save wrote"),
        ("a.parquet", ("--cut", "stages"), "cut='stages' joins pooled feature maps of EfficientNetLite0"),
    ):
        assert extract(films, tmp_path / out, *more) == 2
        assert words in capsys.readouterr().err
    assert (tmp_path / "there.parquet").read_text() == "mine"


def test_paths_outside_the_folder_stay_whole(films, tmp_path):
    data = dhl.load_dataset("csv", films, image_size=8)
    whole = tmp_path.resolve() / "films" / "0.png"
    for root, path in (("", whole), (tmp_path, "films/0.png"), (tmp_path / "elsewhere", whole)):
        parquet.write_parquet(tmp_path / "a.parquet", data, np.random.default_rng(0).normal(size=(20, 2)), root)
        table = dhl.load_embeddings(tmp_path / "a.parquet", images=data)
        assert pd.read_parquet(tmp_path / "a.parquet")["path"][0] == str(path) and len(table) == 20
        (tmp_path / "a.parquet").unlink()


@pytest.mark.parametrize("size", [4, 1300])
def test_any_features_can_be_written(tmp_path, size):
    """More rows than one piece; labels in the order of the data set, not of the alphabet."""
    data = radiographs(np.arange(size) % 2, patients=[f"{row:04}" for row in range(size)], size=2)
    data.class_names = ["well", "ill"]
    features = np.random.default_rng(0).normal(size=(size, 3)).astype(np.float32)
    assert parquet.write_parquet(tmp_path / "a.parquet", data, features) == size
    table = dhl.load_embeddings(tmp_path / "a.parquet")
    assert np.array_equal(table.features, features) and table.class_names == ["well", "ill"]
    assert np.array_equal(table.labels, data.labels) and table.patients.tolist() == data.patients.tolist()


def test_a_piece_of_which_no_image_could_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "PIECE", 2)
    features = np.array([[np.nan, 1], [1, np.nan], [1, 2], [2, 1]], np.float32)
    assert parquet.write_parquet(tmp_path / "a.parquet", radiographs([0, 1, 0, 1], size=2), features) == 2
    assert dhl.load_embeddings(tmp_path / "a.parquet").table["path"].tolist() == ["2.png", "3.png"]


def test_unknown_patients_stay_unknown(tmp_path):
    data = radiographs([0, 1, 0, 1], size=2)
    data.patients_unknown = 4
    parquet.write_parquet(tmp_path / "a.parquet", data, np.arange(8).reshape(4, 2))
    assert "patient" not in pd.read_parquet(tmp_path / "a.parquet")
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        assert dhl.load_embeddings(tmp_path / "a.parquet").patients_unknown == 4


def test_features_of_other_images_or_several_findings(tmp_path):
    data = radiographs([0, 1, 0, 1], size=2)
    with refused("3 rows of features for 4 images"):
        parquet.write_parquet(tmp_path / "a.parquet", data, np.zeros((3, 2), np.float32))
    data.labels = np.zeros((4, 2), np.float32)
    with refused("several findings per image", "made:FINDING"):
        parquet.write_parquet(tmp_path / "a.parquet", data, np.zeros((4, 2), np.float32))
    assert list(tmp_path.iterdir()) == []
