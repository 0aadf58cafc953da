"""Tests on several cores (`make test`): how many processes, their threads, and the longest files first."""

import csv
import os
from pathlib import Path

MOST = 4  # processes: the kernel of a notebook takes up to 1.6 GB

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    # Threads of two processes that wait for each other cost more than they save. Outputs do not depend on them.
    threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(threads))


def pytest_xdist_auto_num_workers():
    return min(MOST, os.cpu_count() or 1)


def pytest_collection_modifyitems(items):
    """Files that take long come first, so that no process ends alone: the series, notebooks by their measured time."""
    with open(Path(__file__).parent / "notebooks" / "results" / "timings.csv", encoding="utf-8") as file:
        seconds = {row["notebook"]: float(row["seconds"]) for row in csv.DictReader(file)}
    seconds |= {"test_notebooks": 200, "test_classroom": 80, "test_predict": 60, "test_scale_cluster": 50,
                "test_benchmark": 50}  # fmt: skip
    items.sort(key=lambda item: -seconds.get(item.path.stem, 0))
