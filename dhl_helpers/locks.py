"""The operating system's locks: they end with the process that holds them, however it ends."""

import errno
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import DataError

LOCK = ".dhl-lock"  # in a folder, while a command writes there
BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def hold(path, busy=""):
    """Take the operating system's lock on a file, which ends with this process however that ends; `release` it before.

    Parameters
    ----------
    path : Path
        Made when absent, as its folder is.
    busy : str
        What the `DataError` says where another process holds it. Empty: wait for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle, wait=not busy)
            if os.name == "nt" or os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        except FileNotFoundError:
            pass  # whoever held it has just removed it
        except OSError as error:
            if error.errno not in BUSY:
                print(f"note: {path.parent} takes no locks; start nothing else that writes there.", file=sys.stderr)
                return handle
            os.close(handle)
            raise DataError(busy) from error
        os.close(handle)


def release(path, handle):
    """Give a lock back that `hold` took."""
    with suppress(OSError):  # Windows removes no open files
        os.unlink(path)
    os.close(handle)


@contextmanager
def lock(path, busy=""):
    """`hold` and `release` a lock around what writes there."""
    handle = hold(Path(path), busy)
    try:
        yield
    finally:
        release(path, handle)


if os.name == "nt":
    import msvcrt

    def _lock(handle, wait):
        while True:
            try:
                return msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    raise
                time.sleep(0.05)
else:
    import fcntl

    def _lock(handle, wait):
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
