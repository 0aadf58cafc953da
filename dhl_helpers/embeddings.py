"""Features that were computed elsewhere: a data set without pixels, from a table in a file."""

import warnings
from pathlib import PurePath

import numpy as np
import pandas as pd

from .data import load_dataset
from .errors import DataError, listing
from .labels import labels_of
from .radiographs import Radiographs
from .readers.embeddings import read_table
from .readers.embeddings_checks import complete, row_name
from .splitting import name_patients


class Embeddings(Radiographs):
    """Features with labels and patients, as `Radiographs` without images.

    What needs features, labels, patients or parts works as with `Radiographs`: `split`, `part`, `subset`, the heads,
    `evaluate`. What needs pixels raises a DataError.

    Attributes
    ----------
    features : ndarray of float32, shape (n, d)
        What `DeepFeatures` would return.
    labels, class_names, table, name
        As of `Radiographs`.
    """

    def __init__(self, features, labels, class_names, table, name="embeddings", patients_unknown=0):
        self.features, self.labels, self.class_names, self.table, self.name = features, labels, class_names, table, name
        self.skipped, self.depth, self.patients_unknown = [], None, patients_unknown

    @classmethod
    def of(cls, found, name):
        """What a reader found, with a patient for each row."""
        for remark in found.remarks:
            warnings.warn(remark, stacklevel=3)
        alone = name_patients(found.table, name, arrays=True, warn=True)
        labels = labels_of(found.table, found.class_names, None, name)
        return cls(found.features, labels, found.class_names, found.table, name, alone)

    def __repr__(self):
        return f"Embeddings({self.name!r}, features {self.features.shape}, classes {self.class_names})"

    @property
    def images(self):
        """Not there: DataError."""
        raise DataError(
            f"{self.name!r} has embeddings and no images: networks, feature maps and pictures need pixels. Use its "
            ".features, or load the images themselves."
        )

    def subset(self, rows):
        """The rows at `rows` (a boolean mask or positions), with everything that belongs to them."""
        table = self.table[rows] if np.asarray(rows).dtype == bool else self.table.iloc[rows]
        features, table = self.features[rows], table.reset_index(drop=True)
        return Embeddings(features, self.labels[rows], self.class_names, table, self.name, self.patients_unknown)


def load_embeddings(path, images=None, features="", class_names=()):
    """Load a table of embeddings: features that a model made elsewhere, one row per image.

    Parameters
    ----------
    path : str or path
        A .csv, .parquet or .npz file with path or id, label, patient, part (train, val, test, external) and d numbers
        per row: numbered columns such as f0, f1, ..., or one column of lists. Without a column patient each image
        counts as one patient; without a column part, `split` deals patients. Other columns stay in `table`.
    images : Radiographs, optional
        The images that the rows belong to. Each needs one row, and each row one image: a path matches by its last
        parts, an id by the file's name. Labels, patients and parts come from the images, and what the table says of
        them must agree. The features are in the order of the images.
    features : str
        Which columns hold the features, where that is not clear: the name of numbered columns without the number, or
        of the column of lists.
    class_names : list of str, optional
        The order of the classes, the healthy one first; by default that of a Parquet file's categories or of an array
        class_names in an .npz, else alphabetical.

    Returns
    -------
    Embeddings

    Raises
    ------
    DataError
        If a value is not finite, rows differ in width, an image is there twice or has no row, or a patient is in two
        parts; the message names the row or column.
    """
    if images is None:
        return load_dataset("embeddings", path, features=features, class_names=class_names)
    if images.multilabel:
        raise DataError(f"{images.name!r} has several findings per image. Take one: images.one_finding().")
    table, numbers, names, _ = read_table(path, features)
    order = _match(path, table, images.table["path"].astype(str).tolist())
    told = images.table.assign(label=np.array(images.class_names)[images.labels])
    for column in ("label", "patient_id", "split"):
        if column in table and column in told:
            ours = told[column].astype(str).to_numpy()
            wrong = np.flatnonzero(table[column].iloc[order].to_numpy() != ours)
            if len(wrong):
                row = order[wrong[0]]
                raise DataError(
                    f"{path}: {row_name(table, row)} has the {column} {table[column].iloc[row]!r}, its image "
                    f"{ours[wrong[0]]!r}; {len(wrong)} rows differ. Correct one of them."
                )
    extra = table.iloc[order].reset_index(drop=True).drop(columns=told, errors="ignore")
    found = complete(path, pd.concat([told.reset_index(drop=True), extra], axis=1), numbers[order], names,
                     images.class_names)  # fmt: skip
    return Embeddings.of(found._replace(class_names=images.class_names), images.name)


def _match(path, table, of_images):
    """The row of the table for each image, ndarray of int (n,)."""
    if "path" not in table:
        raise DataError(f"{path}: no column path or id, so its rows cannot be matched to images. Add it.")
    tails = {}
    for place, image in enumerate(of_images):
        parts = image.replace("\\", "/").split("/")
        for key in {"/".join(parts[start:]) for start in range(len(parts))} | {PurePath(parts[-1]).stem}:
            tails.setdefault(key, set()).add(place)
    rows, problems = np.full(len(of_images), -1), []
    for row, written in enumerate(table["path"]):
        places = tails.get(str(written).replace("\\", "/").removeprefix("./"), set())
        place = next(iter(places)) if len(places) == 1 else -1
        if place < 0:
            what = f"fits {len(places)} images" if places else "has no image"
            problems.append(f"{row_name(table, row)} {what}")
        elif rows[place] >= 0:
            problems.append(f"{row_name(table, row)} is a second row for {of_images[place]}")
        else:
            rows[place] = row
    problems += [f"{of_images[place]} has no row" for place in np.flatnonzero(rows < 0)]
    if problems:
        raise DataError(f"{path}: rows and images do not match. Give each image one row:\n{listing(problems, 20)}")
    return rows
