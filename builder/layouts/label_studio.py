"""Label Studio brushes: tasks.json, a project's JSON export, beside videos/{video_id}.mp4.

A task of a video has regions with a `sequence` of {frame, rle, enabled}, frames from 1; each region
is an object. A task of an image, {video_id}/{frame}.png with frames from 0, has one rle per region.
There each label is an object, because nothing else identifies an object from frame to frame.
Objects are numbered from 1 in the order of region ids or labels. If a brush has a number of its own
(a per-region Number) named object_id, it belongs to the object with this number; other objects come
after the highest.

`rle` is a packed bit stream: u32 number of values, u5 bits per value - 1, four u4 size classes - 1,
then blocks. A block has one bit (a run, or single values), a 2-bit size class, a length - 1 with as
many bits as the class gives, and the values. The values are 4 channels in row-major order. A pixel
is marked if its last channel is not 0.

Addresses may have a query, a fragment, and slashes or backslashes. Regions that are not brushes
(answers, relations, shapes of another question) are ignored, and a build prints their number. A
shape with a label of the brushes is refused, and so is an export with shapes but no brush.

Source: Label Studio documentation, "BrushLabels"; label_studio_sdk.converter.brush;
thi.ng/rle-pack.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import parse_qsl, unquote

import numpy as np
import numpy.typing as npt

from ...masks import ARTIFACT_TYPES
from ...release import VIDEO_ID
from ..raw import (
    MAX_FRAME_INDEX,
    MAX_OBJECT_ID,
    MAX_PIXELS,
    NUMBER,
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
    is_whole,
    join_records,
    objects_of_labels,
    read_json,
    shown,
    shown_end,
)

FILE_NAME = "tasks.json"

_CHANNELS = 4
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_MASKS = ("brush", "magicwand", "bitmask", "bitmasklabels")
"""Types of regions that mark pixels in a form that is not read here."""
_SHAPES = ("rectangle", "polygon", "ellipse", "keypoint", "vector", "cuboid", "videorectangle")
"""Regions that have a place in the frame; the type of one with labels ends in "labels"."""
_SPARE_BITS = 64

_Name = str | int
"""The name of an object before it is numbered: the number that its regions give, or a label, or a
region's id.
"""


@dataclass(frozen=True, slots=True)
class Brush:
    """One region in one frame."""

    where: str
    height: int
    width: int
    rle: Sequence[int]


@dataclass(frozen=True, slots=True)
class BrushMasks:
    """The regions of one video. They are kept in memory, because one file holds the regions of all
    videos.
    """

    where: str
    frames: Mapping[int, Mapping[int, Sequence[Brush]]]
    """Regions by frame_index and object_id; the mask is the union of an object's regions."""
    notes: tuple[str, ...] = ()
    """Notes about the file, which a build prints."""

    def read(self) -> Iterator[FrameLabels]:
        """Frames with a region, one plane per object because objects may overlap.

        If there is no region, the first frame, because the notes belong to a frame.

        Raises:
            RawError: a bit stream that is not a mask of the region's size; regions of two sizes in
                one frame.
        """
        if self.notes and not self.frames:
            yield FrameLabels(0, (), rules=self.notes)
        for frame_index, objects in sorted(self.frames.items()):
            sizes = {
                (brush.height, brush.width) for brushes in objects.values() for brush in brushes
            }
            where = f"{self.where}: frame {frame_index}"
            if len(sizes) > 1:
                raise RawError(
                    f"{where}: regions of the sizes {sorted(sizes)} (height first), wanted that of "
                    "the frame"
                )
            ((height, width),) = sizes
            planes = blank_planes(objects, height, width, where=where)
            for object_id, brushes in objects.items():
                for brush in brushes:
                    try:
                        planes[object_id][decode_brush(brush.rle, height=height, width=width)] = (
                            object_id
                        )
                    except RawError as error:
                        raise RawError(f"{self.where}: {brush.where}: {error}") from error
            yield FrameLabels(frame_index, list(planes.values()), rules=self.notes)


def decode_brush(rle: Sequence[int], *, height: int, width: int) -> npt.NDArray[np.bool_]:
    """bool[height, width], True where the fourth channel is not 0.

    Args:
        rle: bytes as whole numbers from 0 to 255.

    Raises:
        RawError: not a bit stream of height · width · 4 values, or one that ends early.
    """
    total = _CHANNELS * height * width
    stream = _Bits(np.unpackbits(np.asarray(rle, np.uint8)))
    stated, bits = stream.read(32), stream.read(5) + 1
    sizes = [stream.read(4) + 1 for _ in range(4)]
    if stated != total or bits != 8:
        wanted = f"{total} = {height} x {width} x {_CHANNELS} of 8 bits"
        raise RawError(
            f"rle holds {stated} values of {bits} bits, wanted {wanted}; is this a brush of "
            "another image?"
        )
    values = np.empty(total, np.uint8)
    start = 0
    while start < total:
        is_run = stream.read(1)
        stop = start + 1 + stream.read(sizes[stream.read(2)])
        if stop > total:
            raise RawError(
                f"rle has a block of {stop - start} values at value {start} of {total}; export the "
                "task again"
            )
        values[start:stop] = stream.read(8) if is_run else stream.read_bytes(stop - start)
        start = stop
    if len(stream.bits) - stream.at > _SPARE_BITS:
        raise RawError(
            f"rle goes on for {len(stream.bits) - stream.at} bits after its last value; export the "
            "task again"
        )
    return values.reshape(height, width, _CHANNELS)[:, :, 3].astype(np.bool_)


@dataclass(slots=True)
class _Bits:
    bits: npt.NDArray[np.uint8]
    at: int = 0

    def read(self, count: int) -> int:
        return int.from_bytes(np.packbits(self._next(count)).tobytes(), "big") >> -count % 8

    def read_bytes(self, count: int) -> npt.NDArray[np.uint8]:
        return np.packbits(self._next(8 * count))

    def _next(self, count: int) -> npt.NDArray[np.uint8]:
        part = self.bits[self.at : self.at + count]
        if len(part) < count:
            raise RawError(
                f"rle ends after {len(self.bits) // 8} bytes, inside a block; export the task again"
            )
        self.at += count
        return part


@dataclass(slots=True)
class _Video:
    """The content of the tasks of one video, before its objects are numbered."""

    brushes: dict[int, dict[_Name, list[Brush]]] = field(default_factory=dict)
    """Regions by frame_index and name of the object."""
    labels: dict[_Name, str] = field(default_factory=dict)
    """Labels by name of the object."""
    regions: set[str] = field(default_factory=set)
    """Ids of the regions of a video task."""
    annotated: set[int] = field(default_factory=set)
    whole: bool = False
    """Whether a video task, which shows every frame, is annotated."""


def read_label_studio(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or decoding a brush."""
    video_files, problems = find_videos(raw / "videos", raw=raw)
    try:
        tasks = read_json(raw / FILE_NAME)
        if not isinstance(tasks, list):
            raise RawError(f"{shown(tasks)}, wanted the list of tasks of a JSON export")
    except RawError as error:
        return [], [*problems, Problem(FILE_NAME, str(error))]
    videos: dict[str, _Video] = defaultdict(_Video)
    other_regions: list[_Other] = []
    faults: list[str] = []
    for position, task in enumerate(tasks):
        try:
            other_regions += _add_task(videos, task, where=f"[{position}]")
        except RawError as error:
            faults.append(f"[{position}]: {error}")
    faults += _meant_as_brushes(
        other_regions, {label for video in videos.values() for label in video.labels.values()}
    )
    notes = _notes(other_regions)
    problems += [Problem(FILE_NAME, fault) for fault in faults]
    masks: dict[str, FoundMasks] = {}
    for video_id, video in videos.items():
        ids = _object_ids(video.labels)
        if max(ids.values(), default=0) > MAX_OBJECT_ID:
            problems.append(
                Problem(
                    FILE_NAME,
                    f"video {video_id}: {len(ids)} objects, at most {MAX_OBJECT_ID} are read",
                )
            )
            ids = {}
        frames = {
            frame: {ids[name]: b for name, b in by_name.items()}
            for frame, by_name in video.brushes.items()
            if ids
        }
        masks[video_id] = FoundMasks(
            FILE_NAME,
            None if faults else BrushMasks(f"{raw / FILE_NAME} video {video_id}", frames, notes),
            None if video.whole else tuple(sorted(video.annotated)),
            objects=objects_of_labels(
                {object_id: video.labels[name] for name, object_id in ids.items()}, artifact_type
            ),
        )
    records, record_problems = join_records(
        raw,
        videos=video_files,
        masks=masks,
        masks_wanted=f"a task for {{video_id}} in {FILE_NAME}",
        artifact_type=artifact_type,
        generator=generator,
        unread=bool(faults),
    )
    return records, problems + record_problems


def _object_ids(labels: Mapping[_Name, str]) -> dict[_Name, int]:
    """object_id by name: the name itself if it is a number; other names get numbers after the
    highest, in order.
    """
    numbered: dict[_Name, int] = {
        name: name for name in sorted(name for name in labels if isinstance(name, int))
    }
    others = sorted(name for name in labels if isinstance(name, str))
    first = max(numbered.values(), default=0) + 1
    return numbered | {name: object_id for object_id, name in enumerate(others, start=first)}


@dataclass(frozen=True, slots=True)
class _Other:
    """A region that is not a brush."""

    where: str
    kind: str
    labels: frozenset[str]

    @property
    def is_shape(self) -> bool:
        return self.kind.removesuffix("labels") in _SHAPES


def _meant_as_brushes(other_regions: Sequence[_Other], brush_labels: set[str]) -> Iterator[str]:
    """The problem of shapes that are used instead of brushes."""
    shapes = [region for region in other_regions if region.is_shape]
    if shapes and not brush_labels:
        yield (
            f"no brush in any task, but {_counted(shapes)}; wanted brushlabels: draw what is "
            "marked with brushes"
        )
        return
    for shape in shapes:
        if labels := sorted(shape.labels & (brush_labels | set(ARTIFACT_TYPES))):
            what = (
                f"type is {shown(shape.kind)} with the label {shown(labels[0])}, wanted "
                "brushlabels for it"
            )
            yield f"{shape.where}: {what}; draw it with a brush, or delete the region"


def _notes(other_regions: Sequence[_Other]) -> tuple[str, ...]:
    return (
        (
            f"{FILE_NAME} has regions that are not brushes and were ignored: "
            f"{_counted(other_regions)}",
        )
        if other_regions
        else ()
    )


def _counted(other_regions: Sequence[_Other]) -> str:
    counts = Counter(region.kind for region in other_regions)
    return ", ".join(f"{count} {shown(kind)}" for kind, count in sorted(counts.items()))


def _add_task(videos: Mapping[str, _Video], task: object, *, where: str) -> list[_Other]:
    """Adds the brushes of one task to its video; returns its other regions."""
    data = task.get("data") if isinstance(task, dict) else None
    annotations = task.get("annotations") if isinstance(task, dict) else None
    if (
        not isinstance(data, dict)
        or not isinstance(annotations, list)
        or not all(isinstance(a, dict) for a in annotations)
    ):
        raise RawError(
            f"{shown(task)}, wanted a task with data and annotations, as the JSON export (not "
            "JSON-MIN) has"
        )
    video_id, frame_index = _place(data)
    kept = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    if len(kept) > 1:
        raise RawError(
            f"{len(kept)} annotations; wanted one: delete the others, or export the reviewed ones"
        )
    others: list[_Other] = []
    for annotation in kept:
        video = videos[video_id]
        if (frame_index is None and video.whole) or frame_index in video.annotated:
            raise RawError(
                "a second task for "
                f"{video_id if frame_index is None else f'{video_id}/{frame_index}'}; merge them"
            )
        regions = annotation.get("result")
        if not isinstance(regions, list):
            raise RawError(f"result is {shown(regions)}, wanted a list of regions")
        numbers = _numbers(regions)
        for position, region in enumerate(regions):
            if _is_number(region):
                continue
            try:
                if (other := _other(region, where=f"{where}: result[{position}]")) is not None:
                    others.append(other)
                else:
                    _add_region(video, region, frame_index, numbers)
            except RawError as error:
                raise RawError(f"result[{position}]: {error}") from error
        video.whole |= frame_index is None
        if frame_index is not None:
            video.annotated.add(frame_index)
    return others


def _is_number(region: object) -> bool:
    """Whether a region is the number (object_id) of another region."""
    return (
        isinstance(region, dict)
        and region.get("type") == "number"
        and region.get("from_name") == "object_id"
    )


def _numbers(regions: Sequence[Any]) -> dict[Any, int]:
    """Object numbers by the id of the region.

    Raises:
        RawError: an invalid number.
    """
    numbers: dict[Any, int] = {}
    for position, region in enumerate(regions):
        if _is_number(region):
            value, name = region.get("value"), region.get("id")
            number = value.get("number") if isinstance(value, dict) else value
            number = int(number) if isinstance(number, float) and number.is_integer() else number
            if not is_whole(number, least=1, most=MAX_OBJECT_ID) or not isinstance(name, str):
                what = f"object_id is {shown(number)} of region {shown(name)}"
                raise RawError(
                    f"result[{position}]: {what}, wanted a whole number from 1 to {MAX_OBJECT_ID} "
                    "of a region"
                )
            numbers[name] = number  # type: ignore[assignment]
    return numbers


def _place(data: Mapping[str, Any]) -> tuple[str, int | None]:
    """The video_id, and the frame index if the task is about a frame."""
    video, image = data.get("video"), data.get("image")
    if isinstance(video, str) and image is None:
        path = next((path for path in _paths(video) if path.suffix.lower() in VIDEO_SUFFIXES), None)
        if path is None:
            raise RawError(
                f"data.video is {shown_end(video)}, wanted a path that ends in {{video_id}}.mp4"
            )
        video_id, frame_index = path.stem, None
    elif isinstance(image, str) and video is None:
        path = next((path for path in _paths(image) if _is_frame(path)), None)
        if path is None:
            wanted = (
                "wanted a path that ends in {video_id}/{frame}.png, the number being the "
                "frame's, from 0"
            )
            raise RawError(f"data.image is {shown_end(image)}, {wanted}")
        video_id, frame_index = path.parent.name, int(path.stem)
    else:
        raise RawError(
            f"data is {shown(data)}, wanted one of data.image and data.video, the address of a "
            "frame or a video"
        )
    if not VIDEO_ID.fullmatch(video_id):
        raise RawError(bad_video_id(video_id))
    return video_id, frame_index


def _paths(address: str) -> Iterator[PureWindowsPath]:
    """The paths that an address may mean: its own path, paths in its query (local files have
    ?d=PATH), or the whole text.
    """
    plain, _, query = address.partition("#")[0].partition("?")
    values = (value for _, value in parse_qsl(query))
    # A path of Windows may have either slash.
    return (PureWindowsPath(text) for text in chain([unquote(plain)], values, [address]))


def _is_frame(path: PureWindowsPath) -> bool:
    is_numbered = NUMBER.fullmatch(path.stem) is not None and path.suffix.lower() in _PICTURES
    return is_numbered and bool(path.parent.name)


def _other(region: object, *, where: str) -> _Other | None:
    """A region that is ignored; None for a brush.

    Raises:
        RawError: not a region, or a region that marks pixels in another form.
    """
    kind = region.get("type") if isinstance(region, dict) else region
    if not isinstance(region, dict) or not isinstance(kind, str) or kind in _MASKS:
        raise RawError(
            f"type is {shown(kind)}, wanted brushlabels; delete the region, or remove it from the "
            "export"
        )
    if kind == "brushlabels":
        return None
    value = region.get("value")
    named = [value.get(kind), value.get("labels")] if isinstance(value, dict) else []
    lists = [names for names in named if isinstance(names, list)]
    return _Other(
        where, kind, frozenset(name for names in lists for name in names if isinstance(name, str))
    )


def _add_region(
    video: _Video, region: Mapping[str, Any], frame_index: int | None, numbers: Mapping[Any, int]
) -> None:
    value = region.get("value")
    if not isinstance(value, dict):
        raise RawError(f"value is {shown(value)}, wanted that of a brush")
    height, width = region.get("original_height"), region.get("original_width")
    if not is_whole(height, least=1, most=MAX_PIXELS) or not is_whole(
        width, least=1, most=MAX_PIXELS
    ):
        raise RawError(
            f"original_height is {shown(height)} and original_width {shown(width)}, wanted pixels "
            "of the frame"
        )
    if height * width > MAX_PIXELS:  # type: ignore[operator]
        raise RawError(
            f"{height}x{width} pixels, at most {MAX_PIXELS} are read; is this a video frame?"
        )
    if region.get("image_rotation", 0) != 0:
        raise RawError(
            f"image_rotation is {shown(region['image_rotation'])}, wanted 0; turn the frame back "
            "before it is marked"
        )
    labels = value.get("brushlabels")
    if not isinstance(labels, list) or len(labels) != 1 or not isinstance(labels[0], str):
        raise RawError(f"brushlabels is {shown(labels)}, wanted one label")
    region_id = region.get("id")
    if frame_index is None and not isinstance(region_id, str):
        raise RawError(f"id is {shown(region_id)}, wanted a string")
    if frame_index is None and region_id in video.regions:
        raise RawError(f"id {shown(region_id)} is given twice; give each region an id of its own")
    if frame_index is None:
        video.regions.add(region_id)  # type: ignore[arg-type]
    number = numbers.get(region_id) if isinstance(region_id, str) else None
    name: _Name = labels[0] if frame_index is not None else region_id  # type: ignore[assignment]
    name = name if number is None else number
    if video.labels.get(name, labels[0]) != labels[0]:
        both = f"labels {shown(video.labels[name])} and {shown(labels[0])}"
        raise RawError(f"object_id {number} has the {both}; wanted one label per object")
    for where, frame, rle in _shown_frames(value, frame_index):
        if not isinstance(rle, list) or not all(is_whole(byte, least=0, most=255) for byte in rle):
            raise RawError(
                f"{where}rle is {shown(rle)}, wanted a list of whole numbers from 0 to 255"
            )
        brush = Brush(f"region {shown(region.get('id'))}", height, width, rle)  # type: ignore[arg-type]
        video.brushes.setdefault(frame, {}).setdefault(name, []).append(brush)
        video.labels[name] = labels[0]


def _shown_frames(
    value: Mapping[str, Any], frame_index: int | None
) -> Iterator[tuple[str, int, Any]]:
    if frame_index is not None:
        if value.get("format", "rle") != "rle":
            raise RawError(f"format is {shown(value['format'])}, wanted rle")
        yield "", frame_index, value.get("rle")
        return
    sequence = value.get("sequence")
    if not isinstance(sequence, list):
        raise RawError(f"sequence is {shown(sequence)}, wanted a list of frames with an rle")
    seen: set[int] = set()
    for position, entry in enumerate(sequence):
        frame = entry.get("frame") if isinstance(entry, dict) else None
        if not is_whole(frame, least=1, most=MAX_FRAME_INDEX) or frame in seen:
            raise RawError(
                f"sequence[{position}]: frame is {shown(frame)}, wanted a whole number from 1, "
                "each once"
            )
        seen.add(frame)  # type: ignore[arg-type]
        if entry.get("enabled", True) is not False:
            yield f"sequence[{position}]: ", frame - 1, entry.get("rle")  # type: ignore[operator]


def _detect(raw: Path) -> Path | None:
    return first_file([raw / FILE_NAME], name=FILE_NAME)


LAYOUT = Layout(
    help="brushes of Label Studio in a project's JSON export",
    looked_for=FILE_NAME,
    detect=_detect,
    read=read_label_studio,
)
