"""What a run reports: its summary, its failures, its index page, its table of results."""

from .. import files
from . import _pages


def write(out, done, planned, data):
    """Write the pages of a run and return its summary as text.

    Parameters
    ----------
    out : Path
        The folder of the run, with the executed notebooks and maybe results.csv.
    done : list of (str, float, str)
        Name, seconds and state of each notebook that was started.
    planned : list of str
        The names of all selected notebooks.
    data : str
        What the run was on, for the index page.

    Returns
    -------
    str
    """
    import nbformat

    figures, claims = [], 0
    for name, _, _ in done:
        notebook = nbformat.read(out / f"{name}.ipynb", as_version=4)
        figures.append(_pages.draw_out(notebook, name, out))
        claims += sum(
            line.startswith("Does not hold here") for cell in notebook.cells for output in cell.get("outputs", [])
            for line in [*output.get("text", "").splitlines(), output.get("data", {}).get("text/plain", "")]
        )  # fmt: skip
        files.write(out / f"{name}.html", _pages.notebook_page(notebook, name))
    failed = sum(state != "ok" for _, _, state in done)
    summary = counts(len(done), len(planned), sum(seconds for _, seconds, _ in done), failed, claims)
    table = results(out / "results.csv") if (out / "results.csv").exists() else None
    index = _pages.index([data, summary], table, done, planned, figures)
    files.write(out / "index.html", index)
    return f"{summary}\nRead {out / 'index.html'}"


def counts(done, planned, seconds, failed=0, claims=0):
    """The line that sums up a run."""
    return (
        f"{done} of {planned} notebooks run in {seconds:.0f} s, {failed} failed; "
        f"claims that do not hold here: {claims}."
    )


def failure(name, copy, error):
    """Say in which cell a notebook failed, why, and where its partly executed copy is.

    The cell's number counts the cells of the notebook as it is in the course, from 1.
    """
    import nbformat

    cells = [
        cell for cell in nbformat.read(copy, as_version=4).cells
        if not {"injected-parameters", "papermill-error-cell-tag"} & set(cell.metadata.get("tags", []))
    ]  # fmt: skip
    number = max(i for i, cell in enumerate(cells, 1) if cell.metadata.get("papermill", {}).get("start_time"))
    return (
        f"{name} failed in cell {number}:\n{str(error).strip()}\n"
        f"Partly executed copy: {copy}"
    )


def results(csv):
    """The table of results: one row per notebook and method, one column per metric, each with its interval.

    Parameters
    ----------
    csv : path
        The results.csv of a run.

    Returns
    -------
    pandas.DataFrame of str
    """
    import pandas as pd

    rows = pd.read_csv(csv, dtype={"notebook": str})
    interval = rows[["low", "high"]].map("{:.3f}".format).agg(" to ".join, axis=1)
    rows["text"] = rows["value"].map("{:.3f}".format) + (" (" + interval + ")").where(rows["low"].notna(), "")
    keys = ["notebook", "method"]
    table = rows.pivot_table(index=keys, columns="metric", values="text", aggfunc="last", sort=False)
    if rows["seconds"].notna().any():
        table["seconds"] = rows.groupby(keys)["seconds"].last().map("{:.1f}".format, na_action="ignore")
    return table.fillna("").reset_index().rename_axis(columns=None)
