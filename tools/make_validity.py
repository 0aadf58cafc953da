"""Make validity.csv, from which notebook 08 reads how far its results spread.

    python -m tools.make_validity

It executes the cases of notebook 08, up to the cell that writes the table, once for each of ten seeds on the sample
data and joins what the runs measured, so the protocol is the notebook's own. A seed decides which training patients
serve, the simulated patients, folds, shuffles and halves, the first weights of the networks, the order of their images,
and the heads. The sample's validation part stays the same: its choice is left out of the spread.

Columns: case, what, wrong (what the faulty procedure reports), right (what the honest one reports), seed. Takes about
15 minutes on two cores.
"""

from pathlib import Path

import nbformat
import pandas as pd
import papermill
from tqdm import tqdm

from dhl_helpers.files import temporary_folder, write

SEEDS = range(10)
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
RESULTS = NOTEBOOKS / "results"


def cases(notebook):
    """The notebook up to the cell that writes the table; what follows, maps and exercises, measures no case."""
    [last] = [i for i, cell in enumerate(notebook.cells) if 'to_csv(out_dir / "validity.csv"' in cell.source]
    notebook.cells = notebook.cells[: last + 1]
    return notebook


def main(seeds=SEEDS, table=RESULTS / "validity.csv"):
    """Run the cases with each seed and write the joined table."""
    tables = []
    with temporary_folder() as folder:
        source = Path(folder, "08.ipynb")
        nbformat.write(cases(nbformat.read(NOTEBOOKS / "08_validity_lab.ipynb", as_version=4)), source)
        for seed in tqdm(seeds, unit="seed"):
            out = Path(folder, str(seed))
            out.mkdir()
            papermill.execute_notebook(
                source, out / "08.ipynb", {"SEED": seed, "OUT_DIR": str(out)},
                kernel_name="python3", progress_bar=False, cwd=NOTEBOOKS,
            )  # fmt: skip
            tables.append(pd.read_csv(out / "validity.csv"))
    write(table, pd.concat(tables).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    main()
