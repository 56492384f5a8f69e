"""COCO JSON of videos (YouTube-VIS) or of images: instances.json, here or in annotations/, beside
videos/.

`segmentations[k]` of an annotation is the COCO RLE of one object in one frame; null if the object
is not visible there. `file_names[k]` of the video names the frame, as {video_id}/{frame}.jpg with
frames from 0. A video with `file_name` {video_id}.mp4 instead has one entry for every frame.
Folders before these names are ignored. Frames that are not named are not annotated. Counts are a
string or a list of run lengths, both in column-major order. The object_id is `object_id`, if every
annotation of the video has one, otherwise the annotation's `id`. `..raw.coco_images` reads files
with `images` instead of `videos`.

Source: YouTube-VIS, https://youtube-vos.org/dataset/vis (the API in youtubevos/cocoapi).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...masks import RLEError
from ...release import VIDEO_ID
from ..raw import (
    MAX_FRAMES,
    MAX_OBJECT_ID,
    MAX_PIXELS,
    VIDEO_SUFFIXES,
    CocoImageMasks,
    FoundMasks,
    FrameLabels,
    Layout,
    Problem,
    RawError,
    RawVideo,
    Segmentation,
    annotation_files,
    bad_video_id,
    blank_planes,
    category_names,
    check_segmentation,
    find_videos,
    first_file,
    is_frame,
    is_whole,
    join_records,
    named_path,
    objects_of_labels,
    read_json,
    segmentation_bitmap,
    shown,
    shown_end,
    videos_of_images,
)

FILE_NAME = "instances.json"

_Segmentation = Segmentation | None


@dataclass(frozen=True, slots=True)
class CocoMasks:
    """The annotations of one video. They are kept in memory, because one file holds the annotations
    of all videos.
    """

    where: str
    height: int
    width: int
    frames: Sequence[int]
    objects: Mapping[int, Sequence[_Segmentation]]
    """Segmentations by object_id, one per entry of `frames`."""

    def read(self) -> Iterator[FrameLabels]:
        """The frames of the video's `file_names`: one plane per object in the frame, because
        objects may overlap.

        Raises:
            RawError: a segmentation whose counts are not a mask of this size.
        """
        for position, frame_index in enumerate(self.frames):
            there = {object_id: rles[position] for object_id, rles in self.objects.items()}
            ids = [
                object_id for object_id, segmentation in there.items() if segmentation is not None
            ]
            planes = blank_planes(
                ids, self.height, self.width, where=f"{self.where}: frame {frame_index}"
            )
            for object_id, plane in planes.items():
                try:
                    counts = there[object_id]["counts"]  # type: ignore[index]
                    bitmap = segmentation_bitmap(counts, height=self.height, width=self.width)
                except RLEError as error:
                    what = f"object {object_id} segmentations[{position}]: {error.problem}"
                    raise RawError(f"{self.where}: {what}") from error
                np.multiply(bitmap, np.uint16(object_id), out=plane)
            yield FrameLabels(frame_index, list(planes.values()))


@dataclass(frozen=True, slots=True)
class _Video:
    video_id: str
    height: int
    width: int
    frames: Sequence[int]


def read_coco(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or decoding an RLE."""
    videos, problems = find_videos(raw / "videos", raw=raw)
    path = next(
        (path for path in (raw / FILE_NAME, raw / "annotations" / FILE_NAME) if path.is_file()),
        None,
    )
    if path is None:
        return [], [
            Problem(FILE_NAME, "no such file, here or in annotations/; wanted COCO JSON of videos")
        ]
    where = path.relative_to(raw).as_posix()
    try:
        content = read_json(path)
        if isinstance(content, dict) and "images" in content and "videos" not in content:
            masks, faults = _of_images(content, path, where=where, artifact_type=artifact_type)
        else:
            masks, faults = _of_videos(content, path, where=where, artifact_type=artifact_type)
    except RawError as error:
        return [], [*problems, Problem(where, str(error))]
    problems += [Problem(where, fault) for fault in faults]
    records, record_problems = join_records(
        raw,
        videos=videos,
        masks=masks,
        masks_wanted=f"an entry for {{video_id}} in {FILE_NAME}",
        artifact_type=artifact_type,
        generator=generator,
        unread=bool(faults),
    )
    return records, problems + record_problems


def _of_videos(
    content: Any, path: Path, *, where: str, artifact_type: str | None
) -> tuple[dict[str, FoundMasks], list[str]]:
    videos, annotations, names = _tables(content, "videos", "as YouTube-VIS has")
    categories = category_names(names)
    described, passed, faults = _videos(videos)
    objects, labels, more = _objects(annotations, described, categories, passed=passed)
    faults += more
    masks = {}
    for key, video in described.items():
        source = CocoMasks(
            f"{path} video {video.video_id}",
            video.height,
            video.width,
            video.frames,
            dict(sorted(objects[key].items())),
        )
        masks[video.video_id] = FoundMasks(
            where,
            None if faults else source,
            tuple(video.frames),
            objects=objects_of_labels(labels[key], artifact_type),
        )
    return masks, faults


def _of_images(
    content: Any, path: Path, *, where: str, artifact_type: str | None
) -> tuple[dict[str, FoundMasks], list[str]]:
    images, annotations, names = _tables(content, "images", "as COCO has")
    categories = category_names(names)
    videos, faults = videos_of_images(images, annotations, categories)
    masks = {}
    for video_id, video in videos.items():
        try:
            labels, frames = video.objects(categories)
        except RawError as error:
            faults.append(f"video {video_id}: {error}")
            labels, frames = {}, {}
        source = CocoImageMasks(f"{path} video {video_id}", video.height, video.width, frames)
        objects = objects_of_labels(labels, artifact_type)
        masks[video_id] = FoundMasks(
            where, None if faults else source, tuple(sorted(video.frames)), objects=objects
        )
    return masks, faults


def _tables(content: object, first: str, like: str) -> list[list[Any]]:
    keys = (first, "annotations", "categories")
    tables = [content.get(key) if isinstance(content, dict) else None for key in keys]
    lists = [table for table in tables if isinstance(table, list)]
    if len(lists) < len(tables):
        raise RawError(
            f"wanted a JSON object with the lists {first}, annotations and categories, {like}"
        )
    return lists


def _videos(entries: Sequence[Any]) -> tuple[dict[int, _Video], set[int | None], list[str]]:
    """Valid entries by id; the ids of invalid entries (None for an entry without id); and their
    problems.
    """
    videos: dict[int, _Video] = {}
    passed: set[int | None] = set()
    faults: list[str] = []
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        try:
            if (
                not isinstance(entry, dict)
                or type(entry.get("id")) is not int
                or entry["id"] in videos
            ):
                raise RawError(f"{shown(entry)}, wanted an object with an id of its own")
            video = _video(entry)
            if video.video_id in seen:
                raise RawError(f"video {video.video_id} is listed twice; merge the two")
            seen.add(video.video_id)
            videos[entry["id"]] = video
        except RawError as error:
            key = entry.get("id") if isinstance(entry, dict) else None
            passed.add(key if type(key) is int else None)
            faults.append(f"videos[{position}]: {error}")
    return videos, passed, faults


def _video(entry: Mapping[str, Any]) -> _Video:
    height, width, length = (entry.get(key) for key in ("height", "width", "length"))
    for key, value in (("height", height), ("width", width)):
        if not is_whole(value, least=1, most=MAX_PIXELS):
            raise RawError(f"{key} is {shown(value)}, wanted pixels of the decoded frames")
    if height * width > MAX_PIXELS:  # type: ignore[operator]
        raise RawError(
            f"{height}x{width} pixels, at most {MAX_PIXELS} are read; is this a video frame?"
        )
    names = entry.get("file_names")
    if names is None:
        video_id, frames = _whole_video(entry.get("file_name"), length)
    else:
        video_id, frames = _named_frames(names)
        if length is not None and length != len(frames):
            raise RawError(
                f"length is {shown(length)}, file_names has {len(frames)} entries; wanted as many"
            )
    if not VIDEO_ID.fullmatch(video_id):
        raise RawError(bad_video_id(video_id))
    return _Video(video_id, height, width, frames)  # type: ignore[arg-type]


def _whole_video(name: object, length: object) -> tuple[str, Sequence[int]]:
    path = named_path(name)
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        text = shown_end(name) if isinstance(name, str) else shown(name)
        raise RawError(
            f"no file_names and file_name is {text}; wanted one of the two, as in dog.mp4"
        )
    if not is_whole(length, least=1, most=MAX_FRAMES):
        raise RawError(
            f"length is {shown(length)}, wanted the number of frames, at most {MAX_FRAMES}"
        )
    return path.stem, range(length)  # type: ignore[call-overload]


def _named_frames(names: object) -> tuple[str, Sequence[int]]:
    if not isinstance(names, list):
        raise RawError(f"file_names is {shown(names)}, wanted a list")
    frames: list[int] = []
    video_id = None
    for position, name in enumerate(names):
        path = named_path(name)
        folder = path.parent.name
        text = shown_end(name) if isinstance(name, str) else shown(name)
        if not is_frame(path) or folder != (video_id or folder):
            pattern = (
                f"{video_id or 'VIDEO_ID'}/00000.jpg and so on, the number being the "
                "frame's, from 0"
            )
            raise RawError(f"file_names[{position}] is {text}, wanted {pattern}")
        video_id = folder
        if frames and int(path.stem) <= frames[-1]:
            raise RawError(
                f"file_names[{position}] is {text} after frame {frames[-1]}, wanted ascending "
                "frames"
            )
        frames.append(int(path.stem))
    if video_id is None:
        raise RawError("file_names is empty; take the video out, or name its annotated frames")
    return video_id, tuple(frames)


def _objects(
    annotations: Sequence[Any],
    videos: Mapping[int, _Video],
    categories: Mapping[int, str],
    *,
    passed: set[int | None],
) -> tuple[dict[int, dict[int, Sequence[_Segmentation]]], dict[int, dict[int, str]], list[str]]:
    """Segmentations and labels by object_id for every video (by its id in the file); and the
    problems.

    Annotations of the videos `passed` are ignored, because the problems of these videos are listed
    already.
    """
    objects: dict[int, dict[int, Sequence[_Segmentation]]] = defaultdict(dict)
    labels: dict[int, dict[int, str]] = defaultdict(dict)
    faults: list[str] = []
    placed = [a for a in annotations if isinstance(a, dict) and type(a.get("video_id")) is int]
    numbered = {a["video_id"] for a in placed} - {
        a["video_id"] for a in placed if "object_id" not in a
    }
    for position, annotation in enumerate(annotations):
        try:
            if not isinstance(annotation, dict):
                raise RawError(f"{shown(annotation)}, wanted an object")
            key = annotation.get("video_id")
            if type(key) is int and key not in videos and (key in passed or None in passed):
                continue
            if type(key) is not int or key not in videos:
                raise RawError(f"video_id is {shown(key)}, wanted the id of an entry of videos")
            if (
                type(annotation.get("category_id")) is not int
                or annotation["category_id"] not in categories
            ):
                raise RawError(
                    f"category_id is {shown(annotation.get('category_id'))}, wanted the id of a "
                    "category"
                )
            name = "object_id" if key in numbered else "id"
            object_id = annotation.get(name)
            if not is_whole(object_id, least=1, most=MAX_OBJECT_ID) or object_id in objects[key]:
                wanted = (
                    f"wanted a whole number from 1 to {MAX_OBJECT_ID}, each once: give every "
                    "annotation an object_id"
                )
                raise RawError(f"{name} is {shown(object_id)}, {wanted}")
            objects[key][object_id] = _segmentations(annotation.get("segmentations"), videos[key])  # type: ignore[index]
            labels[key][object_id] = categories[annotation["category_id"]]  # type: ignore[index]
        except RawError as error:
            faults.append(f"annotations[{position}]: {error}")
    return objects, labels, faults


def _segmentations(value: object, video: _Video) -> Sequence[_Segmentation]:
    if not isinstance(value, list) or len(value) != len(video.frames):
        text = f"{len(value)} entries" if isinstance(value, list) else shown(value)
        raise RawError(
            f"segmentations is {text}, wanted a list of {len(video.frames)}, as the video has "
            "frames"
        )
    for position, segmentation in enumerate(value):
        if segmentation is None:
            continue
        where = f"segmentations[{position}]"
        check_segmentation(
            segmentation, height=video.height, width=video.width, where=where, owner="video"
        )
    return value


def _detect(raw: Path) -> Path | None:
    return first_file(annotation_files(raw), name=FILE_NAME)


LAYOUT = Layout(
    help="COCO JSON of videos, as YouTube-VIS has it, or of images: run lengths of one object in "
    "each named frame",
    looked_for=f"{FILE_NAME}, in the folder itself or in annotations/",
    detect=_detect,
    read=read_coco,
)
