"""The film of a patient, with all that is known of it: not of any person, not for diagnosis.

    from data_samples.simulator import film, patient
    ill = patient(seed=7, disease="bacterial", severity=0.1, age=6)
    pixels, clean, mask, severity, zones = film(ill, dose=1.0, kvp=80, rotation=3, view="PA")
"""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from . import devices, illness, thorax
from .hospital import draw_exposure, draw_hospital, frame_edges, grid_lines, jpeg, letters
from .illness import changed, draw_illness
from .patients import Subject, draw_stance, number_in, one_of
from .physics import beam, filtered, quanta, tone_levels, toned
from .thorax import Frame

SIZE, OVERSAMPLING = 128, 1.5
APERTURE = 0.10  # side of a pixel of the original film, cm: it decides the noise of all smaller copies
ZONES = ("right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower")
# What can be left out of a film by name, see the functions.
BLOOD = {"vessels": thorax.vessels, "hila": thorax.hila, "fissures": thorax.fissures}
TISSUE = {"head": thorax.head, "abdomen": thorax.abdomen, "breasts": thorax.breasts, "skin folds": thorax.skin_folds}
AIR = {"airways": thorax.airways, "abdominal gas": thorax.abdominal_gas}
SWITCHES = (*thorax.BONES, *BLOOD, *TISSUE, *AIR, *devices.DEVICES, "heart", "mottle", "letters", "collimation",
            "grid lines", "jpeg")


class Film(NamedTuple):
    """One film with what is known of it."""

    pixels: np.ndarray  # (size, size) uint8
    clean: np.ndarray  # (size, size) uint8: the same without quantum noise and without JPEG
    mask: np.ndarray  # (size, size) bool: at least a fifth of the lung along the ray is affected
    severity: float  # share of the lungs' volume affected, 0 to 1
    zones: np.ndarray  # (6,) float64: the same of the upper, middle and lower third of either lung, as ZONES has them


def film(patient, image=1, size=SIZE, dose=None, kvp=None, rotation=None, view=None, breath=None, without=()):
    """One film of a patient. What is not given is as the patient's hospital does it, and as the day has it.

    Parameters
    ----------
    patient : Subject
        From `patient`.
    image : int
        Number of the film, from 1: stance, exposure and what lies on the patient differ between films.
    size : int
        Side in pixels, 64 to 2048.
    dose : float, optional
        Microgray at the detector behind the middle of the chest, 0.01 to 100; about 3 is usual. Less is noisier.
    kvp : float, optional
        Voltage of the tube, kV, 50 to 150: the higher, the less bones stand out.
    rotation : float, optional
        Degrees about the long axis, -30 to 30; positive turns the breastbone to the patient's left.
    view : {"PA", "AP"}, optional
        Beam from the back or from the front, where the heart is shown larger.
    breath : float, optional
        0 expiration to 1 full inspiration.
    without : collection of str
        Names of `SWITCHES` to leave out.

    Returns
    -------
    Film

    Raises
    ------
    ValueError
        For anything else. The message lists what is possible.
    """
    pose, exposure, hospital = taken(patient, image, size, dose, kvp, rotation, view, breath)
    if isinstance(without, str):
        without = (without,)
    if unknown := set(without) - set(SWITCHES):
        raise ValueError(f"without: {', '.join(sorted(unknown))}; known are {', '.join(SWITCHES)}.")
    ill = draw_illness(patient)
    subject = changed(patient, ill)
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
    signal = beam(soft, dense, exposure, frame.pitch)
    if moved := moving(subject, image):
        signal = ndimage.gaussian_filter1d(signal, moved / frame.steps[0], axis=0)
    noisy = quanta(signal, exposure, frame.pitch, subject.stream("quanta", image), APERTURE)
    clean, noisy = (filtered(each, exposure, frame.pitch) for each in (signal, noisy))
    levels = tone_levels(clean, exposure)
    burnt = partial(_burnt, subject=subject, exposure=exposure, hospital=hospital, image=image, without=without)
    clean, noisy = (burnt(toned(each, exposure, levels)) for each in (clean, noisy))
    if "jpeg" not in without:  # a file before it was made smaller, and one after
        noisy = jpeg(np.round(255 * noisy).astype(np.uint8), 95 - (95 - hospital.jpeg) // 2) / 255
    clean, pixels = (np.round(255 * _shrink(each, size)).astype(np.uint8) for each in (clean, noisy))
    if "jpeg" not in without:
        pixels = jpeg(pixels, hospital.jpeg)
    mask = (_shrink(extent, size) > 0.2) & (_shrink(lung, size) > 0.05 * subject.depth)
    third = np.clip((3 * frame.y / pose.dome(subject)).astype(int), 0, 2) + 3 * (frame.x > 0)
    volumes = np.bincount(third.ravel(), lung.ravel(), 6)
    zones = np.bincount(third.ravel(), (extent * lung).ravel(), 6) / np.maximum(volumes, 1e-9)
    return Film(pixels, clean, mask, float((extent * lung).sum() / lung.sum()), zones)


def taken(patient, image=1, size=SIZE, dose=None, kvp=None, rotation=None, view=None, breath=None):
    """How a film is taken: checked parameters of `film` as (patients.Stance, physics.Exposure, hospital.Hospital)."""
    if not isinstance(patient, Subject):
        raise ValueError(f"patient {patient!r}: give what `patient` returned, as in film(patient(seed=7)).")
    number_in("image", image, 1, 10**6, whole=True)
    number_in("size", size, 64, 2048, whole=True)
    for name, value, low, high in (("dose", dose, 0.01, 100), ("kvp", kvp, 50, 150), ("rotation", rotation, -30, 30),
                                   ("breath", breath, 0, 1)):  # fmt: skip
        if value is not None:
            number_in(name, value, low, high)
    hospital = draw_hospital(patient.seed, int(patient.site))
    pose, exposure = draw_stance(patient, hospital, image), draw_exposure(patient, hospital, image)
    if view is not None:
        one_of("view", view, ("PA", "AP"))
        pose = replace(pose, view=view)
    if rotation is not None:
        pose = replace(pose, turn=float(np.deg2rad(rotation)))
    if breath is not None:
        pose = replace(pose, breath=float(breath))
    if dose is not None:
        exposure = replace(exposure, dose=float(dose))
    if kvp is not None:
        exposure = replace(exposure, hardness=(kvp - 60) / 50)
    return pose, exposure, hospital


def moving(subject, image):
    """How far the chest moved during the exposure, cm: small children breathe when they should not."""
    rng = subject.stream("moving", image)
    there, far = rng.random(), rng.random()
    return (0.05 + 0.12 * far) if there < (0.25 if subject.age < 5 else 0.04) else 0.0


def _burnt(grey, subject, exposure, hospital, image, without):
    """Grey values 0 to 1 (n, n) with what the machine and the people at it add."""
    grey = hospital.white * grey
    if "letters" not in without:
        letters(grey, exposure)
    if "collimation" not in without:
        frame_edges(grey, subject, exposure, hospital, image)
    if "grid lines" not in without:
        grid_lines(grey, hospital)
    return np.clip(grey, 0, 1)


def _shrink(array, size):
    """Area-averaged reduction of a square map to (size, size), float64."""
    image = Image.fromarray(array.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)).astype(np.float64)
