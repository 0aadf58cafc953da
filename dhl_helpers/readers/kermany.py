"""The Kermany chest X-rays of children (Kermany et al. 2018, doi:10.17632/rscbjbr9sj), a tree of class folders.

The patient and the kind of pneumonia are in the file names. Some files are grey and some RGB.
"""

import re
from functools import partial

from ..errors import DataError, listing
from . import class_folders
from .found import Found, Reader

# The number alone is not a patient (bacterial and viral cases are counted separately), and IM-0115 and
# NORMAL2-IM-0115 belong to two series. The third form is that of the data set's second edition.
PATIENT = r"((?:NORMAL2-)?IM-\d+|person\d+_(?:bacteria|virus)|(?:BACTERIA|VIRUS|NORMAL)-\d+)"


def read(data_dir, three_classes=False):
    """List the images as normal and pneumonia, or as normal, bacterial and viral."""
    found = class_folders.read(data_dir, PATIENT)
    table, names = found.table, found.class_names
    if [name.lower() for name in names] != ["normal", "pneumonia"]:
        raise DataError(f"{data_dir}: class folders {', '.join(names)}; the Kermany set has NORMAL and PNEUMONIA.")
    table["label"] = table["label"].str.lower()
    if three_classes:
        kinds = {"bact": "bacterial", "viru": "viral"}
        kind = table["path"].map(lambda path: re.search("bact|viru|$", path.name.lower()).group())
        unknown = table.loc[(table["label"] == "pneumonia") & (kind == ""), "path"].tolist()
        if unknown:
            raise DataError(
                f"{data_dir}: neither bacteria nor virus in these file names. Rename or remove them, or load "
                f"'chest_xray':\n{listing(unknown)}"
            )
        table["label"] = kind.map(kinds).where(table["label"] == "pneumonia", "normal")
    if "split" in table:  # the 16 images of `val` in one distribution are too few to choose anything by
        table["split"] = table["split"].replace("val", "train")
    names = ["normal", "bacterial", "viral"] if three_classes else ["normal", "pneumonia"]
    return Found(table, names, remarks=found.remarks)


SETS = {
    name: Reader(
        title=title,
        read=reader,
        licence="CC BY 4.0",
        needs="data_dir: the folder with train and test",
        labels=labels,
        patient="in the file name: number and kind of pneumonia, whole prefix for normals",
        split="train and test, by patient",
        source="Mendeley Data: https://data.mendeley.com/datasets/rscbjbr9sj",
        marks=("train/PNEUMONIA", "test/PNEUMONIA"),
        on_real_files=True,
        checked="400 images",
    )
    for name, title, reader, labels in (
        ("chest_xray", "Paediatric chest X-rays (Kermany et al. 2018), normal or pneumonia", read, "by two physicians"),
        (
            "chest_xray_3",
            "The same, pneumonia divided into bacterial and viral by file name",
            partial(read, three_classes=True),
            "by two physicians, the kind of pneumonia from the file name",
        ),
    )
}
