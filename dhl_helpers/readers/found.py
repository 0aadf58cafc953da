"""What every reader is, and what it returns."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Reader:
    """How a data set is read, and what its user should know before using it.

    Attributes
    ----------
    title : str
    read : callable
        `read(data_dir, ...)` returns a `Found`.
    licence : str
        Empty: that of the user's own images. The publisher's own text decides; read it there.
    needs : str
        What `data_dir` has to be.
    labels : str
        What the labels mean and who gave them.
    patient : str
        How the images of one patient are known.
    split : str
        The official split, empty where there is none.
    source : str
        Where the publisher offers the files.
    on_real_files : bool
        Whether the reader was run on real files, or only written after documentation.
    checked : str
        Which files or documentation those are.
    marks : tuple of str
        Patterns of files or folders that lie in `data_dir`, by which a set is recognised.
    several : bool
        Whether an image can have several findings at once.
    downloads : dict of int to (str, str)
        By image size in pixels: address and MD5, where the set is open and its checksum published.
    """

    title: str
    read: Callable
    _: KW_ONLY
    licence: str = ""
    needs: str = "data_dir: a folder"
    labels: str = ""
    patient: str = ""
    split: str = ""
    source: str = ""
    on_real_files: bool = False
    checked: str = ""
    marks: tuple = ()
    several: bool = False
    downloads: dict = field(default_factory=dict)


class Found(NamedTuple):
    """The images of a data set, not yet decoded.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per image: path, label (a class name), and where known patient_id and split.
    class_names : list of str
        In the order of the integer labels, or of the columns of `findings`.
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3), optional
        The pixels, where the source is an array and not files.
    findings : ndarray of float32, shape (n, k), optional
        Where an image can have several: 1 present, 0 absent, NaN unknown. `label` then lists those present.
    remarks : tuple of str
        What the user is told when the set is loaded, each once: what was left out, what to beware of.
    features : ndarray of float32, shape (n, d), optional
        In place of images, where they were computed elsewhere.
    """

    table: pd.DataFrame
    class_names: list
    images: np.ndarray | None = None
    findings: np.ndarray | None = None
    remarks: tuple = ()
    features: np.ndarray | None = None
