"""Films on disk: what reading costs beside computing, memory at n and at 4 n films, and what a kill on the way costs.

`python benchmarks/streaming.py [N]`: 4 N films of 224 pixels, by default 100,000 in all. They are simulated noise, 500
files that the list repeats, so that the disk need not hold them all; a small network, so that reading counts.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import loading
import numpy as np
import pandas as pd
from measure import COLUMNS, compare, keep, show
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers.files import temporary_folder
from dhl_helpers.pixels.lazy import LazyImages
from dhl_helpers.scale import extract as extract_to_file
from tools.refresh import peak_memory

FILES, SIZE = 500, 224


def extract(folder, n, to):
    """In a process of its own: write the features of n films, print the largest memory in MB."""
    from dhl_helpers._keras import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(8, 5, 4, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    base = keras.Sequential([keras.Input((SIZE, SIZE, 1)), keras.layers.Rescaling(1 / 255), *layers])
    paths = sorted(Path(folder).glob("*.jpg"))
    extract_to_file(dhl.DeepFeatures(base), LazyImages([paths[row % FILES] for row in range(n)], SIZE, 1), to)
    print(peak_memory(os.getpid()))  # getrusage would count what its parent held before the start


def started(*arguments):
    command = [sys.executable, __file__, "extract", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def row(way, n, *arguments):
    """Wait for an extraction; its row of the table."""
    begin = time.perf_counter()
    output = started(*arguments).communicate()[0]
    seconds = time.perf_counter() - begin
    peak = float(output.split()[-1])
    return {"what": f"features of films on disk, {n}", "way": way, "items": n, "seconds": seconds,
            "per second": n / seconds, "peak, MB": peak}  # fmt: skip


def reading():
    """Large JPEG files: a network that takes longer than they do, and one that does not."""
    tables, shape = [], (loading.SIZE, loading.SIZE, 1)
    with temporary_folder() as folder:
        loading.write(Path(folder), 1654, 1357, "jpg", 64)
        paths = sorted(Path(folder).rglob("*.jpg"))
        on_disk = LazyImages(paths, loading.SIZE, 1)
        in_memory = np.asarray(on_disk)
        slow = dhl.DeepFeatures(dhl.pretrained_base("DenseNet121", shape, weights=None))
        ways = {"in memory": lambda: slow.transform(in_memory), "from files": lambda: slow.transform(on_disk)}
        tables.append(compare("DenseNet121, JPEG of 1654 x 1357", 64, ways))
        fast = dhl.DeepFeatures(dhl.conv_base(dhl.build_cnn(shape, 3)))
        ways = {"a loop with Pillow first": lambda: fast.transform(loading.plain(paths)[..., None]),
                "from files": lambda: fast.transform(on_disk)}  # fmt: skip
        tables.append(compare("CNN of the article, JPEG of 1654 x 1357", 64, ways))
    return tables


def main(n=25_000):
    tables = reading()
    with temporary_folder() as scratch:
        films, whole, killed = (Path(scratch, name) for name in ("films", "whole", "killed"))
        films.mkdir()
        rng = np.random.default_rng(0)
        for number in range(FILES):
            coarse = Image.fromarray(rng.integers(0, 256, (24, 24), np.uint8))
            coarse.resize((SIZE, SIZE), Image.BICUBIC).save(films / f"{number:03}.jpg")
        rows = [row("from disk", n, films, n, Path(scratch, "quarter"))]
        rows.append(row("from disk", 4 * n, films, 4 * n, whole))
        process = started(films, 4 * n, killed)
        time.sleep(rows[-1]["seconds"] / 2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        rows.append(row("the rest, after a kill", 4 * n, films, 4 * n, killed))
        contents = [{file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
                    for folder in (whole, killed)]  # fmt: skip
    table = pd.DataFrame(rows, columns=[*COLUMNS, "peak, MB"])
    print("The same bytes after a kill:", contents[0] == contents[1])
    keep("streaming", [*tables, show(table)])


if __name__ == "__main__":
    if sys.argv[1:2] == ["extract"]:
        extract(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main(*map(int, sys.argv[1:]))
