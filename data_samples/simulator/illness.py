"""Pneumonia and what goes with it in the films of many hospitals, after the descriptions of radiology texts.

Consolidation fills the air spaces of a lobe or a segment, stops at fissures, leaves bronchi open (Vilar et al., Eur J
Radiol 51, 2004, 102-113, doi:10.1016/j.ejrad.2004.03.010; Franquet, J Thorac Imaging 33, 2018,
doi:10.1097/RTI.0000000000000347) and erases the borders of what it touches (George et al., J Med Imaging Radiat Oncol
58, 2014, 64-74, doi:10.1111/1754-9485.12031). Bronchopneumonia is many patches that run together. In children a focus
can be round, mostly at the back (Restrepo et al., Pediatr Radiol 40, 2010, 1931-1940, doi:10.1007/s00247-010-1767-7).
Viral infection thickens the walls of the airways: perihilar streaks and cuffs, ground glass, trapped air with low flat
domes, plates of collapsed lung, seldom fluid (Wildin et al., Am J Dis Child 142, 1988, 43-46; Cozzi et al., Int J
Environ Res Public Health 18, 2021, 6434, doi:10.3390/ijerph18126434). The shares and sizes below are the author's.

A point of a lung has the coordinates `u` from the middle (0) to the ribs (1), `t` from apex (0) to dome
(1), `v` from back (-1) to front (1).
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .geometry import LEFT, RIGHT, Stance, tree
from .physics import enlarge
from .thorax import Frame, domes, lungs, mediastinum

# Side, centre (u, t, v), and share of pneumonias (lower lobes most often).
LOBES = {
    "right upper": (RIGHT, 0.55, 0.28, 0.1, 0.18), "right middle": (RIGHT, 0.45, 0.74, 0.55, 0.16),
    "right lower": (RIGHT, 0.55, 0.78, -0.5, 0.24), "left upper": (LEFT, 0.55, 0.30, 0.1, 0.10),
    "lingula": (LEFT, 0.60, 0.74, 0.55, 0.09), "left lower": (LEFT, 0.55, 0.78, -0.5, 0.23),
}
PATTERNS = ("lobar", "segmental", "round", "bronchopneumonia")
NODES = (np.arange(8) + 0.5) / 8 * 2 - 1  # depths at which lungs are looked at, back to front


@dataclass(frozen=True)
class Illness:
    """What a subject's lungs hold; arrays have one row a focus of filled air spaces."""

    pattern: str  # one of PATTERNS, "interstitial" or "none"
    side: np.ndarray
    centre: np.ndarray  # (k, 3): u, t, v
    radius: np.ndarray  # (k, 3)
    lobe: np.ndarray  # (k,) index in LOBES whose borders it keeps; -1: none
    softness: np.ndarray  # (k,) width of the border in radii
    fill: np.ndarray  # (k,) share of the air replaced
    ragged: float
    patchy: float
    streaks: float  # thickening of the interstitium
    cuffs: float  # thickening of the walls of bronchi
    bronchi: float  # how open the bronchi stay in consolidated lung
    effusion: tuple  # height of fluid in the right and the left pleural space, share of the lung's
    plates: float  # thickness of plate atelectases, cm


NONE = Illness("none", np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, int), np.zeros(0), np.zeros(0),
               0.0, 0.0, 0.0, 0.0, 0.0, (0.0, 0.0), 0.0)


@lru_cache(maxsize=1024)
def draw_illness(subject):
    """The illness of a subject after its label, in its place and as severe as asked for.

    All is drawn whatever the label, so that lungs stay when it changes.

    Raises
    ------
    ValueError
        For a severity that the place cannot hold.
    """
    ill = _drawn(subject)
    if ill.pattern == "none" or subject.severity == 0:
        return NONE
    if subject.place is not None:
        side, *centre, _ = LOBES[subject.place]
        k = len(ill.side)
        near = subject.stream("place").normal(0, 1, (14, 3))[:k] * [0.12, 0.08, 0.2] * (k > 1)
        ill = replace(ill, side=np.full(k, side), centre=np.array([centre]) + near,
                      lobe=np.full(k, list(LOBES).index(subject.place)),
                      effusion=tuple(max(ill.effusion) if at == side else 0.0 for at in (RIGHT, LEFT)))
    return ill if subject.severity is None else _grown(ill, subject)


def _grown(ill, subject):
    """The illness with its foci scaled, and foci in further lobes where one is not enough, up to a severity."""
    names = list(LOBES)
    widths = np.geomspace(0.02, 12, 200)
    ill = replace(ill, effusion=(0.0, 0.0))
    choices = [ill]
    if subject.place is None:
        for more in ([name for name in names if LOBES[name][0] == ill.side[0]], names):
            more = [k for k, name in enumerate(names) if name in more and k not in ill.lobe]
            spots = np.array([LOBES[names[k]][1:4] for k in more])
            choices.append(replace(
                ill, side=np.append(ill.side, [LOBES[names[k]][0] for k in more]).astype(int),
                centre=np.concatenate([ill.centre, spots]), radius=np.append(ill.radius, 0.8 * ill.radius[:1].repeat(
                    len(more), 0), axis=0), lobe=np.append(ill.lobe, np.where(ill.lobe[0] < 0, -1, more)).astype(int),
                softness=np.append(ill.softness, ill.softness[:1].repeat(len(more))),
                fill=np.append(ill.fill, ill.fill[:1].repeat(len(more)))))
        choices.append(replace(choices[-1], lobe=np.full(len(choices[-1].lobe), -1)))
    # A lobe or lungs that are full have no gaps.
    choices.append(replace(choices[-1], patchy=0.0, ragged=0.0, softness=np.full(len(choices[-1].lobe), 0.1)))
    pose = Stance(view="PA", turn=0.0, lean=0.0, roll=0.0, breath=0.8, arms=0.0, field=1.4 * subject.height, x0=0.0,
                  y0=0.6 * subject.height, aspect=2.2 * subject.width / (1.4 * subject.height), chin=-1.0)
    for choice in choices:
        def reached(width, choice=choice):
            grown = replace(choice, radius=width * choice.radius)
            frame = Frame(pose, 64)
            chest = changed(subject, grown)
            lung, cage = lungs(chest, frame)
            extent = shadows(chest, grown, frame, lung, cage)[1]
            return (extent * lung).sum() / lung.sum()

        most = reached(widths[-1])
        if most >= subject.severity - 0.005:
            k = min(bisect_left(widths, subject.severity, key=reached), len(widths) - 1)
            return replace(choice, radius=widths[k] * choice.radius)
    raise ValueError(f"severity {subject.severity:g} does not fit in {subject.place!r}, which holds "
                     f"{np.floor(100 * most) / 100:g} of the lungs: give at most that, or no place.")


def _drawn(subject):
    """The illness after label and chance alone."""
    rng = subject.stream("illness")
    u, z = rng.uniform(0, 1, 24), rng.normal(0, 1, (14, 3))
    names, odds = list(LOBES), np.array([lobe[4] for lobe in LOBES.values()])
    first, second = rng.choice(6, size=2, replace=False, p=odds)
    spread = rng.uniform(0, 1, (14, 3))
    sides = rng.choice([RIGHT, LEFT], 14)
    burden, faint = u[0] ** 0.8, 0.30 + 0.35 * u[2] if u[1] < 0.25 else 1.0
    child = subject.age < 10
    none = NONE
    if subject.label == "bacterial":
        odds = [0.34, 0.30, 0.10, 0.26] if child else [0.30, 0.30, 0.02, 0.38]
        pattern = PATTERNS[int(np.searchsorted(np.cumsum(odds)[:-1], u[3]))]
        wet = u[4] < 0.28
        height = (0.06 + 0.42 * u[5] ** 1.6) if wet else 0.0
        sick = LOBES[names[first]][0]
        effusion = (height if sick == RIGHT else 0.0, height if sick == LEFT else 0.0)
        if pattern == "bronchopneumonia":
            k = 4 + int(9 * u[6])
            both = u[7] < 0.6
            side = np.where(both, sides, sick)[:k]
            across, down, deep = spread.T  # more of them below and behind
            centre = np.stack([0.25 + 0.6 * across, 0.95 - 0.75 * down**1.4, 1.4 * deep - 0.9], 1)
            radius = (0.11 + 0.17 * burden) * np.exp(0.25 * z[:k]) * [1.0, 0.7, 1.6]
            return replace(none, pattern=pattern, side=side, centre=centre[:k], radius=radius, lobe=np.full(k, -1),
                           softness=np.full(k, 0.5), fill=faint * (0.45 + 0.45 * u[8]) * np.ones(k), ragged=0.45,
                           patchy=0.5, cuffs=0.5 * faint, bronchi=0.4, effusion=effusion)
        k = 2 if pattern != "round" and u[9] < 0.22 else 1
        lobes = np.array([first, second])[:k]
        side = np.array([LOBES[names[i]][0] for i in lobes])
        centre = np.array([LOBES[names[i]][1:4] for i in lobes])
        if pattern == "lobar":
            radius = (0.75 + 0.65 * burden) * np.array([[1.2, 0.75, 1.9]]) * np.array([[1.0], [0.7]])[:k]
            soft, ragged, patchy = 0.10 + 0.2 * u[10], 0.22, 0.15
        elif pattern == "segmental":
            centre = centre + 0.8 * z[:k] * [0.20, 0.10, 0.25]
            radius = (0.26 + 0.30 * burden) * np.exp(0.2 * z[2:2 + k]) * [1.1, 0.75, 1.7]
            soft, ragged, patchy = 0.25 + 0.3 * u[10], 0.40, 0.35
        else:
            centre = centre + z[:k] * [0.15, 0.10, 0.1]
            radius = np.full((1, 3), 0.18 + 0.14 * burden) * [1.0, 0.62, 1.3]
            soft, ragged, patchy = 0.20, 0.10, 0.10
        return replace(none, pattern=pattern, side=side, centre=centre, radius=radius, lobe=lobes,
                       softness=np.full(k, soft), fill=np.full(k, faint * (0.65 + 0.35 * u[11])), ragged=ragged,
                       patchy=patchy, bronchi=float(u[12] < 0.7), effusion=effusion,
                       plates=0.35 * u[14] if u[13] < 0.15 else 0.0)
    if subject.label == "viral":
        k = 4 + int(4 * u[6])
        side = np.resize([RIGHT, LEFT], k)
        near = np.stack([0.30 + 0.18 * spread[:, 0], 0.48 + 0.10 * z[:, 1], 0.3 * z[:, 2]], 1)
        low = np.stack([0.45 + 0.30 * spread[:, 0], 0.75 + 0.12 * z[:, 1], 0.4 * z[:, 2]], 1)
        centre = np.where(np.arange(14)[:, None] < 4, near, low)[:k]
        radius = (0.22 + 0.40 * burden) * np.exp(0.2 * z[:k]) * [1.0, 0.75, 1.5]
        return replace(none, pattern="interstitial", side=side, centre=centre, radius=radius, lobe=np.full(k, -1),
                       softness=np.full(k, 0.7), fill=faint * (0.10 + 0.32 * u[8]) * np.ones(k), ragged=0.55,
                       patchy=0.3 + 0.6 * u[10], streaks=faint * (1.0 + 2.2 * u[11]), cuffs=faint * (0.7 + 1.3 * u[12]),
                       plates=0.30 * u[14] if u[13] < 0.30 else 0.0,
                       effusion=(0.06 * u[16], 0.06 * u[17]) if u[15] < 0.08 else (0.0, 0.0))
    return none


def changed(subject, illness):
    """The subject as its illness changes the shape of the chest: trapped air, collapse, pushed or pulled middle."""
    rng = subject.stream("changed")
    u, z = rng.uniform(0, 1, 4), rng.normal(0, 1, 3)
    if illness.pattern == "interstitial":
        return replace(subject, lucency=subject.lucency + 0.7 * u[0] * (1.0 if subject.age < 6 else 0.4))
    if illness.pattern in ("lobar", "segmental") and u[1] < 0.4:
        # Some volume is lost: the dome of that side rises, and the middle of the chest comes over.
        lost, side = 0.07 * u[2], int(illness.side[0])
        right, left = subject.lift
        return replace(subject, shift=subject.shift + 0.6 * lost * side,
                       lift=(right + lost, left) if side == RIGHT else (right, left + lost))
    return replace(subject, shift=subject.shift + 0.001 * z[0])


def lung_frame(subject, pose, x, y, z):
    """Side and the coordinates u, t, v of points given in cm."""
    w, d = subject.cage(y)
    return np.where(x < 0, RIGHT, LEFT), np.abs(x) / w, y / pose.dome(subject), z / d


def in_lobe(lobe, t, v, u):
    """How far points (broadcast) lie between the fissures that bound a lobe, 0 to 1."""
    side, *_ = list(LOBES.values())[lobe]
    # The oblique fissure falls from high behind to the front of the dome. It is as soft as the depths are far apart.
    behind = np.clip(0.5 + (t - (0.74 + 0.52 * v)) / (0.52 * (NODES[1] - NODES[0])), 0, 1)
    below = np.clip(0.5 + (t - (0.52 + 0.05 * (u - 0.5))) / 0.025, 0, 1)  # the minor fissure is level
    name = list(LOBES)[lobe]
    if name.endswith("lower"):
        return behind
    if name == "right upper":
        return (1 - behind) * (1 - below)
    if name == "right middle":
        return (1 - behind) * below
    soft = np.clip(0.5 + (t - 0.55) / 0.3, 0, 1)  # no fissure parts the lingula from the rest of the left upper lobe
    return (1 - behind) * (soft if name == "lingula" else 1 - soft)


def foci(illness, waves, side, u, t, v):
    """Share of air replaced by the foci, without their lobes' borders: list of (k) arrays, 0 to 1."""
    noise = sum(np.sin(a * u * side + b * t + c * v + p) for a, b, c, p in waves) / np.sqrt(0.5 * len(waves))
    maps = []
    for k in range(len(illness.side)):
        offset = [(axis - illness.centre[k, i]) / illness.radius[k, i] for i, axis in enumerate((u, t, v))]
        r = np.sqrt(sum(part**2 for part in offset)) - illness.ragged * noise
        inside = 1 / (1 + np.exp(np.clip((r - 1) / (0.5 * illness.softness[k]), -30, 30)))
        inside = inside * np.clip(1 - illness.patchy * (0.5 - 0.8 * noise), 0, 1) * (side == illness.side[k])
        maps.append(inside)
    return maps


def shadows(subject, illness, frame, lung, cage):
    """What the illness does to the film.

    Parameters
    ----------
    subject : thorax.Subject
    illness : Illness
    frame : thorax.Frame
    lung, cage : ndarray (n, n)
        Path length through the lungs and depth of the rib cage, cm.

    Returns
    -------
    filling, extent : ndarray (n, n)
        Share of the lung's air replaced along the ray, and share of the lung affected, 0 to 1.
    walls : ndarray (n, n)
        Path length through thickened interstitium and airway walls, cm.
    open_airways : ndarray (n, n)
        Path length through air in bronchi inside consolidated lung, cm.
    """
    pose, n = frame.pose, frame.size
    rng = subject.stream("waves")
    waves = np.concatenate([rng.normal(0, 1, (12, 3)) * [5.0, 6.0, 2.5], rng.uniform(0, 2 * np.pi, (12, 1))], 1)
    plate_z = rng.normal(0, 1, (3, 3))
    empty = np.zeros_like(lung)
    if illness.pattern == "none":
        return empty, empty, empty, empty
    coarse = np.s_[:: max(1, min(4, n // 48)), :: max(1, min(4, n // 48))]
    free = illness.lobe < 0
    heart, share = mediastinum(subject, frame)
    ridge = domes(subject, frame, 0.15 * subject.depth)
    total, filling, extent = empty + 1e-6, empty.copy(), empty.copy()
    _, u, t, _ = lung_frame(subject, pose, frame.x, frame.y, 0.0)
    beside = 0.15 * subject.width
    for node in NODES:
        z = 0.5 * node * cage
        v = node * np.ones((1, 1))
        # Where lung is at this depth: not in the heart, which lies in front, and not below the diaphragm.
        in_heart = np.clip(0.5 + (heart - np.abs(node - 0.85 + share)) / 0.25, 0, 1)
        lower = subject.height * (0.30 if node < 0.15 else 0.10) * (node - 0.15) ** 2
        here = np.clip(0.5 + (ridge + lower - frame.y) / (0.03 * subject.height), 0, 1) * (cage > 0) * (1 - in_heart)
        zc = 0.5 * node * cage[coarse]
        side, uc, tc, vc = lung_frame(subject, pose, frame.x[coarse] - pose.turn * zc,
                                      frame.y[coarse] - pose.lean * zc, zc)
        filled = affected = empty
        maps = np.array(foci(illness, waves, side, uc, tc, node))
        if free.any():
            whole = 1 - np.prod(1 - maps[free] * illness.fill[free, None, None], axis=0)
            filled, affected = enlarge(whole, n), enlarge(maps[free].max(0), n)
        for k in np.flatnonzero(~free):
            fine = enlarge(maps[k], n) * in_lobe(illness.lobe[k], t - pose.lean * z / pose.dome(subject), v, u)
            filled = filled + (1 - filled) * fine * illness.fill[k]
            affected = np.maximum(affected, fine)
        for height, at in zip(illness.effusion, (RIGHT, LEFT), strict=True):
            if height:
                # Fluid stands lowest at the back and climbs the wall: the blunt angle and the meniscus.
                wall = np.clip(u, 0, 1.0)
                level = 1.08 - 0.10 * node - height * (0.55 + 0.75 * wall**4)
                fluid = np.clip(0.5 + (t - level) / 0.06, 0, 1) * np.clip(0.5 + at * frame.x / beside, 0, 1)
                filled, affected = np.maximum(filled, fluid), np.maximum(affected, fluid)
        total += here
        filling += here * filled
        extent += here * affected
    filling, extent = filling / total, extent / total
    walls, open_airways = empty, empty
    if illness.streaks:
        points, radius, piece = tree(subject, frame, "interstitium", 5, 14, 0.17, 0.0075, 0.5)
        zone = lung_frame(subject, pose, *points.T)
        central = np.exp(-((zone[1] / 0.75) ** 2) - ((zone[2] - 0.55) / 0.45) ** 2)
        walls = walls + frame.blurred(frame.splat(points, np.pi * illness.streaks * 2.6 * radius**2 * piece * central),
                                      0.014 * subject.width)
    if illness.cuffs:
        walls = walls + cuffs(subject, frame, illness.cuffs)
    if illness.plates:
        for a, b, c in plate_z[: 1 + int(plate_z[0, 0] > 0)]:
            x0, y0 = np.sign(a) * 0.5 * subject.width, (0.78 + 0.1 * b) * subject.height
            across = frame.y - y0 - (0.25 * c) * (frame.x - x0)
            along = (frame.x - x0) / (0.30 * subject.width)
            walls = walls + illness.plates * np.exp(-((across / 0.15) ** 2) - along**4)
    if illness.bronchi and len(illness.side):
        points, radius, piece = tree(subject, frame, "bronchi", 4, 10, 0.18, 0.0105, 0.35)
        side, pu, pt, pv = lung_frame(subject, pose, *points.T)
        share = np.zeros(len(points))
        for k, inside in enumerate(foci(illness, waves, side, pu, pt, pv)):
            bound = in_lobe(illness.lobe[k], pt, pv, pu) if illness.lobe[k] >= 0 else 1.0
            share = np.maximum(share, inside * bound * illness.fill[k])
        open_airways = illness.bronchi * frame.splat(points, np.pi * radius**2 * piece * share)
    return filling, extent, walls, open_airways


def cuffs(subject, frame, amount):
    """Path length through the thickened walls of bronchi seen end on and from the side near the hila, cm."""
    rng = subject.stream("cuffs")
    places, sizes = rng.normal(0, 1, (10, 2)), rng.uniform(0.6, 1.4, 10)
    path = np.zeros_like(frame.x)
    for k, ((a, b), size) in enumerate(zip(places, sizes, strict=True)):
        side = RIGHT if k % 2 else LEFT
        cx, cy = side * (0.32 + 0.09 * a) * subject.width, (0.50 + 0.10 * b) * subject.height
        r = np.sqrt((frame.x - cx) ** 2 + (frame.y - cy) ** 2)
        ring, wide = (0.016 * subject.width + 0.05) * size, 0.012 * subject.width + 0.03
        path += np.exp(-(((r - ring) / wide) ** 2))
    return 0.35 * amount * path * (subject.width / 10)
