"""Bad input gives a `DataError` that names the file or column, says what is wrong, and what to do."""

import os
import struct
import warnings
import zlib

import numpy as np
import pandas as pd
import pytest
from helpers import link, medmnist, radiographs, refused, save, table
from PIL import Image

import dhl_helpers as dhl


def test_data_error_is_a_value_error():
    assert issubclass(dhl.DataError, ValueError)


# What is asked for


def test_unknown_data_set():
    with refused("no data set 'mnist'", "Known: sample, chest_xray", "csv"):
        dhl.load_dataset("mnist")


@pytest.mark.parametrize("wrong", [{"image_size": 0}, {"image_size": 99999}, {"channels": 2}, {"on_error": "ignore"}])
def test_wrong_options(tmp_path, wrong):
    with refused("image_size is 8 to 4096 pixels, channels 1 or 3, on_error 'raise' or 'skip'"):
        dhl.load_dataset("folder", tmp_path, **wrong)


def test_an_option_that_the_reader_does_not_take(tmp_path):
    with refused("'folder' does not take label_column", "its options: patient_pattern"):
        dhl.load_dataset("folder", tmp_path, label_column="x")
    with refused("'chest_xray_3' does not take three_classes", "its options: positive"):
        dhl.load_dataset("chest_xray_3", tmp_path, three_classes=False)


def test_data_dir_not_given():
    with refused("'chest_xray'", "say where it lies with data_dir"):
        dhl.load_dataset("chest_xray")


# Folders


@pytest.mark.parametrize("name", ["folder", "csv", "chest_xray", "pneumoniamnist", "sample"])
def test_missing_folder(tmp_path, name):
    with refused(tmp_path / "nowhere", "no such file or folder", name, "needs"):
        dhl.load_dataset(name, tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["folder", "chest_xray"])
def test_empty_folder(tmp_path, name):
    with refused(tmp_path, "no class folders", "Put the images of each class into a folder"):
        dhl.load_dataset(name, tmp_path)


def test_a_file_where_a_folder_is_needed(tmp_path):
    with refused("a.png: not a folder", "Give the folder"):
        dhl.load_dataset("folder", save(tmp_path / "a.png"))


def test_class_folders_without_images_are_all_listed(tmp_path):
    save(tmp_path / "full" / "a.png")
    for label in ("void", "notes"):
        (tmp_path / label).mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("no image")
    with refused("without an image", "Fill or remove", tmp_path / "notes", tmp_path / "void") as caught:
        dhl.load_dataset("folder", tmp_path)
    assert str(tmp_path / "full") not in str(caught.value)


def test_one_class_only(tmp_path):
    save(tmp_path / "normal" / "a.png")
    with warnings.catch_warnings(), refused("one class only, 'normal'", "Add images of a second class"):
        warnings.simplefilter("ignore")
        dhl.load_dataset("folder", tmp_path)


def test_file_names_without_a_patient(tmp_path):
    for label in ("NORMAL", "PNEUMONIA"):
        save(tmp_path / label / "person1_virus_1.jpeg")
    save(tmp_path / "NORMAL" / "scan.jpeg")
    with refused("No patient in these file names", "Rename or remove", "scan.jpeg") as caught:
        dhl.load_dataset("chest_xray", tmp_path)
    assert "person1" not in str(caught.value).split("remove them:")[1]


def test_not_the_kermany_classes_or_kinds(tmp_path):
    save(tmp_path / "cat" / "IM-1-1.png"), save(tmp_path / "dog" / "IM-1-1.png")
    with refused("class folders cat, dog", "has NORMAL and PNEUMONIA"):
        dhl.load_dataset("chest_xray", tmp_path)
    save(tmp_path / "set" / "NORMAL" / "IM-0001-1.png"), save(tmp_path / "set" / "PNEUMONIA" / "IM-0002-1.png")
    with refused("neither bacteria nor virus", "load 'chest_xray'", "IM-0002-1.png"):
        dhl.load_dataset("chest_xray_3", tmp_path / "set")


# Images


def png_bomb():
    """A PNG of a few bytes that claims 60,000 x 60,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture
def broken(tmp_path):
    """Two classes of three good images each, and six images that cannot be read."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    for n in range(6):
        save(tmp_path / "ab"[n % 2] / f"good{n}.png", 10 * n)
    for suffix in ("png", "jpg", "tif"):
        path = tmp_path / "a" / f"truncated.{suffix}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (tmp_path / "a" / "zero.png").write_bytes(b"")
    (tmp_path / "b" / "text.png").write_text("This is a text.")
    (tmp_path / "b" / "bomb.png").write_bytes(png_bomb())
    return tmp_path


BROKEN = ("truncated.png", "truncated.jpg", "truncated.tif", "zero.png", "text.png", "bomb.png")


@pytest.mark.filterwarnings("ignore:.*counts as one patient", "ignore:Truncated File Read")
@pytest.mark.parametrize("channels", [1, 3])
def test_unreadable_images_are_all_listed_with_reasons(broken, channels):
    with refused("6 of 12 images cannot be read", "Repair or remove", "on_error='skip'") as caught:
        dhl.load_dataset("folder", broken, image_size=8, channels=channels)
    lines = {os.path.basename(line.split(": ")[0]): line for line in str(caught.value).splitlines()[1:]}
    assert set(lines) == set(BROKEN)
    assert all(str(broken / "ab"[name in ("text.png", "bomb.png")] / name) in lines[name] for name in BROKEN)
    for name, reason in {"zero.png": "not an image", "text.png": "not an image", "bomb.png": "exceeds limit",
                         "truncated.png": "truncated", "truncated.jpg": "truncated"}.items():  # fmt: skip
        assert reason in lines[name]


@pytest.mark.filterwarnings("ignore:.*counts as one patient", "ignore:Truncated File Read")
def test_skip_loads_the_rest_and_says_how_many_are_left_out(broken):
    with pytest.warns(UserWarning, match="6 of 12 images could not be read and are left out"):
        data = dhl.load_dataset("folder", broken, image_size=8, on_error="skip")
    assert data.images[:, 0, 0, 0].tolist() == [0, 20, 40, 10, 30, 50] and data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert all(path.endswith(f"good{n}.png") for path, n in zip(data.table["path"], (0, 2, 4, 1, 3, 5), strict=True))
    assert sorted(os.path.basename(line.split(": ")[0]) for line in data.skipped) == sorted(BROKEN)
    assert len(data) == len(data.patients) == 6


@pytest.mark.filterwarnings("ignore:.*counts as one patient")
def test_skip_with_nothing_left(tmp_path):
    for label in "ab":
        save(tmp_path / label / "x.png").write_text("text")
    with refused("2 of 2 images cannot be read", "x.png"):
        dhl.load_dataset("folder", tmp_path, on_error="skip")


@pytest.mark.filterwarnings("ignore:.*counts as one patient")
@pytest.mark.parametrize(("value", "reason"), [(np.nan, "outside 0 to 65535"), (-5, "outside"), (70_000, "outside")])
def test_pixel_values_that_no_depth_holds(tmp_path, value, reason):
    for label in "ab":
        save(tmp_path / label / "x.png")
    Image.fromarray(np.full((9, 9), value, np.float32)).save(tmp_path / "a" / "strange.tif")
    with refused("strange.tif", reason):
        dhl.load_dataset("folder", tmp_path)


def test_a_sample_set_that_is_not_there_or_not_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("DHL_SAMPLES", str(tmp_path))
    with refused(tmp_path / "metadata.csv", "not found", "set DHL_SAMPLES"):
        dhl.load_dataset("sample")
    frame = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "label": ["normal", "viral"], "patient_id": [0, 1]})
    frame.to_csv(tmp_path / "metadata.csv", index=False)
    with refused("metadata.csv", "no column split"):
        dhl.load_dataset("sample")
    frame.assign(split="train").to_csv(tmp_path / "metadata.csv", index=False)
    with refused("2 of 2 images cannot be read", "a.jpg", "b.jpg"):
        dhl.load_dataset("sample")
    frame.assign(split="train", label=["normal", None]).to_csv(tmp_path / "metadata.csv", index=False)
    with refused("1 images of 'sample' have no label", "b.jpg"):
        dhl.load_dataset("sample")


# CSV files


@pytest.mark.parametrize(("column", "option"), [("path", "path_column"), ("label", "label_column")])
def test_csv_without_a_column(tmp_path, column, option):
    table(tmp_path, 4).rename(columns={column: "other"}).to_csv(tmp_path / "list.csv", index=False)
    with refused(tmp_path / "list.csv", f"no column '{column}'", f"Name it with {option}", "there are: ", "other"):
        dhl.load_dataset("csv", tmp_path / "list.csv")


@pytest.mark.parametrize("column", ["path", "label"])
def test_csv_with_gaps_names_the_rows(tmp_path, column):
    frame = table(tmp_path, 4)
    frame.loc[[1, 3], column] = None
    frame.to_csv(tmp_path / "list.csv", index=False)
    with refused("list.csv", f"column '{column}' is empty", "fill or remove", "row 3", "row 5"):
        dhl.load_dataset("csv", tmp_path / "list.csv")


def test_csv_with_a_gap_among_the_patients(tmp_path):
    table(tmp_path, 4, patient_id=["a", None, "b", "c"])
    with refused("list.csv", "column 'patient_id' is empty in 1 rows", "Fill them in"):
        dhl.load_dataset("csv", tmp_path / "list.csv")


def test_csv_with_missing_files_lists_all(tmp_path):
    table(tmp_path, 6)
    for n in (1, 4):
        (tmp_path / "img" / f"{n}.png").unlink()
    with refused("list.csv: 2 of 6 files are missing", "Check root and prefix", "1.png", "4.png") as caught:
        dhl.load_dataset("csv", tmp_path / "list.csv")
    assert "0.png" not in str(caught.value)


@pytest.mark.parametrize("way", ["..", "absolute", "link", "linked folder", "sibling with the same beginning"])
def test_csv_paths_may_not_leave_the_root(tmp_path, way):
    root = tmp_path / "root"
    table(root, 4)
    secret = save(tmp_path / "rootless" / "secret.png")
    path = {
        "..": "img/../../rootless/secret.png",
        "absolute": str(secret),
        "link": "img/link.png",
        "linked folder": "img/linked/secret.png",
        "sibling with the same beginning": "../rootless/secret.png",
    }[way]
    if way == "link":
        link(secret, root / "img" / "link.png")
    if way == "linked folder":
        link(secret.parent, root / "img" / "linked")
    pd.DataFrame({"path": ["img/0.png", path], "label": ["a", "b"]}).to_csv(root / "list.csv", index=False)
    with refused("list.csv", "may not lead out of", root, "give root", "secret.png"):
        dhl.load_dataset("csv", root / "list.csv")


@pytest.mark.filterwarnings("ignore:.*counts as one patient")
def test_a_wider_root_named_by_the_reader_allows_a_path(tmp_path):
    paths = [save(tmp_path / "films" / "a.png"), save(tmp_path / "films" / "b.png", 7)]
    (tmp_path / "lists").mkdir()
    pd.DataFrame({"path": paths, "label": ["a", "b"]}).to_csv(tmp_path / "lists" / "list.csv", index=False)
    with refused("may not lead out of", tmp_path / "lists"):
        dhl.load_dataset("csv", tmp_path / "lists" / "list.csv")
    assert len(dhl.load_dataset("csv", tmp_path / "lists" / "list.csv", root=tmp_path)) == 2


def test_csv_link_that_leads_to_itself(tmp_path):
    table(tmp_path, 4)
    (tmp_path / "img" / "0.png").unlink()
    link(tmp_path / "img" / "0.png", tmp_path / "img" / "0.png")
    with refused("1 of 4 files are missing", "0.png"):
        dhl.load_dataset("csv", tmp_path / "list.csv")


def test_csv_with_an_unknown_part(tmp_path):
    table(tmp_path, 4, split=["train", "train", "holdout", "test"])
    with refused("column 'split' holds holdout", "train, val, test, external"):
        dhl.load_dataset("csv", tmp_path / "list.csv")


@pytest.mark.parametrize("content", [b"", b"path,label\n", b"\xff\xfe\x00\x81", b'path,label\n"a'])
def test_csv_that_is_none(tmp_path, content):
    (tmp_path / "list.csv").write_bytes(content)
    with refused(tmp_path / "list.csv"):
        dhl.load_dataset("csv", tmp_path / "list.csv")
    with refused(tmp_path, "not a readable CSV", "Give the CSV file itself"):
        dhl.load_dataset("csv", tmp_path)


def test_csv_with_more_fields_than_the_header(tmp_path):
    table(tmp_path, 4)
    rows = (tmp_path / "list.csv").read_text().splitlines()
    (tmp_path / "list.csv").write_text("\n".join([rows[0], *(row + ",left, upper lobe" for row in rows[1:])]))
    with refused("list.csv: rows have more fields than the header", "in quotes"):
        dhl.load_dataset("csv", tmp_path / "list.csv")


# npz files


def test_npz_not_there_or_ambiguous(tmp_path):
    with refused(tmp_path, "one file pneumoniamnist.npz is needed, found: none", "Give the file itself"):
        dhl.load_dataset("pneumoniamnist", tmp_path)
    for size in ("", "_64"):
        medmnist(tmp_path / f"pneumoniamnist{size}.npz")
    with refused("found: pneumoniamnist.npz, pneumoniamnist_64.npz"):
        dhl.load_dataset("pneumoniamnist", tmp_path)


def test_npz_without_the_keys(tmp_path):
    medmnist(tmp_path / "pneumoniamnist.npz", val_labels=None, test_images=None)
    with refused("pneumoniamnist.npz: no array val_labels, test_images;", "a MedMNIST file has train_images"):
        dhl.load_dataset("pneumoniamnist", tmp_path)


class Trap:
    """Unpickling it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_npz_with_pickled_objects_is_never_unpickled(tmp_path):
    trap = np.array([Trap(tmp_path / "sprung")], object)
    medmnist(tmp_path / "pneumoniamnist.npz", train_labels=trap)
    with refused("pneumoniamnist.npz: not a readable .npz without pickled objects", "Get the file again"):
        dhl.load_dataset("pneumoniamnist", tmp_path)
    assert not (tmp_path / "sprung").exists()
    np.load(tmp_path / "pneumoniamnist.npz", allow_pickle=True)["train_labels"]
    assert (tmp_path / "sprung").exists(), "the trap works"


def test_npz_with_images_and_labels_of_different_length(tmp_path):
    medmnist(tmp_path / "pneumoniamnist.npz", val_labels=np.zeros((5, 1), np.uint8))
    with refused("pneumoniamnist.npz: 6 val images but 5 labels"):
        dhl.load_dataset("pneumoniamnist", tmp_path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"test_labels": np.full((8, 1), 2)}, ("test_labels holds [2]", "classes 0 to 1")),
        ({"test_labels": np.full((8, 1), np.nan)}, ("test_labels holds [nan]", "classes 0 to 1")),
        ({"test_images": np.zeros((8, 10, 10))}, ("test_images is float64 (8, 10, 10)", "not uint8 (n, h, w)")),
        ({"test_images": np.zeros((8, 12, 12), np.uint8)}, ("differ in size", "Get the file again")),
    ],
)
def test_npz_with_wrong_content(tmp_path, changed, words):
    medmnist(tmp_path / "pneumoniamnist.npz", **changed)
    with refused("pneumoniamnist.npz", *words):
        dhl.load_dataset("pneumoniamnist", tmp_path)


def test_npz_that_is_none(tmp_path):
    file = tmp_path / "pneumoniamnist.npz"
    whole = (medmnist(file), file.read_bytes())[1]
    np.save(tmp_path / "one.npy", np.zeros(3))
    rng = np.random.default_rng(0)
    contents = [b"", b"text", (tmp_path / "one.npy").read_bytes(), *(whole[:n] for n in range(40, len(whole), 400))]
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        contents.append(bytes(damaged))
    refusals = 0
    for content in contents:
        file.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dhl.load_dataset("pneumoniamnist", file, image_size=10)  # a flipped bit of no importance may pass
        except dhl.DataError as error:
            assert "pneumoniamnist.npz" in str(error)
            refusals += 1
    assert refusals > len(contents) // 2


# Labels and splits


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, np.nan, np.nan], ("2 labels are missing (NaN)", "Fill them in or leave the images out")),
        (["a", None, "b"], ("1 labels are missing",)),
        ([0, 3, -1], ("Labels -1, 3 are none of the classes ['a', 'b', 'c']",)),
        ([0, 0.5, 1], ("Labels 0.5 are none of the classes",)),
        (["a", "A"], ("Labels A are none",)),
        (np.ones((4, 3)), ("one-hot", "a single 1 in each row")),
        (np.zeros((4, 2)), ("shape (4, 2)", "(n,), (n, 1), one-hot (n, 3) or class names")),
        (np.zeros((2, 2, 2)), ("shape (2, 2, 2)",)),
    ],
)
def test_labels(labels, words):
    with refused(*words):
        dhl.as_labels(labels, ["a", "b", "c"])


def test_a_class_with_fewer_patients_than_parts():
    data = radiographs([0] * 20 + [1] * 4, [*range(20), 30, 30, 31, 31], size=1)
    with refused("'made': class 'class 1' has 2 patients", "too few for the 3 parts", "Add images of more patients"):
        data.split()
    official = radiographs([0, 1] * 10 + [2], split=["train"] * 16 + ["test"] * 4 + ["train"], size=1)
    with refused("class 'class 2' has 1 patients", "too few for the 2 parts train, val"):
        official.split()


@pytest.mark.parametrize("part", ["test", "external"])
def test_an_official_split_that_shares_a_patient(part):
    data = radiographs([0, 1] * 6, [*range(11), 0], split=["train"] * 6 + ["val"] * 5 + [part], size=1)
    with refused("1 patients are in two parts of the official split", "for example 0", "Remove the column `split`"):
        data.split()


def test_a_part_that_is_not_there():
    with refused("'made' has no part 'external'", "'train', 'test'", "Use .split()"):
        radiographs([0, 1], split=["train", "test"]).part("external")
    with refused("'made' has no part 'test'", "none"):
        radiographs([0, 1]).part("test")


# Networks, features, heads


@pytest.mark.parametrize("shape", [(75, 75, 1), (28, 96, 1), (96, 60, 3)])
def test_images_too_small_for_the_network(shape):
    with refused(f"Images of {shape[0]} x {shape[1]} pixels are too small", "image_size=76 or more"):
        dhl.build_cnn(shape, 2)


def test_weights_of_another_recipe(tmp_path):
    data = radiographs([0, 1], size=76)
    with refused(tmp_path, "no CNN trained on these images with 3 epochs and seed 5", "Run 02"):
        dhl.baseline_cnn(data, data, epochs=3, seed=5, weights=tmp_path)


def test_a_cut_or_network_that_does_not_exist(cnn):
    with refused("no cut 'middle'", "choose 'flatten', 'average' or 'dense'"):
        dhl.conv_base(cnn, "middle")
    with refused("no layer for the cut 'flatten'", "a Flatten, then Dense layers"):
        dhl.conv_base(dhl.conv_base(cnn, "average"))
    with refused("keras.applications has no network 'DenseNet999'", "DenseNet121"):
        dhl.pretrained_base("DenseNet999", (96, 96, 1))
    with refused("no network 'densenet'"):
        dhl.pretrained_base("densenet", (96, 96, 1))


def test_a_pretrained_network_without_weights_or_with_small_images(tmp_path):
    with refused("DenseNet121 with weights", "nowhere.h5", "weights='imagenet', or give their file"):
        dhl.pretrained_base("DenseNet121", (96, 96, 1), weights=str(tmp_path / "nowhere.h5"))
    with refused("DenseNet121", "16 x 16 pixels", "larger images"):
        dhl.pretrained_base("DenseNet121", (16, 16, 1))


@pytest.mark.parametrize("shape", [(3, 80, 80, 1), (3, 76, 76), (3, 76, 76, 3)])
def test_images_of_another_shape_than_the_network(cnn, shape):
    with refused(f"Images have shape {shape}", "takes (n, 76, 76, 1)", "Load them with that image_size"):
        dhl.DeepFeatures(dhl.conv_base(cnn)).transform(np.zeros(shape, np.uint8))


def test_unknown_head():
    with refused("no head 'lda'", "random_forest, adaboost, xgboost, logistic, svm or dummy"):
        dhl.make_head("lda")


def test_a_class_too_small_for_smote():
    y = np.repeat([0, 1, 2], [20, 5, 3])
    with refused("5 nearest neighbours", "at least 6 samples: class 1 has 5, 2 has 3", "Lower k_neighbors"):
        dhl.SMOTE().fit_resample(np.zeros((28, 2)), y)


# Evaluation

Y = np.array([0, 1, 2, 0, 1, 2])
P = np.full((6, 3), 1 / 3)


@pytest.mark.parametrize("call", [dhl.evaluate, lambda y, p, *args, **kw: dhl.compare(y, P, p, *args, **kw)])
@pytest.mark.parametrize(
    ("probabilities", "words"),
    [
        (np.full((6, 3), 0.3), ("sum to one", "use predict_proba")),
        (np.tile([1.2, -0.2, 0.0], (6, 1)), ("lie in 0 to 1",)),
        (np.where(np.eye(6, 3) == 1, np.nan, P), ("NaN or infinity in 3 rows, first in row 0", "diverge")),
        (np.where(np.eye(6, 3) == 1, np.inf, P), ("NaN or infinity in 3 rows",)),
        (P[:, :2], ("shape (6, 2)", "with 3 classes give (n, 3)")),
        (P[:, 0], ("shape (6,)", "give (n, 3)")),
        (P[:5], ("6 labels, 5 probabilities",)),
    ],
)
def test_probabilities(call, probabilities, words):
    with refused(*words):
        call(Y, probabilities, ["a", "b", "c"])


def test_labels_and_patients_of_evaluate():
    with refused("6 labels, 6 probabilities, 4 patients"):
        dhl.evaluate(Y, P, ["a", "b", "c"], patients=[1, 2, 3, 4])
    with refused("2 entries of patients are missing (NaN)", "patients=None"):
        dhl.evaluate(Y, P, ["a", "b", "c"], patients=[1, 2, None, 4, 5, None])
    with refused("No image of class b, c among the labels"):
        dhl.evaluate(np.zeros(6, int), P, ["a", "b", "c"])
    with refused("shape (6, 3)", "with 2 classes give (n, 2), or (n,) for the second class"):
        dhl.evaluate([0, 1] * 3, P, ["a", "b"])
    many = [str(label) for label in range(40)]
    with refused("40 patients are too few to resample 40 classes", "Add patients"):
        dhl.evaluate(np.arange(40), np.full((40, 40), 1 / 40), many, n_resamples=5)


def test_a_patient_column_that_is_not_there_is_named(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "films.csv").write_text("path,label,patient\na.png,ill,1\n")
    with pytest.raises(dhl.DataError, match=r"films.csv: no column 'patiant'.*patient_column.*path, label, patient"):
        dhl.load_dataset("csv", tmp_path / "films.csv", patient_column="patiant")


def test_a_damaged_metadata_file_is_named(tmp_path):
    (tmp_path / "metadata.csv").write_text("")
    with pytest.raises(dhl.DataError, match=r"metadata.csv: not a readable CSV .*make the set again"):
        dhl.load_dataset("sample", tmp_path)
