"""Forged pipelines whose checksums are right: refused in words before compiled code follows their indices or sizes."""

import io
import json
import os
import shutil
import zipfile

import h5py
import numpy as np
import pytest
import skops.io
from helpers import radiographs, refused
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from test_pipeline import forge

import dhl_helpers as dhl
from dhl_helpers import pipeline_checks, pipeline_files, pipeline_network, signature
from dhl_helpers.__main__ import main
from dhl_helpers._keras import keras

X = np.random.default_rng(0).standard_normal((60, 5))
Y = np.arange(60) % 3


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """A folder with a fitted head of each kind, small."""
    folder = tmp_path_factory.mktemp("heads")
    for name in ("random_forest", "adaboost", "xgboost", "logistic"):
        head = dhl.make_head(name)
        if name != "logistic":
            head.set_params(n_estimators=4)
        pipeline_files.write(head.fit(X, Y), folder / name)
    pipeline_files.write(StandardScaler().fit(X), folder / "scaler")
    return folder


def repacked(file, to, change):
    """A copy of a zip archive in which `change` has been made to the bytes of each member, by name."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return to


def trees(change):
    """Change the nodes of each tree of scikit-learn."""

    def of(name, content):
        if name.endswith(".npy"):
            array = np.load(io.BytesIO(content))
            if array.dtype.names and "left_child" in array.dtype.names:
                change(array)
                file = io.BytesIO()
                np.save(file, array)
                return file.getvalue()
        return content

    return of


def schema(change):
    """Change the description of skops."""

    def of(name, content):
        if name != "schema.json":
            return content
        document = json.loads(content)
        changed = 0
        for node in list(pipeline_checks.nodes(document)):
            changed += bool(change(node))
        assert changed, "nothing was forged"
        return json.dumps(document).encode()

    return of


def setting(name, text):
    """Give an attribute another value in the description."""

    def change(node):
        if isinstance(node.get(name), dict) and node[name].get("__loader__") == "JsonNode":
            node[name]["content"], node[name]["__id__"] = text, None
            return True

    return schema(change)


def first(array, **values):
    for name, value in values.items():
        array[name][0] = value


TREES = {
    "far away": lambda nodes: first(nodes, left_child=2**40, right_child=2**40 + 1),
    "just outside": lambda nodes: first(nodes, left_child=len(nodes)),
    "its own parent": lambda nodes: first(nodes, left_child=0),
    "both children the same": lambda nodes: first(nodes, left_child=1, right_child=1),
    "one child": lambda nodes: first(nodes, right_child=-1),
    "another feature": lambda nodes: first(nodes, feature=5),
    "a feature far away": lambda nodes: first(nodes, feature=2**40),
    "a feature below none": lambda nodes: first(nodes, feature=-3),
}


@pytest.mark.parametrize("head", ["random_forest", "adaboost"])
@pytest.mark.parametrize("what", TREES)
def test_forged_trees(what, head, heads, tmp_path):
    repacked(heads / f"{head}.skops", tmp_path / "x.skops", trees(TREES[what]))
    with refused("x.skops: refused (ValueError: a tree", "Save the pipeline again"):
        pipeline_files.read(tmp_path, "x.skops")


def test_a_loop_deep_in_a_tree(heads, tmp_path):
    def loop(nodes):
        inner = np.flatnonzero(nodes["left_child"] >= 0)
        nodes["left_child"][inner[-1]] = inner[len(inner) // 2]

    repacked(heads / "random_forest.skops", tmp_path / "x.skops", trees(loop))
    with refused("a tree whose nodes are no tree"):
        pipeline_files.read(tmp_path, "x.skops")


def other_array(node):
    """Say that the nodes of a tree have the number of an array that was read before."""
    if node.get("__loader__") == "TreeNode":
        node["content"]["content"]["nodes"]["__id__"] = node["content"]["content"]["values"]["__id__"]
        return True


def dangling(loader, **values):
    def change(node):
        if node.get("__loader__") == loader:
            node.update(values)
            return True

    return schema(change)


SCHEMAS = {
    "more nodes than there are": setting("node_count", "100000000"),
    "negative nodes": setting("node_count", "-1"),
    "fractions of nodes": setting("node_count", "3.5"),
    "deeper than its nodes": setting("max_depth", "1000000000"),
    "two objects of one number": schema(other_array),
    "more classes": setting("n_classes_", "10000000000"),
    "other features": setting("n_features_in_", "4"),
    "several outputs": setting("n_outputs_", "2"),
    "endless threads": setting("n_jobs", "1000000000"),
    "a sampler": dangling("ObjectNode", __class__="SMOTE", __module__="imblearn.over_sampling._smote.base"),
    "a method": dangling("TypeNode", __loader__="MethodNode"),
    "a class of somebody": dangling("ObjectNode", __module__="os.path"),
    "another estimator": dangling("ObjectNode", __class__="KNeighborsClassifier", __module__="sklearn.neighbors"),
}


@pytest.mark.parametrize("what", SCHEMAS)
def test_forged_descriptions(what, heads, tmp_path):
    repacked(heads / "random_forest.skops", tmp_path / "x.skops", SCHEMAS[what])
    with refused("x.skops: refused ("):
        pipeline_files.read(tmp_path, "x.skops")


def test_a_tree_of_several_outputs(heads, tmp_path):
    """Its number of classes is read from an array as long as it claims to have outputs."""

    def change(node):
        if node.get("__loader__") == "TreeNode":
            node["__reduce__"]["args"]["content"][2] |= {"content": "1000000000", "__id__": None}
            return True

    repacked(heads / "random_forest.skops", tmp_path / "x.skops", schema(change))
    with refused("a tree of several outputs"):
        pipeline_files.read(tmp_path, "x.skops")


def test_a_bomb_is_not_unpacked(heads, tmp_path, monkeypatch):
    monkeypatch.setattr("dhl_helpers.pipeline_heads.MOST_BYTES", 10**6)
    with zipfile.ZipFile(tmp_path / "x.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("1.npy", bytes(2 * 10**6))
    with refused("unpacked it has 2000002 bytes, more than 1000000"):
        pipeline_files.read(tmp_path, "x.skops")
    monkeypatch.setattr("dhl_helpers.pipeline_heads.MOST_TEXT", 1000)
    for name in ("xgboost.json", "random_forest.skops"):
        with refused(f"{name}: refused (ValueError: it", "bytes"):
            pipeline_files.read(heads, name)


@pytest.mark.parametrize("shape", ["(10000000000,)", "(1000000, 1000000)", "(3,)"])
def test_an_array_larger_than_its_file(shape, heads, tmp_path):
    def change(name, content):
        if not name.endswith(".npy"):
            return content
        file = io.BytesIO()
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
        file.write(b"\x93NUMPY\x01\x00" + len(header.ljust(117) + "\n").to_bytes(2, "little"))
        file.write((header.ljust(117) + "\n").encode() + bytes(16))
        return file.getvalue()

    repacked(heads / "scaler.skops", tmp_path / "x.skops", change)
    with refused("is cut"):
        pipeline_files.read(tmp_path, "x.skops")


# XGBoost


def booster(change):
    def of(document):
        model = document["learner"]["gradient_booster"]["model"]
        change(document["learner"], model, model["trees"][0])

    return of


BOOSTERS = {
    "its own parent": booster(lambda all, model, tree: item(tree, "left_children", 0)),
    "both its own parent": booster(lambda all, model, tree: tree.update(left_children=[0], right_children=[0])),
    "far away": booster(lambda all, model, tree: item(tree, "left_children", 2**30)),
    "just outside": booster(lambda all, model, tree: item(tree, "left_children", len(tree["parents"]))),
    "below none": booster(lambda all, model, tree: item(tree, "left_children", -7)),
    "fractions": booster(lambda all, model, tree: item(tree, "left_children", 1.5)),
    "one child": booster(lambda all, model, tree: item(tree, "right_children", -1)),
    "another feature": booster(lambda all, model, tree: item(tree, "split_indices", 5)),
    "a feature far away": booster(lambda all, model, tree: item(tree, "split_indices", 2**31 - 1)),
    "other parents": booster(lambda all, model, tree: item(tree, "parents", 2**30, 1)),
    "fewer conditions": booster(lambda all, model, tree: tree["split_conditions"].pop()),
    "no default": booster(lambda all, model, tree: tree["default_left"].pop()),
    "more nodes": booster(lambda all, model, tree: tree["tree_param"].update(num_nodes="1000000000")),
    "no nodes": booster(lambda all, model, tree: tree["tree_param"].update(num_nodes="0")),
    "more features": booster(lambda all, model, tree: item(all, "learner_model_param", "2000000000", "num_feature")),
    "fewer features": booster(lambda all, model, tree: item(all, "learner_model_param", "1", "num_feature")),
    "more classes": booster(lambda all, model, tree: item(all, "learner_model_param", "2000000000", "num_class")),
    "fewer classes": booster(lambda all, model, tree: item(all, "learner_model_param", "2", "num_class")),
    "several targets": booster(lambda all, model, tree: item(all, "learner_model_param", "7", "num_target")),
    "a class far away": booster(lambda all, model, tree: item(model, "tree_info", 2**20)),
    "more trees": booster(lambda all, model, tree: model["gbtree_model_param"].update(num_trees="99999999")),
    "no trees": booster(lambda all, model, tree: model["trees"].clear()),
    "rounds beyond the trees": booster(lambda all, model, tree: item(model, "iteration_indptr", 10**6, -1)),
    "rounds backwards": booster(lambda all, model, tree: item(model, "iteration_indptr", -3)),
    "another booster": booster(lambda all, model, tree: all["gradient_booster"].update(name="gblinear")),
    "another number in the objective": booster(
        lambda all, model, tree: item(all["objective"], "softmax_multiclass_param", "2000000000", "num_class")
    ),
    "another task": booster(lambda all, model, tree: all["objective"].update(name="rank:pairwise")),
    "categories": booster(lambda all, model, tree: (item(tree, "split_type", 1), tree["categories"].append(9))),
    "leaves of vectors": booster(lambda all, model, tree: tree["tree_param"].update(size_leaf_vector="1000")),
    "text": booster(lambda all, model, tree: tree.update(parents="none")),
    "nothing": lambda document: document.clear(),
}  # fmt: skip


def item(values, name, value, place=0):
    values[name][place] = value


@pytest.mark.parametrize("what", BOOSTERS)
def test_forged_boosters(what, heads, tmp_path):
    document = json.loads((heads / "xgboost.json").read_text())
    BOOSTERS[what](document)
    (tmp_path / "x.json").write_text(json.dumps(document))
    with refused("x.json: refused ("):
        pipeline_files.read(tmp_path, "x.json")


def test_deep_or_large_json(tmp_path):
    (tmp_path / "x.json").write_text("[" * 10**6)
    with refused("x.json: refused (RecursionError"):
        pipeline_files.read(tmp_path, "x.json")


@pytest.mark.parametrize("name", ["random_forest", "adaboost", "xgboost", "logistic"])
def test_what_is_true_is_read_to_the_last_bit(name, heads):
    head = dhl.make_head(name)
    if name != "logistic":
        head.set_params(n_estimators=4)
    suffix = "json" if name == "xgboost" else "skops"
    found = pipeline_files.read(heads, f"{name}.{suffix}").predict_proba(X)
    assert np.array_equal(found, head.fit(X, Y).predict_proba(X))


# Networks


def network(folder, change_config=None, change_weights=None, name="x.keras"):
    """A small network whose description or weights file is changed."""
    layers = [keras.Input((32, 32, 1)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    keras.Sequential(layers).save(folder / "whole.keras")

    def change(member, content):
        if member == "config.json" and change_config:
            document = json.loads(content)
            change_config(document)
            return json.dumps(document).encode()
        if member == "model.weights.h5" and change_weights:
            (folder / "w.h5").write_bytes(content)
            with h5py.File(folder / "w.h5", "r+") as file:
                change_weights(file)
            return (folder / "w.h5").read_bytes()
        return content

    return repacked(folder / "whole.keras", folder / name, change)


def layer(number, **values):
    return lambda document: document["config"]["layers"][number]["config"].update(values)


def resized(document):
    for side in (32, 10**5):
        config = {"height": side, "width": side, "name": f"resized to {side}"}
        added = {"module": "keras.layers", "class_name": "Resizing", "registered_name": None, "config": config}
        document["config"]["layers"].insert(1, added)


def many(document):
    document["config"]["layers"] += document["config"]["layers"][-1:] * pipeline_network.MOST_LAYERS


CONFIGS = {
    "a large layer": (layer(3, units=10**9), "more parameters than the"),
    "a layer of endless size": (layer(3, units=10**30), "more parameters than the"),
    "a large convolution": (layer(1, kernel_size=[10**5, 10**5]), ""),
    "many filters": (layer(1, filters=10**9), "more parameters than the"),
    "a negative size": (layer(3, units=-5), ""),
    "large outputs": (resized, "has outputs of shape"),
    "too many layers": (many, f"layers, more than {pipeline_network.MOST_LAYERS}"),
    "a long name": (layer(3, name="x" * (pipeline_network.MOST_CONFIG + 1)), "the description of the network has"),
    "a layer with a file": (lambda document: document["config"]["layers"][3].update(class_name="StringLookup"),
                            "'StringLookup' of 'keras.layers' is none that a kept pipeline may have"),
    "saved elsewhere": (lambda document: document["config"]["layers"][3].update(class_name="TFSMLayer"), "'TFSMLayer'"),
    "no module": (lambda document: document["config"]["layers"][3].update(module=None), "is none that a kept pipeline"),
    "its own class": (lambda document: document.update(module="os", class_name="system"), "'system' of 'os'"),
}  # fmt: skip


@pytest.mark.parametrize("what", CONFIGS)
def test_forged_descriptions_of_networks(what, tmp_path):
    change, words = CONFIGS[what]
    network(tmp_path, change)
    with refused("x.keras: refused (", words):
        pipeline_files.read(tmp_path, "x.keras")
    assert keras.layers.Dense(3)(np.zeros((1, 2))).shape == (1, 3), "Keras is as it was"


def smaller(file):
    name = next(name for name in every(file) if file[name].ndim == 2)
    shape = file[name].shape
    del file[name]
    file.create_dataset(name, data=np.zeros((shape[0] - 1, shape[1]), np.float32))


def hollow(file):
    """An array of 40 GB of which nothing is stored."""
    name = every(file)[0]
    del file[name]
    file.create_dataset(name, shape=(10**10,), dtype=np.float32, chunks=(10**6,))


def squeezed(file):
    name = every(file)[0]
    content = file[name][:]
    del file[name]
    file.create_dataset(name, data=content, compression="gzip")


def elsewhere(file):
    name = every(file)[0]
    del file[name]
    file[name] = h5py.ExternalLink("/etc/passwd", "x")


def outside(file):
    name = every(file)[0]
    shape = file[name].shape
    del file[name]
    file.create_dataset(name, shape=shape, dtype=np.float32, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def every(file):
    names = []
    file.visititems(lambda name, each: names.append(name) if isinstance(each, h5py.Dataset) else None)
    return names


WEIGHTS = {"smaller": (smaller, ""), "hollow": (hollow, "not stored as they are"),
           "squeezed": (squeezed, "not stored as they are"), "elsewhere": (elsewhere, "lie in another file"),
           "outside": (outside, "not stored as they are"),
           "none": (lambda file: file.clear(), "more parameters")}  # fmt: skip


@pytest.mark.parametrize("what", WEIGHTS)
def test_forged_weights(what, tmp_path):
    change, words = WEIGHTS[what]
    network(tmp_path, change_weights=change)
    with refused("x.keras: refused (", words):
        pipeline_files.read(tmp_path, "x.keras")


def test_a_network_with_another_file_in_it_or_a_file_twice(tmp_path):
    for name in ("assets/x", "config.json"):
        network(tmp_path)
        with pytest.warns(UserWarning) if name == "config.json" else pytest.MonkeyPatch.context():
            with zipfile.ZipFile(tmp_path / "x.keras", "a") as archive:
                archive.writestr(name, "{}")
        with refused("it holds"):
            pipeline_files.read(tmp_path, "x.keras")


@pytest.mark.parametrize("name, options", [
    ("simulated", {}), ("EfficientNetLite0", {}), ("EfficientNetLite0", {"cut": "stages"}), ("MobileNetV2", {}),
    ("DenseNet121", {}), ("EfficientNetB0", {}), ("ConvNeXtTiny", {}),
])  # fmt: skip
def test_the_bases_of_the_course_pass(name, options, tmp_path):
    base = dhl.pretrained_base(name, (64, 64, 1), weights=None, **options)
    kept = pipeline_files.write(dhl.DeepFeatures(base), tmp_path / "0")
    again = pipeline_files.read(tmp_path, kept).base
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 1)).astype(np.float32)
    assert np.abs(np.asarray(again(images)) - np.asarray(base(images))).max() < 1e-5


def test_a_network_that_could_not_be_loaded_is_not_saved(tmp_path):
    base = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Lambda(lambda x: x), keras.layers.Flatten()])
    with refused("This network cannot be kept", "Lambda"):
        pipeline_files.write(dhl.DeepFeatures(base), tmp_path / "0")


# The whole pipeline


@pytest.fixture(scope="module")
def data():
    return radiographs(np.arange(36) % 3, np.arange(36) // 2, size=76)


@pytest.fixture(scope="module")
def original(tmp_path_factory, data, cnn):
    folder = tmp_path_factory.mktemp("forged") / "pipeline"
    model = make_pipeline(dhl.DeepFeatures(dhl.conv_base(cnn)), StandardScaler(), dhl.make_head("logistic"))
    dhl.save_pipeline(folder, model.fit(data.images, data.labels), data, 0.5)
    return folder


@pytest.fixture
def kept(original, tmp_path):
    return shutil.copytree(original, tmp_path / "pipeline")


@pytest.mark.parametrize("change", [
    {"size": 10**6}, {"size": 76.0}, {"channels": 2}, {"size": 75}, {"shape": [10**6, 10**6, 1]}, {"shape": [76, 76]},
    {"shape": [76, 76, -1]}, {"shape": None}, {"depth": 10**9}, {"depth": "8"},
])  # fmt: skip
def test_a_card_with_impossible_images(kept, change):
    card = json.loads((kept / "pipeline.json").read_text(encoding="utf-8"))
    forge(kept, image=card["image"] | change)
    with refused("pipeline.json: not the card of a pipeline"):
        dhl.load_pipeline(kept, trust=True)


@pytest.mark.parametrize("change", [
    {"classes": []}, {"classes": [1, 2, 3]}, {"classes": 3}, {"operating_point": {"threshold": "high", "chosen": ""}},
    {"operating_point": {"threshold": [0.5], "chosen": ""}}, {"operating_point": 7}, {"multilabel": True},
    {"features": {"cache_dir": "/"}}, {"features": {"batch_size": 10**9}}, {"features": {"engine": ["tensorflow"]}},
    {"trained_on": {}}, {"versions": []}, {"notice": None}, {"image": []},
])  # fmt: skip
def test_a_card_of_another_form(kept, change):
    forge(kept, **change)
    with refused("pipeline.json: not the card of a pipeline"):
        dhl.load_pipeline(kept, trust=True)


def test_a_pipe_is_not_waited_for(kept):
    (kept / "pipeline.json").unlink()
    os.mkfifo(kept / "pipeline.json")
    with refused("pipeline.json: not the card of a pipeline"):
        dhl.load_pipeline(kept)


@pytest.mark.parametrize("step", [
    StandardScaler().fit(X), MinMaxScaler().fit(X), PCA(3).fit(X), LogisticRegression().fit(X, Y),
])  # fmt: skip
def test_steps_of_other_shapes(kept, step):
    skops.io.dump(step, kept / "1.skops")
    forge(kept)
    with refused("its parts do not fit together"):
        dhl.load_pipeline(kept, trust=True)


def test_a_calibrator_is_no_step_that_is_kept(tmp_path):
    head = CalibratedClassifierCV(LogisticRegression(), cv=2).fit(X, Y)
    with refused("CalibratedClassifierCV cannot be kept without a pickle"):
        pipeline_files.write(head, tmp_path / "1")
    (tmp_path / "1.skops").write_bytes(skops.io.dumps(head))
    with refused("1.skops: refused ("):
        pipeline_files.read(tmp_path, "1.skops")


# Whose it is


@pytest.fixture
def elsewhere_key(tmp_path, monkeypatch):
    """Another user."""
    monkeypatch.setenv("DHL_DATA", str(tmp_path / "other"))


def test_ones_own_pipeline_is_opened_without_trust(kept):
    text = (kept / "pipeline.json").read_text(encoding="utf-8")
    assert len(json.loads(text)["signature"]) == 64 and "signature" not in dhl.load_pipeline(kept)[1]
    assert oct(signature.key_file().stat().st_mode & 0o777) == "0o600"


def test_a_pipeline_from_elsewhere_is_opened_only_when_asked_to(kept, elsewhere_key, data):
    with refused(kept, "was not kept by you on this machine", "--trust", "load_pipeline(folder, trust=True)"):
        dhl.load_pipeline(kept)
    assert dhl.load_pipeline(kept, trust=True)[0].predict_proba(data.images).shape == (36, 3)


def test_a_changed_card_loses_its_signature(kept):
    signed = json.loads((kept / "pipeline.json").read_text(encoding="utf-8"))["signature"]
    forge(kept, notice="Approved for diagnosis.")
    card = json.loads((kept / "pipeline.json").read_text(encoding="utf-8"))
    for forged in (signed, "", None, 7, "ä"):
        (kept / "pipeline.json").write_text(json.dumps(card | {"signature": forged}), encoding="utf-8")
        with refused("was not kept by you"):
            dhl.load_pipeline(kept)


def test_without_a_place_for_the_key_a_pipeline_is_kept_unsigned(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DHL_DATA", str(tmp_path / "file" / "below"))
    assert signature.sign("text") == "" and not signature.is_own("text", "")
    monkeypatch.setenv("DHL_DATA", str(tmp_path))
    (tmp_path / "signing-key").write_bytes(b"")
    assert not signature.is_own("text", ""), "an empty key signs nothing"


def test_predict_survives_what_ends_the_process(kept, tmp_path, monkeypatch, capfd):
    from test_predict import grey

    grey(tmp_path / "films" / "a.png", 60)
    forge(kept)
    command = ["predict", str(kept), str(tmp_path / "films"), "--out", str(tmp_path / "scores.csv")]
    assert main(command) == 2 and "was not kept by you" in capfd.readouterr().err
    assert main([*command, "--trust"]) == 0 and (tmp_path / "scores.csv").exists()
    capfd.readouterr()
    monkeypatch.setattr("dhl_helpers.commands._score.score", crash)
    assert main([*command[:-1], str(tmp_path / "other.csv"), "--trust"]) == 2
    assert "has ended without a word" in capfd.readouterr().err and not (tmp_path / "other.csv").exists()


def crash(*arguments, **options):
    """What a pipeline would do that no check has found out."""
    os.abort()
