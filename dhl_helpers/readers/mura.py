"""MURA (Rajpurkar et al. 2018, arXiv:1712.06957): radiographs of the upper limb, normal or abnormal.

After public code that reads it: train_image_paths.csv and valid_image_paths.csv have no header and one path a line,
MURA-v1.1/train/XR_SHOULDER/patient00001/study1_positive/image1.png. The label belongs to the study and stands in the
path, so no part of the path may ever become a feature. The test part was never published.
"""

from pathlib import Path

import pandas as pd

from ..errors import DataError, listing
from .chexpert import below_part
from .files import need, paths_inside, read_csv
from .found import Found, Reader

FILES = {"train": "train_image_paths.csv", "val": "valid_image_paths.csv"}
PATTERN = r"(?P<body_part>XR_\w+?)/(?P<patient_id>patient\d+)/(?P<study>study\d+)_(?P<label>positive|negative)/[^/]+$"
CLASS_NAMES = ["normal", "abnormal"]


def read(data_dir, body_part=""):
    """List the images.

    Parameters
    ----------
    data_dir : str or path
        The folder MURA-v1.1, with the two CSV files and the folders train and valid.
    body_part : str
        Only this one, for instance "XR_WRIST"; all seven when empty.
    """
    root, tables = Path(data_dir), []
    if (root / "train.csv").is_file() and not (root / FILES["train"]).is_file():
        raise DataError(f"{root}: MURA v1.0, whose tables list studies and not images. Get MURA v1.1.")
    for part, name in FILES.items():
        table = read_csv(need(root / name), ["written"], header=False)
        table["path"] = paths_inside(root, below_part(table["written"]), root / name, links=True)
        tables.append(table.join(table["written"].str.extract(PATTERN)).assign(split=part))
    table = pd.concat(tables, ignore_index=True)
    if table["label"].isna().any():
        wrong = table.loc[table["label"].isna(), "written"].tolist()
        raise DataError(f"{root}: no body part, patient and study label in these paths:\n{listing(wrong)}")
    parts = sorted(table["body_part"].unique())
    if body_part and body_part not in parts:
        raise DataError(f"{root}: no body part {body_part!r}; there are: {', '.join(parts)}.")
    if body_part:
        table = table[table["body_part"] == body_part].reset_index(drop=True)
    table["label"] = table["label"].map({"negative": "normal", "positive": "abnormal"})
    return Found(table.drop(columns="written"), CLASS_NAMES)


SETS = {
    "mura": Reader(
        title="MURA: radiographs of the upper limb, normal or abnormal",
        read=read,
        licence="the publisher's research terms, accepted on registration",
        needs="data_dir: the folder MURA-v1.1",
        labels="one a study, by radiologists in clinical routine; taken from the path",
        patient="in the path (patient00001)",
        split="train and valid, by patient; the test part is not public",
        source="Stanford AIMI, after registration: https://stanfordmlgroup.github.io/competitions/mura",
        marks=("train_image_paths.csv",),
        checked="arXiv:1712.06957 and public code that reads it",
    )
}
