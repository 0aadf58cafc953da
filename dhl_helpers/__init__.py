"""The thin helper of the course: what the notebooks share and no library does.

Each name below is imported from its module when it is first used, so that commands which train nothing start without
loading TensorFlow.
"""

from importlib import import_module

_HOME = {
    "start": "course", "claim": "course", "finding": "course", "guard": "course", "record": "course",
    "check": "exercises", "check_machine": "machine",
    "load_dataset": "data", "Radiographs": "data", "as_labels": "labels", "validate": "validation",
    "DataError": "errors",
    "build_cnn": "models", "train_cnn": "models", "baseline_cnn": "models", "save_baseline": "models",
    "conv_base": "features", "pretrained_base": "pretrained", "DeepFeatures": "deep", "fine_tune": "tuning",
    "make_head": "heads", "PerFinding": "heads", "SMOTE": "heads",
    "save_pipeline": "pipeline", "load_pipeline": "pipeline",
    "build_strong_cnn": "benchmark.strong", "train_strong_cnn": "benchmark.strong",
    "HandcraftedFeatures": "handcrafted",
    "evaluate": "evaluation", "compare": "evaluation",
    "delong": "measures", "bootstrap": "measures", "calibration_error": "measures", "net_benefit": "measures",
    "sensitivity_at": "measures", "specificity_at": "measures",
    "rank": "benchmark.ranking", "quality_against_seconds": "benchmark.ranking",
    "grad_cam": "explain", "occlusion": "explain", "to_pixels": "explain",
    "show_images": "plots", "PALETTE": "plots", "MARKERS": "plots", "LINESTYLES": "plots",
}  # fmt: skip
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"dhl_helpers has no {name!r}; it has {', '.join(_HOME)}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__():
    return __all__
