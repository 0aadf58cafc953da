"""Decoding compressed DICOM in another process.

The decoders of JPEG, JPEG-LS and JPEG 2000 are C++ that ends the process, or never ends, on some damaged files. A
worker that dies or takes too long costs one image. Run as a program, this module is the worker: it reads paths, one a
line, and answers each with a line of JSON, followed by the pixels.
"""

import json
import os
import queue
import subprocess
import sys
import threading

import numpy as np

SECONDS = 30  # for one image; a large film takes one
MEMORY = 2 * 2**30  # bytes of address space, most of it Python's and its libraries'
_idle = queue.LifoQueue()


def decode(path, depth=None):
    """The greys of a compressed DICOM file, returned as `dicom_greys.decoded` does.

    Raises
    ------
    ValueError
        If it cannot be decoded.
    """
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        worker = subprocess.Popen([sys.executable, "-m", __name__], **pipes, env=environment)
    watchdog = threading.Timer(SECONDS, worker.kill)
    watchdog.start()
    try:
        worker.stdin.write(json.dumps([str(path), depth]).encode() + b"\n")
        worker.stdin.flush()
        answer = json.loads(worker.stdout.readline())
        pixels = worker.stdout.read(answer["size"])
        pixels = np.frombuffer(pixels, np.uint8).reshape(answer["shape"])
    except (OSError, ValueError) as error:  # it died, so its answer is cut off
        worker.kill()
        worker.communicate()
        raise ValueError("the decoder failed on it: damaged compressed pixels") from error
    finally:
        watchdog.cancel()
    _idle.put(worker)
    if answer["error"]:
        raise ValueError(answer["error"])
    return pixels, answer["depth"], answer["remarks"]


def main():
    """Answer until standard input ends."""
    from .dicom import read
    from .dicom_greys import ELEMENTS, greys

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # some decoders print
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # not on this system: the parent's check of the size has to do
        pass
    for line in sys.stdin.buffer:
        try:
            path, depth = json.loads(line)
            (pixels, depth, remarks), error = greys(read(path, ELEMENTS), depth), ""
        except Exception as problem:
            pixels, depth, remarks = np.zeros((0, 0), np.uint8), None, []
            error = str(problem) or type(problem).__name__
        answer = {"shape": pixels.shape, "size": pixels.size, "depth": depth, "remarks": remarks, "error": error}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.write(pixels.tobytes())
        answers.flush()


if __name__ == "__main__":
    main()
