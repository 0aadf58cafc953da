"""From files to arrays: load a data set, keep it small in memory, split it by patient."""

import warnings
from dataclasses import dataclass, field, replace
from importlib import import_module

import numpy as np
import pandas as pd

from . import readers
from .duplicates import warn_of_contradictions
from .errors import DataError, listing
from .labels import as_labels, labels_of
from .pixels.decode import read_or_list, rows_of
from .readers.findings import NONE, choose
from .readers.found import Found
from .splitting import PARTS, name_patients, parts_of


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
        return [part for part in PARTS if (self.table.get("split", pd.Series(dtype=str)) == part).any()]

    def part(self, name):
        """A part that the data set itself names, such as "test" or "external"; DataError where it does not."""
        if name not in self.part_names:
            known = ", ".join(map(repr, self.part_names)) or "none"
            raise DataError(f"{self.name!r} has no part {name!r}, only {known}. Use .split() to make a split.")
        return self.subset((self.table["split"] == name).to_numpy())

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
        return replace(self, images=images, labels=labels, class_names=one.class_names, table=one.table,
                       name=f"{self.name}:{name}", skipped=[])  # fmt: skip

    def split(self, seed=0):
        """Split into training, validation and test part; no patient and no picture is in two of them.

        An official split is kept. Where it lacks a validation part, one in five training patients becomes it; where
        there is none, patients are dealt 60 : 20 : 20 within each class. A patient with images of several classes or
        findings counts for the rarest; images without any finding are one more class. A part "external" stays out.

        Returns
        -------
        train, validation, test : Radiographs

        Raises
        ------
        DataError
            If a class has too few patients for the parts (a finding may), a part lacks one, or two share a patient.
        """
        parts = parts_of(self, seed)
        return tuple(self.subset(parts == name) for name in ("train", "val", "test"))


def load_dataset(name="sample", data_dir="", image_size=96, channels=1, on_error="raise", lazy=False, depth=None,
                 **options):  # fmt: skip
    """Load a data set into memory, one byte a pixel; or list it, and leave the pixels on disk.

    Parameters
    ----------
    name : str
        A name from `dhl_helpers.readers.REGISTRY`, such as "sample", "chest_xray", "nih", "folder", "csv". Where an
        image can have several findings, "nih:Effusion" is one finding against none, "nih:single" one class a finding.
        Or "embeddings", see `load_embeddings`: a set without pixels, to which only data_dir and options apply.
    data_dir : str or path
        Where the files are. Not needed for "sample".
    image_size : int
        Height and width after resizing, in pixels. The aspect ratio is not kept, as in the article.
    channels : {1, 3}
        Grey or colour.
    on_error : {"raise", "skip"}
        What to do with images that cannot be read.
    lazy : bool
        Decode images only where they are used, for sets that do not fit in memory: `images` is then a `LazyImages`,
        from which `DeepFeatures` reads as it goes. Only missing files are noticed at once; 100 files decide on depth.
    depth : {8, 12, 16}, optional
        Bits of grey images of 16 bits that do not say how many they use (DICOM: Bits Stored, PNG: sBIT), one for the
        whole set: 2**depth - 1 is white. By default the fewest that hold all but one pixel in 200 of each image.
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
    if not 8 <= image_size <= 4096 or channels not in (1, 3) or on_error not in ("raise", "skip"):
        raise DataError("image_size is 8 to 4096 pixels, channels 1 or 3, on_error 'raise' or 'skip'.")
    found = readers.read(name, data_dir, options)
    if found.features is not None:
        return import_module(".embeddings", __package__).Embeddings.of(found, name)
    table, labels = found.table, labels_of(found.table, found.class_names, found.findings, name)
    alone = name_patients(table, name, found.images is not None, warn=True)
    sources = table["path"] if found.images is None else found.images
    images, failed, depth, remarks = read_or_list(sources, image_size, channels, name, lazy, on_error, depth)
    for remark in (*found.remarks, *(f"{name!r}: {each}" for each in remarks)):
        warnings.warn(remark, stacklevel=2)
    skipped = [f"{table['path'][row]}: {reason}" for row, reason in failed.items()]
    if skipped and (on_error == "raise" or len(skipped) == len(table)):
        raise DataError(f"{len(skipped)} of {len(table)} images cannot be read. Repair or remove them, or load the "
                        f"rest with on_error='skip':\n{listing(skipped)}")  # fmt: skip
    if skipped:
        warnings.warn(f"{len(skipped)} of {len(table)} images could not be read and are left out.", stacklevel=2)
        kept = np.setdiff1d(np.arange(len(table)), list(failed))
        images, table = rows_of(images, kept), table.iloc[kept].reset_index(drop=True)
        labels = labels_of(table, found.class_names, None if found.findings is None else found.findings[kept], name)
    table["path"] = table["path"].astype(str)
    warn_of_contradictions(images, table)
    return Radiographs(images, labels, found.class_names, table, name, skipped, depth, alone)
