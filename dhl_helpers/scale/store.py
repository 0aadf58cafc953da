"""Features in a file that may be larger than memory, grows in pieces and survives a kill.

The layout is Zarr, version 3: a folder with a JSON header and one file of raw numbers per piece. Parquet would be one
file whose footer comes last: a killed run leaves nothing readable, and two processes cannot write to it. Here a piece
is there or not, several processes may write different ones, and any rows can be read alone. Pieces are not compressed
(features are noise to a compressor), so that NumPy reads and writes them; `zarr.open_array` opens the folder too.
The folder sha256 has the digest of header and piece for each piece: damage is noticed wherever it is read.
"""

import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..cache import PIECE, rounded
from ..errors import DataError
from ..files import remove, room_for, tidy, write

FORMAT = 2
OWN = re.compile(r"zarr\.json|images\.csv|c(/\d+(/0)?)?|sha256(/\d+)?|(.+/)?\.dhl-.+")  # what the folder may hold


class FeatureFile:
    """Features of shape (n, d) on disk; `features[rows]` and `np.asarray(features)` read them as float32.

    Parameters
    ----------
    path : str or path
        The folder that `create` made.

    Attributes
    ----------
    shape : tuple of int
        (n, d).
    stored : numpy.dtype
        Of the numbers on disk.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, path, header=None):
        self.path = Path(path)
        try:
            self._header = header or (self.path / "zarr.json").read_bytes()
            told = json.loads(self._header)
            self.made_of = told["attributes"]["dhl_helpers"]
            self.shape, self.stored = tuple(told["shape"]), np.dtype(told["data_type"]).newbyteorder("<")
            self.piece = told["chunk_grid"]["configuration"]["chunk_shape"][0]
            if len(self.shape) != 2 or min(self.piece, self.shape[1]) < 1:
                raise ValueError
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DataError(f"{self.path}: not a file of features that `extract` wrote.") from error
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise DataError(f"{self.path / 'zarr.json'}: damaged. Run the extraction again.") from error

    @classmethod
    def create(cls, path, shape, storage, made_of):
        """Begin a file, or go on with the one that is there.

        Parameters
        ----------
        path : str or path
        shape : tuple of int
            (n, d).
        storage : {"float32", "float16"}
        made_of : dict
            What identifies the images, the network and the computation; may be written as JSON.

        Returns
        -------
        FeatureFile

        Raises
        ------
        DataError
            If something else is there, or features made of something else.
        """
        path, header = Path(path), _header(shape, storage, made_of).encode()
        if path.exists() and not path.is_dir():
            raise DataError(f"{path}: not a file of features that `extract` wrote. Give another name.")
        path.mkdir(parents=True, exist_ok=True)
        tidy(path, below=True)
        here = [each.relative_to(path).as_posix() for each in path.rglob("*")]
        if foreign := [name for name in here if not OWN.fullmatch(name)]:
            raise DataError(f"{path}: not a file of features that `extract` wrote: it holds {foreign[0]}.")
        wanted = cls(path, header)
        pieces = sorted({int(name.split("/")[1]) for name in here if name.count("/") and ".dhl-" not in name})
        try:
            there = cls(path)
        except DataError:
            there = None
        if there is None or there._header != header:  # a damaged header is written again if the pieces say so
            begun = pieces or os.path.lexists(path / "zarr.json")
            if begun and not any(wanted._numbers(piece) is not None for piece in pieces):
                differs = [name for name in made_of if there and there.made_of.get(name) != made_of[name]]
                what = ", ".join(differs) or "shape"
                raise DataError(f"{path}: holds other features (differs in: {what}). Give another name, or move it.")
            write(path / "zarr.json", header)
        to_come = len(range(0, shape[0], PIECE)) - len(pieces)
        room_for(path, to_come * PIECE * shape[1] * wanted.stored.itemsize)
        return wanted

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"FeatureFile({str(self.path)!r}, {self.shape}, {self.stored.name})"

    def missing(self):
        """The pieces that are not there yet, or damaged.

        Returns
        -------
        list of slice
            Their rows.
        """
        rows = [slice(start, min(start + self.piece, len(self))) for start in range(0, len(self), self.piece)]
        return [each for each in rows if self._numbers(each.start // self.piece) is None]

    def write(self, rows, features):
        """Write one piece; it appears whole, or not at all.

        Parameters
        ----------
        rows : slice
            As `missing` gives it.
        features : ndarray of float32, shape (rows, d)

        Raises
        ------
        DataError
            If a feature is too large for float16.
        """
        piece = np.full((self.piece, self.shape[1]), np.nan, self.stored)
        piece[: len(features)] = rounded(features, self.stored)
        number, content = rows.start // self.piece, piece.tobytes()
        for file, what in zip(self._files(number), (self._digest(content), content), strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            write(file, what)

    def tidy(self):
        """Remove what killed processes left."""
        tidy(self.path, below=True)

    def remove(self):
        """Remove the features; the folder goes with them where nothing else is in it."""
        self.tidy()
        for name in ("c", "sha256", "zarr.json"):
            remove(self.path / name)
        with suppress(OSError):
            self.path.rmdir()

    def __getitem__(self, rows):
        """The features at `rows` (a slice, a boolean mask, positions or one position), ndarray of float32."""
        rows = np.arange(len(self))[rows]
        if rows.ndim == 0:
            return self[rows[None]][0]
        features = np.empty((len(rows), self.shape[1]), np.float32)
        for piece in np.unique(rows // self.piece):
            here = rows // self.piece == piece
            numbers = self._numbers(piece)
            if numbers is None:
                state = "damaged" if self._files(piece)[1].exists() else "missing"
                raise DataError(f"{self.path}: piece {piece} is {state}. Run the extraction again.")
            features[here] = numbers[rows[here] % self.piece]
        return features

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or np.float32, copy=False)

    def _files(self, piece):
        return self.path / "sha256" / str(piece), self.path / "c" / str(piece) / "0"

    def _numbers(self, piece):
        """The numbers of a piece as they are stored; None where it is missing or damaged."""
        try:
            digest, content = (file.read_bytes() for file in self._files(piece))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        if digest.decode("ascii", "replace") != self._digest(content):
            return None
        return np.frombuffer(content, self.stored).reshape(self.piece, -1)

    def _digest(self, content):
        return hashlib.sha256(self._header + content).hexdigest()


def _header(shape, storage, made_of):
    """The header of a Zarr array, with what the features are made of among its attributes."""
    n, d = map(int, shape)
    grid = {"name": "regular", "configuration": {"chunk_shape": [PIECE, d]}}
    header = {"zarr_format": 3, "node_type": "array", "shape": [n, d], "data_type": storage, "chunk_grid": grid}
    header["chunk_key_encoding"] = {"name": "default", "configuration": {"separator": "/"}}
    header |= {"fill_value": "NaN", "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}
    return json.dumps(header | {"attributes": {"dhl_helpers": {"format": FORMAT, **made_of}}}, indent=1)
