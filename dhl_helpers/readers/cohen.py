"""COVID-19 image data collection (Cohen et al. 2020, arXiv:2006.11988).

After its README and CONTRIBUTING.md and torchxrayvision's reader: X-rays and CT in one table; `finding` is a path such
as Pneumonia/Viral/COVID-19, or todo; `view` L is lateral; `folder` and `filename` lead to the image; each row has its
own license.
"""

import re
from pathlib import Path

from ..errors import DataError
from .files import need, paths_inside, read_csv
from .found import Found, Reader

COLUMNS = ["patientid", "finding", "view", "filename"]  # in every edition
SLICES = {"CT", "Axial", "Coronal", "Sagittal"}  # views of the first editions, which have no column modality
REMARK = "'cohen': films from publications and web pages, chosen for being striking; the licence of each is in its row."


def read(data_dir, finding="COVID-19"):
    """List the frontal X-rays: those with a finding, and all others.

    Parameters
    ----------
    data_dir : str or path
        The folder covid-chestxray-dataset, with metadata.csv and images.
    finding : str
        A part of the paths in the column finding, for instance "COVID-19", "Bacterial", "Tuberculosis".
    """
    root = Path(data_dir)
    file = need(root / "metadata.csv")
    table = read_csv(file, COLUMNS, other_names={name: name for name in COLUMNS})
    if "modality" not in table:
        table["modality"] = table["view"].map(lambda view: "CT" if view in SLICES else "X-ray")
    table = table.assign(folder=table.get("folder", "images"), license=table.get("license", ""))
    told = table["finding"].notna() & ~table["finding"].isin(["todo", "Unknown"])
    film, side = table["modality"] == "X-ray", table["view"] == "L"
    left = f"'cohen': {(~film).sum()} CT slices, {(film & side).sum()} lateral films and "
    left += f"{(film & ~side & ~told).sum()} films without a finding told are left out."
    table = table[film & ~side & told].reset_index(drop=True)
    names = [[part.strip() for part in re.split("[/,]", path)] for path in table["finding"]]
    parts, known = [[part.lower() for part in each] for each in names], sorted(set(sum(names, [])))
    if finding.lower() not in sum(parts, []):
        raise DataError(f"{file}: no finding {finding!r}; there are: {', '.join(known)}.")
    names = ["other", finding]
    table["label"] = [names[finding.lower() in path] for path in parts]
    table["path"] = paths_inside(root, table["folder"].fillna("images") + "/" + table["filename"], file, links=True)
    kept = ["path", "label", "patientid", "finding", "view", "license"]
    return Found(table[kept].rename(columns={"patientid": "patient_id"}), names, remarks=(REMARK, left))


SETS = {
    "cohen": Reader(
        title="COVID-19 image data collection: frontal chest X-rays from publications",
        read=read,
        licence="that of each image (column license)",
        needs="data_dir: the folder covid-chestxray-dataset",
        labels="those of the publications; a finding against all others, COVID-19 if no other is named",
        patient="column patientid",
        source="https://github.com/ieee8023/covid-chestxray-dataset",
        marks=("metadata.csv",),
        checked="README of its repository, torchxrayvision's reader",
    )
}
