"""The download of the open data sets: to a temporary file, checked against the published checksum, then in place."""

import hashlib
import time
from pathlib import Path

import requests
import urllib3

from ..errors import DataError
from ..files import replacing, room_for, try_out
from ..progress import progress
from ..readers import REGISTRY, named

SECONDS = 30  # without an answer
PATIENCE, SLOWEST = 15, 20_000  # seconds, and then bytes per second on average
PLAIN = {"Accept-Encoding": "identity"}  # so that the length that is announced is that of the file
# Images of each set, rounded up; no archive is larger than they are without compression, in three channels.
IMAGES = {"pathmnist": 110_000, "chestmnist": 115_000, "dermamnist": 11_000, "octmnist": 110_000,
          "pneumoniamnist": 6_000, "retinamnist": 2_000, "breastmnist": 1_000, "bloodmnist": 18_000,
          "tissuemnist": 240_000, "organamnist": 60_000, "organcmnist": 25_000, "organsmnist": 26_000}  # fmt: skip


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
    if file.exists():
        if file.is_file() and md5(file) == checksum:
            return file
        raise DataError(f"{file}: there already, and not the published file. Move it away and try again. {by_hand}")
    try_out(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as unfinished:
        try:
            download(address, unfinished, size * size * 3 * IMAGES.get(name, 300_000))
        except (requests.RequestException, Refused) as error:
            raise DataError(f"{name!r} could not be downloaded: {error}. Try again later. {by_hand}") from error
        if md5(unfinished) != checksum:
            reason = "what came has another checksum"
            raise DataError(f"{name!r} could not be downloaded: {reason}. Try again later. {by_hand}")
    return file


class Refused(Exception):
    """What a server sends is too slow or too much."""


def download(address, file, most):
    """Write what a server sends to a file, as long as it comes fast enough and is not more than was promised."""
    begin, done = time.monotonic(), 0
    asked = requests.get(address, stream=True, timeout=SECONDS, headers=PLAIN)
    with asked as answer, open(file, "wb") as stream:
        answer.raise_for_status()
        promised = int(answer.headers.get("content-length") or 0)
        if promised > most:
            raise Refused(f"{promised / 1e6:.1f} MB are announced, at most {most / 1e6:.1f} MB are expected")
        room_for(file.parent, promised)
        with progress(total=promised or None, unit="B", description=file.name[-30:]) as bar:
            while piece := read(answer):
                stream.write(piece)
                bar.update(len(piece))
                done += len(piece)
                if done > (promised or most):
                    raise Refused(f"more than {(promised or most) / 1e6:.1f} MB came")
                if time.monotonic() - begin > PATIENCE + done / SLOWEST:
                    raise Refused(f"only {done / 1000:.0f} kB came in {time.monotonic() - begin:.0f} s")
    if done < promised:
        raise Refused(f"the connection broke off after {done / 1e6:.1f} of {promised / 1e6:.1f} MB")


def read(answer):
    """What has arrived: unlike `iter_content`, this does not wait until a piece is full."""
    try:
        return answer.raw.read1(2**16, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise Refused(error) from error


def md5(file):
    """The MD5 of a file, as publishers name it."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
