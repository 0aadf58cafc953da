"""`evaluate` and `compare` against scikit-learn, and their intervals against simulation."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

import dhl_helpers as dhl
from dhl_helpers import resampling
from dhl_helpers.resampling import measured, of_classes, resamples


def case(k, n=150, seed=0, ties=False):
    """Labels, probabilities that know something of them, patients with one to four images, class names."""
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(k), rng.choice(k, n - k, p=rng.dirichlet(np.full(k, 3.0)))]
    scores = rng.gamma(1, size=(n, k)) + 0.8 * np.eye(k)[y]
    p = scores / scores.sum(1, keepdims=True)
    if ties:
        p = np.eye(k)[p.argmax(1)] * 0.5 + 0.5 / k
    return y, p, np.sort(rng.integers(0, n // 2, n)), [f"c{label}" for label in range(k)]


def by_scikit_learn(y, p, names, weight=None):
    """Every metric of the report, as scikit-learn has it."""
    k, predicted = len(names), p.argmax(1)
    kwargs = {"sample_weight": weight}
    several = {"average": "macro", "zero_division": 0} | kwargs
    auc = [metrics.roc_auc_score(y == label, p[:, label], **kwargs) for label in range(k)]
    expected = {
        "macro AUC": metrics.roc_auc_score(y, p[:, 1], **kwargs)
        if k == 2
        else metrics.roc_auc_score(y, p, multi_class="ovr", labels=range(k), **kwargs),
        "balanced accuracy": metrics.balanced_accuracy_score(y, predicted, **kwargs),
        "accuracy": metrics.accuracy_score(y, predicted, **kwargs),
        "macro precision": metrics.precision_score(y, predicted, **several),
        "macro recall": metrics.recall_score(y, predicted, **several),
        "macro F1": metrics.f1_score(y, predicted, **several),
        "Brier score": metrics.brier_score_loss(y, p[:, 1] if k == 2 else p, **kwargs),
    }
    for label in [1] if k == 2 else range(k):
        expected[f"AUC ({names[label]})"] = auc[label]
        expected[f"sensitivity ({names[label]})"] = metrics.recall_score(y == label, predicted == label, **kwargs)
        expected[f"specificity ({names[label]})"] = metrics.recall_score(y != label, predicted != label, **kwargs)
    return expected


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_every_metric_is_scikit_learns(k, ties):
    y, p, patients, names = case(k, seed=k, ties=ties)
    report = dhl.evaluate(y, p, names, patients, n_resamples=20)
    assert report.columns.tolist() == ["metric", "value", "low", "high"]
    measured = dict(zip(report["metric"], report["value"], strict=True))
    assert measured == pytest.approx(by_scikit_learn(y, p, names), abs=1e-12)
    assert list(measured) == list(by_scikit_learn(y, p, names)), "the order of the rows"


def test_a_class_that_is_never_predicted_has_precision_0():
    y, _, _, names = case(3)
    p = np.tile([0.6, 0.3, 0.1], (len(y), 1))
    report = dhl.evaluate(y, p, names, n_resamples=20).set_index("metric")
    assert report.loc["macro precision", "value"] == pytest.approx((y == 0).mean() / 3)
    assert report.notna().all(axis=None) and report.loc["macro AUC", "value"] == 0.5


def test_saturated_probabilities_do_not_tie():
    y, p = np.array([0, 0, 1, 1]), np.array([1e-20, 2e-20, 3e-20, 4e-20])  # 1 - p is 1 for all of them
    report = dhl.evaluate(y, p, ["a", "b"], n_resamples=20).set_index("metric")["value"]
    assert report["macro AUC"] == report["AUC (b)"] == 1


def test_one_column_or_two_any_form_of_labels():
    y, p, patients, names = case(2)
    expected = dhl.evaluate(y, p, names, patients, n_resamples=20)
    for labels in (np.eye(2)[y], [names[label] for label in y], y[:, None]):
        pd.testing.assert_frame_equal(dhl.evaluate(labels, p[:, 1], names, patients, n_resamples=20), expected)


@pytest.mark.parametrize("block", [1, 500, 10**9])
def test_the_size_of_a_block_changes_no_interval(block, monkeypatch):
    y, p, patients, names = case(3)
    y[y == 2] = 0
    y[:2] = 2  # so rare that resamples are drawn again
    expected = dhl.evaluate(y, p, names, patients, n_resamples=150)
    monkeypatch.setattr(resampling, "BLOCK", block)
    found = dhl.evaluate(y, p, names, patients, n_resamples=150)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-14)
    assert found[found["metric"] != "Brier score"].equals(expected[expected["metric"] != "Brier score"])


def test_the_resamples_are_numpys_multinomial_ones_in_their_order():
    """Another stream would change every stored interval."""
    y, patients = np.arange(12) % 2, np.arange(12) // 2
    weights = np.concatenate(list(resamples(y, patients, ["a", "b"], 300, seed=5)))
    draws = np.random.default_rng(5).multinomial(6, np.full(6, 1 / 6), size=300)
    assert np.array_equal(weights[1:], draws[:, patients])


def test_memory_does_not_grow_with_the_resamples():
    """All weights together would take 160 MB as float64."""
    y, p = np.arange(20_000) % 2, np.random.default_rng(0).random(20_000)
    dhl.evaluate(y, p, ["a", "b"], n_resamples=10)
    peaks = []
    for n_resamples in (250, 1000):
        tracemalloc.start()
        dhl.evaluate(y, p, ["a", "b"], n_resamples=n_resamples)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    assert max(peaks) < 80 and peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize("k", [2, 3])
def test_a_resample_is_a_reweighting_of_the_images(k):
    y, p, patients, names = case(k)
    blocks = list(resamples(y, patients, names, 8, seed=0))
    (table,) = measured(blocks, of_classes(y, p, names))
    for row, weight in enumerate(np.concatenate(blocks)):
        expected = by_scikit_learn(y, p, names, weight)
        assert {metric: values[row] for metric, values in table.items()} == pytest.approx(expected, abs=1e-12)


def test_resamples_draw_whole_patients():
    y, _, patients, names = case(3)
    weights = np.concatenate(list(resamples(y, patients, names, 300, seed=0)))
    assert weights.shape == (301, len(y)) and (weights[0] == 1).all()
    for patient in set(patients):
        mine = weights[:, patients == patient]
        assert (mine == mine[:, :1]).all()
    of_patients = weights[1:, np.unique(patients, return_index=True)[1]]
    assert (of_patients.sum(1) == len(set(patients))).all(), "as many patients as there are"
    assert of_patients.mean() == 1 and 0.9 < of_patients.var() < 1.1


def test_a_resample_without_a_class_is_drawn_again():
    y = np.array([0] * 40 + [1, 2])  # of all resamples of such patients about 60 % lack a class
    names = ["a", "b", "c"]
    weights = np.concatenate(list(resamples(y, None, names, 500, seed=0)))
    assert len(weights) == 501
    assert (weights[:, y == 1] > 0).all() and (weights[:, y == 2] > 0).all()
    assert dhl.evaluate(y, np.full((42, 3), 1 / 3), names).notna().all(axis=None)


def test_same_seed_same_interval():
    arguments = case(3)
    first, again, other = (dhl.evaluate(*arguments[:2], arguments[3], seed=seed, n_resamples=100) for seed in (1, 1, 2))
    assert first.equals(again) and first["value"].equals(other["value"]) and not first["low"].equals(other["low"])
    assert (first["low"] <= first["value"]).all() and (first["value"] <= first["high"]).all()


def simulated(rng, patients=60, images=1):
    """Scores of two classes whose AUC is 0.76; the images of a patient share one score."""
    y = np.arange(patients) % 2
    score = rng.normal(y, 1)
    return y.repeat(images), (1 / (1 + np.exp(-score))).repeat(images), np.arange(patients).repeat(images)


@pytest.mark.parametrize("images", [1, 3])
def test_the_interval_covers_the_truth(images):
    rng, hits, truth = np.random.default_rng(0), 0, 0.7602  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    for _ in range(200):
        y, p, patients = simulated(rng, images=images)
        report = dhl.evaluate(y, p, ["a", "b"], patients, n_resamples=200).set_index("metric")
        hits += report.loc["macro AUC", "low"] <= truth <= report.loc["macro AUC", "high"]
    assert 0.89 <= hits / 200 <= 0.99


def test_images_of_one_patient_do_not_count_as_many():
    y, p, patients = simulated(np.random.default_rng(0), images=4)
    widths = [
        (report["high"] - report["low"])[report["metric"] == "macro AUC"].item()
        for report in (dhl.evaluate(y, p, ["a", "b"], of) for of in (patients, None))
    ]
    assert 1.6 < widths[0] / widths[1] < 2.4, "four copies of an image are one: half the width would be a lie"


def test_compare_is_the_difference_in_the_same_resamples():
    y, a, patients, names = case(3)
    b = case(3, seed=9)[1]
    report = dhl.compare(y, a, b, names, patients, n_resamples=50, seed=4)
    of_a, of_b = (dhl.evaluate(y, p, names, patients, n_resamples=50, seed=4) for p in (a, b))
    assert report["value"].to_numpy() == pytest.approx((of_a["value"] - of_b["value"]).to_numpy(), abs=1e-12)
    assert report["metric"].equals(of_a["metric"]) and (report["low"] < report["high"]).all()
    same = dhl.compare(y, a, a, names, patients, n_resamples=50)
    assert (same[["value", "low", "high"]] == 0).all(axis=None)
    backwards = dhl.compare(y, b, a, names, patients, n_resamples=50, seed=4)
    assert backwards["low"].to_numpy() == pytest.approx(-report["high"].to_numpy(), abs=1e-12)


def test_a_paired_comparison_is_sharper_than_two_intervals():
    y, p, patients, names = case(2, n=400)
    nearly = np.clip(p[:, 1] + np.random.default_rng(1).normal(0, 0.01, len(y)), 0, 1)
    paired = dhl.compare(y, p, nearly, names, patients).set_index("metric").loc["macro AUC"]
    alone = dhl.evaluate(y, p, names, patients).set_index("metric").loc["macro AUC"]
    assert paired["high"] - paired["low"] < (alone["high"] - alone["low"]) / 3
