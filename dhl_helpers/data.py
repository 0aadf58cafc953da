"""From files to arrays: load a data set, keep it small in memory, split it by patient."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from . import readers
from .errors import DataError, listing
from .images import decode_all
from .labels import as_labels


@dataclass(eq=False)
class Radiographs:
    """Images with their labels and patients.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width, channels)
        Grey levels 0 to 255; the networks rescale inside.
    labels : ndarray of int64, shape (n,)
        Positions in `class_names`.
    class_names : list of str
    table : pandas.DataFrame
        One row an image: path, label, patient_id, where there is one split, and what else the source tells.
    name : str
        The data set's name.
    skipped : list of str
        Files left out because they could not be read, with the reason.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: list
    table: pd.DataFrame
    name: str = ""
    skipped: list = field(default_factory=list)

    def __len__(self):
        return len(self.labels)

    def __repr__(self):
        return f"Radiographs({self.name!r}, images {self.images.shape}, classes {self.class_names})"

    @property
    def patients(self):
        """ndarray, shape (n,): whose image each one is."""
        return self.table["patient_id"].to_numpy()

    @property
    def image_shape(self):
        """tuple of int: (height, width, channels)."""
        return self.images.shape[1:]

    @property
    def n_classes(self):
        """int: the number of classes."""
        return len(self.class_names)

    def subset(self, rows):
        """The images at `rows` (a boolean mask or positions), with everything that belongs to them."""
        table = self.table[rows] if np.asarray(rows).dtype == bool else self.table.iloc[rows]
        return Radiographs(
            self.images[rows], self.labels[rows], self.class_names, table.reset_index(drop=True), self.name
        )

    def part(self, name):
        """A part that the data set itself names, such as "test" or "external"; DataError where it does not."""
        parts = self.table.get("split", pd.Series(dtype=str))
        if not (parts == name).any():
            known = ", ".join(map(repr, parts.unique())) or "none"
            raise DataError(f"{self.name!r} has no part {name!r}, only {known}. Use .split() to make a split.")
        return self.subset((parts == name).to_numpy())

    def split(self, seed=0):
        """Split into training, validation and test part; no patient is in two of them.

        An official split is kept. Where it lacks a validation part, one in five training patients becomes it; where
        there is no official split, patients are dealt 60 : 20 : 20 within each class. A patient with images of
        several classes counts for the rarest of them. A part named "external" stays out, and shares no patient either.

        Returns
        -------
        train, validation, test : Radiographs

        Raises
        ------
        DataError
            If a class has too few patients for every part, or an official split shares a patient.
        """
        parts = self.table["split"].to_numpy().copy() if "split" in self.table else np.full(len(self), "train", object)
        official = set(parts)
        if "test" not in official:
            self._deal(parts, {"val": 0.2, "test": 0.2} if "val" not in official else {"test": 0.2}, seed)
        elif "val" not in official:
            self._deal(parts, {"val": 0.2}, seed)
        shared = self.table.assign(split=parts).groupby("patient_id")["split"].nunique()
        if (shared > 1).any():
            raise DataError(
                f"{self.name!r}: {(shared > 1).sum()} patients are in two parts of the official split, for example "
                f"{shared.index[shared > 1][0]}. Remove the column `split` from the table to split by patient."
            )
        return tuple(self.subset(parts == name) for name in ("train", "val", "test"))

    def _deal(self, parts, shares, seed):
        """Move the given shares of the training patients into new parts, class by class."""
        training = np.flatnonzero(parts == "train")
        frequency = np.bincount(self.labels[training], minlength=self.n_classes)
        rarest_first = np.argsort(frequency, kind="stable").argsort()
        rank = pd.Series(rarest_first[self.labels[training]]).groupby(self.patients[training]).min()
        rng = np.random.default_rng(seed)
        for label in range(self.n_classes):
            patients = rng.permutation(rank.index[rank == rarest_first[label]].to_numpy(copy=True))
            if len(patients) <= len(shares):
                continue  # too few for each part to get one: they stay in training
            taken = 0
            for part, share in shares.items():
                count = max(1, round(share * len(patients)))
                parts[training[np.isin(self.patients[training], patients[taken : taken + count])]] = part
                taken += count
        dealt = ("train", *shares)
        for label, name in enumerate(self.class_names):
            if not all(label in self.labels[parts == part] for part in dealt):
                count = len(set(self.patients[training][self.labels[training] == label]))
                raise DataError(
                    f"{self.name!r}: class {name!r} has {count} patients to divide, too few for the {len(dealt)} parts "
                    f"{', '.join(dealt)}. Add images of more patients, or leave the class out."
                )


def load_dataset(name="sample", data_dir="", image_size=96, channels=1, on_error="raise", **options):
    """Load a data set into memory, one byte a pixel.

    Parameters
    ----------
    name : str
        A name from `dhl_helpers.readers.REGISTRY`, such as "sample", "chest_xray", "pneumoniamnist", "folder", "csv".
    data_dir : str or path
        Where the files are. Not needed for "sample".
    image_size : int
        Height and width after resizing, in pixels. The aspect ratio is not kept, as in the article.
    channels : {1, 3}
        Grey or colour.
    on_error : {"raise", "skip"}
        What to do with images that cannot be read.
    **options
        What the reader of this data set takes besides, for example `label_column` for "csv".

    Returns
    -------
    Radiographs

    Raises
    ------
    DataError
        If something is missing or cannot be read; the message lists every such file.
    """
    if name not in readers.REGISTRY:
        raise DataError(f"There is no data set {name!r}. Known: {', '.join(readers.REGISTRY)}.")
    if not 8 <= image_size <= 4096 or channels not in (1, 3) or on_error not in ("raise", "skip"):
        raise DataError("image_size is 8 to 4096 pixels, channels 1 or 3, on_error 'raise' or 'skip'.")
    found = readers.read(name, data_dir, options)
    table, missing = found.table.reset_index(drop=True), found.table["label"].isna()
    if missing.any():
        paths = found.table.loc[missing, "path"].astype(str).tolist()
        raise DataError(f"{len(paths)} images of {name!r} have no label. Add it or remove the rows:\n{listing(paths)}")
    if "patient_id" not in table:
        warnings.warn(f"{name!r} does not say whose image is whose: each image counts as one patient.", stacklevel=2)
        table["patient_id"] = np.arange(len(table))
    sources = table["path"] if found.images is None else found.images
    images, failed = decode_all(sources, image_size, channels, f"reading {name}")
    skipped = [f"{table['path'][row]}: {reason}" for row, reason in failed.items()]
    if skipped and (on_error == "raise" or len(skipped) == len(table)):
        raise DataError(
            f"{len(skipped)} of {len(table)} images cannot be read. Mend or remove them, or load the rest with "
            f"on_error='skip':\n{listing(skipped)}"
        )
    if skipped:
        warnings.warn(f"{len(skipped)} of {len(table)} images could not be read and are left out.", stacklevel=2)
        kept = np.setdiff1d(np.arange(len(table)), list(failed))
        images, table = images[kept], table.iloc[kept].reset_index(drop=True)
    if table["label"].nunique() < 2:
        only = table["label"].iloc[0]
        raise DataError(f"{name!r} has images of one class only, {only!r}. Add images of a second class.")
    table["path"] = table["path"].astype(str)
    return Radiographs(images, as_labels(table["label"], found.class_names), found.class_names, table, name, skipped)
