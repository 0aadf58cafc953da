"""Make imbalance.csv, from which notebook 05 reads how far its results spread.

    python -m tools.make_imbalance

It executes notebook 05 once for each of five seeds on the sample data and joins what the runs measured, so the protocol
is the notebook's own. A seed decides the first weights of the CNN, the order of its images and its dropout, the heads
and the oversampling. The images and their split stay: the spread leaves out the choice of patients. Seed 0 takes the
shipped CNN, every other seed trains one.

Columns: task, model, treatment, macro AUC, minority recall, false alarms, Brier score, mean probability (of the
minority), seed; one row a treatment, all measured on the validation part. Takes about 10 minutes on two cores.
"""

from pathlib import Path

import pandas as pd
import papermill
from tqdm import tqdm

from dhl_helpers.files import temporary_folder, write

SEEDS = range(5)
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
RESULTS = NOTEBOOKS / "results"


def main():
    """Run the notebook with each seed and write the joined table."""
    tables = []
    with temporary_folder() as folder:
        for seed in tqdm(SEEDS, unit="seed"):
            out = Path(folder, str(seed))
            out.mkdir()
            papermill.execute_notebook(
                NOTEBOOKS / "05_imbalance.ipynb", out / "05.ipynb", {"SEED": seed, "OUT_DIR": str(out)},
                kernel_name="python3", progress_bar=False, cwd=NOTEBOOKS,
            )  # fmt: skip
            tables.append(pd.read_csv(out / "imbalance.csv"))
    write(RESULTS / "imbalance.csv", pd.concat(tables).round(6).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    main()
