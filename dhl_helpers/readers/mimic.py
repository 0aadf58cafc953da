"""MIMIC-CXR-JPG 2.0.0 and 2.1.0 (Johnson et al. 2019, arXiv:1901.07042, doi:10.13026/8360-t248).

After public code that reads it: three gzipped CSV files, joined here; images in
files/p10/p10000032/s50414267/<dicom_id>.jpg; labels belong to a study and are coded as in CheXpert.
"""

from pathlib import Path

from ..errors import DataError
from .chexpert import FINDINGS, resolved
from .files import first_of, paths_inside, read_csv
from .findings import several
from .found import Reader

PARTS = {"train": "train", "validate": "val", "test": "test"}
FRONTAL = ("PA", "AP")


def read(data_dir, uncertain="ignore", not_mentioned="zeros", lateral=False):
    """List the images whose study has labels.

    Parameters
    ----------
    data_dir : str or path
        The folder with mimic-cxr-2.0.0-chexpert.csv.gz, -metadata.csv.gz, -split.csv.gz and files.
    uncertain, not_mentioned : {"zeros", "ones", "ignore"}
        What -1 and a blank become, as for CheXpert.
    lateral : bool
        Whether views other than PA and AP are kept.
    """
    root = Path(data_dir)
    if (root / "train.csv").is_file() and (root / "valid.csv").is_file() and not any(root.glob("mimic-cxr-2*")):
        raise DataError(f"{root}: this is MIMIC-CXR 1.0 (train.csv, valid.csv). 'mimic_cxr' reads MIMIC-CXR-JPG 2.0.0 "
                        "and 2.1.0.")  # fmt: skip
    files = {kind: first_of(root, *_names(kind)) for kind in ("metadata", "split")}
    files["chexpert"] = first_of(root, *_names("chexpert"), *_names("negbio"))
    other = {"airspace opacity": "Lung Opacity"}
    labels = read_csv(files["chexpert"], ["subject_id", "study_id", *FINDINGS], other_names=other)
    films = read_csv(files["metadata"], ["dicom_id", "subject_id", "study_id", "ViewPosition"])
    parts = read_csv(files["split"], ["dicom_id", "split"])
    strange = sorted(set(parts["split"].dropna()) - set(PARTS))
    if strange:
        raise DataError(f"{files['split']}: column 'split' holds {', '.join(strange)}, not only {', '.join(PARTS)}.")
    remarks, side = [], ~films["ViewPosition"].isin(FRONTAL)
    if not lateral and side.any():
        remarks.append(f"'mimic_cxr': {side.sum()} views other than PA and AP are left out; lateral=True keeps them.")
        films = films[~side]
    films = films[["dicom_id", "subject_id", "study_id", "ViewPosition"]]
    table = films.merge(parts[["dicom_id", "split"]], on="dicom_id").merge(labels, on=["subject_id", "study_id"])
    if len(table) < len(films):
        remarks.append(f"'mimic_cxr': {len(films) - len(table)} images have no labels or no part and are left out.")
    if table.empty:
        raise DataError(f"{root}: the three CSV files share no image. Get them again, all of one version.")
    subject = table["subject_id"]
    written = "files/p" + subject.str[:2] + "/p" + subject + "/s" + table["study_id"] + "/" + table["dicom_id"] + ".jpg"
    table["path"] = paths_inside(root, written, files["metadata"], links=True)
    table["patient_id"], table["split"] = subject, table["split"].map(PARTS)
    findings = resolved(table, files["chexpert"], uncertain, not_mentioned)
    return several(table.drop(columns=FINDINGS), FINDINGS, findings, remarks)


def _names(kind):
    return f"mimic-cxr-2.0.0-{kind}.csv.gz", f"mimic-cxr-2.0.0-{kind}.csv"


SETS = {
    "mimic_cxr": Reader(
        title="MIMIC-CXR-JPG: chest X-rays of an emergency department, 14 observations",
        read=read,
        licence="PhysioNet credentialed access: the terms signed there",
        needs="data_dir: the folder with the three mimic-cxr-2.0.0-*.csv.gz and files",
        labels="one set a study, mined from reports by the CheXpert labeller (options uncertain, not_mentioned)",
        patient="column subject_id",
        split="train, validate and test, by patient",
        source="PhysioNet, after training and signing: https://physionet.org/content/mimic-cxr-jpg",
        marks=("mimic-cxr-2.0.0-split.csv*",),
        checked="columns as in torchxrayvision's tests, split as in public code",
        several=True,
    )
}
