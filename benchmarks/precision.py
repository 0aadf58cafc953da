"""What an engine's arithmetic and the storage cost: heads on the sample's features, the AUC on the validation part.

Trees split elsewhere when a feature changes in its last digits, so a single one says little: each head is fitted on ten
bootstrap samples of the training images, the same for all ways, and the mean difference stands beside its standard
error over them.
"""

import importlib.util

import numpy as np
import pandas as pd
from measure import keep, show
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl

HEADS = ["logistic", "random_forest", "xgboost"]
SEEDS = range(10)


def ways():
    """Settings of `DeepFeatures` by their name in the table; the first is what the others are compared with."""
    found = {"tensorflow": {}, "tensorflow-mixed": {"engine": "tensorflow-mixed"}, "float16": {"storage": "float16"}}
    if importlib.util.find_spec("openvino"):
        found |= {name: {"engine": name} for name in ("openvino", "openvino-bf16")}
    return found


def auc_of(head, seed, features, train, val):
    """Macro AUC on the validation part of a head fitted on a bootstrap sample of the training part."""
    drawn = np.random.default_rng(seed).integers(0, len(train), len(train))
    fitted = make_pipeline(StandardScaler(), head).fit(features[0][drawn], train.labels[drawn])
    return roc_auc_score(val.labels, fitted.predict_proba(features[1]), multi_class="ovr")


def main():
    data = dhl.load_dataset("sample", image_size=96)
    train, val, _ = data.split(seed=0)
    base, rows, exact = dhl.pretrained_base("simulated", data.image_shape), [], {}
    for way, settings in ways().items():
        deep = dhl.DeepFeatures(base, **settings)
        features = [deep.transform(part) for part in (train, val)]
        for name in HEADS:
            aucs = np.array([auc_of(dhl.make_head(name, seed), seed, features, train, val) for seed in SEEDS])
            exact.setdefault(name, aucs)
            difference = aucs - exact[name]
            rows.append((name, way, aucs.mean(), difference.mean(), difference.std(ddof=1) / len(SEEDS) ** 0.5))
    columns = ["head", "features", "macro AUC, validation", "difference", "its standard error"]
    keep("precision", [show(pd.DataFrame(rows, columns=columns))])


if __name__ == "__main__":
    main()
