"""Arrays from `.npz` files, read to the last byte: only there does a zip file compare a member with its checksum."""

import zipfile

import numpy as np

MOST_TIMES = 200  # that a member may be larger than what is stored of it, beyond 128 MB


def read_arrays(file, names=None):
    """Read the arrays of an .npz file, none of them pickled.

    Parameters
    ----------
    file : path
    names : collection of str, optional
        Read only these, where they are there; by default all.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    FileNotFoundError
    ValueError
        If the file is damaged, holds pickled objects, or would unpack to more than 200 times its size.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            for name in members if names is None else [name for name in members if name in names]:
                size, stored = members[name].file_size, members[name].compress_size
                if size > max(2**27, MOST_TIMES * stored):
                    raise ValueError(f"{name} would unpack to more than {MOST_TIMES} times its size")
                with archive.open(members[name]) as stream:
                    arrays[name] = _read(stream, size)
                    if stream.read(1):  # the end, where zipfile compares the checksum
                        raise ValueError(f"{name} has more bytes than its shape tells")
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds on a broken file
        raise ValueError(str(error) or type(error).__name__) from error
    return arrays


def _read(stream, size):
    """The array of one member, whose header may not promise more than there is."""
    version = np.lib.format.read_magic(stream)
    head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = head(stream)
    if dtype.hasobject or min(shape, default=0) < 0 or np.prod(shape, dtype=object) * dtype.itemsize > size:
        raise ValueError(f"an array of {dtype} {shape} is not in its {size} bytes")
    array = np.empty(int(np.prod(shape, dtype=object)), dtype)
    view, done = memoryview(array.view(np.uint8)) if array.size else memoryview(b""), 0
    while done < len(view):
        if not (count := stream.readinto(view[done : done + 2**20])):
            raise ValueError("it ends too early")
        done += count
    return array.reshape(shape, order="F" if fortran else "C")
