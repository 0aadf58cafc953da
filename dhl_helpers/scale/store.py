"""Features in a file that may be larger than memory, grows in pieces and survives a kill.

The layout is Zarr, version 3: a folder with a JSON header and one file of raw numbers per piece. Parquet would be one
file whose footer comes last: a killed run leaves nothing readable, and two processes cannot write to it. Here a piece
is there or not, several processes may write different ones, and any rows can be read alone. Pieces are not compressed
(features are noise to a compressor), so that NumPy reads and writes them; `zarr.open_array` opens the folder too.
"""

import json
import os
import socket
from pathlib import Path

import numpy as np

from ..cache import PIECE, rounded
from ..errors import DataError

FORMAT = 1


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

    def __init__(self, path):
        self.path = Path(path)
        try:
            header = json.loads((self.path / "zarr.json").read_text(encoding="utf-8"))
            self.made_of = header["attributes"]["dhl_helpers"]
            self.shape, self.stored = tuple(header["shape"]), np.dtype(header["data_type"]).newbyteorder("<")
            self.piece = header["chunk_grid"]["configuration"]["chunk_shape"][0]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"{self.path}: not a file of features that `extract` wrote.") from error

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
        path, header = Path(path), _header(shape, storage, made_of)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            there = cls(path)
            if (path / "zarr.json").read_text(encoding="utf-8") != header:
                differs = [name for name in made_of if there.made_of.get(name) != made_of[name]]
                raise DataError(
                    f"{path}: holds other features (differs in: {', '.join(differs) or 'shape'}). Give another name, "
                    "or delete it."
                )
            return there
        path.mkdir(parents=True, exist_ok=True)
        _write(path / "zarr.json", header.encode())
        return cls(path)

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"FeatureFile({str(self.path)!r}, {self.shape}, {self.stored.name})"

    def missing(self):
        """The pieces that are not there yet, or cut off.

        Returns
        -------
        list of slice
            Their rows.
        """
        size = self.piece * self.shape[1] * self.stored.itemsize
        rows = [slice(start, min(start + self.piece, len(self))) for start in range(0, len(self), self.piece)]
        return [each for each in rows if not _has(self._file(each.start), size)]

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
        self._file(rows.start).parent.mkdir(parents=True, exist_ok=True)
        _write(self._file(rows.start), piece.tobytes())

    def tidy(self):
        """Remove what killed processes left; call it when nobody writes any more."""
        for file in self.path.rglob(".unfinished-*"):
            file.unlink(missing_ok=True)

    def __getitem__(self, rows):
        """The features at `rows` (a slice, a boolean mask, positions or one position), ndarray of float32."""
        rows = np.arange(len(self))[rows]
        if rows.ndim == 0:
            return self[rows[None]][0]
        features = np.empty((len(rows), self.shape[1]), np.float32)
        for piece in np.unique(rows // self.piece):
            here = rows // self.piece == piece
            try:
                numbers = np.fromfile(self._file(piece * self.piece), self.stored).reshape(self.piece, -1)
            except (OSError, ValueError) as error:
                raise DataError(f"{self.path}: piece {piece} is missing. Run the extraction again.") from error
            features[here] = numbers[rows[here] % self.piece]
        return features

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or np.float32, copy=False)

    def _file(self, row):
        return self.path / "c" / str(row // self.piece) / "0"


def _header(shape, storage, made_of):
    """The header of a Zarr array, with what the features are made of among its attributes."""
    n, d = map(int, shape)
    return json.dumps(
        {
            "zarr_format": 3,
            "node_type": "array",
            "shape": [n, d],
            "data_type": storage,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [PIECE, d]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": "NaN",
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "attributes": {"dhl_helpers": {"format": FORMAT, **made_of}},
        },
        indent=1,
    )


def _has(file, size):
    try:
        return file.stat().st_size == size
    except OSError:
        return False


def _write(file, content):
    unfinished = file.with_name(f".unfinished-{socket.gethostname()}-{os.getpid()}")
    with open(unfinished, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())  # or a power cut could leave the name without the content
    os.replace(unfinished, file)
