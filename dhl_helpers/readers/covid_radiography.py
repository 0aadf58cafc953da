"""COVID-19 Radiography Database (Chowdhury et al. 2020, doi:10.1109/ACCESS.2020.3010287; Rahman et al. 2021).

After its README and public code: a folder a class, with images and masks in it; <class>.metadata.xlsx beside it gives
the address that each image came from. COVID films come from PadChest, a German hospital and the web, the normal ones
and the lung opacities mostly from RSNA, viral pneumonia from the Kermany children: the source tells the class.
"""

from pathlib import Path

import pandas as pd

from ..errors import DataError, listing
from .found import Found, Reader

CLASS_NAMES = ["Normal", "COVID", "Lung_Opacity", "Viral Pneumonia"]
FIRST = ["NORMAL", "COVID-19", "Viral Pneumonia"]  # of the first editions
REMARK = (
    "'covid_radiography': each class was collected from other sources (hospitals, countries, ages), so a network can "
    "tell the source and look as if it told the disease. Results on it say nothing about COVID-19."
)


def read(data_dir):
    """List the images; the masks stay out.

    Parameters
    ----------
    data_dir : str or path
        The folder with COVID, Lung_Opacity, Normal and Viral Pneumonia.
    """
    root = Path(data_dir)
    class_names = CLASS_NAMES
    if all((root / name).is_dir() for name in FIRST) and not (root / "Lung_Opacity").exists():
        class_names = FIRST
    missing = [root / name for name in class_names if not (root / name).is_dir()]
    if missing:
        raise DataError(f"{root}: class folders not found. Give the folder that holds them:\n{listing(missing)}")
    rows = []
    for name in class_names:
        folder = root / name / "images"  # the first editions had the images in the class folder itself
        files = sorted((folder if folder.is_dir() else root / name).glob("*.png"))
        if not files:
            raise DataError(f"{folder}: no PNG images. Unpack the archive again.")
        rows += [{"path": path, "label": name} for path in files]
    return Found(pd.DataFrame(rows), class_names, remarks=(REMARK,))


SETS = {
    "covid_radiography": Reader(
        title="COVID-19 Radiography Database: chest X-rays collected from other sets, four classes",
        read=read,
        licence="that of each source; for research and teaching",
        needs="data_dir: the folder with COVID, Lung_Opacity, Normal and Viral Pneumonia",
        labels="those of the sources; the source tells the class",
        patient="not recorded: each image counts as one",
        source="Kaggle: https://www.kaggle.com/datasets/tawsifurrahman/covid19-radiography-database",
        marks=("Viral Pneumonia",),
        checked="its README and public code that reads it",
    )
}
