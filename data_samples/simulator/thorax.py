"""A chest nearer to real films than that of the shipped samples: one function per structure, which can be left out.

Units, axes and the projection are those of geometry.py. Heart and great vessels are drawn from the curves of their
right and left borders, lungs and diaphragm from surfaces; what is thin (ribs, vessels, tubes) is a cloud of points.
`t` is a height as a share of the lung's: 0 at the apex, 1 at the right dome of the diaphragm.
"""

from functools import lru_cache

import numpy as np
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

from .geometry import LEFT, RIGHT, Grid, arm, capsule, chord, shoulder_level, tree, tube
from .physics import enlarge


class Frame(Grid):
    """The pixel grid of a film whose pixels need not be square: many collections squeeze films into squares."""

    def __init__(self, pose, size):
        self.pose, self.size = pose, size
        self.steps = np.array([pose.field, pose.field * pose.aspect]) / size  # down, across
        self.pitch = float(np.sqrt(self.steps.prod()))
        line = (np.arange(size) + 0.5) / size - 0.5
        across, down = line[None, :] * pose.field * pose.aspect, line[:, None] * pose.field
        self.x = pose.x0 + across * np.cos(pose.roll) - down * np.sin(pose.roll)
        self.y = pose.y0 + across * np.sin(pose.roll) + down * np.cos(pose.roll)

    def splat(self, points, volumes):
        """Path length in cm (n, n) through a cloud of points (..., 3) with volumes (...) in cm^3."""
        px, py = self.pose.project(points)
        px, py = px.ravel() - self.pose.x0, py.ravel() - self.pose.y0
        c, s = np.cos(self.pose.roll), np.sin(self.pose.roll)
        column = (c * px + s * py) / self.steps[1] + 0.5 * self.size - 0.5
        row = (-s * px + c * py) / self.steps[0] + 0.5 * self.size - 0.5
        weight = np.broadcast_to(volumes, points.shape[:-1]).ravel() / self.steps.prod()
        keep = (column >= 0) & (column < self.size - 1) & (row >= 0) & (row < self.size - 1)
        column, row, weight = column[keep], row[keep], weight[keep]
        left, top = column.astype(np.intp), row.astype(np.intp)
        dx, dy = column - left, row - top
        first = top * self.size + left
        cells = np.concatenate([first, first + 1, first + self.size, first + self.size + 1])
        shares = np.concatenate([(1 - dx) * (1 - dy), dx * (1 - dy), (1 - dx) * dy, dx * dy])
        flat = np.bincount(cells, np.tile(weight, 4) * shares, minlength=self.size**2)
        return flat.reshape(self.size, self.size)

    def blurred(self, path, width):
        """A map (n, n) blurred by a Gaussian of `width` cm."""
        return ndimage.gaussian_filter(path, width / self.steps, truncate=3)


def curve(knots):
    """Smooth function through (place, value) pairs without overshoot, fast for whole maps."""
    return _curve(tuple((float(place), float(value)) for place, value in knots))


@lru_cache(maxsize=512)
def _curve(knots):
    places, values = np.array(knots).T
    fine = np.linspace(places[0], places[-1], 200)
    table = PchipInterpolator(places, values)(fine)
    return lambda where: np.interp(where, fine, table)


def texture(rng, size, steep, cells=96):
    """Random unevenness (size, size) whose power falls with the wave number; mean 0, standard deviation 1.

    `steep` is the exponent of the amplitude's fall: 1 looks grainy, 2 looks cloudy. The draws do not depend on `size`.
    """
    wave = np.hypot(np.fft.fftfreq(cells)[:, None], np.fft.rfftfreq(cells)) * cells
    wave[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((cells, cells))) / wave**steep, (cells, cells))
    return enlarge(field / field.std(), size)


# --- soft tissue and air -------------------------------------------------------------------------------------------


def body(subject, frame):
    """Path length through everything inside the skin, cm: trunk, shoulders, arms, neck and head."""
    pose, size, rng = frame.pose, subject.width, subject.stream("body")
    fold, grown = texture(rng, frame.size, 1.5), min(subject.age, 17) / 17
    t = frame.y / subject.height
    w, d = subject.cage(np.maximum(frame.y, 0.42 * subject.height))
    belly = 1 + subject.belly * np.clip(t - 0.75, 0, 0.6)
    wide, deep = w + 1.3 * subject.wall * belly, d + 0.8 * subject.wall * belly
    # The trunk thins towards the neck, where the lung's apex stands behind the first rib.
    thin = curve([(-0.22, 0.0), (-0.10, 0.30), (0.05, 0.62), (0.30, 0.93), (0.5, 1.0), (3.0, 1.0)])
    slope = curve([(-0.22, 0.42), (-0.08, 0.62), (0.05, 0.90), (0.20, 1.0), (3.0, 1.0)])
    t = np.clip(t, -0.22, 3)
    trunk = 2 * deep * chord(np.abs(frame.x / (wide * slope(t))) ** 3.0) * thin(t)
    joint_y = shoulder_level(subject, pose)
    thick = 0.17 * size + 0.60 * subject.wall
    parts = [trunk]
    for side in (RIGHT, LEFT):
        joint, elbow = arm(subject, pose, side)
        elbow = joint + 1.6 * (elbow - joint)
        parts.append(capsule(frame, (side * 0.16 * size, -0.32 * size), joint[:2], (0.12 * size, thick)))
        parts.append(capsule(frame, (side * 0.72 * size, joint_y + 0.48 * size), joint[:2], (0.16 * size, thick)))
        # The muscles of the armpit, stouter in adults.
        upper, lower = (0.88 + 0.12 * grown) * size, (0.88 + 0.20 * grown) * size + 0.3 * subject.wall
        girth = (0.14 + 0.06 * grown) * size + 0.5 * subject.wall, (0.08 + 0.10 * grown) * size + 0.4 * subject.wall
        start = side * upper, joint_y + 0.25 * size
        parts.append(capsule(frame, start, (side * lower, 0.55 * subject.height), girth))
        parts.append(capsule(frame, joint[:2], elbow[:2], (thick, 0.72 * thick)))
    parts.append(capsule(frame, (0, -1.2 * size), (0, 0.05 * size), (0.30 * size, 0.34 * size + 0.2 * subject.wall)))
    whole = np.cbrt(sum(part * part * part for part in parts))  # they run into each other with a smooth seam
    return whole * (1 + 0.028 * fold * np.clip(whole / subject.depth, 0, 1))


def head(subject, frame):
    """Path length through chin and jaw at the upper edge, cm."""
    size, low = subject.width, frame.pose.chin * subject.width
    across = np.abs((frame.x - 0.6 * size * frame.pose.turn) / (0.50 * size))
    q = across**2.3 + np.abs((frame.y - low + 0.62 * size) / (0.62 * size)) ** 2.3
    return 0.75 * size * chord(q)


def border_curves(subject, pose):
    """Right and left border of heart and great vessels (cm from the midline) and the share of the cage's depth that
    they fill, each as a function of the height as a share of the dome's."""
    rng = subject.stream("heart borders")
    a = rng.normal(0, 1, 10)
    size = subject.heart * (1.10 if pose.view == "AP" else 1.0) * (1.16 - 0.16 * pose.breath)
    narrow = rng.uniform(0.85, 1.15) * (1.18 - 0.01 * min(subject.age, 18))  # great vessels and what lies around them
    knob, trunk, sail = subject.knob, subject.trunk, subject.thymus / subject.width
    right = curve([(-1.2, 0.10), (-0.3, 0.11), (0.0, 0.13 * narrow), (0.15, 0.155 * narrow + 0.4 * sail),
                   (0.30, 0.165 * narrow + 0.55 * sail), (0.42, 0.175 * narrow + 0.3 * sail),
                   (0.55, 0.5 * (0.175 * narrow + 0.25 * size)), (0.69, (0.265 + 0.02 * a[1]) * size),
                   (0.83, (0.305 + 0.025 * a[2]) * size), (0.97, (0.30 + 0.025 * a[3]) * size), (1.2, 0.26 * size),
                   (1.6, 0.15), (3.0, 0.15)])
    left = curve([(-1.2, 0.10), (-0.3, 0.11), (0.0, 0.14 * narrow), (0.12, 0.15 * narrow + 0.4 * sail),
                  (0.23, knob + 0.55 * sail), (0.30, 0.94 * knob + 0.6 * sail),
                  (0.37, 0.15 * narrow + 0.35 * knob + 0.3 * sail),
                  (0.44, trunk), (0.50, 0.94 * trunk + 0.02 * a[9]), (0.57, (0.295 + 0.02 * a[4]) * size),
                  (0.68, (0.44 + 0.03 * a[5]) * size),
                  (0.80, (0.55 + 0.03 * a[6]) * size), (0.90, (0.61 + 0.03 * a[7]) * size),
                  (1.0, (0.60 + 0.03 * a[7]) * size), (1.15, 0.50 * size), (1.4, 0.3 * size), (1.6, 0.15),
                  (3.0, 0.15)])
    depth = curve([(-1.2, 0.3), (-0.1, 0.42), (0.2, 0.52), (0.45, 0.58), (0.75, 0.66), (1.0, 0.66), (1.3, 0.55),
                   (3.0, 0.6)])
    return right, left, depth


def heart_borders(subject, frame):
    """The right and the left border of heart and great vessels at each pixel's height, and the depth they fill.

    Returns
    -------
    right, left : ndarray (n, n)
        Distance from the midline, cm, positive to either side.
    share : ndarray (n, n)
        Of the cage's depth, 0 to 1.
    """
    right, left, depth = border_curves(subject, frame.pose)
    # Heart and diaphragm move together: the heart hangs lower and longer in deep inspiration.
    t = np.clip(frame.at(0.25 * subject.depth)[1] / frame.pose.dome(subject), -1.2, 3.0)
    return right(t) * subject.width, left(t) * subject.width, depth(t)


def heart_size(subject, pose):
    """Cardiothoracic ratio: the heart's greatest width over the inner width of the chest."""
    right, left, _ = border_curves(subject, pose)
    t = np.linspace(0.5, 1.0, 51)
    return float((right(t).max() + left(t).max()) / 2)


def mediastinum(subject, frame):
    """Share of the cage's depth that heart and great vessels fill, 0 to 1, and how much they do in their middle."""
    right, left, share = heart_borders(subject, frame)
    x = frame.at(0.30 * subject.depth)[0] - subject.shift * subject.width
    middle, half = 0.5 * (left - right), 0.5 * (left + right)
    return share * chord(np.abs((x - middle) / half) ** 2.2) ** 1.1, share


def domes(subject, frame, z):
    """Height y of the diaphragm above or below each pixel at depth `z` (cm), after the side of the pixel."""
    rng = subject.stream("diaphragm")
    a = rng.normal(0, 1, 8)
    x, _ = frame.at(z)
    w, h = subject.width, subject.height
    back = z / subject.depth
    flat = 1 - 0.5 * subject.lucency
    height = np.zeros_like(x)
    left = np.clip(0.5 + x / (0.3 * w), 0, 1)  # the two domes meet under the heart
    for side, lower, lift, one, two in ((RIGHT, 0.0, subject.lift[0], a[0], a[1]),
                                        (LEFT, subject.domes, subject.lift[1], a[2], a[3])):
        top = frame.pose.dome(subject) + (lower - lift + 0.06 * subject.lucency) * h
        u = np.clip((x - side * (0.45 + 0.03 * one) * w) / (0.55 * w), -1.3, 1.3)
        steep = np.where(u * side > 0, 0.24 + 0.03 * two, 0.09 + 0.02 * a[4])
        shape = top + steep * flat * h * np.abs(u) ** 2.1 + 0.05 * abs(a[5]) * h * np.sin(3 * u + a[6]) * 0.15
        height = height + (left if side == LEFT else 1 - left) * shape
    # The dome is highest a little in front of the middle; behind it the recess reaches far down.
    return height + h * np.where(back < 0.15, 0.28 * (back - 0.15) ** 2, 0.10 * (back - 0.15) ** 2)


def diaphragm(subject, frame):
    """Share of the cage's depth below the domes, 0 to 1: lung stays behind and beside them, towards its recesses."""
    depth = (frame.y - domes(subject, frame, 0.15 * subject.depth)) / (0.24 * subject.height)
    return np.clip(depth, 0, 1) ** 0.45


def lungs(subject, frame, without=()):
    """Path length through the lungs, cm, and the depth of the cage around them, cm."""
    x, y = frame.at(0.0)
    w, d = subject.cage(y)
    rng = subject.stream("apex")
    apex = rng.uniform(0.36, 0.44, 2)
    cage = 2 * d * chord(np.abs(x / w) ** 2.6)
    top = np.where(x < 0, apex[0], apex[1]) * subject.width
    inner = subject.height * 1.3 * (np.clip(top - np.abs(x), 0, None) / subject.width) ** 2
    cage = cage * np.clip((y - inner) / (0.05 * subject.height), 0, 1) ** 0.6
    # Above the arch of the aorta the two lungs are kept apart by the great vessels.
    gap = curve([(-1.0, 0.17), (0.0, 0.16), (0.18, 0.11), (0.34, 0.0), (3.0, 0.0)])
    apart = subject.width * gap(y / subject.height)
    between = np.clip((np.abs(x - subject.shift * subject.width) - apart) / (0.07 * subject.width), 0, 1)
    cage = cage * np.where(apart > 0, 0.10 + 0.90 * between, 1.0)
    free = 1 - diaphragm(subject, frame)
    if "heart" not in without:
        free = free * (1 - mediastinum(subject, frame)[0])
    # The vertebrae stand into the chest from behind.
    behind = 0.30 * chord((frame.at(-0.8 * subject.depth)[0] / (0.24 * subject.width)) ** 2)
    return cage * free * (1 - behind), cage


def mottle(subject, frame):
    """Unevenness of the lung's density around 1: vessels and interstitium too small to draw, denser at the bases."""
    rng = subject.stream("mottle")
    fine, cloudy = texture(rng, frame.size, 1.15, 160), texture(rng, frame.size, 1.8)
    sides = 0.06 * rng.normal(0, 1, 2)
    lower = np.clip(frame.y / subject.height, 0, 1)
    asymmetry = np.where(frame.x < 0, sides[0], sides[1]) + 0.25 * (lower - 0.5)
    return np.clip(1 + asymmetry + subject.mottle * ((0.7 + 0.6 * lower) * fine + 1.0 * cloudy), 0.2, 3)


def airways(subject, frame):
    """Path length through the air of trachea and main bronchi, cm."""
    rng = subject.stream("airways")
    a = rng.normal(0, 1, 4)
    radius = 0.052 * subject.width + 0.07
    h, w, shift = subject.height, subject.width, subject.shift * subject.width
    carina = (0.02 * w + shift - 0.02 * w * abs(a[0]), (0.29 + 0.02 * a[1]) * h)
    z = -0.15 * subject.depth
    bow = (0.03 * w * a[2] + 0.5 * shift, 0.04 * h)
    upper = capsule(frame, (0.0, -0.9 * h), bow, (radius, radius), z)
    lower = capsule(frame, bow, carina, (radius, 0.95 * radius), z)
    right = capsule(frame, carina, (shift - 0.22 * w, 0.42 * h), (0.75 * radius, 0.55 * radius), z)
    left = capsule(frame, carina, (shift + 0.26 * w, 0.43 * h), (0.65 * radius, 0.45 * radius), z)
    return np.maximum(np.maximum(upper, lower), np.maximum(right, left))


def hila(subject, frame):
    """Path length through the great vessels of either hilum, cm; the left one stands higher."""
    rng = subject.stream("hila")
    w, h, thick = subject.width, subject.height, rng.uniform(0.9, 1.5)
    s = np.linspace(0, 1, 40)[None]
    lines, radii = [], []
    for side, level in ((RIGHT, 0.44), (LEFT, 0.39)):
        for dx, dy, r in ((0.17, 0.24, 0.045), (0.12, 0.10, 0.035), (0.14, -0.13, 0.030), (0.20, 0.02, 0.026),
                          (0.10, 0.30, 0.030)):
            jx, jy, bend = rng.normal(0, 1, 3)
            x = side * w * (0.15 + (dx + 0.02 * jx) * s + 0.03 * bend * s * (1 - s))
            y = h * (level + (dy + 0.02 * jy) * s**1.3)
            lines.append(np.stack([x + subject.shift * w, y, np.full_like(x, -0.05 * subject.depth)], -1)[0])
            radii.append(thick * r * w * (1 - 0.55 * s[0]))
    radii = np.array(radii)
    points, volumes = tube(np.array(lines), radii, radii, frame.pitch, core=0.8, cortex=0.05)
    return frame.blurred(frame.splat(points, volumes), 0.010 * w + 0.02)


def vessels(subject, frame):
    """Path length through the pulmonary vessels, cm: they taper, and more of them run to the lower zones."""
    points, radius, piece = tree(subject, frame, "vessels", 6, 15, 0.15, 0.0132, 0.42)
    return frame.blurred(frame.splat(points, np.pi * radius**2 * piece), 0.009 * subject.width)


def fissures(subject, frame):
    """Path length through the minor fissure and, in some, an azygos or an accessory one, cm."""
    rng = subject.stream("fissures")
    a, seen, extra = rng.normal(0, 1, 4), rng.random(), rng.random()
    w, h = subject.width, subject.height
    x, y = frame.at(0.5 * subject.depth)
    level = (0.50 + 0.02 * a[0]) * h + (0.05 + 0.03 * a[1]) * h * (np.abs(x) / w - 0.5) ** 2
    line = np.exp(-(((y - level) / (0.05 + 0.006 * w)) ** 2)) * (x < -0.22 * w)
    path = (0.18 if seen < 0.45 else 0.0) * line
    bow = np.exp(-(((x + (0.42 - 0.5 * (y / h) ** 2) * w) / (0.05 + 0.006 * w)) ** 2)) * (y < 0.30 * h) * (x < 0)
    return path + (0.25 if extra < 0.02 else 0.0) * bow


def abdominal_gas(subject, frame):
    """Path length through the stomach bubble, gas in the bowel with its folds, and gas bubbles in stool, cm."""
    rng = subject.stream("gas")
    spots, sizes = rng.uniform(-1, 1, (14, 2)), rng.uniform(0.25, 1.0, (14, 2))
    there, level, air, turns = rng.random(14), rng.uniform(-0.3, 0.9), rng.random(), rng.uniform(0, np.pi, (14, 2))
    w, h = subject.width, subject.height
    crumbs = texture(rng, frame.size, 0.8)
    x, y = frame.at(0.0)
    top = frame.pose.dome(subject) + (subject.domes - subject.lift[1] + 0.05) * h
    rx, ry = 2.1 * subject.gas + 1e-6, 1.1 * subject.gas + 1e-6
    v = (y - top - ry) / ry
    bubble = 1.7 * subject.gas * chord(((x - (0.38 + 0.1 * spots[0, 0]) * w) / rx) ** 2 + v**2) ** 0.7
    # Upright, the fluid in the stomach stands level.
    path = bubble * np.clip((level - v) * ry / (1.5 * frame.pitch), 0, 1)
    low = np.s_[int(np.argmax((y > 1.05 * h).any(1))) if (y > 1.05 * h).any() else frame.size:]
    x, y, crumbs = x[low], y[low], crumbs[low]
    for (sx, sy), (one, two), here, (turn, phase) in zip(spots, sizes, there, turns, strict=True):
        if here < 0.35 + 0.4 * air + 0.2 * (subject.age < 5):
            across, down = x - 0.80 * sx * w, y - (1.36 + 0.18 * sy) * h
            along, beside = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
            long, wide = 0.20 * w * one + 0.2, 0.09 * w * two + 0.2
            folds = 1 + 0.35 * np.sin(along / (0.030 * w + 0.12) + 6 * phase) * (two > 0.5)
            inside = chord((along / long) ** 2 + (beside / wide) ** 2)
            stool = np.clip(0.5 + 0.9 * crumbs, 0, 1.5) if phase > 1.9 else 1.0
            path[low] += 0.85 * wide * inside * folds * stool
    return path


def abdomen(subject, frame):
    """What organs below the diaphragm add to an even belly, cm: liver, spleen, kidneys in their fat, bowel walls."""
    rng = subject.stream("abdomen")
    a, cloudy, grainy = rng.normal(0, 1, 12), texture(rng, frame.size, 1.6), texture(rng, frame.size, 1.0)
    w, h = subject.width, subject.height
    x, y = frame.at(0.0)
    below = np.clip((y - frame.pose.dome(subject)) / (0.12 * h), 0, 1)
    edge = (1.38 + 0.06 * a[0] - (0.30 + 0.05 * a[1]) * (x / w + 0.8)) * h  # of the liver, rising to the left
    liver = 0.07 * subject.depth * np.clip(0.5 + (edge - y) / (0.05 * h), 0, 1) * (x < 0.45 * w)
    round_spleen = chord(((x - 0.75 * w) / (0.24 * w)) ** 2 + ((y - 1.18 * h) / (0.16 * h)) ** 2)
    spleen = 0.06 * subject.depth * round_spleen**0.5
    fat = np.zeros_like(x)
    for side, low, j in ((RIGHT, 1.42, 4), (LEFT, 1.38, 6)):
        cx, cy = side * (0.42 + 0.03 * a[j]) * w, (low + 0.03 * a[j + 1]) * h
        r = np.sqrt(((x - cx - 0.25 * side * (y - cy)) / (0.19 * w)) ** 2 + ((y - cy) / (0.20 * h)) ** 2)
        fat = fat + np.exp(-(((r - 1.06) / 0.09) ** 2))
    uneven = subject.depth * (0.055 * cloudy + 0.022 * grainy)
    return below * (liver + spleen + uneven - (0.15 + 0.15 * subject.belly) * 0.10 * subject.depth * fat)


def breasts(subject, frame):
    """Path length through breast tissue, cm; its lower border is the sharper one."""
    rng = subject.stream("breasts")
    a = rng.normal(0, 1, 4)
    x, y = frame.at(subject.depth)
    w, h = subject.width, subject.height
    path = np.zeros_like(x)
    for side, dx, dy in ((RIGHT, a[0], a[1]), (LEFT, a[2], a[3])):
        below = (y - (0.74 + 0.03 * dy) * h) / h
        q = ((x - side * (0.58 + 0.04 * dx) * w) / (0.48 * w)) ** 2
        path = path + chord(q + np.where(below > 0, below / 0.24, below / 0.36) ** 2) ** 1.4
    return subject.breast * path


def skin_folds(subject, frame):
    """Path length through folds of skin pressed against the detector, cm: a straight edge over the lung of some."""
    rng = subject.stream("skin folds", 1)
    there, x0, slope, side = rng.random(), rng.uniform(0.45, 0.8), rng.normal(0.12, 0.12), rng.choice([RIGHT, LEFT])
    along = side * frame.x - x0 * subject.width - slope * (frame.y - 0.5 * subject.height)
    fold = np.exp(-np.clip(along / (0.10 * subject.width), 0, 20)) * (along > 0)
    return (0.5 if there < 0.06 else 0.0) * frame.blurred(fold, 0.05) * subject.wall


# --- bone -----------------------------------------------------------------------------------------------------------


def vertebra_levels(subject):
    """Height y of the first thoracic vertebra and the distance between vertebrae, cm."""
    return -0.06 * subject.height, 0.110 * subject.height


def spine(subject, frame):
    """Path length through the vertebrae, in cm of cortical bone: bodies with end plates, discs, pedicles, processes."""
    rng = subject.stream("spine")
    dense, sway, tilt = 1 + 0.10 * rng.normal(0, 1, 30), 0.05 * rng.normal(0, 1, 30), 0.05 * rng.normal(0, 1, 30)
    x, y = frame.at(-0.75 * subject.depth)
    top, pitch = vertebra_levels(subject)
    x = x - subject.bend * np.sin(np.pi * np.clip(y / (1.3 * subject.height), -0.6, 1.3))
    level = (y - top) / pitch
    growth = np.clip(0.86 + 0.026 * level, 0.66, 1.25)
    half = 0.132 * subject.width * growth
    level = level + tilt[np.clip(level.astype(int) + 8, 0, 29)] * x / half
    each = np.clip(np.floor(level).astype(int) + 8, 0, 29)
    x, bony = x - sway[each] * half, dense[each]
    u = level - np.floor(level) - 0.5  # -0.5 at the upper disc, 0 mid-body
    waist = half * (0.90 + 0.40 * u**2)
    edge = np.abs(x)
    across = np.clip(0.5 + (waist - edge) / (0.16 * half), 0, 1)
    along = 0.62 + 0.38 * np.clip(0.5 + (0.38 - np.abs(u)) / 0.20, 0, 1)
    marrow = 0.19 * 2 * half * across * along * np.sqrt(np.clip(1.15 - (edge / waist) ** 2, 0.15, None))
    plates = 0.075 * half * across * np.exp(-(((np.abs(u) - 0.38) / 0.07) ** 2))
    walls = 0.10 * half * along * np.exp(-(((edge - 0.90 * waist) / (0.14 * half)) ** 2))
    ring = ((edge - 0.60 * half) / (0.20 * half)) ** 2 + ((u + 0.12) / 0.22) ** 2
    pedicles = 0.25 * half * np.exp(-(((np.sqrt(ring) - 0.7) / 0.40) ** 2))
    process = 0.26 * half * np.exp(-((x / (0.12 * half)) ** 2) - (((u - 0.22) / 0.22) ** 2))
    transverse = 0.16 * half * np.exp(-(((edge - 1.30 * half) / (0.42 * half)) ** 2) - (((u + 0.18) / 0.16) ** 2))
    return bony * (marrow + plates + walls + pedicles + process + transverse)


def rib_lines(subject, frame):
    """Centre lines (24, m, 3) of twelve pairs of ribs, from the spine round the cage, and half their heights."""
    rng = subject.stream("ribs")
    wobble, bow = rng.normal(0, 1, (24, 6)), rng.uniform(0, 2 * np.pi, (24, 1))
    pairs = np.tile(np.arange(12), 2)
    side = np.repeat([RIGHT, LEFT], 12)[:, None]
    steps = max(80, int(0.52 * frame.size))
    reach = np.array([126, 136, 140, 140, 138, 134, 128, 120, 112, 104, 78, 50]) * np.pi / 180
    angle = np.linspace(0.02, 1.0, steps)[None] * (reach[pairs] * (1 + 0.03 * wobble[:, 0]))[:, None]
    top, pitch = vertebra_levels(subject)
    fall = subject.rib_fall * np.clip(0.60 + 0.09 * pairs, 0, 1.15) * (0.80 + 0.20 * frame.pose.breath)
    fall = (fall * (1 - 0.25 * subject.lucency) + 0.16 * wobble[:, 1])[:, None] * pitch
    turned = 0.5 * (1 - np.cos(angle))
    # A rib climbs a little from its vertebra and arches over the back; it falls most where it turns forward.
    climb = (0.26 - 0.18 * (pairs[:, None] < 1)) * pitch * np.sin(np.minimum(2.2 * angle, np.pi))
    y = top + (pairs[:, None] + 0.36 + 0.04 * wobble[:, 3:4]) * pitch + fall * turned**0.92 - climb
    y = y + 0.05 * pitch * np.sin(2.5 * angle + bow)
    w, d = subject.cage(np.maximum(y, 0.06 * subject.height))
    w = w + 0.10 * subject.wall + 0.1 + 0.015 * subject.width * wobble[:, 2:3]
    d = d + 0.10 * subject.wall + 0.03 * subject.depth * wobble[:, 4:5]
    sine, cosine = np.sin(angle), np.cos(angle)
    x = side * (w * np.sign(sine) * np.abs(sine) ** 0.88 + 0.10 * subject.width * (1 - turned) ** 4)
    z = -d * np.sign(cosine) * np.abs(cosine) ** 0.9
    high = 0.027 * subject.width * (1 + 0.14 * wobble[:, 5])[:, None] * (1 + 0.45 * turned**2) + 0.08
    return np.stack([x, y, z], axis=-1), high


def ribs(subject, frame):
    """Path length through the ribs, in cm of cortical bone: bands with a bright edge."""
    lines, high = rib_lines(subject, frame)
    rng = subject.stream("rib cortex")
    thick = np.exp(0.15 * rng.normal(0, 1, (24, 1)))
    # Stout behind, thinner where it turns, flat and faint in front, where it ends in a cup and becomes cartilage.
    s = np.linspace(0, 1, lines.shape[1])
    fade = curve([(0.0, 0.9), (0.15, 1.05), (0.40, 0.92), (0.58, 0.58), (0.72, 0.50), (0.85, 0.45), (0.97, 0.42),
                  (1.0, 0.15)])(s)
    cortex = (0.066 + 0.0012 * subject.width) * thick * fade
    points, volumes = tube(lines, high, 0.5 * high, 1.5 * frame.pitch, core=0.22 * fade, cortex=cortex)
    return frame.splat(points, volumes)


def cartilage(subject, frame):
    """Path length through lime in the cartilage between ribs and sternum, in cm of cortical bone."""
    rng = subject.stream("cartilage")
    lines, high = rib_lines(subject, frame)
    ends = lines[[*range(0, 8), *range(12, 20)], -1]
    s = np.linspace(0, 1, 30)[None, :, None]
    goal = ends * np.array([0.28, 1, 1]) - np.array([0, 0.05, 0]) * subject.height
    path = ends[:, None] + s * (goal - ends)[:, None]
    flecks = np.clip(rng.normal(0, 1, path.shape[:2]), 0, None)
    points, volumes = tube(path, 0.8 * high[:16, -1:], 0.4 * high[:16, -1:], frame.pitch, core=0.15, cortex=0.03)
    return subject.cartilage * frame.splat(points, volumes * flecks[..., None])


def clavicles(subject, frame):
    """Path length through the clavicles, in cm of cortical bone: an S from the sternum to the shoulder."""
    s = np.linspace(0, 1, max(60, frame.size // 2))
    rng = subject.stream("clavicles")
    level = (0.065 + 0.02 * rng.normal()) * subject.height
    rise = 0.8 * (level - shoulder_level(subject, frame.pose) + 0.13 * subject.width)
    bows = 1 + 0.3 * rng.normal(0, 1, 2)
    lines = []
    for side, bow in zip((RIGHT, LEFT), bows, strict=True):
        x = side * subject.width * (0.10 + 0.74 * s)
        y = level - rise * s**0.8 + 0.030 * bow * subject.width * np.sin(2 * np.pi * s)
        lines.append(np.stack([x, y, subject.depth * (0.75 - 0.80 * s)], axis=-1))
    thick = subject.width * (0.024 + 0.026 * np.exp(-((s / 0.10) ** 2)) + 0.016 * np.clip(s - 0.6, 0, 1)) + 0.07
    shaft = np.clip(np.sin(np.pi * s) * 1.6, 0.25, 1)  # the cortex thins towards both ends
    return frame.splat(*tube(np.array(lines), thick, 0.8 * thick, frame.pitch, core=0.26 + 0.10 * (1 - shaft),
                             cortex=(0.05 + 0.005 * subject.width) * shaft))


def shoulder_blades(subject, frame):
    """Path length through the shoulder blades, in cm of cortical bone: plate, borders, spine, acromion and coracoid.

    Raised arms turn the blades and pull them off the lungs.
    """
    pose, size = frame.pose, subject.width
    rng = subject.stream("shoulder blades")
    out = 0.66 + 0.24 * pose.arms
    n = max(30, frame.size // 5)
    s, r = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    joint_y = shoulder_level(subject, pose)
    clouds, masses, borders, girth = [], [], [], []
    line = np.linspace(0, 1, 2 * n)[:, None]
    arch = np.sin(np.pi * line)
    for side, (a, b) in zip((RIGHT, LEFT), 0.03 * rng.normal(0, 1, (2, 2)), strict=True):
        def at(x, y, z, side=side, a=a, b=b):
            return np.array([side * (x + a) * size, joint_y + (y + b) * size, z * subject.depth])

        swing = 0.16 * pose.arms
        upper, lower = at(out, -0.04, -0.8), at(out + swing + 0.04, 0.80, -0.85)
        socket, tip = at(out + 0.33, 0.10, -0.4), at(out + 0.40, -0.10, -0.25)
        hook, root = at(out + 0.24, 0.02, 0.1), upper + 0.22 * (lower - upper)
        plate = upper + s[..., None] * (socket - upper) + (r * (1 - s))[..., None] * (lower - upper)
        clouds.append(plate.reshape(-1, 3))
        masses.append((0.33 * 0.84 * size**2 * 0.010 * size / n**2 * (1 - s)).ravel())
        inward, down = np.array([side * size, 0, 0]), np.array([0, size, 0])
        borders += [
            socket + line * (lower - socket) - 0.05 * arch * inward,  # lateral, the brightest
            upper + line * (lower - upper) - 0.05 * arch * inward,  # medial
            upper + line * (socket - upper) - 0.05 * arch * down,  # upper
            root + line * (tip - root) - 0.03 * arch * down,  # spine
            hook + line * (socket - hook) - 0.02 * arch * down,  # coracoid
        ]
        girth += [0.020 + 0.012 * (1 - line[:, 0]), 0.011 + 0 * line[:, 0], 0.012 + 0 * line[:, 0],
                  0.016 + 0.030 * line[:, 0], 0.040 - 0.010 * line[:, 0]]
        ring = np.stack([0.045 * np.cos(2 * np.pi * line[:, 0]), 0.10 * np.sin(2 * np.pi * line[:, 0]),
                         0 * line[:, 0]], 1) * size
        borders.append(socket + ring)  # the socket's rim
        girth.append(0.014 + 0 * line[:, 0])
    edge = np.array(girth) * size + 0.03
    rim, rim_mass = tube(np.array(borders), edge, 0.8 * edge, frame.pitch, core=0.20, cortex=0.028)
    return frame.blurred(frame.splat(np.concatenate([*clouds, rim.reshape(-1, 3)]),
                                     np.concatenate([*masses, rim_mass.ravel()])), 0.06)


def upper_arms(subject, frame):
    """Path length through the upper arm bones, in cm of cortical bone: heads, growth plates, shafts that taper."""
    rng = subject.stream("upper arms")
    lines, size = [], subject.width
    s = np.linspace(0, 1, max(120, frame.size))
    bow = 0.04 * size * rng.normal(0, 1, 2)
    for side, bent in zip((RIGHT, LEFT), bow, strict=True):
        joint, elbow = arm(subject, frame.pose, side)
        along = elbow - joint
        start = joint - 0.04 * along + np.array([-side * 0.05 * size, 0, 0])
        across = np.array([along[1], -along[0], 0]) / np.hypot(along[0], along[1])
        lines.append(start + 1.5 * s[:, None] * along + (bent * np.sin(np.pi * s))[:, None] * across)
    # Head and neck, then a shaft whose cortex is thickest in its middle; the elbow's end flares again.
    r = curve([(0.0, 0.030), (0.015, 0.085), (0.05, 0.125), (0.09, 0.125), (0.14, 0.090), (0.22, 0.068), (0.5, 0.060),
               (1.0, 0.062)])(s) * size + 0.06
    cortex = curve([(0.0, 0.010), (0.10, 0.016), (0.25, 0.05), (0.5, 0.085), (1.0, 0.08)])(s) * (0.6 + 0.06 * size)
    core = curve([(0.0, 0.22), (0.10, 0.24), (0.25, 0.17), (0.5, 0.13), (1.0, 0.13)])(s)
    if subject.age < 16:  # the plate of growing cartilage below the head
        open_plate = 1 - 0.55 * np.exp(-(((s - 0.10) / 0.012) ** 2))
        core, cortex = core * open_plate, cortex * open_plate
    points, volumes = tube(np.array(lines), r, r, frame.pitch, core=core, cortex=cortex)
    return frame.blurred(frame.splat(points, volumes), 0.02 * size**0.5)


def jaw(subject, frame):
    """Path length through lower jaw and teeth, in cm of cortical bone."""
    rng = subject.stream("jaw")
    size, low = subject.width, frame.pose.chin * subject.width
    s = np.linspace(-1, 1, max(90, frame.size // 2))
    x = 0.40 * size * np.sin(0.5 * np.pi * s) + 0.02 * size * rng.normal()
    y = low - 0.10 * size - 0.62 * size * np.abs(s) ** 2.4
    line = np.stack([x, y, np.full_like(x, 0.3 * subject.depth)], -1)[None]
    bone = frame.splat(*tube(line, 0.055 * size, 0.055 * size, frame.pitch, core=0.4, cortex=0.05))
    across = frame.x / (0.22 * size)
    row = np.exp(-(((frame.y - low + 0.22 * size + 0.05 * size * across**2) / (0.045 * size)) ** 2))
    teeth = row * np.cos(6 * np.pi * across) ** 2 * (np.abs(across) < 1)
    return bone + 0.05 * size * teeth


def calcified_nodes(subject, frame):
    """Path length through lime in nodes of the hila and scars of the lungs, in cm of cortical bone; in adults."""
    rng = subject.stream("calcified nodes")
    there, many, a, r = rng.random(), rng.integers(1, 6), rng.normal(0, 1, (6, 3)), rng.uniform(0.12, 0.45, 6)
    if there > (0.16 if subject.age > 40 else 0.03 if subject.age > 12 else 0.0):
        return np.zeros_like(frame.x)
    old = rng.random(6) < 0.4  # in the lung, not at the hilum
    side = np.where(a[:, 0] < 0.3, RIGHT, LEFT)
    x = side * np.where(old, 0.45 + 0.18 * np.abs(a[:, 1]), 0.22 + 0.04 * a[:, 1]) * subject.width
    y = np.where(old, 0.35 + 0.18 * a[:, 2], 0.43 + 0.05 * a[:, 2]) * subject.height
    grain = rng.normal(0, 0.5, (6, 24, 3)) * r[:, None, None]
    points = np.stack([x, y, np.zeros(6)], 1)[:, None] + grain
    return frame.blurred(frame.splat(points[:many], (r[:many, None] ** 3) * 0.10), 0.05)


BONES = {"spine": spine, "ribs": ribs, "cartilage": cartilage, "clavicles": clavicles,
         "shoulder blades": shoulder_blades, "upper arms": upper_arms, "jaw": jaw, "calcified nodes": calcified_nodes}


def bones(subject, frame, without=()):
    """Path length through all bone, in cm of cortical bone of this subject's density."""
    whole = sum(draw(subject, frame) for name, draw in BONES.items() if name not in without)
    return subject.bone * (whole + np.zeros_like(frame.x))
