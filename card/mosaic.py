"""Frames of broken videos with their masks, a row per artifact type: the picture at the top of the
card.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..frames import (
    displayed_size,
    index_from_row,
    orientation_of_rotation,
    read_frames,
    to_displayed,
)
from ..masks import (
    ARTIFACT_TYPES,
    TYPE_NOT_GIVEN,
    decode_masks,
    object_colours,
    overlay,
    type_colour,
    type_name,
)
from ..release import ReleaseError, read_parquet, shard_paths
from .details import Shown
from .fonts import one_font

WIDTH_PX, MAX_ROW_PX = 1600, 300
GAP_PX, TITLE_PX = 8, 46
PAPER, INK = (255, 255, 255), (36, 41, 47)


def mosaic_data(
    shown: Mapping[str, Sequence[Shown]], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of the mosaic: frames by artifact type, each with the digests of its video and
    annotation.
    """
    facts = manifest["videos"]
    return {
        name: [
            {
                "video_id": one.video_id,
                "frame_index": one.frame_index,
                "digest": facts[one.video_id]["digest"],
                "video_sha256": facts[one.video_id]["video_sha256"],
            }
            for one in frames
        ]
        for name, frames in shown.items()
        if frames
    }


def draw_mosaic(
    release: Path, shown: Mapping[str, Sequence[Shown]], manifest: Mapping[str, Any]
) -> bytes:
    """The picture as PNG, `WIDTH_PX` wide.

    Raises:
        OSError: a shard is missing. ReleaseError: it lacks a video. VideoError, RLEError: a video
            or mask cannot be read.
    """
    strips = [
        _strip(release, name, shown[name], manifest)
        for name in (*ARTIFACT_TYPES, TYPE_NOT_GIVEN)
        if shown.get(name)
    ]
    image = Image.new("RGB", (WIDTH_PX, sum(strip.height for strip in strips)), PAPER)
    top = 0
    for strip in strips:
        image.paste(strip, (0, top))
        top += strip.height
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


def _strip(
    release: Path, name: str, shown: Sequence[Shown], manifest: Mapping[str, Any]
) -> Image.Image:
    """One artifact type: its name, then its frames side by side, all of one height."""
    rows = [_row(release, one, manifest) for one in shown]
    ratios = [_upright(row)[1] / _upright(row)[0] for row in rows]
    height = min(MAX_ROW_PX, int((WIDTH_PX - GAP_PX * (len(rows) - 1)) / sum(ratios)))
    strip = Image.new("RGB", (WIDTH_PX, TITLE_PX + height + GAP_PX), PAPER)
    draw = ImageDraw.Draw(strip, "RGBA")
    colour = type_colour(name)
    draw.rectangle((2, 12, 22, 32), (*colour, 130), colour, 3)
    draw.text((34, TITLE_PX // 2), name, INK, _font(24), anchor="lm")
    left = 0
    for row, one, ratio in zip(rows, shown, ratios, strict=True):
        width = max(1, int(height * ratio))
        strip.paste(_tile(row, one.frame_index, size=(height, width)), (left, TITLE_PX))
        _caption(draw, f"{one.generator} · frame {one.frame_index}", left, TITLE_PX + height, width)
        left += width + GAP_PX
    return strip


def _row(release: Path, shown: Shown, manifest: Mapping[str, Any]) -> dict[str, Any]:
    shards = [shard for shard in manifest["shards"] if shown.video_id in shard["video_ids"]]
    for shard in shards:
        path = release / shard_paths(shard["split"], shard["index"], shard["num_shards"])["default"]
        for table in read_parquet(str(path), filters=[("video_id", "==", shown.video_id)]):
            row: dict[str, Any] = table.to_pylist()[0]
            return row
    raise ReleaseError(
        f"{release}: video {shown.video_id} is in the annotations, not in data/. Build or download "
        "the release again."
    )


def _upright(row: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width after the rotation that the row records."""
    return displayed_size(
        orientation_of_rotation(row["codec"]["rotation"]), row["height"], row["width"]
    )


def _tile(row: Mapping[str, Any], frame_index: int, *, size: tuple[int, int]) -> Image.Image:
    frame = read_frames(row["video"]["bytes"], [frame_index], index=index_from_row(row))[0]
    masks = decode_masks(row, frames=[frame_index], by="object", dtype="bool")[0]
    orientation = orientation_of_rotation(row["codec"]["rotation"])
    types = [type_name(code) for code in row["objects"]["artifact_type"]]
    painted = overlay(
        to_displayed(frame, orientation),
        np.array([to_displayed(mask, orientation) for mask in masks], np.bool_).reshape(
            -1, *_upright(row)
        ),
        object_colours(types),
        size=size,
        line_px=3,
    )
    return Image.fromarray(painted)


def _caption(draw: ImageDraw.ImageDraw, text: str, left: int, bottom: int, width: int) -> None:
    text, face = one_font(text)
    font = _font(18) if face is None else ImageFont.truetype(face.path, 18, index=face.index)
    while text and font.getlength(text) > width - 24:
        text = text[:-1]
    right = left + 8 + font.getlength(text) + 14
    draw.rounded_rectangle((left + 8, bottom - 36, right, bottom - 8), 6, (0, 0, 0, 165))
    draw.text((left + 15, bottom - 22), text, (255, 255, 255), font, anchor="lm")


@cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
