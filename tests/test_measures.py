"""The small measures against published numbers, scikit-learn, and brute force."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

import dhl_helpers as dhl

# Albumin, total protein, K-G score and whether surgery helped, of 43 patients with ovarian cancer: data of DeLong et
# al. 1988, as the SAS/STAT User's Guide prints them in "Comparing Receiver Operating Characteristic Curves".
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""
# What the guide prints for them: AUC and standard error of two tests, and the difference between the two.
PUBLISHED = {"K-G score": (0.7258, 0.1028), "total protein": (0.6478, 0.1000)}
PUBLISHED_DIFFERENCE = -0.0780


@pytest.fixture(scope="module")
def scored():
    """Labels and two related scores with ties."""
    rng = np.random.default_rng(0)
    positive = rng.random(120) < 0.4
    first = np.round(rng.normal(positive, 1), 1)
    return positive, first, np.round(first + rng.normal(0, 0.7, 120), 1)


def test_delong_gives_the_published_numbers():
    _, protein, score, helped = np.array(OVARIAN.split(), float).reshape(-1, 4).T
    scores = {"total protein": protein, "K-G score": 10 - score}
    for test, (auc, error) in PUBLISHED.items():
        found = dhl.delong(helped, scores[test])
        assert found["value"] == pytest.approx(auc, abs=5e-5)
        assert (found["high"] - found["low"]) / (2 * 1.959964) == pytest.approx(error, abs=5e-5)
    paired = dhl.delong(helped, scores["total protein"], scores["K-G score"])
    assert paired["value"] == pytest.approx(PUBLISHED_DIFFERENCE, abs=5e-5) and paired["p"] > 0.05


def by_pairs(positive, scores):
    """DeLong's structural components, pair by pair."""
    pairs = np.array([[(a > b) + 0.5 * (a == b) for b in scores[~positive]] for a in scores[positive]])
    return pairs.mean(1), pairs.mean(0)


def test_delong_is_the_sum_over_pairs(scored):
    positive, first, second = scored
    (up, down), (up_2, down_2) = by_pairs(positive, first), by_pairs(positive, second)
    alone = dhl.delong(positive, first)
    variance = up.var(ddof=1) / len(up) + down.var(ddof=1) / len(down)
    assert alone["value"] == pytest.approx(roc_auc_score(positive, first), abs=1e-12)
    assert alone["high"] - alone["value"] == pytest.approx(1.959964 * np.sqrt(variance), abs=1e-6)
    paired = dhl.delong(positive, first, second)
    variance = (up - up_2).var(ddof=1) / len(up) + (down - down_2).var(ddof=1) / len(down)
    assert paired["value"] == pytest.approx(roc_auc_score(positive, first) - roc_auc_score(positive, second))
    assert paired["high"] - paired["value"] == pytest.approx(1.959964 * np.sqrt(variance), abs=1e-6)


def test_delong_and_the_bootstrap_agree(scored):
    positive, first, second = scored
    for one, other in ((dhl.delong(positive, first), dhl.bootstrap(roc_auc_score, positive, first)),
                       (dhl.delong(positive, first, second),
                        dhl.compare(positive, *(1 / (1 + np.exp(-s)) for s in (first, second)), ["a", "b"]).iloc[0])):
        assert one["value"] == pytest.approx(other["value"], abs=1e-12)
        assert (one["high"] - one["low"]) == pytest.approx(other["high"] - other["low"], rel=0.12)


def test_delong_of_equal_and_of_perfect_scores(scored):
    positive, first, _ = scored
    assert dhl.delong(positive, first, first)[["value", "low", "high", "p"]].tolist() == [0, 0, 0, 1]
    assert dhl.delong(positive, positive)[["value", "low", "high", "p"]].tolist() == [1, 1, 1, 0]


def test_calibration_error_by_hand():
    p = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    labels = np.array([1, 1, 1, 0, 1, 0])  # three of four right where 0.95 was said, one of two where 0.55 was
    assert dhl.calibration_error(labels, p) == pytest.approx(4 / 6 * 0.20 + 2 / 6 * 0.05)
    assert dhl.calibration_error(labels, np.column_stack([1 - p, p])) == pytest.approx(4 / 6 * 0.20 + 2 / 6 * 0.05)


@pytest.mark.parametrize("k", [2, 4])
def test_calibration_error_bin_by_bin(k):
    rng = np.random.default_rng(k)
    p, labels, expected = rng.dirichlet(np.ones(k), 300), rng.integers(0, k, 300), 0.0
    for low in np.arange(10) / 10:
        inside = (p.max(1) >= low) & (p.max(1) < low + 0.1)
        if inside.any():
            expected += inside.mean() * abs(p.max(1)[inside].mean() - (p.argmax(1) == labels)[inside].mean())
    assert dhl.calibration_error(labels, p) == pytest.approx(expected, abs=1e-12)
    assert dhl.calibration_error(labels, np.eye(k)[labels]) == 0


@pytest.mark.parametrize("wanted", [0.0, 0.5, 0.8, 0.95, 1.0])
def test_sensitivity_and_specificity_try_every_threshold(scored, wanted):
    positive, score, _ = scored
    best = {"sensitivity": 0.0, "specificity": 0.0}
    for threshold in [*np.unique(score), np.inf]:
        (tn, fp), (fn, tp) = confusion_matrix(positive, score >= threshold, labels=[False, True])
        sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
        if specificity >= wanted:
            best["sensitivity"] = max(best["sensitivity"], sensitivity)
        if sensitivity >= wanted:
            best["specificity"] = max(best["specificity"], specificity)
    assert dhl.sensitivity_at(wanted, positive, score) == pytest.approx(best["sensitivity"])
    assert dhl.specificity_at(wanted, positive, score) == pytest.approx(best["specificity"])


def test_net_benefit_counts_patients(scored):
    positive, score, _ = scored
    p, thresholds = 1 / (1 + np.exp(-score)), [0.1, 0.25, 0.5, 0.8]
    curve = dhl.net_benefit(positive, p, thresholds).set_index("threshold")
    for t in thresholds:
        (_, fp), (_, tp) = confusion_matrix(positive, p >= t)
        assert curve.loc[t, "model"] == pytest.approx((tp - fp * t / (1 - t)) / len(p))
        assert curve.loc[t, "all"] == pytest.approx((positive.sum() - (~positive).sum() * t / (1 - t)) / len(p))
    assert (curve["none"] == 0).all() and curve.loc[0.5, "all"] == pytest.approx(2 * positive.mean() - 1)


def test_a_perfect_model_has_the_prevalence_as_net_benefit(scored):
    positive = scored[0]
    assert np.allclose(dhl.net_benefit(positive, positive, [0.01, 0.5, 0.99])["model"], positive.mean())


def test_bootstrap_is_the_one_of_evaluate(scored):
    positive, score, _ = scored
    p, patients = 1 / (1 + np.exp(-score)), np.arange(120) // 2
    report = dhl.evaluate(positive.astype(int), p, ["a", "b"], patients, seed=3).set_index("metric")
    found = dhl.bootstrap(roc_auc_score, positive.astype(int), p, patients, seed=3)
    assert found.tolist() == pytest.approx(report.loc["macro AUC"].tolist(), abs=1e-12)
    again = dhl.bootstrap(lambda y, s: roc_curve(y, s)[1].mean(), positive, score, patients, 20)
    assert again["low"] <= again["high"]


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda y, s: dhl.delong(y, s[:-1]), "equally long"),
        (lambda y, s: dhl.delong(y * 2, s), "True or False, 1 or 0"),
        (lambda y, s: dhl.delong(y, s * np.nan), "6 scores are NaN or infinite: did the model diverge"),
        (lambda y, s: dhl.delong([0, 0, 0, 0, 0, 1], s), "1 positive and 5 negative images: at least 2"),
        (lambda y, s: dhl.sensitivity_at(0.9, y * 0, s), "0 positive and 6 negative images: at least 1"),
        (lambda y, s: dhl.net_benefit(y, s, [0.5, 1.0]), "above 0 and below 1"),
        (lambda y, s: dhl.calibration_error(y, s[:3]), "6 labels, 3 probabilities"),
        (lambda y, s: dhl.bootstrap(roc_auc_score, y, s, [1, 2]), "equally long"),
        (lambda y, s: dhl.bootstrap(roc_auc_score, y, s, [1, 1, 1, 1, 1, None]), "1 entries of patients are missing"),
    ],
)
def test_what_cannot_be_measured_is_said(call, says):
    with pytest.raises(dhl.DataError, match=says):
        call(np.array([0, 0, 0, 1, 1, 1]), np.array([0.1, 0.4, 0.2, 0.8, 0.3, 0.9]))


def benchmark_rows(values, low, high, base="a"):
    return pd.DataFrame(
        {"base": base, "head": "h", "treatment": "nothing", "seed": range(len(values)), "part": "test",
         "metric": "macro AUC", "value": values, "low": low, "high": high, "seconds_base": 1.0, "seconds_features": 2.0,
         "seconds_head": 3.0}
    )  # fmt: skip


def test_rank_adds_the_variances_of_patients_and_seeds():
    rows = pd.concat([benchmark_rows([0.7, 0.8], 0.6, 0.9), benchmark_rows([0.9, 0.9], 0.85, 0.95, "b")])
    table = dhl.rank(rows)
    assert table["base"].tolist() == ["b", "a"] and table["seconds"].tolist() == [6, 6]
    assert table["seeds"].tolist() == [2, 2] and table["value"].tolist() == pytest.approx([0.9, 0.75])
    of_patients, of_seeds = 0.3 / (2 * 1.96), np.sqrt(np.var([0.7, 0.8], ddof=1) / 2)
    half = 1.96 * np.hypot(of_patients, of_seeds)
    assert table.loc[1, ["low", "high"]].tolist() == pytest.approx([0.75 - half, 0.75 + half])
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx([0.85, 0.95])
    one = dhl.rank(benchmark_rows([0.7], 0.6, 0.8))
    assert one.loc[0, ["low", "high", "seeds"]].tolist() == pytest.approx([0.6, 0.8, 1])


@pytest.mark.parametrize(
    "change, part, says",
    [
        (lambda rows: rows.drop(columns="seed"), "test", "lack the columns seed"),
        (lambda rows: rows, "external", "no 'macro AUC' of the part 'external'"),
        (lambda rows: rows.assign(metric="accuracy"), "test", "of this part there is accuracy"),
    ],
)
def test_rank_says_what_is_missing(change, part, says):
    with pytest.raises(dhl.DataError, match=says):
        dhl.rank(change(benchmark_rows([0.7], 0.6, 0.8)), part)
