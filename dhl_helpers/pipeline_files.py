"""The files of a kept pipeline: each step in a format that runs no code when it is read, and the check of all of them.

The network is kept in Keras' own format, XGBoost in its JSON, the rest of scikit-learn by skops. Nothing is pickled.
The checksums find damage and exchanged files; the signature tells one's own pipelines from those that came from
elsewhere (`signature`); what a file may hold is checked in `pipeline_checks`.
"""

import hashlib
import io
import json
import os
import stat
import zipfile
from pathlib import Path

import skops.io

from ._keras import first_weights, keras
from .deep import DeepFeatures
from .errors import DataError, listing
from .files import digest
from .heads import PerFinding
from .pipeline_checks import MOST_BYTES, MOST_TEXT, check_card
from .pipeline_heads import check_skops, check_xgboost, load_skops
from .pipeline_network import check_built, check_network, parameters_up_to
from .signature import is_own, key_file, sign

CARD = "pipeline.json"
KEYS = {"notice", "classes", "multilabel", "image", "operating_point", "trained_on", "results", "versions", "steps"}
# Besides the estimators and arrays that skops itself takes for harmless.
TRUSTED = ["sklearn.tree._tree.Tree", "dhl_helpers.heads.AdaBoostClassifier"]
AGAIN = "Save the pipeline again, or get it again from those who made it."


def write(step, stem):
    """Write a step to files whose names begin with `stem`; returns the name, or those of one head per finding.

    Raises
    ------
    DataError
        If the step could only be kept with a pickle.
    """
    if isinstance(step, DeepFeatures):
        step.base.save(f"{stem}.keras")
        try:
            check_network(io.BytesIO(Path(f"{stem}.keras").read_bytes()))
        except ValueError as error:
            raise DataError(f"This network cannot be kept: {error}. Use layers of images, without code.") from error
        return f"{stem.name}.keras"
    if isinstance(step, PerFinding):
        return [write(head, stem.with_name(f"{stem.name}-{place}")) for place, head in enumerate(step.heads_)]
    if type(step).__name__ == "XGBClassifier":
        step.save_model(f"{stem}.json")
        return f"{stem.name}.json"
    content = skops.io.dumps(step, compression=zipfile.ZIP_DEFLATED)
    strange = ", ".join(sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED)))
    try:
        if not strange:
            check_skops(io.BytesIO(content))
    except ValueError as error:
        strange = str(error)
    if strange:
        raise DataError(
            f"{type(step).__name__} cannot be kept without a pickle, because of {strange}. Use a head of make_head "
            "(all but svm), and scikit-learn's own scaling, selection or projection before it."
        )
    Path(f"{stem}.skops").write_bytes(content)
    return f"{stem.name}.skops"


def read(folder, names):
    """The step in these files.

    Raises
    ------
    DataError
        If one cannot be read, or holds more than networks, trees and numbers.
    """
    if isinstance(names, list):
        together = PerFinding(None)
        together.heads_ = [read(folder, name) for name in names]
        return together
    file = folder / names
    try:
        content = io.BytesIO(file.read_bytes())
        match file.suffix:
            case ".keras":  # safe mode: no layer may bring code along
                with parameters_up_to(check_network(content)), first_weights():
                    base = keras.saving.load_model(file, compile=False, safe_mode=True)
                check_built(base)
                return DeepFeatures(base)
            case ".json":
                from xgboost import XGBClassifier

                head = XGBClassifier()
                head.load_model(check_xgboost(content.getvalue()))
                return head
            case ".skops":
                return load_skops(content, TRUSTED)
    except Exception as error:  # three libraries, each with a dozen kinds
        raise DataError(f"{file}: refused ({type(error).__name__}: {str(error).strip()}). {AGAIN}") from error
    raise DataError(f"{file}: no kind of file that a pipeline has. {AGAIN}")


def sealed(card):
    """The text of a card with its checksum and signature."""
    told = json.dumps(card, sort_keys=True)
    both = {"sha256": hashlib.sha256(told.encode()).hexdigest(), "signature": sign(told)}
    return json.dumps(card | both, indent=1, ensure_ascii=False) + "\n"


def checked(folder, trust=True):
    """The card of a folder in which every file is the one that was saved.

    Parameters
    ----------
    folder : Path
    trust : bool
        Whether a pipeline without this user's signature will do.

    Raises
    ------
    DataError
        If a file is missing, foreign, damaged, changed or too large, or the pipeline came from elsewhere.
    """
    try:
        if (folder / CARD).exists() and not _is_plain(folder / CARD, MOST_TEXT):
            raise ValueError("no plain file, or too large")
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        seal, signature, files = card.pop("sha256"), card.pop("signature", ""), dict(card["files"])
        steps = {name for names in card["steps"] for name in ([names] if isinstance(names, str) else names)}
        told = json.dumps(card, sort_keys=True)
    except FileNotFoundError as error:
        raise DataError(f"{folder / CARD}: not found. Give a folder that save_pipeline or run --save made.") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"{folder / CARD}: not the card of a pipeline ({type(error).__name__}). {AGAIN}") from error
    if seal != hashlib.sha256(told.encode()).hexdigest() or KEYS - set(card) or steps != set(files):
        raise DataError(f"{folder / CARD}: changed since it was saved. {AGAIN}")
    here = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {CARD}
    problems = [f"{name}: missing" for name in sorted(set(files) - here)]
    problems += [f"{name}: not of this pipeline" for name in sorted(here - set(files))]
    problems += [f"{name}: damaged or changed" for name in sorted(here & set(files))
                 if not _is_plain(folder / name, MOST_BYTES) or digest(folder / name) != files[name]]  # fmt: skip
    if problems:
        raise DataError(f"{folder}: not what was saved. {AGAIN}\n{listing(problems)}")
    if not trust and not is_own(told, signature):
        raise DataError(
            f"{folder}: this pipeline was not kept by you on this machine (it lacks a signature with {key_file()}). If "
            "you trust those who made it, open it with --trust, in Python with load_pipeline(folder, trust=True)."
        )
    try:
        check_card(card)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{folder / CARD}: not the card of a pipeline ({error!r}). {AGAIN}") from error
    return card


def _is_plain(path, most):
    """Whether this is a regular file of at most so many bytes: reading a pipe would wait for ever."""
    about = os.stat(path)
    return stat.S_ISREG(about.st_mode) and about.st_size <= most


def make_room(folder):
    """Refuse a folder that holds anything but an earlier pipeline as it was saved.

    Raises
    ------
    DataError
    """
    if not os.path.lexists(folder):
        return
    try:
        if not folder.is_dir() or any(path.name.startswith(".") for path in folder.iterdir()):
            raise DataError(f"{folder}: not only a pipeline.")
        if any(folder.iterdir()):
            checked(folder)
    except DataError as error:
        raise DataError(
            f"{folder}: holds files that are not a pipeline's, or that were changed since. Choose another folder, or "
            f"move it away. {error}"
        ) from error


def lock_of(folder):
    """The lock that is held while a pipeline is put in place."""
    return folder.with_name(f".dhl-lock-{folder.name}")
