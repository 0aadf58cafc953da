"""CheXpert (Irvin et al. 2019, arXiv:1901.07031).

After the paper and headers in public code: `Path` begins with the archive's name; -1 uncertain, blank not mentioned.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError
from .files import need, numbers, paths_inside, read_csv
from .findings import several
from .found import Reader

FINDINGS = ["No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema",
            "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other",
            "Fracture", "Support Devices"]  # fmt: skip
FILES = {"train": "train.csv", "val": "valid.csv", "test": "test.csv"}  # test.csv is not in every copy
POLICIES = {"zeros": 0, "ones": 1, "ignore": np.nan}


def read(data_dir, uncertain="ignore", not_mentioned="zeros", lateral=False):
    """List the images.

    Parameters
    ----------
    data_dir : str or path
    uncertain : {"zeros", "ones", "ignore"}
        What -1 becomes: U-Zeros, U-Ones and U-Ignore of the paper.
    not_mentioned : {"zeros", "ones", "ignore"}
        What a blank becomes.
    lateral : bool
        Whether lateral views are kept.
    """
    root, tables = Path(data_dir), []
    need(root / FILES["train"])
    for part, name in FILES.items():
        if (root / name).is_file():
            table = read_csv(root / name, ["Path", *FINDINGS])
            table["path"] = paths_inside(root, below_part(table["Path"]), root / name)
            tables.append(table.assign(split=part, findings=[*resolved(table, root / name, uncertain, not_mentioned)]))
    table = pd.concat(tables, ignore_index=True)
    if not lateral:
        table = table[~table["Path"].str.contains("lateral")]
    table["patient_id"] = table["Path"].str.extract(r"(patient\d+)", expand=False)
    if table["patient_id"].isna().any():
        wrong = table.loc[table["patient_id"].isna(), "Path"].iloc[0]
        raise DataError(f"{root}: no patient in the path {wrong!r} of column 'Path'. Get the CSV again.")
    return several(table.drop(columns=["findings", *FINDINGS]), FINDINGS, np.stack(table["findings"]))


def below_part(paths):
    """Cut off what stands before train/, valid/ or test/: the name of the archive, or a local root."""
    return paths.str.replace(r"^.*?(?=\b(?:train|valid|test)/)", "", regex=True)


def resolved(table, file, uncertain, not_mentioned):
    """The labels 1, 0, -1 and blank under the two policies, float32 (n, 14)."""
    for policy in (uncertain, not_mentioned):
        if policy not in POLICIES:
            raise DataError(f"There is no policy {policy!r} for labels; choose {', '.join(POLICIES)}.")
    values = numbers(table, FINDINGS, (1, 0, -1), file)
    blank = np.isnan(values)
    return np.where(blank, POLICIES[not_mentioned], np.where(values == -1, POLICIES[uncertain], values))


SETS = {
    "chexpert": Reader(
        "CheXpert: chest X-rays of Stanford Hospital, 14 observations",
        read,
        "the publisher's research terms, accepted on registration",
        "data_dir: the folder with train.csv, valid.csv, train and valid",
        "mined from reports (options uncertain, not_mentioned); in valid.csv those of three radiologists",
        "in the path (patient00001)",
        "train and valid, by patient",
        "Stanford AIMI, after registration: https://stanfordmlgroup.github.io/competitions/chexpert",
        "documentation only: arXiv:1901.07031, headers as in torchxrayvision's reader",
        several=True,
    )
}
