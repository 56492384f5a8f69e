"""Counts pixels per frame of a video, and computes J and F from the counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...masks import (
    BitmapArray,
    Float64Array,
    Int64Array,
    UInt8Array,
    checked_bitmaps,
    parse,
    spans,
)
from .kernel import FrameCounts, boundary_radius, count_planes

FIELDS = FrameCounts._fields

CHUNK_FRAMES = 64

_SEARCH_LINES = 64  # lines that are searched in one call, from the end of a plane


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """The numbers of pixels of truth, prediction, both, and their boundaries, in each of T frames.

    Every array is int64[T]. A boundary pixel is matched if the other mask has a boundary pixel
    within the radius.
    """

    height: int
    width: int
    frames: Int64Array
    """Frame indices, ascending."""
    truth_px: Int64Array
    pred_px: Int64Array
    both_px: Int64Array
    truth_boundary_px: Int64Array
    pred_boundary_px: Int64Array
    truth_matched_px: Int64Array
    pred_matched_px: Int64Array

    def __len__(self) -> int:
        """T, the number of frames."""
        return len(self.frames)

    def j(self) -> Float64Array:
        """Region similarity J, float64[T]: intersection over union; 1 if both masks are empty."""
        union = self.truth_px + self.pred_px - self.both_px
        return np.where(union == 0, 1.0, self.both_px / np.maximum(union, 1))

    def dice(self) -> Float64Array:
        """Dice, float64[T]: 2 |both| / (|truth| + |prediction|); 1 if both masks are empty."""
        total = self.truth_px + self.pred_px
        return np.where(total == 0, 1.0, 2 * self.both_px / np.maximum(total, 1))

    def f(self) -> Float64Array:
        """Boundary accuracy F as DAVIS computes it, float64[T].

        It compares boundaries, not masks: 1 if neither mask has a boundary, 0 if exactly one has. A
        mask of the whole frame has no boundary, so it gets 1 against an empty mask.
        """
        precision = _share(self.pred_matched_px, self.pred_boundary_px)
        recall = _share(self.truth_matched_px, self.truth_boundary_px)
        total = precision + recall
        return np.where(total == 0, 0.0, 2 * precision * recall / np.where(total == 0, 1.0, total))

    def f_strict(self) -> Float64Array:
        """Like `f`, but 0 if exactly one of the masks is empty, so a full mask gets 0 against an
        empty one.
        """
        one_empty = (self.truth_px == 0) != (self.pred_px == 0)
        return np.where(one_empty, 0.0, self.f())

    def at(self, chosen: npt.NDArray[np.bool_] | slice) -> "Counts":
        """The counts of the frames that `chosen` selects."""
        return Counts(
            self.height,
            self.width,
            self.frames[chosen],
            *(getattr(self, name)[chosen] for name in FIELDS),
        )


def _share(matched: Int64Array, boundary: Int64Array) -> Float64Array:
    # The share of a mask without a boundary is 1. If the other mask has a boundary, nothing of it
    # is matched: its share is 0, and so is F.
    return np.where(boundary == 0, 1.0, matched / np.maximum(boundary, 1))


def count_strings(
    truth: Sequence[str], pred: Sequence[str], *, frames: Sequence[int], height: int, width: int
) -> Counts:
    """Counts of the frames of one video from COCO RLE strings.

    Only the part of a frame around the masks is decoded, one frame at a time.

    Args:
        truth, pred: canonical strings, one per frame.
        frames: indices of the frames, ascending.

    Raises:
        RLEError: a string is not a valid mask (see `masks.parse`).
    """
    parts = []
    radius = boundary_radius(height, width)
    buffers = np.zeros((2, width * height), np.uint8)
    planes = buffers.reshape(2, width, height)
    for start in range(0, len(frames), CHUNK_FRAMES):
        chunk = slice(start, start + CHUNK_FRAMES)
        both = [spans(parse(side[chunk], height=height, width=width)) for side in (truth, pred)]
        frame_counts = []
        for pieces in zip(*both, strict=True):
            for buffer, (place, bits) in zip(buffers, pieces, strict=True):
                buffer[place : place + len(bits)] = bits
            used = [
                (place // height, -(-(place + len(bits)) // height))
                for place, bits in pieces
                if len(bits)
            ]
            frame_counts.append(count_planes(planes[0], planes[1], *_joined(used), radius=radius))
            for buffer, (place, bits) in zip(buffers, pieces, strict=True):
                buffer[place : place + len(bits)] = 0
        parts.append(_counts(frames[chunk], frame_counts, height=height, width=width))
    return joined_counts(parts) if parts else no_counts(height, width)


def count_bitmaps(
    truth: BitmapArray, pred: BitmapArray, *, frames: Sequence[int] | None = None
) -> Counts:
    """Counts of the frames of one video from bitmaps.

    Args:
        truth, pred: uint8 or bool [N, H, W] of 0 and 1, in any memory order.
        frames: N indices, ascending; None: 0 ... N - 1.

    Raises:
        MaskError: not bitmaps.
        ValueError: the shapes differ.
    """
    truth_bits, pred_bits = checked_bitmaps(truth), checked_bitmaps(pred)
    if truth_bits.shape != pred_bits.shape:
        raise ValueError(
            f"truth has the shape {list(truth_bits.shape)}, pred {list(pred_bits.shape)}; wanted "
            "one shape [N, H, W]: score at the size of the truth."
        )
    count, height, width = truth_bits.shape
    radius = boundary_radius(height, width)
    frame_counts = []
    for index in range(count):
        planes = _planes(truth_bits[index], pred_bits[index])
        used = [lines for lines in map(_used_lines, planes) if lines is not None]
        frame_counts.append(count_planes(*planes, *_joined(used), radius=radius))
    return _counts(
        range(count) if frames is None else frames, frame_counts, height=height, width=width
    )


def _planes(truth: UInt8Array, pred: UInt8Array) -> tuple[UInt8Array, UInt8Array]:
    """Both masks in the memory order of the truth.

    The formulas do not depend on the order of the axes, so the truth is never copied to transpose
    it.
    """
    if truth.flags.c_contiguous:
        return truth, np.ascontiguousarray(pred)
    return np.ascontiguousarray(truth.T), np.ascontiguousarray(pred.T)


def _used_lines(plane: UInt8Array) -> tuple[int, int] | None:
    """The first line with a pixel, and the line after the last one; None if there is no pixel."""
    pixels = plane.view(np.bool_)
    start = int(pixels.argmax())
    if not pixels.flat[start]:
        return None
    stop = len(plane)
    while not pixels[max(stop - _SEARCH_LINES, 0) : stop].any():
        stop -= _SEARCH_LINES
    begin = max(stop - _SEARCH_LINES, 0)
    return start // plane.shape[1], begin + int(
        np.flatnonzero(pixels[begin:stop].any(axis=1))[-1]
    ) + 1


def _joined(used: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The range of lines that covers all ranges, as (first, line after the last); (0, 0) if there
    are none.
    """
    return min((first for first, _ in used), default=0), max((last for _, last in used), default=0)


def _counts(
    frames: Sequence[int], frame_counts: Sequence[FrameCounts], *, height: int, width: int
) -> Counts:
    table = np.array(frame_counts, np.int64).reshape(-1, len(FIELDS)).T
    return Counts(height, width, np.array(frames, np.int64).reshape(-1), *table)


def no_counts(height: int, width: int) -> Counts:
    """Counts without any frame."""
    return Counts(height, width, *(np.zeros(0, np.int64) for _ in range(len(FIELDS) + 1)))


def joined_counts(parts: Sequence[Counts]) -> Counts:
    """Joins the counts of the parts of one video, sorted by frame index.

    There must be at least one part. All parts have the same frame size.
    """
    frames = np.concatenate([part.frames for part in parts])
    order = np.argsort(frames, kind="stable")
    columns = (np.concatenate([getattr(part, name) for part in parts])[order] for name in FIELDS)
    return Counts(parts[0].height, parts[0].width, frames[order], *columns)


def against_empty(counts: Counts) -> Counts:
    """The counts of the same truth against a prediction that marks nothing."""
    zeros = np.zeros_like(counts.frames)
    return Counts(
        counts.height,
        counts.width,
        counts.frames,
        counts.truth_px,
        zeros,
        zeros,
        counts.truth_boundary_px,
        *[zeros] * 3,
    )


def against_full(counts: Counts) -> Counts:
    """The counts of the same truth against a prediction that marks every pixel; it has no
    boundary.
    """
    zeros, pixels = np.zeros_like(counts.frames), counts.height * counts.width
    return Counts(
        counts.height,
        counts.width,
        counts.frames,
        counts.truth_px,
        np.full_like(counts.frames, pixels),
        counts.truth_px,
        counts.truth_boundary_px,
        *[zeros] * 3,
    )
