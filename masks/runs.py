"""COCO RLE strings to runs and back. Every string passes this strict check before other code reads
it.

Format (pycocotools, maskApi.c, rleToString): pixels in column-major order, run lengths that
alternate and start with background. A run is cut into 5-bit groups, least significant first; a byte
is 48 + group, + 32 when another byte follows; bit 16 of the last group is the sign. From the fourth
run on, the number stored is the run minus the run two before it.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from .arrays import Int64Array, UInt8Array

MAX_PIXELS = 2**31 - 1
MAX_MASKS = 1 << 20
MAX_COUNTS_BYTES = 1 << 25
"""Limit for all strings of one call. Parsing briefly takes up to 40 times as much memory, a
fingerprint up to 80 times.
"""

_MAX_GROUPS = 7
_RE_ENCODE = "Encode the mask again with brokenvideos.masks.encode or pycocotools.mask.encode."
_WRONG_SIZE = (
    "Check that height and width are those of the mask, in this order, and encode it "
    "again if they are."
)


class RLEError(ValueError):
    """A string that is not canonical COCO RLE for its size, or a batch over its budget.

    `index` is the position of the mask in the batch, None if the whole batch is refused. `problem`
    is the message without it.
    """

    def __init__(self, problem: str, index: int | None = None) -> None:
        # all arguments, because workers send errors by pickling `args`
        super().__init__(problem, index)
        self.problem = problem
        self.index = index

    def __str__(self) -> str:
        return self.problem if self.index is None else f"mask {self.index}: {self.problem}"


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Run lengths of N masks of one size.

    `lengths` is int64[R]; mask i owns lengths[offsets[i]:offsets[i + 1]], background first;
    `offsets` is int64[N + 1]. Each mask sums to height · width and only its first run may be 0.
    """

    lengths: Int64Array
    offsets: Int64Array
    height: int
    width: int

    def __len__(self) -> int:
        """N, the number of masks."""
        return len(self.offsets) - 1


def parse(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    max_masks: int = MAX_MASKS,
    max_bytes: int = MAX_COUNTS_BYTES,
) -> Runs:
    """Run lengths of N masks of one size. The result is valid, so later steps need no checks.

    Args:
        counts: N canonical COCO RLE strings; may be empty.
        height, width: of every mask, in pixels; height · width < 2³¹.
        max_masks, max_bytes: limits for N and for the length of all strings together.

    Raises:
        RLEError: the first broken rule, at the first mask that breaks it. Rules, in this order: the
            size; the limits; no empty string; bytes 48 to 111; no string that ends inside a number;
            at most 7 bytes per number; each number in its shortest form; no negative run; no run
            longer than the mask; no empty run after the first; runs that sum to height · width.
    """
    height, width = checked_size(height, width)
    text, bounds = joined(counts, max_masks=max_masks, max_bytes=max_bytes)
    if not len(counts):
        return Runs(np.zeros(0, np.int64), np.zeros(1, np.int64), height, width)
    groups = _groups(text, bounds)
    # A number ends where the continuation bit is not set.
    ends = np.flatnonzero(groups < 32)
    numbers = _numbers(groups, ends, bounds)
    offsets = np.concatenate([[0], np.searchsorted(ends, bounds)])
    runs = Runs(_undo_differences(numbers, offsets), offsets, height, width)
    _require_sound(runs)
    return runs


def check(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    max_masks: int = MAX_MASKS,
    max_bytes: int = MAX_COUNTS_BYTES,
) -> None:
    """Checks that all strings are canonical COCO RLE of this size: the only string that an encoder
    may write for a bitmap.

    Raises:
        RLEError: as `parse`.
    """
    parse(counts, height=height, width=width, max_masks=max_masks, max_bytes=max_bytes)


def format_runs(runs: Runs) -> list[str]:
    """Canonical COCO RLE strings, one per mask: the inverse of `parse`.

    Raises:
        RLEError: runs that cannot be written as a string (negative, empty after the first, wrong
            sum).
    """
    checked_size(runs.height, runs.width)
    if not len(runs):
        return []
    _require_sound(runs)
    numbers = runs.lengths.copy()
    numbers[2:] -= runs.lengths[:-2]
    for ordinal in range(3):  # the first three runs of a mask are stored as they are
        at = runs.offsets[:-1] + ordinal
        at = at[at < runs.offsets[1:]]
        numbers[at] = runs.lengths[at]
    # k groups hold -2^(5k-1) … 2^(5k-1) - 1.
    sizes = 1 + np.searchsorted(
        1 << np.arange(4, 5 * _MAX_GROUPS, 5), np.where(numbers < 0, ~numbers, numbers), "right"
    )
    ends = np.cumsum(sizes)
    starts = ends - sizes
    text = np.empty(ends[-1], np.uint8)
    for group in range(int(sizes.max())):
        at = np.flatnonzero(sizes > group)
        text[starts[at] + group] = (
            48 + (numbers[at] >> 5 * group & 31) + 32 * (sizes[at] > group + 1)
        )
    joined = text.tobytes().decode("ascii")
    bounds = [0, *ends[runs.offsets[1:] - 1].tolist()]
    return [joined[start:stop] for start, stop in pairwise(bounds)]


def checked_size(height: int, width: int) -> tuple[int, int]:
    """Height and width as plain ints.

    Raises:
        RLEError: not integers, a side below 1, or 2³¹ pixels and more.
    """
    try:
        height, width = operator.index(height), operator.index(width)
    except TypeError:
        raise RLEError(
            f"size [{height!r}, {width!r}]: wanted two integers, [height, width] in pixels."
        ) from None
    if height < 1 or width < 1:
        raise RLEError(
            f"size [{height}, {width}]: height and width must be at least 1. Pass the size of the "
            "decoded frames, height first."
        )
    if height * width > MAX_PIXELS:
        raise RLEError(
            f"size [{height}, {width}]: {height * width} pixels, wanted fewer than "
            f"{MAX_PIXELS + 1}. Cut the mask into tiles."
        )
    return height, width


def checked_rle(rle: Any, index: int) -> tuple[int, int, Any]:
    """Height, width and counts of {'size': [height, width], 'counts': str}; counts is not checked.

    Raises:
        RLEError: size or counts is missing, or the size is invalid; the error gets the given
            `index`.
    """
    try:
        size, counts = rle["size"], rle["counts"]
        height, width = size
    except (KeyError, TypeError, ValueError):
        raise RLEError(
            f"got {rle!r:.80}, wanted {{'size': [height, width], 'counts': str}}.", index
        ) from None
    try:
        return *checked_size(height, width), counts
    except RLEError as error:
        raise RLEError(error.problem, index) from None


def located(error: RLEError, positions: Sequence[int]) -> RLEError:
    """The error with the mask's index among all masks; `positions` are the indices of the masks
    that were parsed.
    """
    return RLEError(error.problem, None if error.index is None else int(positions[error.index]))


def joined(
    counts: Sequence[str], *, max_masks: int = MAX_MASKS, max_bytes: int = MAX_COUNTS_BYTES
) -> tuple[str, Int64Array]:
    """All strings joined, and the end of each; their characters are not checked.

    Raises:
        RLEError: not a sequence of strings, over a limit, or an empty string.
    """
    if isinstance(counts, str | bytes):
        raise RLEError(
            f"counts is one {type(counts).__name__}, wanted a sequence of strings. Wrap it: "
            "[counts]."
        )
    if len(counts) > max_masks:
        raise RLEError(
            f"{len(counts)} masks, wanted at most max_masks={max_masks}. Split the batch or raise "
            "max_masks."
        )
    for index, entry in enumerate(counts):
        if not isinstance(entry, str):
            raise RLEError(
                f"counts is {type(entry).__name__}, wanted str. Decode bytes with "
                ".decode('ascii'); leave out frames that are not annotated (None).",
                index,
            )
    lengths = np.fromiter(map(len, counts), np.int64, len(counts))
    bounds = np.cumsum(lengths)
    if len(counts) and bounds[-1] > max_bytes:
        raise RLEError(
            f"the strings have {bounds[-1]} bytes, wanted at most max_bytes={max_bytes}. Split the "
            "batch or raise max_bytes."
        )
    for index in np.flatnonzero(lengths == 0).tolist():
        raise RLEError(
            "counts is an empty string, wanted at least one run. "
            "A mask without a pixel is brokenvideos.masks.empty(height, width).",
            index,
        )
    return "".join(counts), bounds


def _groups(text: str, bounds: Int64Array) -> UInt8Array:
    """Every byte minus 48: five bits of a number, and 32 when the number goes on."""
    codes: npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
    try:
        codes = np.frombuffer(text.encode("ascii"), np.uint8)
    except UnicodeEncodeError:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    groups = codes - codes.dtype.type(48)  # values below 48 wrap round to a large value
    if (at := _first(groups > 63)) is not None:
        index, byte_index = _locate(at, bounds)
        raise RLEError(
            f"byte {byte_index} of counts is {int(codes[at])} ({text[at]!r}), wanted 48 ('0') to "
            f"111 ('o'). The string was damaged or is no COCO RLE; {_lower(_RE_ENCODE)}",
            index,
        )
    if (at := _first(groups[bounds - 1] > 31)) is not None:
        raise RLEError(
            f"counts ends inside a number: its last byte {text[bounds[at] - 1]!r} says that "
            "another follows, wanted a complete last number. The string was cut off; fetch it "
            "again from its source.",
            at,
        )
    return groups.astype(np.uint8, copy=False)


def _numbers(groups: UInt8Array, ends: Int64Array, bounds: Int64Array) -> Int64Array:
    """The signed number that ends at each of `ends`."""
    last = groups[ends]
    before = groups[ends - 1]  # for the first byte this is the last byte, which also ends a number
    goes_back = before > 31
    # Numbers of one or two bytes, nearly all of them, in one step; bit 16 of the last group is the
    # sign.
    signed = (last ^ 16).astype(np.int16) - np.int16(16)
    numbers = np.where(goes_back, signed << 5 | before & 31, signed).astype(np.int64)
    # Two bytes in a row with the continuation bit occur only in numbers of at least three bytes.
    is_continued = groups > 31
    is_long = np.zeros(len(ends), np.bool_)
    is_long[np.searchsorted(ends, np.flatnonzero(is_continued[:-1] & is_continued[1:]))] = True
    longer = np.flatnonzero(is_long)
    for group in range(2, _MAX_GROUPS + 1):
        # In front of the first byte, index -1 is the last byte, which ends a number as the byte
        # before any other number does.
        longer = longer[is_continued[ends[longer] - group]]
        if not len(longer):
            break
        if group == _MAX_GROUPS:
            _refuse_number(int(longer[0]), ends, bounds, f"wanted at most {_MAX_GROUPS}")
        numbers[longer] = numbers[longer] << 5 | groups[ends[longer] - group] & 31
    # A last group with only sign bits adds nothing to the sign bit of the group before it.
    if (first := _first(goes_back & (last == (before & 16 > 0) * np.uint8(31)))) is not None:
        _refuse_number(
            first, ends, bounds, "of which the last adds nothing, wanted the shortest form"
        )
    return numbers


def _refuse_number(at: int, ends: Int64Array, bounds: Int64Array, rule: str) -> NoReturn:
    start = int(ends[at - 1]) + 1 if at else 0
    index, byte_index = _locate(start, bounds)
    raise RLEError(
        f"the number at byte {byte_index} of counts has {ends[at] + 1 - start} bytes, {rule}. "
        f"{_RE_ENCODE}",
        index,
    )


def _undo_differences(numbers: Int64Array, offsets: Int64Array) -> Int64Array:
    """Run lengths from the stored numbers: from the fourth run of each mask on, a number is the
    difference to the run two before.

    Every second run of the whole batch forms one lane. In a lane, the runs of a mask are a
    cumulative sum that starts again at each mask. It does not matter whether a mask begins in lane
    0 or 1.
    """
    lengths = numbers.copy()
    lengths[offsets[:-1]] = 0  # the third run is not a difference to the first
    for lane in (0, 1):
        bounds = (offsets + 1 - lane) // 2
        sums = np.zeros(bounds[-1] + 1, np.int64)
        np.cumsum(lengths[lane::2], out=sums[1:])
        np.subtract(sums[1:], sums[bounds[:-1]].repeat(np.diff(bounds)), out=lengths[lane::2])
    lengths[offsets[:-1]] = numbers[offsets[:-1]]
    return lengths


def _require_sound(runs: Runs) -> None:
    pixels = runs.height * runs.width
    lengths, starts = runs.lengths, runs.offsets[:-1]
    if (at := _first(runs.offsets[1:] <= runs.offsets[:-1])) is not None:
        raise RLEError(
            f"no run at all, wanted runs that sum to {pixels} pixels. One run of background is the "
            "empty mask.",
            at,
        )

    def refuse(at: int, actual: str) -> NoReturn:
        index = int(np.searchsorted(runs.offsets, at, "right")) - 1
        raise RLEError(f"run {at - starts[index]} is {actual}", index)

    if (at := _first(lengths < 0)) is not None:
        refuse(at, f"{lengths[at]}, wanted no negative run. {_RE_ENCODE}")
    if (at := _first(lengths > pixels)) is not None:
        size = f"{runs.height} x {runs.width}"
        refuse(at, f"{lengths[at]}, wanted at most the {pixels} pixels of {size}. {_WRONG_SIZE}")
    is_zero = lengths == 0
    is_zero[starts] = False
    if (at := _first(is_zero)) is not None:
        refuse(at, f"0, wanted none after run 0. Join the runs beside it: {_lower(_RE_ENCODE)}")
    sums = np.add.reduceat(lengths, starts)
    if (at := _first(sums != pixels)) is not None:
        raise RLEError(
            f"the runs sum to {sums[at]}, wanted {pixels} = {runs.height} x {runs.width} pixels. "
            f"{_WRONG_SIZE}",
            at,
        )


def _first(flags: npt.NDArray[np.bool_]) -> int | None:
    """Position of the first True."""
    at = int(flags.argmax())
    return at if flags[at] else None


def _locate(at: int, bounds: Int64Array) -> tuple[int, int]:
    """The index of the string that holds the byte at this place of the joined text, and the byte's
    place in it.
    """
    index = int(np.searchsorted(bounds, at, "right"))
    return index, at - int(bounds[index - 1] if index else 0)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
