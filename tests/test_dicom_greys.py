"""Greys of DICOM films against a second, plain implementation of the standard, element by element and in pairs."""

import math

import numpy as np
import pytest
from helpers import big_endian, compressed, film, refused, save
from PIL import Image

import dhl_helpers as dhl
from dhl_helpers.pixels.dicom_greys import decoded, open_image
from dhl_helpers.pixels.files import opened

RAMP = np.linspace(0, 4095, 64 * 64).round().astype(np.uint16).reshape(64, 64)
UP = np.arange(4096)


def lut(entries, bits, first=0, **other):
    """The item of a look-up table sequence, its entries as words."""
    from pydicom import Dataset

    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [len(entries) % 2**16, first, bits])
    item.add_new(0x00283006, "US", [int(entry) for entry in entries])
    for name, value in other.items():
        setattr(item, name, value)
    return item


def expected(value, bits=12, signed=False, high=None, photometric="MONOCHROME2", slope=1, intercept=0, modality=None,
             window=None, function="LINEAR", voi=None, shape="IDENTITY", presentation=None):  # fmt: skip
    """The grey of one stored word, 0 to 255, by the formulas of PS3.3 as they are printed; `modality`, `voi` and
    `presentation` are (entries, bits, first value)."""

    def looked_up(x, table):
        entries, _, first = table
        return int(entries[min(max(int(round(x)) - first, 0), len(entries) - 1)])

    high = bits - 1 if high is None else high
    x = (value >> (high + 1 - bits)) & (2**bits - 1)
    if signed and x >= 2 ** (bits - 1):
        x -= 2**bits
    x = looked_up(x, modality) if modality else x * slope + intercept
    if voi:
        y = looked_up(x, voi) / (2 ** voi[1] - 1)
    elif window and function == "SIGMOID":
        y = 1 / (1 + math.exp(-4 * (x - window[0]) / window[1]))
    elif window and function == "LINEAR_EXACT":
        c, w = window
        y = 0 if x <= c - w / 2 else 1 if x > c + w / 2 else (x - c) / w + 0.5
    elif window:
        c, w = window
        y = 0 if x <= c - 0.5 - (w - 1) / 2 else 1 if x > c - 0.5 + (w - 1) / 2 else (x - (c - 0.5)) / (w - 1) + 0.5
    else:
        low, high = sorted((intercept, (2**bits - 1) * slope + intercept))
        y = (x - low) / (high - low)
    if presentation:
        y = looked_up(y * (len(presentation[0]) - 1), presentation) / (2 ** presentation[1] - 1)
    if photometric == "MONOCHROME1" or shape == "INVERSE":
        y = 1 - y
    return 255 * y


def off(path, words=RAMP, **how):
    """The largest difference between what is read and what is expected, in grey levels."""
    grey = {int(word): expected(int(word), **how) for word in np.unique(words)}
    wanted = np.vectorize(grey.get)(words.astype(int))
    return np.abs(np.asarray(open_image(path), float) - wanted).max()


DISPLAYS = {
    "none": ({}, {}),
    "window": ({"WindowCenter": 1500, "WindowWidth": 1200}, {"window": (1500, 1200)}),
    "exact": ({"WindowCenter": 1500, "WindowWidth": 1200, "VOILUTFunction": "LINEAR_EXACT"},
              {"window": (1500, 1200), "function": "LINEAR_EXACT"}),
    "sigmoid": ({"WindowCenter": 1500, "WindowWidth": 1200, "VOILUTFunction": "SIGMOID"},
                {"window": (1500, 1200), "function": "SIGMOID"}),
    "several windows": ({"WindowCenter": [1500, 9], "WindowWidth": [1200, 7]}, {"window": (1500, 1200)}),
    "threshold": ({"WindowCenter": 1500, "WindowWidth": 1}, {"window": (1500, 1)}),
    "rising table": ({"VOILUTSequence": (UP, 12, 0)}, {"voi": (UP, 12, 0)}),
    "falling table": ({"VOILUTSequence": (UP[::-1], 12, 0)}, {"voi": (UP[::-1], 12, 0)}),
    "table of 8 bits": ({"VOILUTSequence": (UP >> 4, 8, 0)}, {"voi": (UP >> 4, 8, 0)}),
    "short table": ({"VOILUTSequence": (UP[:1000] * 4, 12, 500)}, {"voi": (UP[:1000] * 4, 12, 500)}),
    "table and window": ({"VOILUTSequence": (UP[::-1], 12, 0), "WindowCenter": 9, "WindowWidth": 9},
                         {"voi": (UP[::-1], 12, 0)}),
}  # fmt: skip
POLARITIES = {
    "MONOCHROME2": ({}, {}),
    "MONOCHROME1": ({"PhotometricInterpretation": "MONOCHROME1"}, {"photometric": "MONOCHROME1"}),
    "INVERSE": ({"PresentationLUTShape": "INVERSE"}, {"shape": "INVERSE"}),
    "both, as the standard asks for": ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
                                       {"photometric": "MONOCHROME1"}),
    "MONOCHROME2, IDENTITY": ({"PresentationLUTShape": "IDENTITY"}, {}),
    "table": ({"PresentationLUTSequence": (UP[::-1] ** 2 // 4096, 12, 0)},
              {"presentation": (UP[::-1] ** 2 // 4096, 12, 0)}),
}  # fmt: skip
MODALITIES = {
    "none": ({}, {}),
    "rescaled": ({"RescaleSlope": "0.5", "RescaleIntercept": "300"}, {"slope": 0.5, "intercept": 300}),
    "turned round": ({"RescaleSlope": "-1", "RescaleIntercept": "4095"}, {"slope": -1, "intercept": 4095}),
    "negative": ({"RescaleSlope": "1", "RescaleIntercept": "-1000"}, {"slope": 1, "intercept": -1000}),
}


def written(elements):
    """Elements of which tables are given as (entries, bits, first)."""
    return {name: [lut(*value)] if name.endswith("Sequence") else value for name, value in elements.items()}


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("polarity", POLARITIES)
@pytest.mark.parametrize("modality", MODALITIES)
def test_every_transformation_with_every_other(tmp_path, modality, display, polarity):
    parts = MODALITIES[modality], DISPLAYS[display], POLARITIES[polarity]
    path = film(tmp_path / "a.dcm", RAMP, 12, **written({k: v for part in parts for k, v in part[0].items()}))
    assert off(path, **{k: v for part in parts for k, v in part[1].items()}) <= 1


@pytest.mark.parametrize("display", [name for name in DISPLAYS if name != "none"])
def test_a_modality_table_goes_before_the_display(tmp_path, display):
    elements, how = DISPLAYS[display]
    table = (UP[::-1], 12, 0)
    path = film(tmp_path / "a.dcm", RAMP, 12, ModalityLUTSequence=[lut(*table, ModalityLUTType="US")],
                **written(elements))  # fmt: skip
    assert off(path, modality=table, **how) <= 1


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("bits", "high"), [(12, 11), (12, 15), (12, 13), (10, 11), (8, 7), (8, 15)])
@pytest.mark.parametrize("allocated", [16, 32])
def test_bits_that_lie_anywhere_in_the_word(tmp_path, signed, bits, high, allocated):
    words = RAMP.astype(int) >> 12 - bits << (high + 1 - bits)
    words |= np.where(np.arange(64) % 2, (1 << 16) - (2 << high), 0)  # as an overlay: it must change nothing
    words |= 2 ** (high + 1 - bits) - 1
    center = 2 ** (bits - 2) if signed else 2 ** (bits - 1)
    path = film(tmp_path / "a.dcm", words.astype(f"u{allocated // 8}"), bits, HighBit=high, WindowCenter=center,
                PixelRepresentation=int(signed), WindowWidth=2 ** (bits - 1))  # fmt: skip
    assert off(path, words, bits=bits, high=high, signed=signed, window=(center, 2 ** (bits - 1))) <= 1


@pytest.mark.parametrize(("pixels", "vr"), [(RAMP, "OW"), ((RAMP[:63, :63] >> 4).astype(np.uint8), "OW"),
                                            ((RAMP[:63, :63] >> 4).astype(np.uint8), "OB")])  # fmt: skip
def test_big_endian(tmp_path, pixels, vr):
    bits = 12 if pixels.itemsize == 2 else 8
    plain = np.asarray(open_image(film(tmp_path / "a.dcm", pixels[:62], bits)))
    assert np.array_equal(np.asarray(open_image(big_endian(tmp_path / "a.dcm", pixels[:62], vr))), plain)


def test_big_endian_tables(tmp_path):
    path = film(tmp_path / "a.dcm", RAMP, 12, VOILUTSequence=[lut(UP[::-1], 12)])
    assert off(big_endian(path, RAMP), voi=(UP[::-1], 12, 0)) <= 1


def test_odd_films_have_one_byte_of_padding_and_no_more(tmp_path):
    pixels = (RAMP[:7, :9] >> 4).astype(np.uint8)
    path = film(tmp_path / "a.dcm", pixels, 8, PixelData=pixels.tobytes() + b"\0")
    assert np.array_equal(np.asarray(open_image(path)), pixels)
    for extra in (-1, 3, 64):
        data = pixels.tobytes()[:extra] if extra < 0 else pixels.tobytes() + bytes(extra)
        with pytest.raises(ValueError, match="broken or truncated pixels"):
            open_image(film(tmp_path / "b.dcm", pixels, 8, PixelData=data))


@pytest.mark.parametrize("words", ["packed in bytes", "one to a word", "as a list of pairs"])
@pytest.mark.parametrize("n", [4096, 4095])
def test_tables_of_8_bits_in_any_packing(tmp_path, words, n):
    entries = (UP[:n] >> 4).astype(np.uint8)
    item = lut(entries, 8)
    if words == "packed in bytes":
        item.add_new(0x00283006, "OW", entries.tobytes() + b"\0" * (n % 2))
    elif words == "as a list of pairs":
        item.add_new(0x00283006, "US", np.append(entries, [0] * (n % 2)).astype(np.uint8).view("<u2").tolist())
    assert off(film(tmp_path / "a.dcm", RAMP, 12, VOILUTSequence=[item]), voi=(entries, 8, 0)) <= 1


@pytest.mark.parametrize("vr", ["US", "SS"])
def test_the_first_value_of_a_table_is_signed_where_the_pixels_are(tmp_path, vr):
    entries = UP[::-1] * 16
    item = lut(entries, 16, -2048)
    if vr == "US":
        item.add_new(0x00283002, "US", [4096, 2**16 - 2048, 16])
    signed = (RAMP.astype(int) - 2048).astype(np.int16)
    path = film(tmp_path / "a.dcm", signed, 12, VOILUTSequence=[item])
    assert off(path, signed.view(np.uint16), signed=True, voi=(entries, 16, -2048)) <= 1


def test_a_first_value_beyond_the_signed_range_in_unsigned_films(tmp_path):
    words = RAMP + np.uint16(40000)
    item = lut(UP, 12, 40000)
    path = film(tmp_path / "a.dcm", words, 16, VOILUTSequence=[item])
    assert off(path, words, bits=16, voi=(UP, 12, 40000)) <= 1


# Padding


@pytest.mark.parametrize(
    ("kind", "value", "elements"),
    [(np.int16, -32768, {"PixelPaddingValue": -32768}), (np.uint16, 65535, {"PixelPaddingValue": 65535}),
     (np.int16, -2000, {"PixelPaddingValue": -2100, "PixelPaddingRangeLimit": -1900}),
     (np.int16, -2000, {"PixelPaddingValue": -1900, "PixelPaddingRangeLimit": -2100})],
)  # fmt: skip
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_count(tmp_path, kind, value, elements, photometric):
    pixels = RAMP.astype(kind)
    pixels[:4] = value
    if photometric == "MONOCHROME1":
        pixels[4:] = 4095 + int(RAMP[4, 0]) - pixels[4:]
    path = film(tmp_path / "a.dcm", pixels, 16, PhotometricInterpretation=photometric, **elements)
    shown = np.asarray(open_image(path), int)
    inner = (RAMP[4:].astype(float) - RAMP[4, 0]) * 255 / (4095 - RAMP[4, 0])
    assert (shown[:4] == 0).all() and np.abs(shown[4:] - inner).max() <= 3


def test_padding_of_12_bits_and_windows_keep_the_greys_of_the_film(tmp_path):
    pixels = RAMP.copy()
    pixels[:4] = 4095
    inside = RAMP[4:] * (255 / 4095)
    for elements in ({}, {"WindowCenter": 2048, "WindowWidth": 4096}):
        path = film(tmp_path / "a.dcm", pixels, 12, PixelPaddingValue=4095, **elements)
        shown = np.asarray(open_image(path), int)
        assert (shown[:4] == 0).all() and np.abs(shown[4:-1] - inside[:-1]).max() <= 1


def test_a_film_of_nothing_but_padding_is_black(tmp_path):
    path = film(tmp_path / "a.dcm", np.full((8, 8), -5, np.int16), 16, PixelPaddingValue=-5)
    assert not np.asarray(open_image(path)).any()


# Without a window


def flat(mark=None):
    """Tissue of 1000 with a denser square, and a burnt-in mark of this value."""
    pixels = np.full((64, 64), 1000, np.uint16)
    pixels[20:40, 20:40] = 1400
    if mark:
        pixels[:3, :3] = mark
    return pixels


@pytest.mark.filterwarnings("ignore:.*counts as one patient")
@pytest.mark.parametrize("bits", [12, 16])
def test_a_tissue_has_one_grey_with_and_without_a_mark_in_dicom_and_in_png(tmp_path, bits):
    for name, pixels in {"plain": flat(), "marked": flat(4095)}.items():
        film(tmp_path / "a" / f"{name}.dcm", pixels, bits)
        (tmp_path / "b").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "b" / f"{name}.png")
    data = dhl.load_dataset("folder", tmp_path, image_size=64)
    assert (data.images[:, 30, 30] == round(1400 * 255 / 4095)).all() and (data.images[:, 50, 50] == 62).all()


@pytest.mark.parametrize("kind", ["signed", "modality table"])
def test_a_mark_does_not_change_films_that_have_no_depth(tmp_path, kind):
    shown = []
    for pixels in (flat(), flat(4095)):
        if kind == "signed":
            path = film(tmp_path / "a.dcm", (pixels.astype(int) - 2000).astype(np.int16), 16)
        else:
            table = lut(UP, 12, ModalityLUTType="US")
            path = film(tmp_path / "a.dcm", pixels, 12, ModalityLUTSequence=[table])
        shown.append(np.asarray(open_image(path), int))
    assert np.abs(shown[0] - shown[1])[5:].max() == 0 and shown[0].max() == 255 and shown[0].min() == 0


def test_films_of_8_bits_are_taken_as_they_are(tmp_path):
    pixels = np.arange(60, 124, dtype=np.uint8).repeat(64).reshape(64, 64)
    assert np.array_equal(np.asarray(open_image(film(tmp_path / "a.dcm", pixels, 8))), pixels)


@pytest.mark.parametrize("name", ["FloatPixelData", "DoubleFloatPixelData"])
def test_fractions(tmp_path, name):
    pixels = (RAMP / 4095).astype(np.float32 if name == "FloatPixelData" else np.float64)
    pixels[0] = -7
    elements = {"PixelData": None, name: pixels.tobytes(), "BitsStored": None, "HighBit": None,
                "PixelRepresentation": None, name.replace("Data", "PaddingValue"): -7}  # fmt: skip
    path = film(tmp_path / "a.dcm", pixels, **elements)
    inner = (RAMP[1:].astype(float) - RAMP[1, 0]) * 255 / (4095 - RAMP[1, 0])
    assert np.abs(np.asarray(open_image(path), int)[1:] - inner).max() <= 3
    elements |= {"WindowCenter": "0.5", "WindowWidth": "1", "VOILUTFunction": "LINEAR_EXACT"}
    path = film(tmp_path / "b.dcm", pixels, **elements)
    assert np.abs(np.asarray(open_image(path), int)[1:] - RAMP[1:] * (255 / 4095)).max() <= 1


# What is empty or invalid is ignored, and said once


def empty_lut():
    from pydicom import Dataset

    item = Dataset()
    item.add_new(0x00283002, "US", None)
    item.add_new(0x00283006, "US", None)
    return item


USELESS = {
    "VOI LUT Sequence": {"VOILUTSequence": [empty_lut()]},
    "VOI LUT Sequence, no item": {"VOILUTSequence": []},
    "VOI LUT Sequence, cut off": {"VOILUTSequence": [lut(UP, 12, LUTData=[1, 2, 3])]},
    "Modality LUT Sequence": {"ModalityLUTSequence": [empty_lut()]},
    "Presentation LUT Sequence": {"PresentationLUTSequence": [empty_lut()]},
    "Rescale Slope": {"RescaleSlope": None, "RescaleIntercept": None},
    "Rescale Slope, 0": {"RescaleSlope": "0", "RescaleIntercept": "0"},
    "Window Width, 0": {"WindowCenter": "0", "WindowWidth": "0"},
    "Window Width, negative": {"WindowCenter": "2048", "WindowWidth": "-100"},
    "Window Width": {"WindowCenter": "2048", "WindowWidth": None},
    "Window Center": {"WindowCenter": None, "WindowWidth": "4096"},
    "Presentation LUT Shape": {"PresentationLUTShape": ""},
    "VOI LUT Function": {"WindowCenter": 2048, "WindowWidth": 4096, "VOILUTFunction": ""},
    "VOI LUT Function, unknown": {"WindowCenter": 2048, "WindowWidth": 4096, "VOILUTFunction": "CURVED"},
    "High Bit": {"HighBit": 3},
}


@pytest.mark.parametrize("case", USELESS)
def test_useless_elements_are_ignored_and_named(tmp_path, case):
    path = film(tmp_path / "a.dcm", RAMP, 12, PatientName="Quintanilla")
    import pydicom

    dataset = pydicom.dcmread(path)
    for name, value in USELESS[case].items():
        setattr(dataset, name, value)
    dataset.save_as(path)
    with opened(path) as file:
        pixels, _, remarks = decoded(file)
    assert np.abs(pixels - RAMP * (255 / 4095)).max() <= 1
    assert any(case.split(",")[0] in remark for remark in remarks) and "Quintanilla" not in str(remarks)


def test_a_number_that_is_none_is_ignored(tmp_path):
    path = film(tmp_path / "a.dcm", RAMP, 12, RescaleSlope="1", RescaleIntercept="0")
    path.write_bytes(path.read_bytes().replace(b"\x28\x00\x53\x10DS\x02\x001 ", b"\x28\x00\x53\x10DS\x02\x00x "))
    with opened(path) as file:
        pixels, _, remarks = decoded(file)
    assert np.abs(pixels - RAMP * (255 / 4095)).max() <= 1 and remarks == ["Rescale Slope"]


def test_what_is_ignored_is_said_once_for_the_set(tmp_path):
    for n in range(6):
        film(tmp_path / "ab"[n % 2] / f"{n}.dcm", RAMP, 12, WindowCenter="0", WindowWidth="0")
    with pytest.warns(UserWarning) as caught:
        dhl.load_dataset("folder", tmp_path, image_size=8)
    said = [str(each.message) for each in caught if "Window Width" in str(each.message)]
    assert len(said) == 1 and "in 6 DICOM files" in said[0]
    _, problems = dhl.validate("folder", tmp_path)
    assert problems["where"].str.contains("Window Width in 6 DICOM files").sum() == 1


# Files that are hard to read, and objects that are no films


@pytest.mark.parametrize("implicit", [True, False])
def test_no_transfer_syntax(tmp_path, implicit):
    import pydicom

    dataset = pydicom.dcmread(film(tmp_path / "a.dcm", RAMP, 12))
    del dataset.file_meta.TransferSyntaxUID
    dataset.save_as(tmp_path / "b.dcm", implicit_vr=implicit, little_endian=True)
    assert off(tmp_path / "b.dcm") <= 1


def test_compressed_without_a_transfer_syntax(tmp_path):
    import pydicom

    dataset = pydicom.dcmread(compressed(film(tmp_path / "a.dcm", RAMP, 12), "JPEG2000Lossless"))
    del dataset.file_meta.TransferSyntaxUID
    dataset.save_as(tmp_path / "b.dcm", implicit_vr=False, little_endian=True)
    with pytest.raises(ValueError, match="the file does not say how"):
        open_image(tmp_path / "b.dcm")


def test_a_compression_without_a_decoder_is_named(tmp_path):
    path = compressed(film(tmp_path / "a.dcm", RAMP, 12), "JPEGExtendedProcess2_4")
    with pytest.raises(ValueError, match="JPEG Extended .* with 12 bits, for which no decoder is installed"):
        open_image(path)
    import pydicom

    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.201"
    dataset.save_as(path)
    with pytest.raises(ValueError, match="High-Throughput JPEG 2000 .*, for which no decoder is installed"):
        open_image(path)


@pytest.mark.parametrize("display", ["window", "falling table"])
def test_compressed_films_go_the_same_way(tmp_path, display):
    elements, how = DISPLAYS[display]
    for syntax in ("JPEG2000Lossless", "RLELossless", "JPEGLSLossless"):
        path = film(tmp_path / "a.dcm", RAMP, 12, PhotometricInterpretation="MONOCHROME1", **written(elements))
        assert off(compressed(path, syntax), photometric="MONOCHROME1", **how) <= 1


SOP = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.parametrize(
    ("elements", "reason"),
    [({"Modality": "SEG"}, "a segmentation"), ({"SOPClassUID": f"{SOP}66.4"}, "a segmentation"),
     ({"Modality": "RTDOSE"}, "a radiotherapy dose"), ({"SOPClassUID": f"{SOP}481.2"}, "a radiotherapy dose"),
     ({"Modality": "PR"}, "a presentation state"), ({"SOPClassUID": f"{SOP}11.1"}, "a presentation state"),
     ({"SOPClassUID": f"{SOP}2.1"}, "computed tomography"), ({"SOPClassUID": f"{SOP}6.1"}, "ultrasound"),
     ({"Modality": "OPT"}, "a photograph or a microscope image"), ({"SOPClassUID": f"{SOP}88.59"}, "a report"),
     ({"PhotometricInterpretation": "PALETTE COLOR"}, "a colour image"), ({"SamplesPerPixel": 3}, "a colour image"),
     ({"PhotometricInterpretation": None}, "black or white"), ({"BitsAllocated": 1}, "a mask")],
)  # fmt: skip
def test_objects_that_are_no_films(tmp_path, elements, reason):
    with pytest.raises(ValueError, match=reason):
        open_image(film(tmp_path / "a.dcm", RAMP, 12, **elements))


@pytest.mark.parametrize("modality", ["CR", "DX", "MG", "PX", "IO", "RF", "RG", "XA", "OT", "RTIMAGE", None, ""])
def test_radiographs_of_any_kind_are_read(tmp_path, modality):
    sop_classes = ("1", "1.1", "1.1.1", "1.2", "1.3", "7", "12.1", "12.2", "481.1")
    for sop_class in sop_classes:
        assert off(film(tmp_path / "a.dcm", RAMP, 12, Modality=modality, SOPClassUID=SOP + sop_class)) <= 1


@pytest.mark.filterwarnings("ignore:.*counts as one patient")
def test_more_bits_than_the_set_has_are_refused(tmp_path):
    for n in range(4):
        save(tmp_path / "ab"[n % 2] / f"{n}.png", 20 * n)
    film(tmp_path / "a" / "deep.dcm", RAMP * 16, 16)
    with refused("deep.dcm", "an image of 16 bits (values up to 65520) in a set that is scaled by 12 bits"):
        dhl.load_dataset("folder", tmp_path, image_size=8, depth=12)
