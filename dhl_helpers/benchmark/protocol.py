"""The protocol of the benchmark: how a model is fitted, chosen and measured."""

import time

import numpy as np
import pandas as pd
from imblearn.pipeline import make_pipeline
from sklearn.metrics import roc_curve
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from ..evaluation import evaluate
from ..heads import SMOTE, make_head
from ..measures import calibration_error
from ..resampling import intervals, measured, of_classes, resamples
from .models import NETWORKS, Model, joined

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
    "flattened (article), mean over the image (strong). The simulated base comes with the course, pre-trained on "
    "simulated films; its pre-training is not among the seconds. A seed decides the first weights, the order of the "
    "images, augmentation, dropout, heads and SMOTE, and the split where there is no official one. Intervals of one "
    "model: "
    f"{RESAMPLES} bootstrap resamples of its patients; of a mean over seeds: see dhl.rank. Seconds are processor time "
    "of all cores together, so that other work on the machine does not count: training of the networks, features of "
    "the training images, fitting of the head with its choice."
)


def probabilities(bench, model):
    """Part to probabilities; the seconds of training, features and head; what was chosen."""
    base, head, treatment, seed = model
    if head == "softmax":
        cnn, seconds = bench.network(base, treatment, seed)
        parts = {part: data.images for part, data in bench.parts(base, seed).items() if part != "train"}
        return {part: cnn.predict(images, verbose=0) for part, images in parts.items()}, (seconds, 0, 0), ""
    features, of_features, training = bench.features(base, seed)
    parts = bench.parts(joined(base)[0], seed)
    train, val = parts["train"], parts["val"]
    started, best = time.process_time(), (-1, None, "")
    for choice in CHOICES if head == "logistic" else ("",):
        fitted = fit(head, treatment, seed, choice, features["train"], train.labels)
        report = evaluate(val.labels, fitted.predict_proba(features["val"]), val.class_names, n_resamples=0)
        best = max(best, (report["value"][0], fitted, choice), key=lambda each: each[0])
    seconds, (_, fitted, choice) = time.process_time() - started, best
    found = {part: fitted.predict_proba(each) for part, each in features.items() if part != "train"}
    return found, (training, of_features, seconds), f"C={choice}" if choice else ""


def fit(head, treatment, seed, choice, X, y):
    """Fit one head on standardised features."""
    classifier = make_head(head, seed)
    if head == "random_forest":
        classifier.set_params(n_estimators=100)
    if choice:
        classifier.set_params(C=choice)
    steps = [StandardScaler(), *([SMOTE(random_state=seed)] if treatment == "SMOTE" else []), classifier]
    fitted = make_pipeline(*steps)
    weights = compute_sample_weight("balanced", y) if treatment == "class weight" else None
    return fitted.fit(X, y, **({} if weights is None else {f"{fitted.steps[-1][0]}__sample_weight": weights}))


def references(bench, seed):
    """What the models of a seed are measured with: part to the weights of its resamples and the networks' AUC in them.

    They are drawn once, because drawing and measuring them takes longer than many a head.
    """
    parts = bench.parts("article CNN", seed)
    drawn = {}
    for name in parts.keys() - {"train"}:
        data = parts[name]
        drawn[name] = (list(resamples(data.labels, data.patients, data.class_names, RESAMPLES, 0)), {})
    for network in NETWORKS:
        for part, p in probabilities(bench, Model(network, "softmax", "nothing", seed))[0].items():
            weights, aucs = drawn[part]
            of_network = of_classes(parts[part].labels, p, parts[part].class_names)
            aucs[network] = measured(weights, of_network)[0]["macro AUC"]
    return drawn


def rows_each(bench):
    """How many rows `measure` returns for each model."""
    metrics = len(METRICS) + 1 + (3 if bench.large.n_classes == 2 else 0) + len(NETWORKS)
    return 1 + metrics * (len(bench.parts("article CNN", 0)) - 2)  # one of validation, none of training


def measure(bench, model, drawn):
    """The rows of one model: of the validation part its macro AUC, of every other part all metrics.

    `model` is a `Model`, `drawn` comes from `references` of this seed.
    """
    found, seconds, choice = probabilities(bench, model)
    parts, rows = bench.parts(joined(model.base)[0], model.seed), []
    off, on, thresholds = roc_curve(parts["val"].labels == 1, found["val"][:, 1])
    threshold = thresholds[np.argmax(on - off)] if found["val"].shape[1] == 2 else None
    for part, p in found.items():
        labels, (weights, aucs) = parts[part].labels, drawn[part]
        (metrics,) = measured(weights, of_classes(labels, np.asarray(p, np.float64), parts[part].class_names))
        kept = {metric: metrics[metric] for metric in (METRICS if part != "val" else METRICS[:1])}
        if part != "val":
            kept["calibration error"] = [calibration_error(labels, p)]
            if threshold is not None:
                called, positive = p[:, 1] >= threshold, labels == 1
                kept["accuracy at the threshold"] = [(called == positive).mean()]
                kept["sensitivity at the threshold"] = [called[positive].mean()]
                kept["specificity at the threshold"] = [(~called[~positive]).mean()]
            kept |= {f"macro AUC minus {name}": metrics["macro AUC"] - auc for name, auc in aucs.items()}
        rows.append(intervals(kept).assign(part=part))
    rows = pd.concat(rows).assign(**model._asdict(), chosen=choice)
    return rows.assign(**dict(zip(["seconds_base", "seconds_features", "seconds_head"], seconds, strict=True)))
