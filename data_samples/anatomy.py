"""The chest of a patient of the shipped samples: one function a structure, in the coordinates of simulator/geometry.py.

Organs with a closed form (body, lungs, heart, diaphragm, spine) give the
length of a ray through them on the pixel grid; bones, vessels and bronchi are clouds of points, each with a volume,
that are projected and binned.
"""

import numpy as np
from scipy import ndimage

from data_samples.simulator.geometry import LEFT, RIGHT, arm, capsule, chord, joined, shoulder_level, tree, tube

# --- soft tissue and air -------------------------------------------------------------------------------------------


def body(patient, grid):
    """Path length through everything inside the skin, cm: trunk, shoulders, arms, neck and head."""
    pose = grid.pose
    w, d = patient.cage(np.maximum(grid.y, 0.22 * patient.height))
    wide, deep = w + patient.wall, d + 0.7 * patient.wall
    trunk = 2 * deep * chord(np.abs(grid.x / wide) ** 2.6)
    trunk = trunk * np.clip(0.5 + (grid.y + 0.02 * patient.height) / (0.12 * patient.height), 0, 1) ** 0.5
    size = patient.width
    joint_y = shoulder_level(patient, pose)
    thick = 0.19 * size + 0.55 * patient.wall
    parts = [trunk]
    for side in (RIGHT, LEFT):
        joint, elbow = arm(patient, pose, side)
        parts.append(capsule(grid, (side * 0.22 * size, -0.10 * size), joint[:2], (0.24 * size, thick)))
        parts.append(capsule(grid, (side * 0.86 * size, joint_y + 0.40 * size), joint[:2], (0.10 * size, 0.9 * thick)))
        parts.append(capsule(grid, joint[:2], elbow[:2], (thick, 0.85 * thick)))
    parts.append(capsule(grid, (0, -0.9 * size), (0, 0.15 * size), (0.36 * size, 0.42 * size)))
    head = ((grid.x - 0.5 * size * pose.turn) / (0.62 * size)) ** 2 + ((grid.y + 1.10 * size) / (0.60 * size)) ** 2
    parts.append(1.25 * size * chord(head))
    return joined(*parts)


def mediastinum(patient, grid):
    """Share of the cage's depth that the middle of the chest fills, 0 to 1: great vessels, oesophagus, thymus."""
    x, y = grid.at(0.1 * patient.depth)
    rng = patient.stream("mediastinum")
    knob, right = rng.uniform(0.12, 0.19), rng.uniform(0.14, 0.20)
    t = y / patient.height
    upper = np.where(x < 0, right + 0.03 * np.clip(t - 0.4, 0, 1), 0.13 + 0.06 * np.clip(t, 0, 1)) * patient.width
    column = chord((x / (upper + 0.06 * patient.width)) ** 2)
    arch = chord(((x - 0.09 * patient.width) / (knob * patient.width)) ** 2
                 + ((t - 0.25) / 0.075) ** 2)
    trunk = chord(((x - 0.12 * patient.width) / (0.15 * patient.width)) ** 2 + ((t - 0.40) / 0.10) ** 2)
    sail = 0.8 * chord((x / (patient.thymus + 1e-6)) ** 2 + ((t - 0.26) / 0.25) ** 2)
    return np.clip(joined(0.95 * column, 0.6 * arch, 0.6 * trunk, sail), 0, 1)


def heart(patient, grid):
    """Share of the cage's depth that the heart fills, 0 to 1. Its left border is the left ventricle's."""
    pose, size = grid.pose, patient.heart
    x, y = grid.at(0.35 * patient.depth)
    if pose.view == "AP":
        size = 1.06 * size
    base = pose.dome(patient)
    w, h = patient.width * size, 0.5 * (patient.height + base) * size

    def chamber(cx, cy, rx, ry, axis):
        dx, dy = x - cx * w, y - (base - cy * h)
        c, s = np.cos(axis), np.sin(axis)
        return chord(((c * dx + s * dy) / (rx * w)) ** 2 + ((-s * dx + c * dy) / (ry * h)) ** 2)

    ventricle = chamber(0.17, 0.17, 0.49, 0.27, patient.heart_axis)
    atrium = chamber(-0.07, 0.20, 0.27, 0.27, 0.0)
    base_of_heart = chamber(0.06, 0.40, 0.25, 0.24, 0.35)
    return np.clip(0.80 * joined(ventricle, atrium, 0.8 * base_of_heart), 0, 0.95)


def diaphragm(patient, grid):
    """Share of the cage's depth below the domes, 0 to 1: lung stays behind and beside them, towards its recesses."""
    rng = patient.stream("diaphragm")
    bulge, recess = rng.uniform(0.85, 1.15, 2)
    x, y = grid.at(0.2 * patient.depth)
    w = patient.width
    share = np.zeros_like(x)
    for side, lower in ((RIGHT, 0.0), (LEFT, patient.domes * patient.height)):
        top = grid.pose.dome(patient) + lower
        u = (x - side * 0.47 * w) / (0.55 * w)
        depth = (y - top - 0.19 * bulge * patient.height * u**2) / (0.24 * recess * patient.height)
        share = np.where(np.sign(x) == side, np.sqrt(np.clip(depth, 0, 1)), share)
    return share


def lungs(patient, grid):
    """Path length through the lungs, cm, and the depth of the cage around them, cm."""
    x, y = grid.at(0.0)
    w, d = patient.cage(y)
    cage = 2 * d * chord(np.abs(x / w) ** 2.4) * np.clip(y / (0.03 * patient.height), 0, 1)
    free = (1 - mediastinum(patient, grid)) * (1 - heart(patient, grid)) * (1 - diaphragm(patient, grid))
    # The vertebrae stand into the chest from behind.
    behind = 0.35 * chord(((grid.at(-0.8 * patient.depth)[0]) / (0.24 * patient.width)) ** 2)
    return cage * free * (1 - behind), cage


def airways(patient, grid):
    """Path length through the air of trachea and main bronchi, cm."""
    radius = 0.055 * patient.width + 0.08
    carina, h, w = (0.02 * patient.width, 0.30 * patient.height), patient.height, patient.width
    z = -0.15 * patient.depth
    trachea = capsule(grid, (0.0, -0.5 * h), carina, (radius, 0.9 * radius), z)
    right = capsule(grid, carina, (-0.22 * w, 0.42 * h), (0.7 * radius, 0.55 * radius), z)
    left = capsule(grid, carina, (0.26 * w, 0.45 * h), (0.62 * radius, 0.45 * radius), z)
    return np.maximum(trachea, np.maximum(right, left))


def abdominal_gas(patient, grid):
    """Path length through the stomach bubble and gas in the colon, cm."""
    rng = patient.stream("gas")
    spots = rng.uniform(-1, 1, (5, 2))
    widths = rng.uniform(0.3, 1.0, 5) * rng.integers(0, 2, 5)
    dome = grid.pose.dome(patient) + patient.domes * patient.height
    bubble = (((grid.x - (0.42 + 0.08 * spots[0, 0]) * patient.width) / (1.4 * patient.gas + 1e-6)) ** 2
              + ((grid.y - dome - 0.07 * patient.height - 0.8 * patient.gas) / (0.8 * patient.gas + 1e-6)) ** 2)
    path = 1.6 * patient.gas * chord(bubble)
    for (sx, sy), width in zip(spots, widths, strict=True):
        r = 0.11 * patient.width * width + 1e-6
        q = ((grid.x - 0.7 * sx * patient.width) / r) ** 2 + ((grid.y - (1.28 + 0.1 * sy) * patient.height) / r) ** 2
        path = path + r * chord(q)
    return path


def breasts(patient, grid):
    """Path length through breast tissue, cm."""
    x, y = grid.at(patient.depth)
    q = ((np.abs(x) - 0.52 * patient.width) / (0.46 * patient.width)) ** 2
    below = (y - 0.72 * patient.height) / (0.26 * patient.height)
    return patient.breast * chord(q + np.where(below > 0, below, 0.8 * below) ** 2)


def vessels(patient, grid):
    """Path length through the pulmonary vessels, cm; the beating heart blurs them."""
    points, radius, piece = tree(patient, grid, "vessels", 5, 16, 0.16, 0.0135, 0.40)
    return ndimage.gaussian_filter(grid.splat(points, np.pi * radius**2 * piece), 0.010 * patient.width / grid.pitch)


# --- bone -----------------------------------------------------------------------------------------------------------


def vertebra_levels(patient):
    """Height y of the first thoracic vertebra and the distance between vertebrae, cm."""
    return -0.07 * patient.height, 0.104 * patient.height


def spine(patient, grid):
    """Path length through the bone of the vertebrae, in cm of cortical bone."""
    x, y = grid.at(-0.75 * patient.depth)
    top, pitch = vertebra_levels(patient)
    x = x - patient.bend * np.sin(np.pi * np.clip(y / (1.3 * patient.height), -0.3, 1.0))
    level = (y - top) / pitch
    growth = np.clip(0.82 + 0.028 * level, 0.6, 1.2)
    half = 0.125 * patient.width * growth
    u = level - np.floor(level) - 0.5  # -0.5 at the upper disc, 0 mid-body
    waist = half * (0.90 + 0.5 * u**2)
    edge = max(grid.pitch, 0.06 * patient.width)

    def inside(distance, soft):
        return np.clip(0.5 + distance / soft, 0, 1)

    across = inside(waist - np.abs(x), 0.6 * edge)
    along = inside(0.40 - np.abs(u), 0.12)
    marrow = 0.075 * 2 * half * across * along
    plates = 0.09 * half * across * np.exp(-(((np.abs(u) - 0.37) / 0.05) ** 2))
    walls = 0.13 * half * along * np.exp(-(((np.abs(x) - 0.88 * waist) / (0.14 * half)) ** 2))
    ring = ((np.abs(x) - 0.62 * half) / (0.24 * half)) ** 2 + ((u + 0.16) * pitch / (0.26 * pitch)) ** 2
    pedicles = 0.20 * half * np.exp(-(((np.sqrt(ring) - 0.8) / 0.35) ** 2))
    process = 0.28 * half * np.exp(-((x / (0.17 * half)) ** 2) - (((u - 0.25) / 0.22) ** 2))
    transverse = 0.16 * half * np.exp(-(((np.abs(x) - 1.35 * half) / (0.55 * half)) ** 2) - (((u + 0.20) / 0.14) ** 2))
    return marrow + plates + walls + pedicles + process + transverse


def ribs(patient, grid):
    """Points and volumes of twelve pairs of ribs: arches from the spine round the cage to their cartilage."""
    rng = patient.stream("ribs")
    wobble = rng.normal(0, 1, (24, 3))
    pairs = np.tile(np.arange(12), 2)
    side = np.repeat([RIGHT, LEFT], 12)[:, None]
    steps = max(90, int(0.75 * grid.size))
    reach = np.array([128, 140, 142, 142, 140, 138, 134, 128, 120, 112, 80, 52]) * np.pi / 180
    angle = np.linspace(0.015, 1.0, steps)[None] * (reach[pairs] * (1 + 0.03 * wobble[:, 0]))[:, None]
    top, pitch = vertebra_levels(patient)
    fall = patient.rib_fall * np.clip(0.45 + 0.11 * pairs, 0, 1.1) * (0.85 + 0.15 * grid.pose.breath)
    fall = (fall + 0.08 * wobble[:, 1])[:, None] * pitch
    turned = 0.5 * (1 - np.cos(angle))
    descent = turned**2 * (3 - 2 * turned)
    # A rib climbs a little from its vertebra, runs nearly level behind, falls at the side, and levels out in front.
    climb = 0.35 * pitch * np.sin(np.minimum(2.2 * angle, np.pi))
    y = top + (pairs[:, None] + 0.38) * pitch + fall * descent - climb
    w, d = patient.cage(np.maximum(y, 0.05 * patient.height))
    w, d = w + 0.15 * patient.wall, d + 0.10 * patient.wall
    sine, cosine = np.sin(angle), np.cos(angle)
    x = side * (w * np.sign(sine) * np.abs(sine) ** 0.80 + 0.05 * patient.width * (1 - turned) ** 3)
    curve = np.stack([x, y, -d * np.sign(cosine) * np.abs(cosine) ** 0.85], axis=-1)
    high = 0.031 * patient.width * (1 + 0.10 * wobble[:, 2])[:, None] * (1 + 0.25 * turned) + 0.10
    return tube(curve, high, 0.55 * high, grid.pitch, core=0.16, cortex=0.034 + 0.0040 * patient.width)


def clavicles(patient, grid):
    """Points and volumes of the clavicles: an S from the sternum to the shoulder, steep with raised arms."""
    s = np.linspace(0, 1, max(60, grid.size // 2))
    fall = 0.07 * patient.height - shoulder_level(patient, grid.pose) + 0.10 * patient.width
    curves = []
    for side in (RIGHT, LEFT):
        x = side * patient.width * (0.09 + 0.93 * s)
        y = 0.07 * patient.height - fall * s**0.8 + 0.07 * patient.width * np.sin(2 * np.pi * s) * 0.7
        curves.append(np.stack([x, y, patient.depth * (0.75 - 0.75 * s)], axis=-1))
    thick = patient.width * (0.042 + 0.02 * (2 * s - 1) ** 2) + 0.06
    return tube(np.array(curves), thick, 0.8 * thick, grid.pitch, core=0.13, cortex=0.035 + 0.004 * patient.width)


def shoulder_blades(patient, grid):
    """Points and volumes of the scapulae and the upper arms' bones; raised arms pull the blades off the lungs."""
    pose, size = grid.pose, patient.width
    out = 0.74 + 0.24 * pose.arms
    n = max(36, grid.size // 4)
    s, r = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    joint_y = shoulder_level(patient, pose)
    points, volumes = [], []
    borders = []
    for side in (RIGHT, LEFT):
        corner = np.array([
            [side * out * size, joint_y - 0.02 * size, -0.8 * patient.depth],
            [side * (out + 0.30) * size, joint_y + 0.10 * size, -0.5 * patient.depth],
            [side * (out + 0.10 * pose.arms) * size, joint_y + 0.85 * size, -0.8 * patient.depth],
        ])
        plate = corner[0] + s[..., None] * (corner[1] - corner[0]) + (r * (1 - s))[..., None] * (corner[2] - corner[0])
        area = 0.5 * 0.30 * 0.85 * size**2
        points.append(plate.reshape(-1, 3))
        volumes.append((2 * area * 0.014 * size / n**2 * (1 - s)).ravel())
        line = np.linspace(0, 1, 2 * n)[:, None]
        borders += [corner[1] + line * (corner[2] - corner[1]), corner[0] + line * (corner[2] - corner[0]),
                    corner[0] + line * (corner[1] - corner[0])]
    edge = 0.022 * size + 0.03
    rim, rim_volume = tube(np.array(borders), edge, edge, grid.pitch, core=0.30, cortex=0.02)
    arms = []
    line = np.linspace(0, 1, max(60, grid.size // 2))[:, None]
    for side in (RIGHT, LEFT):
        joint, elbow = arm(patient, pose, side)
        arms.append(joint + line * (elbow - joint))
    shaft = 0.085 * size * (1 + 0.6 * np.exp(-((line[:, 0] / 0.10) ** 2)))
    bone, bone_volume = tube(np.array(arms), shaft, shaft, grid.pitch, core=0.08, cortex=0.05 + 0.009 * size)
    return (np.concatenate([*points, rim.reshape(-1, 3), bone.reshape(-1, 3)]),
            np.concatenate([*volumes, rim_volume.ravel(), bone_volume.ravel()]))


def jaw(patient, grid):
    """Path length through the lower jaw and skull base at the upper edge, in cm of cortical bone."""
    size = patient.width
    q = np.sqrt((grid.x / (0.50 * size)) ** 2 + ((grid.y + 1.10 * size) / (0.46 * size)) ** 2)
    return 0.05 * size * np.exp(-(((q - 0.93) / 0.08) ** 2)) + 0.06 * size * chord(q**2)


def bones(patient, grid):
    """Path length through all bone, in cm of cortical bone of this patient's density."""
    clouds = [ribs(patient, grid), clavicles(patient, grid), shoulder_blades(patient, grid)]
    points = np.concatenate([p.reshape(-1, 3) for p, _ in clouds])
    volumes = np.concatenate([v.ravel() for _, v in clouds])
    return patient.bone * (grid.splat(points, volumes) + spine(patient, grid) + jaw(patient, grid))
