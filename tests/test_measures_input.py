"""Every measure and every form of labels, probabilities and patients: the right value, or a DataError."""

import numpy as np
import pandas as pd
import pytest
from helpers import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

import dhl_helpers as dhl
from dhl_helpers.benchmark.ranking import rank
from dhl_helpers.measures import (
    bootstrap,
    calibration_error,
    delong,
    net_benefit,
    sensitivity_at,
    specificity_at,
)

NAMES = ["normal", "sick"]
RNG = np.random.default_rng(0)
Y = np.arange(60) % 2
P = np.clip(0.5 + 0.25 * (Y - 0.5) + RNG.normal(0, 0.2, 60), 0.01, 0.99)
BOTH = np.column_stack([1 - P, P])
WHO = np.arange(60) // 2
SHUFFLED = np.random.default_rng(1).permutation(60)


def value(found):
    return found["value"].to_numpy() if isinstance(found, pd.DataFrame) else found["value"]


# Each takes labels and the probability of the second class in any form; names where it knows them.
MEASURES = {
    "evaluate": lambda y, p, **k: value(dhl.evaluate(y, p, NAMES, n_resamples=5, **k)),
    "compare": lambda y, p, **k: value(dhl.compare(y, p, BOTH[:, ::-1], NAMES, n_resamples=5, **k)),
    "calibration_error": lambda y, p, **k: calibration_error(y, p, class_names=NAMES, **k),
    "delong": lambda y, p, **k: value(delong(y, p, **k)),
    "delong of two": lambda y, p, **k: value(delong(y, p, np.arange(len(p)) % 7, **k)),
    "bootstrap": lambda y, p, **k: value(bootstrap(lambda y, s: s.mean() + len(y), y, p, n_resamples=5, **k)),
    "sensitivity_at": lambda y, p, **k: sensitivity_at(0.8, y, p, **k),
    "specificity_at": lambda y, p, **k: specificity_at(0.8, y, p, **k),
    "net_benefit": lambda y, p, **k: net_benefit(y, p, [0.2, 0.5], **k)["model"].to_numpy(),
}
OF_CLASSES = ["evaluate", "compare", "calibration_error"]  # they know class names and take a column for each class
RANKING = ["delong", "delong of two", "sensitivity_at", "specificity_at", "bootstrap"]  # any finite score will do

SAME = {  # other forms of the same labels and probabilities
    "lists": (Y.tolist(), P.tolist()),
    "tuples": (tuple(Y), tuple(P)),
    "bool": (Y == 1, P),
    "float labels": (Y.astype(float), P),
    "float32": (Y, P.astype(np.float32).astype(float)),
    "unsigned": (Y.astype(np.uint8), P),
    "objects": (Y.astype(object), P.astype(object)),
    "labels (n, 1)": (Y[:, None], P),
    "probabilities (n, 1)": (Y, P[:, None]),
    "nothing masked": (np.ma.array(Y, mask=np.zeros(60, bool)), np.ma.array(P)),
    "series": (pd.Series(Y), pd.Series(P)),
    "series of another index": (pd.Series(Y, SHUFFLED), P),
    "one index for both": (pd.Series(Y, SHUFFLED), pd.Series(P, SHUFFLED)),
    "rows of a table": (pd.Series(Y, np.arange(60) * 3), pd.Series(P)),
    "nullable": (pd.Series(Y, dtype="Int64"), pd.Series(P, dtype="Float64")),
    "a column": (pd.DataFrame({"label": Y}), pd.DataFrame({"p": P})),
    "text of numbers": (Y, P.astype(str)),
}


def every(forms, but=()):
    """Each measure with each form; `bootstrap`, which hands on what it is given, without those in `but`."""
    pairs = [(name, form) for name in MEASURES for form in forms if name != "bootstrap" or form not in but]
    return pytest.mark.parametrize("name, form", pairs)


@every(SAME, but=["objects", "text of numbers"])
def test_the_same_in_another_form(name, form):
    labels, p = SAME[form]
    expected = MEASURES[name](Y, P)
    assert MEASURES[name](labels, p) == pytest.approx(expected, abs=1e-6 if form == "float32" else 1e-12)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_forms_of_classes(name):
    expected = MEASURES[name](Y, BOTH)
    text = np.array(NAMES)[Y]
    columns = pd.DataFrame(BOTH, columns=NAMES)
    for labels, p in [(text, BOTH), (pd.Series(text).astype("category"), BOTH), (pd.Series(text, dtype="string"), BOTH),
                      (np.char.add(text, "  "), BOTH), (np.char.add(" ", text).astype(object), BOTH),
                      (text.astype("S"), BOTH), (np.eye(2)[Y], BOTH), (np.eye(2, dtype=bool)[Y], P),
                      (pd.DataFrame(np.eye(2)[Y], columns=NAMES)[NAMES[::-1]], columns[NAMES[::-1]]),
                      (Y, columns[NAMES[::-1]])]:  # fmt: skip
        assert MEASURES[name](labels, p) == pytest.approx(expected, abs=1e-12)
    single = BOTH.astype(np.float32)
    single[:, 0] += np.float32(1e-6)
    assert single.sum(1).max() > 1 and MEASURES[name](Y, single) == pytest.approx(expected, abs=1e-5)


WRONG = {  # (labels, probabilities, words of the message)
    "labels 1 and 2": (Y + 1, P, "2"),
    "labels -1 and 1": (2 * Y - 1, P, "-1"),
    "labels 0.5": (np.where(Y, 0.5, 0), P, "0.5"),
    "infinite labels": (np.where(Y, np.inf, 0), P, "inf"),
    "NaN labels": (np.where(np.arange(60) == 7, np.nan, Y), P, "1 labels are missing"),
    "missing labels": (pd.Series(Y, dtype="Int64").mask(np.arange(60) == 7), P, "1 labels are missing"),
    "None": ([None, *Y[1:]], P, "1 labels are missing"),
    "masked labels": (np.ma.array(Y, mask=np.arange(60) < 2), P, "2 are masked"),
    "masked probabilities": (Y, np.ma.array(P, mask=np.arange(60) < 2), "2 are masked"),
    "other names": (np.array(["cat", "dog"])[Y], P, "cat"),
    "dates": (np.array(["2020-01-01"] * 60, "datetime64[D]"), P, "datetime64"),
    "complex": (Y.astype(complex), P, "complex"),
    "fewer": (Y[:-1], P, "59 labels, 60"),
    "one row": (Y[None], P, "1 labels, 60"),
    "a number": (1, P, "one entry for each image"),
    "no labels": (None, P, ""),
    "empty": ([], [], "no images"),
    "of different length": ([[0, 1], *Y[1:]], P, "cannot be told apart"),
    "three columns": (np.eye(3)[Y], P, "shape (60, 3)"),
    "NaN": (Y, np.where(np.arange(60) == 7, np.nan, P), "did the model diverge"),
    "infinity": (Y, np.where(np.arange(60) == 7, np.inf, P), "did the model diverge"),
    "text": (Y, ["high"] * 60, "give numbers"),
    "complex scores": (Y, P.astype(complex), "give numbers"),
    "another order": (pd.Series(Y), pd.Series(P, SHUFFLED), "do their rows belong together"),
    "other rows": (pd.Series(Y, np.arange(60) + 5), pd.Series(P, np.arange(60) + 7), "do their rows belong together"),
}


@every(WRONG, but=["labels 1 and 2", "labels -1 and 1", "labels 0.5", "infinite labels", "other names", "dates",
                   "complex", "text", "complex scores"])  # fmt: skip
def test_a_wrong_form_is_refused(name, form):
    labels, p, words = WRONG[form]
    with refused("" if name == "bootstrap" else words):
        MEASURES[name](labels, p)


@pytest.mark.parametrize("name", [*OF_CLASSES, "net_benefit"])
@pytest.mark.parametrize("p", [np.log(P / (1 - P)), 100 * P, -P, P + 0.5], ids=["logits", "percent", "below", "above"])
def test_scores_are_no_probabilities(name, p):
    with refused("Probabilities must lie in 0 to 1", "use predict_proba, not scores"):
        MEASURES[name](Y, p)


@pytest.mark.parametrize("name", RANKING)
def test_any_score_ranks(name):
    logits = np.log(P / (1 - P))
    assert np.isfinite(MEASURES[name](Y, logits))
    if name not in ("bootstrap", "delong of two"):
        assert MEASURES[name](Y, logits) == pytest.approx(MEASURES[name](Y, P), abs=1e-12)


@pytest.mark.parametrize("name", [*RANKING[:-1], "net_benefit"])
def test_two_columns_are_not_one_score(name):
    with refused("of two columns the second, p[:, 1]"):
        MEASURES[name](Y, BOTH)


@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("p", [BOTH.T, BOTH[:, :1] * np.ones(3), BOTH[..., None], BOTH * [[0.9, 1]]])
def test_columns_that_do_not_fit(name, p):
    with refused(""):
        MEASURES[name](Y, p)


@pytest.mark.parametrize("name", ["delong", "delong of two", "sensitivity_at", "specificity_at", "net_benefit"])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(name, label):
    with refused("60 positive and 0 negative" if label else "0 positive and 60 negative", "are needed"):
        MEASURES[name](np.full(60, label), P)


def test_one_class_only_where_it_can_be_measured():
    for measure in ("evaluate", "compare"):
        with refused("No image of class sick"):
            MEASURES[measure](0 * Y, P)
    assert calibration_error(0 * Y, np.full(60, 0.25)) == pytest.approx(0.25)
    found = bootstrap(lambda y, s: (y == (s > 0.5)).mean(), 0 * Y, P, n_resamples=50)
    assert found["value"] == (P <= 0.5).mean() and found["low"] <= found["value"] <= found["high"]


def test_constant_predictions():
    p = np.full(60, 0.5)
    assert MEASURES["evaluate"](Y, p)[0] == 0.5
    assert delong(Y, p)[["value", "low", "high", "p"]].tolist() == [0.5, 0.5, 0.5, 1]
    assert sensitivity_at(0.5, Y, p) == specificity_at(0.5, Y, p) == 0 and sensitivity_at(0, Y, p) == 1
    assert calibration_error(Y, p) == 0 and net_benefit(Y, p, 0.5)["model"].tolist() == [0]


@pytest.mark.parametrize("name", ["evaluate", "compare", "bootstrap"])
def test_patients_of_any_form(name):
    expected = MEASURES[name](Y, P, patients=WHO)
    for patients in (WHO.tolist(), WHO[:, None], [f"P{who}" for who in WHO], pd.Series(WHO, SHUFFLED), WHO + 0.5):
        assert MEASURES[name](Y, P, patients=patients) == pytest.approx(expected)
    for patients, words in ((WHO[:-1], "59 patients"), (np.where(WHO == 3, np.nan, WHO), "2 entries of patients are"),
                            ([None, *WHO[1:]], "1 entries of patients are missing"), ("P1", "patients: give"),
                            (7, "patients: give one entry for each image"),
                            (np.ma.array(WHO, mask=WHO == 0), "patients: 2 are masked"), (BOTH, "patients have shape"),
                            (WHO * 0, "All images are of one patient")):  # fmt: skip
        with refused(words):
            MEASURES[name](Y, P, patients=patients)


def test_labels_shuffled_against_patients():
    with refused("index of labels is not that of patients"):
        dhl.evaluate(pd.Series(Y), P, NAMES, pd.Series(WHO, SHUFFLED))


def test_names_without_class_names():
    with refused("Labels that are names need class_names"):
        calibration_error(np.array(NAMES)[Y], P)
    assert calibration_error(Y[:, None], P[:, None]) == calibration_error(Y, BOTH) == calibration_error(np.eye(2)[Y], P)


@pytest.mark.parametrize("names", ["ab", ["a", "a"], [], ["a"]])
def test_class_names_that_are_none(names):
    with refused(""):
        dhl.evaluate(Y, P, names, n_resamples=5)


def test_thresholds_and_shares():
    one = net_benefit(Y, P, 0.2)
    assert one["model"].item() == net_benefit(Y, P, [0.2, 0.5])["model"][0] and one["threshold"].item() == 0.2
    for thresholds in (np.nan, [], [[0.2]], 0, 1, "half", None, [0.2, np.nan]):
        with refused("hresholds"):
            net_benefit(Y, P, thresholds)
    for share in (1.2, -0.1, np.nan, [0.5, 0.6], "a"):
        for measure in (sensitivity_at, specificity_at):
            with refused("lie in 0 to 1"):
                measure(share, Y, P)
    for n_bins in (0, -3, np.nan, 2.5):
        with refused("n_bins"):
            calibration_error(Y, P, n_bins)
    for n_resamples in (-1, 2.5, None):
        with refused("n_resamples"):
            dhl.evaluate(Y, P, NAMES, n_resamples=n_resamples)


def test_a_table_that_is_no_benchmarks():
    columns = {"base": "a", "head": "h", "treatment": "n", "part": "test", "metric": "macro AUC", "low": 0.6,
               "high": 0.9, "seconds_base": 1.0, "seconds_features": 2.0, "seconds_head": 3.0}  # fmt: skip
    table = pd.DataFrame({"seed": [0, 1], "value": [0.7, 0.8], **columns})
    assert rank(table)["value"].item() == rank(table.astype(str))["value"].item() == pytest.approx(0.75)
    for wrong, words in ((table.assign(value="high"), "something else than numbers"), (table.to_dict(), "of type dict"),
                         (table.assign(value=[0.7, np.nan]), "was the table cut off"),
                         (pd.concat([table] * 2), "twice"), (table.iloc[:0], "no 'macro AUC'")):  # fmt: skip
        with refused(words):
            rank(wrong)


# Against scikit-learn, on whatever comes


@st.composite
def scored(draw):
    """Labels of both classes and scores with ties."""
    n = draw(st.integers(4, 40))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    labels[:4] = [0, 1, 0, 1]
    scores = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    return np.array(labels), np.array(scores) / 12


@settings(max_examples=150, deadline=None)
@given(scored(), st.floats(0, 1))
def test_two_classes_against_scikit_learn(case, share):
    y, p = case
    report = dhl.evaluate(y, p, NAMES, n_resamples=0).set_index("metric")["value"]
    assert report["macro AUC"] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert delong(y, p)["value"] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert report["Brier score"] == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    off, on, _ = roc_curve(y, p, drop_intermediate=False)
    assert sensitivity_at(share, y, p) == max(on[1 - off >= share - 1e-12])
    assert specificity_at(share, y, p) == max(1 - off[on >= share - 1e-12])
    assert calibration_error(y, p, 1) == pytest.approx(abs(np.maximum(p, 1 - p).mean() - (y == (p > 0.5)).mean()))
    t = 0.25
    called = p >= t
    expected = (called & (y == 1)).mean() - (called & (y == 0)).mean() * t / (1 - t)
    assert net_benefit(y, p, t)["model"].item() == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 5), st.integers(0, 2**32 - 1), st.sampled_from([np.float16, np.float32, np.float64]))
def test_several_findings_against_scikit_learn(k, seed, dtype):
    rng = np.random.default_rng(seed)
    y = (rng.random((30, k)) < 0.4).astype(dtype)
    y[:2] = [[0] * k, [1] * k]
    y[2:][rng.random((28, k)) < 0.2] = np.nan
    p = rng.random((30, k)).astype(dtype)
    names = [f"finding {each}" for each in range(k)]
    report = dhl.evaluate(y, p, names, n_resamples=0).set_index("metric")["value"]
    for each, name in enumerate(names):
        known = ~np.isnan(y[:, each])
        assert report[f"AUC ({name})"] == pytest.approx(roc_auc_score(y[known, each], p[known, each]), abs=1e-12)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_the_seed_of_an_interval_is_a_whole_number(seed):
    with pytest.raises(dhl.DataError, match="seed is .*whole number from 0 on"):
        dhl.evaluate([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8], ["a", "b"], seed=seed)
