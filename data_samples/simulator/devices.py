"""What lies on or in a patient and shows on the film: tubes, lines, leads, clips, buttons. One function a thing.

Everything is returned as a path length in cm of cortical bone that weakens the beam as much. Which patient has what
depends on age, on how the film was taken and on chance, never on the disease.
"""

import numpy as np

from .geometry import LEFT, RIGHT
from .thorax import curve

METAL, MARKED = 6.0, 1.5  # metal, and plastic made visible with barium, against cortical bone


def wire(frame, knots, radius, mass, pieces=300):
    """Path through a thin bent wire: `knots` (k, 3) in cm, `radius` in cm."""
    knots = np.asarray(knots, dtype=float)
    places = np.linspace(0, 1, len(knots))
    s = np.linspace(0, 1, pieces)
    line = np.stack([curve(np.stack([places, knots[:, i]], 1))(s) for i in range(3)], 1)
    step = np.sqrt((np.gradient(line, axis=0) ** 2).sum(1))
    return frame.splat(line, mass * np.pi * radius**2 * step)


def disc(frame, x, y, radius, thickness, hole=0.0):
    """Path through a flat disc at (x, y), cm; `hole` is the radius of an opening in its middle."""
    r = np.sqrt((frame.x - x) ** 2 + (frame.y - y) ** 2)
    soft = 0.7 * frame.pitch
    path = np.clip(0.5 + (radius - r) / soft, 0, 1)
    return thickness * (path * np.clip(0.5 + (r - hole) / soft, 0, 1) if hole else path)


def leads(subject, frame, image):
    """Wires and electrodes of a heart monitor, on films of patients who lie."""
    rng = subject.stream("leads", image)
    there, many, a = rng.random(), rng.integers(2, 5), rng.normal(0, 1, (4, 5, 2))
    w, h, front = subject.width, subject.height, subject.depth
    path = np.zeros_like(frame.x)
    if there > (0.30 if frame.pose.view == "AP" else 0.02):
        return path
    for k in range(many):
        side = RIGHT if k % 2 else LEFT
        x, y = side * (0.65 + 0.12 * a[k, 0, 0]) * w, (0.15 + 0.5 * (k // 2) + 0.08 * a[k, 0, 1]) * h
        end = side * 1.5 * w if a[k, 1, 0] > -0.5 else 0.2 * w
        knots = [(x, y, front),
                 (x + 0.4 * (end - x) + 0.2 * w * a[k, 2, 0], y + 0.35 * h + 0.1 * h * a[k, 2, 1], front),
                 (x + 0.8 * (end - x), y + (0.55 + 0.2 * a[k, 3, 1]) * h, front), (end, y + 1.3 * h, front)]
        path += wire(frame, knots, 0.045, METAL) + disc(frame, x, y, 0.35, 0.25, 0.12)
    return path


def breathing_tube(subject, frame, image):
    """A tube in the trachea with its marked line, in few patients who lie."""
    rng = subject.stream("breathing tube", image)
    there, a = rng.random(), rng.normal(0, 1, 4)
    w, h = subject.width, subject.height
    if there > (0.07 if frame.pose.view == "AP" else 0.0):
        return np.zeros_like(frame.x)
    tip = (0.20 + 0.04 * a[0]) * h
    knots = [(0.02 * w * a[1], -1.2 * w, 0), (0.02 * w * a[2], -0.3 * h, 0), (0.03 * w * a[3], tip, 0)]
    return wire(frame, knots, 0.10 + 0.006 * w, 0.8)


def feeding_tube(subject, frame, image):
    """A tube through the oesophagus to the stomach."""
    rng = subject.stream("feeding tube", image)
    there, a = rng.random(), rng.normal(0, 1, 6)
    w, h = subject.width, subject.height
    if there > (0.12 if frame.pose.view == "AP" else 0.01):
        return np.zeros_like(frame.x)
    knots = [(0.03 * w * a[0], -1.2 * w, 0), (0.03 * w * a[1], 0.1 * h, -0.3 * w), (0.05 * w, 0.6 * h, -0.3 * w),
             (0.12 * w + 0.03 * w * a[2], 1.02 * h, 0), (0.42 * w, (1.18 + 0.04 * a[3]) * h, 0),
             ((0.25 + 0.2 * a[4]) * w, (1.32 + 0.03 * a[5]) * h, 0)]
    return wire(frame, knots, 0.09 + 0.004 * w, MARKED)


def central_line(subject, frame, image):
    """A catheter from neck, collar bone or arm to the upper vena cava, at times with a port."""
    rng = subject.stream("central line", image)
    there, way, port, a = rng.random(), rng.integers(3), rng.random(), rng.normal(0, 1, 4)
    w, h = subject.width, subject.height
    if there > (0.10 if frame.pose.view == "AP" else 0.03):
        return np.zeros_like(frame.x)
    side = RIGHT if a[0] > -0.5 else LEFT
    starts = [[(side * 0.25 * w, -0.9 * w, 0), (side * 0.22 * w, -0.1 * h, 0)],
              [(side * 0.75 * w, 0.16 * h, 0), (side * 0.45 * w, 0.05 * h, 0)],
              [(side * 1.6 * w, 0.30 * h, 0), (side * 1.0 * w, 0.10 * h, 0), (side * 0.5 * w, 0.06 * h, 0)]]
    tip = [(-0.12 * w, 0.20 * h, 0), (-0.13 * w, (0.42 + 0.05 * a[1]) * h, 0)]
    path = wire(frame, starts[way] + tip, 0.09, MARKED)
    if way == 1 and port < 0.6:
        path = path + disc(frame, side * 0.75 * w, 0.18 * h, 0.9, 0.7, 0.4)
    return path


def pacemaker(subject, frame, image):
    """A generator below the left collar bone and its leads to the heart, in some old patients."""
    rng = subject.stream("pacemaker")
    there, a = rng.random(), rng.normal(0, 1, 4)
    w, h = subject.width, subject.height
    if there > (0.06 if subject.age > 60 else 0.0):
        return np.zeros_like(frame.x)
    x, y = (0.62 + 0.04 * a[0]) * w, (0.17 + 0.03 * a[1]) * h
    path = disc(frame, x, y, 2.2, 4.0)
    for ex, ey in ((-0.15, 0.62), (0.22 + 0.05 * a[2], 0.90)):
        knots = [(x, y, 4), (0.35 * w, 0.07 * h, 3), (-0.08 * w, 0.22 * h, 0), (-0.14 * w, 0.55 * h, 2),
                 (ex * w, ey * h, 4)]
        path = path + wire(frame, knots, 0.09, METAL)
    return path


def clips(subject, frame, image):
    """Wires round the breastbone and clips beside it after heart surgery."""
    rng = subject.stream("clips")
    there, a = rng.random(), rng.normal(0, 1, (7, 2))
    path = np.zeros_like(frame.x)
    if there > (0.07 if subject.age > 50 else 0.01):
        return path
    w, h, front = subject.width, subject.height, 0.9 * subject.depth
    s = np.linspace(0, 2 * np.pi, 9)
    for k in range(6):
        y = (0.12 + 0.12 * k + 0.01 * a[k, 0]) * h
        ring = np.stack([0.06 * w * np.cos(s), y + 0.025 * h * np.sin(s), np.full(9, front)], 1)
        path += wire(frame, ring, 0.05, METAL, 80)
    return path


def buttons(subject, frame, image):
    """Snaps and buttons of clothes, or a chain."""
    rng = subject.stream("buttons", image)
    there, many, a = rng.random(), rng.integers(1, 6), rng.normal(0, 1, (6, 2))
    path = np.zeros_like(frame.x)
    w, h, front = subject.width, subject.height, subject.depth
    if there < 0.06:
        for x, y in a[:many]:
            path += disc(frame, 0.6 * w * x, (0.4 + 0.35 * y) * h, 0.3, 0.15, 0.1)
    elif there < 0.08:
        knots = [(-0.5 * w, -0.25 * h, 0), (-0.25 * w, 0.10 * h, front), (0.02 * w * a[0, 0], 0.28 * h, front),
                 (0.25 * w, 0.10 * h, front), (0.5 * w, -0.25 * h, 0)]
        path = wire(frame, knots, 0.06, METAL)
    return path


DEVICES = {"leads": leads, "breathing tube": breathing_tube, "feeding tube": feeding_tube,
           "central line": central_line, "pacemaker": pacemaker, "clips": clips, "buttons": buttons}


def devices(subject, frame, image, without=()):
    """Path length through all devices, in cm of cortical bone."""
    return sum((draw(subject, frame, image) for name, draw in DEVICES.items() if name not in without),
               np.zeros_like(frame.x))
