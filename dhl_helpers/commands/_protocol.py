"""The protocol of the benchmark: how a model is fitted, chosen and measured."""

import time

import numpy as np
import pandas as pd
from imblearn.pipeline import make_pipeline
from sklearn.metrics import roc_curve
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from ..evaluation import compare, evaluate
from ..heads import SMOTE, make_head
from ..measures import calibration_error
from ._workbench import NETWORKS

KEYS = ["base", "head", "treatment", "seed"]
CHOICES = (0.001, 0.01, 0.1)  # of logistic regression's C
RESAMPLES = 500
METRICS = ["macro AUC", "balanced accuracy", "accuracy", "Brier score"]
TEXT = (
    "Every model is fitted on the training part and measured on the test part, once a seed. Chosen on the validation "
    "part: C of logistic regression (0.001, 0.01 or 0.1, by macro AUC); the epoch of the article CNN (early stopping); "
    "with two classes the threshold (Youden's index). Nothing is fitted again on training and validation part "
    "together: the networks need the validation part, and more images for the heads alone would decide the comparison. "
    "Fixed beforehand: random forest of 100 trees, AdaBoost of 10 trees of depth 3, XGBoost of 200 rounds of depth 3, "
    "SVM with an RBF kernel and C = 1, features standardised; the strong CNN's last epoch. Features of a CNN: "
    "flattened (article), mean over the image (strong). A seed decides the first weights, the order of the images, "
    "augmentation, dropout, heads and SMOTE, and the split where there is no official one. Intervals of one model: "
    f"{RESAMPLES} bootstrap resamples of its patients; of a mean over seeds: see dhl.rank. Seconds are processor time "
    "of all cores together, so that other work on the machine does not count: training of the networks, features of "
    "the training images, fitting of the head with its choice."
)


def probabilities(bench, base, head, treatment, seed):
    """Part to probabilities; the seconds of training, features and head; what was chosen."""
    if head == "softmax":
        cnn, seconds = bench.network(base, treatment, seed)
        parts = {part: data.images for part, data in bench.parts(base, seed).items() if part != "train"}
        return {part: cnn.predict(images, verbose=0) for part, images in parts.items()}, (seconds, 0, 0), ""
    features, of_features, training = bench.features(base, seed)
    parts = bench.parts(base.split(" + ")[0], seed)
    train, val = parts["train"], parts["val"]
    started, best = time.process_time(), (-1, None, "")
    for choice in CHOICES if head == "logistic" else ("",):
        model = fit(head, treatment, seed, choice, features["train"], train.labels)
        report = evaluate(val.labels, model.predict_proba(features["val"]), val.class_names, n_resamples=0)
        best = max(best, (report["value"][0], model, choice), key=lambda each: each[0])
    seconds, (_, model, choice) = time.process_time() - started, best
    found = {part: model.predict_proba(each) for part, each in features.items() if part != "train"}
    return found, (training, of_features, seconds), f"C={choice}" if choice else ""


def fit(head, treatment, seed, choice, X, y):
    """Fit one head on standardised features."""
    classifier = make_head(head, seed)
    if head == "random_forest":
        classifier.set_params(n_estimators=100)
    if choice:
        classifier.set_params(C=choice)
    steps = [StandardScaler(), *([SMOTE(random_state=seed)] if treatment == "SMOTE" else []), classifier]
    model = make_pipeline(*steps)
    weights = compute_sample_weight("balanced", y) if treatment == "class weight" else None
    return model.fit(X, y, **({} if weights is None else {f"{model.steps[-1][0]}__sample_weight": weights}))


def plain_networks(bench, seed):
    """What the other models of a seed are compared with: network to part to probabilities."""
    return {name: probabilities(bench, name, "softmax", "nothing", seed)[0] for name in NETWORKS}


def rows_each(bench):
    """How many rows `measure` returns for each model."""
    measured = len(METRICS) + 1 + (3 if bench.large.n_classes == 2 else 0) + len(NETWORKS)
    return 1 + measured * (len(bench.parts("article CNN", 0)) - 2)  # one of validation, none of training


def measure(bench, model, references):
    """The rows of one model: of the validation part its macro AUC, of every other part all metrics.

    Parameters
    ----------
    bench : Workbench
    model : tuple
        Base, head, treatment, seed.
    references : dict of str to dict
        Of each plain network of this seed, part to probabilities: what the others are compared with.

    Returns
    -------
    pandas.DataFrame
    """
    found, seconds, choice = probabilities(bench, *model)
    parts, rows = bench.parts(model[0].split(" + ")[0], model[3]), []
    off, on, thresholds = roc_curve(parts["val"].labels == 1, found["val"][:, 1])
    threshold = thresholds[np.argmax(on - off)] if found["val"].shape[1] == 2 else None
    for part, p in found.items():
        data = parts[part]
        given = data.labels, p, data.class_names, data.patients
        table = evaluate(*given, n_resamples=RESAMPLES).set_index("metric").loc[METRICS]
        if part == "val":
            rows.append(table.loc[["macro AUC"]].reset_index().assign(part=part))
            continue
        table.loc["calibration error", "value"] = calibration_error(data.labels, p)
        if threshold is not None:
            called, positive = p[:, 1] >= threshold, data.labels == 1
            table.loc["accuracy at the threshold", "value"] = (called == positive).mean()
            table.loc["sensitivity at the threshold", "value"] = called[positive].mean()
            table.loc["specificity at the threshold", "value"] = (~called[~positive]).mean()
        for name, of_reference in references.items():
            difference = compare(data.labels, p, of_reference[part], *given[2:], n_resamples=RESAMPLES)
            table.loc[f"macro AUC minus {name}"] = difference.set_index("metric").loc["macro AUC"]
        rows.append(table.reset_index().assign(part=part))
    rows = pd.concat(rows).assign(**dict(zip(KEYS, model, strict=True)), chosen=choice)
    return rows.assign(**dict(zip(["seconds_base", "seconds_features", "seconds_head"], seconds, strict=True)))
