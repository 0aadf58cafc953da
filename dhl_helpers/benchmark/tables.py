"""The files of a benchmark: its table, its log of looks at test parts, its ranking with the conditions beneath."""

import datetime
import os
import platform

import pandas as pd

from ..course import versions
from ..plots import use_style
from ..tables import markdown
from .models import Model
from .ranking import METHOD, quality_against_seconds, rank

COLUMNS = ["dataset", *METHOD, "seed", "part", "metric", "value", "low", "high", "seconds_base", "seconds_features",
           "seconds_head", "chosen"]  # fmt: skip
SHOWN = 15  # ranked methods that are printed; all of them are written


def replace(file, write):
    """Write to a file of this process, and give it its name when it is complete."""
    unfinished = file.with_name(f"unfinished-{os.getpid()}-{file.name}")
    write(unfinished)
    os.replace(unfinished, file)


def finished(table, rows_each):
    """The models in the table. Whatever else is in it belongs to a model whose writing was cut off, and is removed."""
    if not table.exists():
        return set()
    text = table.read_text(encoding="utf-8")
    table.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
    if not table.stat().st_size:
        table.unlink()
        return set()
    results = pd.read_csv(table, dtype=str, keep_default_na=False)  # as text: what stays, stays as it is
    keys = list(Model._fields)
    kept = results[results.groupby(keys)["metric"].transform("size") == rows_each]
    unfinished = table.with_name(f"unfinished-{os.getpid()}-{table.name}")
    kept.to_csv(unfinished, index=False, lineterminator="\n")
    os.replace(unfinished, table)
    return {Model(*row) for row in kept[keys].astype({"seed": int}).itertuples(index=False)}


def append(table, rows):
    """Add the rows of one model in one piece."""
    text = rows[COLUMNS].round(4).to_csv(index=False, header=not table.exists(), lineterminator="\n")
    with open(table, "a", encoding="utf-8", newline="") as file:
        file.write(text)


def count_look(log, dataset, by):
    """Count one more model whose results on the test part were seen. Simulated images can be made anew: not counted."""
    if dataset == "sample":
        return
    row = {"date": datetime.date.today().isoformat(), "dataset": dataset, "by": by, "models": 1}
    looks = pd.concat([pd.read_csv(log), pd.DataFrame([row])]) if log.exists() else pd.DataFrame([row])
    looks = looks.groupby(["date", "dataset", "by"], sort=False, as_index=False)["models"].sum()
    replace(log, lambda unfinished: looks.to_csv(unfinished, index=False))


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
    stem.with_suffix(".md").write_text("\n\n".join([title, *pages, beneath, ""]), encoding="utf-8")
    use_style()
    figure = quality_against_seconds(ranked["test"], f"{results['dataset'].iloc[0]}, test part")
    figure.savefig(stem.with_suffix(".png"), dpi=80)
    first = ranked["test"].head(SHOWN).round(3).to_string(index=False)
    return f"{first}\n\nAll {len(ranked['test'])} methods: {stem}.md\n\n{beneath}"
