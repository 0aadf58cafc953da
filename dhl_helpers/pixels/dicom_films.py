"""Which DICOM objects are radiographs: one table of those that are not, by SOP class and by modality.

SOP classes after PS3.4 B.5, modalities after PS3.3 C.7.3.1.1.1. What is in neither column is taken for a film, as long
as it is one grey frame.
"""

STORAGE = "1.2.840.10008.5.1.4.1.1."  # the beginning of the UIDs in the second column
NO_FILMS = [
    ("a slice of computed tomography", "2", {"CT"}),
    ("a slice of magnetic resonance", "4", {"MR", "MS"}),
    ("a slice of positron emission tomography", "128 130", {"PT"}),
    ("a slice of nuclear medicine", "5 20", {"NM", "ST"}),
    ("an ultrasound image", "3 6", {"US", "IVUS", "BDUS", "BMD"}),
    ("a reconstructed volume", "13.1.1 13.1.2 13.1.3 13.1.4 13.1.5", set()),
    ("a segmentation", "66.4 66.5 66.7", {"SEG"}),
    ("a radiotherapy dose", "481.2", {"RTDOSE"}),
    ("a radiotherapy plan or record", "481.3 481.4 481.5 481.6 481.7 481.8 481.9 481.10 481.11 481.12 481.13 34",
     {"RTPLAN", "RTSTRUCT", "RTRECORD", "RTINTENT", "RTRAD", "RTSEGANN", "PLAN"}),
    ("a presentation state", "11", {"PR"}),
    ("a report or a selection of images", "88", {"SR", "KO"}),
    ("a document", "104", {"DOC"}),
    ("a waveform", "9", {"ECG", "EPS", "HD", "AU", "RESP", "EEG", "EMG", "EOG"}),
    ("a photograph or a microscope image", "77.1", {"XC", "ES", "GM", "SM", "OP", "OPT", "OPV", "OPM", "DMS", "OCT"}),
    ("a map of parameters, a surface or raw data", "30 66 66.1 66.2 66.3 66.6 67 68 200", {"REG", "FID", "RWV", "M3D"}),
    ("a map of eye measurements", "78 79 80 81 82", {"AR", "KER", "LEN", "SRF", "VA", "IOL", "OAM", "OSS"}),
]  # fmt: skip
GREY = {"MONOCHROME1", "MONOCHROME2"}
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
MOST_PIXELS = 30_000_000  # large mammograms have 28; a file that claims more is a mistake or an attack


def check(dataset):
    """Raise ValueError, with the reason, if an object is not one grey radiograph."""
    if not any(name in dataset for name in PIXELS):
        raise ValueError("a DICOM object without an image")
    sop_class, modality = (str(dataset.get(name) or "").strip() for name in ("SOPClassUID", "Modality"))
    kind = sop_class.removeprefix(STORAGE) if sop_class.startswith(STORAGE) else ""
    for what, classes, modalities in NO_FILMS:
        if modality.upper() in modalities or any(kind == c or kind.startswith(f"{c}.") for c in classes.split()):
            raise ValueError(f"{what}, not a radiograph")
    frames = dataset.get("NumberOfFrames")
    if frames not in (None, "") and int(frames) != 1:
        raise ValueError(f"{int(frames)} frames in one file; export each as a file of its own")
    photometric = str(dataset.get("PhotometricInterpretation") or "").strip()
    if not photometric:
        raise ValueError("it does not say whether its lowest value is black or white (Photometric Interpretation)")
    if photometric not in GREY or int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise ValueError(f"a colour image ({photometric}), not a grey radiograph")
    if int(dataset.get("BitsAllocated") or 16) == 1:
        raise ValueError("one bit per pixel: a mask, not a radiograph")
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if not 0 < rows * columns <= MOST_PIXELS:
        raise ValueError(f"{rows} x {columns} pixels: none, or too many for a film")
