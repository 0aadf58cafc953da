"""The workers that share a work: those of a running scheduler, or processes on this machine, by Dask."""

import logging
import os
from contextlib import contextmanager

from ..errors import DataError

try:
    import dask
    from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin, as_completed, get_worker
except ImportError as error:
    raise DataError("Several workers need Dask, which is not installed: pip install 'dhl-helpers[large]'.") from error

__all__ = ["KilledWorker", "WorkerPlugin", "as_completed", "connect", "dask", "get_worker"]
PATIENCE = 20  # seconds for a scheduler to answer


@contextmanager
def connect(scheduler="", workers=0):
    """Within this context: a client of a running scheduler, or of worker processes on this machine.

    Parameters
    ----------
    scheduler : str
        Its address, such as "tcp://10.0.0.5:8786"; empty: workers are started here, and end with the context.
    workers : int
        How many to start here; 0: one for four cores. They share the cores evenly.

    Yields
    ------
    distributed.Client

    Raises
    ------
    DataError
        If no scheduler answers at that address.
    """
    if scheduler:
        try:
            client = Client(scheduler, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{scheduler}: no Dask scheduler answers there. Start one by `dask scheduler`, and on each machine "
                "`dask worker tcp://HOST:PORT`."
            ) from error
        with client:
            yield client
        return
    cores = os.cpu_count() or 1
    workers = workers or max(1, cores // 4)
    # A worker that died comes back, however long that takes on a busy machine.
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"}), LocalCluster(
        workers, threads_per_worker=max(1, cores // workers), host="127.0.0.1", dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as local, Client(local) as client:  # fmt: skip
        client.register_plugin(_Quiet())
        yield client


class _Quiet(WorkerPlugin):
    """Sends to nowhere what a worker's libraries write to stderr, which a notebook would keep. Errors come by Dask."""

    name = "dhl-quiet"

    def setup(self, worker):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
