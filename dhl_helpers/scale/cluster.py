"""Extraction and the XGBoost head on several machines, or in several processes of this one, by Dask."""

import os
import pickle
from itertools import islice
from threading import Lock

import numpy as np
from tqdm import tqdm

from ..errors import DataError
from ..heads import make_head
from .heads import chosen
from .workers import KilledWorker, WorkerPlugin, as_completed, connect, dask, get_worker

__all__ = ["compute", "connect", "fit_xgboost"]
ATTEMPTS = 4  # as many workers as Dask lets a piece of work end
AHEAD = 2  # pieces under way for each thread: one computed, one waiting


class _Network(WorkerPlugin):
    """Brings the network to every worker, also to one that joins late or starts again after a crash."""

    name = "dhl-network"

    def __init__(self, deep):
        self.pickled = pickle.dumps(deep)

    def setup(self, worker):
        # TensorFlow reads these when it is loaded. Without them each worker would start a thread for every core.
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(worker.state.nthreads)
        os.environ["TF_NUM_INTEROP_THREADS"] = "1"
        self.deep, self.lock = None, Lock()


def _transform(images):
    """On a worker: the features of a piece, and what is wrong with images that cannot be read."""
    network, unread = get_worker().plugins[_Network.name], []
    with network.lock:
        network.deep = network.deep or pickle.loads(network.pickled)
    return network.deep.compute(images, tqdm(disable=True), unread), unread


def compute(client, deep, pieces, bar, unread):
    """Compute pieces on all workers. One that dies costs the pieces that it was working on; others take them.

    Parameters
    ----------
    client : distributed.Client
        From `connect`.
    deep : DeepFeatures
    pieces : iterable of (slice, images)
        The rows and the images. Those on disk are read by the workers, under the same path as here.
    bar : tqdm.tqdm
    unread : list of str
        Gets what is said of images that cannot be read.

    Yields
    ------
    rows : slice
        In the order in which the workers end.
    features : ndarray of float32, shape (rows, d)

    Raises
    ------
    DataError
        If an image cannot be read and the set was not loaded with `on_error="skip"`; or workers keep dying.
    """
    client.register_plugin(_Network(deep))
    pieces, rows_of, running = iter(pieces), {}, as_completed()

    def submit(number):
        for rows, images in islice(pieces, number):
            future = client.submit(_transform, images, pure=False)
            rows_of[future.key] = rows
            running.add(future)

    submit(AHEAD * sum(client.nthreads().values()))
    try:
        for future in running:
            features, problems = future.result()
            unread += problems
            bar.update(len(features))
            submit(1)
            yield rows_of.pop(future.key), features
    except KilledWorker as error:
        raise DataError(
            "A piece of the images ended four workers, one after the other. Give each more memory, or fewer threads."
        ) from error
    finally:  # also where the caller stops
        client.cancel(list(running.futures))


def fit_xgboost(client, features, labels, rows=None, seed=0):
    """The XGBoost head of `make_head`, fitted on all workers of a cluster.

    Each worker reads its rows of the file. The histograms are cut at quantiles that depend on who has which rows, so
    the scores differ a little from those of one process. XGBoost cannot go on without a worker; where one dies, the fit
    begins again with those that are there.

    Parameters
    ----------
    client : distributed.Client
    features : FeatureFile
        Under the same path on every machine.
    labels : ndarray of int64, shape (n,)
        Of all images of the file.
    rows : ndarray of bool, shape (n,), or of int, shape (m,), optional
        The images to fit on; by default all.
    seed : int

    Returns
    -------
    xgboost.XGBClassifier
        Fitted, and usable without the cluster.

    Raises
    ------
    DataError
        If a package is missing, labels and rows do not fit the file, or workers keep dying.
    """
    labels, rows = chosen(features, labels, rows)
    try:
        import dask.array as da
        from xgboost.dask import DaskXGBClassifier
    except ImportError as error:
        raise DataError("XGBoost on several workers needs dask.dataframe: pip install 'dhl-helpers[large]'.") from error
    parts = np.array_split(rows, min(len(rows), 2 * sum(client.nthreads().values())))
    blocks = [(dask.delayed(_rows)(features, part), (len(part), features.shape[1])) for part in parts]
    X = da.concatenate([da.from_delayed(block, shape, np.float32) for block, shape in blocks])
    y = da.from_array(labels, chunks=(X.chunks[0],))
    head = make_head("xgboost", seed)
    fitted = DaskXGBClassifier(**head.get_params() | {"n_jobs": None})  # all threads of each worker
    fitted.client = client
    for _ in range(ATTEMPTS):
        workers = set(client.nthreads())
        try:
            fitted.fit(X, y)
        except Exception:  # XGBoost and Dask have no one kind for it
            if workers == set(client.nthreads()):
                raise
        else:
            head.load_model(fitted.get_booster().save_raw())
            return head
    raise DataError(
        f"Workers died during {ATTEMPTS} fits, one after the other. Give each more memory, or fewer threads."
    )


def _rows(features, rows):
    return features[rows]
