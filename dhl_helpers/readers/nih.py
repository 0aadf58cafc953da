"""NIH ChestX-ray14 (Wang et al. 2017, doi:10.1109/CVPR.2017.369).

After rows of Data_Entry_2017.csv itself, torchxrayvision's reader and other public code: findings separated by a bar,
mined from the reports (the authors expect more than 90 % to be right); images in images_001 to images_012; two official
lists. The header's brackets hold commas: OriginalImage[Width,Height] makes two fields.
"""

from pathlib import Path

import numpy as np

from ..errors import DataError, listing
from .files import first_of, read_csv
from .findings import NONE, several
from .found import Reader

FINDINGS = ["Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
            "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia"]  # fmt: skip
LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}


def read(data_dir):
    """List the images.

    Parameters
    ----------
    data_dir : str or path
        The folder with Data_Entry_2017.csv (or its edition of 2020, or Kaggle's sample_labels.csv), the lists of the
        split if there, and the images, in folders images_001 and so on or in any other.
    """
    root = Path(data_dir)
    file = first_of(root, "Data_Entry_2017.csv", "Data_Entry_2017*.csv", "sample_labels.csv")
    table = read_csv(file, ["Image Index", "Finding Labels", "Patient ID"])
    marked = [{_spelt(name) for name in text.split("|")} for text in table["Finding Labels"].fillna("")]
    strange = sorted(set().union(*marked) - {*FINDINGS, NONE})
    if strange:
        raise DataError(f"{file}: unknown findings {', '.join(map(repr, strange[:5]))}. Get the file again.")
    table["Image Index"] = [name if Path(name).suffix else f"{name}.png" for name in table["Image Index"]]
    places, remarks = _places(root)
    table["path"] = [places.get(name, root / "images" / Path(name).name) for name in table["Image Index"]]
    table["patient_id"] = table["Patient ID"]
    lists = {part: root / name for part, name in LISTS.items()}
    if all(path.is_file() for path in lists.values()):
        table["split"] = _parts(table["Image Index"], lists)
    labels = np.array([[name in names for name in FINDINGS] for names in marked])
    return several(table, FINDINGS, labels, remarks, none=[float(NONE in names) for names in marked])


def _spelt(name):
    """A finding as the edition of 2017 spells it."""
    plain = name.replace(" ", "").replace("_", "").lower()
    known = {each.replace("_", "").replace(" ", "").lower(): each for each in (*FINDINGS, NONE)}
    return {**known, "infiltrate": "Infiltration"}.get(plain, name)


def _places(root):
    """Where each image is, by its name; of copies in several folders the one that is nearest to the root."""
    files = sorted((path for path in root.rglob("*.png") if not path.name.startswith(".")),
                   key=lambda path: (-len(path.parts), path))  # fmt: skip
    places = {path.name: path for path in files}
    twice = len(files) - len(places)
    said = f"'nih': {twice} images lie in a second folder, too; those nearest to {root} are read."
    return places, [said] if twice else []


def _parts(images, lists):
    """The official part of each image."""
    parts = {}
    for part, path in lists.items():
        try:
            parts |= dict.fromkeys(path.read_text(encoding="utf-8").split(), part)
        except ValueError as error:
            raise DataError(f"{path}: not a text file ({error}). Get the file again.") from error
    unlisted = [name for name in images if name not in parts]
    if unlisted:
        raise DataError(f"{', '.join(LISTS.values())}: images in neither. Get the lists again:\n{listing(unlisted)}")
    return [parts[name] for name in images]


SETS = {
    "nih": Reader(
        title="NIH ChestX-ray14: adult chest X-rays, 14 findings",
        read=read,
        licence="free to use, NIH Clinical Center to be acknowledged",
        needs="data_dir: the folder with Data_Entry_2017.csv and the images",
        labels="findings mined from reports by text analysis, several an image or none",
        patient="column Patient ID",
        split="train and test, in train_val_list.txt and test_list.txt",
        source="NIH Clinical Center: https://nihcc.app.box.com/v/ChestXray-NIHCC",
        marks=("Data_Entry_2017*.csv", "sample_labels.csv"),
        on_real_files=True,
        checked="120 images, their rows of the official CSV; the lists as public code reads them",
        several=True,
    )
}
