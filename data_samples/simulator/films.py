"""Simulated chest radiographs of many hospitals: not of any person, not for diagnosis.

    python -m data_samples.simulator.films --n 20000 --out DIR              make as many as wanted
    python -m data_samples.simulator.films --n 60 --out DIR --without ribs  leave structures out (SWITCHES)
    python -m data_samples.simulator.films --gallery FILE.jpg               one film with and without each of them

The second stream of the simulator: children and adults of 60 simulated hospitals, with everything that thorax.py,
illness.py, devices.py and hospital.py know. The shipped samples come from ../simulate.py, which uses none of these
four; the two streams share no patient. From a notebook: ``film(draw_subject(seed=1, number=7, label="viral")).pixels``.
"""

import argparse
import sys
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from . import devices, illness, thorax
from .geometry import stream
from .hospital import N_HOSPITALS, draw_exposure, draw_hospital, frame_edges, grid_lines, jpeg, letters
from .illness import changed, draw_illness
from .physics import expose, process
from .thorax import Frame, Stance, Subject

SIZE, OVERSAMPLING = 128, 1.5
COLUMNS = ["path", "patient_id", "label", "severity", "pattern", "age", "sex", "view", "site", "heart", "turn",
           "right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower", "seed"]
LABELS = ("normal", "bacterial", "viral")
# What can be left out of a film by name, see the functions.
BLOOD = {"vessels": thorax.vessels, "hila": thorax.hila, "fissures": thorax.fissures}
TISSUE = {"head": thorax.head, "breasts": thorax.breasts, "skin folds": thorax.skin_folds}
AIR = {"airways": thorax.airways, "abdominal gas": thorax.abdominal_gas}
SWITCHES = (*thorax.BONES, *BLOOD, *TISSUE, *AIR, *devices.DEVICES, "heart", "mottle", "letters", "collimation",
            "grid lines", "jpeg")


def draw_subject(seed, number, label=None):
    """A subject.

    Parameters
    ----------
    seed, number : int
        The same two give the same subject, whatever its label.
    label : {"normal", "bacterial", "viral"}, optional
        Drawn (40, 35 and 25 %) when not given.

    Returns
    -------
    thorax.Subject

    Raises
    ------
    ValueError
        For another label.
    """
    if label not in (None, *LABELS):
        raise ValueError(f"label {label!r}: labels are {', '.join(LABELS)}.")
    rng = stream(seed, number, 1, "subject")
    z, u = rng.normal(0, 1, 24), rng.uniform(0, 1, 12)
    hospital = draw_hospital(seed, int(rng.integers(N_HOSPITALS)))
    drawn = str(rng.choice(LABELS, p=[0.40, 0.35, 0.25]))
    child = u[0] < hospital.children
    young, older = float(rng.beta(1.0, 2.4)), float(rng.beta(2.0, 1.6))
    age = 0.2 + 14.8 * young if child else 17 + 70 * older
    sex = "F" if u[1] < 0.47 else "M"
    growth, old = min(age, 17) / 17, max(age - 40, 0) / 40
    fat = float(np.exp((0.28 if child else 0.40) * z[3]))
    lime = float(rng.beta(1, 3))
    w = (6.2 + 7.2 * growth**0.8) * (1 + 0.06 * z[0]) * (1 if sex == "M" else 0.96)
    return Subject(
        seed=seed, number=number, label=label or drawn, age=round(age, 1), sex=sex, site=str(hospital.number),
        width=w,
        height=w * (1.50 + 0.20 * growth) * (1 + 0.07 * z[1]),
        depth=w * (0.80 - 0.08 * growth) * (1 + 0.06 * z[2]),
        wall=w * (0.14 + 0.10 * growth) * fat,
        inflation=float(np.exp(0.12 * z[14])),
        taper=0.49 - 0.10 * growth + 0.04 * z[4],
        heart=(0.97 - 0.12 * growth + 0.06 * old) * float(np.exp(0.08 * z[5])),
        heart_axis=0.6,
        domes=0.05 + 0.025 * z[7],
        rib_fall=4.2 + 0.3 * growth + 0.4 * z[8],
        bone=(0.76 + 0.24 * growth**0.7) * (1 + 0.10 * z[9]) * (1 - 0.003 * max(age - 50, 0)),
        bend=0.05 * w * z[10] * (1.6 if u[2] < 0.1 else 1.0),
        thymus=w * max(0.0, 0.40 - 0.13 * age) * abs(z[11]),
        breast=w * 0.20 * abs(z[12]) * fat**0.5 if sex == "F" and age > 13 else 0.25 * w * max(0.0, 0.15 * (fat - 1)),
        gas=0.10 * w * abs(z[13]) + 0.02 * w,
        belly=0.3 * fat,
        knob=0.15 + 0.03 * growth + 0.05 * old + 0.012 * z[15],
        trunk=0.215 + 0.02 * z[16],
        cartilage=old * lime,
        mottle=0.07 + 0.07 * u[3],
        lucency=max(0.0, 0.5 * z[17] - 0.5),
        shift=0.015 * z[18],
        lift=(0.03 * z[19], 0.03 * z[20]),
    )


def draw_stance(subject, hospital, image):
    """How a subject stands, sits or lies in one film."""
    rng = subject.stream("stance", image)
    z, u, breath = rng.normal(0, 1, 10), rng.uniform(0, 1, 8), float(rng.beta(2.0, 1.3))
    child, supine = subject.age < 15, u[0] < hospital.supine
    width = 2 * subject.width * hospital.close * float(np.exp(0.05 * z[0])) * (0.96 if child else 1.0)
    tall = (1.70 if child else 1.76) * subject.height
    field = width / (hospital.squeeze * float(np.exp(0.07 * z[1])))
    field = 0.35 * field + 0.65 * min(max(field, 0.92 * tall), 1.15 * tall)
    return Stance(
        view="AP" if supine else "PA",
        turn=0.055 * z[3] * (1.5 if supine else 1.0),
        lean=0.07 * z[4] + (0.06 if supine else -0.02),
        roll=0.035 * z[5],
        breath=breath * (0.85 if supine else 1.0),
        arms=min(max(hospital.raised + 0.25 * z[2], 0.0), 1.0),
        field=field,
        x0=0.04 * subject.width * z[6],
        y0=subject.height * ((0.58 if child else 0.70) + 0.035 * z[7]),
        aspect=width / field,
        chin=-0.18 + 0.20 * z[8] if child else -0.62 + 0.14 * z[8],
    )


@dataclass(frozen=True)
class Film:
    """One image with all that is known of it."""

    pixels: np.ndarray  # (size, size) uint8
    lesion: np.ndarray  # (size, size) bool: at least a fifth of the lung along the ray is affected
    severity: float  # share of the lungs' volume affected, 0 to 1
    zones: np.ndarray  # (2, 3): the same of the right and the left lung's upper, middle and lower third
    heart: float  # width of the heart over the inner width of the chest
    turn: float  # rotation, radians
    view: str  # "AP" or "PA"
    pattern: str  # of the pneumonia, see illness.py


def film(subject, image=1, size=SIZE, without=()):
    """One film of a subject.

    Parameters
    ----------
    subject : thorax.Subject
    image : int
        Number of the film, from 1: stance, exposure and what lies on the patient differ between films.
    size : int
        Side in pixels.
    without : collection of str
        Names of `SWITCHES` to leave out.

    Returns
    -------
    Film

    Raises
    ------
    ValueError
        For a name that is not in `SWITCHES`.
    """
    if unknown := set(without) - set(SWITCHES):
        raise ValueError(f"without: {', '.join(sorted(unknown))}; known are {', '.join(SWITCHES)}.")
    hospital = draw_hospital(subject.seed, int(subject.site))
    pose, exposure = draw_stance(subject, hospital, image), draw_exposure(subject, hospital, image)
    ill = draw_illness(subject)
    subject = changed(subject, ill)
    frame = Frame(pose, round(OVERSAMPLING * size))
    lung, cage = thorax.lungs(subject, frame, without)
    density = (0.26 - 0.08 * min(subject.age, 17) / 17) * subject.inflation * (1.45 - 0.45 * pose.breath)
    if "mottle" not in without:
        density = density * thorax.mottle(subject, frame)
    air = lung * (1 - density)
    aerated = np.minimum(1.6 * lung / np.maximum(cage, 1e-6), 1)
    blood = sum((draw(subject, frame) for name, draw in BLOOD.items() if name not in without), np.zeros_like(lung))
    blood = np.minimum(blood * aerated, 0.85 * lung)
    filling, extent, walls, bronchi = illness.shadows(subject, ill, frame, lung, cage)
    fluid = np.maximum(filling * (air - blood) + walls * aerated - bronchi * aerated, 0)
    soft = thorax.body(subject, frame) - np.maximum(air - blood - fluid, 0)
    soft = soft + sum(draw(subject, frame) for name, draw in TISSUE.items() if name not in without)
    soft = np.maximum(soft - sum(draw(subject, frame) for name, draw in AIR.items() if name not in without), 0)
    dense = thorax.bones(subject, frame, without) + devices.devices(subject, frame, image, without)
    signal = expose(soft, dense, exposure, frame.pitch, subject.stream("quanta", image))
    grey = process(signal, exposure, frame.pitch)
    grey *= hospital.white
    if "letters" not in without:
        letters(grey, exposure)
    if "collimation" not in without:
        frame_edges(grey, subject, exposure, hospital, image)
    if "grid lines" not in without:
        grid_lines(grey, hospital)
    pixels = np.round(255 * np.clip(_shrink(grey, size), 0, 1)).astype(np.uint8)
    if "jpeg" not in without:
        pixels = jpeg(pixels, hospital.jpeg)
    lesion = (_shrink(extent, size) > 0.2) & (_shrink(lung, size) > 0.05 * subject.depth)
    third = np.clip((3 * frame.y / pose.dome(subject)).astype(int), 0, 2) + 3 * (frame.x > 0)
    volumes = np.bincount(third.ravel(), lung.ravel(), 6)
    zones = np.bincount(third.ravel(), (extent * lung).ravel(), 6) / np.maximum(volumes, 1e-9)
    return Film(pixels, lesion, float((extent * lung).sum() / lung.sum()), zones.reshape(2, 3),
                thorax.heart_size(subject, pose), pose.turn, pose.view, ill.pattern)


def _shrink(array, size):
    """Area-averaged reduction of a square map to (size, size), float64."""
    image = Image.fromarray(array.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)).astype(np.float64)


def _row(task):
    """One row of metadata; the film is written as a file or comes with it as pixels."""
    seed, number, size, folder, without = task
    subject = draw_subject(seed, number)
    made = film(subject, 1, size, without)
    path = f"images/f{number:06d}.jpg"
    if folder is not None:
        Image.fromarray(made.pixels).save(Path(folder) / path, quality=95)
    zones = [round(float(share), 4) for share in made.zones.ravel()]
    row = (path, f"f{number:06d}", subject.label, round(made.severity, 4), made.pattern, subject.age, subject.sex,
           made.view, subject.site, round(made.heart, 4), round(made.turn, 4), *zones, seed)
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
    subjects = [draw_subject(1, number) for number in range(400)]
    few = subjects[:40]
    whole = [film(subject, 1, 48).pixels.astype(float) for subject in few]
    rows = -(-len(SWITCHES) // columns)
    sheet = Image.new("L", (columns * size, rows * (2 * size + 14)), 255)
    pen = ImageDraw.Draw(sheet)
    for k, name in enumerate(SWITCHES):
        if name in devices.DEVICES:
            frames = [Frame(draw_stance(one, draw_hospital(1, int(one.site)), 1), 24) for one in subjects]
            change = [devices.DEVICES[name](one, frame, 1).sum() for one, frame in zip(subjects, frames, strict=True)]
        else:
            change = [np.abs(film(one, 1, 48, {name}).pixels - on).mean() for one, on in zip(few, whole, strict=True)]
        subject = subjects[int(np.argmax(change))]
        left, top = k % columns * size, k // columns * (2 * size + 14)
        pen.text((left + 2, top + 1), name, fill=0, font=ImageFont.load_default_imagefont())
        sheet.paste(Image.fromarray(film(subject, 1, size).pixels), (left, top + 14))
        sheet.paste(Image.fromarray(film(subject, 1, size, {name}).pixels), (left, top + 14 + size))
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
    if args.out is None or args.n < 1 or args.size < 32:
        parser.error("--n needs --out DIR, at least one film, and a --size of at least 32 pixels")
    if unknown := set(args.without) - set(SWITCHES):
        parser.error(f"--without {', '.join(sorted(unknown))}: known are {', '.join(SWITCHES)}")
    generate(args.n, args.seed, args.size, args.out, args.without, processes=args.processes)
    print(f"{args.n} simulated radiographs and metadata.csv are in {args.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
