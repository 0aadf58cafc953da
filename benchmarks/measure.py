"""What the benchmarks share: ratios measured side by side, and where their rows go."""

import os
import platform
import sys
import time
from pathlib import Path

import pandas as pd

from dhl_helpers.files import write
from dhl_helpers.tables import markdown, replace

HERE = Path(__file__).resolve().parent
COLUMNS = ["what", "way", "items", "seconds", "per second", "per second, slowest round", "plain / this",
           "plain / this, processor time"]  # fmt: skip


def compare(what, items, ways, repeats=2):
    """Time several ways of doing the same in one process, taking turns, so that other work falls on all of them alike.

    Parameters
    ----------
    what : str
        The work.
    items : int
        How many images, fits or resamples one call handles.
    ways : dict of str to callable
        Each way without arguments; the first is the plain one, to which the others are compared.
    repeats : int
        Rounds after one that is not counted. Ratios are those of the shortest times; the slowest round stands beside
        them, as some ways vary. Processor time, of all cores together, tells how much work it is, and other work on
        the machine does not count in it.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, a row a way.
    """
    times = []
    for _ in range(1 + repeats):
        for name, call in ways.items():
            start = time.perf_counter(), time.process_time()
            call()
            times.append((name, time.perf_counter() - start[0], time.process_time() - start[1]))
    counted = pd.DataFrame(times[len(ways) :], columns=["way", "wall", "work"]).groupby("way", sort=False)
    best, worst, work = counted["wall"].min(), counted["wall"].max(), counted["work"].min()
    columns = [what, best.index, items, best, items / best, items / worst, best.iloc[0] / best, work.iloc[0] / work]
    return show(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))).reset_index(drop=True))


def show(table):
    """Print a table, and return it."""
    print(text_of(table).to_string(index=False), flush=True)
    return table


def text_of(table):
    """The numbers of a table as text, with three digits that count; whole ones from a thousand on."""

    def text(value):
        return f"{value:{',.0f' if value >= 1000 else '.3g'}}" if isinstance(value, float) else f"{value}"

    return table.map(text)


def keep(name, tables):
    """Write the rows of a benchmark, with the machine, to NAME.csv beside this file."""
    rows = pd.concat(tables).round(4).assign(machine=machine())
    write(HERE / f"{name}.csv", rows.to_csv(index=False, lineterminator="\n"))


def machine():
    """Cores and processor in words."""
    cpu = Path("/proc/cpuinfo")
    named = [line.split(":")[1].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")] \
        if cpu.exists() else []  # fmt: skip
    return f"{os.cpu_count()} cores, {named[0] if named else platform.processor() or platform.machine()}"


def into(page, name, table):
    """Put a table between the markers `name` of a Markdown page."""
    replace(HERE.parent / page, {name: markdown(text_of(table))})


def wanted():
    """The names on the command line."""
    return sys.argv[1:]
