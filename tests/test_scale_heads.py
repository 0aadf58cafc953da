"""Heads on features in a file: XGBoost from disk, the others with a word on memory."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import dhl_helpers as dhl
from dhl_helpers.scale import heads, store
from dhl_helpers.scale.heads import fit_head, memory_needed, predict_proba
from dhl_helpers.scale.store import FeatureFile


@pytest.fixture(params=[2, 3])
def task(request, tmp_path, monkeypatch):
    """A file of 600 x 12 features, three of which tell the classes apart, and the labels."""
    monkeypatch.setattr(store, "PIECE", 64)
    monkeypatch.setattr(heads, "PAGE", 100)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, request.param, 600)
    numbers = rng.normal(size=(600, 12)).astype(np.float32)
    numbers[:, :3] += labels[:, None]
    file = FeatureFile.create(tmp_path / "features", numbers.shape, "float32", {})
    for rows in file.missing():
        file.write(rows, numbers[rows])
    return file, numbers, labels


def test_xgboost_from_disk_is_as_good_as_from_memory(task, monkeypatch):
    file, numbers, labels = task
    train = np.arange(600) % 3 > 0
    memory = dhl.make_head("xgboost").fit(numbers[train], labels[train]).predict_proba(numbers[~train])
    read, largest = FeatureFile.__getitem__, []
    monkeypatch.setattr(FeatureFile, "__getitem__", lambda self, rows: largest.append(len(rows)) or read(self, rows))
    head = fit_head(dhl.make_head("xgboost"), file, labels, train)
    disk = predict_proba(head, file, ~train)
    assert max(largest) == 100, "never more than a page"
    assert disk.shape == memory.shape == (200, labels.max() + 1) and np.allclose(disk.sum(1), 1, atol=1e-5)
    scores = [
        roc_auc_score(labels[~train], p[:, 1] if p.shape[1] == 2 else p, multi_class="ovr") for p in (disk, memory)
    ]
    assert scores[1] > 0.85 and abs(scores[0] - scores[1]) < 0.02
    assert (head.predict(numbers[~train]) == disk.argmax(1)).all()


def test_one_head_a_finding_leaves_out_what_is_unknown(task):
    file, numbers, labels = task
    findings = np.column_stack([labels > 0, numbers[:, 5] > 0]).astype(np.float32)
    findings[::7, 1] = np.nan
    head = fit_head(dhl.make_head("xgboost", multilabel=True), file, findings)
    probabilities = predict_proba(head, file)
    assert probabilities.shape == (600, 2) and roc_auc_score(findings[1:7, 1], probabilities[1:7, 1]) == 1


@pytest.mark.parametrize("name", ["logistic", "random_forest"])
def test_other_heads_say_what_memory_they_need(task, name, monkeypatch):
    file, numbers, labels = task
    rows = np.arange(100, 400)
    head = fit_head(dhl.make_head(name), file, labels, rows)
    by_hand = dhl.make_head(name).fit(numbers[rows], labels[rows])
    np.testing.assert_allclose(predict_proba(head, file), by_hand.predict_proba(numbers), rtol=1e-5)
    assert memory_needed(head, 100_000, 1024) >= 100_000 * 1024 * 4
    monkeypatch.setattr(heads, "_free", lambda: 2000)
    with pytest.raises(dhl.DataError, match="takes all features into memory: .* GB for 300 x 12.*make_head..xgboost"):
        fit_head(dhl.make_head(name), file, labels, rows)


def test_labels_of_other_rows_are_refused(task):
    train = np.arange(600) % 3 == 0
    with pytest.raises(dhl.DataError, match="200 labels for a file of 600 images(.|\n)*by `rows`"):
        fit_head(dhl.make_head("xgboost"), task[0], task[2][train], train)
    for rows in (np.array([600]), train[:500]):
        with pytest.raises(dhl.DataError, match="rows: .*positions below 600, or a mask"):
            fit_head(dhl.make_head("xgboost"), task[0], task[2], rows)
