"""What the files of a kept pipeline may hold, checked before Keras, XGBoost or scikit-learn see them.

Their compiled code follows the indices and sizes in such a file without looking: a forged child of a tree ends the
process, a forged layer takes all memory. Here sizes come before parsing, and structure comes before building. This
module holds what the checks share; `pipeline_network` and `pipeline_heads` know the formats.
"""

import zipfile

import numpy as np

MOST_BYTES = 2**30  # of one file, also once unpacked
MOST_TEXT = 2**26  # of a description in JSON; a forest of 300 trees has 9 MB


def members(content, most):
    """The unpacked sizes of a zip archive's members, and the archive; ValueError if it is too large or ambiguous."""
    archive = zipfile.ZipFile(content)
    sizes = {each.filename: each.file_size for each in archive.infolist()}
    if len(sizes) != len(archive.infolist()):
        raise ValueError("it holds two files of one name")
    if sum(sizes.values()) > most or len(sizes) > 10**5:
        raise ValueError(f"unpacked it has {sum(sizes.values())} bytes, more than {most}")
    return sizes, archive


def check_card(card):
    """Check what `load_pipeline` and `predict` take from a card; ValueError, TypeError or KeyError if it is wrong."""
    names, image, point, trained = card["classes"], card["image"], card["operating_point"], card["trained_on"]
    thresholds = np.asarray(point["threshold"], np.float64)
    fitting = (len(names),) if card["multilabel"] else ()
    side, colour = trained["smallest shorter side, pixels"], trained["share in colour"]
    versions, steps, features = card["versions"], card["steps"], card.get("features", {})
    height, width, channels = image["shape"]
    batch, depth = features.get("batch_size"), image.get("depth")
    rules = {
        "classes": 0 < len(names) <= 1000 and all(isinstance(name, str) for name in names),
        "image": all(type(side) is int and 1 <= side <= 4096 for side in (height, width)),
        "size": type(image["size"]) is int and image["size"] == height == width or image["size"] is None,
        "channels": type(channels) is int and channels == image["channels"] and channels in (1, 3),
        "depth": depth is None or type(depth) is int and 1 <= depth <= 32,
        "features": features.keys() <= {"engine", "storage", "batch_size"}
        and all(isinstance(features.get(name, ""), str) for name in ("engine", "storage"))
        and (batch is None or type(batch) is int and 1 <= batch <= 2**16),
        "threshold": thresholds.shape == fitting and np.isfinite(thresholds).all(),
        "texts": all(isinstance(text, str) for text in (card["notice"], point["chosen"], trained["name"])),
        "counts": all(type(trained[what]) is int for what in ("images", "patients")),
        "looks": (side is None or type(side) is int) and (colour is None or 0 <= colour <= 1),
        "versions": all(isinstance(text, str) for pair in versions.items() for text in pair),
        "steps": 2 <= len(steps) <= 100 and all(isinstance(each, (str, list)) for each in steps),
    }
    if wrong := [what for what, holds in rules.items() if not holds]:
        raise ValueError(", ".join(wrong))


def nodes(value):
    """All dictionaries in a JSON value."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
        waiting.extend(each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())


def check_tree(left, right, feature, n_features):
    """Check the nodes of one decision tree: each but the first is the child of one other node, features exist.

    Parameters
    ----------
    left, right, feature : ndarray of int, shape (nodes,)
        Both children are negative in a leaf.
    n_features : int

    Raises
    ------
    ValueError
    """
    inner = left >= 0
    children = np.concatenate([left[inner], right[inner]])
    if not len(left) or ((right >= 0) != inner).any() or len(np.unique(children)) != len(children):
        raise ValueError("a tree whose nodes are no tree")
    if len(children) and not (0 < children.min() and children.max() < len(left)):
        raise ValueError(f"a tree with a child that is none of its {len(left)} nodes")
    if not ((feature[inner] >= 0) & (feature[inner] < n_features)).all():
        raise ValueError(f"a tree that asks for a feature beyond its {n_features}")
