"""What a benchmark comes to: one row per method, over its seeds, and quality drawn against seconds."""

import numpy as np
import pandas as pd

from ..errors import DataError

METHOD = ["base", "head", "treatment"]
SECONDS = ["seconds_base", "seconds_features", "seconds_head"]


def rank(results, part="test", metric="macro AUC"):
    """Rank the methods of a benchmark by the mean over their seeds.

    Parameters
    ----------
    results : pandas.DataFrame
        The table that `python -m dhl_helpers benchmark` writes.
    part : {"test", "val", "external"}
    metric : str

    Returns
    -------
    pandas.DataFrame
        base, head, treatment, value, low, high, seeds, seconds; best first (for errors and scores of loss: last). The
        95 % interval adds two variances: of the patients, from the intervals of the single models, which all seeds
        share because they see the same patients; and of the seeds, divided by their number. Where single models have
        no interval only the seeds count; with one seed only the patients.

    Raises
    ------
    DataError
        If the table lacks a column, has no such part or metric, holds no numbers, or a model and seed twice.
    """
    if not isinstance(results, pd.DataFrame):
        raise DataError(f"The results are of type {type(results).__name__}; give the table, read by pandas.read_csv.")
    lacking = {*METHOD, *SECONDS, "seed", "part", "metric", "value", "low", "high"} - set(results)
    if lacking:
        raise DataError(f"The results lack the columns {', '.join(sorted(lacking))}: are they those of a benchmark?")
    rows = results[(results["part"] == part) & (results["metric"] == metric)]
    if rows.empty:
        known = ", ".join(results.loc[results["part"] == part, "metric"].unique()) or "nothing"
        raise DataError(f"The results have no {metric!r} of the part {part!r}; of this part there is {known}.")
    try:
        rows = rows.astype(dict.fromkeys(["value", "low", "high", *SECONDS], float))
    except (ValueError, TypeError) as error:
        raise DataError(f"The results hold something else than numbers ({error}). Restore the table.") from error
    if not np.isfinite(rows[["value", *SECONDS]]).all(axis=None):
        raise DataError(f"The results lack values or seconds of {metric!r}: was the table cut off? Restore it.")
    if rows.duplicated([*METHOD, "seed"]).any():
        twice = rows[rows.duplicated([*METHOD, "seed"])].iloc[0]
        which = ", ".join(str(twice[column]) for column in METHOD)
        raise DataError(f"The results hold {which} with seed {twice['seed']} twice. Rank one benchmark at a time.")
    rows = rows.assign(
        error=(rows["high"] - rows["low"]).fillna(0) / (2 * 1.96),
        seconds=rows[SECONDS].sum(axis=1),
    )
    groups = rows.groupby(METHOD, sort=False)
    table = groups.agg(value=("value", "mean"), seeds=("seed", "nunique"), seconds=("seconds", "mean"))
    over_seeds = groups["value"].var().fillna(0) / table["seeds"]
    half = 1.96 * np.sqrt(groups["error"].apply(lambda each: (each**2).mean()) + over_seeds)
    table["low"], table["high"] = table["value"] - half, table["value"] + half
    table = table[["value", "low", "high", "seeds", "seconds"]].reset_index()
    return table.sort_values("value", ascending=False, kind="stable", ignore_index=True)


def quality_against_seconds(ranked, title, metric="macro AUC"):
    """Draw the methods of `rank` by seconds and quality: colour and marker tell the base, words the networks.

    Parameters
    ----------
    ranked : pandas.DataFrame
        From `rank`.
    title, metric : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    from ..plots import MARKERS, PALETTE

    figure, axis = plt.subplots(figsize=(9, 5))
    for number, (base, rows) in enumerate(ranked.groupby("base", sort=True)):
        look = {"color": PALETTE[number % len(PALETTE)], "marker": MARKERS[number % len(MARKERS)]}
        look["mfc"] = look["color"] if number < len(PALETTE) else "white"  # the colours begin again
        error = (rows["value"] - rows["low"], rows["high"] - rows["value"])
        axis.errorbar(rows["seconds"], rows["value"], error, ls="", elinewidth=0.7, alpha=0.8, label=base, **look)
    for row in ranked[(ranked["head"] == "softmax") & (ranked["treatment"] == "nothing")].itertuples():
        place = {"xytext": (-45, -60), "textcoords": "offset points", "ha": "right", "fontsize": 9}
        line = {"arrowstyle": "-", "relpos": (1, 0.5)}
        axis.annotate(f"{row.base}, softmax", (row.seconds, row.value), arrowprops=line, **place)
    axis.set(xscale="log", xlabel="processor seconds of training, features and head (logarithmic)", title=title)
    axis.set_ylabel(f"{metric}, mean over seeds, 95 % interval")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure
