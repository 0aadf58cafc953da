"""Variants of the simulated radiographs, made to lead a classifier astray: not of any person, not for diagnosis.

In the shipped set the class decides the disease and nothing else. Here it also goes with a burnt-in text or with the
hospital, as strongly as asked for, or a patient has several films that are almost the same. Notebook 08 imports this
module; nothing is written to disk.

    pixels, masks = films([(1, number, "viral", "A") for number in range(20)], per_patient=4, repeated=True)
    marked = burn_in(images, linked(sick, 0.9, np.random.default_rng(0)))
"""

from dataclasses import replace
from multiprocessing import get_context

import numpy as np

from data_samples.simulate import draw_exposure, draw_patient, draw_pose, film
from data_samples.simulator.physics import write


def linked(sick, link, rng):
    """Something that goes with the class, a text or a hospital: equal to `sick` with probability `link`.

    Parameters
    ----------
    sick : ndarray of bool, shape (n,)
    link : float
        0.5: it tells nothing; 1: it tells all.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    return np.where(rng.random(len(sick)) < link, sick, ~sick)


def burn_in(images, rows, text="ICU", at=(0.58, 0.02), height=0.13):
    """Burn the same text into some images, as a portable machine might.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, c)
    rows : ndarray of bool, shape (n,)
        Which images get it.
    text : str
    at : tuple of float
        Its upper left corner, shares of width and height.
    height : float
        Share of the image's height.

    Returns
    -------
    ndarray of uint8, shape (n, h, w, c)
        A copy.
    """
    marked = images.copy()
    for row in np.flatnonzero(rows):
        for channel in range(images.shape[3]):
            grey = images[row, :, :, channel] / 255
            write(grey, text, at, height)
            marked[row, :, :, channel] = np.round(255 * grey)
    return marked


def again(patient, image, size):
    """A repeated film: pose and exposure of the patient's first one, moved by a few millimetres, with noise of its own.

    Parameters and returns are those of `simulate.film`; image 1 is the first film itself, moved like the others.
    """
    pose, z = draw_pose(patient, 1), patient.stream("again", image).normal(0, 1, 4)
    pose = replace(pose, turn=pose.turn + 0.01 * z[0], x0=pose.x0 + 0.2 * z[1], y0=pose.y0 + 0.2 * z[2],
                   breath=float(np.clip(pose.breath + 0.05 * z[3], 0, 1)))  # fmt: skip
    return film(patient, image, size, pose, draw_exposure(patient, 1))


def films(patients, per_patient=1, size=96, repeated=False, processes=None):
    """Films of many patients.

    Parameters
    ----------
    patients : list of tuple
        Arguments of `simulate.draw_patient`: (seed, number, label, site).
    per_patient : int
        Films of each.
    size : int
        Side in pixels.
    repeated : bool
        Whether a patient's films are almost the same (see `again`) or differ in pose and exposure.
    processes : int, optional
        All cores when not given. The result does not depend on it.

    Returns
    -------
    images : ndarray of uint8, shape (n * per_patient, size, size, 1)
        Those of one patient follow each other.
    masks : ndarray of bool, shape (n * per_patient, size, size)
        Where the lesions are.
    """
    tasks = [(*patient, image, size, repeated) for patient in patients for image in range(1, per_patient + 1)]
    with get_context("spawn").Pool(processes) as pool:
        made = pool.map(_film, tasks, chunksize=8)
    return np.stack([pixels for pixels, _ in made])[..., None], np.stack([mask for _, mask in made])


def _film(task):
    *patient, image, size, repeated = task
    return (again if repeated else film)(draw_patient(*patient), image, size)[:2]
