"""`python -m dhl_helpers benchmark` in a reduced form: few made images, one epoch, one head."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, radiographs
from PIL import Image

from dhl_helpers.__main__ import main
from dhl_helpers.benchmark import tables
from dhl_helpers.benchmark.models import HEADS, Model, plan
from dhl_helpers.locks import LOCK, lock

KEYS = list(Model._fields)

METHODS = 2 + 8 * 3 + 4  # plain networks, eight bases with one head and three treatments, networks with two treatments


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The arguments for two classes of small images that can be told apart, and one seed; without --out."""
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    for name, brightness, number in (("clear", 90, 40), ("opaque", 105, 25)):
        (folder / name).mkdir()
        for row in range(number):
            image = rng.normal(brightness, 30, (28, 28)).clip(0, 255).astype(np.uint8)
            Image.fromarray(image).save(folder / name / f"{row}.png")
    sizes = ["--image-size", "76", "--small-size", "28", "--epochs", "1", "--seeds", "1", "--heads", "logistic"]
    return ["benchmark", "--dataset", "folder", "--data-dir", str(folder), *sizes]


def into(folder):
    return ["--out", str(folder), "--cache", str(folder / "cache")]


@pytest.fixture(scope="module")
def whole(command, tmp_path_factory):
    """The folder of a benchmark that ran to its end."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.warns(UserWarning, match="each image counts as one patient"):
        assert main([*command, *into(folder)]) == 0
    return folder


def results(folder):
    return pd.read_csv(folder / "benchmark_folder.csv", keep_default_na=False, na_values=[""])


def test_every_model_is_measured_once(whole):
    table = results(whole)
    assert list(table) == tables.COLUMNS
    models = table.groupby(KEYS).size()
    assert set(models.index) == set(plan(1, ["logistic"])) and len(models) == METHODS
    assert models.nunique() == 1, "as many rows each"
    assert (table.groupby(KEYS + ["part", "metric"]).size() == 1).all()
    assert set(table["part"]) == {"val", "test"} and set(table.loc[table["part"] == "val", "metric"]) == {"macro AUC"}
    shares = table[~table["metric"].str.contains("minus")]
    assert shares["value"].between(0, 1).all()


def test_a_network_is_no_better_than_itself(whole):
    table = results(whole)
    plain = table[(table["head"] == "softmax") & (table["treatment"] == "nothing")]
    for name in ("article CNN", "strong CNN"):
        itself = plain[(plain["base"] == name) & (plain["metric"] == f"macro AUC minus {name}")]
        assert (itself[["value", "low", "high"]] == 0).all(axis=None) and len(itself) == 1
    of_test = plain[(plain["part"] == "test") & (plain["metric"] == "macro AUC")].set_index("base")["value"]
    other = plain[plain["metric"] == "macro AUC minus strong CNN"].set_index("base")["value"]
    assert other["article CNN"] == pytest.approx(of_test["article CNN"] - of_test["strong CNN"], abs=2e-4)


def test_seconds_are_those_of_what_was_needed(whole):
    table = results(whole).groupby(KEYS[:3])[["seconds_base", "seconds_features", "seconds_head"]].first()
    assert (table.loc[["untrained CNN", "handcrafted", "untrained CNN + handcrafted"], "seconds_base"] == 0).all()
    assert (table.loc[["article CNN", "strong CNN", "strong CNN + handcrafted"], "seconds_base"] > 0).all()
    of_strong, of_hand, of_both = (
        table.loc[(base, "logistic", "nothing"), "seconds_features"]
        for base in ("strong CNN", "handcrafted", "strong CNN + handcrafted")
    )
    assert of_both == pytest.approx(of_strong + of_hand, abs=2e-4)


def test_only_the_c_of_logistic_regression_is_chosen(whole):
    chosen = results(whole).groupby("head")["chosen"].unique()
    assert set(chosen["logistic"]) <= {"C=0.001", "C=0.01", "C=0.1"} and pd.isna(chosen["softmax"]).all()


def test_the_page_has_the_ranking_the_conditions_and_the_versions(whole):
    page = (whole / "benchmark_folder.md").read_text(encoding="utf-8")
    assert "## test part" in page and "## external part" not in page and page.count("| logistic |") == 24
    for words in ("65 images of 2 classes", "76 pixels", "at most 1 epochs", "Youden", "scikit-learn", "diagnosis"):
        assert words in page
    assert (whole / "benchmark_folder.png").read_bytes().startswith(b"\x89PNG")


def test_looks_at_the_test_part_are_counted(whole, tmp_path):
    looks = pd.read_csv(whole / "test_looks.csv")
    assert looks[["dataset", "models"]].to_numpy().tolist() == [["folder", METHODS]]
    log = tmp_path / "test_looks.csv"
    tables.count_look(log, "sample", "a test")
    assert not log.exists(), "simulated images are not counted"
    for by in ("a", "a", "b"):
        tables.count_look(log, "chest_xray", by)
    assert pd.read_csv(log)["models"].tolist() == [2, 1]


def test_what_is_done_is_not_done_again(whole, command, capsys):
    before = (whole / "benchmark_folder.csv").read_bytes()
    with pytest.warns(UserWarning):
        main([*command, *into(whole)])
    assert (whole / "benchmark_folder.csv").read_bytes() == before
    assert pd.read_csv(whole / "test_looks.csv")["models"].sum() == METHODS
    assert f"All {METHODS} methods" in capsys.readouterr().out


def test_of_two_benchmarks_at_once_one_is_refused(whole, command, capsys):
    before = (whole / "benchmark_folder.csv").read_bytes()
    with lock(whole / LOCK), pytest.warns(UserWarning):
        assert main([*command, *into(whole)]) == 2
    assert "another benchmark is writing there" in capsys.readouterr().err
    assert (whole / "benchmark_folder.csv").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_run_goes_on_where_it_was(whole, command, tmp_path):
    table = tmp_path / "benchmark_folder.csv"
    arguments = [*command, "--out", str(tmp_path), "--cache", str(whole / "cache")]  # nothing is trained again
    run = subprocess.Popen([sys.executable, "-m", "dhl_helpers", *arguments], stderr=subprocess.DEVNULL)
    for _ in range(6000):
        if table.exists() and table.read_text(encoding="utf-8").count("\n") > 30:
            break
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait(timeout=60)
    some = set(results(tmp_path).set_index(KEYS).index)
    assert 0 < len(some) < METHODS
    with open(table, "a", encoding="utf-8") as file:  # as if it had been killed while writing
        file.write("folder,handcrafted,logistic,SMOTE,0,test,accuracy,0.5,0.4,0.6,0,0,0,\nfolder,handcr")
    with pytest.warns(UserWarning):
        main(arguments)
    keys, seconds = [*KEYS, "part", "metric"], ["seconds_base", "seconds_features", "seconds_head"]
    resumed, straight = (results(folder).set_index(keys).sort_index() for folder in (tmp_path, whole))
    pd.testing.assert_frame_equal(resumed.drop(columns=seconds), straight.drop(columns=seconds))


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--heads", "logistic,oracle"], "--heads oracle: there are logistic"),
        (["--seeds", "0"], "1 or more"),
        (["--pretrained", "DenseNet121"], "given together"),
        (["--dataset", "nothing"], "sample, chest_xray"),
        (["--image-size", "64"], "too small for this network"),
    ],
)
def test_what_cannot_be_met_is_one_line_and_2(command, arguments, says, tmp_path, capsys, recwarn):
    assert main([*command, *into(tmp_path), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_several_findings_an_image_are_refused(command, tmp_path, capsys, monkeypatch):
    several = radiographs(np.arange(4) % 2)
    several.labels = np.ones((4, 2), np.float32)
    monkeypatch.setattr("dhl_helpers.data.load_dataset", lambda *args, **kwargs: several)
    assert main([*command, *into(tmp_path)]) == 2
    assert "'made' has several findings per image. Take one: made:class 0." in capsys.readouterr().err


def test_the_plan_begins_with_what_the_others_are_compared_with():
    planned = plan(5, HEADS)
    assert planned[:2] == [("article CNN", "softmax", "nothing", 0), ("strong CNN", "softmax", "nothing", 0)]
    assert len(planned) == len(set(planned)) == 5 * (2 + 8 * 5 * 3 + 4)
    assert len(plan(1, ["svm"], "DenseNet121")) == METHODS + 3


@pytest.mark.parametrize("name", ["sample", "pneumoniamnist"])
def test_the_stored_tables_are_whole(name):
    stored = ROOT / "notebooks" / "results" / f"benchmark_{name}.csv"
    table = pd.read_csv(stored, keep_default_na=False, na_values=[""])
    models = table.groupby(KEYS).size()
    assert list(table) == tables.COLUMNS and models.nunique() == 1
    assert not table.duplicated([*KEYS, "part", "metric"]).any()
    planned = plan(5, HEADS)
    untreated = {model for model in planned if model.treatment == "nothing"}
    assert untreated <= set(models.index) <= set(planned)
    looks = pd.read_csv(stored.with_name("test_looks.csv"))
    assert name == "sample" or looks.loc[looks["dataset"] == name, "models"].sum() >= len(models)
