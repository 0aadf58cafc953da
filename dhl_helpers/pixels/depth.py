"""How many bits an image of 16 bits really has, where its file does not say so: 12 bits are often kept in 16."""

import numpy as np

BITS = (8, 12, 16)
BEYOND = 0.005  # of the pixels may be brighter than white: a burnt-in mark, a damaged value


def counted(pixels, n):
    """How many pixels have each of the values 0 to n - 1; ndarray of int64, shape (n,)."""
    blocks = np.array_split(pixels, pixels.size // 2**20 + 1)  # NumPy counts in 8 bytes per pixel
    return sum(np.bincount(block.ravel(), minlength=n) for block in blocks)


def looked_up(table, pixels):
    """`table[pixels]` of an image (h, w), some rows at a time, since NumPy makes indices of 8 bytes from them."""
    rows = 2**20 // pixels.shape[1] + 1
    return np.concatenate([table[pixels[row : row + rows]] for row in range(0, len(pixels), rows)])


def fixed(depth, values, counts):
    """The depth of one image: that of its set, or where none is fixed yet, the fewest bits that hold the image.

    Parameters
    ----------
    depth : int or None
        Bits, as fixed for the set.
    values, counts : ndarray of int, shape (n,)
        Values of 0 to 65,535, and how many pixels have each. One pixel in 200 may be brighter than white.

    Returns
    -------
    {8, 12, 16}

    Raises
    ------
    ValueError
        If the image has more bits than its set.
    """
    total = counts.sum()
    own = next((bits for bits in BITS if counts[values >= 2**bits].sum() <= BEYOND * total), BITS[-1])
    if depth is not None and own > depth:
        highest = values[counts > 0].max()
        raise ValueError(f"an image of {own} bits (values up to {highest}) in a set that is scaled by {depth} bits")
    return depth or own
