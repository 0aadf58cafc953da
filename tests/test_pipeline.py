"""A kept pipeline: what comes back is what was fitted, and nothing else is ever loaded."""

import hashlib
import json
import pickle
import platform
import shutil
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from helpers import radiographs, refused
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dhl_helpers as dhl
from dhl_helpers import pipeline_files
from dhl_helpers.files import digest
from dhl_helpers.pipeline import decide
from dhl_helpers.radiographs import Radiographs


@pytest.fixture(scope="module")
def data():
    return radiographs(np.arange(36) % 3, np.arange(36) // 2, size=76)


@pytest.fixture(scope="module")
def deep(cnn):
    return dhl.DeepFeatures(dhl.conv_base(cnn))


@pytest.fixture(scope="module")
def model(data, deep):
    return make_pipeline(deep, StandardScaler(), dhl.make_head("logistic")).fit(data.images, data.labels)


@pytest.fixture(scope="module")
def original(tmp_path_factory, model, data):
    folder = tmp_path_factory.mktemp("kept") / "pipeline"
    report = dhl.evaluate(data.labels, model.predict_proba(data.images), data.class_names, n_resamples=20)
    dhl.save_pipeline(folder, model, data, 0.4, "Chosen for the test.", {"test": report})
    return folder


@pytest.fixture
def kept(original, tmp_path):
    """A copy of a kept pipeline, to be damaged."""
    return shutil.copytree(original, tmp_path / "pipeline")


def forge(folder, **changes):
    """Change the card, and make it and the checksums fit again, as somebody could who wants to be believed."""
    card = json.loads((folder / "pipeline.json").read_text(encoding="utf-8")) | changes
    for name in ("sha256", "signature"):
        card.pop(name, "")
    card["files"] = {name: digest(folder / name) for name in card["files"]}
    seal = hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()
    (folder / "pipeline.json").write_text(json.dumps(card | {"sha256": seal}), encoding="utf-8")


@pytest.mark.parametrize("head", ["logistic", "random_forest", "adaboost", "xgboost", "dummy"])
@pytest.mark.parametrize("findings", [False, True], ids=["classes", "findings"])
def test_the_scores_come_back(head, findings, data, deep, tmp_path):
    if findings:
        labels = np.random.default_rng(0).integers(0, 2, (36, 3)).astype(np.float32)
        labels[:, 1] = 1  # known in one form only: a dummy takes its place
        data = Radiographs(data.images, labels, ["a", "b", "c"], data.table, "several")
    fitted = make_pipeline(deep, StandardScaler(), dhl.make_head(head, multilabel=findings))
    fitted.fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "p", fitted, data, [0.5, 0.5, 0.2] if findings else 0.5)
    again, card = dhl.load_pipeline(tmp_path / "p")
    probabilities = fitted.predict_proba(data.images)
    assert np.abs(again.predict_proba(data.images) - probabilities).max() < 1e-6
    assert card["multilabel"] is findings and len(decide(probabilities, card)) == len(data)
    kinds = {path.suffix for path in (tmp_path / "p").iterdir()}
    assert kinds <= {".keras", ".json", ".skops"}
    assert not any(b"pickle" in path.read_bytes() for path in (tmp_path / "p").glob("*.skops"))


def test_a_pretrained_base_keeps_its_preprocessing(data, tmp_path):
    base = dhl.pretrained_base("MobileNetV2", data.image_shape, weights=None)
    fitted = make_pipeline(dhl.DeepFeatures(base), dhl.make_head("logistic")).fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "p", fitted, data, 0.5)
    again, _ = dhl.load_pipeline(tmp_path / "p")
    assert np.abs(again.predict_proba(data.images) - fitted.predict_proba(data.images)).max() < 1e-6


def test_samplers_stay_behind(data, deep, tmp_path):
    steps = deep, StandardScaler(), dhl.SMOTE(random_state=0), dhl.make_head("logistic")
    fitted = make_imblearn_pipeline(*steps).fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "p", fitted, data, 0.5)
    again, card = dhl.load_pipeline(tmp_path / "p")
    assert card["steps"] == ["0.keras", "1.skops", "2.skops"]
    assert np.allclose(again.predict_proba(data.images), fitted.predict_proba(data.images), atol=1e-6)


def test_the_card(kept, data, tmp_path):
    _, card = dhl.load_pipeline(kept)
    assert "not for diagnosis" in card["notice"] and card["classes"] == data.class_names
    assert card["image"]["size"] == 76 and card["image"]["channels"] == 1 and card["image"]["preprocessing"]
    assert card["operating_point"] == {
        "score": "1 - probability of class 0", "threshold": 0.4, "chosen": "Chosen for the test."
    }  # fmt: skip
    trained = card["trained_on"]
    assert (trained["name"], trained["images"], trained["patients"]) == ("made", 36, 18)
    assert trained["images by class"] == {"class 0": 12, "class 1": 12, "class 2": 12}
    assert trained["smallest shorter side, pixels"] is None, "no files to look at"
    value, low, high = card["results"]["test"]["macro AUC"]
    assert low <= value <= high and set(card["versions"]) >= {"python", "keras", "scikit-learn", "xgboost"}
    assert card["files"] == {name: digest(kept / name) for name in ("0.keras", "1.skops", "2.skops")}


def test_the_card_tells_how_the_training_images_looked(deep, tmp_path):
    rng = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(0, 256, (90 + number, 200, 3 if number == 0 else 1), np.uint8).squeeze()
            Image.fromarray(pixels).save(tmp_path / "set" / label / f"{number}.png")
        Image.fromarray(np.repeat(pixels[..., None], 3, 2)).save(tmp_path / "set" / label / "grey_in_rgb.png")
    with pytest.warns(UserWarning, match="whose image is whose"):
        data = dhl.load_dataset("folder", tmp_path / "set", image_size=76)
    fitted = make_pipeline(deep, dhl.make_head("dummy")).fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "p", fitted, data, 0.5)
    trained = dhl.load_pipeline(tmp_path / "p")[1]["trained_on"]
    assert trained["smallest shorter side, pixels"] == 90 and trained["share in colour"] == 0.2
    assert str(tmp_path) not in (tmp_path / "p" / "pipeline.json").read_text(encoding="utf-8")


def test_decisions():
    card = {"classes": ["none", "a", "b"], "multilabel": False, "operating_point": {"threshold": 0.3}}
    p = np.array([[0.71, 0.2, 0.09], [0.7, 0.1, 0.2], [0.1, 0.5, 0.4]])
    assert decide(p, card) == ["none", "b", "a"]
    card |= {"multilabel": True, "operating_point": {"threshold": [0.5, 0.2, 0.2]}}
    assert decide(p, card) == ["none|a", "none|b", "a|b"]
    assert decide(np.array([[0.1, 0.1, 0.1]]), card) == ["No Finding"]


def test_nothing_is_kept_without_a_folder(model, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dhl.save_pipeline("", model, data, 0.5)
    assert not list(tmp_path.iterdir())


def test_an_earlier_pipeline_is_replaced_and_nothing_else(kept, model, data):
    dhl.save_pipeline(kept, model, data, 0.9)
    assert dhl.load_pipeline(kept)[1]["operating_point"]["threshold"] == 0.9
    assert [path.name for path in kept.parent.iterdir()] == ["pipeline"]
    (kept / "thesis.txt").write_text("mine")
    with refused(kept, "holds files that are not a pipeline's", "Choose another folder"):
        dhl.save_pipeline(kept, model, data, 0.5)
    assert (kept / "thesis.txt").read_text() == "mine"
    with refused(kept / "thesis.txt", "holds files that are not a pipeline's"):
        dhl.save_pipeline(kept / "thesis.txt", model, data, 0.5)


# What cannot be kept


class Strange(TransformerMixin, BaseEstimator):
    """A step that scikit-learn does not know."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize("threshold", [np.nan, [0.5], [0.1, 0.2, 0.3], np.inf])
def test_a_threshold_that_does_not_fit(threshold, model, data, tmp_path):
    with refused("threshold:", "Give finite numbers, one"):
        dhl.save_pipeline(tmp_path / "p", model, data, threshold)


def test_one_threshold_for_several_findings(model, data, tmp_path):
    labels = np.zeros((36, 3), np.float32)
    several = Radiographs(data.images, labels, data.class_names, data.table)
    with refused("threshold: 0.5", "Give finite numbers, 3, one a finding"):
        dhl.save_pipeline(tmp_path / "p", model, several, 0.5)


def test_what_is_no_pipeline(model, data, deep, tmp_path):
    head = dhl.make_head("logistic")
    for other in (head, make_pipeline(StandardScaler(), head), make_pipeline(deep), make_pipeline(deep, Strange())):
        with refused("Keep a pipeline: make_pipeline(DeepFeatures(...), ..., head)"):
            dhl.save_pipeline(tmp_path / "p", other, data, 0.5)


def test_what_is_not_fitted(data, deep, tmp_path):
    with refused("LogisticRegression is not fitted", "Fit the pipeline"):
        dhl.save_pipeline(tmp_path / "p", make_pipeline(deep, dhl.make_head("logistic")), data, 0.5)


def test_what_would_need_a_pickle(data, deep, tmp_path):
    fitted = make_pipeline(deep, Strange(), dhl.make_head("logistic")).fit(data.images, data.labels)
    with refused("Strange cannot be kept without a pickle", "Strange", "Use a head of make_head"):
        dhl.save_pipeline(tmp_path / "p", fitted, data, 0.5)
    assert not list(tmp_path.iterdir()), "nothing half done is left"


# What is not loaded


def test_no_pipeline(tmp_path):
    with refused(tmp_path / "pipeline.json", "not found", "Give a folder that save_pipeline or run --save made"):
        dhl.load_pipeline(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sha256": 1, "files": {}, "steps": 3}', "\xff"])
def test_a_card_that_is_none(kept, text):
    (kept / "pipeline.json").write_text(text, encoding="latin-1")
    with refused("pipeline.json", "not the card of a pipeline", "Save the pipeline again"):
        dhl.load_pipeline(kept)


def test_a_changed_card(kept):
    text = (kept / "pipeline.json").read_text(encoding="utf-8")
    (kept / "pipeline.json").write_text(text.replace('"threshold": 0.4', '"threshold": 0.1'), encoding="utf-8")
    with refused("pipeline.json", "changed since it was saved"):
        dhl.load_pipeline(kept)


def test_all_missing_foreign_and_damaged_files_are_listed(kept):
    (kept / "0.keras").unlink()
    (kept / "1.skops").write_bytes((kept / "1.skops").read_bytes() + b" ")
    (kept / "9.skops").write_bytes(b"")
    (kept / ".DS_Store").write_bytes(b"")
    with refused(kept, "not what was saved", "0.keras: missing", "9.skops: not of this pipeline",
                 "1.skops: damaged or changed"):  # fmt: skip
        dhl.load_pipeline(kept)


def test_steps_outside_the_folder(kept):
    forge(kept, steps=["0.keras", "1.skops", "../2.skops"])
    with refused("pipeline.json", "changed since it was saved"):
        dhl.load_pipeline(kept, trust=True)


class Bomb:
    """Unpickled, it would leave a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (self.trace, "w")


def test_a_pickle_is_not_unpickled(kept, tmp_path):
    (kept / "2.skops").write_bytes(pickle.dumps(Bomb(str(tmp_path / "trace"))))
    forge(kept)
    with refused("2.skops: refused (BadZipFile", "Save the pipeline again"):
        dhl.load_pipeline(kept, trust=True)
    (kept / "2.skops").rename(kept / "2.pkl")
    card = json.loads((kept / "pipeline.json").read_text(encoding="utf-8"))
    files = {name.replace("2.skops", "2.pkl"): "" for name in card["files"]}
    forge(kept, files=files, steps=["0.keras", "1.skops", "2.pkl"])
    with refused("2.pkl: no kind of file that a pipeline has"):
        dhl.load_pipeline(kept, trust=True)
    assert not (tmp_path / "trace").exists()


def test_types_that_nobody_listed(kept):
    skops.io.dump(Strange().fit(None), kept / "1.skops")
    forge(kept)
    with refused("1.skops: refused (ValueError", "Strange"):
        dhl.load_pipeline(kept, trust=True)
    assert pipeline_files.TRUSTED == ["sklearn.tree._tree.Tree", "dhl_helpers.heads.AdaBoostClassifier"]


def test_a_network_that_brings_code(kept, cnn):
    from dhl_helpers._keras import keras

    code = keras.layers.Lambda(lambda images: images)
    keras.Sequential([keras.Input(cnn.input_shape[1:]), code, keras.layers.Flatten()]).save(kept / "0.keras")
    forge(kept)
    with refused("0.keras: refused (ValueError", "Lambda"):
        dhl.load_pipeline(kept, trust=True)


@pytest.mark.parametrize("module, name", [("subprocess", "Popen"), ("builtins", "open"), ("keras.utils", "get_file")])
def test_a_network_whose_layer_is_a_call(kept, tmp_path, module, name):
    """A layer of the configuration is exchanged for something that would leave a trace if it were made."""
    with zipfile.ZipFile(kept / "0.keras") as archive:
        files = {member: archive.read(member) for member in archive.namelist()}
    config = json.loads(files["config.json"])
    layer = config["config"]["layers"][1]
    trace = str(tmp_path / "trace")
    arguments = {"Popen": {"args": ["touch", trace]}, "open": {"file": trace, "mode": "w"},
                 "get_file": {"fname": trace, "origin": (kept / "pipeline.json").as_uri()}}[name]  # fmt: skip
    layer |= {"module": module, "class_name": name, "registered_name": None, "config": arguments}
    files["config.json"] = json.dumps(config)
    with zipfile.ZipFile(kept / "0.keras", "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    forge(kept)
    with refused("0.keras: refused (", "Save the pipeline again"):
        dhl.load_pipeline(kept, trust=True)
    assert not (tmp_path / "trace").exists()


def test_damaged_xgboost(deep, data, tmp_path):
    fitted = make_pipeline(deep, dhl.make_head("xgboost")).fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "p", fitted, data, 0.5)
    (tmp_path / "p" / "1.json").write_text('{"learner": {}}')
    forge(tmp_path / "p")
    with refused("1.json: refused (KeyError"):
        dhl.load_pipeline(tmp_path / "p", trust=True)


def test_parts_of_different_pipelines(kept, data, tmp_path, cnn):
    from dhl_helpers._keras import keras

    layers = [keras.Input(cnn.input_shape[1:]), keras.layers.GlobalAveragePooling2D()]  # one feature
    other = dhl.DeepFeatures(keras.Sequential(layers))
    fitted = make_pipeline(other, StandardScaler(), dhl.make_head("logistic")).fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "other", fitted, data, 0.5)
    shutil.copy(tmp_path / "other" / "2.skops", kept)
    forge(kept)
    with refused(kept, "its parts do not fit together"):
        dhl.load_pipeline(kept, trust=True)
    shutil.copytree(tmp_path / "other", kept, dirs_exist_ok=True)
    forge(kept, classes=["a", "b"])
    with refused(kept, "its parts do not fit together"):
        dhl.load_pipeline(kept, trust=True)


def test_other_versions_are_told(kept):
    forge(kept, versions={"python": platform.python_version(), "keras": "2.0.0"})
    with pytest.warns(UserWarning, match=r"made with keras 2\.0\.0 \(here 3\..*\)\. Its scores may differ a little"):
        dhl.load_pipeline(kept, trust=True)


def test_the_same_pipeline_again_has_the_same_scores_in_a_table(kept, data):
    """Loaded twice, it gives the same numbers: nothing random is left in it."""
    first, second = (pd.DataFrame(dhl.load_pipeline(kept)[0].predict_proba(data.images)) for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.parametrize(
    "settings",
    [{"engine": "tensorflow-mixed"}, {"storage": "float16"}, {"engine": "tensorflow-mixed", "storage": "float16"},
     {"batch_size": 5}],
)  # fmt: skip
def test_engine_and_storage_come_back_and_the_scores_with_them(settings, cnn, data, tmp_path):
    deep = dhl.DeepFeatures(dhl.conv_base(cnn), **settings)
    fitted = make_pipeline(deep, StandardScaler(), dhl.make_head("logistic")).fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "p", fitted, data, 0.5)
    again, card = dhl.load_pipeline(tmp_path / "p")
    assert {name: again[0].get_params()[name] for name in settings} == settings
    assert np.array_equal(again.predict_proba(data.images), fitted.predict_proba(data.images))


def test_a_pipeline_saved_before_the_card_told_of_engines_still_loads(kept, data):
    card = json.loads((kept / "pipeline.json").read_text(encoding="utf-8"))
    del card["features"]
    (kept / "pipeline.json").write_text(json.dumps(card), encoding="utf-8")
    forge(kept)
    assert dhl.load_pipeline(kept, trust=True)[0][0].engine == "tensorflow"


def test_an_engine_that_is_not_installed_here_is_named(kept, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    forge(kept, features={"engine": "openvino", "storage": "float32", "batch_size": None})
    with refused("engine='openvino' needs OpenVINO"):
        dhl.load_pipeline(kept, trust=True)


def test_images_that_are_not_square_come_back(data, tmp_path):
    images = np.pad(data.images, [(0, 0), (0, 0), (0, 24), (0, 0)])
    wide = Radiographs(images, data.labels, data.class_names, data.table)
    deep = dhl.DeepFeatures(dhl.conv_base(dhl.build_cnn((76, 100, 1), 3)))
    fitted = make_pipeline(deep, StandardScaler(), dhl.make_head("logistic")).fit(wide.images, wide.labels)
    dhl.save_pipeline(tmp_path / "p", fitted, wide, 0.5)
    again, card = dhl.load_pipeline(tmp_path / "p")
    assert np.array_equal(again.predict_proba(wide.images), fitted.predict_proba(wide.images))
    assert card["image"]["shape"] == [76, 100, 1] and card["image"]["size"] is None
