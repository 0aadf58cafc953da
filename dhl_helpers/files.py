"""Files that the course writes: whole or not at all, and known by their digests.

A file is written under a temporary name beside its place, synced and moved. A temporary name says which process writes
it, so that what a killed one left is recognised and removed. `dhl_helpers.written` says what may be replaced.
"""

import errno
import hashlib
import os
import secrets
import shutil
import socket
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from .errors import DataError

UNFINISHED = ".dhl-unfinished-"  # then process, its start, machine, a random number, the end of the final name
WEEK = 7 * 24 * 3600  # seconds; after that long without a change, another machine's process is dead, too


def _machine():
    """Tells apart machines, and containers that number their processes separately."""
    told = socket.gethostname()
    with suppress(OSError):
        told += os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _temporary(name):
    started = int(psutil.Process().create_time())
    return f"{UNFINISHED}{os.getpid()}-{started}-{_machine()}-{secrets.token_hex(4)}-{name[-40:]}"


def _is_dead(path):
    """Whether the process that was writing under this temporary name has ended."""
    try:
        process, started, machine, _ = path.name.removeprefix(UNFINISHED).split("-", 3)
        if machine != _machine():
            return time.time() - path.lstat().st_mtime > WEEK
        writer = psutil.Process(int(process))
        return writer.status() == psutil.STATUS_ZOMBIE or abs(writer.create_time() - int(started)) > 60
    except (psutil.AccessDenied, ValueError, OSError):
        return False
    except psutil.NoSuchProcess:
        return True


def tidy(folder, below=False):
    """Remove what dead processes left under temporary names in a folder, and with `below` in its subfolders."""
    with suppress(OSError):  # a file that cannot be removed is no reason to stop
        for path in (Path(folder).rglob if below else Path(folder).glob)(f"{UNFINISHED}*"):
            if _is_dead(path):
                remove(path)


def remove(path):
    """Remove a file, or a folder with all that is in it; another process may be faster."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _naming(path):
    """Within: an OSError names this path where it names none; a write says nothing of where."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def replacing(path):
    """Write a file, or a whole folder, under the temporary name that this yields; then it takes the place of `path`.

    After an exception or a kill, `path` is what it was before. A folder that is already there is moved aside first,
    see `restore`.
    """
    path = Path(path)
    unfinished = path.with_name(_temporary(path.name))
    try:
        with _naming(path):
            yield unfinished
            for each in [unfinished, *(unfinished.rglob("*") if unfinished.is_dir() else ())]:
                _sync(each)  # or a power cut could leave the name without the content
            if unfinished.is_dir():
                _exchange(unfinished, path)
            else:
                os.replace(unfinished, path)
            _sync(path.parent)
    finally:
        with suppress(OSError):
            remove(unfinished)


def _exchange(new, folder):
    if folder.exists():
        remove(aside(folder))
        os.replace(folder, aside(folder))
    try:
        os.replace(new, folder)
    finally:
        restore(folder)
    remove(aside(folder))


def restore(folder):
    """Give a folder its name back, if a kill came between the two moves of `replacing`."""
    folder = Path(folder)
    if aside(folder).is_dir() and not folder.exists():
        with suppress(OSError):
            os.replace(aside(folder), folder)


def aside(folder):
    """Where a folder waits while another takes its place."""
    return folder.with_name(f".dhl-before-{folder.name}")


def _sync(path):
    with suppress(OSError if path.is_dir() else ()):  # Windows opens no folders, and some disks do not sync them
        handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write(path, content):
    """Write a file whole or not at all: text as UTF-8, or bytes."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)


def digest(path):
    """SHA-256 of a file, read in pieces: str."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def temporary_folder():
    """A folder among the system's temporary files; removed at the end, after a kill by the next call."""
    tidy(tempfile.gettempdir())
    folder = Path(tempfile.gettempdir(), _temporary("folder"))
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def room_for(folder, size):
    """Raise a DataError where less than `size` bytes are free."""
    if size > (free := shutil.disk_usage(folder).free):
        raise DataError(f"{folder}: {size / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free. Make room.")


def try_out(folder):
    """Write into a folder, or where it will be made: a full disk or a read-only folder is noticed before the work."""
    place = Path(folder).absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "a file, not a folder", str(place))
    tidy(place)
    probe = place / _temporary("probe")
    try:
        with _naming(folder):
            probe.write_bytes(bytes(2**16))
            _sync(probe)
    finally:
        with suppress(OSError):
            remove(probe)
