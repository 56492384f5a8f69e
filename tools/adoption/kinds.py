"""Recognises from pixels how a mask is shown: white on black, grey, drawn over the clip, or as
object ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ...builder.raw import (
    BRIGHT_MIN,
    DARK_MAX,
    GREY_THRESHOLD,
    Histogram,
    RawError,
    dark_middle_bright,
    decode_png,
    foreground,
    is_bimodal,
)
from .drawn import Drawing, measure
from .entries import content_of
from .inks import brightest, darkest
from .pairing import SURE, Kind
from .streams import Stream

UInt8Array = npt.NDArray[np.uint8]
One = TypeVar("One")

MIN_EXPLAINED = 0.65
"""Smallest share of the differing pixels that inks explain in a drawn mask. Measured on x264 at crf
18 to 28 with six ways of drawing: 0.70 to 0.94; if an ink was missed, at most 0.61.
"""
MAX_TYPICAL = 8.0
MIN_LIKENESS = 0.9
NOTHING_DRAWN = 0.004
MAX_HOLLOW = 0.5
"""Largest number of enclosed pixels per marked pixel. With more, the marks are contours without a
fill.
"""
_NEAR = 16
_ONE_LEVEL = 0.85
_COLOURED = 48
"""Smallest difference between the channels of a pixel with a colour; below, it is grey."""
_ONE_COLOUR = 40
"""Largest standard deviation of pixels of one colour, whose edges are darker."""
_PROBED_PNGS = 8


@dataclass(frozen=True, slots=True)
class Look:
    """How a mask is shown, as its frames tell.

    Attributes:
        kind: "" if the frames are neither a mask nor the clip with something drawn on it.
        confidence: from 0 to 1.
        doubt: the reason for doubt, for people; "" if there is none.
        note: how the mask is shown, for people.
        threshold: pixels brighter than this are marked in binary and grey masks; in inverted masks
            the others are marked.
        drawing: how the mask was drawn, for kinds drawn and outline.
    """

    kind: Kind
    confidence: float
    doubt: str
    note: str
    threshold: int = GREY_THRESHOLD
    drawing: Drawing | None = None

    @property
    def is_sure(self) -> bool:
        return self.confidence >= SURE


@dataclass(frozen=True, slots=True)
class Tones:
    """Brightness and colours of a mask's pixels.

    Attributes:
        histogram: number of pixels by the brightest of their channels.
        coloured: share of the pixels that have a colour.
        colour: mean of these pixels, RGB.
        spread: largest standard deviation of a channel of these pixels.
    """

    histogram: Histogram
    coloured: float
    colour: tuple[int, int, int]
    spread: float


def look(clip: Stream, mask: Stream, frames: Sequence[int | None], *, kind: Kind) -> Look:
    """Recognises how a mask is shown.

    Args:
        frames: for each frame of the mask its frame of the clip, or None.
        kind: the kind that a person has given; "" to recognise it.

    Raises:
        VideoError, RawError: a frame cannot be decoded.
    """
    label_error = ""
    if not mask.media.is_video and kind in ("", "labels"):
        try:
            return _labels(mask)
        except RawError as error:
            if kind == "labels":
                raise
            label_error = f"; as object ids: {error}"
    if kind in ("drawn", "outline"):
        return _confirmed(_drawn(clip, mask, frames), kind)
    tones = tones_of(mask)
    if kind:
        return _confirmed(
            _grey(tones) if kind == "grey" else Look(kind, 1.0, "", _shown(tones)), kind
        )
    if is_bimodal(tones.histogram):
        return _binary(tones)
    drawn = _drawn(clip, mask, frames)
    if drawn.kind:
        return drawn
    black = float(tones.histogram[: DARK_MAX + 1].sum() / tones.histogram.sum())
    if black > 0.3:
        return _several(tones) or _grey(tones)
    doubt = (
        "neither black and white nor the clip with something drawn on it "
        f"({drawn.doubt}{label_error})"
    )
    return Look("", 0.0, doubt, "")


def tones_of(mask: Stream) -> Tones:
    """Tones of all frames of a mask. Colours are counted in every second pixel of every second
    row.
    """
    histogram = np.zeros(256, np.int64)
    coloured, total = 0, 0
    sums, squares = np.zeros(3), np.zeros(3)
    for rgb in mask.frames():
        # Not the mean: a mask in pure blue is as bright as a white one.
        histogram += np.bincount(brightest(rgb).ravel(), minlength=256)
        some = rgb[::2, ::2].reshape(-1, 3)
        has_colour = brightest(some) - darkest(some) > _COLOURED
        coloured, total = coloured + int(has_colour.sum()), total + len(some)
        if has_colour.any():
            colours = some[has_colour].astype(np.float64)
            sums, squares = sums + colours.sum(0), squares + np.square(colours).sum(0)
    mean = sums / max(1, coloured)
    spread = float(np.sqrt(np.maximum(squares / max(1, coloured) - mean**2, 0)).max())
    return Tones(
        histogram, coloured / max(1, total), tuple(round(v) for v in mean.tolist()), spread
    )


def pairs_of(
    clip: Stream, mask: Stream, frames: Sequence[int | None]
) -> Iterator[tuple[int, UInt8Array, UInt8Array]]:
    """(frame_index, frame of the clip in the mask's size, frame of the mask) for every mask with a
    frame.
    """
    size = mask.size if mask.size != clip.size else None
    clips = enumerate(clip.frames(size=size))
    for wanted, shown in zip(frames, mask.frames(), strict=False):
        if wanted is None:
            continue
        for frame_index, rgb in clips:
            if frame_index == wanted:
                yield frame_index, rgb, shown
                break


def _labels(mask: Stream) -> Look:
    entries = [entry for entry in mask.media.entries if entry.suffix == ".png"]
    if len(entries) < len(mask.media.entries):
        raise RawError("not all of the images are PNGs")
    rules: dict[str, None] = {}
    for entry in _spread(entries, _PROBED_PNGS):
        rules |= dict.fromkeys(
            foreground(*decode_png(content_of(entry), where=entry.path), where=entry.path).rules
        )
    return Look("labels", 0.95, "", "; ".join(rules) or "PNGs in which nothing is marked")


def _spread(entries: Sequence[One], most: int) -> list[One]:
    return [
        entries[index]
        for index in sorted({round(at) for at in np.linspace(0, len(entries) - 1, most)})
    ]


def _binary(tones: Tones) -> Look:
    dark, middle, bright = dark_middle_bright(tones.histogram)
    if not bright:
        visible = int(tones.histogram[4 : DARK_MAX + 1].sum())
        doubt = (
            f"nothing is bright, but {visible} pixels are dark grey: they may be object ids, or "
            "marks that are too dark"
            if visible
            else ""
        )
        return Look("binary", 0.5 if doubt else 0.9, doubt, "black: nothing marked")
    if bright > 0.5 * (dark + middle + bright):
        return Look(
            "binary",
            0.5,
            "more is white than black: if black marks the artifacts, the kind is inverted",
            _shown(tones),
        )
    return _several(tones) or Look("binary", 0.95, "", _shown(tones))


def _several(tones: Tones) -> Look | None:
    """The Look of a mask in several colours; None for other masks."""
    if not _has_colour(tones) or tones.spread <= _ONE_COLOUR:
        return None
    doubt = (
        "marked in several colours, which cannot be told apart; kind binary takes all of them "
        "as one object"
    )
    return Look("binary", 0.5, doubt, "colours on black")


def _has_colour(tones: Tones) -> bool:
    lit = tones.histogram[DARK_MAX + 1 :].sum() / tones.histogram.sum()
    return bool(tones.coloured > 0.1 * lit)


def _grey(tones: Tones) -> Look:
    lit = tones.histogram[DARK_MAX + 1 :]
    if not lit.any():
        return Look("grey", 0.5, "nothing is brighter than grey 31", "dark")
    level = int(lit.argmax()) + DARK_MAX + 1
    near = tones.histogram[max(DARK_MAX + 1, level - _NEAR) : level + _NEAR + 1].sum() / lit.sum()
    shown = f"rgb{tones.colour}" if _has_colour(tones) else f"grey {level}"
    if near >= _ONE_LEVEL:
        return Look("grey", 0.9, "", f"{shown} on black", threshold=max(DARK_MAX, level // 2))
    doubt = (
        f"a soft mask, or several greys: {near:.0%} of the bright pixels are near the most "
        f"frequent grey, {level}; "
    )
    return Look(
        "grey", 0.5, f"{doubt}kind grey marks all pixels above {GREY_THRESHOLD}", "greys on black"
    )


def _drawn(clip: Stream, mask: Stream, frames: Sequence[int | None]) -> Look:
    pairs = ((rgb, shown) for _, rgb, shown in pairs_of(clip, mask, frames))
    drawing = measure(pairs, num_frames=len(frames))
    inks = ", ".join(map(str, drawing.inks))
    note = f"drawn over the clip in {inks}" if inks else "like the clip, with nothing drawn on it"
    if drawing.contour_px:
        note += f", with a contour of {drawing.contour_px} px; its inner half is marked"
    if drawing.typical > MAX_TYPICAL or drawing.likeness < MIN_LIKENESS:
        doubt = (
            f"the median difference to the clip is {drawing.typical:.0f} levels, the "
            f"correlation {drawing.likeness:.2f}"
        )
        return Look("", 0.0, doubt, note, drawing=drawing)
    if drawing.inks and drawing.hollow > MAX_HOLLOW:
        doubt = (
            "a line is drawn around an area: kind outline marks the area up to the middle of the "
            "line, kind drawn only the line"
        )
        return Look("outline", 0.5, doubt, note, drawing=drawing)
    if drawing.inks and drawing.explained >= MIN_EXPLAINED:
        return Look("drawn", 0.9, "", note, drawing=drawing)
    if not drawing.inks and drawing.differing <= NOTHING_DRAWN:
        return Look("drawn", 0.85, "", note, drawing=drawing)
    doubt = (
        f"{drawing.differing:.1%} of the pixels differ from the clip, but drawn colours explain "
        f"only {drawing.explained:.0%} of them"
    )
    return Look("drawn", 0.5, doubt, note, drawing=drawing)


def _confirmed(recognised: Look, kind: Kind) -> Look:
    """The look with the kind that a person has given, without doubt."""
    return replace(recognised, kind=kind, confidence=1.0, doubt="")


def _shown(tones: Tones) -> str:
    if _has_colour(tones):
        return f"rgb{tones.colour} on black"
    return "white on black" if tones.histogram[BRIGHT_MIN:].any() else "black"
