"""A fitted pipeline kept for other images: the folder with its parts, and the card that says what it is."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from . import pipeline_files
from .course import versions
from .deep import DeepFeatures
from .engines import engine
from .errors import DataError
from .files import digest, replacing, restore, tidy
from .locks import lock
from .pixels.decode import look
from .readers.findings import NONE

FEATURES = ("engine", "storage", "batch_size")  # of DeepFeatures; its cache belongs to the machine
NOTICE = "For teaching and research. Not validated on patients, not for diagnosis."
PREPROCESSING = (
    "grey levels 0 to 255 as dhl_helpers.load_dataset reads them, resized to size x size without keeping the aspect "
    "ratio; the network rescales inside"
)


def save_pipeline(folder, model, train, threshold, chosen="", reports=None):
    """Keep a fitted pipeline, so that it can be loaded and used on other images.

    Parameters
    ----------
    folder : str or path
        A new folder, or one that holds nothing but an earlier pipeline, which is replaced. Empty: nothing is kept.
    model : sklearn.pipeline.Pipeline
        Fitted; its first step is `DeepFeatures`, its last a classifier. Samplers such as SMOTE are left out: they act
        in training only.
    train : Radiographs
        The images on which it was fitted.
    threshold : float or sequence of float
        The operating point, for one minus the probability of the first class; several findings: one for each.
    chosen : str
        How the operating point was chosen, and on what.
    reports : dict of str to pandas.DataFrame, optional
        What was measured, by part: tables from `evaluate`.

    Raises
    ------
    DataError
        If the pipeline is not of this kind or not fitted, a step cannot be kept without a pickle, the threshold does
        not fit, or the folder holds other files.
    """
    if not folder:
        return
    folder = Path(folder).absolute()
    thresholds = np.asarray(threshold, float)
    if thresholds.shape != ((train.n_classes,) if train.multilabel else ()) or not np.isfinite(thresholds).all():
        needed = f"{train.n_classes}, one per finding" if train.multilabel else "one"
        raise DataError(f"threshold: {threshold!r}. Give finite numbers, {needed}.")
    steps = _steps(model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lock(pipeline_files.lock_of(folder)):
        tidy(folder.parent)
        restore(folder)
        pipeline_files.make_room(folder)
        with replacing(folder) as unfinished:
            unfinished.mkdir()
            card = _card(train, thresholds.tolist(), chosen, reports or {})
            card["features"] = {name: getattr(steps[0], name) for name in FEATURES}
            card["steps"] = [pipeline_files.write(step, unfinished / str(place)) for place, step in enumerate(steps)]
            card["files"] = {path.name: digest(path) for path in sorted(unfinished.iterdir())}
            (unfinished / pipeline_files.CARD).write_text(pipeline_files.sealed(card), encoding="utf-8")


def load_pipeline(folder, trust=False):
    """Load what `save_pipeline` kept.

    Parameters
    ----------
    folder : str or path
    trust : bool
        Open it although it was not kept by this user on this machine (`signature`). Its files run no code and are
        checked; still, open only what comes from people whom you trust.

    Returns
    -------
    model : sklearn.pipeline.Pipeline
        Takes images of uint8, shape (n, height, width, channels); has `predict_proba`.
    card : dict
        What pipeline.json says: classes, image, operating_point, trained_on, results, versions.

    Raises
    ------
    DataError
        If a file is missing, foreign, damaged, changed or holds more than numbers; or it came from elsewhere.
    """
    folder = Path(folder)
    card = read_card(folder, trust)
    others = {name: (version, versions().get(name)) for name, version in card["versions"].items()}
    others = [f"{name} {then} (here {now})" for name, (then, now) in others.items() if then != now]
    if others:
        warnings.warn(f"{folder}: made with {', '.join(others)}. Its scores may differ a little here.", stacklevel=2)
    steps = [pipeline_files.read(folder, names) for names in card["steps"]]
    steps[0].set_params(**card.get("features", {}))  # earlier cards had none
    engine(steps[0].base, steps[0].engine, None)  # where its package is missing, it says so
    try:
        model = Pipeline([(f"step {place}", step) for place, step in enumerate(steps)])
        fits = model.predict_proba(np.zeros((1, *card["image"]["shape"]), np.uint8)).shape == (1, len(card["classes"]))
    except Exception:  # whatever parts of different pipelines raise
        fits = False
    if not fits:
        raise DataError(f"{folder}: its parts do not fit together. Save the pipeline again.")
    return model, card


def read_card(folder, trust=False):
    """The card alone, as `load_pipeline` returns it; nothing is built."""
    folder = Path(folder)
    if not folder.exists():
        with suppress(OSError), lock(pipeline_files.lock_of(folder)):
            restore(folder)
    return pipeline_files.checked(folder, trust)


def decide(probabilities, card):
    """The decision for each image at the operating point: a class, or the findings that are called.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, k)
    card : dict
        From `load_pipeline`.

    Returns
    -------
    list of str
        The first class where one minus its probability is below the threshold, else the most probable other class.
        Several findings: those that reach their thresholds, joined by "|", or "No Finding".
    """
    names, threshold = card["classes"], card["operating_point"]["threshold"]
    if card["multilabel"]:
        called = probabilities >= np.array(threshold)
        return ["|".join(np.array(names)[row]) or NONE for row in called]
    others = 1 + probabilities[:, 1:].argmax(1)
    return [names[place] for place in np.where(1 - probabilities[:, 0] >= threshold, others, 0)]


def _steps(model):
    """The steps that act in prediction; DataError where they cannot be kept."""
    steps = [step for _, step in getattr(model, "steps", []) if not hasattr(step, "fit_resample")]
    steps = [step for step in steps if step not in (None, "passthrough")]
    if len(steps) < 2 or not isinstance(steps[0], DeepFeatures) or not hasattr(steps[-1], "predict_proba"):
        raise DataError("Keep a pipeline: make_pipeline(DeepFeatures(...), ..., head), the head with predict_proba.")
    for step in steps[1:]:
        try:
            check_is_fitted(step)
        except NotFittedError as error:
            raise DataError(f"{type(step).__name__} is not fitted. Fit the pipeline, then keep it.") from error
    return steps


def _card(train, threshold, chosen, reports):
    """What a later user has to know."""
    counts = (train.labels == 1).sum(0) if train.multilabel else np.bincount(train.labels, minlength=train.n_classes)
    with ThreadPoolExecutor() as pool:
        seen = [each for each in pool.map(look, filter(os.path.isfile, train.table["path"])) if each]
    sides, colours = zip(*seen, strict=True) if seen else ((), ())
    return {
        "notice": NOTICE,
        "classes": list(train.class_names),
        "multilabel": train.multilabel,
        "image": {"size": train.image_shape[0] if train.image_shape[0] == train.image_shape[1] else None,
                  "shape": list(train.image_shape), "channels": train.image_shape[2], "depth": train.depth,
                  "preprocessing": PREPROCESSING},
        "operating_point": {
            "score": "its probability" if train.multilabel else f"1 - probability of {train.class_names[0]}",
            "threshold": threshold,
            "chosen": chosen,
        },
        "trained_on": {
            "name": train.name,
            "images": len(train),
            "patients": len(set(train.patients)),
            "images by class": {name: int(count) for name, count in zip(train.class_names, counts, strict=True)},
            "smallest shorter side, pixels": min(sides, default=None),
            "share in colour": sum(colours) / len(colours) if colours else None,
        },
        "results": {
            part: {row.metric: [None if np.isnan(x) else float(x) for x in (row.value, row.low, row.high)]
                   for row in report.itertuples()}
            for part, report in reports.items()
        },
        "versions": versions(),
    }  # fmt: skip
