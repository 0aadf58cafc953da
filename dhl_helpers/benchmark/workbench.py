"""What the benchmark trains and extracts: networks and features of one data set, kept on disk with their seconds.

Seconds are processor time, of all cores together: other work on the machine does not count.
"""

import hashlib
import json
import sys
import time

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from .. import cache
from .._keras import keras
from ..deep import DeepFeatures
from ..features import conv_base
from ..files import digest, replacing, write
from ..handcrafted import HandcraftedFeatures
from ..models import build_cnn, train_cnn
from ..pretrained import pretrained_base
from .models import NETWORKS, joined
from .strong import build_strong_cnn, train_strong_cnn

MADE_BY = dict(zip(NETWORKS, [(build_cnn, train_cnn), (build_strong_cnn, train_strong_cnn)], strict=True))


class Workbench:
    """One data set at two sizes, and what is made from it.

    Parameters
    ----------
    large, small : Radiographs
        The same images: for the article's network, and for the strong one and the handcrafted features.
    epochs : int
    kept : Path
        A folder: what was made with the same images and epochs by an earlier run is taken from there.
    pretrained : tuple of str
        A network of keras.applications and its weights; two empty strings for none.
    """

    def __init__(self, large, small, epochs, kept, pretrained):
        self.large, self.small, self.epochs, self.pretrained = large, small, epochs, pretrained
        digest = hashlib.sha256(f"{large.images.shape}{small.images.shape}{epochs}{pretrained}".encode())
        for each in (large.images, small.images, large.labels):
            digest.update(np.ascontiguousarray(each))
        self.cache = kept / f"{large.name.replace(':', '-')}-{digest.hexdigest()[:12]}"
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
        seconds = _seconds(kept, file)
        if seconds is not None:
            cnn.load_weights(file)
            return cnn, seconds
        classes, weights = np.unique(labels), None
        if treatment == "class weight":
            balanced = compute_class_weight("balanced", classes=classes, y=labels)
            weights = dict(zip(classes.tolist(), balanced.tolist(), strict=True))
        focal = keras.losses.CategoricalFocalCrossentropy(alpha=1.0) if treatment == "focal loss" else None
        started = time.process_time()
        train(cnn, parts["train"], parts["val"], self.epochs, seed, focal, weights)
        seconds = time.process_time() - started
        try:
            with replacing(file) as unfinished:
                cnn.save_weights(unfinished)
            write(kept, json.dumps({"seconds": seconds, "sha256": digest(file)}))
        except OSError as error:
            print(f"note: {file}: not kept for the next time ({error.strerror or error}).", file=sys.stderr)
        return cnn, seconds

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
        features = cache.load(file)
        if features is None:
            parts, transform = self.parts(base, seed), self._transformer(base, seed)
            transform(parts["train"].images[:1])  # compiles the network, once
            started = time.process_time()
            features = {"train": transform(parts["train"].images)}
            features["seconds"] = time.process_time() - started
            features |= {part: transform(each.images) for part, each in parts.items() if part != "train"}
            cache.store(file, **features)
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


def _seconds(kept, weights):
    """The seconds of a training that was kept; None where it was not, or where it is damaged."""
    try:
        told = json.loads(kept.read_bytes())
        if digest(weights) == told["sha256"]:
            return float(told["seconds"])
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        pass
    print(f"note: {weights} is damaged; the network is trained again.", file=sys.stderr)
    return None
