"""The files of a benchmark: its table, its log of looks at test parts, its ranking with the conditions beneath."""

import datetime
import os
import platform
import sys
from io import BytesIO, StringIO
from itertools import count

import pandas as pd

from .. import files
from ..course import versions
from ..errors import DataError
from ..locks import lock
from ..plots import use_style
from ..tables import markdown
from ..written import Written
from .models import Model
from .ranking import METHOD, quality_against_seconds, rank

COLUMNS = ["dataset", *METHOD, "seed", "part", "metric", "value", "low", "high", "seconds_base", "seconds_features",
           "seconds_head", "chosen"]  # fmt: skip
LOOKS = ["date", "dataset", "by", "models"]
SHOWN = 15  # ranked methods that are printed; all of them are written


def prepare(stem):
    """Refuse files of others where the benchmark writes, before anything is measured.

    Raises
    ------
    DataError
    """
    table, log = stem.with_suffix(".csv"), stem.with_name("test_looks.csv")
    for file, columns in ((table, COLUMNS), (log, LOOKS)):
        if file.exists() and _header(file) not in ("", ",".join(columns)):
            raise DataError(f"{file}: not written by a benchmark. Move it away or choose another --out.")
    if not table.exists():
        Written(stem.parent).refuse([f"{stem.name}.md", f"{stem.name}.png"])


def finished(table, rows_each):
    """The models in the table. Other rows belong to a model whose writing was cut off: they go, and a copy stays."""
    if not table.exists():
        return set()
    text = table.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1]
    results = pd.read_csv(StringIO(lines or ",".join(COLUMNS)), dtype=str, keep_default_na=False)  # as text: as it is
    keys = list(Model._fields)
    kept = results[results.groupby(keys)["metric"].transform("size") == rows_each]
    if len(kept) < len(results) or text != lines:
        aside = next(file for n in count(1) if not (file := table.with_name(f"{table.stem}-before-{n}.csv")).exists())
        print(f"note: {table} holds models that are not complete; they are measured again. As it was: {aside}",
              file=sys.stderr)  # fmt: skip
        files.write(aside, text)
        files.write(table, kept.to_csv(index=False, lineterminator="\n"))
    return {Model(*row) for row in kept[keys].astype({"seed": int}).itertuples(index=False)}


def append(table, rows):
    """Add the rows of one model: all of them or none."""
    before = table.read_text(encoding="utf-8") if table.exists() else ""
    files.write(table, before + rows[COLUMNS].round(4).to_csv(index=False, header=not before, lineterminator="\n"))


def count_look(log, dataset, by, models=1):
    """Count more models whose results on the test part were seen. Simulated images can be made anew: not counted."""
    if dataset == "sample" or models < 1:
        return
    with lock(log.with_name(f".dhl-lock-{log.name}")):
        row = [datetime.date.today().isoformat(), dataset, by, models]
        looks = pd.concat([_looks(log), pd.DataFrame([row], columns=LOOKS)])
        looks = looks.groupby(LOOKS[:3], sort=False, as_index=False)["models"].sum()
        files.write(log, looks.to_csv(index=False, lineterminator="\n"))


def looks_counted(log, dataset, by):
    """int: how many models of a data set are in the log; after a kill one may be missing that is in the table."""
    looks = _looks(log)
    return int(looks.loc[(looks["dataset"] == dataset) & (looks["by"] == by), "models"].sum())


def _looks(log):
    try:
        return pd.read_csv(log).astype({"models": int})[LOOKS] if log.exists() else pd.DataFrame(columns=LOOKS)
    except (ValueError, KeyError) as error:
        raise DataError(f"{log}: damaged ({error}). Restore it, or move it away and count from now on.") from error


def _header(file):
    with open(file, encoding="utf-8", errors="replace") as stream:
        return stream.readline(1000).rstrip("\r\n")


def write(stem, results, conditions, protocol):
    """Write the ranking of every measured part and the figure; returns the first ranked methods as text.

    Parameters
    ----------
    stem : Path
        Without suffix; .md and .png are written.
    results : pandas.DataFrame
        All rows of the benchmark.
    conditions, protocol : str
        What was measured, and how.

    Returns
    -------
    str
    """
    beneath = f"{conditions} {protocol}\n\nVersions: {', '.join(f'{k} {v}' for k, v in versions().items())}; "
    beneath += f"{os.cpu_count()} cores, {platform.machine()}. Not for diagnosis."
    pages, ranked = [], {}
    for part in [part for part in ("test", "external") if (results["part"] == part).any()]:
        ranked[part] = rank(results, part)
        text = ranked[part].assign(
            **{"macro AUC": [f"{r.value:.3f} ({r.low:.3f} to {r.high:.3f})" for r in ranked[part].itertuples()]},
            seconds=ranked[part]["seconds"].map("{:.1f}".format),
        )
        pages.append(f"## {part} part\n\n{markdown(text[[*METHOD, 'macro AUC', 'seeds', 'seconds']])}")
    title = f"# Benchmark: {results['dataset'].iloc[0]}"
    written, picture = Written(stem.parent), BytesIO()
    written.write(f"{stem.name}.md", "\n\n".join([title, *pages, beneath, ""]))
    use_style()
    figure = quality_against_seconds(ranked["test"], f"{results['dataset'].iloc[0]}, test part")
    figure.savefig(picture, format="png", dpi=80)
    written.write(f"{stem.name}.png", picture.getvalue())
    first = ranked["test"].head(SHOWN).round(3).to_string(index=False)
    return f"{first}\n\nAll {len(ranked['test'])} methods: {stem}.md\n\n{beneath}"
