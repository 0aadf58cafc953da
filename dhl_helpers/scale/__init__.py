"""What large data sets need, on top of `DeepFeatures`: features in a file, workers, a head on features in pieces.

Dask is loaded where a client is given, and TensorFlow not at all before something is extracted.
"""

import hashlib

import numpy as np

from ..pixels.lazy import LazyImages
from ..progress import progress
from .store import FeatureFile


def extract(deep, images, to, client=None):
    """Write features to a file, piece by piece: memory does not grow with the number of images.

    Parameters
    ----------
    deep : DeepFeatures
        Its cache is not used: the file is one.
    images : ndarray of uint8, shape (n, height, width, channels), or Radiographs, or its `images`
        Images that were loaded lazily are read while the network computes.
    to : str or path
        The file, a folder in the Zarr layout. Called again after a kill, the extraction goes on where it was.
    client : distributed.Client, optional
        Compute the pieces on the workers of a cluster, see `dhl_helpers.scale.cluster`.

    Returns
    -------
    FeatureFile
        Shape (n, d), in the order of `images`. Images of a set loaded with `on_error="skip"` that cannot be read have
        NaN.

    Raises
    ------
    DataError
        As `DeepFeatures.transform`; if `to` holds something else; or if workers keep dying.
    """
    from ..deep import say_unread
    from ..engines import identity, width

    images = deep.check(images)
    lazy = isinstance(images, LazyImages)
    pixels = images.fingerprint() if lazy else hashlib.sha256(np.ascontiguousarray(images)).hexdigest()
    made_of = {"images": pixels, "network": identity(deep.base), "engine": deep.engine}
    file = FeatureFile.create(to, (len(images), width(deep.base)), deep.storage, made_of)
    missing, unread = file.missing(), []
    pieces = ((rows, images.subset(rows) if lazy else images[rows]) for rows in missing)
    done = len(images) - sum(rows.stop - rows.start for rows in missing)
    with progress(total=len(images), unit="image", description="features", done=done, delay=2) as bar:
        if client is None:
            computed = ((rows, deep.compute(some, bar, unread)) for rows, some in pieces)
        else:
            from .cluster import compute

            computed = compute(client, deep, pieces, bar, unread)
        for rows, features in computed:
            file.write(rows, features)
    file.tidy()
    say_unread(unread)
    return file
