"""Encodes a mask as a brush of Label Studio: the packed bit stream that its page reads.

Source: the README of thi.ng/rle-pack; label_studio_sdk.converter.brush for the four channels and
the sizes of runs.
"""

import numpy as np
import numpy.typing as npt

_CHANNELS = 4
_WHITE = 255
_SIZE_BITS = (3, 4, 8, 16)
"""The number of bits of a run length, for each of the four size classes."""
_VALUE_BITS = 8


def encode_brush(bitmap: npt.NDArray[np.uint8]) -> list[int]:
    """The brush of a mask, as a list of bytes (int, 0 to 255).

    A brush encodes four channels in row-major order. All four are 255 at a marked pixel.

    Args:
        bitmap: uint8[H, W]; values other than 0 are marked.
    """
    marked = bitmap.ravel() > 0
    starts = np.concatenate([[0], np.flatnonzero(np.diff(marked)) + 1])
    lengths = _CHANNELS * np.diff(starts, append=len(marked))
    lengths, values = _cut(lengths, np.where(marked[starts], _WHITE, 0), most=1 << _SIZE_BITS[-1])
    header = f"{_CHANNELS * len(marked):032b}{_VALUE_BITS - 1:05b}{''.join(f'{bits - 1:04b}' for bits in _SIZE_BITS)}"
    bits = np.concatenate([np.array(list(header), np.uint8), _blocks(lengths, values)])
    return np.packbits(bits).tolist()


def _cut(
    lengths: npt.NDArray[np.int64], values: npt.NDArray[np.int64], *, most: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Splits runs that are longer than `most`."""
    pieces = -(-lengths // most)
    split_lengths = np.full(pieces.sum(), most, np.int64)
    last = np.cumsum(pieces) - 1
    split_lengths[last] = lengths - (pieces - 1) * most
    return split_lengths, np.repeat(values, pieces)


def _blocks(lengths: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The bits of all runs. Each run has a 1, its size class, its length - 1, and its value.

    The size class gives the number of bits of the length.
    """
    classes = np.searchsorted([1 << bits for bits in _SIZE_BITS], lengths)
    size_bits = np.array(_SIZE_BITS)[classes]
    codes = (4 + classes) << size_bits | (lengths - 1)
    codes = codes << _VALUE_BITS | values
    widths = 3 + size_bits + _VALUE_BITS
    places = np.arange(widths.max())
    bits = (codes[:, None] >> np.maximum(widths[:, None] - 1 - places, 0) & 1).astype(np.uint8)
    written_bits: npt.NDArray[np.uint8] = bits[places < widths[:, None]]
    return written_bits
