"""The thin helper of the course: what the notebooks share and no library does.

Each name below is imported from its module when it is first used, so that commands which train nothing start without
loading TensorFlow. docs/helper.md lists the public names, one line each.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # editors complete the names and show their docstrings from here
    from .course import record, start
    from .data import load_dataset
    from .deep import DeepFeatures
    from .embeddings import load_embeddings
    from .errors import DataError
    from .evaluation import compare, evaluate
    from .exercises import check
    from .features import conv_base
    from .findings import claim, finding, guard
    from .handcrafted import HandcraftedFeatures
    from .heads import SMOTE, make_head
    from .machine import check_machine
    from .models import baseline_cnn, build_cnn, train_cnn
    from .pipeline import load_pipeline, save_pipeline
    from .plots import LINESTYLES, MARKERS, PALETTE, show_images
    from .points import progress_report
    from .pretrained import pretrained_base
    from .quizzes import quiz
    from .tuning import fine_tune

_PUBLIC = {
    "start": "course", "record": "course",
    "claim": "findings", "finding": "findings", "guard": "findings",
    "check": "exercises", "quiz": "quizzes", "progress_report": "points", "check_machine": "machine",
    "load_dataset": "data", "load_embeddings": "embeddings", "DataError": "errors",
    "build_cnn": "models", "train_cnn": "models", "baseline_cnn": "models",
    "conv_base": "features", "pretrained_base": "pretrained", "fine_tune": "tuning", "DeepFeatures": "deep",
    "HandcraftedFeatures": "handcrafted", "make_head": "heads", "SMOTE": "heads",
    "evaluate": "evaluation", "compare": "evaluation",
    "save_pipeline": "pipeline", "load_pipeline": "pipeline",
    "show_images": "plots", "PALETTE": "plots", "MARKERS": "plots", "LINESTYLES": "plots",
}  # fmt: skip
# What one notebook or a tool needs is found here too, and is at home in its module.
_ELSEWHERE = {
    "Radiographs": "radiographs", "as_labels": "labels", "validate": "validation", "save_baseline": "models",
    "PerFinding": "heads", "build_strong_cnn": "benchmark.strong", "train_strong_cnn": "benchmark.strong",
    "delong": "measures", "bootstrap": "measures", "calibration_error": "measures", "net_benefit": "measures",
    "sensitivity_at": "measures", "specificity_at": "measures",
    "rank": "benchmark.ranking", "quality_against_seconds": "benchmark.ranking",
    "grad_cam": "explain", "occlusion": "explain", "to_pixels": "explain",
}  # fmt: skip
__all__ = list(_PUBLIC)


def __getattr__(name):
    home = _PUBLIC.get(name) or _ELSEWHERE.get(name)
    if home is None:
        raise AttributeError(f"dhl_helpers has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__():
    return __all__
