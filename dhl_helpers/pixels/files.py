"""The door for image files: only regular files, no more memory than there is for all of them together."""

import contextlib
import os
import stat
import threading

MOST_BYTES = 256 * 2**20  # of one file: a film of 50 million pixels of 16 bits has 100 million
READING = 512 * 2**20  # bytes that all images being decoded in this process may take together
WORKING = 576 * 2**20  # bytes of address space, the same for all processes that decode compressed DICOM


@contextlib.contextmanager
def opened(path):
    """Open a regular file for reading.

    Raises
    ------
    ValueError
        If there is a folder, a pipe or a device, or nothing can have that name, or the file is too large for a film.
    FileNotFoundError
    """
    try:
        # A pipe that nobody writes to would wait for ever, and opening a device may do something.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError("not a regular file (a folder, a pipe or a device)")
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))
    except FileNotFoundError:
        raise
    except OSError as error:  # no permission, a name too long
        raise ValueError(error.strerror or type(error).__name__) from error
    with file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):  # exchanged in between
            raise ValueError("not a regular file (a folder, a pipe or a device)")
        if state.st_size > MOST_BYTES:
            raise ValueError(f"a file of {state.st_size} bytes exceeds the limit of {MOST_BYTES} for an image")
        yield file


class Budget:
    """Bytes that several threads share: who wants more than is left waits until others have finished."""

    def __init__(self, most):
        self.most, self.left, self.changed = most, most, threading.Condition()

    @contextlib.contextmanager
    def reserve(self, needed):
        """Hold `needed` bytes; ValueError if one image would take more than all may take together."""
        if needed > self.most:
            raise ValueError(f"decoding it takes about {needed} bytes, which exceeds the limit of {self.most}")
        with self.changed:
            self.changed.wait_for(lambda: self.left >= needed)
            self.left -= needed
        try:
            yield
        finally:
            with self.changed:
                self.left += needed
                self.changed.notify_all()


reading, working = Budget(READING), Budget(WORKING)  # who holds the second never waits for the first
