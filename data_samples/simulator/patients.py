"""Who is filmed and how they stand: children and adults of many hospitals, well or with a pneumonia.

    well = patient(seed=7)
    ill = patient(seed=7, disease="bacterial", severity=0.1, age=6, place="right lower")
"""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from .geometry import Patient, Stance, stream
from .hospital import N_HOSPITALS, draw_hospital
from .illness import LOBES, draw_illness

DISEASES = ("normal", "bacterial", "viral")


def number_in(name, value, low, high, whole=False):
    """Refuse anything but a number from `low` to `high`."""
    kind = Integral if whole else Real
    if isinstance(value, bool | np.bool_) or not isinstance(value, kind) or not low <= value <= high:
        what = "a whole number" if whole else "a number"
        raise ValueError(f"{name} {value!r}: it is {what} from {low} to {high}.")


def one_of(name, value, possible):
    """Refuse anything but one of the `possible` words."""
    if value not in possible:
        raise ValueError(f"{name} {value!r}: possible are {', '.join(map(repr, possible))}.")


@dataclass(frozen=True)
class Subject(Patient):
    """A patient of geometry.py and more; `site` is the hospital's number as a word."""

    belly: float  # fat of the abdomen, share of the wall's
    knob: float  # how far the aortic arch stands out to the left, share of the width
    trunk: float  # the same of the pulmonary trunk
    cartilage: float  # lime in the rib cartilage, 0 to 1
    mottle: float  # unevenness of the lung's density
    lucency: float  # over-inflation: domes lower and flatter, ribs more level
    shift: float  # of the middle of the chest to the left, share of the width
    lift: tuple  # how much the right and the left dome stand higher than usual, share of the height
    severity: float | None  # share of the lungs affected; None: drawn
    place: str | None  # lobe that holds the disease, one of illness.LOBES; None: drawn


def patient(seed, number=0, disease=None, severity=None, age=None, sex=None, place=None, hospital=None):
    """A patient, well or ill; what is not given is drawn.

    Parameters
    ----------
    seed, number : int
        Seed of a collection and number of the patient in it. The same two give the same patient, whatever the disease.
    disease : {"normal", "bacterial", "viral"}, optional
        Drawn (40, 35 and 25 %) when not given.
    severity : float, optional
        Share of the lungs' volume that is affected, 0 to 1; that of a film is within a tenth of it.
    age : float, optional
        Years, 0 to 100.
    sex : {"F", "M"}, optional
    place : {"right upper", "right middle", "right lower", "left upper", "lingula", "left lower"}, optional
        Lobe that holds the disease.
    hospital : int, optional
        One of 60 simulated hospitals, 0 to 59: its habits, machine and letters.

    Returns
    -------
    Subject

    Raises
    ------
    ValueError
        For anything else, and for a severity that the place cannot hold. The message lists what is possible.
    """
    number_in("seed", seed, 0, 2**63 - 1, whole=True)
    number_in("number", number, 0, 2**63 - 1, whole=True)
    seed, number = int(seed), int(number)
    for name, value, possible in (("disease", disease, DISEASES), ("sex", sex, ("F", "M")), ("place", place, LOBES)):
        if value is not None:
            one_of(name, value, tuple(possible))
    if severity is not None:
        number_in("severity", severity, 0, 1)
    if age is not None:
        number_in("age", age, 0, 100)
    if hospital is not None:
        number_in("hospital", hospital, 0, N_HOSPITALS - 1, whole=True)
        hospital = int(hospital)
    if (severity or place) and disease in (None, "normal"):
        raise ValueError(f"disease {disease!r} has no severity above 0 and no place: give 'bacterial' or 'viral'.")
    rng = stream(seed, number, 1, "subject")
    z, u = rng.normal(0, 1, 24), rng.uniform(0, 1, 12)
    first = int(rng.integers(N_HOSPITALS))
    drawn = str(rng.choice(DISEASES, p=[0.40, 0.35, 0.25]))
    if hospital is None:
        hospital = first
        if age is not None:  # the next one that sees such patients
            hospital = next(k % N_HOSPITALS for k in range(first, first + N_HOSPITALS)
                            if (draw_hospital(seed, k % N_HOSPITALS).children > 0.5) == (age < 15))
    child = u[0] < draw_hospital(seed, hospital).children
    young, older = float(rng.beta(1.0, 2.4)), float(rng.beta(2.0, 1.6))
    if age is None:
        age = 0.2 + 14.8 * young if child else 17 + 70 * older
    child = age < 16
    sex = sex or ("F" if u[1] < 0.47 else "M")
    growth, old = min(age, 17) / 17, max(age - 40, 0) / 40
    fat = float(np.exp((0.28 if child else 0.40) * z[3]))
    lime = float(rng.beta(1, 3))
    w = (6.2 + 7.2 * growth**0.8) * (1 + 0.06 * z[0]) * (1 if sex == "M" else 0.96)
    made = Subject(
        seed=seed, number=number, label=disease or drawn, age=round(float(age), 1), sex=sex, site=str(hospital),
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
        severity=severity,
        place=place,
    )
    draw_illness(made)  # refuses a severity that does not fit the place
    return made



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
