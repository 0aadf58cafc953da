"""What every reader returns."""

from typing import NamedTuple

import numpy as np
import pandas as pd


class Found(NamedTuple):
    """The images of a data set, not yet decoded.

    Attributes
    ----------
    table : pandas.DataFrame
        One row an image: path, label (a class name), and where known patient_id and split.
    class_names : list of str
        In the order of the integer labels.
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3), optional
        The pixels, where the source is an array and not files.
    """

    table: pd.DataFrame
    class_names: list
    images: np.ndarray | None = None
