"""Coordinates of a chest and the shapes it is made of: patient, pose, pixel grid, limbs, tubes and branching trees.

Lengths are in centimetres. x runs to the patient's left (the right of the film), y from the lung apices down, z from
the back (negative) to the front (positive). Every structure draws its variation from a random stream of its own, so a
new structure leaves the others as they are.
"""

import zlib
from dataclasses import dataclass

import numpy as np

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


@dataclass(frozen=True)
class Stance(Pose):
    """How a subject stands: a film's height is `field`, its width `field * aspect`, in cm."""

    aspect: float
    chin: float  # how low the head hangs, share of the width; negative: out of the way


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


def shoulder_level(patient, pose):
    """Height y of the shoulder joints, cm; raised arms lift them."""
    return 0.14 * patient.height - 0.20 * patient.width * pose.arms


def arm(patient, pose, side):
    """Shoulder joint and elbow, each (x, y, z) in cm."""
    size, swing = patient.width, 0.25 + 2.1 * pose.arms  # radians from hanging
    joint = np.array([side * (1.08 * size + 0.2 * patient.wall), shoulder_level(patient, pose), -0.2 * patient.depth])
    return joint, joint + 1.7 * size * np.array([side * np.sin(swing), np.cos(swing), 0.0])
