"""Files to arrays of 224 pixels: `load_dataset` against a loop with Pillow, one format after the other."""

import warnings
from pathlib import Path

import numpy as np
from measure import compare, keep
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

import dhl_helpers as dhl
from dhl_helpers.files import temporary_folder

SIZE = 224
FORMATS = {"JPEG, 1654 x 1357": (1654, 1357, "jpg", 60), "JPEG, 512 x 512": (512, 512, "jpg", 200),
           "PNG, 1024 x 1024": (1024, 1024, "png", 60), "DICOM, 1024 x 1024": (1024, 1024, "dcm", 60)}  # fmt: skip


def write(folder, width, height, suffix, n):
    """Made films: smooth noise, which compresses about as films do, in two class folders."""
    rng = np.random.default_rng(0)
    for number in range(n):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24), np.uint8)).resize((width, height), Image.BICUBIC)
        pixels = np.clip(np.asarray(coarse) + rng.normal(0, 6, (height, width)), 0, 255).astype(np.uint8)
        path = folder / ("a", "b")[number % 2] / f"{number:03}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        dicom(path, pixels) if suffix == "dcm" else Image.fromarray(pixels).save(path)


def dicom(path, pixels):
    """An uncompressed DICOM file of one grey image."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    film.SOPClassUID, film.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    film.Modality, film.PhotometricInterpretation = "DX", "MONOCHROME2"
    film.SamplesPerPixel, film.PixelRepresentation = 1, 0
    film.Rows, film.Columns = pixels.shape
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit, film.PixelData = 7, pixels.tobytes()
    film.save_as(path, enforce_file_format=True)


def plain(paths):
    """What a tutorial does: open, turn grey, shrink; pydicom where Pillow cannot."""
    import pydicom

    arrays = []
    for path in paths:
        if path.suffix == ".dcm":
            image = Image.fromarray(pydicom.dcmread(path).pixel_array)
        else:
            image = Image.open(path, formats=["JPEG", "PNG"])
        arrays.append(np.asarray(image.convert("L").resize((SIZE, SIZE), Image.BILINEAR)))
    return np.stack(arrays)


def loaded(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no patients are known
        return dhl.load_dataset("folder", folder, image_size=SIZE)


def main():
    tables = []
    for name, (width, height, suffix, n) in FORMATS.items():
        with temporary_folder() as folder:
            folder = Path(folder)
            write(folder, width, height, suffix, n)
            paths = sorted(folder.rglob(f"*.{suffix}"))
            ways = {"a loop with Pillow": lambda paths=paths: plain(paths),
                    "load_dataset": lambda folder=folder: loaded(folder)}  # fmt: skip
            tables.append(compare(f"loading, {name}", n, ways))
    keep("loading", tables)


if __name__ == "__main__":
    main()
