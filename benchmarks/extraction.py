"""Images to features: each engine of `DeepFeatures` against `Model.predict` of Keras; random weights are as fast.

The last row of each network is the machine's limit: the time that its convolutions would take if all of their
multiplications ran as fast as those of one large matrix product, the best that these cores do in float32.
"""

import importlib.util
import math
import time

import numpy as np
import pandas as pd
from measure import compare, keep, show

import dhl_helpers as dhl
from dhl_helpers._keras import keras, tf

NETWORKS = {"DenseNet121, 224 pixels": (224, 64), "CNN of the article, 96 pixels": (96, 1024)}  # pixels, images


def base_of(name, pixels):
    """The network that is measured, without its dense layers."""
    if name.startswith("CNN"):
        return dhl.conv_base(dhl.build_cnn((pixels, pixels, 1), 3))
    return dhl.pretrained_base(name.split(",")[0], (pixels, pixels, 1), weights=None)


def engines():
    """Those that are installed, by the name in the table."""
    found = {"DeepFeatures": {}, "DeepFeatures, tensorflow-mixed": {"engine": "tensorflow-mixed"}}
    if importlib.util.find_spec("openvino"):
        found |= {f"DeepFeatures, {engine}": {"engine": engine} for engine in ("openvino", "openvino-bf16")}
    return found


def operations(network):
    """Multiplications and additions of a network's convolutions on one image; all its other layers take few."""
    inner = sum(operations(layer) for layer in network.layers if isinstance(layer, keras.Model))
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    sizes = ((layer.kernel.shape[:3], layer.output.shape[1:]) for layer in convolutions)
    return inner + sum(2 * math.prod(kernel) * math.prod(output) for kernel, output in sizes)


def peak(side=3000, repeats=8):
    """Operations a second of a float32 matrix product, of the fastest of some."""
    matrix, seconds = tf.random.uniform((side, side)), []
    for _ in range(repeats):
        start = time.perf_counter()
        tf.linalg.matmul(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds)


def limit(base, table):
    """The row of the machine's limit."""
    what, plain, n = table["what"][0], table["seconds"][0], table["items"][0]
    seconds = n * operations(base) / peak()
    row = {"what": what, "way": "limit of float32", "items": n, "seconds": seconds, "per second": n / seconds}
    return show(pd.DataFrame([row | {"plain / this": plain / seconds}]))


def main():
    tables = []
    for name, (pixels, n) in NETWORKS.items():
        images = np.random.default_rng(0).integers(0, 256, (n, pixels, pixels, 1), np.uint8)
        base = base_of(name, pixels)
        ways = {"Model.predict": lambda base=base, images=images: base.predict(images, batch_size=32, verbose=0)}
        for engine, options in engines().items():
            deep = dhl.DeepFeatures(base, **options)
            ways[engine] = lambda deep=deep, images=images: deep.transform(images)
        tables.append(compare(f"features, {name}", n, ways, repeats=9))
        tables.append(limit(base, tables[-1]))
    keep("extraction", tables)


if __name__ == "__main__":
    main()
