"""Every way in which the formats other than DICOM store black, depth and frames; the depth of a set."""

import json
import struct
import warnings
import zlib

import numpy as np
import pytest
from helpers import refused, save
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers.pixels.decode import decode_all

RAMP = np.linspace(0, 4095, 64 * 64).round().astype(np.uint16).reshape(64, 64)
EXPECTED = RAMP * (255 / 4095)
DEEP = (RAMP.astype(np.uint32) * 65535 // 4095).astype(np.uint16)


def shown(path, **options):
    """The greys of a file, or the reason why there are none."""
    images, failed, *_ = decode_all([path], 64, 1, "", **options)
    return failed.get(0) or images[0, ..., 0].astype(float)


def right(path, expected=EXPECTED, **options):
    got = shown(path, **options)
    return not isinstance(got, str) and np.abs(got - expected).max() <= 2


def tiff(path, pixels, photometric, sample=1, bits=None, pages=1, subfile=0, order="<"):
    """An uncompressed TIFF written byte by byte; `sample` is its SampleFormat (1 unsigned, 2 signed, 3 float)."""
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    content = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    for page in range(pages):
        start = len(content) + 2 + 11 * 12 + 4
        tags = [(254, 4, subfile if page else 0), (256, 3, pixels.shape[1]), (257, 3, pixels.shape[0]),
                (258, 3, bits or 8 * pixels.itemsize), (259, 3, 1), (262, 3, photometric), (273, 4, start), (277, 3, 1),
                (278, 3, pixels.shape[0]), (279, 4, len(data)), (339, 3, sample)]  # fmt: skip
        entries = b"".join(struct.pack(f"{order}HHI", tag, kind, 1)
                           + (struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value))
                           for tag, kind, value in tags)  # fmt: skip
        after = start + len(data) if page + 1 < pages else 0
        content += struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", after) + data
    path.write_bytes(content)
    return path


def png(path, pixels, significant=None):
    """A PNG of 16 bits, with the chunk that says how many are significant."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 0, 0, 0, 0)
    said = chunk(b"sBIT", bytes([significant])) if significant else b""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + said + chunk(b"IDAT", zlib.compress(rows))
                     + chunk(b"IEND", b""))  # fmt: skip
    return path


# Black and depth


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("pixels", "kind"),
    [((EXPECTED.round()).astype(np.uint8), 1), (RAMP, 1), (DEEP, 1), ((RAMP / 4095).astype(np.float32), 3),
     (RAMP.astype(np.float32), 3), (DEEP.astype(np.int32), 2), (RAMP.astype(np.int16), 2)],
)  # fmt: skip
def test_black_is_zero_or_the_largest_value_in_tiff(tmp_path, pixels, kind, order):
    top = 1 if pixels.dtype.kind == "f" and pixels.max() <= 1 else 255 if pixels.max() < 256 else 4095
    top = 65535 if pixels.max() > 4095 else top
    assert right(tiff(tmp_path / "black.tif", pixels, 1, kind, order=order))
    got = shown(tiff(tmp_path / "white.tif", (top - pixels).astype(pixels.dtype), 0, kind, order=order))
    if isinstance(got, str):  # kinds that Pillow does not open are refused, never shown as negatives
        assert "not an image that Pillow can read" in got
    else:
        assert np.abs(got - EXPECTED).max() <= 2


def test_bytes_with_a_sign_are_refused_and_not_taken_for_bright_ones(tmp_path):
    signed = (RAMP // 16 - 128).astype(np.int8)
    assert "outside 0 to 65535" in shown(tiff(tmp_path / "a.tif", signed, 1, 2))
    assert "outside 0 to 65535" in shown(tiff(tmp_path / "b.tif", RAMP.astype(np.int16) - np.int16(9), 1, 2))


def test_fractions_with_one_pixel_beyond_one(tmp_path):
    pixels = (RAMP / 4095).astype(np.float32)
    pixels[5, 5] = 1.2
    expected = EXPECTED.copy()
    expected[5, 5] = 255
    assert right(tiff(tmp_path / "a.tif", (RAMP * (1.00001 / 4095)).astype(np.float32), 1, 3))
    assert right(tiff(tmp_path / "b.tif", pixels, 1, 3), expected)
    assert "neither fractions" in shown(tiff(tmp_path / "c.tif", (RAMP * (1.5 / 4095)).astype(np.float32), 1, 3))


@pytest.mark.parametrize("top", [3000, 4000, 4095, 4100])
def test_the_brightest_pixel_does_not_decide(tmp_path, top):
    pixels = (RAMP.astype(int) * top // 4095).astype(np.uint16)
    assert right(png(tmp_path / "a.png", pixels), np.minimum(pixels, 4095) * (255 / 4095))
    pixels[7, 7] = 65535
    got = shown(png(tmp_path / "b.png", pixels))
    assert abs(got.mean() - pixels.clip(0, 4095).mean() * 255 / 4095) < 2, "one damaged value darkens no film"


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_the_significant_bits_of_png(tmp_path, bits):
    low = RAMP >> 12 - bits if bits <= 12 else RAMP << bits - 12
    expected = low * (255 / (2**bits - 1))
    high = low.astype(int) << 16 - bits
    assert right(png(tmp_path / "as_png_wants_it.png", high | high >> bits, bits), expected)
    assert right(png(tmp_path / "unshifted.png", low, bits), expected)
    dark = low // 8
    assert right(png(tmp_path / "dark.png", dark, bits), dark * (255 / (2**bits - 1)))


@pytest.mark.parametrize("most", [63, 255, 1000, 4095, 16383])
@pytest.mark.parametrize("plain", [False, True])
def test_the_largest_value_of_pgm(tmp_path, most, plain):
    pixels = (RAMP.astype(int) * most // 4095).astype(np.uint8 if most < 256 else ">u2")
    data = " ".join(map(str, pixels.ravel())).encode() if plain else pixels.tobytes()
    (tmp_path / "a.pgm").write_bytes(f"P{2 if plain else 5}\n64 64\n{most}\n".encode() + data)
    assert right(tmp_path / "a.pgm", pixels.astype(float) * 255 / most)
    dark = (pixels // 4).astype(pixels.dtype)
    data = " ".join(map(str, dark.ravel())).encode() if plain else dark.tobytes()
    (tmp_path / "b.pgm").write_bytes(f"P{2 if plain else 5}\n64 64\n{most}\n".encode() + data)
    assert right(tmp_path / "b.pgm", dark.astype(float) * 255 / most)


def test_jpeg_2000_of_16_bits(tmp_path):
    Image.fromarray(DEEP).save(tmp_path / "a.jp2")
    assert right(tmp_path / "a.jp2")


@pytest.mark.parametrize("mode", ["RGB", "LA"])
def test_empty_upper_bits_in_several_channels_are_refused(tmp_path, mode):
    channels = 3 if mode == "RGB" else 2
    for top, name in ((4095, "low.png"), (65535, "full.png")):
        pixels = np.repeat((RAMP.astype(np.uint32) * top // 4095).astype(">u2")[..., None], channels, 2)
        if mode == "LA":
            pixels[..., 1] = 65535
        rows = b"".join(b"\0" + row.tobytes() for row in pixels)
        path = png(tmp_path / name, DEEP)
        content = path.read_bytes()
        header = struct.pack(">IIBBBBB", 64, 64, 16, 2 if mode == "RGB" else 4, 0, 0, 0)
        parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
        path.write_bytes(content[:8] + b"".join(struct.pack(">I", len(data)) + kind + data
                         + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts))  # fmt: skip
    assert right(tmp_path / "full.png") and "upper ones empty" in shown(tmp_path / "low.png")


# Frames and directions


@pytest.mark.parametrize(("suffix", "options"), [("tif", {}), ("gif", {}), ("webp", {"lossless": True}), ("png", {})])
def test_several_frames_are_refused_with_their_number(tmp_path, suffix, options):
    frames = [Image.fromarray(np.roll(EXPECTED.astype(np.uint8), n, 1)) for n in range(3)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert "3 frames in one file" in shown(tmp_path / f"a.{suffix}")


def test_smaller_versions_in_a_tiff_are_no_frames(tmp_path):
    assert right(tiff(tmp_path / "a.tif", RAMP, 1, pages=2, subfile=1))
    assert "2 frames" in shown(tiff(tmp_path / "b.tif", RAMP, 1, pages=2))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_directions(tmp_path, suffix, orientation):
    pixels = np.zeros((60, 60), np.uint8)
    pixels[:20, :40] = 255
    turned = {1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.T,
              6: np.rot90(pixels), 7: pixels[::-1, ::-1].T, 8: np.rot90(pixels, 3)}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
    image = Image.fromarray(np.ascontiguousarray(turned))
    image.save(tmp_path / f"a.{suffix}", exif=exif, **options)
    images, failed, *_ = decode_all([tmp_path / f"a.{suffix}"], 60, 1, "")
    assert not failed and np.abs(images[0, ..., 0].astype(int) - pixels).mean() < 3


def test_one_bit_palettes_and_cmyk_keep_their_black(tmp_path):
    half = np.tile(np.arange(64) > 31, (64, 1))
    expected = half * 255.0
    Image.fromarray(half).save(tmp_path / "bit.tif", compression="group4")
    palette = Image.fromarray((~half).astype(np.uint8), "P")
    palette.putpalette([255, 255, 255, 0, 0, 0])
    palette.save(tmp_path / "turned.png")
    palette.save(tmp_path / "turned.gif")
    Image.fromarray(expected.astype(np.uint8)).convert("CMYK").save(tmp_path / "ink.tif")
    for name in ("bit.tif", "turned.png", "turned.gif", "ink.tif"):
        assert right(tmp_path / name, expected), name


# The depth of a set


def deep_set(folder, tops, suffix="png"):
    for n, top in enumerate(tops):
        (folder / "ab"[n % 2]).mkdir(parents=True, exist_ok=True)
        png(folder / "ab"[n % 2] / f"{n}.{suffix}", (RAMP.astype(int) * top // 4095).astype(np.uint16))
    return folder


def loaded(folder, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = dhl.load_dataset("folder", folder, image_size=16, **options)
    return data, [str(each.message) for each in caught if "counts as one patient" not in str(each.message)]


@pytest.mark.parametrize("lazy", [False, True])
def test_a_dark_film_keeps_the_depth_of_its_set(tmp_path, lazy):
    data, said = loaded(deep_set(tmp_path, [4095, 4000, 200, 4095]), lazy=lazy)
    means = np.asarray(data.images).mean((1, 2, 3))
    assert data.depth == 12 and 5 < means[data.table["path"].str.endswith("2.png")].item() < 8
    assert data.subset([0]).depth == data.subset([0]).subset([0]).depth == 12
    assert lazy or any("1 fit into 8 bits, 3 fit into 12 bits" in text for text in said)


def test_a_mixed_set_is_said_and_can_be_told_its_depth(tmp_path):
    data, said = loaded(deep_set(tmp_path, [4095, 4095, 65535, 65535]))
    assert data.depth == 16 and "2 fit into 12 bits, 2 fit into 16 bits: all are scaled as 16 bits" in said[0]
    with refused("2 of 4 images", "an image of 16 bits (values up to 65535) in a set that is scaled by 12 bits"):
        loaded(tmp_path, depth=12)
    with refused("depth is 8, 12 or 16 bits"):
        loaded(tmp_path, depth=10)


def test_images_of_8_bits_have_no_depth_to_fix(tmp_path):
    for n in range(4):
        save(tmp_path / "ab"[n % 2] / f"{n}.png", 20 * n)
    data, said = loaded(tmp_path)
    assert data.depth is None and not said


def test_a_pipeline_sees_new_films_with_the_depth_of_its_training(tmp_path, cnn):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from dhl_helpers.commands._score import score

    deep_set(tmp_path / "films", [4095, 3000, 2000, 4095])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = dhl.load_dataset("folder", tmp_path / "films", image_size=76)
    model = make_pipeline(dhl.DeepFeatures(dhl.conv_base(cnn, "average")), LogisticRegression())
    model.fit(data.images, data.labels)
    dhl.save_pipeline(tmp_path / "kept", model, data, 0.5)
    assert json.loads((tmp_path / "kept" / "pipeline.json").read_text())["image"]["depth"] == 12
    model, _ = dhl.load_pipeline(tmp_path / "kept")
    dark, bright = tmp_path / "dark.png", tmp_path / "bright.png"
    png(dark, RAMP // 20)
    png(bright, DEEP)
    table, _ = score(tmp_path / "kept", [dark, bright], ["dark.png", "bright.png"], {})
    alone = decode_all([dark], 76, 1, "", 12).images
    assert np.allclose(table.iloc[0, 1:3].astype(float), model.predict_proba(alone)[0], atol=1e-6)
    assert "an image of 16 bits" in table["problem"][1] and not table["problem"][0]


def test_jpeg_2000_of_16_bits_has_the_depth_of_its_set(tmp_path):
    """Its precision says 16 bits also where 12 are in use."""
    ramp = np.linspace(0, 4095, 4096).reshape(64, 64).astype(np.uint16)
    for folder in "ab":
        (tmp_path / folder).mkdir()
        for suffix in ("jp2", "png"):
            Image.fromarray(ramp if folder == "a" else ramp.T).save(tmp_path / folder / f"1.{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = dhl.load_dataset("folder", tmp_path, image_size=64, depth=12)
    assert (data.images.max((1, 2, 3)) >= 253).all()
    assert np.abs(data.images[0].astype(int) - data.images[1]).max() <= 1
