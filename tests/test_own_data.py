"""Folders and tables as people have them: nothing vanishes, no film is on two sides, and cells are text."""

import os
import unicodedata
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import link, refused, save
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers.__main__ import main
from dhl_helpers.readers.names import alike, tidy


def film(path, number):
    """A film of noise that is like no other number's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16)).astype(np.uint8)
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def tree(root, **counts):
    """Folders of films: tree(root, train__a=4) writes four into train/a, each its own picture."""
    number = 0
    for folder, count in counts.items():
        for _ in range(count):
            film(root / folder.replace("__", "/") / f"{number}.png", number := number + 1)
    return root


def load(name, place, **options):
    """The set, and its warnings as one text without the one that each image counts as a patient."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = dhl.load_dataset(name, place, image_size=16, **options)
    return data, "\n".join(str(each.message) for each in caught if "whose image" not in str(each.message))


# Folders: every file is used, or counted and named


def test_images_with_rare_suffixes_or_none_are_used(tmp_path):
    tree(tmp_path, a=3, b=3)
    grey = Image.fromarray(np.random.default_rng(9).integers(0, 256, (64, 64)).astype(np.uint8))
    for name, kind in (("x.jfif", "JPEG"), ("x.JPE", "JPEG"), ("x.jp2", "JPEG2000"), ("x.pgm", "PPM"), ("x", "PNG"),
                       ("scan.0001", "TIFF"), ("x.dib", "BMP")):  # fmt: skip
        grey.save(tmp_path / "a" / name, format=kind)
    data, said = load("folder", tmp_path)
    assert len(data) == 13 and "left out" not in said


def test_what_is_left_out_is_counted_by_kind(tmp_path):
    tree(tmp_path, a=3, b=3)
    for name in (".DS_Store", "._0.png", "Thumbs.db", "__MACOSX/a/0.png", "notes.txt", "list.csv", "more.zip"):
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_bytes(b"no film")
    film(tmp_path / "on top.png", 77)
    link(tmp_path / "nowhere", tmp_path / "a" / "dead")
    link(tmp_path / "a", tmp_path / "a" / "round")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    data, said = load("folder", tmp_path)
    assert len(data) == 6
    for words in ("4 hidden or written by an operating system (a/.DS_Store, a/._0.png, a/Thumbs.db and 1 more)",
                  "1 archives, to be unpacked (a/more.zip)",
                  "2 files that are not images (.csv: 1, .txt: 1; for example a/list.csv)",
                  "2 links that lead nowhere or back to a folder above (a/dead, a/round)",
                  "1 pipes, devices or sockets (a/pipe.png)",
                  "1 images outside the class folders (on top.png)"):  # fmt: skip
        assert words in said, words
    counts, problems = dhl.validate("folder", tmp_path)
    assert counts.loc["images", "all"] == 6 and "pipes" in problems["where"][0] and problems["problem"][0] == "remark"


def test_a_linked_folder_is_read_and_a_file_that_two_paths_lead_to_counts_once(tmp_path):
    tree(tmp_path / "set", a=3, b=3)
    for number in range(4):
        film(tmp_path / "elsewhere" / f"{number}.png", 50 + number)
    link(tmp_path / "elsewhere", tmp_path / "set" / "a" / "more")
    link(tmp_path / "set" / "a" / "0.png", tmp_path / "set" / "a" / "again.png")
    data, said = load("folder", tmp_path / "set")
    assert len(data) == 10 and "1 rows or links repeat a file. Each file is read once" in said
    link(tmp_path / "elsewhere", tmp_path / "set" / "b" / "more")
    with refused("the same file with different labels", "0.png: a, b"):
        load("folder", tmp_path / "set")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ("train,val,Testing", {"train": 8, "val": 8, "test": 8}),
        ("Training,Testing", {"train": 8, "test": 8}),
        ("train,test,external", {"train": 8, "test": 8, "external": 8}),
        ("TRAIN_SET,valid-set,Test images", {"train": 8, "val": 8, "test": 8}),
        ("trn,Dev,tst", {"train": 8, "val": 8, "test": 8}),
        ("train_images,validation_data", {"train": 8, "val": 8}),
    ],
)
@pytest.mark.parametrize("order", ["{part}/{label}", "{label}/{part}"])
def test_parts_by_their_usual_names_above_or_below_the_classes(tmp_path, parts, expected, order):
    for number, part in enumerate(parts.split(",")):
        for label in "ab":
            for n in range(4):
                film(tmp_path / order.format(part=part, label=label) / f"{n}.png", hash((number, label, n)) % 2**31)
    data, said = load("folder", tmp_path)
    assert data.class_names == ["a", "b"] and data.table["split"].value_counts().to_dict() == expected and not said
    assert data.part_names == list(expected)


def test_folders_beside_the_parts_are_named(tmp_path):
    tree(tmp_path, train__a=2, train__b=2, test__a=1, test__b=1, extra__a=3, unlabelled=2)
    data, said = load("folder", tmp_path)
    assert len(data) == 6 and "5 images outside the class folders (extra/a/6.png, extra/a/7.png" in said


def test_parts_that_hold_images_and_no_classes(tmp_path):
    with refused("Testing, Training hold images but no class folders"):
        load("folder", tree(tmp_path, Training=3, Testing=2))


def test_class_names_that_differ_in_case_or_spaces_are_one_class(tmp_path):
    tree(tmp_path, train__NORMAL=3, train__SICK=3)
    tree(tmp_path / "test", normal=2)
    film(tmp_path / "test" / "Sick " / "x.png", 90)
    data, said = load("folder", tmp_path)
    assert data.class_names == ["NORMAL", "SICK"] and np.bincount(data.labels).tolist() == [5, 4]
    assert said.count("'NORMAL' and 'normal' differ only in case or spaces and are one class, 'NORMAL'") == 1


def test_class_names_in_unicode_forms_are_one_class(tmp_path):
    for form, start in (("NFC", 0), ("NFD", 10)):
        for n in range(3):
            part = tmp_path / ("train", "test")[start > 0]
            film(part / unicodedata.normalize(form, "gesund ä") / f"{n}.png", start + n)
            film(part / "krank" / f"{n}.png", 100 + start + n)
    data, _ = load("folder", tmp_path)
    assert data.class_names == ["gesund ä", "krank"]


def test_labels_that_are_numbers_are_in_their_order(tmp_path):
    assert load("folder", tree(tmp_path / "1", **{"1": 2, "2": 2, "10": 2}))[0].class_names == ["1", "2", "10"]
    names = {"grade 2": 2, "grade 10": 2, "grade 1": 2}
    assert load("folder", tree(tmp_path / "2", **names))[0].class_names == ["grade 1", "grade 2", "grade 10"]
    with refused("one number written in two ways", "'1' and '1.0'"):
        load("folder", tree(tmp_path / "3", **{"1": 2, "1.0": 2, "2": 2}))


def test_masks_are_left_out(tmp_path):
    tree(tmp_path / "one", COVID__images=4, COVID__masks=4, Normal__images=4, **{"Normal__lung masks": 4})
    tree(tmp_path / "two", benign=3, malignant=3)
    for number in (0, 1):
        film(tmp_path / "two" / "benign" / f"{number}_mask.png", 60 + number)
    film(tmp_path / "two" / "benign" / "0_mask_1.png", 70)
    for place, images, masks in (("one", 8, 8), ("two", 6, 3)):
        data, said = load("folder", tmp_path / place)
        assert len(data) == images and f"{masks} masks of images" in said
    data, said = load("folder", tree(tmp_path / "faces", mask=3, no_mask=3))
    assert data.class_names == ["mask", "no_mask"] and not said, "a class may be called so"


def test_one_level_too_high_names_the_folder_below(tmp_path):
    tree(tmp_path / "1" / "my set", train__a=2, train__b=2)
    tree(tmp_path / "2" / "x" / "y", a=2, b=2)
    for place, below in (("1", "1/my set"), ("2", "2/x/y")):
        with refused(f"{tmp_path / place}: one level too high", f"Give {tmp_path / below} as data_dir"):
            load("folder", tmp_path / place)
        with refused("one level too high"):
            dhl.validate("folder", tmp_path / place)
    tree(tmp_path / "3", one__train__a=1, one__test__a=1, two__train__a=1, two__test__a=1)
    with refused("one level too high. A data set of its own is in", tmp_path / "3" / "one", tmp_path / "3" / "two"):
        load("folder", tmp_path / "3")
    tree(tmp_path / "4", normal=3)
    assert "images of one class only" in dhl.validate("folder", tmp_path / "4")[1]["where"].iloc[-1]


@pytest.mark.parametrize(("pattern", "says"), [("(p", "not a regular expression"), (r"p\d", "no group")])
def test_a_pattern_that_names_no_patient(tmp_path, pattern, says):
    with refused("patient_pattern", says):
        load("folder", tree(tmp_path, a=2, b=2), patient_pattern=pattern)


# Tables: cells are text


def table(folder, rows=12, paths=None, name="t.csv", encoding="utf-8", **columns):
    """A CSV of films in `folder`, written as text exactly as given."""
    for n in range(rows):
        film(folder / f"{n:03}.png", n)
    columns = {"path": paths or [f"{n:03}.png" for n in range(rows)],
               "label": columns.pop("label", ["ab"[n % 2] for n in range(rows)]), **columns}  # fmt: skip
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (folder / name).write_bytes("\n".join(lines).encode(encoding))
    return folder / name


@pytest.mark.parametrize(
    "ids",
    ["001 1 01 0001", "1.1 1.10 2.5 2.50", "1E5 100000 10E4 3", "NA None null nan", "True true 1 0", "-0 0 +0 00"],
)
def test_patients_are_text(tmp_path, ids):
    data, said = load("csv", table(tmp_path, patient_id=[ids.split()[n % 4] for n in range(12)]))
    assert sorted(set(data.patients)) == sorted(ids.split())
    assert ("differ from another only in case or outer zeros" in said) == (ids.split()[0] not in ("1E5", "NA"))


def test_spaces_behind_ids_and_labels_make_nothing_new(tmp_path):
    ids = [f"P{n // 2}" + ("", " ", "\u00a0")[n % 3] for n in range(12)]
    data, said = load("csv", table(tmp_path, patient_id=ids, label=[("n", "n ", " s", "S")[n % 4] for n in range(12)]))
    assert len(set(data.patients)) == 6 and data.class_names == ["S", "n"]
    assert "'S' and 's' differ only in case" in said


@pytest.mark.parametrize("name", ["NA", "None", "null", "nan", "N/A", "true", "0", "1e3"])
def test_words_that_pandas_takes_for_something_else_are_classes(tmp_path, name):
    data, _ = load("csv", table(tmp_path, label=[("ill", name)[n % 2] for n in range(12)]))
    assert set(data.class_names) == {"ill", name} and np.bincount(data.labels).tolist() == [6, 6]


def test_file_names_that_are_numbers(tmp_path):
    file = table(tmp_path)
    for n in range(12):
        (tmp_path / f"{n:03}.png").rename(tmp_path / f"{n:03}")
    file.write_text(file.read_text().replace(".png", ""))
    assert len(load("csv", file)[0]) == 12


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_and_encodings(tmp_path, mark, encoding):
    file = table(tmp_path, patient_id=[f"Zoë {n // 2}" for n in range(12)], age=["61.5"] * 12)
    text = file.read_text("utf-8").replace(",", mark).replace("61.5", "61,5").replace("\n", "\r\n")
    for first in ("", f"sep={mark}\r\n"):
        file.write_bytes((first + text).encode(encoding))
        data, _ = load("csv", file)
        assert len(set(data.patients)) == 6 and data.patients[0] == "Zoë 0" and set(data.table["age"]) == {"61,5"}


def test_texts_that_are_no_table(tmp_path):
    file = table(tmp_path, label=["grün", "blau"] * 6, encoding="cp1252")
    with refused("t.csv: not a readable CSV (row 2 is not UTF-8 text)", "Save it as 'CSV UTF-8'"):
        load("csv", file)
    file.write_bytes(b"PK\x03\x04 an Excel workbook")
    with refused("t.csv: not a readable CSV (a workbook or an archive)"):
        load("csv", file)
    file.write_bytes("path,label\n000.png,a\n".encode("utf-16-le"))
    with refused("t.csv: not a readable CSV", "Save it as 'CSV UTF-8'"):
        load("csv", file)
    file.write_text('path,label\n000.png,"a\n001.png,b\n')
    with refused("t.csv: not a readable CSV", "unexpected end of data"):
        load("csv", file)
    file.write_text("path,label,label\n000.png,a,b\n001.png,b,a\n")
    data, _ = load("csv", file)
    assert data.labels.tolist() == [0, 1] and data.table["label.2"].tolist() == ["b", "a"]


def test_paths_with_backslashes_spaces_and_unicode(tmp_path):
    for n in range(4):
        film(tmp_path / "sub dir" / f"ü{n}.png", n)
    (tmp_path / "sub dir" / "ü1.png").rename(tmp_path / "sub dir" / unicodedata.normalize("NFD", "ü1.png"))
    rows = [r"sub dir\ü0.png", "sub dir/ü1.png ", " sub dir/ü2.png", unicodedata.normalize("NFD", "sub dir/ü3.png")]
    (tmp_path / "t.csv").write_text("path,label\n" + "".join(f"{row},{'ab'[n % 2]}\n" for n, row in enumerate(rows)))
    assert len(load("csv", tmp_path / "t.csv")[0]) == 4


def test_parts_of_a_table_by_their_usual_names(tmp_path):
    parts = ["Train", "TRAINING", "train ", "Valid", "validation", "dev", "Test", "testing", "test", "ext"]
    data, _ = load("csv", table(tmp_path, split=[*parts, "train", "train"]))
    assert data.table["split"].value_counts().to_dict() == {"train": 5, "val": 3, "test": 3, "external": 1}


def test_columns_that_are_not_used_and_ids_that_a_spreadsheet_rounded_are_said(tmp_path):
    data, said = load("csv", table(tmp_path, PatientID=[n // 2 for n in range(12)], Split=["train"] * 12))
    assert "column 'PatientID' is not used" in said and "patient_column='PatientID'" in said
    assert "column 'Split' is not used" in said and len(set(data.patients)) == 12
    _, said = load("csv", table(tmp_path, patient_id=[f"{n // 2}.23457E+11" for n in range(12)]))
    assert "look like long numbers that a spreadsheet has rounded" in said


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("a\0b.png", "null character"),
        ("x" * 300 + ".png", "too long for a file name"),
        ("d/" * 2500 + "x.png", "too long for a file name"),
        ("   ", "column 'path' is empty in rows"),
        ("sub", "files are missing"),
        ("pipe", "files are missing"),
        ("/dev/zero", "may not lead out of"),
    ],
)
def test_paths_that_no_image_can_have(tmp_path, path, says):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "sub").mkdir()
    with refused("t.csv", says):
        load("csv", table(tmp_path, 2, paths=["000.png", path]))


# The same film: one part


def sides(data, seed=0):
    """The files of the three parts, as sets."""
    return [set(part.table["path"]) for part in data.split(seed)]


def test_a_row_for_each_box_is_one_film(tmp_path):
    rows = [f"{n // 3:03}.png" for n in range(36)]
    data, said = load("csv", table(tmp_path, 36, paths=rows, label=["ab"[n // 3 % 2] for n in range(36)]))
    assert len(data) == 12 and "24 rows or links repeat a file. Each file is read once" in said
    assert sum(map(len, sides(data))) == 12


@pytest.mark.parametrize(
    ("column", "values", "what"),
    [("label", "ab", "labels"), ("patient_id", "pq", "patients"), ("split", ("train", "test"), "parts")],
)
def test_one_film_that_is_told_twice_and_differently(tmp_path, column, values, what):
    rows = [f"{n:03}.png" for n in range(11)] + ["010.png"]
    told = {column: [values[0]] * 11 + [values[1]]}
    told.setdefault("label", ["ab"[n % 2] for n in range(11)] + ["a"])
    with refused(f"the same file with different {what}", "010.png"):
        load("csv", table(tmp_path, paths=rows, **told))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_copies_of_a_film_stay_in_one_part(tmp_path, lazy, suffix):
    if lazy and suffix == "bmp":
        pytest.skip("films on disk are compared by the bytes of their files")
    file = table(tmp_path, 40)
    for n in range(20):  # each film twice, under different names
        Image.open(tmp_path / f"{n:03}.png", formats=["PNG"]).save(tmp_path / f"{n + 20:03}.png", format=suffix)
    data, _ = load("csv", file, lazy=lazy)
    for seed in range(5):
        parts = [{int(path[-7:-4]) % 20 for path in part} for part in sides(data, seed)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert len(set(data.patients)) == 40, "they stay different patients in the table"


def test_patients_who_share_a_film_stay_together(tmp_path):
    file = table(tmp_path, 40, patient_id=[f"p{n // 2:02}" for n in range(40)])
    for one, other in ((0, 2), (3, 4)):  # p00, p01 and p02 are linked by two copies
        (tmp_path / f"{other:03}.png").write_bytes((tmp_path / f"{one:03}.png").read_bytes())
    data, said = load("csv", file)
    assert "2 pictures have different labels" not in said and "1 pictures have different labels" in said
    for seed in range(8):
        assert sum(bool({"p00", "p01", "p02"} & set(part.patients)) for part in data.split(seed)) == 1


def test_a_copy_in_another_official_part(tmp_path):
    file = table(tmp_path, 20, split=["train"] * 10 + ["val"] * 4 + ["test"] * 6)
    (tmp_path / "015.png").write_bytes((tmp_path / "001.png").read_bytes())
    data, said = load("csv", file)
    with refused("1 pictures are in two parts of the official split. Remove the copies", "001.png", "015.png"):
        data.split()
    assert "identical in two parts" in dhl.validate("csv", file)[1]["problem"].tolist()
    data.name = "pneumoniamnist"
    with pytest.warns(UserWarning, match="which is the publisher's and is kept"):
        data.split()


def test_a_placeholder_is_no_film(tmp_path):
    file = table(tmp_path, 20)
    for n in range(1, 12):
        (tmp_path / f"{n:03}.png").write_bytes((tmp_path / "000.png").read_bytes())
    assert [len(part) for part in load("csv", file)[0].split()] == [12, 4, 4]


def test_validate_finds_copies_in_another_format_and_contradictions(tmp_path):
    file = table(tmp_path, 12)
    Image.open(tmp_path / "000.png", formats=["PNG"]).save(tmp_path / "003.png", format="BMP")
    _, problems = dhl.validate("csv", file)
    assert problems["problem"].tolist() == ["patients unknown", "same picture, labels differ"]
    _, said = load("csv", file)
    assert "1 pictures have different labels" in said and "000.png (a) = " in said


# Whose images they are, and what cannot be split


def test_one_rule_for_who_is_a_patient(tmp_path):
    from helpers import film as dicom

    for n in range(8):
        pixels = np.random.default_rng(n).integers(0, 256, (16, 16)).astype(np.uint8)
        dicom(tmp_path / "ab"[n % 2] / f"{n}.dcm", pixels, PatientID=f"p{n // 2}")
    film(tmp_path / "a" / "x.png", 99)
    with pytest.warns(UserWarning, match="whose image is whose of 1 images"):
        data = dhl.load_dataset("folder", tmp_path, image_size=16)
    assert len(set(data.patients)) == 5
    counts, problems = dhl.validate("folder", tmp_path)
    assert len(problems) == 1 and problems["where"][0].startswith("each of 1 images counts as one patient")
    (tmp_path / "a" / "x.png").unlink()
    counts, problems = dhl.validate("folder", tmp_path)
    assert counts.loc["patients", "all"] == 4 and problems.empty


@pytest.mark.parametrize("part", ["val", "test", "external"])
def test_a_part_without_one_of_the_classes(tmp_path, part):
    whole = {f"{each}__{label}": 4 for each in ("train", "val", "test", "external") for label in "abc"}
    del whole[f"{part}__b"]
    data, _ = load("folder", tree(tmp_path, **whole))
    with refused(f"part '{part}' has no image of class 'b'"):
        data.split()
    _, problems = dhl.validate("folder", tmp_path)
    assert problems.set_index("problem").loc["cannot be split", "where"].startswith(f"'folder': part '{part}' has no")


def test_what_cannot_be_dealt_is_said_by_the_check(tmp_path):
    _, problems = dhl.validate("folder", tree(tmp_path, a=10, b=2))
    assert "class 'b' has 2 patients to divide" in problems.set_index("problem").loc["cannot be split", "where"]


# Options on the command line


@pytest.fixture
def command(capfd):
    """command(words) -> exit code, stdout and stderr together."""
    from dhl_helpers.__main__ import main

    def call(*words):
        code = main([str(word) for word in words])
        return code, "".join(capfd.readouterr())

    return call


def test_options_have_the_types_of_the_reader_and_wrong_ones_are_refused(tmp_path):
    from dhl_helpers.readers.options import typed

    for text, default, value in (("False", False, False), ("yes", False, True), ("10", 50, 10), ("PA", ("PA",), ["PA"]),
                                 ("PA, AP", (), ["PA", "AP"]), ("x", None, "x"), ("1", "", "1")):  # fmt: skip
        assert typed("option", text, default) == value
    for value, default, says in (("maybe", True, "True or False"), ("ten", 50, "a whole number"), (True, 5, "a whole"),
                                 (5, "", "text"), ([1], (), "names, separated by commas")):  # fmt: skip
        with refused(f"option x is {value!r}; it takes {says}", f"like {default!r}"):
            typed("x", value, default)


def test_options_reach_run_through_the_parameter(tmp_path, tiny_own, command):
    folder = tree(tmp_path / "set", train__p=4, train__n=4, test__p=3, test__n=3)
    run = ("run", "--notebooks", tiny_own, "--dataset", "folder", "--data-dir", folder, "--out", tmp_path / "out")
    code, said = command(*run, "--option", "patient_pattern", r"(\d+)")
    assert code == 0 and "OPTIONS: {'patient_pattern'" in (tmp_path / "out" / "index.html").read_text().replace(
        "&#x27;", "'").replace("&#39;", "'")  # fmt: skip
    assert "14 patients" in (tmp_path / "out" / "00_one.ipynb").read_text()
    code, said = command(*run, "--option", "pattern", "x")
    assert code == 2 and "'folder' does not take pattern; its options: patient_pattern, positive" in said
    code, said = command(*run, "--option", "depth", "deep")
    assert code == 2 and "--option depth deep: takes a whole number" in said
    (folder / "train" / "p" / "broken.png").write_text("no image")
    assert command(*run)[0] == 2 and command(*run, "--option", "on_error", "skip")[0] == 0


@pytest.fixture
def tiny_own(tmp_path):
    """A series of one notebook that loads its data as the course does, and keeps a pipeline in name only."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    parameters = 'DATASET = "sample"\nDATA_DIR = ""\nOPTIONS = {}\nSAVE = ""\nRESULTS = ""\nOUT_DIR = ""'
    code = ("import dhl_helpers as dhl\ndata = dhl.load_dataset(DATASET, DATA_DIR, image_size=16, **OPTIONS)\n"
            "print(len(set(data.patients)), 'patients;', data.class_names)")  # fmt: skip
    top = [new_markdown_cell("# One"), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    notebook = new_notebook(cells=[*top, new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "series").mkdir()
    nbformat.write(notebook, tmp_path / "series" / "00_one.ipynb")
    return tmp_path / "series"


def test_save_asks_whose_the_images_are_and_says_what_it_looks_for(tmp_path, tiny_own, command):
    folder = tree(tmp_path / "set", abnormal=12, normal=12)
    run = ("run", "--notebooks", tiny_own, "--dataset", "folder", "--data-dir", folder, "--save")
    run += ("--out", tmp_path / "out")
    code, said = command(*run)
    assert code == 2 and "nothing tells whose 24 of the 24 images are" in said and "--each-image-is-a-patient" in said
    code, said = command(*run, "--each-image-is-a-patient")
    assert code == 0 and "looks for normal, not for abnormal; --positive changes that" in said
    code, said = command(*run, "--option", "patient_pattern", r"(\d+)", "--positive", "abnormal")
    assert code == 0 and "looks for abnormal, not for normal" in said
    assert "['normal', 'abnormal']" in (tmp_path / "out" / "00_one.ipynb").read_text()
    code, said = command(*run, "--positive", "ill")
    assert code == 2 and "positive is ill; name all classes but one of abnormal, normal" in said


def test_the_positive_classes_come_last(tmp_path):
    folder = tree(tmp_path, a=3, b=3, c=3)
    data, _ = load("folder", folder, positive="a,c")
    assert data.class_names == ["b", "a", "c"] and set(data.table["label"][data.labels == 0]) == {"b"}
    with refused("positive is a; name all classes but one of a, b, c"):
        load("folder", folder, positive=["a"])


def test_extract_and_predict_take_options(tmp_path, command):
    file = table(tmp_path, 4)
    file.write_text(file.read_text().replace("path,", "file,"))
    extract = ("extract", "--dataset", "csv", "--data-dir", file, "--out", tmp_path / "f")
    code, said = command(*extract, "--option", "path", "x")
    assert code == 2 and "'csv' does not take path; its options: path_column" in said
    from dhl_helpers.commands.predict import find

    with refused("t.csv: no column 'path'. Name it with path_column"):
        find(file, {})
    paths, names, beside = find(file, {"path_column": "file"})
    assert names == [f"{n:03}.png" for n in range(4)] and all(path.is_file() for path in paths) and not beside
    with refused("--option lateral", "takes path_column, root, prefix"):
        find(file, {"lateral": "True"})
    with refused("--option root", "is a folder and takes none"):
        find(tmp_path, {"root": "x"})


def test_archives_are_named_where_there_is_nothing_else(tmp_path):
    (tmp_path / "set").mkdir()
    for name in ("normal.zip", "ill.tar.gz"):
        (tmp_path / "set" / name).write_bytes(b"PK")
    with refused("no class folders in it", "2 archives, to be unpacked (ill.tar.gz, normal.zip)"):
        load("folder", tmp_path / "set")
    with refused("normal.zip: an archive: unpack it first"):
        load("folder", tmp_path / "set" / "normal.zip")


def test_an_index_of_dicom_files_is_no_film(tmp_path):
    tree(tmp_path, a=2, b=2)
    (tmp_path / "a" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    data, said = load("folder", tmp_path)
    assert len(data) == 4 and "1 files that are not images (without suffix: 1; for example a/DICOMDIR)" in said


def test_the_sample_does_not_leave_its_folder(tmp_path):
    film(tmp_path / "secret.png", 1), film(tmp_path / "set" / "0.png", 2)
    rows = ["path,label,patient_id,split", "0.png,normal,p0,train", "../secret.png,viral,p1,train"]
    (tmp_path / "set" / "metadata.csv").write_text("\n".join(rows))
    with refused("metadata.csv: paths may not lead out of", "secret.png"):
        load("sample", tmp_path / "set")
    (tmp_path / "set" / "metadata.csv").write_text("\n".join([rows[0] + ",age", rows[1] + ",old"]))
    with refused("metadata.csv: column 'age' holds text"):
        load("sample", tmp_path / "set")


def test_names_that_are_not_unicode_are_named(tmp_path):
    tree(tmp_path, a=3, b=3)
    for odd in (b"caf\xe9", os.path.join(b"a", b"caf\xe9.png")):
        path = os.path.join(os.fsencode(tmp_path), odd)
        try:
            (os.mkdir if odd == b"caf\xe9" else os.mknod)(path)
        except OSError:
            pytest.skip("this file system takes Unicode names only")
    data, said = load("folder", tmp_path)
    assert len(data) == 6 and r"2 names that are not Unicode, to be renamed (a/caf\xe9.png, caf\xe9)" in said


def test_a_set_without_a_training_part(tmp_path):
    data, _ = load("folder", tree(tmp_path, test__a=4, test__b=4))
    with refused("has the parts test and no part train"):
        data.split()


@pytest.mark.parametrize("mark", ["\u200e", "\u200d", "\u2060", "\u00ad", "\x00", "\x7f"])
def test_invisible_marks_make_no_other_patient(mark):
    assert tidy(f"P{mark}1{mark}") == "P1"


def test_patients_that_may_be_one_are_found():
    ids = pd.Series(["P1", "p1", "\uff30" + "1", "1", "01", "7", "'7", "8"])
    assert sorted(map(sorted, alike(ids))) == [["'7", "7"], ["01", "1"], ["P1", "p1", "\uff30" + "1"]]


@pytest.mark.parametrize("name", ["name", "data_dir", "image_size", "channels", "lazy"])
def test_an_option_of_the_command_is_no_option_of_the_data_set(tmp_path, name, capsys):
    save(tmp_path / "a" / "1.png"), save(tmp_path / "b" / "1.png")
    assert main(["datasets", "folder", "--data-dir", str(tmp_path), "--option", name, "x"]) == 2
    assert f"--option {name}: is no option of a data set" in capsys.readouterr().err
