"""Reads the annotated videos of a release, a raw folder or a folder of PNG masks.

They are divided into parts, each of which a worker reads on its own. Masks of a release come from
its `annotations` shards, so no video is read. Of a video in a raw folder, one frame is decoded to
get its size and rotation. Its packets are counted if every frame is annotated.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow.parquet as pq

from ...builder.chat import frame_times_s
from ...builder.layouts import detect, read_layout
from ...builder.raw import (
    MasksAre,
    Problem,
    RawError,
    RawVideo,
    coded_masks,
    foreground,
    is_still,
    label_values,
    list_folder,
    mask_folders,
    read_png,
    still_size,
)
from ...frames import UPRIGHT, Orientation, VideoError, orientation_of_rotation, probe
from ...masks import ARTIFACT_TYPES, TYPE_NOT_GIVEN, encode, type_name, union
from ...release import ReleaseError, in_words, read_manifest, read_parquet, shard_paths

_COLUMNS = (
    "video_id",
    "artifact_types",
    "generator",
    "height",
    "width",
    "num_frames",
    "frame_pts",
    "time_base",
    "codec",
    "annotated_frames",
    "objects",
    "masks",
)
_FRAME_NAME = re.compile(r"([0-9]{1,9})\.png", re.IGNORECASE)
UNKNOWN = "unknown"
"""The generator of videos whose generator is not known."""


class EvaluationError(ValueError):
    """Truth and predictions that cannot be scored; the message has every problem, one per line."""

    def __init__(self, problems: Sequence[Problem], *, summary: str = "") -> None:
        # all arguments, because workers pass errors on by pickling `args`
        super().__init__(problems, summary)
        self.problems = tuple(sorted(problems))
        self.summary = summary

    def __str__(self) -> str:
        head = [self.summary] if self.summary else []
        return "\n".join(head + [str(problem) for problem in self.problems])


@dataclass(frozen=True, slots=True)
class Masklet:
    """The masks of one object through a video: canonical COCO RLE counts by frame index.

    Frames in which the object has no pixel are left out.
    """

    object_id: int
    artifact_type: str
    counts: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """The annotation of one video, with masks on the stored frames.

    Attributes:
        frames: annotated frame indices, ascending. Other frames are unknown, not empty.
        orientation: how players rotate the stored frames. None: the masks have no video, so it is
            not known whether they are on the displayed or the stored frames.
        times_s: the time of each frame, in seconds after the first; None: not known.
    """

    video_id: str
    split: str | None
    generator: str
    height: int
    width: int
    num_frames: int
    frames: tuple[int, ...]
    masklets: tuple[Masklet, ...]
    orientation: Orientation | None = UPRIGHT
    times_s: tuple[float, ...] | None = None

    @property
    def artifact_types(self) -> tuple[str, ...]:
        """The names of its objects' types, in the order of ARTIFACT_TYPES; `TYPE_NOT_GIVEN` is
        last.
        """
        names = {masklet.artifact_type for masklet in self.masklets}
        return tuple(name for name in (*ARTIFACT_TYPES, TYPE_NOT_GIVEN) if name in names)

    def union(self) -> dict[int, str]:
        """The union of all objects: canonical counts by frame index; frames without a pixel are
        left out.
        """
        strings: dict[int, list[str]] = {}
        for masklet in self.masklets:
            for frame_index, counts in masklet.counts.items():
                strings.setdefault(frame_index, []).append(counts)
        return {
            frame_index: frame_strings[0]
            if len(frame_strings) == 1
            else union(frame_strings, height=self.height, width=self.width)
            for frame_index, frame_strings in sorted(strings.items())
        }


class Part(Protocol):
    """Some videos of an annotation, which are read when they are needed; picklable."""

    @property
    def video_ids(self) -> Sequence[str]:
        """The ids of the videos that `read` gives, and maybe others."""
        ...

    def read(self) -> Iterator[AnnotatedVideo]:
        """Yields the videos, sorted by video_id or in the order of the shard."""
        ...


@dataclass(frozen=True, slots=True)
class Annotation:
    """The annotation at a path: the split of each video by id, and the parts in which they are
    read.
    """

    path: Path
    kind: str
    """The kind of folder: "release", the name of a raw layout, or "png"."""
    splits: Mapping[str, str | None]
    parts: tuple[Part, ...]


def read_annotation(
    path: Path,
    *,
    splits: Sequence[str] | None = None,
    void: int | None = None,
    masks_are: MasksAre | None = None,
) -> Annotation:
    """The annotation at `path`; its masks are not read yet.

    Args:
        path: a release, a raw folder, or a folder with only {video_id}/{frame}.png.
        splits: use only the parts of these splits; `splits` of the result still has every video.
        void: for a raw folder in the DAVIS layout; see `builder.layouts.read_layout`.
        masks_are: for a raw folder: how masks of rotated videos were drawn, if their size does not
            show it.

    Raises:
        EvaluationError: the folder cannot be read (the message has every problem), or has no video
            in these splits.
        ReleaseError: a release that this version does not read.
    """
    if not path.is_dir():
        raise EvaluationError(
            [Problem(str(path), "no such folder; wanted a release or a folder of raw annotations")]
        )
    if (path / "manifest.json").is_file():
        annotation = _release(path, splits)
    elif (masks := _masks_alone(path)) is not None:
        annotation = _png_folders(masks, splits)
    else:
        annotation = _raw(path, splits, void=void, masks_are=masks_are)
    if not annotation.parts:
        needed = f"a video of {', '.join(splits)}" if splits is not None else "a video"
        have = sorted({split or "no split" for split in annotation.splits.values()})
        what = (
            f"nothing to score: wanted {needed}, found {len(annotation.splits)} videos "
            f"({', '.join(have) or 'none'})"
        )
        raise EvaluationError([Problem(str(path), what)])
    return annotation


def _masks_alone(path: Path) -> Path | None:
    """The folder that holds the mask folders, if `path` has only masks; otherwise None.

    It has only masks if it has no videos, no videos.jsonl and no files of a raw layout.
    """
    if (path / "videos").exists() or (path / "videos.jsonl").exists():
        return None
    root = next(
        (root for root in (path / "Annotations" / "480p", path / "Annotations") if root.is_dir()),
        None,
    )
    if root is not None:
        return root
    try:
        detect(path)
    except RawError:
        return path
    return None


# --- A release ------------------------------------------------------------------------------------


_PART_VIDEOS, _MOST_PARTS = 8, 16
"""A process reads and scores so many videos of a release at a time, or more: a row group, which is
read again for each part, has at most so many parts.
"""


@dataclass(frozen=True, slots=True)
class _ReleasePart:
    """Some rows of one row group of an annotations shard."""

    path: Path
    split: str
    row_group: int
    start: int
    video_ids: Sequence[str]
    """The ids of the rows from `start` on, as the manifest has them."""

    def read(self) -> Iterator[AnnotatedVideo]:
        for table in read_parquet(str(self.path), columns=_COLUMNS, row_groups=[self.row_group]):
            rows = table.slice(self.start, len(self.video_ids)).to_pylist()
            if [row["video_id"] for row in rows] != list(self.video_ids):
                raise _differs(self.path)
            yield from (_from_row(row, self.split) for row in rows)


def _release(path: Path, splits: Sequence[str] | None) -> Annotation:
    manifest = read_manifest(str(path))
    ids: dict[str, str | None] = {}
    parts: list[Part] = []
    for shard in manifest["shards"]:
        split = shard["split"]
        ids.update(dict.fromkeys(shard["video_ids"], split))
        if splits is None or split in splits:
            file = path / shard_paths(split, shard["index"], shard["num_shards"])["annotations"]
            parts += _parts_of(file, split, shard["video_ids"])
    return Annotation(path, "release", ids, tuple(parts))


def _parts_of(file: Path, split: str, video_ids: Sequence[str]) -> Iterator[_ReleasePart]:
    metadata = pq.read_metadata(file)
    if metadata.num_rows != len(video_ids):
        raise _differs(file)
    before = 0
    for group in range(metadata.num_row_groups):
        num_rows = metadata.row_group(group).num_rows
        size = max(_PART_VIDEOS, -(-num_rows // _MOST_PARTS))
        for start in range(0, num_rows, size):
            stop = min(start + size, num_rows)
            yield _ReleasePart(file, split, group, start, video_ids[before + start : before + stop])
        before += num_rows


def _differs(file: Path) -> ReleaseError:
    what = "its videos differ from the manifest. `brokenvideos verify` lists what is wrong."
    return ReleaseError(f"{file}: {what}")


def _from_row(row: Mapping[str, Any], split: str) -> AnnotatedVideo:
    types = dict(zip(row["objects"]["object_id"], row["objects"]["artifact_type"], strict=True))
    counts: dict[int, dict[int, str]] = {object_id: {} for object_id in types}
    masks = row["masks"]
    for object_id, frame_index, string in zip(
        masks["object_id"], masks["frame_index"], masks["counts"], strict=True
    ):
        counts[object_id][frame_index] = string
    masklets = (
        Masklet(object_id, type_name(types[object_id]), frames)
        for object_id, frames in counts.items()
    )
    return AnnotatedVideo(
        video_id=row["video_id"],
        split=split,
        generator=row["generator"],
        height=row["height"],
        width=row["width"],
        num_frames=row["num_frames"],
        frames=tuple(row["annotated_frames"]),
        masklets=tuple(masklets),
        orientation=orientation_of_rotation(row["codec"]["rotation"]),
        times_s=tuple(frame_times_s(row)),
    )


# --- A raw folder ---------------------------------------------------------------------------------


def annotated_raw(video: RawVideo) -> AnnotatedVideo:
    """The annotation of one video of a raw folder, with masks on the stored frames.

    Raises:
        RawError: its masks cannot be read, or have another size than its frames.
        VideoError, OSError: its video cannot be read.
    """
    return next(_RawPart(video).read())


@dataclass(frozen=True, slots=True)
class _RawPart:
    video: RawVideo

    @property
    def video_ids(self) -> Sequence[str]:
        return (self.video.video_id,)

    def read(self) -> Iterator[AnnotatedVideo]:
        video = self.video
        counts: dict[int, dict[int, str]] = {}
        size, orientation = _shown(video)
        for frame in coded_masks(video, orientation, height=size[0], width=size[1]):
            for plane in frame.planes:
                if plane.shape != size:
                    what = (
                        f"frame {frame.frame_index} has a mask of "
                        f"{plane.shape[0]}x{plane.shape[1]} pixels, its frames have"
                    )
                    raise RawError(
                        f"video {video.video_id}: {what} {size[0]}x{size[1]}; export them at the "
                        "size of the video"
                    )
                _add(counts, frame.frame_index, np.asarray(plane))
        frames = None if video.annotated_frames is None else tuple(video.annotated_frames)
        num_frames = (
            _num_frames(video.video_path) if frames is None else max(frames, default=-1) + 1
        )
        yield AnnotatedVideo(
            video_id=video.video_id,
            split=video.split,
            generator=video.generator,
            height=size[0],
            width=size[1],
            num_frames=num_frames,
            frames=frames if frames is not None else tuple(range(num_frames)),
            masklets=tuple(
                Masklet(object_id, _type_of(video, object_id), strings)
                for object_id, strings in sorted(counts.items())
            ),
            orientation=orientation,
        )


def _raw(
    path: Path, splits: Sequence[str] | None, *, void: int | None, masks_are: MasksAre | None
) -> Annotation:
    # `read_layout` needs a type for layouts without types. `_type_of` does not use it.
    records, problems = read_layout(
        path, artifact_type=ARTIFACT_TYPES[0], void=void, masks_are=masks_are
    )
    if problems:
        raise EvaluationError(
            problems, summary=f"{path}: {len(problems)} problems in the raw folder"
        )
    kind = detect(path)
    chosen = [record for record in records if splits is None or record.split in splits]
    return Annotation(
        path,
        kind,
        {record.video_id: record.split for record in records},
        tuple(_RawPart(record) for record in chosen),
    )


def _type_of(video: RawVideo, object_id: int) -> str:
    name = video.objects.get(object_id) if video.objects is not None else None
    return name if name in ARTIFACT_TYPES else TYPE_NOT_GIVEN


def _add(
    counts: dict[int, dict[int, str]], frame_index: int, labels: "np.ndarray[Any, Any]"
) -> None:
    ids = [value for value in label_values(labels) if value > 0]
    of_each = encode(labels[None] == np.array(ids, labels.dtype)[:, None, None])
    for object_id, string in zip(ids, of_each, strict=True):
        counts.setdefault(object_id, {})[frame_index] = string


def _num_frames(path: Path) -> int:
    from ...frames import demux_index

    return len(demux_index(path)[0])


def _shown(video: RawVideo) -> tuple[tuple[int, int], Orientation]:
    """(height, width) of the stored frames, and how players rotate them."""
    if is_still(video.video_path):
        return still_size(video.video_path), UPRIGHT
    try:
        properties = probe(video.video_path)
    except (VideoError, OSError) as error:
        raise RawError(f"video {video.video_id}: {in_words(error)}") from error
    return (properties.height, properties.width), properties.orientation


# --- A folder of PNG masks alone ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PngPart:
    """The PNG masks of one video. Each file is an annotated frame.

    The rule of `foreground` decides which pixels are marked, as in a build. It must be the same for
    all files of the video.
    """

    video_id: str
    files: tuple[tuple[int, Path], ...]

    @property
    def video_ids(self) -> Sequence[str]:
        return (self.video_id,)

    def read(self) -> Iterator[AnnotatedVideo]:
        counts: dict[int, dict[int, str]] = {}
        size: tuple[int, int] | None = None
        white_in = ids_in = ""
        for frame_index, path in self.files:
            mode, labels = read_png(path)
            if size is not None and labels.shape != size:
                what = (
                    f"{labels.shape[0]}x{labels.shape[1]} pixels, the masks before it have "
                    f"{size[0]}x{size[1]}"
                )
                raise RawError(f"{path}: {what}; export the masks of a video at one size")
            size = labels.shape
            if (labels == 255).any() and (mode == "P" or np.setdiff1d(labels, [0, 255]).size):
                raise RawError(
                    f"{path}: has value 255, which looks void, beside object ids; write 0 there if "
                    "it is background"
                )
            ids = foreground(mode, labels, where=str(path))
            white_in = white_in or (path.name if ids.kind == "white" else "")
            ids_in = ids_in or (path.name if ids.kind == "ids" and mode != "1" else "")
            if white_in and ids_in:
                what = (
                    f"255 in {white_in}, other object ids in {ids_in}; wanted ids, or 0 and "
                    "255 "
                    "alone"
                )
                raise RawError(f"{path.parent}: {what}: write the masks as one of the two")
            _add(counts, frame_index, ids.labels)
        height, width = size or (1, 1)
        yield AnnotatedVideo(
            video_id=self.video_id,
            split=None,
            generator=UNKNOWN,
            height=height,
            width=width,
            num_frames=self.files[-1][0] + 1,
            frames=tuple(frame_index for frame_index, _ in self.files),
            masklets=tuple(
                Masklet(object_id, TYPE_NOT_GIVEN, strings)
                for object_id, strings in sorted(counts.items())
            ),
            orientation=None,
        )


def _png_folders(path: Path, splits: Sequence[str] | None) -> Annotation:
    folders, problems = mask_folders(path, raw=path)
    parts: list[Part] = []
    for video_id, folder in folders.items():
        files, file_problems = png_files(folder, root=path)
        problems += file_problems
        if files:
            parts.append(_PngPart(video_id, tuple(files.items())))
        elif not file_problems:
            problems.append(
                Problem(
                    video_id, "no mask in it; wanted 00000.png and so on, one per annotated frame"
                )
            )
    if problems or not folders:
        problems = problems or [
            Problem(".", "no release, no raw layout, and no folder of PNG masks per video")
        ]
        raise EvaluationError(problems, summary=f"{path}: cannot be read as an annotation")
    return Annotation(path, "png", dict.fromkeys(folders), tuple(parts) if splits is None else ())


def png_files(folder: Path, *, root: Path) -> tuple[dict[int, Path], list[Problem]]:
    """The mask files of one video by frame index, ascending, and problems with other entries.

    Litter (see `builder.raw.is_litter`) is ignored.
    """
    files: dict[int, Path] = {}
    problems = []
    for path in list_folder(folder):
        where = path.relative_to(root).as_posix()
        match = _FRAME_NAME.fullmatch(path.name)
        if match is None or not path.is_file():
            problems.append(
                Problem(
                    where, "not a mask; wanted {frame}.png, such as 00017.png for frame 17 (from 0)"
                )
            )
        elif int(match[1]) in files:
            problems.append(
                Problem(
                    where, f"frame {int(match[1])} is also {files[int(match[1])].name}; remove one"
                )
            )
        else:
            files[int(match[1])] = path
    return dict(sorted(files.items())), problems


def frame_ranges(frames: Iterable[int]) -> str:
    """Frame indices as text for a message, as in `3-5, 9`."""
    runs: list[list[int]] = []
    for frame_index in sorted(frames):
        if runs and frame_index == runs[-1][1] + 1:
            runs[-1][1] = frame_index
        else:
            runs.append([frame_index, frame_index])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
