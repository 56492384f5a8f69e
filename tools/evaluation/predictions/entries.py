"""Reads the masks of JSON entries in any of COCO's forms: of a frame, of an image, or of a
track.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....builder.raw import Problem, shown
from ....frames import Orientation
from .form import Predictions
from .names import NO_NAMES, Key, NamedVideo, Names, key_of, read_names
from .place import Place
from .rle import BadValueError, Rle, frame_of, object_of, rle_of, rle_videos, score_of

_ENTRY = "an object with video_id or image_id, and segmentation or segmentations"


@dataclass(slots=True)
class Entries:
    """Collects masks and problems while entries are read.

    A frame with an empty list is an empty prediction.
    """

    path: Path
    kind: str
    masks: dict[str, dict[int, list[Rle]]] = field(default_factory=lambda: defaultdict(dict))
    orientations: dict[str, Orientation | None] = field(default_factory=dict)
    """The orientations of the videos on whose stored frames the masks are, if they are known."""
    tracks: dict[str, int] = field(default_factory=dict)
    """The number of tracks that were read, by video_id."""
    problems: list[Problem] = field(default_factory=list)
    incomplete: set[str] = field(default_factory=set)
    hidden: bool = False
    """True if an entry was left out whose video is not known."""

    def predictions(self, *, names: Path | None = None) -> Predictions:
        """The collected masks as predictions."""
        incomplete = None if self.hidden else frozenset(self.incomplete)
        videos = rle_videos(self.path, self.masks, self.orientations)
        return Predictions(self.path, self.kind, videos, tuple(self.problems), incomplete, names)

    def add_names(self, file: Path, names: Names) -> None:
        """Adds every named frame as an empty prediction, and the problems of the names."""
        self.problems += [Problem(f"{file} {where}", what) for where, what in names.faults]
        self.hidden = self.hidden or bool(names.faults)
        for video in names.videos.values():
            for frame_index in video.frames or ():
                self.masks[video.video_id].setdefault(frame_index, [])
        for video_id, frame_index in names.images.values():
            self.masks[video_id].setdefault(frame_index, [])

    def add(self, where: str, entry: object, names: Names = NO_NAMES) -> None:
        """Adds the masks of one entry, or its problem."""
        video_id: str | None = None
        try:
            if not isinstance(entry, dict):
                raise BadValueError(f"{shown(entry)}, wanted {_ENTRY}")
            if _is_of_faulty_name(entry, names):
                return
            video, frame = _home(entry, names)
            video_id = video.video_id
            score, object_id = score_of(entry.get("score")), object_of(entry.get("object_id"))
            if frame is None:
                self._add_track(where, entry["segmentations"], video, score, object_id)
            else:
                self._add_mask(where, frame, entry.get("segmentation"), video_id, score, object_id)
        except BadValueError as error:
            self.problems.append(Problem(where, str(error)))
            if video_id is None:
                self.hidden = True
            else:
                self.incomplete.add(video_id)

    def _add_track(
        self,
        where: str,
        segmentations: Sequence[Any],
        video: NamedVideo,
        score: float | None,
        object_id: int | None,
    ) -> None:
        """Adds the masks of a track, which is one object. Tracks without an object_id are numbered
        in order.
        """
        self.tracks[video.video_id] = self.tracks.get(video.video_id, 0) + 1
        object_id = self.tracks[video.video_id] if object_id is None else object_id
        frames = range(len(segmentations)) if video.frames is None else video.frames
        if len(segmentations) != len(frames):
            what = (
                f"segmentations has {len(segmentations)} entries, the video has {len(frames)} "
                "frames; wanted as many"
            )
            raise BadValueError(what)
        for frame, value in zip(frames, segmentations, strict=True):
            if value is None:  # the object is not visible
                self.masks[video.video_id].setdefault(frame, [])
            else:
                self._add_mask(where, frame, value, video.video_id, score, object_id)

    def _add_mask(
        self,
        where: str,
        frame: int,
        value: object,
        video_id: str,
        score: float | None,
        object_id: int | None,
    ) -> None:
        masks = self.masks[video_id].setdefault(frame, [])
        try:
            masks.append(rle_of(value, score, object_id=object_id))
        except BadValueError as error:
            self.problems.append(Problem(f"{where} frame {frame}", str(error)))


def _is_of_faulty_name(entry: Mapping[str, Any], names: Names) -> bool:
    image, video = key_of(entry.get("image_id")), key_of(entry.get("video_id"))
    return (image is not None and image in names.faulty_images) or (
        video is not None and video in names.faulty_videos
    )


def _home(entry: Mapping[str, Any], names: Names) -> tuple[NamedVideo, int | None]:
    """The video of an entry and its frame; None for a track."""
    if "image_id" in entry and (names.images or "video_id" not in entry):
        image = _found(entry["image_id"], names.images, "image_id", "images")
        return NamedVideo(image[0], None), image[1]
    value = entry.get("video_id")
    key = key_of(value)
    if isinstance(key, str) and key not in names.videos and key:
        video = NamedVideo(key, None)
    else:
        video = _found(value, names.videos, "video_id", "videos")
    if isinstance(entry.get("segmentations"), list):
        return video, None
    if "frame_index" not in entry and "segmentations" in entry:
        text = shown(entry["segmentations"])
        raise BadValueError(
            f"segmentations is {text}, wanted a list with an RLE or null for each frame"
        )
    return video, frame_of(entry.get("frame_index"))


def _found(value: object, table: Mapping[Key, Any], name: str, where: str) -> Any:
    key = key_of(value)
    if key is None or key not in table:
        needed = f"the id of an entry of {where}" if table else "text that is the name of a video"
        raise BadValueError(f"{name} is {shown(value)}, wanted {needed}")
    return table[key]


def read_annotated(place: Place, files: Sequence[Path], *, kind: str) -> Predictions:
    """The masks of files with `annotations`, and `images` or `videos` that name their frames."""
    entries = Entries(place.path, kind)
    for file in files:
        content: Any = place.json(file)
        names = read_names(content)
        entries.add_names(file, names)
        annotations = content.get("annotations")
        if not isinstance(annotations, list):
            problem = "is not there" if "annotations" not in content else f"is {shown(annotations)}"
            entries.problems.append(
                Problem(
                    f"{file} annotations", f"{problem}, wanted a list with an object for each mask"
                )
            )
            entries.hidden = True
            continue
        for position, entry in enumerate(annotations):
            entries.add(f"{file} annotations[{position}]", entry, names)
    return entries.predictions()
