"""Decoding compressed DICOM in another process.

The decoders of JPEG, JPEG-LS and JPEG 2000 are C++ that ends the process, or never ends, on some damaged files. A
worker that dies, takes too long or asks for too much memory costs one image. Run as a program, this module is the
worker: it reads a line of JSON and the bytes of a file, and answers with a line of JSON and the pixels.
"""

import io
import json
import os
import queue
import subprocess
import sys
import threading

import numpy as np

from .files import working

SECONDS = 60  # for one image; a large film takes one, on a busy machine ten times as long
# Bytes of address space that decoding a film may take, besides what Python and its libraries have: less of it is used.
MEMORY, PER_PIXEL = 96 * 2**20, 16
_idle = queue.LifoQueue()


def decode(content, pixels, depth=None):
    """The greys of a compressed DICOM file, returned as `dicom_greys.decoded` does.

    Parameters
    ----------
    content : bytes
        The file.
    pixels : int
        How many it announces.
    depth : int, optional

    Raises
    ------
    ValueError
        If it cannot be decoded.
    """
    needed = MEMORY + PER_PIXEL * pixels
    with working.reserve(needed):
        return _ask(content, {"size": len(content), "memory": needed, "depth": depth})


def _ask(content, question):
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        worker = subprocess.Popen([sys.executable, "-m", __name__], **pipes, env=environment)
    watchdog = threading.Timer(SECONDS, worker.kill)
    watchdog.start()
    try:
        worker.stdin.write(json.dumps(question).encode() + b"\n" + content)
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
    for line in sys.stdin.buffer:
        try:
            question = json.loads(line)
            content = io.BytesIO(sys.stdin.buffer.read(question["size"]))
            limit(question["memory"])
            (pixels, depth, remarks), error = greys(read(content, ELEMENTS), question["depth"]), ""
        except Exception as problem:
            pixels, depth, remarks = np.zeros((0, 0), np.uint8), None, []
            error = str(problem) or type(problem).__name__
        limit(None)
        answer = {"shape": pixels.shape, "size": pixels.size, "depth": depth, "remarks": remarks, "error": error}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.write(pixels.tobytes())
        answers.flush()


def limit(more):
    """Let this process have so many bytes more than it has now; None: as many as it likes."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            has = int(file.read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard if more is None else has + more, hard))
    except (ImportError, ValueError, OSError):  # not on this system: the check of the announced sizes has to do
        pass


if __name__ == "__main__":
    main()
