"""SA-V: {video_id}_manual.json or {video_id}_auto.json beside {video_id}.mp4, or in annotations/
and videos/.

`masklet[k][j]` is the COCO RLE of masklet j in video frame 4k; other frames are not annotated. An
object that is not visible has an empty RLE. The object_id is `masklet_id[j] + 1`, which does not
change when another masklet is removed from the file. If a video has both files, the manual one is
read.

Source: the SA-V release notes in facebookresearch/sam2, sav_dataset/README.md (annotated at 6 of 24
frames per second).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...masks import RLEError, decode_many
from ...release import VIDEO_ID
from ..raw import (
    FILE_NAME,
    MAX_OBJECT_ID,
    VIDEO_ID_RULE,
    FoundMasks,
    FrameLabels,
    LabelMap,
    Layout,
    Problem,
    RawError,
    RawVideo,
    annotation_files,
    find_videos,
    is_finite,
    join_records,
    list_folder,
    read_json,
    read_videos_jsonl,
    shown,
)

FRAME_STEP = 4
"""Every 4th frame of the video is annotated, from frame 0."""

ANNOTATION_NAME = re.compile(r"(.+)_(manual|auto)\.json")


@dataclass(frozen=True, slots=True)
class Masklets:
    """The content of one SA-V file that is used here."""

    object_ids: Sequence[int]
    rles: Sequence[Sequence[Mapping[str, Any]]]
    """rles[k][j]: object j in video frame 4k, {'size': [height, width], 'counts': str}; of one
    size.
    """


class MaskletError(ValueError):
    """The faults in the structure of an SA-V file, one text per fault."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class SavMasks:
    """The masklets of one SA-V file, one plane per object because objects may overlap."""

    path: Path

    def read(self) -> Iterator[FrameLabels]:
        """Frames 0, 4, 8, …; each has a plane for every object. It is all background if the object
        is not visible.

        Raises:
            RawError: the file has changed into one that cannot be read, or an RLE is broken.
        """
        try:
            masklets = read_masklets(self.path)
        except MaskletError as error:
            raise RawError(f"{self.path}: {error}") from error
        for position, rles in enumerate(masklets.rles):
            try:
                bitmaps = decode_many(rles)
            except RLEError as error:
                which = (
                    f"masklet[{position}]"
                    if error.index is None
                    else f"masklet[{position}][{error.index}]"
                )
                raise RawError(f"{self.path}: {which}: {error.problem}") from error
            planes: list[LabelMap] = [
                np.multiply(bitmap, np.uint16(object_id), dtype=np.uint16)
                for bitmap, object_id in zip(bitmaps, masklets.object_ids, strict=True)
            ]
            yield FrameLabels(FRAME_STEP * position, planes)


def read_masklets(path: Path) -> Masklets:
    """The masklets of one SA-V file; their RLEs are not decoded.

    Raises:
        MaskletError: with every fault of the file's structure.
    """
    match = ANNOTATION_NAME.fullmatch(path.name)
    try:
        record = read_json(path)
    except RawError as error:
        raise MaskletError(str(error)) from error
    if not isinstance(record, dict):
        raise MaskletError(
            "not a JSON object; wanted an SA-V annotation with video_id, masklet_id and masklet"
        )
    faults: list[str] = []
    if match is not None and record.get("video_id") != match[1]:
        faults.append(
            f"video_id is {json.dumps(record.get('video_id'))}, the file name says {match[1]}; "
            "rename one of the two"
        )
    ids = record.get("masklet_id")
    if (
        not isinstance(ids, list)
        or not all(_is_masklet_id(masklet_id) for masklet_id in ids)
        or len(set(ids)) < len(ids)
    ):
        raise MaskletError(
            *faults,
            f"masklet_id is not a list of whole numbers from 0 to {MAX_OBJECT_ID - 1}, each once",
        )
    frames = record.get("masklet")
    if not isinstance(frames, list):
        raise MaskletError(*faults, "masklet is not a list of frames, each a list of RLEs")
    faults += _frame_faults(frames, object_count=len(ids))
    last, frame_count = FRAME_STEP * (len(frames) - 1), record.get("video_frame_count")
    if isinstance(frame_count, int | float) and last >= frame_count:
        count = f"{frame_count:g}" if is_finite(frame_count) else shown(frame_count)
        what = (
            f"masklet has {len(frames)} frames, the last at video frame {last}, but "
            f"video_frame_count is {count}"
        )
        faults.append(f"{what}; wanted one for every {FRAME_STEP}th frame")
    if faults:
        raise MaskletError(*faults)
    return Masklets(tuple(int(masklet_id) + 1 for masklet_id in ids), frames)


def _is_masklet_id(value: object) -> bool:
    # SA-V writes some counts as floats, so an id may also be a float with a whole value.
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    return whole and 0 <= value < MAX_OBJECT_ID  # type: ignore[operator]


def _frame_faults(frames: Sequence[Any], *, object_count: int) -> list[str]:
    faults: list[str] = []
    first_size: Any = None
    for position, rles in enumerate(frames):
        if not isinstance(rles, list) or len(rles) != object_count:
            text = f"{len(rles)} RLEs" if isinstance(rles, list) else json.dumps(rles)[:60]
            faults.append(
                f"masklet[{position}] is {text}, wanted a list of {object_count}, as masklet_id has"
            )
            continue
        for index, rle in enumerate(rles):
            size = rle.get("size") if isinstance(rle, dict) else None
            if not _is_size(size) or not isinstance(rle.get("counts"), str):
                faults.append(
                    f"masklet[{position}][{index}] is {json.dumps(rle)[:60]}, wanted size [height, "
                    "width] and counts"
                )
                continue
            first_size = first_size or size
            if size != first_size:
                faults.append(
                    f"masklet[{position}][{index}] has size {size}, wanted {first_size} as the "
                    "first RLE has"
                )
    return faults


def _is_size(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(side) is int and side > 0 for side in value)
    )


def read_sav(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or decoding an RLE."""
    videos, problems = find_videos(raw / "videos", raw=raw)
    loose, loose_problems = find_videos(raw, raw=raw, only_videos=False)
    problems += loose_problems
    for video_id in sorted(set(loose) & set(videos)):
        what = (
            f"video {video_id} is also {videos[video_id].relative_to(raw).as_posix()}; wanted "
            "one file: remove one of the two"
        )
        problems.append(Problem(loose[video_id].relative_to(raw).as_posix(), what))
    files, file_problems = _annotation_files(raw)
    problems += file_problems
    entries, _ = read_videos_jsonl(raw / FILE_NAME, required=())
    for entry in entries.values():
        if entry.annotated_frames is not None and entry.video_id in files:
            what = (
                f"annotated_frames is given, but SA-V fixes every {FRAME_STEP}th frame; leave "
                "the key out"
            )
            problems.append(Problem(f"{FILE_NAME} line {entry.line}", what))
    masks: dict[str, FoundMasks] = {}
    for video_id, path in files.items():
        where = path.relative_to(raw).as_posix()
        try:
            frame_count = len(read_masklets(path).rles)
        except MaskletError as error:
            problems += [Problem(where, fault) for fault in error.faults]
            masks[video_id] = FoundMasks(where, None, None)
            continue
        annotated_frames = tuple(range(0, FRAME_STEP * frame_count, FRAME_STEP))
        annotator = "SA-V manual" if path.name.endswith("_manual.json") else "SA-V auto"
        masks[video_id] = FoundMasks(where, SavMasks(path), annotated_frames, annotator)
    records, record_problems = join_records(
        raw,
        videos={**loose, **videos},
        masks=masks,
        masks_wanted="{video_id}_manual.json or {video_id}_auto.json",
        artifact_type=artifact_type,
        generator=generator,
    )
    return records, problems + record_problems


def _annotation_files(raw: Path) -> tuple[dict[str, Path], list[Problem]]:
    paths: dict[tuple[str, str], Path] = {}
    problems: list[Problem] = []
    for path in [*list_folder(raw), *list_folder(raw / "annotations")]:
        where = path.relative_to(raw).as_posix()
        match = ANNOTATION_NAME.fullmatch(path.name)
        if match is None or not path.is_file():
            if path.parent != raw:
                what = (
                    "not an SA-V annotation; wanted {video_id}_manual.json or "
                    "{video_id}_auto.json: rename it or move it out"
                )
                problems.append(Problem(where, what))
        elif not VIDEO_ID.fullmatch(match[1]):
            problems.append(
                Problem(where, f"the video_id {match[1]!r} is not {VIDEO_ID_RULE}; rename the file")
            )
        elif (match[1], match[2]) in paths:
            problems.append(
                Problem(
                    where, f"also directly in the raw folder as {path.name}; remove one of the two"
                )
            )
        else:
            paths[match[1], match[2]] = path
    # "manual" sorts after "auto", so it takes the place of it.
    return {video_id: path for (video_id, _), path in sorted(paths.items())}, problems


def _detect(raw: Path) -> Path | None:
    return next(
        (path for path in annotation_files(raw) if ANNOTATION_NAME.fullmatch(path.name)), None
    )


LAYOUT = Layout(
    help="masklets of every 4th frame in JSON, as SA-V and SAM 2 have them",
    looked_for="{video_id}_manual.json or {video_id}_auto.json, in the folder itself or in "
    "annotations/",
    detect=_detect,
    read=read_sav,
)
