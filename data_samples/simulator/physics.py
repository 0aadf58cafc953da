"""From path lengths to a film: attenuation, scatter, quantum noise, detector blur, and what a CR reader makes of it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

# Mass attenuation coefficients in cm^2/g at 40, 60 and 80 keV for ICRU-44 soft tissue and cortical bone, with their
# densities in g/cm^3: Hubbell and Seltzer, Tables of X-Ray Mass Attenuation Coefficients, NISTIR 5632 (1995).
SOFT_TISSUE = np.array([0.2688, 0.2048, 0.1823]) * 1.06
CORTICAL_BONE = np.array([0.6655, 0.3148, 0.2229]) * 1.92
QUANTA_PER_MM2 = 25_000  # at the detector, per microgray; rounded, after typical general radiography spectra
DETECTION = 0.25  # share of the quanta that a storage phosphor counts


@dataclass(frozen=True)
class Exposure:
    """How one film is exposed and processed."""

    hardness: float  # 0 soft beam (about 60 kVp) to 1 hard (about 110 kVp)
    dose: float  # microgray at the detector behind the patient
    scatter: float  # scattered over primary signal behind the chest
    blur: float  # detector blur, cm
    low: float  # quantile of the signal shown black
    high: float  # quantile shown white
    equalise: float  # from a straight tone curve (0) to the histogram's own (1)
    black: float  # grey value of the first, 0 to 1
    gamma: float
    tone: tuple  # relative steepness of the tone curve in equal steps from black to white
    flatten: float  # compression of the large-area signal, 0 to 1
    edge: float  # edge enhancement
    edge_width: float  # cm
    border: tuple  # collimated margins, shares of the side: left, top, right, bottom
    marker: str
    marker_at: tuple  # (x, y), shares of the side
    marker_size: float  # height, share of the side
    stamp: str  # small text burnt in; empty for none
    detail: float = 0.0  # multi-scale contrast enhancement
    font: str = ""  # file of the letters' typeface; empty: Pillow's bitmap font


def expose(soft, bone, exposure, pitch, rng):
    """What the detector counts of a beam through `soft` and `bone`, see `beam` and `quanta`."""
    return quanta(beam(soft, bone, exposure, pitch), exposure, pitch, rng)


def beam(soft, bone, exposure, pitch):
    """Signal that reaches the detector, without noise, 1 where nothing is in the beam.

    Parameters
    ----------
    soft, bone : ndarray (n, n), float64
        Path lengths in cm.
    exposure : Exposure
    pitch : float
        Side of a pixel, cm.

    Returns
    -------
    ndarray (n, n), float64, positive
    """
    lines = np.array([0.62, 0.33, 0.05]) + exposure.hardness * np.array([-0.30, 0.15, 0.15])
    primary = sum(weight * np.exp(-(mu_soft * soft + mu_bone * bone))
                  for weight, mu_soft, mu_bone in zip(lines, SOFT_TISSUE, CORTICAL_BONE, strict=True))
    # Scatter spreads over centimetres: blur a coarse copy. It comes from tissue, so air outside the body adds little.
    step = max(1, int(0.4 / pitch))
    coarse = np.minimum(primary, 0.2)[::step, ::step]
    scattered = ndimage.gaussian_filter(coarse, 3.0 / (step * pitch), mode="nearest")
    scattered = enlarge(scattered, primary.shape[0])
    return ndimage.gaussian_filter(primary + exposure.scatter * scattered, exposure.blur / pitch)


def quanta(signal, exposure, pitch, rng, aperture=np.inf):
    """The signal of `beam` as the detector counts it: with quantum noise after the dose; float64 (n, n), positive.

    A pixel counts all quanta that fall on it, or those on a square of side `aperture` (cm) in its middle: films that
    were made smaller by picking pixels, as in many collections, keep the noise of the original ones.
    """
    # The dose holds behind the middle of the chest, where about a twentieth of the beam arrives.
    in_air = exposure.dose / 0.05 * QUANTA_PER_MM2 * DETECTION * (10 * min(pitch, aperture)) ** 2
    quanta = in_air * signal
    # A normal deviate scaled by the root of the mean: unlike a Poisson draw it uses up the stream at a fixed rate.
    quanta = quanta + np.sqrt(quanta) * rng.standard_normal(signal.shape)
    return np.maximum(quanta, 1.0) / in_air


def process(signal, exposure, pitch):
    """Grey values 0 to 1 of a film, dense tissue bright.

    Parameters
    ----------
    signal : ndarray (n, n), float64
        What `expose` returned.
    exposure : Exposure
    pitch : float
        Side of a pixel, cm.

    Returns
    -------
    ndarray (n, n), float64
    """
    density = filtered(signal, exposure, pitch)
    return toned(density, exposure, tone_levels(density, exposure))


def tone_levels(density, exposure):
    """Quantiles (33,) of an optical density between the levels that are shown black and white."""
    return np.quantile(density[::2, ::2], np.linspace(exposure.low, exposure.high, 33))


def toned(density, exposure, levels):
    """Grey values 0 to 1 of an optical density (n, n), by the tone curve of the exposure between `levels`."""
    straight = np.clip((density - levels[0]) / (levels[-1] - levels[0]), 0, 1)
    equalised = np.interp(density, levels, np.linspace(0, 1, 33))
    scale = exposure.black + (1 - exposure.black) * (straight + exposure.equalise * (equalised - straight))
    knots = np.concatenate([[0.0], np.cumsum(exposure.tone)]) / np.sum(exposure.tone)
    return np.interp(scale, np.linspace(0, 1, len(knots)), knots) ** exposure.gamma


def filtered(signal, exposure, pitch):
    """Optical density of a signal, its large areas compressed and its edges enhanced."""
    density = -np.log(signal)
    step = max(1, int(0.5 / pitch))
    broad = ndimage.gaussian_filter(density[::step, ::step], 2.5 / (step * pitch), mode="nearest")
    density = density - exposure.flatten * enlarge(broad, len(density))
    sharp = density + exposure.edge * (density - ndimage.gaussian_filter(density, exposure.edge_width / pitch))
    for width in (0.15, 0.5, 1.5) if exposure.detail else ():
        # Multi-scale contrast: faint structures of each size gain more than strong ones.
        band = density - smooth(density, width / pitch)
        sharp += exposure.detail * band / (1 + np.abs(band) / 0.12)
    return sharp


def annotate(grey, exposure):
    """Draw collimation, side marker and burnt-in text on a film (n, n) of grey values 0 to 1, in place."""
    n = grey.shape[0]
    left, top, right, bottom = (round(share * n) for share in exposure.border)
    for edge in (np.s_[:, :left], np.s_[:top], np.s_[:, n - right:], np.s_[n - bottom:]):
        grey[edge] = 0.02
    write(grey, exposure.marker, exposure.marker_at, exposure.marker_size)
    if exposure.stamp:
        write(grey, exposure.stamp, (0.96 - 0.036 * len(exposure.stamp), 0.95), 0.045)


def write(grey, text, at, height, file=None):
    """Burn `text` into a film, scaled to `height`; Pillow's bitmap font, or the typeface in a `file`."""
    font = ImageFont.truetype(file, 48) if file else ImageFont.load_default_imagefont()
    box = font.getbbox(text)
    letters = Image.new("L", (box[2], box[3]))
    ImageDraw.Draw(letters).text((0, 0), text, fill=255, font=font)
    letters = letters.crop(letters.getbbox())
    rows = max(3, round(height * grey.shape[0]))
    columns = max(2, round(rows * letters.width / letters.height))
    ink = np.asarray(letters.resize((columns, rows), Image.Resampling.BILINEAR)) / 255
    x, y = round(at[0] * grey.shape[1]), round(at[1] * grey.shape[0])
    patch = grey[y : y + rows, x : x + columns]
    ink = ink[: patch.shape[0], : patch.shape[1]]
    patch += ink * (0.97 - patch)


def smooth(array, width):
    """A square map (n, n) blurred by a Gaussian of `width` pixels; a wide one is computed on a smaller copy."""
    step = int(width / 2.5)
    if step < 2:
        return ndimage.gaussian_filter(array, width, truncate=3)
    small = Image.fromarray(array.astype(np.float32)).reduce(step)
    blurred = ndimage.gaussian_filter(np.asarray(small), width / step, mode="nearest", truncate=3)
    return np.asarray(Image.fromarray(blurred).resize(array.shape[::-1], Image.Resampling.BILINEAR), dtype=float)


def enlarge(coarse, size):
    """Bilinear enlargement of a square map to (size, size)."""
    image = Image.fromarray(coarse.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)).astype(np.float64)
