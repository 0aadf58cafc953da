"""Run the benchmarks, all or those named: `make bench`, or python benchmarks/run.py loading heads.

Each writes its rows to a CSV beside this file. README.md shows their ratios, CONTRIBUTING.md the profile of the series.
They take about a quarter of an hour on two cores; run them with nothing else running. The tests never do.
"""

import importlib

import pandas as pd
from measure import HERE, into, wanted

KINDS = ["extraction", "streaming", "loading", "heads", "evaluation"]


def main():
    for name in wanted() or [*KINDS, "series"]:
        print(f"\n{name}", flush=True)
        importlib.import_module(name).main()
    tables = [pd.read_csv(HERE / f"{name}.csv") for name in KINDS if (HERE / f"{name}.csv").exists()]
    shown = pd.concat(tables).drop(columns=["items", "seconds", "machine"])
    into("README.md", "benchmarks", shown.astype(object).fillna(""))


if __name__ == "__main__":
    main()
