"""Many hospitals: whom they film and how, what their machines make of the signal, and what they burn into the film."""

from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from .geometry import stream
from .physics import Exposure, write

N_HOSPITALS = 60
LETTERS = ("R", "R", "R", "L", "L", "R", "R", "R", "L", "AP", "PA", "port", "R SUP", "ERECT", "R 2", "L K")
# Typefaces that come with matplotlib: the files are the same on every machine.
FONTS = ("DejaVuSans.ttf", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf",
         "STIXGeneral.ttf", "STIXGeneralBol.ttf", "cmss10.ttf")
TYPEFACES = Path(find_spec("matplotlib").submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"


@dataclass(frozen=True)
class Hospital:
    """The habits of one hospital. What it does to a single film varies around them."""

    number: int
    children: float  # share of its patients
    supine: float  # share of films taken lying, from the front
    close: float  # width of the film over the width of the chest
    squeeze: float  # width of a film over its height before it is made square
    raised: float  # how far arms are raised, 0 to 1
    hardness: float
    dose: float
    scatter: float
    blur: float
    low: float
    high: float
    equalise: float
    gamma: float
    tone: tuple
    flatten: float
    edge: float
    edge_width: float
    letters: tuple
    font: str
    detail: float  # strength of multi-scale contrast
    labels: float  # share of films with text
    collimation: float  # share of films with a visible edge
    white: float  # grey level of the densest
    shutter: float  # grey level of what is masked
    gridded: float  # strength of grid lines
    jpeg: int  # quality of the copy that was kept


def draw_hospital(seed, number):
    """A hospital; the same two numbers give the same one. Some are for children, most others see hardly any."""
    rng = stream(seed, 10**9 + number, 0, "hospital")
    u, z, uneven = rng.uniform(0, 1, 24), rng.normal(0, 1, 4), 0.12 * rng.normal(0, 1, 10)
    steps = np.linspace(0, 1, 10)
    # The tone curve is steep in the middle of its range and flat at its bright end, more or less.
    tone = np.exp(uneven + 0.2 * u[0] * np.sin(np.pi * steps) - (0.2 + 0.7 * u[1]) * steps)
    children = 0.97 if u[2] < 0.45 else 0.03 if u[2] < 0.85 else 0.4
    young = children > 0.5
    return Hospital(
        number=number,
        children=children,
        supine=0.25 + 0.7 * u[3] if young else 0.5 * u[3] ** 2,
        close=1.28 + 0.26 * u[4] if young else 1.38 + 0.18 * u[4],
        squeeze=1.0 + 0.55 * u[5] if young else 0.85 + 0.25 * u[5],
        raised=0.3 + 0.7 * u[6] if young else 0.35 * u[6],
        hardness=0.2 + 0.8 * u[7] if young else 0.8 + 1.0 * u[7],
        dose=float(np.exp(1.1 + 0.5 * z[0])),
        scatter=0.25 + 0.6 * u[8] if young else 0.2 + 0.6 * u[8],
        blur=0.010 + 0.030 * u[9],
        low=0.002 + 0.05 * u[10] if young else 0.01 + 0.10 * u[10],
        high=0.985 + 0.0145 * u[11],
        equalise=0.5 * u[12] if young else 0.3 * u[12],
        gamma=float(np.exp((0.0 if young else 0.10) + 0.16 * z[1])),
        tone=tuple(tone),
        flatten=0.10 + 0.30 * u[13] if young else 0.22 * u[13],
        edge=0.15 + 0.75 * u[14] ** 1.5,
        edge_width=0.2 + 0.5 * u[15],
        letters=tuple(str(word) for word in rng.choice(LETTERS, 3)),
        font=FONTS[int(len(FONTS) * u[22])],
        detail=0.9 * u[23] + 0.1,
        labels=0.25 * u[16] ** 2,
        collimation=0.35 * u[17],
        white=(0.80 if young else 0.84) + 0.12 * u[18],
        shutter=0.0 if u[19] < 0.95 else 1.0,
        gridded=max(0.0, 0.025 * (u[20] - 0.8)),
        jpeg=int(55 + 40 * u[21]),
    )


def draw_exposure(subject, hospital, image):
    """How one film is exposed and processed: the hospital's habit with the variation of the day.

    Parameters
    ----------
    subject : thorax.Subject
    hospital : Hospital
    image : int

    Returns
    -------
    physics.Exposure
    """
    rng = subject.stream("exposure", image)
    z, u = rng.normal(0, 1, 10), rng.uniform(0, 1, 10)
    text = "".join(rng.choice(list("0123456789"), 4))
    year, month, day = 2009 + int(10 * u[8] / max(hospital.labels, 0.01)), 1 + int(12 * u[9]), 1 + int(28 * u[0])
    stamp = (f"{day:02d}.{month:02d}.{year}", f"{year}-{month:02d}-{day:02d}", f"{text[:2]}:{text[2:]}",
             f"kV {60 + int(40 * u[0])}", text)[int(5 * u[1])]
    edge = (rng.random(4) < hospital.collimation) * 0.09 * rng.random(4) ** 1.5
    letters = hospital.letters[int(rng.integers(0, 3))]
    left = letters.startswith("R") or (not letters.startswith("L") and u[2] < 0.5)
    bare = rng.random() < 0.12  # no marker was put on
    thick = 2 * (subject.depth + 0.8 * subject.wall) / 20
    return Exposure(
        hardness=float(np.clip(hospital.hardness + 0.1 * z[0], 0, 1.9)), dose=hospital.dose * float(np.exp(0.4 * z[1])),
        scatter=hospital.scatter * thick**1.3, blur=hospital.blur * float(np.exp(0.15 * z[2])),
        low=float(np.clip(hospital.low + 0.01 * z[3], 0.0, 0.13)), high=float(np.clip(hospital.high, 0.95, 0.9998)),
        equalise=float(np.clip(hospital.equalise + 0.08 * z[4], 0, 1)), black=0.03 * u[3],
        gamma=hospital.gamma * float(np.exp(0.16 * z[5])), tone=hospital.tone,
        flatten=float(np.clip(hospital.flatten + 0.05 * z[6], 0, 0.7)), edge=hospital.edge * float(np.exp(0.2 * z[7])),
        edge_width=hospital.edge_width, border=tuple(edge), marker="" if bare else letters,
        marker_at=((0.01 + 0.10 * u[4]) if left else 0.97 - 0.03 * len(letters) - 0.06 * u[4],
                   0.01 + (0.5 if u[5] < 0.4 else 0.12) * u[6]),
        marker_size=(0.022 + 0.040 * u[7]) * (1.0 if len(letters) == 1 else 0.7),
        stamp=stamp if u[8] < hospital.labels else "", detail=hospital.detail, font=hospital.font,
    )


def frame_edges(grey, subject, exposure, hospital, image):
    """Mask what lies outside the collimated, perhaps tilted rectangle of a film (n, n), in place."""
    rng = subject.stream("frame", image)
    tilt = 0.03 * rng.normal() * (rng.random() < 0.4)
    n = grey.shape[0]
    line = (np.arange(n) + 0.5) / n
    x, y = line[None, :] - tilt * (line[:, None] - 0.5), line[:, None] + tilt * (line[None, :] - 0.5)
    left, top, right, bottom = exposure.border
    # An edge that is not collimated stays outside even when the frame is tilted.
    inside = [((x - left) if left else x + 1), ((1 - right - x) if right else x + 1),
              ((y - top) if top else y + 1), ((1 - bottom - y) if bottom else y + 1)]
    share = np.clip(np.minimum(np.minimum(inside[0], inside[1]), np.minimum(inside[2], inside[3])) * n / 1.5, 0, 1)
    grey *= share
    grey += (1 - share) * hospital.shutter


def grid_lines(grey, hospital):
    """Add the shadow of an anti-scatter grid's lines, which beat with the pixels, to a film (n, n), in place."""
    n = grey.shape[0]
    rng = stream(0, hospital.number, 0, "grid lines")
    wave = np.sin(2 * np.pi * np.arange(n) * rng.uniform(0.18, 0.48) + rng.uniform(0, 6))
    grey += hospital.gridded * (wave[None, :] if rng.random() < 0.7 else wave[:, None])


def letters(grey, exposure):
    """Burn side marker and text into a film (n, n) of grey values 0 to 1, in place."""
    font = TYPEFACES / exposure.font
    if exposure.marker:
        write(grey, exposure.marker, exposure.marker_at, exposure.marker_size, font)
    if exposure.stamp:
        write(grey, exposure.stamp, (0.97 - 0.022 * len(exposure.stamp), 0.955), 0.026, font)


def jpeg(pixels, quality):
    """The film as it comes back from a JPEG file of that quality; uint8 (n, n)."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file, formats=["JPEG"]))
