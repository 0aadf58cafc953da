"""What an engine's arithmetic and the storage cost: heads on the sample's features, the AUC on the validation part."""

import importlib.util

import pandas as pd
from measure import keep, show
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl

HEADS = ["logistic", "random_forest", "xgboost"]


def ways():
    """Settings of `DeepFeatures` by their name in the table; the first is what the others are compared with."""
    found = {"tensorflow": {}, "tensorflow-mixed": {"engine": "tensorflow-mixed"}, "float16": {"storage": "float16"}}
    if importlib.util.find_spec("openvino"):
        found |= {name: {"engine": name} for name in ("openvino", "openvino-bf16")}
    return found


def main():
    data = dhl.load_dataset("sample", image_size=96)
    train, val, _ = data.split(seed=0)
    base, rows, exact = dhl.pretrained_base("simulated", data.image_shape), [], {}
    for way, settings in ways().items():
        deep = dhl.DeepFeatures(base, **settings)
        features = [deep.transform(part) for part in (train, val)]
        for name in HEADS:
            head = make_pipeline(StandardScaler(), dhl.make_head(name)).fit(features[0], train.labels)
            auc = roc_auc_score(val.labels, head.predict_proba(features[1]), multi_class="ovr")
            exact.setdefault(name, auc)
            rows.append((name, way, auc, auc - exact[name]))
    columns = ["head", "features", "macro AUC, validation", "difference"]
    keep("precision", [show(pd.DataFrame(rows, columns=columns))])


if __name__ == "__main__":
    main()
