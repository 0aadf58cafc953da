"""Features to a fitted head: those of the course against dense layers, and all cores against one."""

import numpy as np
from measure import compare, keep
from sklearn.base import clone

import dhl_helpers as dhl

N, D, EPOCHS = 1000, 512, 24  # images, features, passes of the dense layers


def dense_layers(X, y):
    """Train what DHL replaces, on the same features."""
    from dhl_helpers._keras import keras

    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(3, "softmax")]
    network = keras.Sequential([keras.Input((D,)), *layers])
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(X, y, batch_size=32, epochs=EPOCHS, verbose=0)


def main():
    rng = np.random.default_rng(0)
    y = rng.choice(3, N, p=[0.68, 0.24, 0.08])
    X = (rng.normal(size=(N, D)) + 0.2 * y[:, None]).astype(np.float32)
    ways = {f"dense layers, {EPOCHS} epochs": lambda: dense_layers(X, y)}
    for name in ("logistic", "adaboost", "random_forest", "xgboost", "svm"):
        head = dhl.make_head(name)
        ways[name] = lambda head=head: clone(head).fit(X, y)
    tables = [compare(f"heads, {N} images of {D} features", 1, ways)]
    for name in ("random_forest", "xgboost"):
        ways = {}
        for cores, jobs in (("one core", 1), ("all cores", -1)):
            head = dhl.make_head(name).set_params(n_jobs=jobs)
            ways[cores] = lambda head=head: clone(head).fit(X, y)
        tables.append(compare(f"heads, {name}", 1, ways))
    keep("heads", tables)


if __name__ == "__main__":
    main()
