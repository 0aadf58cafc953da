"""Features with their images' labels, patients and parts in one Parquet file, as `load_embeddings` reads it."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from .. import files
from ..errors import DataError
from .store import PIECE

COLUMNS = {"path": "path", "label": "label", "patient_id": "patient", "split": "part"}


def check(path, data):
    """DataError, before the work, where `write_parquet` would refuse."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise DataError(f"{path}: writing Parquet needs pyarrow: pip install pyarrow.") from error
    if Path(path).suffix.lower() != ".parquet" or os.path.lexists(path):
        raise DataError(f"{path}: give the name of a new file that ends in .parquet.")
    if data.multilabel:
        raise DataError(f"{data.name!r} has several findings per image. Take one: {data.name}:FINDING.")


def write_parquet(path, data, features, root=""):
    """Write a table of embeddings, piece by piece.

    Parameters
    ----------
    path : str or path
        A new file that ends in .parquet.
    data : Radiographs
    features : ndarray of float32, shape (n, d), or FeatureFile
        Of any base, in the order of `data`. Rows with NaN, images that could not be read, are left out.
    root : str or path
        The folder that paths are written from, or a file in it; paths outside of it stay as they are.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    DataError
        If pyarrow is missing, the file exists or ends otherwise, an image can have several findings, or there are not
        as many features as images.
    """
    check(path, data)
    import pyarrow
    import pyarrow.parquet

    if len(features) != len(data):
        raise DataError(f"{path}: {len(features)} rows of features for {len(data)} images. Give those of these images.")
    table = data.table.assign(path=_relative(data.table["path"], root))
    table = table[[column for column in COLUMNS if column in table and column != "label"]].astype(str)
    labels = pd.Categorical.from_codes(data.labels, data.class_names)  # keeps their order
    table = table.rename(columns=COLUMNS).assign(label=labels)
    if data.patients_unknown == len(data):
        table = table.drop(columns="patient")  # each image would look like a patient that is known
    names, rows = [f"f{place}" for place in range(features.shape[1])], 0
    with files.replacing(path) as unfinished:
        writer = None
        for start in range(0, len(data), PIECE):
            piece = np.asarray(features[start : start + PIECE], np.float32)
            there = np.isfinite(piece).all(1)
            numbers = pd.DataFrame(piece[there], columns=names)
            some = table.iloc[start : start + PIECE][there].reset_index(drop=True)
            part = pyarrow.Table.from_pandas(pd.concat([some, numbers], axis=1), preserve_index=False)
            writer = writer or pyarrow.parquet.ParquetWriter(unfinished, part.schema)
            writer.write_table(part.cast(writer.schema))
            rows += len(part)
        writer.close()
    return rows


def _relative(paths, root):
    """Paths as text with slashes, from `root` where they are inside it."""
    root = Path(root).resolve() if root else None
    root = root.parent if root and root.is_file() else root
    written = [Path(path) for path in paths]
    return [(path.relative_to(root) if root and path.is_relative_to(root) else path).as_posix() for path in written]
