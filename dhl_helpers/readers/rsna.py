"""RSNA Pneumonia Detection Challenge 2018 (Shih et al. 2019, doi:10.1148/ryai.2019180041).

After the challenge's data page and torchxrayvision's reader: stage_2_train_labels.csv has one row a box, so several an
image; `patientId` names the image, not a patient. The films are a choice from NIH ChestX-ray14.
"""

from pathlib import Path

from .files import first_of, numbers, paths_inside, read_csv
from .found import Found, Reader

DETAILS = {"Normal": "normal", "No Lung Opacity / Not Normal": "other finding", "Lung Opacity": "pneumonia"}
REMARK = (
    "'rsna': the patients' identity is lost, so films of one patient can be on two sides of a split; and the films "
    "come from NIH ChestX-ray14, so never train on one and test on the other."
)


def read(data_dir, three_classes=False):
    """List the images, one label each.

    Parameters
    ----------
    data_dir : str or path
        The folder with stage_2_train_labels.csv and stage_2_train_images, or those of stage 1.
    three_classes : bool
        Normal, other finding, pneumonia (from stage_2_detailed_class_info.csv) instead of pneumonia or not.
    """
    root = Path(data_dir)
    file = first_of(root, "stage_2_train_labels.csv", "stage_1_train_labels.csv")
    stage = file.name[:7]
    table = read_csv(file, ["patientId", "Target"])
    table["target"] = numbers(table, ["Target"], (0, 1), file)[:, 0]
    names = ["no pneumonia", "pneumonia"]
    table = table.groupby("patientId", as_index=False, sort=False)["target"].max()  # a row a box
    table["label"] = table["target"].map(dict(enumerate(names)))
    if three_classes:
        file, names = first_of(root, f"{stage}_detailed_class_info.csv"), [*DETAILS.values()]
        details = read_csv(file, ["patientId", "class"]).drop_duplicates("patientId").set_index("patientId")["class"]
        table["label"] = table["patientId"].map(details).map(DETAILS)
    written = f"{stage}_train_images/" + table["patientId"].str.removesuffix(".dcm")
    images = [paths_inside(root, written + suffix, file, links=True) for suffix in (".dcm", ".png", ".jpg")]
    table["path"] = [next((path for path in same if path.is_file()), same[0]) for same in zip(*images, strict=True)]
    return Found(table[["path", "label"]], names, remarks=(REMARK,))


SETS = {
    "rsna": Reader(
        title="RSNA Pneumonia Detection Challenge: adult chest X-rays, signs of pneumonia or not",
        read=read,
        licence="the terms of the challenge, accepted on registration",
        needs="data_dir: the folder with stage_2_train_labels.csv and stage_2_train_images",
        labels="by radiologists; an opacity suspicious of pneumonia, marked with boxes",
        patient="lost; films overlap NIH ChestX-ray14",
        source="Kaggle, after registration: https://www.kaggle.com/c/rsna-pneumonia-detection-challenge",
        marks=("stage_[12]_train_labels.csv",),
        checked="doi:10.1148/ryai.2019180041 and torchxrayvision's reader",
    )
}
