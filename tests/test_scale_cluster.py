"""Extraction and the XGBoost head on two worker processes, which the tests share."""

import os
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

import dhl_helpers as dhl
from dhl_helpers.__main__ import main
from dhl_helpers.scale import cluster, extract, store, workers

N, PIECE = 336, 16


@pytest.fixture(scope="module", autouse=True)
def small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "PIECE", PIECE)
        yield


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two classes of small grey images, two images per patient; the brighter ones are the second class."""
    folder, rng = tmp_path_factory.mktemp("cluster") / "films", np.random.default_rng(0)
    for number in range(N):
        path = folder / ("dark", "light")[number // 2 % 2] / f"p{number // 2:03}_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.normal(100 + 8 * (number // 2 % 2), 40, (40, 40))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return folder


def load(films, on_error="raise"):
    return dhl.load_dataset(
        "folder", films, image_size=76, lazy=True, on_error=on_error, patient_pattern=r"(p\d+)_"
    )  # fmt: skip


@pytest.fixture(scope="module")
def deep(cnn):
    return dhl.DeepFeatures(dhl.conv_base(cnn, "average"))


@pytest.fixture(scope="module")
def alone(films, deep):
    """The features as one process computes them."""
    return deep.transform(load(films))


@pytest.fixture(scope="module")
def client():
    with cluster.connect(workers=2) as client:
        yield client


def test_features_are_those_of_one_process(client, films, deep, alone, tmp_path):
    file = extract(deep, load(films), tmp_path / "features.zarr", client)
    assert not file.missing() and file.shape == alone.shape
    assert np.abs(file[:] - alone).max() <= 1e-6 * np.abs(alone).max()
    (tmp_path / "features.zarr" / "c" / "3" / "0").unlink()
    assert [rows.start for rows in file.missing()] == [3 * PIECE]
    again = extract(deep, load(films), tmp_path / "features.zarr", client)
    assert np.array_equal(again[:], file[:]), "an interrupted extraction goes on"


def test_another_network_takes_the_place_of_the_first(client, films, cnn, tmp_path):
    deep = dhl.DeepFeatures(dhl.conv_base(cnn, "dense"))
    file = extract(deep, load(films), tmp_path / "features.zarr", client)
    np.testing.assert_allclose(file[:40], deep.transform(load(films).subset(np.arange(40))), rtol=1e-4, atol=1e-5)


def test_each_worker_holds_its_share_of_the_cores(client):
    threads = client.run(lambda: os.environ["TF_NUM_INTRAOP_THREADS"])
    assert len(threads) == 2 and set(threads.values()) == {str(max(1, os.cpu_count() // 2))}


def test_an_unreadable_image_is_told_once_with_its_name(client, films, deep, alone, tmp_path, capfd):
    broken = films / "light" / "p001_2.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    try:
        with pytest.raises(dhl.DataError) as error:
            extract(deep, load(films), tmp_path / "raise.zarr", client)
        assert str(error.value).count("p001_2.png") == 1 and "1 images cannot be read" in str(error.value)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            data = load(films, "skip")
            file = extract(deep, data, tmp_path / "skip.zarr", client)
        assert sum("p001_2.png" in str(warning.message) for warning in caught) == 1
        row = data.table["path"].str.endswith("p001_2.png").to_numpy()
        assert np.isnan(file[row]).all() and np.allclose(file[~row], alone[~row], atol=1e-5)
    finally:
        broken.write_bytes(whole)
    assert "p001_2" not in capfd.readouterr().err, "and no worker tells it besides"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_worker_costs_nothing_but_time(client, films, deep, alone, tmp_path):
    victims = list(client.run(os.getpid).values())

    def kill():
        while len(list((tmp_path / "features.zarr").glob("c/*/0"))) < 2:
            time.sleep(0.005)
        os.kill(victims[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    file = extract(deep, load(films), tmp_path / "features.zarr", client)
    killer.join()
    assert not file.missing() and np.abs(file[:] - alone).max() <= 1e-6 * np.abs(alone).max()
    client.wait_for_workers(2, timeout=60)  # the next test finds two again


def test_the_command(client, films, tmp_path, capfd):
    out = tmp_path / "features.zarr"
    command = ["extract", "--dataset", "folder", "--data-dir", str(films), "--out", str(out), "--image-size", "40"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # patients are not known
        assert main([*command, "--scheduler", client.scheduler.address]) == 0
    said = capfd.readouterr().out
    assert f"{N} images; 2 workers" in said and f"{out}: {N} rows of" in said and "not for diagnosis" in said
    assert not out.with_suffix(".csv").exists(), "nothing is written beside the named output"
    table = pd.read_csv(out / "images.csv")
    assert len(table) == N == len(store.FeatureFile(out)) and {"path", "label"} <= set(table)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--workers", "-1"], "--workers is a number"),
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "leave it out with --scheduler"),
        (["--pretrained", "DenseNet121"], "needs --weights"),
        (["--scheduler", "tcp://127.0.0.1:1"], "tcp://127.0.0.1:1: no Dask scheduler answers there"),
        (["--scheduler", "nonsense://x"], "no Dask scheduler answers there"),
    ],
)
def test_what_the_command_refuses(arguments, says, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 1)
    assert main(["extract", "--dataset", "sample", "--out", str(tmp_path / "x.zarr"), *arguments]) == 2
    err = capfd.readouterr().err
    assert says in err and not (tmp_path / "x.zarr").exists()


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("cluster", "workers"):
        monkeypatch.delitem(sys.modules, f"dhl_helpers.scale.{name}")
    with pytest.raises(dhl.DataError, match=r"dhl-helpers\[large\]"):
        import dhl_helpers.scale.cluster  # noqa: F401


def written(path, X):
    file = store.FeatureFile.create(path, X.shape, "float32", {})
    for rows in file.missing():
        file.write(rows, X[rows])
    return file


def test_xgboost_on_the_workers_is_as_good_as_in_one_process(client, tmp_path):
    pytest.importorskip("dask.dataframe", reason="needs the extra `large`", exc_type=ImportError)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1600, 12)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=1600) > 0).astype(np.int64)
    file = written(tmp_path / "features.zarr", X)
    train, val = np.arange(1200), np.arange(1200, 1600)
    several = cluster.fit_xgboost(client, file, y, train)
    one = dhl.make_head("xgboost").fit(X[train], y[train])
    aucs = [roc_auc_score(y[val], head.predict_proba(X[val])[:, 1]) for head in (several, one)]
    assert 0.7 < aucs[1] < 0.95 and abs(aucs[0] - aucs[1]) < 0.01
    assert np.array_equal(several.classes_, [0, 1])


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.slow  # XGBoost's tracker can end the process that asks, where a worker was killed
def test_xgboost_begins_again_where_a_worker_is_killed(client, tmp_path):
    pytest.importorskip("dask.dataframe", reason="needs the extra `large`", exc_type=ImportError)
    client.wait_for_workers(2, timeout=60)
    rng, killed = np.random.default_rng(0), []
    X = rng.normal(size=(4000, 300)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=4000) > 0).astype(np.int64)
    pids = client.run(os.getpid)

    def kill():
        training = []
        while not training and fitting.is_set():
            running = client.processing()  # XGBoost names its work on a worker fn-...
            training = [worker for worker, keys in running.items() if any(str(key).startswith("fn-") for key in keys)]
        os.kill(pids[training[0]], signal.SIGKILL)
        killed.append(training[0])

    fitting = threading.Event()
    fitting.set()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        head = cluster.fit_xgboost(client, written(tmp_path / "features.zarr", X), y)
    finally:
        fitting.clear()
        killer.join()
    assert killed and killed[0] not in client.nthreads()
    assert roc_auc_score(y, head.predict_proba(X)[:, 1]) > 0.9
    client.wait_for_workers(2, timeout=60)


@pytest.mark.slow  # XGBoost's tracker can end the process that asks, where a worker was killed
def test_xgboost_passes_on_its_own_error_where_no_worker_died(client, tmp_path):
    pytest.importorskip("dask.dataframe", reason="needs the extra `large`", exc_type=ImportError)
    file = written(tmp_path / "features.zarr", np.zeros((40, 3), np.float32))
    with pytest.raises(ValueError, match="base_score"):
        cluster.fit_xgboost(client, file, np.full(40, -1))
