"""Weights in the file format of PyTorch before 1.6, read without PyTorch and without running what a pickle may hold.

Such a file is five pickles one after the other (a magic number, the protocol, the byte order, the tensors without
their numbers, the names of the storages), then the numbers of each storage. A pickle can call any function that it
names, so this reader admits three kinds of names only: tensors, storages and OrderedDict. Every other name is refused.
"""

import io
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np

from .errors import DataError

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {
    "HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8",
    "ByteStorage": "<u1", "CharStorage": "<i1", "ShortStorage": "<i2", "IntStorage": "<i4", "LongStorage": "<i8",
}  # fmt: skip


def read(path):
    """Read the weights of a network (its "state dict").

    Parameters
    ----------
    path : str or path

    Returns
    -------
    dict of str to ndarray
        In the order of the file, which is that of the network's layers.

    Raises
    ------
    DataError
        If the file is damaged, is of another format, or names anything but tensors, storages and OrderedDict.
    """
    try:
        stream = io.BytesIO(Path(path).read_bytes())
        heading = [_Reader(stream).load() for _ in range(3)]
        if heading[0] != MAGIC or heading[1] != 1001 or not heading[2]["little_endian"]:
            raise pickle.UnpicklingError("it does not begin as such a file does")
        tensors = _Reader(stream)
        weights, storages = tensors.load(), tensors.storages
        for name in _Reader(stream).load():
            count = int.from_bytes(stream.read(8), "little")
            if count != len(storages[name]) or stream.readinto(storages[name]) != storages[name].nbytes:
                raise pickle.UnpicklingError(f"the numbers of storage {name} are cut off")
            storages.pop(name)
        if storages or stream.read(1):
            raise pickle.UnpicklingError("its numbers and its tensors do not match")
        return {name: np.array(weights[name]) for name in weights}
    except Exception as error:  # a damaged pickle can raise any kind
        raise DataError(
            f"{path}: not weights in PyTorch's format before version 1.6 ({str(error) or type(error).__name__}). Get "
            "the file again."
        ) from error


class _Reader(pickle._Unpickler):  # the one in Python: the one in C takes any amount of memory that a file asks for
    """One of the pickles; its `storages` are filled with numbers afterwards, and the tensors are views of them."""

    def __init__(self, stream):
        super().__init__(stream)
        self.left, self.storages = stream.getbuffer().nbytes, {}  # bytes that its numbers can still take

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in STORAGES:
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no file of weights needs")

    def persistent_load(self, pid):
        kind, storage, name, _, count, view = pid
        if name not in self.storages:
            self.left -= count * np.dtype(STORAGES[storage]).itemsize
            if kind != "storage" or view is not None or count < 0 or self.left < 0:
                raise pickle.UnpicklingError(f"its storage {name!r} does not fit")
            self.storages[name] = np.zeros(count, STORAGES[storage])
        return self.storages[name]


def _tensor(storage, offset, shape, strides, *_):
    """A view of a storage; raises where it would reach beyond it."""
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if min(offset, *shape, *strides, 0) < 0 or last >= len(storage):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    strides = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, strides, writeable=False)
