"""What the benchmark trains and extracts: networks and features of one data set, kept on disk with their seconds.

Seconds are processor time, of all cores together: other work on the machine does not count.
"""

import hashlib
import json
import time

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from .._keras import keras
from ..deep import DeepFeatures
from ..features import conv_base
from ..handcrafted import HandcraftedFeatures
from ..models import build_cnn, train_cnn
from ..pretrained import pretrained_base
from .models import NETWORKS, joined
from .strong import build_strong_cnn, train_strong_cnn
from .tables import replace

MADE_BY = dict(zip(NETWORKS, [(build_cnn, train_cnn), (build_strong_cnn, train_strong_cnn)], strict=True))


class Workbench:
    """One data set at two sizes, and what is made from it.

    Parameters
    ----------
    large, small : Radiographs
        The same images: for the article's network, and for the strong one and the handcrafted features.
    epochs : int
    cache : Path
        What was made with the same images and epochs by an earlier run is taken from there.
    pretrained : tuple of str
        A network of keras.applications and its weights; two empty strings for none.
    """

    def __init__(self, large, small, epochs, cache, pretrained):
        self.large, self.small, self.epochs, self.pretrained = large, small, epochs, pretrained
        digest = hashlib.sha256(f"{large.images.shape}{small.images.shape}{epochs}{pretrained}".encode())
        for each in (large.images, small.images, large.labels):
            digest.update(np.ascontiguousarray(each))
        self.cache = cache / f"{large.name.replace(':', '-')}-{digest.hexdigest()[:12]}"
        self.cache.mkdir(parents=True, exist_ok=True)

    def parts(self, base, seed):
        """Part to images, of the size that the base takes."""
        data = self.small if base in ("strong CNN", "handcrafted") else self.large
        parts = dict(zip(("train", "val", "test"), data.split(seed), strict=True))
        return parts | ({"external": data.part("external")} if "external" in set(data.table.get("split", ())) else {})

    def network(self, name, treatment, seed):
        """A trained network, and the seconds of its training."""
        parts, (build, train) = self.parts(name, seed), MADE_BY[name]
        labels, shape = parts["train"].labels, parts["train"].image_shape
        cnn, file = build(shape, parts["train"].n_classes, seed), self._file(name, treatment, seed, "weights.h5")
        kept = file.with_suffix(".json")
        if not kept.exists():
            classes, weights = np.unique(labels), None
            if treatment == "class weight":
                balanced = compute_class_weight("balanced", classes=classes, y=labels)
                weights = dict(zip(classes.tolist(), balanced.tolist(), strict=True))
            focal = keras.losses.CategoricalFocalCrossentropy(alpha=1.0) if treatment == "focal loss" else None
            started = time.process_time()
            train(cnn, parts["train"], parts["val"], self.epochs, seed, focal, weights)
            seconds = time.process_time() - started
            cnn.save_weights(file)
            replace(kept, lambda unfinished: unfinished.write_text(json.dumps(seconds)))  # last: so both are complete
        cnn.load_weights(file)
        return cnn, json.loads(kept.read_text())

    def features(self, base, seed):
        """Part to features, the seconds of the training images' features, and of the training before them."""
        if len(joined(base)) > 1:
            features, of_features, training = zip(*(self.features(each, seed) for each in joined(base)), strict=True)
            side_by_side = {part: np.hstack([each[part] for each in features]) for part in features[0]}
            return side_by_side, sum(of_features), sum(training)
        fixed = base in ("handcrafted", "simulated", self.pretrained[0])
        file = self._file(base, "features", "" if fixed else seed, "npz")
        training = self.network(base, "nothing", seed)[1] if base in NETWORKS else 0.0
        if fixed and "val" not in set(self.large.table.get("split", ())):
            file = self._file(base, "features", seed, "npz")  # without an official split, each seed has its own
        if not file.exists():
            parts, transform = self.parts(base, seed), self._transformer(base, seed)
            transform(parts["train"].images[:1])  # compiles the network, once
            started = time.process_time()
            features = {"train": transform(parts["train"].images)}
            features["seconds"] = time.process_time() - started
            features |= {part: transform(each.images) for part, each in parts.items() if part != "train"}
            replace(file, lambda unfinished: np.savez(unfinished, **features))
        features = dict(np.load(file))
        return features, float(features.pop("seconds")), training

    def _transformer(self, base, seed):
        if base == "handcrafted":
            return HandcraftedFeatures().transform
        if base in ("simulated", self.pretrained[0]):
            return DeepFeatures(pretrained_base(base, self.large.image_shape, self.pretrained[1])).transform
        untrained = build_cnn(self.large.image_shape, self.large.n_classes, seed) if base == "untrained CNN" else None
        return DeepFeatures(conv_base(untrained or self.network(base, "nothing", seed)[0])).transform

    def _file(self, *words):
        *name, suffix = map(str, words)
        return self.cache / f"{'-'.join(filter(None, name)).replace(' ', '_')}.{suffix}"
