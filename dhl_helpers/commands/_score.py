"""What `predict` does with the images: compare them with those of the training, and score them."""

import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import numpy as np
import pandas as pd

from ..errors import DataError
from ..pipeline import decide, load_pipeline
from ..pixels.decode import decode_all, depth_of, look
from ..progress import progress

BATCH = 256  # images in memory at once
NARROW = 0.5  # of the shorter side of the smallest training image


def unlike(paths, trained_on):
    """Images that are much smaller than those of the training, or in colour where those were grey: {row: reason}."""
    smallest, colour = trained_on["smallest shorter side, pixels"], trained_on["share in colour"]
    if smallest is None:
        print("note: how the training images looked is not known, so these are not compared", file=sys.stderr)
        return {}
    with ThreadPoolExecutor() as pool:
        seen = list(pool.map(look, paths))
    problems = {}
    for row, (side, coloured) in ((row, each) for row, each in enumerate(seen) if each):
        if side < NARROW * smallest:
            problems[row] = f"shorter side of {side} pixels, in training {smallest} or more"
        elif coloured != bool(colour) and colour in (0, 1):
            problems[row] = "in colour, in training all grey" if coloured else "grey, in training all in colour"
    return problems


def score_apart(pipeline, paths, names, problems):
    """The same as `score`, in a process of its own: a pipeline from elsewhere that ends it does not end this one."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(score, pipeline, paths, names, problems, trust=True).result()
        except BrokenProcessPool as error:
            raise DataError(
                f"{pipeline}: the process that opened it has ended: it is damaged or forged, or the "
                "memory was too small. Nothing was written."
            ) from error


def score(pipeline, paths, names, problems, trust=False):
    """The table (path, probability of each class, decision, problem), and what is to be noted of the pipeline."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model, card = load_pipeline(pipeline, trust)
    probabilities, reasons = np.full((len(paths), len(card["classes"])), np.nan), dict(problems)
    told, depth = set(), card["image"].get("depth") or depth_of(paths)
    bar = progress(total=len(paths), unit="image", description="scoring")
    for first in range(0, len(paths), BATCH):
        rows = [row for row in range(first, min(first + BATCH, len(paths))) if row not in problems]
        some, image = [paths[row] for row in rows], card["image"]
        images, failed, _, remarks = decode_all(some, image["size"], image["channels"], "", depth)
        told |= set(remarks)
        reasons |= {rows[place]: reason for place, reason in failed.items()}
        good = [place for place in range(len(rows)) if place not in failed]
        if good:
            probabilities[[rows[place] for place in good]] = model.predict_proba(images[good])
        bar.update(min(BATCH, len(paths) - first))
    bar.close()
    table = pd.DataFrame(probabilities, columns=[f"probability ({name})" for name in card["classes"]])
    table.insert(0, "path", names)
    scored = ~np.isnan(probabilities[:, 0])
    table["decision"] = ""
    table.loc[scored, "decision"] = decide(probabilities[scored], card)
    table["problem"] = [reasons.get(row, "") for row in range(len(paths))]
    return table, [*(str(warning.message) for warning in caught), *sorted(told)]
