"""COCO JSON of images: an image is a frame of a video, and an annotation is a mask in it.

`file_name` of an image ends in {video_id}/{frame}.jpg, frames from 0; an image is an annotated
frame. The object_id is `object_id`, if every annotation of the video has one. Otherwise each
category is an object, because nothing else identifies an object across frames.

Source: COCO, https://cocodataset.org/#format-data
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...masks import RLEError
from ...release import VIDEO_ID
from .coco_json import Segmentation, check_segmentation, is_frame, named_path, segmentation_bitmap
from .json_files import bad_video_id, is_whole, shown, shown_end
from .planes import blank_planes
from .png import MAX_PIXELS
from .video import FrameLabels, RawError
from .videos_jsonl import MAX_FRAME_INDEX, MAX_OBJECT_ID


@dataclass(frozen=True, slots=True)
class CocoImageMasks:
    """The annotations of one video. They are kept in memory, because one file holds the annotations
    of all videos.
    """

    where: str
    height: int
    width: int
    frames: Mapping[int, Mapping[int, Sequence[Segmentation]]]
    """Masks by frame_index and object_id; the mask of an object is their union."""

    def read(self) -> Iterator[FrameLabels]:
        """Frames with a mask, one plane per object because objects may overlap.

        Raises:
            RawError: a segmentation whose counts are not a mask of this size.
        """
        for frame_index, objects in sorted(self.frames.items()):
            where = f"{self.where}: frame {frame_index}"
            planes = blank_planes(objects, self.height, self.width, where=where)
            for object_id, masks in objects.items():
                for mask in masks:
                    try:
                        bitmap = segmentation_bitmap(
                            mask["counts"], height=self.height, width=self.width
                        )
                    except RLEError as error:
                        raise RawError(f"{where} object {object_id}: {error.problem}") from error
                    planes[object_id][bitmap > 0] = object_id
            yield FrameLabels(frame_index, list(planes.values()))


@dataclass(slots=True)
class ImageVideo:
    """The content of the file for one video. `masks` are (frame_index, object_id or None, category
    id, segmentation).
    """

    height: int
    width: int
    frames: list[int] = field(default_factory=list)
    masks: list[tuple[int, int | None, int, Segmentation]] = field(default_factory=list)

    def objects(
        self, categories: Mapping[int, str]
    ) -> tuple[dict[int, str], dict[int, dict[int, list[Segmentation]]]]:
        """Labels by object_id, and masks by frame_index and object_id.

        Raises:
            RawError: an object with two categories.
        """
        by_category = any(object_id is None for _, object_id, _, _ in self.masks)
        ids = {
            key: number
            for number, key in enumerate(sorted({key for _, _, key, _ in self.masks}), start=1)
        }
        labels: dict[int, str] = {}
        frames: dict[int, dict[int, list[Segmentation]]] = defaultdict(dict)
        for frame_index, own_id, category, segmentation in self.masks:
            object_id = ids[category] if by_category or own_id is None else own_id
            label = categories[category]
            if labels.setdefault(object_id, label) != label:
                what = (
                    f"categories {shown(labels[object_id])} and {shown(label)}; wanted one "
                    "category per object"
                )
                raise RawError(f"object {object_id}: {what}")
            frames[frame_index].setdefault(object_id, []).append(segmentation)
        return labels, dict(frames)


def videos_of_images(
    images: Sequence[Any], annotations: Sequence[Any], categories: Mapping[int, str]
) -> tuple[dict[str, ImageVideo], list[str]]:
    """Videos by video_id, and the problems of the entries."""
    videos: dict[str, ImageVideo] = {}
    places: dict[int, tuple[str, int]] = {}
    faults: list[str] = []
    passed: set[int | None] = set()
    for position, image in enumerate(images):
        try:
            if (
                not isinstance(image, dict)
                or type(image.get("id")) is not int
                or image["id"] in places
            ):
                raise RawError(f"{shown(image)}, wanted an object with an id of its own")
            places[image["id"]] = _add_image(videos, image)
        except RawError as error:
            key = image.get("id") if isinstance(image, dict) else None
            passed.add(key if type(key) is int else None)
            faults.append(f"images[{position}]: {error}")
    for position, annotation in enumerate(annotations):
        try:
            key = annotation.get("image_id") if isinstance(annotation, dict) else annotation
            if type(key) is int and key not in places and (key in passed or None in passed):
                continue  # the problem of its image is listed already
            if not isinstance(annotation, dict) or type(key) is not int or key not in places:
                raise RawError(f"image_id is {shown(key)}, wanted the id of an entry of images")
            video_id, frame_index = places[key]
            _add_annotation(videos[video_id], annotation, frame_index, categories)
        except RawError as error:
            faults.append(f"annotations[{position}]: {error}")
    return videos, faults


def _add_image(videos: dict[str, ImageVideo], image: Mapping[str, Any]) -> tuple[str, int]:
    """Adds a frame; returns its video and its number."""
    name, height, width = (image.get(key) for key in ("file_name", "height", "width"))
    path = named_path(name)
    if not is_frame(path):
        text = shown_end(name) if isinstance(name, str) else shown(name)
        raise RawError(
            f"file_name is {text}, wanted VIDEO_ID/00000.jpg, the number being the frame's, from 0"
        )
    video_id, frame_index = path.parent.name, int(path.stem)
    if not VIDEO_ID.fullmatch(video_id):
        raise RawError(bad_video_id(video_id))
    for key, value in (("height", height), ("width", width)):
        if not is_whole(value, least=1, most=MAX_PIXELS):
            raise RawError(f"{key} is {shown(value)}, wanted pixels of the decoded frames")
    if height * width > MAX_PIXELS or frame_index > MAX_FRAME_INDEX:  # type: ignore[operator]
        raise RawError(
            f"frame {frame_index} of {height}x{width} pixels, at most {MAX_PIXELS} are read"
        )
    video = videos.setdefault(video_id, ImageVideo(height, width))  # type: ignore[arg-type]
    if (height, width) != (video.height, video.width):
        sizes = f"{height}x{width}, other frames of {video_id} are {video.height}x{video.width}"
        raise RawError(f"its size is {sizes} (height first); wanted that of the video")
    if frame_index in video.frames:
        raise RawError(f"frame {frame_index} of {video_id} is listed twice; merge the two")
    video.frames.append(frame_index)
    return video_id, frame_index


def _add_annotation(
    video: ImageVideo,
    annotation: Mapping[str, Any],
    frame_index: int,
    categories: Mapping[int, str],
) -> None:
    category, object_id = annotation.get("category_id"), annotation.get("object_id")
    if type(category) is not int or category not in categories:
        raise RawError(f"category_id is {shown(category)}, wanted the id of a category")
    if object_id is not None and not is_whole(object_id, least=1, most=MAX_OBJECT_ID):
        raise RawError(
            f"object_id is {shown(object_id)}, wanted a whole number from 1 to {MAX_OBJECT_ID}"
        )
    segmentation = annotation.get("segmentation")
    check_segmentation(
        segmentation, height=video.height, width=video.width, where="segmentation", owner="image"
    )
    video.masks.append((frame_index, object_id, category, segmentation))  # type: ignore[arg-type]
