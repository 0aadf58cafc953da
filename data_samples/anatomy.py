"""The chest of a simulated patient: who it is, how it stands before the detector, and one function a structure.

Lengths are in centimetres. x runs to the patient's left (the right of the film), y from the lung apices down, z from
the back (negative) to the front (positive). Organs with a closed form (body, lungs, heart, diaphragm, spine) give the
length of a ray through them on the pixel grid; bones, vessels and bronchi are clouds of points, each with a volume,
that are projected and binned. Every structure draws its variation from a random stream of its own, so a new structure
leaves the others as they are.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

RIGHT, LEFT = -1, 1  # sign of x


def stream(seed, patient, image, structure):
    """Random generator of one structure of one image.

    Parameters
    ----------
    seed, patient, image : int
        Seed of the collection, number of the patient, and number of the image (0: what all images of a patient share).
    structure : str
        Name of what is drawn, for example ``"vessels"``.

    Returns
    -------
    numpy.random.Generator
    """
    return np.random.default_rng([seed, patient, image, zlib.crc32(structure.encode())])


@dataclass(frozen=True)
class Patient:
    """An anatomy. Lengths in cm; what is not a length is a factor or a share around its usual value."""

    seed: int
    number: int
    label: str
    age: float  # years
    sex: str  # "F" or "M"
    site: str  # "A" or "B"
    width: float  # half the inner width of the rib cage at its widest
    height: float  # from lung apex to the right dome of the diaphragm in full inspiration
    depth: float  # half the inner depth of the rib cage
    wall: float  # thickness of the chest wall: muscle and fat
    inflation: float  # density of the lungs around its usual value
    taper: float  # how the cage narrows to the apex: small is square-shouldered
    heart: float  # size of the heart
    heart_axis: float  # radians below the horizontal
    domes: float  # how much lower the left dome stands, share of the height
    rib_fall: float  # how far a rib descends from spine to sternum, in vertebrae
    bone: float  # mineral in bone against a healthy adult
    bend: float  # sideways bend of the spine
    thymus: float  # width of a thymus beside the heart; 0 after early childhood
    breast: float  # thickness of breast tissue; 0 in children and men
    gas: float  # radius of the stomach bubble

    def stream(self, structure, image=0):
        """Random generator of one of this patient's structures."""
        return stream(self.seed, self.number, image, structure)

    def cage(self, y):
        """Half the inner width and half the inner depth of the rib cage at height `y`, both shaped like `y`."""
        t = np.clip(y / (1.06 * self.height), 0.0, 1.0)
        rise = np.clip(1.0 - (1.0 - t) ** 2, 1e-6, 1.0)
        return self.width * rise**self.taper, self.depth * rise ** (0.8 * self.taper)


@dataclass(frozen=True)
class Pose:
    """How a patient stands in one image: angles in radians, lengths in cm."""

    view: str  # "AP" or "PA"
    turn: float  # rotation about the long axis
    lean: float  # lordosis: the front of the chest against its back
    roll: float  # tilt in the plane of the film
    breath: float  # 1 full inspiration, 0 expiration
    arms: float  # 0 beside the body, 1 raised
    field: float  # side of the square that the film shows
    x0: float
    y0: float  # where the film's centre lies

    @property
    def magnification(self):
        """Relative magnification per cm towards the front: the front is far from the detector in an AP film."""
        return 1 / 110 if self.view == "AP" else -1 / 180

    def dome(self, patient):
        """Height y of the right dome of the diaphragm."""
        return patient.height * (0.82 + 0.18 * self.breath)

    def project(self, points):
        """Where points (..., 3) fall on the film, as (x, y) in cm before roll."""
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        enlarge = 1 + self.magnification * z
        return (x + self.turn * z) * enlarge, (y - 0.5 * self.field + self.lean * z) * enlarge + 0.5 * self.field


class Grid:
    """The pixel grid of a film: `x` and `y` (n, n) in cm in the patient's frame, float64."""

    def __init__(self, pose, size):
        self.pose, self.size, self.pitch = pose, size, pose.field / size
        line = (np.arange(size) + 0.5) * self.pitch - 0.5 * pose.field
        self.x = pose.x0 + line[None, :] * np.cos(pose.roll) - line[:, None] * np.sin(pose.roll)
        self.y = pose.y0 + line[None, :] * np.sin(pose.roll) + line[:, None] * np.cos(pose.roll)

    def at(self, z):
        """The grid as seen at depth `z` of a turned patient: coordinates (x, y) to test against a structure there."""
        return self.x - self.pose.turn * z, self.y - self.pose.lean * z

    def splat(self, points, volumes):
        """Path length in cm (n, n) through a cloud of points (..., 3) with volumes (...) in cm^3."""
        px, py = self.pose.project(points)
        px, py = px.ravel() - self.pose.x0, py.ravel() - self.pose.y0
        c, s = np.cos(self.pose.roll), np.sin(self.pose.roll)
        column = (c * px + s * py) / self.pitch + 0.5 * self.size - 0.5
        row = (-s * px + c * py) / self.pitch + 0.5 * self.size - 0.5
        weight = np.broadcast_to(volumes, points.shape[:-1]).ravel() / self.pitch**2
        keep = (column >= 0) & (column < self.size - 1) & (row >= 0) & (row < self.size - 1)
        column, row, weight = column[keep], row[keep], weight[keep]
        left, top = column.astype(np.intp), row.astype(np.intp)
        dx, dy = column - left, row - top
        first = top * self.size + left
        flat = np.zeros(self.size**2)
        for step, share in ((0, (1 - dx) * (1 - dy)), (1, dx * (1 - dy)),
                            (self.size, (1 - dx) * dy), (self.size + 1, dx * dy)):
            flat += np.bincount(first + step, weight * share, minlength=self.size**2)
        return flat.reshape(self.size, self.size)


def chord(q):
    """Relative length of a ray through an ellipse, 1 in its centre and 0 from its rim on; `q` is the squared radius."""
    return np.sqrt(np.clip(1.0 - q, 0.0, None))


def joined(*paths):
    """Path length through bodies that run into each other, with a smooth seam."""
    return sum(path**3 for path in paths) ** (1 / 3)


def capsule(grid, start, end, radius, z=0.0):
    """Path length through a round limb from `start` to `end`, both (x, y) in cm; `radius` at either end."""
    x, y = grid.at(z)
    (ax, ay), (bx, by) = start, end
    along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
    r = radius[0] + along * (radius[1] - radius[0])
    return 2 * r * chord(((x - ax - along * (bx - ax)) ** 2 + (y - ay - along * (by - ay)) ** 2) / r**2)


def tube(curve, high, deep, pitch, core=0.0, cortex=1.0):
    """Points and volumes of bent tubes.

    Parameters
    ----------
    curve : ndarray (k, m, 3)
        Centre lines.
    high, deep : ndarray that broadcasts to (k, m)
        Half the height (towards y) and half the thickness of the cross-section, cm.
    pitch : float
        Side of a pixel, cm; decides how many points go around the cross-section.
    core, cortex : float
        Share of bone in the core, and thickness of the cortex in cm; a solid tube is ``core=1, cortex=0``.

    Returns
    -------
    points : ndarray (k, m, p, 3)
    volumes : ndarray (k, m, p), cm^3
    """
    along = np.gradient(curve, axis=1)
    length = np.sqrt((along**2).sum(-1)) + 1e-9
    along = along / length[..., None]
    up = np.array([0.0, 1.0, 0.0]) - along * along[..., 1:2]
    up = up / (np.sqrt((up**2).sum(-1, keepdims=True)) + 1e-9)
    out = np.cross(along, up)
    high, deep = np.broadcast_to(high, length.shape), np.broadcast_to(deep, length.shape)
    around = int(np.clip(4.5 * np.maximum(high, deep).max() / pitch, 6, 40)) // 2 * 2
    # The ring turns by the golden angle from one step to the next, so that no seam lines up with the pixels.
    angle = 2 * np.pi * np.arange(around) / around + 2.39996 * np.arange(curve.shape[1])[:, None]
    ring = (high[..., None, None] * np.cos(angle)[..., None] * up[:, :, None]
            + deep[..., None, None] * np.sin(angle)[..., None] * out[:, :, None])
    rim = curve[:, :, None] + ring
    inner = curve[:, :, None] + 0.6 * ring[:, :, ::2]
    girth = np.pi * (high + deep)
    shell = (length * girth * cortex / around)[..., None] * np.ones(around)
    solid = (length * np.pi * high * deep * core / (around // 2))[..., None] * np.ones(around // 2)
    return np.concatenate([rim, inner], axis=2), np.concatenate([shell, solid], axis=2)


def shoulder_level(patient, pose):
    """Height y of the shoulder joints, cm; raised arms lift them."""
    return 0.14 * patient.height - 0.20 * patient.width * pose.arms


def arm(patient, pose, side):
    """Shoulder joint and elbow, each (x, y, z) in cm."""
    size, swing = patient.width, 0.25 + 2.1 * pose.arms  # radians from hanging
    joint = np.array([side * (1.08 * size + 0.2 * patient.wall), shoulder_level(patient, pose), -0.2 * patient.depth])
    return joint, joint + 1.7 * size * np.array([side * np.sin(swing), np.cos(swing), 0.0])


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


def tree(patient, grid, structure, generations, stems, length, radius, spread):
    """A branching tree in either lung: points (n, 3), radii (n,) and segment lengths (n,), all in cm.

    Each branch parts into two that are thinner and shorter. The random draws do not depend on the size of the grid.
    """
    steps = max(10, grid.size // 14)
    rng = patient.stream(structure)
    w, h, d = patient.width, patient.height, patient.depth
    points, radii, pieces = [], [], []
    for side in (RIGHT, LEFT):
        root = np.array([side * 0.20 * w, (0.42 if side == RIGHT else 0.40) * h, -0.05 * d])
        start = root + rng.normal(0, 1, (stems, 3)) * np.array([0.03 * w, 0.05 * h, 0.06 * d])
        # Stems fan out from up to down; more of them, and longer ones, go to the lower zone.
        fan = -1.25 + 2.65 * ((np.arange(stems) + rng.uniform(0, 1, stems)) / stems) ** 0.8
        tilt = rng.normal(0, 0.55, stems)
        heading = np.stack([side * np.cos(fan) * np.cos(tilt), np.sin(fan), np.sin(tilt) * 0.8], axis=1)
        long, thick = np.full(stems, length * h) * rng.uniform(0.8, 1.2, stems), np.full(stems, radius * h)
        for _ in range(generations):
            step = np.linspace(0, 1, steps)[:, None, None]
            bow = rng.normal(0, 0.10, heading.shape) * long[:, None]
            ends = start + heading * long[:, None]
            points.append((start + step * (ends - start) + 4 * step * (1 - step) * bow).reshape(-1, 3))
            radii.append((thick * (1 - 0.24 * step[..., 0])).ravel())
            pieces.append(np.broadcast_to(long / steps, (steps, long.size)).ravel())
            turned = np.repeat(heading, 2, axis=0) + rng.normal(0, spread, (2 * len(heading), 3))
            heading = turned / np.sqrt((turned**2).sum(1, keepdims=True))
            start = np.repeat(ends, 2, axis=0)
            long = np.repeat(long, 2) * rng.uniform(0.55, 0.95, 2 * len(long))
            thick = np.repeat(thick * 0.76, 2)
    return np.concatenate(points), np.concatenate(radii), np.concatenate(pieces)


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
