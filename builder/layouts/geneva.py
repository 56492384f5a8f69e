"""GeneVA: geneva.json, boxes of artifacts frame by frame, beside videos/{video_id}.mp4.

    [{"video": "sora_00001.mp4", "model": "Sora", "prompt": "a dog runs",
      "artifacts": [{"category": "Unnatural motion", "boxes":
      [{"frame": 0, "x": 3, "y": 5.5, "width": 20, "height": 10}]}]}]

The dataset (16,356 videos, a box per frame and artifact, with category and description) is
described in a paper; the form of its files is not public. This is the form read here: pixels from
the upper left corner, frames from 0, other keys ignored. An artifact is an object, numbered from 1
in the order of the file. A pixel whose centre lies in a box is marked. A rater saw the whole video,
so a frame without a box is empty, not unknown. A category named motion, deformation or blur gives
the type; for other categories --artifact-type does.

Source: Kang et al., "GeneVA" (2025), https://kenchen10.github.io/projects/geneva.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...release import VIDEO_ID
from ..raw import (
    MAX_FRAMES,
    MAX_OBJECT_ID,
    VIDEO_SUFFIXES,
    FoundMasks,
    FrameLabels,
    Layout,
    Problem,
    RawError,
    RawVideo,
    bad_video_id,
    blank_planes,
    find_videos,
    first_file,
    is_finite,
    is_whole,
    join_records,
    objects_of_labels,
    read_json,
    shown,
)

FILE_NAME = "geneva.json"

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""


@dataclass(frozen=True, slots=True)
class BoxMasks:
    """The boxes of one video. They are kept in memory, because one file holds the boxes of all
    videos.
    """

    where: str
    video_path: Path
    """Used to get the size of its frames."""
    frames: Mapping[int, Mapping[int, Sequence[Box]]]
    """Boxes by frame_index and object_id; the mask is the union of an object's boxes."""

    def read(self) -> Iterator[FrameLabels]:
        """Frames with a box, one plane per object because boxes may overlap.

        Raises:
            RawError: a box that contains no pixel's centre, or a video that cannot be decoded.
        """
        if not self.frames:
            return
        height, width = _frame_size(self.video_path)
        for frame_index, objects in sorted(self.frames.items()):
            planes = blank_planes(
                objects, height, width, where=f"{self.where}: frame {frame_index}"
            )
            for object_id, boxes in objects.items():
                for x, y, box_width, box_height in boxes:
                    left, right = _centres(x, box_width, width)
                    top, bottom = _centres(y, box_height, height)
                    if left >= right or top >= bottom:
                        what = (
                            f"box {x:g}, {y:g}, {box_width:g} x {box_height:g} covers no pixel "
                            f"of the {width}x{height} frame"
                        )
                        raise RawError(
                            f"{self.where}: frame {frame_index}: {what}; wanted pixels from the "
                            "upper left corner"
                        )
                    planes[object_id][top:bottom, left:right] = object_id
            yield FrameLabels(frame_index, list(planes.values()), as_displayed=True)


def _centres(start: float, length: float, size: int) -> tuple[int, int]:
    """First pixel whose centre lies at or after `start`, and the first at or after
    `start + length`, within the frame.
    """
    first, stop = math.ceil(start - 0.5), math.ceil(start + length - 0.5)
    return max(0, first), min(size, stop)


def _frame_size(path: Path) -> tuple[int, int]:
    """(height, width) of the frames as players show them."""
    from ...frames import VideoError, displayed_size, probe

    try:
        properties = probe(path)
    except (VideoError, OSError) as error:
        raise RawError(str(error)) from error
    return displayed_size(properties.orientation, properties.height, properties.width)


def read_geneva(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video."""
    videos, problems = find_videos(raw / "videos", raw=raw)
    try:
        entries = read_json(raw / FILE_NAME)
        if not isinstance(entries, list):
            raise RawError(f"{shown(entries)}, wanted a list of videos")
    except RawError as error:
        return [], [*problems, Problem(FILE_NAME, str(error))]
    masks: dict[str, FoundMasks] = {}
    faults: list[Problem] = []
    for position, entry in enumerate(entries):
        try:
            video_id, box_masks = _video(entry, raw=raw, videos=videos, artifact_type=artifact_type)
            if video_id in masks:
                raise RawError(f"video {video_id} is listed twice; merge the two")
            masks[video_id] = box_masks
        except RawError as error:
            faults.append(Problem(FILE_NAME, f"[{position}]: {error}"))
    records, record_problems = join_records(
        raw,
        videos=videos,
        masks=masks,
        masks_wanted=f"an entry for {{video_id}} in {FILE_NAME}",
        artifact_type=artifact_type,
        generator=generator,
        unread=bool(faults),
    )
    return records, problems + faults + record_problems


def _video(
    entry: object, *, raw: Path, videos: Mapping[str, Path], artifact_type: str | None
) -> tuple[str, FoundMasks]:
    name, artifacts = (
        entry.get(key) if isinstance(entry, dict) else None for key in ("video", "artifacts")
    )
    if not isinstance(entry, dict) or not isinstance(name, str) or not isinstance(artifacts, list):
        raise RawError(f"{shown(entry)}, wanted an object with video and artifacts")
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    if f"{dot}{suffix}".lower() not in VIDEO_SUFFIXES:
        raise RawError(f"video is {shown(name)}, wanted a name that ends in {{video_id}}.mp4")
    if not VIDEO_ID.fullmatch(stem):
        raise RawError(bad_video_id(stem))
    if len(artifacts) > MAX_OBJECT_ID:
        raise RawError(f"{len(artifacts)} artifacts, at most {MAX_OBJECT_ID} are read")
    labels: dict[int, str] = {}
    frames: dict[int, dict[int, list[Box]]] = {}
    for object_id, artifact in enumerate(artifacts, start=1):
        where = f"artifacts[{object_id - 1}]"
        category, boxes = (
            artifact.get(key) if isinstance(artifact, dict) else None
            for key in ("category", "boxes")
        )
        if not isinstance(category, str) or not isinstance(boxes, list) or not boxes:
            raise RawError(f"{where}: {shown(artifact)}, wanted a category and at least one box")
        labels[object_id] = category
        for place, box in enumerate(boxes):
            frame_index, sides = _box(box, f"{where}.boxes[{place}]")
            frames.setdefault(frame_index, {}).setdefault(object_id, []).append(sides)
    where = f"{raw / FILE_NAME} video {stem}"
    return stem, FoundMasks(
        FILE_NAME,
        BoxMasks(where, videos[stem], frames) if stem in videos else None,
        None,
        objects=objects_of_labels(labels, artifact_type),
        generator=_optional(entry, "model"),
        prompt=_optional(entry, "prompt"),
    )


def _box(box: object, where: str) -> tuple[int, Box]:
    values: list[Any] = [
        box.get(key) if isinstance(box, dict) else None
        for key in ("frame", "x", "y", "width", "height")
    ]
    frame_index, x, y, width, height = values
    sound = is_whole(frame_index, least=0, most=MAX_FRAMES - 1) and all(
        is_finite(side) for side in (x, y, width, height)
    )
    if not sound or width <= 0 or height <= 0:
        raise RawError(
            f"{where}: {shown(box)}, wanted frame from 0, x, y, and width and height above 0"
        )
    return frame_index, (float(x), float(y), float(width), float(height))


def _optional(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is None:
        return None
    if (
        not isinstance(value, str)
        or not value
        or any("\ud800" <= char <= "\udfff" for char in value)
    ):
        raise RawError(f"{key} is {shown(value)}, wanted text")
    return value


def _detect(raw: Path) -> Path | None:
    return first_file([raw / FILE_NAME], name=FILE_NAME)


LAYOUT = Layout(
    help="GeneVA: boxes of artifacts, frame by frame",
    looked_for=FILE_NAME,
    detect=_detect,
    read=read_geneva,
)
