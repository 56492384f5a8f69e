"""A row as people look at it: a contact sheet (.png) or a film (.mp4) with its masks, a legend and
a timeline.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ...builder.work import naming
from ...card import one_font
from ...frames import (
    displayed_size,
    encode_video,
    index_from_row,
    iter_frames,
    orientation_of_rotation,
    read_frames,
    to_displayed,
)
from ...masks import LABEL_COLOURS, Colour, decode_masks, object_colours, overlay, type_name
from ...release import LABELS
from .sound import add_sound

UInt8Array = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

SHEET_FRAMES = 12
TILE_LONG_SIDE_PX, FILM_LONG_SIDE_PX = 320, 720
MIN_CARD_WIDTH_PX = 480
MARGIN_PX, GAP_PX, TRACK_PX = 20, 8, 12
FILM_CHUNK_FRAMES = 16

PAPER: Colour = (24, 26, 31)
INK: Colour = (240, 241, 243)
FAINT_INK: Colour = (160, 165, 174)
TRACK: Colour = (58, 62, 71)
UNKNOWN_TRACK: Colour = (36, 39, 45)


class ViewError(ValueError):
    """A picture that cannot be drawn as asked."""


@dataclass(frozen=True, slots=True)
class _Track:
    """A line of the legend: an object and the frames in which it has pixels, bool[T]."""

    name: str
    colour: Colour
    present: BoolArray


@dataclass(frozen=True, slots=True)
class _Facts:
    """The facts of a row in the head of a picture. Sizes belong to the upright picture;
    `annotated`: bool[T].
    """

    video_id: str
    label: str
    generator: str
    prompt: str
    height: int
    width: int
    num_frames: int
    fps: float
    rotation: int
    annotated: BoolArray
    tracks: tuple[_Track, ...]


def view(
    row: Mapping[str, Any],
    out: Path,
    *,
    frames: Sequence[int] | None = None,
    columns: int | None = None,
    scale: float | None = None,
    names: Mapping[int, str] | None = None,
    sound: bool = False,
) -> Path:
    """The file `out`, now a picture of one video with its masks painted on it.

    `.png`: a contact sheet; frames that are not annotated are grey and labelled. `.mp4`: the whole
    video at its own rate. Both are upright: the rotation that the row records is applied.

    Args:
        row: one video as the dataset yields it.
        out: ends in .png or .mp4; replaced if it exists.
        frames: frame indices of the tiles, in any order; None = up to 12 evenly spaced annotated
            ones, every object on one at least. Only for a .png.
        columns: tiles side by side; None = 4, for upright videos 6. Only for a .png.
        scale: size of the frames relative to the video's; None = what suits the picture.
        names: names of objects in the legend, by object_id; None = "object 1: blur" and so on.
        sound: keep the video's sound tracks. Only for an .mp4.

    Raises:
        ViewError: another file name extension, a frame index out of range, or an argument that the
            format does not have.
        VideoError, MaskError, RLEError: the row's video or masks cannot be read.
    """
    out = Path(out)
    _check_arguments(row, out, frames=frames, columns=columns, scale=scale)
    facts = _read_facts(row, names or {})
    partial = out.with_name(f".{out.stem}.{os.getpid()}.partial{out.suffix}")
    with naming(out):
        try:
            if out.suffix.lower() == ".png":
                shown = (
                    _choose_frames(facts)
                    if frames is None
                    else [int(frame_index) for frame_index in frames]
                )
                _draw_sheet(row, facts, shown, columns=columns, scale=scale).save(
                    partial, format="PNG"
                )
            else:
                rate = Fraction(facts.fps).limit_denominator(1001)
                encode_video(partial, _draw_film(row, facts, scale=scale), fps=rate)
                if sound:
                    add_sound(partial, row["video"]["bytes"])
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
    return out


def _check_arguments(
    row: Mapping[str, Any],
    out: Path,
    *,
    frames: Sequence[int] | None,
    columns: int | None,
    scale: float | None,
) -> None:
    extension = out.suffix.lower()
    if extension not in (".png", ".mp4"):
        raise ViewError(
            f"{out}: extension is {extension!r}, wanted .png (contact sheet) or .mp4 (film)."
        )
    if extension == ".mp4" and (frames is not None or columns is not None):
        raise ViewError(
            f"{out}: a film shows every frame once. Leave out frames and columns, or name a .png."
        )
    if frames is not None:
        outside = [
            frame_index for frame_index in frames if not 0 <= frame_index < row["num_frames"]
        ]
        if outside or not len(frames):
            got = f"frame {outside[0]}" if outside else "no frame"
            raise ViewError(
                f"video {row['video_id']}: {got} asked for, wanted 0 to {row['num_frames'] - 1}."
            )
    if columns is not None and columns < 1:
        raise ViewError(f"columns is {columns}, must be at least 1.")
    if scale is not None and not 0 < scale <= 32:
        raise ViewError(f"scale is {scale}, must be above 0 and at most 32.")


def _read_facts(row: Mapping[str, Any], names: Mapping[int, str]) -> _Facts:
    num_frames, rotation = int(row["num_frames"]), int(row["codec"]["rotation"])
    height, width = displayed_size(
        orientation_of_rotation(rotation), int(row["height"]), int(row["width"])
    )
    annotated = np.zeros(num_frames, np.bool_)
    annotated[list(row["annotated_frames"])] = True
    object_ids = [int(object_id) for object_id in row["objects"]["object_id"]]
    types = [type_name(artifact_type) for artifact_type in row["objects"]["artifact_type"]]
    owner, frame_index = (
        np.asarray(row["masks"]["object_id"]),
        np.asarray(row["masks"]["frame_index"]),
    )
    tracks = []
    for object_id, artifact_type, colour in zip(
        object_ids, types, object_colours(types), strict=True
    ):
        present = np.zeros(num_frames, np.bool_)
        present[frame_index[owner == object_id].astype(np.intp)] = True
        name = names.get(object_id, f"object {object_id}: {artifact_type}")
        tracks.append(_Track(name, colour, present))
    return _Facts(
        video_id=row["video_id"],
        label=LABELS[row["label"]],
        generator=row["generator"],
        prompt=row["prompt"] or "",
        height=height,
        width=width,
        num_frames=num_frames,
        fps=float(row["fps"]),
        rotation=rotation,
        annotated=annotated,
        tracks=tuple(tracks),
    )


# --- The contact sheet ----------------------------------------------------------------------------


def _choose_frames(facts: _Facts) -> list[int]:
    """Up to 12 frames, evenly spaced, each moved to an annotated one that is nearer than its
    neighbours; every object on one.
    """
    count = min(SHEET_FRAMES, facts.num_frames)
    spacing = facts.num_frames / count
    annotated = np.flatnonzero(facts.annotated)
    chosen = []
    for frame_index in np.rint(np.linspace(0, facts.num_frames - 1, count)).astype(int).tolist():
        near = annotated[np.abs(annotated - frame_index) <= spacing / 2]
        chosen.append(int(near[np.abs(near - frame_index).argmin()]) if near.size else frame_index)
    kept: set[int] = set()
    for track in facts.tracks:
        present = np.flatnonzero(track.present)
        if present.size and not track.present[chosen].any():
            middle = int(present[present.size // 2])
            place = min(
                (i for i in range(count) if i not in kept),
                key=lambda i: abs(chosen[i] - middle),
                default=None,
            )
            if place is not None:
                chosen[place] = middle
        kept.update(i for i in range(count) if track.present[chosen[i]])
    return sorted(set(chosen))


def _draw_sheet(
    row: Mapping[str, Any],
    facts: _Facts,
    shown: Sequence[int],
    *,
    columns: int | None,
    scale: float | None,
) -> Image.Image:
    columns = min(columns or (4 if facts.width >= facts.height else 6), len(shown))
    tile_height, tile_width = _scaled_size(facts, scale, TILE_LONG_SIDE_PX)
    grid_width = columns * (tile_width + GAP_PX) - GAP_PX
    head = _draw_head(facts, max(grid_width, MIN_CARD_WIDTH_PX), ticks=shown)
    rows = -(-len(shown) // columns)
    sheet_height = head.height + rows * (tile_height + GAP_PX) - GAP_PX + MARGIN_PX
    sheet = Image.new("RGB", (head.width, sheet_height), PAPER)
    sheet.paste(head, (0, 0))
    unique = sorted(set(shown))
    pictures = dict(
        zip(unique, read_frames(_video(row), unique, index=index_from_row(row)), strict=True)
    )
    for place, frame_index in enumerate(shown):
        masks = decode_masks(row, frames=[frame_index], by="object", dtype="bool")[0]
        tile = _draw_tile(
            facts, pictures[frame_index], masks, frame_index, size=(tile_height, tile_width)
        )
        left = MARGIN_PX + place % columns * (tile_width + GAP_PX)
        sheet.paste(tile, (left, head.height + place // columns * (tile_height + GAP_PX)))
    return sheet


def _draw_tile(
    facts: _Facts, frame: UInt8Array, masks: BoolArray, frame_index: int, *, size: tuple[int, int]
) -> Image.Image:
    orientation = orientation_of_rotation(facts.rotation)
    painted = overlay(
        to_displayed(frame, orientation),
        np.array([to_displayed(mask, orientation) for mask in masks], np.bool_).reshape(
            -1, facts.height, facts.width
        ),
        [track.colour for track in facts.tracks],
        size=size,
        line_px=2,
    )
    tile = Image.fromarray(painted)
    if not facts.annotated[frame_index]:
        grey = tile.convert("L").convert("RGB")
        tile = Image.blend(Image.blend(tile, grey, 0.85), Image.new("RGB", tile.size, PAPER), 0.35)
    draw = ImageDraw.Draw(tile, "RGBA")
    _draw_badge(draw, (6, 6), str(frame_index), 14, (0, 0, 0, 170))
    if not facts.annotated[frame_index]:
        _draw_badge(draw, (6, tile.height - 30), "not annotated", 13, (0, 0, 0, 170))
    return tile


# --- The film -------------------------------------------------------------------------------------


def _draw_film(
    row: Mapping[str, Any], facts: _Facts, *, scale: float | None
) -> Iterator[UInt8Array]:
    """Every frame of the film, uint8[H, W, 3] with even H and W."""
    height, width = _scaled_size(facts, scale, FILM_LONG_SIDE_PX)
    content_width = max(width, MIN_CARD_WIDTH_PX)
    pictures = (rgb for _, rgb in iter_frames(_video(row)))
    for start in range(0, facts.num_frames, FILM_CHUNK_FRAMES):
        chunk = range(start, min(start + FILM_CHUNK_FRAMES, facts.num_frames))
        masks = decode_masks(row, frames=chunk, by="object", dtype="bool")
        for frame_index, frame, frame_masks in zip(
            chunk, islice(pictures, len(chunk)), masks, strict=True
        ):
            head = _draw_head(facts, content_width, ticks=[frame_index])
            film_height = head.height + height + MARGIN_PX
            picture = Image.new(
                "RGB", (head.width + head.width % 2, film_height + film_height % 2), PAPER
            )
            picture.paste(head, (0, 0))
            tile = _draw_tile(facts, frame, frame_masks, frame_index, size=(height, width))
            picture.paste(tile, ((head.width - width) // 2, head.height))
            yield np.asarray(picture)


# --- The head: title, facts, legend with timelines ------------------------------------------------


def _draw_head(facts: _Facts, content_width: int, *, ticks: Sequence[int]) -> Image.Image:
    """Title, prompt, numbers and one timeline per object; `ticks` are the frames that are shown
    below.
    """
    line_px = 26
    rows = facts.tracks or (_Track("no artifact", TRACK, np.zeros(facts.num_frames, np.bool_)),)
    height = MARGIN_PX + 38 + (24 if facts.prompt else 0) + 30 + line_px * len(rows) + 16
    head = Image.new("RGB", (content_width + 2 * MARGIN_PX, height), PAPER)
    draw = ImageDraw.Draw(head, "RGBA")
    left, right, y = MARGIN_PX, MARGIN_PX + content_width, MARGIN_PX
    title = _shortened(facts.video_id, _font(24), content_width - 160)
    draw.text((left, y), title, INK, _font(24))
    badge_left = left + _font(24).getlength(title) + 14
    badge_right = _draw_badge(
        draw, (badge_left, y + 3), facts.label, 15, (*LABEL_COLOURS[facts.label], 255)
    )
    generator, font = _lettered(facts.generator, 16)
    generator = _shortened(generator, font, right - badge_right - 24)
    draw.text((right - font.getlength(generator), y + 7), generator, FAINT_INK, font)
    y += 38
    if facts.prompt:
        prompt, font = _lettered(f"“{' '.join(facts.prompt.split())}”", 16)
        draw.text((left, y), _shortened(prompt, font, content_width), INK, font)
        y += 24
    draw.text(
        (left, y), _shortened(_numbers(facts), _font(14), content_width), FAINT_INK, _font(14)
    )
    y += 30
    track_left = left + 28 + round(max(_font(15).getlength(track.name) for track in rows)) + 18
    for track in rows:
        if facts.tracks:
            draw.rectangle((left, y + 2, left + 16, y + 18), (*track.colour, 110), track.colour, 2)
        draw.text((left + (28 if facts.tracks else 0), y), track.name, INK, _font(15))
        _draw_timeline(draw, facts, track, (track_left, y + 4, right, y + 4 + TRACK_PX))
        y += line_px
    _draw_ticks(draw, facts, ticks, (track_left, y - line_px + 4 + TRACK_PX, right))
    return head


def _numbers(facts: _Facts) -> str:
    parts = [
        f"{facts.width} x {facts.height}",
        f"{facts.num_frames} frames",
        f"{facts.fps:.4g} fps",
    ]
    looked_at = int(facts.annotated.sum())
    if looked_at < facts.num_frames:
        parts.append(f"{looked_at} annotated")
    if facts.rotation:
        parts.append(str(orientation_of_rotation(facts.rotation)))
    return "   ·   ".join(parts)


def _draw_timeline(
    draw: ImageDraw.ImageDraw, facts: _Facts, track: _Track, box: tuple[float, float, float, float]
) -> None:
    """One cell per frame: coloured if the object has pixels, grey if it has none, dark if the frame
    is not annotated.
    """
    left, top, right, bottom = box
    states = np.where(track.present, 2, np.where(facts.annotated, 1, 0))
    colours = (UNKNOWN_TRACK, TRACK, track.colour)
    starts = np.flatnonzero(np.diff(states, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), facts.num_frames], strict=True):
        cell = (
            left + (right - left) * start / facts.num_frames,
            left + (right - left) * stop / facts.num_frames,
        )
        draw.rectangle(
            (round(cell[0]), top, round(cell[1]) - 1, bottom - 1), colours[states[start]]
        )


def _draw_ticks(
    draw: ImageDraw.ImageDraw, facts: _Facts, ticks: Sequence[int], line: tuple[float, float, float]
) -> None:
    left, top, right = line
    for frame_index in ticks:
        x = left + (right - left) * (frame_index + 0.5) / facts.num_frames
        draw.polygon([(x, top + 3), (x - 4, top + 9), (x + 4, top + 9)], INK)


def _draw_badge(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    colour: tuple[int, int, int, int],
) -> float:
    """White text on a rounded ground; returns where it ends on the right."""
    x, y = place
    right = x + _font(size).getlength(text) + size
    draw.rounded_rectangle((x, y, right, y + size * 1.6), size * 0.5, colour)
    draw.text((x + size / 2, y + size * 0.8), text, (255, 255, 255), _font(size), anchor="lm")
    return right


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ViewError(
            "Pillow has no FreeType support here, text cannot be drawn. Install Pillow from its "
            "wheel."
        )
    return font


def _lettered(text: str, size: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """A text in the form in which it can be drawn, and a font that has its characters."""
    text, font = one_font(text)
    return text, _font(size) if font is None else ImageFont.truetype(
        font.path, size, index=font.index
    )


def _shortened(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> str:
    if font.getlength(text) <= width_px:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high)
            if font.getlength(text[:middle].rstrip() + "…") <= width_px
            else (low, middle - 1)
        )
    return text[:low].rstrip() + "…"


def _scaled_size(facts: _Facts, scale: float | None, long_side_px: int) -> tuple[int, int]:
    """(height, width) of a frame in the picture; small videos are enlarged by a whole number, so
    that pixels stay square.
    """
    if scale is None:
        scale = long_side_px / max(facts.height, facts.width)
        scale = float(int(scale)) if scale >= 1 else scale
    return max(1, round(facts.height * scale)), max(1, round(facts.width * scale))


def _video(row: Mapping[str, Any]) -> bytes | Path:
    data: bytes | None = row["video"]["bytes"]
    return data if data is not None else Path(row["video"]["path"])
