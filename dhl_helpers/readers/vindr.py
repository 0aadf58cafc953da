"""VinDr-CXR (Nguyen et al. 2022, doi:10.1038/s41597-022-01498-w).

After the paper and public code that reads it. The challenge's train.csv has a row a box: image_id, class_name,
class_id (14 means no finding), rad_id. PhysioNet's annotations/image_labels_train.csv has a row an image and reader
with a column a label; image_labels_test.csv has one row an image, agreed by five, and spells one column differently.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError
from .files import need, numbers, paths_inside, read_csv
from .findings import several
from .found import Reader

SUFFIXES = (".dicom", ".dcm", ".png", ".jpg")  # the set comes as .dicom; the others are usual conversions


def read(data_dir):
    """List the images, each with the findings that most of its readers marked.

    Parameters
    ----------
    data_dir : str or path
        The folder with train.csv (the challenge) or annotations (PhysioNet), and the images in train and test.
    """
    root, tables = Path(data_dir), []
    if (root / "annotations").is_dir():
        for part in ("train", "test"):
            file = need(root / "annotations" / f"image_labels_{part}.csv")
            table = read_csv(file, ["image_id"]).rename(columns={"Other disease": "Other diseases"})
            table["image_id"] = _bare(table["image_id"])
            names = [name for name in table if name not in ("image_id", "rad_id", "rad_ID")]
            table[names] = numbers(table, names, (0, 1), file)
            marks = table.groupby("image_id", sort=False)[names].mean()
            tables.append(_located(marks, root, part, file).assign(split=part))
    else:
        file = need(root / "train.csv")
        table = read_csv(file, ["image_id", "class_name", "rad_id"], other_names={"rad_id": "rad_id"})
        table["image_id"] = _bare(table["image_id"])
        nothing = table["class_name"].str.lower() == "no finding"
        readers = table.groupby("image_id", sort=False)["rad_id"].nunique()
        boxes = table[~nothing].drop_duplicates(["image_id", "class_name", "rad_id"])
        counts = pd.crosstab(boxes["image_id"], boxes["class_name"]).reindex(readers.index, fill_value=0)
        none = table[nothing].groupby("image_id")["rad_id"].nunique()
        counts["No finding"] = none.reindex(readers.index, fill_value=0)
        tables.append(_located(counts.div(readers, axis=0), root, "train", file))
    table = pd.concat(tables, ignore_index=True)
    names = [name for name in table if name not in ("path", "split", "No finding")]
    if not names:
        raise DataError(f"{file}: no finding in it. Get the file again.")
    shares, none = table[names].fillna(0), table.get("No finding", pd.Series(np.nan, table.index))
    stated = np.where(none.isna(), np.nan, none > 0.5)  # by most of the readers
    return several(table.drop(columns=[*names, "No finding"], errors="ignore"), names, shares > 0.5, none=stated)


def _bare(ids):
    """Image ids without the suffix that some editions give them."""
    return ids.str.replace(r"\.(dicom|dcm|png|jpe?g)$", "", regex=True)


def _located(marks, root, part, file):
    """The table of shares with a column path: the image in the folder `part`, as it comes or converted."""
    images = [paths_inside(root, part + "/" + marks.index + suffix, file, links=True) for suffix in SUFFIXES]
    chosen = [next((path for path in same if path.is_file()), same[0]) for same in zip(*images, strict=True)]
    return marks.reset_index(drop=True).assign(path=chosen)


SETS = {
    "vindr": Reader(
        title="VinDr-CXR: adult chest X-rays of two hospitals in Vietnam, findings of several readers",
        read=read,
        licence="PhysioNet credentialed access: the terms signed there",
        needs="data_dir: the folder with train.csv, or with annotations, and the images in train and test",
        labels="train: what most of three radiologists marked; test: agreed by five",
        patient="not published: each image counts as one",
        split="train and test (PhysioNet); the challenge has labels for train only",
        source="PhysioNet, after training and signing: https://physionet.org/content/vindr-cxr",
        marks=("annotations/image_labels_train.csv",),
        checked="doi:10.1038/s41597-022-01498-w and public code that reads both editions",
        several=True,
    )
}
