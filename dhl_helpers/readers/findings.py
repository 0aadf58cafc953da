"""Sets in which an image can have several findings at once: how they are told, and how one is chosen."""

import numpy as np

from ..errors import DataError
from .found import Found

NONE = "No Finding"


def several(table, class_names, findings, remarks=()):
    """A `Found` with several findings an image.

    Parameters
    ----------
    table : pandas.DataFrame
        One row an image, with a column path.
    class_names : list of str
    findings : array of float, shape (n, k)
        1 present, 0 absent, NaN unknown.
    remarks : tuple of str
    """
    findings = np.asarray(findings, np.float32)
    names = np.array(class_names, object)
    label = ["|".join(names[row]) or NONE for row in findings == 1]
    return Found(table.assign(label=label).reset_index(drop=True), list(class_names), None, findings, tuple(remarks))


def choose(found, finding):
    """Narrow several findings an image to one label an image.

    Parameters
    ----------
    found : Found
    finding : str
        The name of a finding: images with it against images without any. "single": images with exactly one finding
        or none, each finding a class. Images of which this is not known are left out.

    Returns
    -------
    Found
    """
    names = [name for name in found.class_names if name != NONE]
    values = found.findings[:, [found.class_names.index(name) for name in names]]
    none, count = (values == 0).all(1), (values == 1).sum(1)
    if finding == "single":
        kept = none | ((count == 1) & ~np.isnan(values).any(1))
        label = np.where(count == 1, np.array(names, object)[(values == 1).argmax(1)], NONE)
        classes = [NONE, *(name for name in names if name in label[kept])]
    else:
        known = {name.lower(): position for position, name in enumerate(names)}
        if finding.lower() not in known:
            raise DataError(f"There is no finding {finding!r}; choose 'single' or one of: {', '.join(names)}.")
        position = known[finding.lower()]
        present = values[:, position] == 1
        kept, label = present | none, np.where(present, names[position], NONE)
        classes = [NONE, names[position]]
    table = found.table.assign(label=label)[kept].reset_index(drop=True)
    return Found(table, classes, None if found.images is None else found.images[kept], None, found.remarks)
