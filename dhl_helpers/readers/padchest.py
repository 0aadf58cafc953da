"""PadChest (Bustos et al. 2020, doi:10.1016/j.media.2020.101797).

After the paper and torchxrayvision's reader: one CSV, its column Labels a Python list written as text; 16-bit PNG in
folders 0 to 54 named by ImageDir, or all in one folder; Projection PA, AP, AP_horizontal, L and others.
"""

import ast
from collections import Counter
from pathlib import Path

import numpy as np

from ..errors import DataError
from .files import first_of, paths_inside, read_csv
from .findings import several
from .found import Reader

NAME = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
FRONTAL = ("PA", "AP", "AP_horizontal")
NO_FINDING = {"normal", "unchanged", "suboptimal study"}  # entries that name no finding; only the first states none
UNSURE = NO_FINDING - {"normal"}  # with these, what is not named may be there all the same
REMARK = "'padchest': a few PNG files of the published set are corrupt; on_error='skip' loads the others."


def read(data_dir, projections=FRONTAL, fewest=50):
    """List the images that have labels.

    Parameters
    ----------
    data_dir : str or path
        The folder with PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv (or .csv.gz) and the images.
    projections : sequence of str
        Those that are kept; the frontal ones by default.
    fewest : int
        A finding on fewer images than this is left out of the 174: it could be neither learnt nor tested.
    """
    root = Path(data_dir)
    file = first_of(root, NAME, "*chest_x_ray_images_labels*.csv")
    table, remarks = read_csv(file, ["ImageID", "ImageDir", "PatientID", "Projection", "Labels"]), [REMARK]
    other, bare = ~table["Projection"].isin(projections), table["Labels"].isna()
    if (other | bare).any():
        remarks.append(f"'padchest': {other.sum()} images of other projections than {', '.join(projections)} and "
                       f"{(bare & ~other).sum()} without labels are left out.")  # fmt: skip
    table = table[~other & ~bare].reset_index(drop=True)
    if table.empty:
        raise DataError(f"{file}: no labelled image with Projection {', '.join(projections)}. Choose others.")
    marked = [_names(text, file) for text in table["Labels"]]
    kept = np.array(["exclude" not in names for names in marked])
    if not kept.all():
        remarks.append(f"'padchest': {(~kept).sum()} images that their readers excluded are left out.")
    table, marked = table[kept].reset_index(drop=True), [names for names in marked if "exclude" not in names]
    counts = Counter(name for names in marked for name in names - NO_FINDING)
    findings = sorted(name for name, count in counts.items() if count >= fewest)
    if not findings:
        raise DataError(f"{file}: no finding on {fewest} images or more. Lower fewest.")
    nested = paths_inside(root, table["ImageDir"].fillna("") + "/" + table["ImageID"], file, links=True)
    flat = paths_inside(root, table["ImageID"], file, links=True)
    table["path"] = [two if two.is_file() else one for one, two in zip(nested, flat, strict=True)]
    table["patient_id"] = table["PatientID"]
    table = table[["path", "patient_id", "Projection"]]
    labels = np.array([[name in names for name in findings] for names in marked], np.float32)
    unsure = np.array([not names or bool(names & UNSURE) for names in marked])
    labels[unsure[:, None] & (labels == 0)] = np.nan
    none = [1 if names == {"normal"} else 0 if names - NO_FINDING else np.nan for names in marked]
    return several(table, findings, labels, remarks, none)


def _names(text, file):
    """The entries of a list written as text, by a parser that takes literals only."""
    try:
        return {name.strip() for name in ast.literal_eval(text) if name.strip()}
    except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError) as error:
        raise DataError(f"{file}: column 'Labels' holds {text[:80]!r}, not a list of names. Mend the row.") from error


SETS = {
    "padchest": Reader(
        title="PadChest: chest X-rays of San Juan Hospital (Spain), 174 findings",
        read=read,
        licence="the publisher's research terms, accepted on registration",
        needs="data_dir: the folder with PADCHEST_chest_x_ray_images_labels*.csv and the images",
        labels="27 % by physicians, the others by a network that read the reports (column MethodLabel)",
        patient="column PatientID",
        source="BIMCV, after registration: https://bimcv.cipf.es/bimcv-projects/padchest",
        marks=("*chest_x_ray_images_labels*.csv*",),
        checked="doi:10.1016/j.media.2020.101797 and torchxrayvision's reader",
        several=True,
    )
}
