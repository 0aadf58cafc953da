"""The same file in several rows: one image, with one label, one patient and one part."""

import os
import stat

import numpy as np
import pandas as pd

from ..errors import DataError, listing


def once(found, name):
    """Keep one row for each file, whatever paths and links lead to it.

    Parameters
    ----------
    found : Found
    name : str
        The data set's, for messages.

    Returns
    -------
    Found

    Raises
    ------
    DataError
        If the rows of one file contradict each other, or a path leads to something that is no file.
    """
    table = found.table.reset_index(drop=True)
    if found.images is not None or found.features is not None or table.empty:
        return found._replace(table=table)
    identities, special = _identities(table["path"])
    if special:
        raise DataError(f"{name!r}: not files but folders, pipes or devices. Correct the paths:\n{listing(special)}")
    again = pd.Series(identities).groupby(identities).transform("size").to_numpy() > 1
    if not again.any():
        return found._replace(table=table)
    for column, what in (("label", "labels"), ("patient_id", "patients"), ("split", "parts")):
        if column in table:
            told = table[again].groupby(identities[again])[column].agg(lambda each: list(dict.fromkeys(each.dropna())))
            if (wrong := told[told.map(len) > 1]).size:
                paths = table["path"].groupby(identities).first()
                lines = [f"{paths[each]}: {', '.join(map(str, values))}" for each, values in wrong.items()]
                raise DataError(f"{name!r}: the same file with different {what}. Correct the rows, or keep one row per "
                                f"image:\n{listing(lines)}")  # fmt: skip
    kept = ~pd.Series(identities).duplicated().to_numpy()
    remark = f"{name!r}: {(~kept).sum()} rows or links repeat a file. Each file is read once."
    return found._replace(
        table=table[kept].reset_index(drop=True),
        findings=None if found.findings is None else found.findings[kept],
        remarks=(*found.remarks, remark),
    )


def _identities(paths):
    """A number for each file, equal for paths that lead to one; and the paths that lead to something else."""
    keys, special = [], []
    for path in paths:
        try:
            found = os.stat(path)
        except (OSError, ValueError):  # missing: reading it will say so
            keys.append(str(path))
            continue
        keys.append((found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path))
        if not stat.S_ISREG(found.st_mode):
            special.append(str(path))
    return np.asarray(pd.factorize(np.array([str(key) for key in keys], object))[0]), special
