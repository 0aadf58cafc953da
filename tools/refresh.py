"""Make again what the repository holds of its own running: `python -m tools.refresh`.

It executes the notebooks in place under their committed parameters, and writes the run time at the top of each,
notebooks/results/timings.csv, the figure and the tables of README.md, and the tables of docs/instructor.
"""

import argparse
import base64
import os
import platform
import re
import time
from pathlib import Path

from dhl_helpers.commands import _pages, _report
from dhl_helpers.commands._series import NOTEBOOKS, own_kernel, select
from dhl_helpers.files import temporary_folder, write
from dhl_helpers.tables import markdown, replace

from . import instructor

RESULTS = NOTEBOOKS / "results"


def main(only=""):
    """Execute in place, in order, and 00 last because it shows the times of all.

    Parameters
    ----------
    only : str
        Numbers of the notebooks, separated by commas; all when empty.
    """
    import nbformat
    import pandas as pd

    series = select(only=only)
    with temporary_folder() as folder:
        records = Path(folder, "results.csv")
        measured = [measure(path, records) for path in series]
        timings = pd.DataFrame(measured, columns=["notebook", "seconds", "memory_mb", "machine"])
        if (RESULTS / "timings.csv").exists():
            timings = pd.concat([timings, pd.read_csv(RESULTS / "timings.csv")]).drop_duplicates("notebook")
        timings = timings.sort_values("notebook")
        RESULTS.mkdir(exist_ok=True)
        write(RESULTS / "timings.csv", timings.to_csv(index=False, lineterminator="\n"))
        for path, (_, seconds, _, _) in zip(series, measured, strict=True):
            state_time(path, seconds)
        first = select(only="00")[0]
        measure(first, records)
        if not only:
            for warm_up in sorted(NOTEBOOKS.glob("warm_up/*.ipynb")):
                measure(warm_up, records)
        figure = next(
            output.data["image/png"] for cell in nbformat.read(first, as_version=4).cells
            for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
        )  # fmt: skip
        write(RESULTS / "dhl.png", base64.b64decode(figure))
        lines = [f"{row.notebook:<26}{row.seconds:7.1f} s  ok" for row in timings.itertuples()]
        summary = _report.counts(len(lines), len(lines), timings["seconds"].sum())
        tables = {"notebooks": course_map(timings), "run": "\n".join(["```", *lines, summary, "```"])}
        if any(path.name.startswith("06") for path in series):
            results = _report.results(records).query("notebook == '06'")
            tables["results"] = markdown(results[["method", *_pages.FIRST]])
    for page, of_page in {NOTEBOOKS.parent / "README.md": tables, **instructor.pages()}.items():
        replace(page, of_page)


def measure(path, records):
    """Execute a notebook in place; returns its name, seconds, peak memory of its kernel in MB, and the machine.

    The parameters stay the committed ones, but its results are recorded: RESULTS is set while it runs.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    committed, peaks = parameters.source, [0]
    parameters.source += f"\nRESULTS = {str(records)!r}"
    with own_kernel() as kernel:
        client = NotebookClient(
            notebook, timeout=600, kernel_name=kernel, record_timing=False, coalesce_streams=True,
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_executed=lambda **_: peaks.append(peak_memory(client.km.provisioner.pid)),
        )  # fmt: skip
        start = time.perf_counter()
        client.execute()
        seconds = round(time.perf_counter() - start, 1)
    parameters.source = committed
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    write(path, nbformat.writes(notebook).rstrip("\n") + "\n")
    print(f"{path.stem:<26}{seconds:7.1f} s {peaks[-1]:6d} MB")
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())  # not in it on every CPU type
    return path.stem, seconds, peaks[-1], f"{os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}"


def state_time(path, seconds):
    """Write the measured run time into the first cell of a notebook."""
    text = re.sub(r"Run: [\d.]+ s \(", f"Run: {seconds:.0f} s (", path.read_text(encoding="utf-8"), count=1)
    write(path, text)


def peak_memory(pid):
    """The highest resident memory of a process so far, in MB, as Linux counts it."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) // 1024


def course_map(timings):
    """The notebooks with the question that each answers and its measured time, as a Markdown table."""
    import nbformat
    import pandas as pd

    seconds = timings.set_index("notebook")["seconds"]
    rows = []
    for path in select():
        title, aim = nbformat.read(path, as_version=4).cells[0].source.split("\n\n")[:2]
        aim = re.split(r"(?<=\.)\s", " ".join(aim.split()))[0]
        run = f"{seconds[path.stem]:.0f}" if path.stem in seconds else ""
        rows.append((f"[{title.lstrip('# ')}](notebooks/{path.name})", aim, run))
    return markdown(pd.DataFrame(rows, columns=["notebook", "what it is about", "run, s"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.refresh", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="03,04", help="numbers of the notebooks (default: all)")
    main(**vars(parser.parse_args()))
