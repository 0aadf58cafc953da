"""A loaded data set: images, labels, patients, and the parts that it is split into."""

import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from .errors import DataError
from .labels import as_labels
from .pixels.decode import rows_of
from .readers.findings import NONE, choose
from .readers.found import Found
from .splitting import PARTS, parts_of


@dataclass(eq=False)
class Radiographs:
    """Images with their labels and patients.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width, channels)
        Grey levels 0 to 255; the networks rescale inside. A `LazyImages` where the set was loaded with `lazy`.
    labels : ndarray of int64, shape (n,), or of float32, shape (n, k)
        Positions in `class_names`; where an image can have several findings, 1 present, 0 absent, NaN unknown.
    class_names : list of str
        The classes, or the k findings.
    table : pandas.DataFrame
        One row per image: path, label, patient_id, where there is one split, and what else the source tells.
    name : str
        The data set's name.
    skipped : list of str
        Files left out because they could not be read, with the reason.
    depth : {8, 12, 16}, optional
        Bits of the images of 16 bits that do not say how many they use: 2**depth - 1 is white. None without such.
    patients_unknown : int
        How many images count as a patient because nothing says whose they are.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: list
    table: pd.DataFrame
    name: str = ""
    skipped: list = field(default_factory=list)
    depth: int | None = None
    patients_unknown: int = 0

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
        """int: the number of classes, or of findings."""
        return len(self.class_names)

    @property
    def multilabel(self):
        """bool: whether an image can have several findings at once."""
        return self.labels.ndim == 2

    def subset(self, rows):
        """The images at `rows` (a boolean mask or positions), with everything that belongs to them."""
        table = self.table[rows] if np.asarray(rows).dtype == bool else self.table.iloc[rows]
        images, table = rows_of(self.images, rows), table.reset_index(drop=True)
        return replace(self, images=images, labels=self.labels[rows], table=table, skipped=[])

    @property
    def part_names(self):
        """list of str: the parts that the data set itself names, in the order train, val, test, external."""
        held = set(self.table["split"]) if "split" in self.table else ()
        return [part for part in PARTS if part in held]

    def part(self, name):
        """A part that the data set itself names, such as "test" or "external"; DataError where it does not."""
        parts = self.table.get("split", pd.Series(dtype=str))
        if name not in self.part_names:
            known = ", ".join(map(repr, self.part_names)) or "none"
            raise DataError(f"{self.name!r} has no part {name!r}, only {known}. Use .split() to make a split.")
        return self.subset((parts == name).to_numpy())

    def one_finding(self, name="", seed=0):
        """One finding against no finding at all, as two classes, where an image can have several.

        Parameters
        ----------
        name : str
            The finding; by default the one that most images have.
        seed : int
            A patient stays in the part that `split(seed)` of all findings gives, whatever the question.

        Returns
        -------
        Radiographs
            Without the images of which the answer is not known. DataError where each image has one class.
        """
        if not self.multilabel:
            raise DataError(f"{self.name!r} has one class per image: {', '.join(self.class_names)}. Use it as it is.")
        name = name or pd.Series(np.nansum(self.labels, 0), self.class_names).drop(NONE, errors="ignore").idxmax()
        table = self.table.assign(split=parts_of(self, seed))
        one = choose(Found(table, self.class_names, np.arange(len(self)), self.labels), name)
        warnings.warn(one.remarks[-1], stacklevel=2)
        images, labels = rows_of(self.images, one.images), as_labels(one.table["label"], one.class_names)
        return Radiographs(images, labels, one.class_names, one.table, f"{self.name}:{name}", depth=self.depth,
                           patients_unknown=self.patients_unknown)  # fmt: skip

    def split(self, seed=0):
        """Split into training, validation and test part; no patient and no picture is in two of them.

        An official split is kept. Where it lacks a validation part, one in five training patients becomes it; where
        there is no official split, patients are dealt 60 : 20 : 20 within each class. A patient with images of
        several classes or findings counts for the rarest of them; images without any finding are one more class. A
        part named "external" stays out, and shares no patient either.

        Returns
        -------
        train, validation, test : Radiographs

        Raises
        ------
        DataError
            If a class has too few patients for the parts (a finding may: `evaluate` leaves it out), a part lacks a
            class, or two parts share a patient.
        """
        parts = parts_of(self, seed)
        return tuple(self.subset(parts == name) for name in ("train", "val", "test"))
