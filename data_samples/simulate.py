"""Simulated frontal chest radiographs: not of any person, not for diagnosis.

    python -m data_samples.simulate --check                          make the shipped set again and compare
    python -m data_samples.simulate --write                          make the shipped set again and replace it
    python -m data_samples.simulate --n 20000 --out DIR --size 224   make as many others as wanted

From a notebook: ``patient = draw_patient(seed=1, number=7, label="viral")``, and then
``image, lesion_mask = render(patient)``. The anatomy is in anatomy.py, pneumonia in disease.py, X-rays in
simulator/physics.py.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from data_samples import disease
from data_samples.anatomy import abdominal_gas, airways, body, bones, breasts, lungs, vessels
from data_samples.disease import LABELS
from data_samples.simulator.collection import collect
from data_samples.simulator.geometry import Grid, Patient, Pose, stream
from data_samples.simulator.physics import Exposure, annotate, expose, process

SEED, N_IMAGES, SIZE = 2034, 2400, 128  # of the shipped set
COLUMNS = ["path", "patient_id", "label", "severity", "age", "sex", "view", "site", "split", "seed"]
SPLITS = {"train": 1000, "val": 300, "test": 700, "external": 400}  # of every 2,400 images; external is site B
LUNG, BLOCK = 0.26, 25  # density of aerated lung against water; patients whose labels are shuffled together
OVERSAMPLING = 1.5


def draw_patient(seed, number, label=None, site=None):
    """A patient.

    Parameters
    ----------
    seed, number : int
        Seed of the collection and number of the patient in it; the same two give the same patient.
    label : {"normal", "bacterial", "viral"}, optional
        Drawn (68, 24 and 8 %) when not given.
    site : {"A", "B"}, optional
        Drawn (5 to 1) when not given.

    Returns
    -------
    Patient

    Raises
    ------
    ValueError
        For another label or site.
    """
    if label not in (None, *LABELS) or site not in (None, "A", "B"):
        raise ValueError(f"label {label!r}, site {site!r}: labels are {', '.join(LABELS)}, sites are A and B.")
    # Within each block of patients the three labels have their exact share, in random order.
    block = np.repeat(LABELS, [17, 6, 2])
    block = stream(seed, number // BLOCK, 0, "labels").permutation(block)
    rng = stream(seed, number, 0, "patient")
    drawn_site = "B" if rng.random() < 1 / 6 else "A"
    adult, youth, years = rng.random() < 0.15, rng.beta(1.1, 2.6), rng.uniform(18, 85)
    age = years if adult else 0.5 + 15 * youth
    sex = "F" if rng.random() < 0.45 else "M"
    growth = min(age, 17) / 17
    z = rng.normal(0, 1, 16)
    w = (6.2 + 7.2 * growth**0.8) * (1 + 0.06 * z[0]) * (1 if sex == "M" else 0.96)
    return Patient(
        seed=seed, number=number, label=label or str(block[number % BLOCK]), age=round(float(age), 1), sex=sex,
        site=site or drawn_site,
        width=w,
        height=w * (1.55 + 0.14 * growth) * (1 + 0.06 * z[1]),
        depth=w * (0.80 - 0.08 * growth) * (1 + 0.06 * z[2]),
        wall=w * 0.13 * np.exp(0.35 * z[3]),
        inflation=np.exp(0.12 * z[14]),
        taper=0.47 + 0.045 * z[4],
        heart=1.06 - 0.10 * growth + 0.06 * z[5],
        heart_axis=0.62 + 0.12 * z[6],
        domes=0.045 + 0.02 * z[7],
        rib_fall=3.1 + 0.4 * growth + 0.3 * z[8],
        bone=(0.62 + 0.38 * growth**0.7) * (1 + 0.10 * z[9]) * (1 - 0.003 * max(age - 50, 0)),
        bend=0.05 * w * z[10],
        thymus=w * max(0.0, 0.42 - 0.12 * age) * abs(z[11]),
        breast=w * 0.16 * abs(z[12]) if sex == "F" and age > 14 else 0.0,
        gas=0.07 * w * abs(z[13]),
    )


def draw_pose(patient, image):
    """How a patient stands in one image."""
    rng = patient.stream("pose", image)
    z = rng.normal(0, 1, 6)
    infant = patient.age < 4
    view = "AP" if rng.random() < (0.9 if infant else 0.5 if patient.age < 10 else 0.3) else "PA"
    field = 2 * patient.width * (1.08 + 0.32 * rng.random())
    return Pose(
        view=view, turn=0.06 * z[0], lean=0.10 * z[1] + (0.05 if view == "AP" else 0.0), roll=0.03 * z[2],
        breath=rng.beta(2.2, 1.2), arms=rng.beta(0.6, 0.5), field=field, x0=0.05 * patient.width * z[3],
        y0=(0.5 + 0.06 * z[4]) * patient.height,
    )


def draw_exposure(patient, image):
    """How one image of a patient is exposed and processed: what the hospital and the day decide, never the disease."""
    rng = patient.stream("exposure", image)
    z, u = rng.normal(0, 1, 8), rng.uniform(0, 1, 12)
    spread = {  # what all hospitals share
        "hardness": u[0], "dose": np.exp(0.9 + 0.6 * z[0]), "scatter": 0.5 + 0.9 * u[1], "blur": 0.025 + 0.03 * u[2],
    }
    uneven, steep = 0.18 * rng.normal(0, 1, 12), 0.6 * np.sin(np.pi * (np.arange(12) + 0.5) / 12)
    collimated = rng.random(4) < 0.3
    border = tuple(np.where(collimated, 0.06 * rng.random(4), 0.0))
    if patient.site == "A":
        return Exposure(
            **spread, border=border, low=0.01 + 0.16 * u[3], high=0.985 + 0.014 * u[4],
            equalise=0.88 + 0.12 * u[11], black=0.02 + 0.16 * u[5] ** 2, gamma=np.exp(0.16 * z[1]),
            tone=tuple(np.exp(uneven)), flatten=0.10 + 0.40 * u[6], edge=0.3 + 0.7 * u[7], edge_width=0.5,
            marker="R", marker_at=(0.04 + 0.16 * u[8], 0.03 + 0.18 * u[9]), marker_size=0.05 + 0.04 * u[10],
            stamp=f"KV{int(60 + 30 * u[0])}" if rng.random() < 0.2 else "",
        )
    return Exposure(
        **spread, border=border, low=0.005 + 0.04 * u[3], high=0.97 + 0.02 * u[4],
        equalise=0.25 + 0.40 * u[11], black=0.08 + 0.14 * u[5], gamma=0.85 * np.exp(0.15 * z[1]),
        tone=tuple(np.exp(uneven + steep)),
        flatten=0.35 + 0.35 * u[6], edge=0.9 + 1.2 * u[7], edge_width=0.25,
        marker="L" if rng.random() < 0.7 else "AP", marker_at=(0.82 + 0.08 * u[8], 0.04 + 0.10 * u[9]),
        marker_size=0.04 + 0.03 * u[10], stamp="",
    )


def film(patient, image=1, size=SIZE, pose=None, exposure=None):
    """One image of a patient with what is known of it.

    Parameters
    ----------
    patient : Patient
    image : int
        Number of the image, from 1.
    size : int
        Side in pixels.
    pose : Pose, optional
    exposure : Exposure, optional
        Those of this image when not given. variants.py gives others.

    Returns
    -------
    pixels : ndarray (size, size), uint8
    lesion_mask : ndarray (size, size), bool
        Where at least a fifth of the lung along the ray is affected.
    severity : float
        Share of the lungs' volume affected, 0 to 1.
    """
    pose, exposure = pose or draw_pose(patient, image), exposure or draw_exposure(patient, image)
    grid = Grid(pose, round(OVERSAMPLING * size))
    lung, cage = lungs(patient, grid)
    air = lung * (1 - LUNG * patient.inflation * (1.35 - 0.35 * pose.breath))
    aerated = lung / np.maximum(cage, 1e-6)
    blood = np.minimum(vessels(patient, grid) * aerated, 0.8 * lung)
    fluid, extent, severity = np.zeros_like(lung), np.zeros_like(lung), 0.0
    ill = disease.draw(patient)
    if ill is not None:
        progress = patient.stream("progress", image).uniform(0.88, 1.12)
        extent, filling, streaks, bronchi = disease.shadows(patient, ill, grid, cage, progress)
        fluid = np.maximum(filling * air + streaks * aerated - bronchi * aerated, 0)
        severity = float((extent * lung).sum() / lung.sum())
    soft = body(patient, grid) + breasts(patient, grid) - np.maximum(air - blood - fluid, 0)
    soft = np.maximum(soft - airways(patient, grid) - abdominal_gas(patient, grid), 0)
    signal = expose(soft, bones(patient, grid), exposure, grid.pitch, patient.stream("quanta", image))
    grey = process(signal, exposure, grid.pitch)
    annotate(grey, exposure)
    pixels = _shrink(grey, size)
    mask = (_shrink(extent, size) > 0.2) & (_shrink(lung, size) > 0.05 * patient.depth)
    return np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8), mask, severity


def render(patient, image=1, size=SIZE):
    """Simulated radiograph of a patient, and where its lesions are.

    Parameters
    ----------
    patient : Patient
        From `draw_patient`; change one with `dataclasses.replace(patient, label="normal")`.
    image : int
        Number of the image, from 1: pose, breath, exposure and processing differ between images.
    size : int
        Side in pixels.

    Returns
    -------
    image : ndarray (size, size), uint8
    lesion_mask : ndarray (size, size), bool
        Empty for a normal patient.
    """
    return film(patient, image, size)[:2]


def _shrink(array, size):
    """Area-averaged reduction of a square map to (size, size), float64."""
    image = Image.fromarray(array.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)).astype(np.float64)


def plan(n_images, seed):
    """Which images a collection holds, before any is made.

    Patients are numbered from 0 and have one to three images. The splits get their share of images in the order of
    `SPLITS`; the patients of site B are the external split.

    Parameters
    ----------
    n_images, seed : int

    Returns
    -------
    pandas.DataFrame
        One row per image: patient, image (int), site, split (str).
    """
    wanted = {split: round(n_images * share / sum(SPLITS.values())) for split, share in SPLITS.items()}
    wanted["train"] += n_images - sum(wanted.values())
    rows, number = [], 0
    for split, left in wanted.items():
        while left > 0:
            images = min(left, int(stream(seed, number, 0, "images").choice([1, 2, 3], p=[0.6, 0.3, 0.1])))
            rows += [(number, image, "B" if split == "external" else "A", split) for image in range(1, images + 1)]
            number, left = number + 1, left - images
    return pd.DataFrame(rows, columns=["patient", "image", "site", "split"])


def _make(task):
    """One row of metadata, and the film as uint8 pixels or as a file."""
    seed, number, image, site, split, size, folder = task
    patient = draw_patient(seed, number, site=site)
    pixels, _, severity = film(patient, image, size)
    path = f"images/p{number:05d}_{image}.jpg"
    if folder is not None:
        Image.fromarray(pixels).save(Path(folder) / path, quality=95)
    row = (path, f"p{number:05d}", patient.label, round(severity, 4), patient.age, patient.sex,
           draw_pose(patient, image).view, patient.site, split, seed)
    return row, pixels if folder is None else None


def generate(n_images, seed, size=SIZE, folder=None, processes=None):
    """Make a collection.

    Parameters
    ----------
    n_images, seed, size : int
    folder : path, optional
        Where `images/` and `metadata.csv` are written; without it the pixels are returned.
    processes : int, optional
        All cores when not given. The result does not depend on it.

    Returns
    -------
    table : pandas.DataFrame
        The metadata, columns `COLUMNS`.
    pixels : ndarray (n, size, size), uint8, or None with a `folder`
    """
    tasks = [(seed, *row, size, folder) for row in plan(n_images, seed).itertuples(index=False)]
    table, pixels = collect(_make, tasks, COLUMNS, folder, processes)
    return table, np.stack(pixels) if folder is None else None


def checksum(folder):
    """SHA-256 over the SHA-256 digests of all images in the order of `metadata.csv`, as hexadecimal digits."""
    folder = Path(folder)
    whole = hashlib.sha256()
    for path in pd.read_csv(folder / "metadata.csv")["path"]:
        whole.update(hashlib.sha256((folder / path).read_bytes()).digest())
    return whole.hexdigest()


def check(folder, processes=None):
    """Make the shipped set again and compare decoded pixels and metadata.

    Returns
    -------
    list of str
        What differs; empty when the set is as it should be: pixels equal, or at most one grey level apart on at most
        0.1 % of all pixels, which other processors than the reference may do.
    """
    from tempfile import TemporaryDirectory

    folder = Path(folder)
    shipped = pd.read_csv(folder / "metadata.csv")
    faults = []
    with TemporaryDirectory() as again:
        table, _ = generate(N_IMAGES, SEED, folder=again, processes=processes)
        made = pd.read_csv(Path(again) / "metadata.csv")
        if not shipped.drop(columns="severity").equals(made.drop(columns="severity")):
            return ["metadata.csv differs from what the program makes"]
        if np.abs(shipped["severity"] - made["severity"]).max() > 0.001:
            faults.append("metadata.csv: severity differs by more than 0.001")
        unequal = 0
        for path in table["path"]:
            a, b = (np.asarray(Image.open(root / path, formats=["JPEG"])).astype(int) for root in (folder, Path(again)))
            if np.abs(a - b).max() > 1:
                faults.append(f"{path}: a pixel differs by {np.abs(a - b).max()} grey levels")
            unequal += np.count_nonzero(a != b)
    if unequal > 0.001 * len(table) * SIZE**2:
        faults.append(f"{unequal} pixels differ, more than 0.1 %")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="make the shipped set again; exit code 1 if it differs")
    what.add_argument("--write", action="store_true", help="replace the shipped images, metadata.csv and CHECKSUM")
    what.add_argument("--n", type=int, help="make this many images, with metadata.csv, in --out")
    parser.add_argument("--out", type=Path, help="folder for --n; made when absent")
    parser.add_argument("--size", type=int, default=SIZE, help=f"side in pixels for --n (default {SIZE})")
    parser.add_argument("--seed", type=int, default=1, help=f"seed for --n (default 1; the shipped set has {SEED})")
    parser.add_argument("--processes", type=int, help="default: all cores; the result does not depend on it")
    args = parser.parse_args()
    here = Path(__file__).resolve().parent
    if args.check:
        faults = check(here, args.processes)
        print("\n".join(faults[:20]) or f"The {N_IMAGES} images in {here} are what the program makes.")
        return bool(faults)
    if args.n is not None:
        if args.out is None or args.n < 1 or args.size < 32:
            parser.error("--n needs --out DIR, at least one image, and a --size of at least 32 pixels")
        generate(args.n, args.seed, args.size, args.out, args.processes)
        print(f"{args.n} simulated radiographs and metadata.csv are in {args.out}.")
        return 0
    for path in (here / "images").glob("*.jpg"):
        path.unlink()
    generate(N_IMAGES, SEED, folder=here, processes=args.processes)
    (here / "CHECKSUM").write_text(checksum(here) + "\n")
    print(f"{N_IMAGES} simulated radiographs, metadata.csv and CHECKSUM are in {here}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
