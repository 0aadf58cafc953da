"""The heads of a kept pipeline, checked before XGBoost and scikit-learn see them: every index within its array."""

import json

import numpy as np
import skops.io
from sklearn.base import BaseEstimator

from .pipeline_checks import MOST_BYTES, MOST_TEXT, check_tree, members, nodes

LOADERS = set(
    "ObjectNode DictNode ListNode TupleNode SetNode JsonNode NdArrayNode TypeNode TreeNode DTypeNode RandomStateNode "
    "RandomGeneratorNode SliceNode FunctionNode".split()
)
ESTIMATORS = set(
    "AdaBoostClassifier BaggingClassifier Binarizer DecisionTreeClassifier DummyClassifier "
    "ExtraTreeClassifier ExtraTreesClassifier FactorAnalysis GaussianNB IncrementalPCA KBinsDiscretizer LabelEncoder "
    "LabelBinarizer LinearDiscriminantAnalysis LogisticRegression LogisticRegressionCV MaxAbsScaler MinMaxScaler "
    "MLPClassifier Normalizer OneHotEncoder PCA Pipeline PowerTransformer QuadraticDiscriminantAnalysis "
    "QuantileTransformer RandomForestClassifier RobustScaler SelectFromModel SelectKBest SelectPercentile "
    "SimpleImputer StandardScaler TruncatedSVD VarianceThreshold Bunch".split()
)  # computed by NumPy, or trees, which are checked here
INTEGERS = ("left_children", "right_children", "split_indices", "split_type", "parents", "default_left")
NUMBERS = ("base_weights", "split_conditions", "loss_changes", "sum_hessian")


def _need(holds, what):
    if not holds:
        raise ValueError(what)


# XGBoost


def check_xgboost(text):
    """Check a booster of trees in XGBoost's JSON.

    Parameters
    ----------
    text : bytes

    Returns
    -------
    bytearray
        The same, written anew: what was checked is what XGBoost reads.

    Raises
    ------
    ValueError, KeyError, TypeError
    """
    _need(len(text) <= MOST_TEXT, f"it has {len(text)} bytes, more than {MOST_TEXT}")
    document = json.loads(text)
    learner = document["learner"]
    about, booster = learner["learner_model_param"], learner["gradient_booster"]
    n_features, groups = int(about["num_feature"]), max(1, int(about["num_class"]))
    _need(0 < n_features < 10**7 and groups <= 1000 and int(about["num_target"]) == 1, "sizes that make no sense")
    scores = about["base_score"]
    scores = json.loads(scores) if isinstance(scores, str) else scores
    scores = scores if isinstance(scores, list) else [scores]
    _need(len(scores) in (1, groups), "a base score for another number of classes")
    _need(learner["objective"]["name"] in ("binary:logistic", "multi:softprob"), "an objective of another task")
    told = {int(node["num_class"]) for node in nodes(learner["objective"]) if "num_class" in node}
    _need(told <= {groups}, "an objective of other classes")
    _need(booster["name"] == "gbtree", f"a booster {booster['name']!r} instead of trees")
    model = booster["model"]
    trees, steps = model["trees"], np.array(model["iteration_indptr"])
    _need(int(model["gbtree_model_param"]["num_trees"]) == len(trees) > 0, "another number of trees")
    _need(not any(model.get("cats", {}).values()), "categories")
    _need(steps[0] == 0 and steps[-1] == len(trees) and (np.diff(steps) > 0).all(), "rounds that are not of its trees")
    classes = np.array(model["tree_info"])
    _need(classes.shape == (len(trees),) and ((classes >= 0) & (classes < groups)).all(), "trees of other classes")
    for number, tree in enumerate(trees):
        size = int(tree["tree_param"]["num_nodes"])
        columns = {name: np.array(tree[name]) for name in (*INTEGERS, *NUMBERS)}
        _need(all(column.shape == (size,) for column in columns.values()), "a tree with arrays of different length")
        _need(all(columns[name].dtype.kind in "ib" for name in INTEGERS), "a tree with fractions for indices")
        _need(tree["id"] == number and int(tree["tree_param"]["num_feature"]) == n_features, "a foreign tree")
        _need(int(tree["tree_param"].get("size_leaf_vector", 1)) <= 1, "leaves of several values")
        _need(not columns["split_type"].any() and not tree.get("categories"), "categories")
        left, right = columns["left_children"], columns["right_children"]
        _need((left >= -1).all() and (right >= -1).all(), "a tree with a child below none")
        check_tree(left, right, columns["split_indices"], n_features)
        inner, parents = np.flatnonzero(left >= 0), columns["parents"]
        fitting = (parents[left[inner]] == inner) & (parents[right[inner]] == inner)
        _need(fitting.all(), "a tree whose parents are not those of its children")
    return bytearray(json.dumps(document).encode())


# scikit-learn by skops


def check_skops(content):
    """Check a scikit-learn object in skops' format before it is built; ValueError, KeyError or TypeError."""
    sizes, archive = members(content, MOST_BYTES)
    _need(sizes["schema.json"] <= MOST_TEXT, f"its description has {sizes['schema.json']} bytes")
    for name in sizes.keys() - {"schema.json"}:
        with archive.open(name) as file:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, _, dtype = read(file)
            _need(not dtype.hasobject, f"{name} holds objects")
            _need(int(np.prod(shape, dtype=object)) * dtype.itemsize == sizes[name] - file.tell(), f"{name} is cut")
    schema, known = json.loads(archive.read("schema.json")), {}
    for node in nodes(schema):
        if "__loader__" not in node:
            continue
        loader, kind = node["__loader__"], (node["__module__"], node["__class__"])
        _need(loader in LOADERS, f"a {loader}")
        own = kind[0].startswith("sklearn.") or kind == ("dhl_helpers.heads", "AdaBoostClassifier")
        _need(loader != "ObjectNode" or (own and (kind[1] in ESTIMATORS or kind[1].startswith("_"))), ".".join(kind))
        _need(loader != "FunctionNode" or kind[0].startswith("sklearn.feature_selection."), f"function {kind[1]}")
        number = node.get("__id__")  # skops builds the first node of each number, so the others must be the same
        _need(number is None or _same(known.setdefault(number, node), node), "two objects of one number")
        if loader == "TreeNode":
            _check_tree_node(node, archive)


def _same(one, other):
    """Whether two nodes are equal but for the numbers inside them."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() - {"__id__"}
        return keys == other.keys() - {"__id__"} and all(_same(one[key], other[key]) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


def _check_tree_node(node, archive):
    """scikit-learn copies as many nodes as it is told, and follows their children."""

    def array(node):
        _need(node["__loader__"] == "NdArrayNode" and node["type"] == "numpy", "a tree without arrays")
        return np.load(archive.open(node["file"]), allow_pickle=False)

    def number(node):
        value = json.loads(node["content"])
        _need(node["__loader__"] == "JsonNode" and type(value) is int, "a tree without numbers")
        return value

    features, classes, outputs = node["__reduce__"]["args"]["content"]
    n_features, n_outputs, n_classes = number(features), number(outputs), array(classes)
    state = node["content"]["content"]
    found, values = array(state["nodes"]), array(state["values"])
    _need(n_outputs == 1 and n_classes.shape == (1,) and n_classes.dtype == np.intp, "a tree of several outputs")
    _need(0 < n_features < 10**7 and number(state["node_count"]) == len(found) > 0, "a tree of another size")
    _need(found.ndim == 1 and values.shape == (len(found), 1, n_classes[0]), "a tree of another shape")
    _need(values.dtype == np.float64 and values.flags.c_contiguous, "a tree with values of another type")
    _need(0 <= number(state["max_depth"]) <= len(found), "a tree deeper than its nodes")
    check_tree(found["left_child"], found["right_child"], found["feature"], n_features)


def check_estimator(estimator):
    """Check that the parts of a loaded estimator fit each other, where its compiled code takes that for granted."""
    classes = getattr(estimator, "classes_", None)
    if hasattr(estimator, "n_classes_"):
        _need(classes is not None and np.ndim(estimator.n_classes_) == 0, "several outputs")
        _need(int(estimator.n_classes_) == len(classes) <= 1000, "another number of classes")
    _need(getattr(estimator, "n_outputs_", 1) == 1, "several outputs")
    jobs = getattr(estimator, "n_jobs", None)  # so many threads are started
    _need(jobs is None or (type(jobs) is int and -64 <= jobs <= 64), f"n_jobs={jobs!r}")
    if hasattr(estimator, "tree_"):
        tree = estimator.tree_
        _need(tree.n_features == estimator.n_features_in_, "a tree of other features")
        _need(tree.max_n_classes == estimator.n_classes_, "a tree of other classes")
    for part in _parts(estimator):
        if hasattr(estimator, "estimators_") and not hasattr(estimator, "steps"):
            _need(getattr(part, "n_features_in_", None) in (None, estimator.n_features_in_), "trees of other features")
        check_estimator(part)


def _parts(estimator):
    """The estimators inside another one."""
    waiting = list(vars(estimator).values()) if hasattr(estimator, "__dict__") else []
    while waiting:
        each = waiting.pop()
        if isinstance(each, (list, tuple, set)):
            waiting.extend(each)
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, np.ndarray) and each.dtype == object:
            waiting.extend(each.ravel())
        elif isinstance(each, BaseEstimator) or type(each).__module__.startswith("sklearn.calibration"):
            yield each


def load_skops(content, trusted):
    """The scikit-learn object in these bytes, checked before and after it is built."""
    check_skops(content)
    content.seek(0)
    estimator = skops.io.load(content, trusted=trusted)
    check_estimator(estimator)
    return estimator
