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
FILES = {"train": ["train.csv"], "val": ["valid.csv"],
         "test": ["test.csv", "test_labels.csv", "groundtruth.csv"]}  # not in every copy
BATCH = "CheXpert-v1.0 batch"
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
    root, tables, remarks = Path(data_dir), [], []
    if plus := sorted(root.glob("df_chexpert_plus*.csv")):
        raise DataError(f"{plus[0]}: this is CheXpert Plus, whose tables are others. 'chexpert' reads CheXpert-v1.0.")
    home = next(iter(sorted(root.glob(f"{BATCH} 1*/train.csv"))), root / "train.csv").parent
    need(home / "train.csv")
    places = _batches(home)
    for part, names in FILES.items():
        if file := next((home / name for name in names if (home / name).is_file()), None):
            table = read_csv(file, ["Path", *FINDINGS], other_names={"airspace opacity": "Lung Opacity"})
            written = below_part(table["Path"])
            if places:
                pieces = [path.split("/", 2) for path in written]
                written = ["/".join([places.get(piece[1], f"{home.name}/{piece[0]}"), *piece[1:]]) for piece in pieces]
            table["path"] = paths_inside(home.parent if places else home, written, file, links=True)
            tables.append(table.assign(split=part, findings=[*resolved(table, file, uncertain, not_mentioned)]))
    table = pd.concat(tables, ignore_index=True)
    if not lateral:
        side = table["Path"].str.contains("lateral")
        if side.any():
            remarks.append(f"'chexpert': {side.sum()} lateral views are left out; lateral=True keeps them.")
        table = table[~side]
    table["patient_id"] = table["Path"].str.extract(r"(patient\d+)", expand=False)
    if table["patient_id"].isna().any():
        wrong = table.loc[table["patient_id"].isna(), "Path"].iloc[0]
        raise DataError(f"{root}: no patient in the path {wrong!r} of column 'Path'. Get the CSV again.")
    findings = np.stack(table["findings"])
    return several(table.drop(columns=["findings", *FINDINGS]), FINDINGS, findings, remarks)


def _batches(home):
    """The folder of each patient, if the archive is in the four parts of the full-resolution download."""
    if not home.name.startswith(BATCH):
        return {}
    batches = home.parent.glob(f"{BATCH} *")
    folders = [folder for batch in batches for folder in (batch, batch / "train", batch / "valid")]
    return {patient.name: folder.relative_to(home.parent).as_posix() for folder in folders
            for patient in folder.glob("patient*")}  # fmt: skip


def below_part(paths):
    """Cut off what stands before train/, valid/ or test/: the name of the archive, or a local root."""
    return paths.str.replace(r"^.*?(?=\b(?:train|valid|test)/)", "", regex=True)


def resolved(table, file, uncertain, not_mentioned):
    """The labels 1, 0, -1 and blank under the two policies, float32 (n, 14)."""
    for policy in (uncertain, not_mentioned):
        if policy not in POLICIES:
            raise DataError(f"There is no policy {policy!r} for labels; choose {', '.join(POLICIES)}.")
    values = numbers(table, FINDINGS, (1, 0, -1), file)
    labels = np.where(np.isnan(values), POLICIES[not_mentioned], np.where(values == -1, POLICIES[uncertain], values))
    # No policy makes an image one without a finding: a blank there is unknown, or absent where there is a pathology.
    ill = (values[:, 1 : FINDINGS.index("Support Devices")] == 1).any(1)
    labels[:, 0] = np.where(np.isin(values[:, 0], (0, 1)), values[:, 0], np.where(ill, 0, np.nan))
    return labels


SETS = {
    "chexpert": Reader(
        title="CheXpert: chest X-rays of Stanford Hospital, 14 observations",
        read=read,
        licence="the publisher's research terms, accepted on registration",
        needs="data_dir: the folder with train.csv, valid.csv, train and valid",
        labels="mined from reports (options uncertain, not_mentioned); in valid.csv those of three radiologists",
        patient="in the path (patient00001)",
        split="train and valid, by patient",
        source="Stanford AIMI, after registration: https://stanfordmlgroup.github.io/competitions/chexpert",
        marks=("valid.csv", "CheXpert-v1.0 batch 1*"),
        checked="arXiv:1901.07031, headers as in torchxrayvision's reader",
        several=True,
    )
}
