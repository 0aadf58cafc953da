"""Montgomery County and Shenzhen (Jaeger et al. 2014, doi:10.3978/j.issn.2223-4292.2014.11.20).

After the paper and torchxrayvision's reader: CXR_png/MCUCXR_0001_0.png and CXR_png/CHNCXR_0001_0.png; the last digit is
the label, 0 normal, 1 tuberculosis. Masks, where there are any, lie in other folders.
"""

import re
from functools import partial
from pathlib import Path

import pandas as pd

from ..errors import DataError, listing
from .found import Found, Reader

CLASS_NAMES = ["normal", "tuberculosis"]


def read(data_dir, prefix):
    """List the images whose names begin with `prefix`.

    Parameters
    ----------
    data_dir : str or path
        The folder with CXR_png, or that folder itself.
    """
    root = Path(data_dir)
    folder = root / "CXR_png" if (root / "CXR_png").is_dir() else root
    files = sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))
    if not files:
        raise DataError(f"{folder}: no PNG images. Give the folder that holds CXR_png.")
    another = re.compile(rf"(?!{prefix})(MCUCXR|CHNCXR)_")  # both sets are also offered in one folder
    found = {path: re.fullmatch(rf"({prefix}_\d+)_([01])\.png", path.name) for path in files}
    others = [path for path, match in found.items() if not match and another.match(path.name)]
    found = {path: match for path, match in found.items() if path not in others}
    strange = [path for path, match in found.items() if not match]
    if strange:
        raise DataError(
            f"{folder}: names that are not {prefix}_<number>_<0 or 1>.png. Move these files away:\n{listing(strange)}"
        )
    if not found:
        raise DataError(f"{folder}: no image is named {prefix}_<number>_<0 or 1>.png. Give the folder of this set.")
    remarks = [f"{folder}: left out are {len(others)} images of another set ({others[0].name}, ...)."] if others else []
    rows = [(path, CLASS_NAMES[int(match[2])], match[1]) for path, match in found.items()]
    return Found(pd.DataFrame(rows, columns=["path", "label", "patient_id"]), CLASS_NAMES, remarks=tuple(remarks))


SETS = {
    name: Reader(
        title=title,
        read=partial(read, prefix=prefix),
        licence="free for research, U.S. National Library of Medicine to be acknowledged",
        needs=f"data_dir: the folder {folder}",
        labels="from the clinical reports; the last digit of the file name",
        patient="one film a patient: the number in the file name",
        source="U.S. National Library of Medicine: https://lhncbc.nlm.nih.gov/LHC-downloads/downloads.html",
        marks=(f"CXR_png/{prefix}_*.png",),
        checked="doi:10.3978/j.issn.2223-4292.2014.11.20 and torchxrayvision's reader",
    )
    for name, title, prefix, folder in (
        ("montgomery", "Montgomery County: adult chest X-rays, tuberculosis or normal", "MCUCXR", "MontgomerySet"),
        ("shenzhen", "Shenzhen: adult chest X-rays, tuberculosis or normal", "CHNCXR", "ChinaSet_AllFiles"),
    )
}
