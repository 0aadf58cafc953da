"""Pneumonia in a simulated lung, as a share of the air that fluid replaces at any point.

A point of a lung is described in the lung's own frame, so that disease follows the lung from pose to pose: `u` from the
mediastinum (0) to the ribs (1), `t` from the apex (0) to the dome of the diaphragm (1), `v` from the back (-1) to the
front (1).
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from data_samples.simulator.geometry import LEFT, RIGHT, tree
from data_samples.simulator.physics import enlarge

LABELS = ("normal", "bacterial", "viral")

# Where a focus starts: side, u, t and v of its centre, whether it lies below the oblique fissure, share of cases.
LOBES = {
    "right upper": (RIGHT, 0.55, 0.32, 0.1, False, 0.16),
    "right middle": (RIGHT, 0.45, 0.76, 0.6, False, 0.16),
    "right lower": (RIGHT, 0.55, 0.80, -0.5, True, 0.26),
    "left upper": (LEFT, 0.55, 0.34, 0.1, False, 0.10),
    "lingula": (LEFT, 0.60, 0.78, 0.6, False, 0.08),
    "left lower": (LEFT, 0.55, 0.80, -0.5, True, 0.24),
}


@dataclass(frozen=True)
class Disease:
    """What a patient's lungs hold; all arrays have one row a focus."""

    side: np.ndarray
    centre: np.ndarray  # (k, 3): u, t, v
    radius: np.ndarray  # (k, 3)
    below: np.ndarray  # 1 below the oblique fissure, 0 above, -1 not bounded by it
    softness: np.ndarray  # width of the border in radii
    fill: np.ndarray  # share of the air replaced
    waves: np.ndarray  # (m, 3) wave vectors that make borders ragged
    phases: np.ndarray  # (m,)
    ragged: float
    patchy: float  # share of the extent that is left out in patches
    streaks: float  # thickening of the interstitium inside the extent


def draw(patient):
    """The disease of a patient after its label; `None` for a normal one.

    Everything is drawn whatever the label, so that a patient keeps its lungs when the label is changed.
    """
    rng = patient.stream("disease")
    waves = rng.normal(0, 1, (16, 3)) * np.array([5.0, 6.0, 2.5])
    phases = rng.uniform(0, 2 * np.pi, 16)
    burden = rng.beta(1.6, 2.0)
    names = list(LOBES)
    lobes = [LOBES[names[i]] for i in rng.choice(6, size=2, replace=False, p=[LOBES[name][5] for name in names])]
    k = 1 + int(rng.random() < 0.25)  # lobes affected by a bacterial pneumonia
    shift, scale = rng.normal(0, 1, (2, 3)), rng.uniform(0.75, 1.3, (2, 3))
    dense, border = rng.uniform(0.75, 1.00), rng.uniform(0.08, 0.25)
    glass, streaks, patchy = rng.uniform(0.30, 0.50), rng.uniform(1.6, 3.2), rng.uniform(0.3, 0.9)
    uneven = rng.normal(0, 0.2, 4)
    faint = rng.uniform(0.15, 0.45) if rng.random() < 0.25 else 1.0  # one case in four is early or resolving
    if patient.label == "bacterial":
        first_larger = np.array([[1.0], [0.6]])
        return Disease(
            side=np.array([lobe[0] for lobe in lobes[:k]]),
            centre=(np.array([lobe[1:4] for lobe in lobes]) + shift * np.array([0.13, 0.06, 0.15]))[:k],
            radius=((0.42 + 0.50 * burden) * scale * np.array([1.2, 0.75, 1.8]) * first_larger)[:k],
            below=np.array([int(lobe[4]) for lobe in lobes[:k]]),
            softness=np.full(k, border), fill=np.full(k, faint * dense),
            waves=waves, phases=phases, ragged=0.30, patchy=0.15, streaks=0.0,
        )
    if patient.label == "viral":
        hilum, base = [0.30, 0.50, 0.0], [0.45, 0.75, -0.3]
        moved = 0.08 * np.stack([uneven, uneven[::-1], np.zeros(4)], axis=1)
        return Disease(
            side=np.array([RIGHT, LEFT, RIGHT, LEFT]), centre=np.array([hilum, hilum, base, base]) + moved,
            radius=(0.24 + 0.36 * burden) * np.array([1.1, 0.75, 1.6]) * (1 + 0.5 * uneven)[:, None],
            below=np.full(4, -1), softness=np.full(4, 0.45), fill=faint * glass * (1 + uneven),
            waves=waves, phases=phases, ragged=0.55, patchy=patchy, streaks=faint * streaks,
        )
    return None


def extent(disease, side, u, t, v, progress):
    """How far points belong to the diseased lung, and the share of air replaced there.

    Parameters
    ----------
    disease : Disease
    side : ndarray of int
    u, t, v : ndarray
        Points in the lung's frame; all four broadcast together.
    progress : float
        Growth of the foci in this image, 1 for the patient's usual.

    Returns
    -------
    extent, filling : ndarray
        Both 0 to 1.
    """
    phase = (disease.waves[:, 0, None] * u.ravel() * np.sign(side).ravel() + disease.waves[:, 1, None] * t.ravel()
             + disease.waves[:, 2, None] * v.ravel() + disease.phases[:, None])
    noise = (np.sin(phase).sum(0) / np.sqrt(0.5 * len(disease.phases))).reshape(u.shape)
    total, filling = np.zeros(u.shape), np.zeros(u.shape)
    for k in range(len(disease.side)):
        offset = [(axis - disease.centre[k, i]) / (progress * disease.radius[k, i]) for i, axis in enumerate((u, t, v))]
        r = np.sqrt(sum(part**2 for part in offset)) - disease.ragged * noise
        inside = 1 / (1 + np.exp(np.clip((r - 1) / (0.5 * disease.softness[k]), -30, 30)))
        inside = inside * np.clip(1 - disease.patchy * (0.5 - 0.8 * noise), 0, 1) * (side == disease.side[k])
        if disease.below[k] >= 0:
            fissure = 0.63 + 0.35 * v  # the oblique fissure falls from back to front
            across = np.clip(0.5 + (t - fissure) / 0.05, 0, 1)
            inside = inside * (across if disease.below[k] else 1 - across)
        total = total + (1 - total) * inside
        filling = filling + (1 - filling) * inside * disease.fill[k]
    return total, filling


def lung_frame(patient, pose, x, y, z):
    """Side and the coordinates u, t, v of points given in cm."""
    w, d = patient.cage(y)
    return np.where(x < 0, RIGHT, LEFT), np.abs(x) / w, y / pose.dome(patient), z / d


def shadows(patient, disease, grid, cage, progress):
    """What disease does to the film.

    Parameters
    ----------
    patient : Patient
    disease : Disease
    grid : Grid
    cage : ndarray (n, n)
        Depth of the rib cage, cm.
    progress : float

    Returns
    -------
    extent, filling : ndarray (n, n)
        Means along the ray through the lung, 0 to 1.
    streaks : ndarray (n, n)
        Path length through thickened interstitium, cm.
    bronchi : ndarray (n, n)
        Path length through air in bronchi inside consolidated lung, cm.
    """
    step = 4
    nodes = (np.arange(9) + 0.5) / 9 * 2 - 1
    half = 0.5 * cage[::step, ::step, None]
    x, y = grid.x[::step, ::step, None], grid.y[::step, ::step, None]
    z = nodes * half
    frame = lung_frame(patient, grid.pose, x - grid.pose.turn * z, y - grid.pose.lean * z, z)
    side, u, t, v = np.broadcast_arrays(*frame)
    inside, filling = extent(disease, side, u, t, v, progress)
    maps = [enlarge(part.mean(-1), grid.size) for part in (inside, filling)]
    streaks = bronchi = np.zeros_like(grid.x)
    if disease.streaks:
        points, radius, piece = tree(patient, grid, "interstitium", 6, 12, 0.17, 0.0075, 0.5)
        share = extent(disease, *lung_frame(patient, grid.pose, *points.T), progress)[0]
        streaks = grid.splat(points, np.pi * disease.streaks * 2.0 * radius**2 * piece * share)
        streaks = ndimage.gaussian_filter(streaks, 0.018 * patient.width / grid.pitch)
    else:
        points, radius, piece = tree(patient, grid, "bronchi", 4, 10, 0.18, 0.0095, 0.35)
        share = extent(disease, *lung_frame(patient, grid.pose, *points.T), progress)[1]
        bronchi = grid.splat(points, np.pi * radius**2 * piece * share)
    return *maps, streaks, bronchi
