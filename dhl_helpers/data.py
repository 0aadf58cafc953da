"""From files to arrays: load a data set, and keep it small in memory."""

import warnings
from importlib import import_module

import numpy as np

from . import readers
from .duplicates import warn_of_contradictions
from .errors import DataError, listing
from .labels import labels_of
from .pixels.decode import read_or_list, rows_of
from .radiographs import Radiographs
from .splitting import name_patients


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
        Bits of images of 16 bits that do not say how many they use (as DICOM does, and PNG can): 2**depth - 1 is white.
        By default the fewest that hold all but one pixel in 200 of each image. A mixed set is warned of.
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
    for remark in found.remarks:
        warnings.warn(remark, stacklevel=2)
    alone = name_patients(table, name, found.images is not None, warn=True)
    sources = table["path"] if found.images is None else found.images
    images, failed, depth = read_or_list(sources, image_size, channels, name, lazy, on_error, depth)
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
    if not lazy:
        warn_of_contradictions(images, table)
    return Radiographs(images, labels, found.class_names, table, name, skipped, depth, alone)
