"""Several findings an image: splitting, the network, one head a finding, evaluation; unknown labels take no part."""

import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import refused
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

import dhl_helpers as dhl
from dhl_helpers.radiographs import Radiographs

NAMES = ["blob", "bar", "rare"]


def findings(n=120, size=8, unknown=0.2, seed=0):
    """Images in which a bright left half is a blob, a bright top a bar; some labels unknown, the third finding rare."""
    rng = np.random.default_rng(seed)
    labels = np.column_stack([rng.random(n) < 0.4, rng.random(n) < 0.3, np.arange(n) < 2]).astype(np.float32)
    images = rng.normal(60, 20, (n, size, size, 1))
    images[:, :, : size // 2] += 90 * labels[:, 0, None, None, None]
    images[:, : size // 2] += 90 * labels[:, 1, None, None, None]
    labels[rng.random((n, 3)) < unknown] = np.nan
    table = pd.DataFrame({"path": [f"{row}.png" for row in range(n)], "patient_id": np.arange(n) // 2})
    return Radiographs(images.clip(0, 255).astype(np.uint8), labels, NAMES, table, "made")


@pytest.mark.parametrize("seed", range(10))
def test_split_by_patient(seed):
    data = findings(seed=seed)
    assert data.multilabel and data.n_classes == 3
    parts = data.split(seed=seed)
    assert sum(map(len, parts)) == 120 and all(part.labels.shape == (len(part), 3) for part in parts)
    assert [0.5 < len(parts[0]) / 120 < 0.7, *(0.1 < len(part) / 120 < 0.3 for part in parts[1:])] == [True] * 3
    patients = [set(part.patients) for part in parts]
    assert not patients[0] & patients[1] and not patients[0] & patients[2] and not patients[1] & patients[2]
    for part in parts:
        assert ((part.labels[:, :2] == 1).any(0) & (part.labels[:, :2] == 0).any(0)).all()
    assert [part.patients.tolist() for part in data.split(seed=seed)] == [part.patients.tolist() for part in parts]


def test_one_finding_against_none():
    data = findings()
    parts = dict(zip(("train", "val", "test"), data.split(3), strict=True))
    one = data.one_finding(seed=3)
    assert one.class_names == ["No Finding", "blob"] and one.name == "made:blob" and not one.multilabel
    for name, part in zip(parts, one.split(3), strict=True):
        assert set(part.patients) <= set(parts[name].patients)
    row = {path: number for number, path in enumerate(data.table["path"])}
    of_one = data.labels[[row[path] for path in one.table["path"]]]
    assert (of_one[one.labels == 1, 0] == 1).all() and (of_one[one.labels == 0] == 0).all()
    known = (data.labels[:, 0] == 1) | (data.labels == 0).all(1)
    assert len(one) == known.sum() and (one.images == data.images[known]).all()
    assert data.one_finding("BAR").class_names[1] == "bar"
    with refused("There is no finding 'lump'; choose"):
        data.one_finding("lump")


def test_too_few_to_split():
    with refused("'made': too few patients for the parts train, val, test"):
        findings(4).split()


def test_loss_leaves_unknown_labels_out():
    from dhl_helpers.models import known_crossentropy

    labels = np.array([[1, 0, np.nan], [np.nan] * 3, [0, 0, 1]], np.float32)
    p = np.array([[0.9, 0.2, 0.7], [0.1, 0.2, 0.3], [0.5, 0.5, 0.25]], np.float32)
    expected = [-(np.log(0.9) + np.log(0.8)) / 2, 0, -(2 * np.log(0.5) + np.log(0.25)) / 3]
    assert np.allclose(known_crossentropy(labels, p), expected, atol=1e-6)


def test_network_and_heads_learn_from_what_is_known():
    data = findings(160, size=76)
    train, val, test = data.split()
    cnn = dhl.build_cnn(data.image_shape, data.n_classes, seed=0, multilabel=data.multilabel)
    assert cnn.layers[-1].activation.__name__ == "sigmoid"
    history = dhl.train_cnn(cnn, train, val, epochs=2, seed=0)
    assert np.isfinite(history["loss"] + history["val_loss"]).all() and "accuracy" not in history
    assert all(np.isfinite(weights).all() for weights in cnn.get_weights())
    deep = dhl.DeepFeatures(dhl.conv_base(cnn))
    head = dhl.make_head("random_forest", multilabel=True).fit(deep.fit_transform(train.images), train.labels)
    p = head.predict_proba(deep.transform(test.images))
    assert p.shape == (len(test), 3)
    report = dhl.evaluate(test.labels, p, NAMES, test.patients, n_resamples=50).set_index("metric")
    assert report.loc["AUC (blob)", "value"] > 0.8 and report.loc["AUC (bar)", "value"] > 0.8
    with refused("class_weight weights images by their one class"):
        dhl.train_cnn(cnn, train, val, epochs=1, class_weight={0: 1})


@pytest.mark.parametrize("name", ["random_forest", "adaboost", "xgboost", "logistic", "dummy"])
def test_each_head_is_fitted_on_labelled_rows(name):
    data = findings()
    X = data.images.reshape(len(data), -1).astype(np.float32)
    p = dhl.make_head(name, seed=0, multilabel=True).fit(X, data.labels).predict_proba(X)
    for finding in range(3):
        known = ~np.isnan(data.labels[:, finding])
        alone = dhl.make_head(name, seed=0).fit(X[known], data.labels[known, finding].astype(int))
        assert np.allclose(p[:, finding], alone.predict_proba(X)[:, 1])


def test_findings_with_one_value_or_none():
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.full((20, 3), np.nan)
    y[:10, 0], y[:10, 1], y[:, 2] = 0, 1, np.arange(20) % 2
    head = dhl.PerFinding(LogisticRegression()).fit(X, y)
    assert (head.predict_proba(X)[:, 0] == 0).all() and (head.predict_proba(X)[:, 1] == 1).all()
    assert head.predict(X).shape == (20, 3) and set(head.predict(X)[:, 2]) == {0, 1}
    y[:, 1] = np.nan
    with refused("Finding 1 is unknown in every image", "Leave it out"):
        dhl.PerFinding(LogisticRegression()).fit(X, y)


def test_smote_has_no_meaning():
    data = findings()
    with refused("SMOTE draws between samples of one class", "several findings", "one finding against none"):
        dhl.SMOTE().fit_resample(data.images.reshape(len(data), -1), data.labels)


def test_evaluate_per_finding_and_macro():
    data = findings(200)
    rng = np.random.default_rng(1)
    p = np.clip(np.nan_to_num(data.labels, nan=0.5) * 0.4 + rng.random(data.labels.shape) * 0.6, 0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = dhl.evaluate(data.labels, p, NAMES, data.patients, n_resamples=200).set_index("metric")
    known = [~np.isnan(data.labels[:, j]) for j in range(3)]
    aucs = [roc_auc_score(data.labels[known[j], j], p[known[j], j]) for j in range(3)]
    assert np.allclose([report.loc[f"AUC ({name})", "value"] for name in NAMES], aucs)
    assert np.isclose(report.loc["macro AUC", "value"], np.mean(aucs))
    briers = [brier_score_loss(data.labels[known[j], j], p[known[j], j]) for j in range(3)]
    assert np.isclose(report.loc["Brier score", "value"], np.mean(briers))
    present, called = data.labels[known[0], 0] == 1, p[known[0], 0] >= 0.5
    assert np.isclose(report.loc["sensitivity (blob)", "value"], called[present].mean())
    assert np.isclose(report.loc["specificity (blob)", "value"], 1 - called[~present].mean())
    assert (report.query("metric != 'AUC (rare)'").eval("low <= value <= high")).all()
    difference = dhl.compare(data.labels, p, p, NAMES, data.patients, n_resamples=50)
    assert (difference[["value", "low", "high"]].fillna(0) == 0).all(axis=None)


def test_evaluate_leaves_out_what_cannot_be_ranked():
    data = findings()
    labels = data.labels.copy()
    labels[:, 2] = 0
    p = np.random.default_rng(0).random(labels.shape)
    report = dhl.evaluate(labels, p, NAMES, n_resamples=50).set_index("metric")
    assert np.isnan(report.loc["AUC (rare)", "value"])
    ranked = [report.loc[f"AUC ({name})", "value"] for name in NAMES[:2]]
    assert np.isclose(report.loc["macro AUC", "value"], np.mean(ranked))


def test_one_hot_labels_are_still_one_class_an_image():
    y = np.eye(3)[np.arange(30) % 3]
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 30)
    whole = dhl.evaluate(y, p, NAMES, n_resamples=20)
    assert whole.equals(dhl.evaluate(y.argmax(1), p, NAMES, n_resamples=20))
    assert "balanced accuracy" in set(whole["metric"])


def rows_of(labels, p, **kwargs):
    """How many metrics the report has: 16 of three classes, 11 of three findings."""
    return len(dhl.evaluate(labels, p, NAMES, n_resamples=20, **kwargs))


def test_probabilities_never_decide_whether_there_are_several_findings():
    rng = np.random.default_rng(0)
    one_hot, several = np.eye(3)[np.arange(30) % 3], np.nan_to_num(findings(30, unknown=0).labels)
    classes, scores = rng.dirichlet([1, 1, 1], 30), rng.random((30, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rows_of(one_hot, classes) == rows_of(one_hot, classes, multilabel=False) == 16
        assert rows_of(several, scores) == rows_of(several, scores, multilabel=True) == 11
        assert rows_of(one_hot, classes, multilabel=True) == rows_of(one_hot, scores, multilabel=True) == 11
        assert rows_of(several, classes, multilabel=True) == 11
        assert len(dhl.compare(one_hot, scores, classes, NAMES, n_resamples=20, multilabel=True)) == 11
    with refused("sum to one in each row", "pass multilabel=True"):
        rows_of(one_hot, scores)
    with refused("must be one-hot"):
        rows_of(several, classes, multilabel=False)
    with refused("Labels have shape (30,); 3 findings an image need (n, 3)"):
        rows_of(one_hot.argmax(1), scores, multilabel=True)


def test_a_guess_is_told():
    labels, p = np.eye(3)[np.arange(30) % 3], np.random.default_rng(0).dirichlet([1, 1, 1], 30)
    labels[7] = 0  # a label that was forgotten, or a film without any finding
    with pytest.warns(UserWarning, match="several findings an image, because row 7 .* Pass multilabel=True"):
        assert rows_of(labels, p) == 11


def test_one_finding_of_its_own():
    labels, p = np.arange(20) % 2, np.linspace(0, 1, 20)
    expected = dhl.evaluate(labels, p, ["none", "a"], n_resamples=50).set_index("metric")
    for shape in ((20,), (20, 1)):
        found = dhl.evaluate(labels.reshape(shape), p.reshape(shape), ["a"], n_resamples=50, multilabel=True)
        assert found.set_index("metric").loc["AUC (a)", "value"] == expected.loc["AUC (a)", "value"]


def test_one_finding_of_one_class_per_image():
    sample = dhl.load_dataset("sample", image_size=8, lazy=True)
    with refused("'sample' has one class per image: ", "Use it as it is"):
        sample.one_finding()
    with refused("'sample' has one class per image"):
        sample.one_finding("normal")


@pytest.mark.parametrize("labels", [np.arange(20) % 2, np.full((20, 2), -1.0), np.zeros((19, 2)), np.full((20, 2), 2)])
def test_findings_of_another_form(labels):
    with refused("findings"):
        dhl.PerFinding(LogisticRegression()).fit(np.zeros((20, 3)), labels)


def test_evaluate_refusals():
    data = findings()
    p = np.full(data.labels.shape, 0.5)
    with refused("told as 1 (present), 0 (absent) and NaN (unknown) only"):
        dhl.evaluate(np.where(data.labels == 1, -1, data.labels), p, NAMES)
    with refused("Probabilities must lie in 0 to 1; use predict_proba"):
        dhl.evaluate(data.labels, p * 3, NAMES)
    with refused("No finding is present in one image and absent in another"):
        dhl.evaluate(np.zeros_like(data.labels), p, NAMES)
    with refused("120 labels, 100 probabilities"):
        dhl.evaluate(data.labels, p[:100], NAMES)
