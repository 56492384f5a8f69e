"""CVAT for video 1.1: annotations/{video_id}.xml beside videos/{video_id}.mp4, the annotations.xml
of one task each.

A track is an object. Tracks with one `group_id` are one object, because CVAT writes a mask that was
drawn in a single frame as a track of its own. Objects are numbered from 1 in the order of the file.
If the attribute `object_id` of a mask is not 0, the mask belongs to the object with this number,
whatever its track; other objects are numbered after the highest. `rle` has run lengths in row-major
order of the mask's box, starting with background. `frame` counts the frames of the video from 0,
whatever the frame step of the task. `outside="1"`: the object is not visible. The frames of the
task (start_frame to stop_frame by the step of frame_filter) are annotated; other frames are not.

Source: CVAT documentation, "XML annotation format" 1.1.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np

from ...release import VIDEO_ID
from ..raw import (
    MAX_FRAME_INDEX,
    MAX_FRAMES,
    MAX_OBJECT_ID,
    MAX_PIXELS,
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
    join_records,
    list_folder,
    objects_of_labels,
    shown,
)

MAX_XML_BYTES = 2**28
MAX_XML_DEPTH = 32

_FOLDER = "annotations"
_NUMBER = re.compile(r"[0-9]{1,9}")
_FILTER = re.compile(r"step=([1-9][0-9]{0,8})")
_META = "annotations/meta/task/"
_JOB_META = "annotations/meta/job/"
_META_FIELDS = (
    "original_size/height",
    "original_size/width",
    "start_frame",
    "stop_frame",
    "frame_filter",
)
_ATTRIBUTE = "annotations/track/mask/attribute"
_OBJECT_ID = " object_id"
"""A key that differs from every XML attribute, because their names have no space."""
_SHAPES = ("box", "polygon", "polyline", "points", "ellipse", "cuboid", "skeleton")


@dataclass(frozen=True, slots=True)
class Shape:
    """One mask of one track: its box in the frame and the row-major runs inside it."""

    object_id: int
    left: int
    top: int
    width: int
    height: int
    rle: str


@dataclass(frozen=True, slots=True)
class CvatTask:
    """The content of one file that is used here."""

    height: int
    width: int
    annotated_frames: range | None
    labels: Mapping[int, str]
    """Labels by object_id."""
    shapes: Mapping[int, Sequence[Shape]]
    """Masks that are not outside, by frame_index."""


@dataclass(frozen=True, slots=True)
class CvatMasks:
    """The masks of one CVAT file, one plane per object because objects may overlap."""

    path: Path

    def read(self) -> Iterator[FrameLabels]:
        """Frames with a mask.

        Raises:
            RawError: the file has changed into one that cannot be read, or runs do not fill their
                box.
        """
        try:
            task = read_task(self.path)
        except RawError as error:
            raise RawError(f"{self.path}: {error}") from error
        for frame_index, shapes in sorted(task.shapes.items()):
            ids = {shape.object_id for shape in shapes}
            planes = blank_planes(
                ids, task.height, task.width, where=f"{self.path}: frame {frame_index}"
            )
            for shape in shapes:
                where = f"{self.path}: frame {frame_index} object {shape.object_id}"
                rows, columns = (
                    slice(shape.top, shape.top + shape.height),
                    slice(shape.left, shape.left + shape.width),
                )
                planes[shape.object_id][rows, columns][_bitmap(shape, where)] = shape.object_id
            yield FrameLabels(frame_index, list(planes.values()))


def _bitmap(shape: Shape, where: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    parts = shape.rle.split(",")
    area = shape.width * shape.height
    runs = [int(part) for part in parts if _NUMBER.fullmatch(part.strip())]
    if len(runs) < len(parts) or sum(runs) != area:
        wanted = (
            f"whole numbers that sum to {area} = {shape.width} x {shape.height}, the mask's box"
        )
        raise RawError(
            f"{where}: rle is {shown(shape.rle)}, wanted {wanted}; export the task again"
        )
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape.height, shape.width)


def read_task(path: Path) -> CvatTask:
    """One file; its runs are not decoded.

    Raises:
        RawError: the problem of the file, without its path.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_XML_BYTES + 1)
    except OSError as error:
        raise RawError(f"cannot be read ({error.strerror})") from error
    if len(data) > MAX_XML_BYTES:
        raise RawError(f"more than {MAX_XML_BYTES} bytes of XML; export the task in parts")
    reader = _Reader()
    # The encoding is given, so that no declaration of the file can choose another codec.
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise RawError(f"not well-formed XML ({error}); copy the file again") from error
    return reader.task()


def _refuse_doctype(*_: object) -> None:
    raise RawError(
        "has a DOCTYPE, which could define entities without end; CVAT writes none: remove it"
    )


_Key = tuple[str, str]
"""The key of an object: "object_id", "group" or "track", and its number in the file."""


def _object_key(track: Mapping[str, str]) -> _Key:
    """The group of a track if it has one (0 means none), otherwise the track."""
    group = track.get("group_id", "0")
    return ("group", group) if group != "0" else ("track", track.get("id", ""))


@dataclass(frozen=True, slots=True)
class _Mask:
    """One mask of the file, before objects are numbered."""

    where: str
    key: _Key
    box: Mapping[str, int]
    rle: str


@dataclass(slots=True)
class _Reader:
    """The target that the parser calls; `task` gives the collected content."""

    path: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    track: dict[str, str] | None = None
    mask: dict[str, str] | None = None
    """The attributes of the mask that is open, with those of CVAT by their names after a space."""
    attribute: str = ""
    labels: dict[_Key, str] = field(default_factory=dict)
    """Labels by the key of the object, in the order of the file."""
    masks: dict[int, list[_Mask]] = field(default_factory=dict)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        if len(self.path) > MAX_XML_DEPTH:
            raise RawError(
                f"nested deeper than {MAX_XML_DEPTH} elements; CVAT writes fewer: copy the file "
                "again"
            )
        if len(self.path) == 1 and name != "annotations":
            raise RawError(
                f"the root element is {shown(name)}, wanted annotations, as CVAT for video 1.1 "
                "writes"
            )
        place = "/".join(self.path)
        if place in ("annotations/image", "annotations/meta/project"):
            what = "images" if name == "image" else "a project"
            raise RawError(f"holds {what}; export one task at a time as CVAT for video 1.1")
        if place == "annotations/track":
            self._start_track(attributes)
        elif place == "annotations/track/mask":
            self.mask = attributes
        elif place == _ATTRIBUTE:
            self.attribute = attributes.get("name", "")
        elif (
            len(self.path) == 3
            and self.track is not None
            and name in _SHAPES
            and attributes.get("outside") != "1"
        ):
            where = f"track {self.track.get('id')} frame {attributes.get('frame')}"
            raise RawError(
                f"{where}: a {name}, wanted only masks; convert it to a mask in CVAT, or delete it"
            )

    def end(self, name: str) -> None:
        if "/".join(self.path) == "annotations/track/mask":
            self._add_mask(self.mask or {})
        self.path.pop()

    def text(self, text: str) -> None:
        place = "/".join(self.path)
        if place == _ATTRIBUTE and self.mask is not None and self.attribute == "object_id":
            self.mask[_OBJECT_ID] = (self.mask.get(_OBJECT_ID, "") + text)[:64]
        name = place.removeprefix(_META).removeprefix(_JOB_META)
        if name in _META_FIELDS and len(text) < 64:  # numbers; a longer text is not a number
            self.meta[name] = (self.meta.get(name, "") + text)[:64]

    def _start_track(self, attributes: dict[str, str]) -> None:
        self.track = attributes
        self._label(_object_key(attributes))
        if len(self.labels) > MAX_OBJECT_ID:
            raise RawError(
                f"more than {MAX_OBJECT_ID} objects; group the tracks of one object in CVAT"
            )

    def _label(self, key: _Key) -> None:
        label = (self.track or {}).get("label", "")
        if self.labels.setdefault(key, label) != label:
            what = (
                f"labels {shown(self.labels[key])} and {shown(label)}; wanted one label per object"
            )
            raise RawError(f"{' '.join(key)}: {what}")

    def _add_mask(self, attributes: Mapping[str, str]) -> None:
        track = self.track or {}
        where = f"track {track.get('id')} frame {attributes.get('frame')}"
        if attributes.get("outside") == "1":
            return
        numbers = {
            name: attributes.get(name, "") for name in ("frame", "left", "top", "width", "height")
        }
        for name, text in numbers.items():
            if not _NUMBER.fullmatch(text):
                raise RawError(f"{where}: {name} is {shown(text)}, wanted a whole number from 0")
        frame_index = int(numbers.pop("frame"))
        if frame_index > MAX_FRAME_INDEX:
            raise RawError(f"{where}: wanted a frame of the video, from 0 to {MAX_FRAME_INDEX}")
        key = self._key(attributes.get(_OBJECT_ID, "").strip() or "0", where)
        box = {name: int(text) for name, text in numbers.items()}
        self.masks.setdefault(frame_index, []).append(
            _Mask(where, key, box, attributes.get("rle", ""))
        )

    def _key(self, object_id: str, where: str) -> _Key:
        """The key of the object of a mask with this attribute `object_id`; for 0, the key of its
        track.

        Raises:
            RawError: not an object id.
        """
        if not _NUMBER.fullmatch(object_id) or int(object_id) > MAX_OBJECT_ID:
            wanted = f"wanted a whole number from 1 to {MAX_OBJECT_ID}, or 0 for none"
            raise RawError(f"{where}: the attribute object_id is {shown(object_id)}, {wanted}")
        if not int(object_id):
            return _object_key(self.track or {})
        key = ("object_id", str(int(object_id)))
        self._label(key)
        return key

    def _object_ids(self) -> dict[_Key, int]:
        """object_id by key: the number that the masks give, otherwise by order in the file."""
        used = {mask.key for masks in self.masks.values() for mask in masks}
        numbered = {key: int(key[1]) for key in used if key[0] == "object_id"}
        others = [
            key for key in self.labels if key[0] != "object_id" and (not numbered or key in used)
        ]
        first = max(numbered.values(), default=0) + 1
        if first + len(others) - 1 > MAX_OBJECT_ID:
            raise RawError(
                f"more than {MAX_OBJECT_ID} objects; give them lower numbers in the attribute "
                "object_id"
            )
        return numbered | {key: object_id for object_id, key in enumerate(others, start=first)}

    def task(self) -> CvatTask:
        height, width = (self._size(side) for side in ("height", "width"))
        if height * width > MAX_PIXELS:
            raise RawError(
                f"original_size is {height}x{width} pixels, at most {MAX_PIXELS} are read; is this "
                "a video frame?"
            )
        annotated = self._annotated_frames()
        ids = self._object_ids()
        shapes: dict[int, list[Shape]] = {}
        for frame_index, masks in self.masks.items():
            for mask in masks:
                if annotated is not None and frame_index not in annotated:
                    wanted = (
                        f"frames {annotated.start} to {annotated[-1]} by {annotated.step}, as the "
                        "task's meta says"
                    )
                    raise RawError(
                        f"{mask.where}: wanted {wanted}; export the task again, or correct "
                        "start_frame and frame_filter"
                    )
                shape = Shape(object_id=ids[mask.key], rle=mask.rle, **mask.box)
                inside = shape.left + shape.width <= width and shape.top + shape.height <= height
                if not inside or not shape.width or not shape.height:
                    box = f"{shape.width}x{shape.height} at {shape.left},{shape.top}"
                    raise RawError(
                        f"{mask.where}: the mask's box is {box}, wanted one inside of "
                        f"{width}x{height}"
                    )
                shapes.setdefault(frame_index, []).append(shape)
        used = {mask.key for masks in self.masks.values() for mask in masks}
        labels = {object_id: self.labels[key] for key, object_id in ids.items() if key in used}
        return CvatTask(height, width, annotated, dict(sorted(labels.items())), shapes)

    def _size(self, side: str) -> int:
        text = self.meta.get(f"original_size/{side}", "").strip()
        if not _NUMBER.fullmatch(text) or not int(text):
            raise RawError(
                f"original_size has {side} {shown(text)}, wanted pixels of the decoded frames in "
                "the task's meta"
            )
        return int(text)

    def _annotated_frames(self) -> range | None:
        """The annotated frames of the task; None if the meta does not give them, which means every
        frame.
        """
        start, stop, step = (
            self.meta.get(key, "").strip() for key in ("start_frame", "stop_frame", "frame_filter")
        )
        match = _FILTER.fullmatch(step)
        if step and match is None:
            raise RawError(f"frame_filter is {shown(step)}, wanted step=N")
        if not start and not stop and match is None:
            return None
        if not _NUMBER.fullmatch(start) or not _NUMBER.fullmatch(stop) or int(start) > int(stop):
            raise RawError(
                f"start_frame is {shown(start)} and stop_frame {shown(stop)}, wanted frames from 0 "
                "in order"
            )
        if int(stop) >= MAX_FRAMES:
            raise RawError(f"stop_frame is {stop}, at most {MAX_FRAMES} frames are read")
        return range(int(start), int(stop) + 1, int(match[1]) if match is not None else 1)


def read_cvat(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or decoding runs."""
    videos, problems = find_videos(raw / "videos", raw=raw)
    masks: dict[str, FoundMasks] = {}
    for path in list_folder(raw / _FOLDER):
        where = path.relative_to(raw).as_posix()
        if path.suffix.lower() != ".xml" or not path.is_file():
            problems.append(
                Problem(
                    where, "not a CVAT annotation; wanted {video_id}.xml: rename it or move it out"
                )
            )
        elif not VIDEO_ID.fullmatch(path.stem):
            problems.append(Problem(where, bad_video_id(path.stem)))
        else:
            try:
                task = read_task(path)
            except RawError as error:
                problems.append(Problem(where, str(error)))
                masks[path.stem] = FoundMasks(where, None, None)
                continue
            objects = objects_of_labels(task.labels, artifact_type)
            frames = task.annotated_frames
            masks[path.stem] = FoundMasks(where, CvatMasks(path), frames, objects=objects)
    records, record_problems = join_records(
        raw,
        videos=videos,
        masks=masks,
        masks_wanted=f"{_FOLDER}/{{video_id}}.xml",
        artifact_type=artifact_type,
        generator=generator,
    )
    return records, problems + record_problems


def _detect(raw: Path) -> Path | None:
    return first_file(list_folder(raw / _FOLDER), suffix=".xml")


LAYOUT = Layout(
    help="CVAT for video 1.1: masks of tracks in XML",
    looked_for=f"{_FOLDER}/{{video_id}}.xml",
    detect=_detect,
    read=read_cvat,
)
