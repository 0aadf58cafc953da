"""The download of the open data sets: to a temporary file, checked against the published checksum, then in place."""

from pathlib import Path

from ..errors import DataError
from ..readers import REGISTRY, named

SECONDS = 30  # without an answer


def fetch(name, size, folder):
    """Download a data set, unless it is there already.

    Parameters
    ----------
    name : str
    size : int
        Pixels, where the publisher offers several sizes.
    folder : str or path

    Returns
    -------
    Path
        The file. A download that breaks off leaves nothing behind; the next one starts again.

    Raises
    ------
    DataError
        If the set cannot be downloaded so, with the address, the checksum and where to put the file by hand.
    """
    import pooch
    import requests

    downloads = named(name).downloads
    if not downloads:
        open_ones = ", ".join(known for known, reader in REGISTRY.items() if reader.downloads)
        source = named(name).source or "it is yours"
        raise DataError(f"{name!r} is not downloaded by this command: {source}. It can get {open_ones}.")
    if size not in downloads:
        raise DataError(f"{name!r} has no size {size}; choose {', '.join(map(str, downloads))}.")
    address, checksum = downloads[size]
    file = Path(folder, f"{name}.npz" if size == 28 else f"{name}_{size}.npz")
    by_hand = f"By hand: get {address} , check that its MD5 is {checksum}, and save it as {file}."
    if file.exists() and pooch.file_hash(str(file), "md5") != checksum:
        raise DataError(f"{file}: there already, and not the published file. Move it away and try again. {by_hand}")
    pooch.get_logger().setLevel("ERROR")
    loader = pooch.HTTPDownloader(progressbar=True, timeout=SECONDS)
    try:
        pooch.retrieve(address, f"md5:{checksum}", file.name, folder, downloader=loader)
    except (requests.RequestException, OSError, ValueError) as error:  # ValueError: another checksum
        reason = "what came has another checksum" if isinstance(error, ValueError) and "hash" in str(error) else error
        raise DataError(f"{name!r} could not be downloaded: {reason}. Try again later. {by_hand}") from error
    return file
