"""Sets in which an image can have several findings at once: how they are told, and how one is chosen."""

import numpy as np

from ..errors import DataError
from .found import Found

NONE = "No Finding"
OTHER, UNSAID = "(another finding)", "(not stated)"


def several(table, class_names, findings, remarks=(), none=None):
    """A `Found` with several findings per image.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per image, with a column path.
    class_names : list of str
    findings : array of float, shape (n, k)
        1 present, 0 absent, NaN unknown.
    remarks : sequence of str
    none : array of float, shape (n,), optional
        What the source states itself: 1 no finding at all, 0 some finding, NaN not stated. By default its column
        "No Finding", or else whether all findings are absent. Kept as the table's column no_finding.
    """
    findings, names = np.asarray(findings, np.float32), np.array(class_names, object)
    if none is None and NONE in class_names:
        none = findings[:, list(class_names).index(NONE)]
    elif none is None:
        none = np.where((findings == 1).any(1), 0, np.where((findings == 0).all(1), 1, np.nan))
    without = np.where(np.equal(none, 1), NONE, np.where(np.equal(none, 0), OTHER, UNSAID))
    label = ["|".join(names[row]) or bare for row, bare in zip(findings == 1, without, strict=True)]
    table = table.assign(label=label, no_finding=none).reset_index(drop=True)
    return Found(table, list(class_names), None, findings, tuple(remarks))


def choose(found, finding):
    """Narrow several findings per image to one label per image.

    Parameters
    ----------
    found : Found
    finding : str
        The name of a finding: images with it against images of which the source states that they have none. "single":
        images with exactly one finding or none, each finding one class. Others are left out, and counted in a remark.

    Returns
    -------
    Found
    """
    names = [name for name in found.class_names if name != NONE]
    values = found.findings[:, [found.class_names.index(name) for name in names]]
    none, count = (values == 0).all(1), (values == 1).sum(1)
    if "no_finding" in found.table:
        none = (found.table["no_finding"] == 1).to_numpy()
    if finding == "single":
        present = (count == 1) & ~np.isnan(values).any(1)
        label = np.where(present, np.array(names, object)[(values == 1).argmax(1)], NONE)
        kept = present | none
        classes = [NONE, *(name for name in names if name in label[kept])]
    else:
        known = {name.lower(): position for position, name in enumerate(names)}
        if finding.lower() not in known:
            raise DataError(f"There is no finding {finding!r}; choose 'single' or one of: {', '.join(names)}.")
        position = known[finding.lower()]
        present = values[:, position] == 1
        kept, label = present | none, np.where(present, names[position], NONE)
        classes = [NONE, names[position]]
    said = (
        f"{finding}: {present.sum()} images have it, {(kept & ~present).sum()} have no finding at all by the source's "
        f"own statement; {(~kept).sum()} others are left out."
    )
    table = found.table.assign(label=label)[kept].reset_index(drop=True)
    return Found(table, classes, None if found.images is None else found.images[kept], None, (*found.remarks, said))
