"""Collections of simulated films: any number of any size, with their metadata, and a gallery of what can be left out.

    python -m data_samples.simulator --n 20000 --out DIR              make as many as wanted
    python -m data_samples.simulator --n 60 --out DIR --without ribs  leave structures out (films.SWITCHES)
    python -m data_samples.simulator --gallery FILE.jpg               one film with and without each of them

The shipped samples come from ../simulate.py and share no patient with these.
"""

import argparse
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from . import devices
from .films import SIZE, SWITCHES, ZONES, film, taken
from .illness import draw_illness
from .patients import patient
from .thorax import Frame, heart_size

COLUMNS = ["path", "patient_id", "label", "severity", "pattern", "age", "sex", "view", "site", "heart", "turn",
           *ZONES, "seed"]


def _row(task):
    """One row of metadata; the film is written as a file or comes with it."""
    seed, number, size, folder, without = task
    who = patient(seed, number)
    made = film(who, 1, size, without=without)
    path = f"images/f{number:06d}.jpg"
    if folder is not None:
        Image.fromarray(made.pixels).save(Path(folder) / path, quality=95)
    pose, *_ = taken(who)
    zones = [round(float(share), 4) for share in made.zones]
    row = (path, f"f{number:06d}", who.label, round(made.severity, 4), draw_illness(who).pattern, who.age, who.sex,
           pose.view, who.site, round(heart_size(who, pose), 4), round(pose.turn, 4), *zones, seed)
    return row, made if folder is None else None


def generate(n, seed, size=SIZE, folder=None, without=(), first=0, processes=None):
    """Make one film each of `n` subjects.

    Parameters
    ----------
    n, seed, size : int
    folder : path, optional
        Where `images/` and `metadata.csv` are written; without it the films are returned.
    without : collection of str
        Names of `SWITCHES` to leave out.
    first : int
        Number of the first subject.
    processes : int, optional
        All cores when not given. The result does not depend on it.

    Returns
    -------
    table : pandas.DataFrame
        The metadata, columns `COLUMNS`.
    films : list of Film, or None with a `folder`
    """
    tasks = [(seed, number, size, folder, tuple(without)) for number in range(first, first + n)]
    return collect(_row, tasks, COLUMNS, folder, processes)


def collect(make, tasks, columns, folder, processes):
    """Call `make` for each task in several processes: the rows as a table, and with no `folder` what comes with each.

    With a `folder`, `make` writes the images to its `images/`, and the table becomes its `metadata.csv`.
    """
    if folder is not None:
        (Path(folder) / "images").mkdir(parents=True, exist_ok=True)
    # "spawn" everywhere: the only way of starting a process that Linux, macOS and Windows share.
    with get_context("spawn").Pool(processes) as pool:
        made = list(tqdm(pool.imap(make, tasks, chunksize=8), total=len(tasks), unit="image", disable=None))
    table = pd.DataFrame([row for row, _ in made], columns=columns)
    if folder is None:
        return table, [image for _, image in made]
    table.to_csv(Path(folder) / "metadata.csv", index=False, lineterminator="\n")
    return table, None


def gallery(file, size=96, columns=8):
    """Write a sheet of films with (above) and without (below) each of `SWITCHES`.

    Of the first subjects, the pair shows the one whose film the switch changes most; of devices, who has most of it.
    """
    subjects = [patient(1, number) for number in range(400)]
    few = subjects[:40]
    whole = [film(subject, 1, 64).pixels.astype(float) for subject in few]
    rows = -(-len(SWITCHES) // columns)
    sheet = Image.new("L", (columns * size, rows * (2 * size + 14)), 255)
    pen = ImageDraw.Draw(sheet)
    for k, name in enumerate(SWITCHES):
        if name in devices.DEVICES:
            frames = [Frame(taken(one)[0], 24) for one in subjects]
            change = [devices.DEVICES[name](one, frame, 1).sum() for one, frame in zip(subjects, frames, strict=True)]
        else:
            change = [np.abs(film(one, 1, 64, without=name).pixels - on).mean()
                      for one, on in zip(few, whole, strict=True)]
        subject = subjects[int(np.argmax(change))]
        left, top = k % columns * size, k // columns * (2 * size + 14)
        pen.text((left + 2, top + 1), name, fill=0, font=ImageFont.load_default_imagefont())
        sheet.paste(Image.fromarray(film(subject, 1, size).pixels), (left, top + 14))
        sheet.paste(Image.fromarray(film(subject, 1, size, without=name).pixels), (left, top + 14 + size))
    sheet.save(file, quality=75)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--n", type=int, help="make this many films, with metadata.csv, in --out")
    what.add_argument("--gallery", type=Path, metavar="FILE", help="make a sheet of films with and without each switch")
    parser.add_argument("--out", type=Path, help="folder for --n; made when absent")
    parser.add_argument("--size", type=int, default=SIZE, help=f"side in pixels for --n (default {SIZE})")
    parser.add_argument("--seed", type=int, default=1, help="seed for --n (default 1)")
    parser.add_argument("--without", nargs="*", default=[], metavar="NAME", help=f"any of: {', '.join(SWITCHES)}")
    parser.add_argument("--processes", type=int, help="default: all cores; the result does not depend on it")
    args = parser.parse_args()
    if args.gallery:
        gallery(args.gallery)
        print(f"The gallery is in {args.gallery}.")
        return 0
    if args.out is None or args.n < 1 or args.size < 64:
        parser.error("--n needs --out DIR, at least one film, and a --size of at least 64 pixels")
    if unknown := set(args.without) - set(SWITCHES):
        parser.error(f"--without {', '.join(sorted(unknown))}: known are {', '.join(SWITCHES)}")
    generate(args.n, args.seed, args.size, args.out, args.without, processes=args.processes)
    print(f"{args.n} simulated radiographs and metadata.csv are in {args.out}.")
    return 0

