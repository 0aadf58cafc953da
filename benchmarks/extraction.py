"""Images to features: each engine of `DeepFeatures` against `Model.predict` of Keras; random weights are as fast."""

import importlib.util

import numpy as np
from measure import compare, keep

import dhl_helpers as dhl

NETWORKS = {"DenseNet121, 224 pixels": (224, 64), "CNN of the article, 96 pixels": (96, 1024)}  # pixels, images


def base_of(name, pixels):
    """The network that is measured, without its dense layers."""
    if name.startswith("CNN"):
        return dhl.conv_base(dhl.build_cnn((pixels, pixels, 1), 3))
    return dhl.pretrained_base(name.split(",")[0], (pixels, pixels, 1))


def engines():
    """Those that are installed, by the name in the table."""
    found = {"DeepFeatures": {}}
    if importlib.util.find_spec("openvino"):
        found |= {f"DeepFeatures, {engine}": {"engine": engine} for engine in ("openvino", "openvino-bf16")}
    return found


def main():
    tables = []
    for name, (pixels, n) in NETWORKS.items():
        images = np.random.default_rng(0).integers(0, 256, (n, pixels, pixels, 1), np.uint8)
        base = base_of(name, pixels)
        ways = {"Model.predict": lambda base=base, images=images: base.predict(images, batch_size=32, verbose=0)}
        for engine, options in engines().items():
            deep = dhl.DeepFeatures(base, **options)
            ways[engine] = lambda deep=deep, images=images: deep.transform(images)
        tables.append(compare(f"features, {name}", n, ways))
    keep("extraction", tables)


if __name__ == "__main__":
    main()
