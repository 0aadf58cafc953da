"""The heads, and SMOTE on three classes."""

import numpy as np
import pytest
from imblearn import over_sampling
from sklearn.base import clone

import dhl_helpers as dhl

HEADS = {
    "random_forest": "RandomForestClassifier",
    "adaboost": "AdaBoostClassifier",
    "xgboost": "XGBClassifier",
    "logistic": "LogisticRegression",
    "svm": "CalibratedClassifierCV",
    "dummy": "DummyClassifier",
}


@pytest.fixture(scope="module")
def features():
    """Three classes, 60, 30 and 12 samples, apart by one standard deviation in each of eight features."""
    y = np.repeat([0, 1, 2], [60, 30, 12])
    return (np.random.default_rng(0).normal(size=(102, 8)) + y[:, None]).astype(np.float32), y


@pytest.mark.parametrize("name", HEADS)
def test_every_head_learns_and_depends_on_its_seed_alone(name, features):
    X, y = features
    head = dhl.make_head(name, seed=3)
    assert type(head).__name__ == HEADS[name]
    probabilities = clone(head).fit(X, y).predict_proba(X)
    assert probabilities.shape == (102, 3) and np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert np.array_equal(probabilities, dhl.make_head(name, seed=3).fit(X, y).predict_proba(X))
    if name == "dummy":
        assert np.allclose(probabilities, np.bincount(y) / len(y))
    else:
        assert (probabilities.argmax(1) == y).mean() > 0.75
    if name == "random_forest":
        assert not np.array_equal(probabilities, dhl.make_head(name, seed=4).fit(X, y).predict_proba(X))


def test_adaboost_is_the_articles(features):
    head = dhl.make_head("adaboost").fit(*features)
    assert head.n_estimators == 10 and {tree.max_depth for tree in head.estimators_} == {3}


def test_smote_is_imbalanced_learns(features):
    X, y = features
    found_X, found_y = dhl.SMOTE(random_state=0).fit_resample(X, y)
    expected_X, expected_y = over_sampling.SMOTE(random_state=0).fit_resample(X, y)
    assert np.bincount(found_y).tolist() == [60, 60, 60]
    assert np.array_equal(found_X, expected_X) and np.array_equal(found_y, expected_y)
    new = found_X[len(y) :][found_y[len(y) :] == 2]
    assert (new >= X[y == 2].min(0)).all() and (new <= X[y == 2].max(0)).all(), "between samples of the same class"


def test_smote_asks_only_the_classes_that_it_fills_up(features):
    X, y = features
    few = np.r_[np.flatnonzero(y < 2), np.flatnonzero(y == 2)[:4]]
    with pytest.raises(dhl.DataError, match="class 2 has 4"):
        dhl.SMOTE().fit_resample(X[few], y[few])
    assert np.bincount(dhl.SMOTE(k_neighbors=3).fit_resample(X[few], y[few])[1]).tolist() == [60, 60, 60]
    assert np.bincount(dhl.SMOTE(sampling_strategy={1: 50}).fit_resample(X[few], y[few])[1]).tolist() == [60, 50, 4]


def test_smote_names_the_class_as_the_labels_do(features):
    X, y = features
    names = np.array(["normal", "bacterial", "viral"])[y]
    assert sorted(set(dhl.SMOTE().fit_resample(X, names)[1])) == ["bacterial", "normal", "viral"]
    with pytest.raises(dhl.DataError, match="class viral has 12"):
        dhl.SMOTE(k_neighbors=12).fit_resample(X, names)
