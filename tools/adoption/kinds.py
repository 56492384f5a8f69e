"""How a mask is shown, told from its pixels: white on black, grey, drawn over the clip, or as object ids."""

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
"""Of what differs from the clip, where masks are drawn. Measured on x264 at crf 18 to 28 and six looks: 0.70 to 0.94; where an ink
was missed, 0.61 and less."""
MAX_TYPICAL = 8.0
MIN_LIKENESS = 0.9
NOTHING_DRAWN = 0.004
MAX_HOLLOW = 0.5
"""What marks enclose per marked pixel, before they are taken for contours without a fill."""
_NEAR = 16
_ONE_LEVEL = 0.85
_COLOURED = 48
"""Difference of the channels of a pixel from which it has a colour."""
_ONE_COLOUR = 40
"""How far pixels of one colour differ from it, as a standard deviation; their edges are darker."""
_PROBED_PNGS = 8


@dataclass(frozen=True, slots=True)
class Look:
    """What the frames of a mask say.

    kind: "" where they are neither a mask nor the clip with something drawn on it.
    confidence: 0 to 1; doubt: what speaks against it, "" where nothing does.
    threshold: brighter is marked, of binary, inverted and grey masks; darker, of inverted ones.
    drawing: of drawn masks.
    note: how the mask is shown, for people.
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
    """Pixels of a mask by the brightest of their channels, and what colours they have.

    coloured: share of the pixels that have a colour; colour: their mean, RGB; spread: by how much they differ from it.
    """

    histogram: Histogram
    coloured: float
    colour: tuple[int, int, int]
    spread: float


def look(clip: Stream, mask: Stream, frames: Sequence[int | None], *, kind: Kind) -> Look:
    """How a mask is shown.

    Args:
        frames: the frame of the clip that each frame of the mask is of.
        kind: what a person says; "" is to be found out.

    Raises:
        VideoError, RawError: a frame that cannot be decoded.
    """
    why_no_labels = ""
    if not mask.media.is_video and kind in ("", "labels"):
        try:
            return _labels(mask)
        except RawError as error:
            if kind == "labels":
                raise
            why_no_labels = f"; as object ids: {error}"
    if kind in ("drawn", "outline"):
        return _said(_drawn(clip, mask, frames), kind)
    tones = tones_of(mask)
    if kind:
        return _said(_grey(tones) if kind == "grey" else Look(kind, 1.0, "", _shown(tones)), kind)
    if is_bimodal(tones.histogram):
        return _binary(tones)
    drawn = _drawn(clip, mask, frames)
    if drawn.kind:
        return drawn
    black = float(tones.histogram[: DARK_MAX + 1].sum() / tones.histogram.sum())
    if black > 0.3:
        return _several(tones) or _grey(tones)
    found = f"neither black and white nor the clip with something drawn on it ({drawn.doubt}{why_no_labels})"
    return Look("", 0.0, found, "")


def tones_of(mask: Stream) -> Tones:
    """Of every frame of a mask; colours of every second pixel of every second row."""
    histogram = np.zeros(256, np.int64)
    coloured, seen = 0, 0
    sums, squares = np.zeros(3), np.zeros(3)
    for rgb in mask.frames():
        # Not the mean: a mask in pure blue is as bright as a white one.
        histogram += np.bincount(brightest(rgb).ravel(), minlength=256)
        some = rgb[::2, ::2].reshape(-1, 3)
        has_colour = brightest(some) - darkest(some) > _COLOURED
        coloured, seen = coloured + int(has_colour.sum()), seen + len(some)
        if has_colour.any():
            colours = some[has_colour].astype(np.float64)
            sums, squares = sums + colours.sum(0), squares + np.square(colours).sum(0)
    mean = sums / max(1, coloured)
    spread = float(np.sqrt(np.maximum(squares / max(1, coloured) - mean**2, 0)).max())
    return Tones(histogram, coloured / max(1, seen), tuple(round(v) for v in mean.tolist()), spread)


def pairs_of(clip: Stream, mask: Stream, frames: Sequence[int | None]) -> Iterator[tuple[int, UInt8Array, UInt8Array]]:
    """(frame_index, frame of the clip in the mask's size, frame of the mask) of every mask that is of a frame."""
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
        rules |= dict.fromkeys(foreground(*decode_png(content_of(entry), where=entry.path), where=entry.path).rules)
    return Look("labels", 0.95, "", "; ".join(rules) or "PNGs in which nothing is marked")


def _spread(entries: Sequence[One], most: int) -> list[One]:
    return [entries[index] for index in sorted({round(at) for at in np.linspace(0, len(entries) - 1, most)})]


def _binary(tones: Tones) -> Look:
    dark, middle, bright = dark_middle_bright(tones.histogram)
    if not bright:
        visible = int(tones.histogram[4 : DARK_MAX + 1].sum())
        doubt = (
            f"nothing is bright, and {visible} pixels are dark greys: object ids, or marks too dark to tell?"
            if visible
            else ""
        )
        return Look("binary", 0.5 if doubt else 0.9, doubt, "black: nothing marked")
    if bright > 0.5 * (dark + middle + bright):
        return Look(
            "binary", 0.5, "more is white than black: is what is black marked? Then the kind is inverted", _shown(tones)
        )
    return _several(tones) or Look("binary", 0.95, "", _shown(tones))


def _several(tones: Tones) -> Look | None:
    """Of a mask in several colours; None of another."""
    if not _has_colour(tones) or tones.spread <= _ONE_COLOUR:
        return None
    why = "marked in several colours, which are not told apart; kind binary takes all as one object"
    return Look("binary", 0.5, why, "colours on black")


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
    why = f"a soft mask, or several greys: {near:.0%} of what is not dark is about its commonest grey, {level}; "
    return Look("grey", 0.5, f"{why}kind grey takes all above {GREY_THRESHOLD}", "greys on black")


def _drawn(clip: Stream, mask: Stream, frames: Sequence[int | None]) -> Look:
    pairs = ((rgb, shown) for _, rgb, shown in pairs_of(clip, mask, frames))
    found = measure(pairs, num_frames=len(frames))
    inks = ", ".join(map(str, found.inks))
    note = f"drawn over the clip in {inks}" if inks else "like the clip, nothing is drawn"
    if found.contour_px:
        note += f", with a contour {found.contour_px} px wide of which the inner half counts"
    if found.typical > MAX_TYPICAL or found.likeness < MIN_LIKENESS:
        why = f"it differs from the clip by {found.typical:.0f} levels at the median, correlation {found.likeness:.2f}"
        return Look("", 0.0, why, note, drawing=found)
    if found.inks and found.hollow > MAX_HOLLOW:
        why = "a line is drawn about an area: kind outline marks the area up to the middle of the line, kind drawn the line alone"
        return Look("outline", 0.5, why, note, drawing=found)
    if found.inks and found.explained >= MIN_EXPLAINED:
        return Look("drawn", 0.9, "", note, drawing=found)
    if not found.inks and found.differing <= NOTHING_DRAWN:
        return Look("drawn", 0.85, "", note, drawing=found)
    explained = f"colours laid over it explain {found.explained:.0%} of them"
    why = f"{found.differing:.1%} of the pixels differ from the clip, and {explained}"
    return Look("drawn", 0.5, why, note, drawing=found)


def _said(found: Look, kind: Kind) -> Look:
    """What was found, as sure as the person who says what kind it is."""
    return replace(found, kind=kind, confidence=1.0, doubt="")


def _shown(tones: Tones) -> str:
    if _has_colour(tones):
        return f"rgb{tones.colour} on black"
    return "white on black" if tones.histogram[BRIGHT_MIN:].any() else "black"
