"""The models that the benchmark compares."""

from typing import NamedTuple

NETWORKS = ("article CNN", "strong CNN")
BASES = ("untrained CNN", *NETWORKS, "handcrafted", "untrained CNN + handcrafted", "strong CNN + handcrafted",
         "simulated", "simulated + handcrafted")
HEADS = ("logistic", "random_forest", "adaboost", "xgboost", "svm")


class Model(NamedTuple):
    """One model of the benchmark; its fields are the key of its rows in the table.

    Attributes
    ----------
    base : str
        What makes the features; two joined by " + " stand side by side.
    head : str
        What decides on them; "softmax" is the network's own.
    treatment : str
        Of the imbalance: "nothing", "class weight", "SMOTE" or "focal loss".
    seed : int
    """

    base: str
    head: str
    treatment: str
    seed: int

    def __str__(self):
        return " / ".join(map(str, self))


def joined(base):
    """list of str: the bases whose features stand side by side in `base`."""
    return base.split(" + ")


def plan(seeds, heads, pretrained=""):
    """Every model of the benchmark, in the order of their making: list of Model.

    First what is compared most, for every seed; last the networks' own treatments, each a training of its own.

    Parameters
    ----------
    seeds : int
        Seeds 0 to `seeds` - 1.
    heads : list of str
    pretrained : str
        One more base, a network of keras.applications; none when empty.
    """
    bases = [*BASES, *filter(None, [pretrained])]
    plain = [(network, "softmax", "nothing") for network in NETWORKS]
    plain += [(base, head, "nothing") for base in bases for head in heads]
    treated = [(base, head, way) for base in bases for head in heads for way in ("class weight", "SMOTE")]
    again = [(network, "softmax", way) for network in NETWORKS for way in ("class weight", "focal loss")]
    return [Model(*each, seed) for models in (plain, treated, again) for seed in range(seeds) for each in models]
