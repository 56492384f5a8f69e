"""Turns one raw video into one row of the contract; the video's bytes stay in their file."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..frames import VideoError, VideoIndex, index_to_columns, index_video, where
from ..masks import ARTIFACT_TYPES, encode, fingerprint_labels, masklet_digest, video_digest
from ..release import ANNOTATION_FEATURES, LABELS, SOURCE_FIELDS
from .raw import (
    NOT_GIVEN,
    FrameLabels,
    Problem,
    RawError,
    RawVideo,
    coded_masks,
    name_of_video,
    read_video,
)
from .row_json import row_digest
from .work import atomic_file


@dataclass(frozen=True, slots=True)
class Ingested:
    """The facts that planning needs about a row in `row_path` (Arrow IPC, columns of config
    "annotations").
    """

    video_id: str
    label: str
    generator: str
    prompt: str | None
    split: str | None
    digest: str
    video_sha256: str
    video_bytes: int
    row_path: Path
    video_path: Path
    row_digest: str = ""
    """Digest of the whole row, as `row_json.row_digest` gives it."""
    perceptual_hash: str = ""
    """Perceptual hash of the frames, as `frames.perceptual` gives it; "" is alike to no video."""
    rules: tuple[str, ...] = ()
    """The rules that decided which pixels of its masks are marked; sorted."""

    @property
    def video_name(self) -> str:
        """The name of the video's file in a release."""
        return name_of_video(self.video_id, self.video_path)


@dataclass(slots=True)
class _Masklets:
    """The masks of one video that are read so far: canonical counts and fingerprint by object and
    frame.
    """

    counts: dict[int, dict[int, str]] = field(default_factory=dict)
    fingerprints: dict[int, dict[int, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    rules: set[str] = field(default_factory=set)
    has_background: bool = False
    """Whether at least one frame has a pixel that is not marked."""


def ingest(video: RawVideo, row_path: Path, *, layout: str) -> Ingested | list[Problem]:
    """Decodes a video once, reads its masks and writes the row. If the video has problems, returns
    all of them.

    The fingerprint of every mask is computed from the raw label map, before any RLE exists.
    `verify` later compares the decoded bitmaps with it.
    """
    try:
        data = read_video(video.video_path)
        index = index_video(data)
    except VideoError as error:
        return [
            Problem(
                f"video {video.video_id}", str(error).replace(where(data), str(video.video_path))
            )
        ]
    except OSError as error:
        return [Problem(f"video {video.video_id}", str(error))]
    masklets = _read_masks(video, index)
    problems = masklets.problems + _check(video, index, masklets)
    if problems:
        return [Problem(f"video {video.video_id}", what) for what in problems]
    row = _row(video, data, index, masklets, layout=layout)
    table = pa.Table.from_pylist([row], schema=ANNOTATION_FEATURES.arrow_schema)
    with atomic_file(row_path) as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    # The digest is computed from the row as it is read back, so it covers only what a file can
    # hold.
    digest = row_digest(
        table.to_pylist()[0], video_name=name_of_video(video.video_id, video.video_path)
    )
    return Ingested(
        video_id=video.video_id,
        label=LABELS[row["label"]],
        generator=video.generator,
        prompt=video.prompt,
        split=video.split,
        digest=row["digest"],
        video_sha256=row["video_sha256"],
        video_bytes=len(data),
        row_path=row_path,
        video_path=video.video_path,
        row_digest=digest,
        perceptual_hash=index.perceptual_hash,
        rules=tuple(sorted(masklets.rules)),
    )


def _read_masks(video: RawVideo, index: VideoIndex) -> _Masklets:
    masklets = _Masklets()
    annotated = None if video.annotated_frames is None else set(video.annotated_frames)
    try:
        frames = coded_masks(video, index.orientation, height=index.height, width=index.width)
        for frame in frames:
            masklets.rules.update(frame.rules)
            if problem := _misplaced(frame, index, annotated):
                masklets.problems.append(problem)
                continue
            masklets.has_background = masklets.has_background or not _is_full(frame)
            for plane in frame.planes:
                _add_plane(masklets, frame.frame_index, np.asarray(plane))
    except RawError as error:
        masklets.problems.append(str(error))
    return masklets


def _misplaced(frame: FrameLabels, index: VideoIndex, annotated: set[int] | None) -> str | None:
    number = frame.frame_index
    if number >= index.num_frames:
        return (
            f"mask of frame {number}: the video ends at frame {index.num_frames - 1} (frames count "
            "from 0). Remove the mask, or use the video that was annotated."
        )
    for plane in frame.planes:
        if plane.shape != (index.height, index.width):
            return (
                f"mask of frame {number}: {plane.shape[1]}x{plane.shape[0]} pixels, the decoded "
                "video has "
                f"{index.width}x{index.height}. Masks have the size of the decoded, unrotated "
                "frames"
                f"{'.' if index.orientation.is_upright else ', or of the frames as players show them.'}"
            )
    if (
        annotated is not None
        and number not in annotated
        and any(plane.any() for plane in frame.planes)
    ):
        return (
            f"mask of frame {number}: the frame is not in annotated_frames. Add it there, or "
            "remove the mask."
        )
    return None


def _is_full(frame: FrameLabels) -> bool:
    """Whether every pixel is marked."""
    return bool(frame.planes) and bool(
        np.logical_or.reduce([plane > 0 for plane in frame.planes]).all()
    )


def _add_plane(
    masklets: _Masklets, frame_index: int, plane: np.ndarray[Any, np.dtype[np.uint16]]
) -> None:
    fingerprints = fingerprint_labels(plane)
    if not fingerprints:
        return
    ids = sorted(fingerprints)
    bitmaps = plane[None] == np.array(ids, plane.dtype)[:, None, None]
    for object_id, counts in zip(ids, encode(bitmaps), strict=True):
        frames = masklets.counts.setdefault(object_id, {})
        if frame_index in frames:
            masklets.problems.append(
                f"mask of frame {frame_index}: object {object_id} is there twice. Merge the two "
                "masks."
            )
        frames[frame_index] = counts
        masklets.fingerprints.setdefault(object_id, {})[frame_index] = fingerprints[object_id]


def _check(video: RawVideo, index: VideoIndex, masklets: _Masklets) -> list[str]:
    marked_ids = set(masklets.counts)
    problems = []
    if video.objects is not None:
        unlisted, unseen = (
            sorted(marked_ids - set(video.objects)),
            sorted(set(video.objects) - marked_ids),
        )
        if unlisted:
            problems.append(
                f"objects {unlisted} have masks and are not listed. Add them to `objects` with "
                "their artifact type."
            )
        if unseen:
            problems.append(
                f"objects {unseen} are listed and have no marked pixel. Remove them, or add their "
                "masks."
            )
    elif marked_ids and video.default_artifact_type is None:
        problems.append(
            f"objects {sorted(marked_ids)} have no artifact type. List them in `objects`, or give "
            "--artifact-type."
        )
    label = LABELS[bool(marked_ids)]
    if video.label is not None and video.label != label and not problems:
        problems.append(
            f"label is {video.label!r} and {len(marked_ids)} objects have marked pixels, which "
            f"makes it {label!r}. Correct the label or the masks."
        )
    annotated = index.num_frames if video.annotated_frames is None else len(video.annotated_frames)
    marked = {frame for frames in masklets.counts.values() for frame in frames}
    if (
        marked_ids
        and not masklets.has_background
        and len(marked) == annotated
        and video.label is None
    ):
        problems.append(
            "every pixel of every frame is marked, as when black and white are swapped. Swap them, "
            'or give label "broken" in '
            "videos.jsonl if the whole video is broken."
        )
    if video.annotated_frames is not None and not video.annotated_frames and video.label is None:
        problems.append(
            "no frame is annotated and no label is given, so it is unknown whether it is normal or "
            "broken. Annotate it, give the label that a person gave it, or remove it."
        )
    beyond = [frame for frame in video.annotated_frames or () if frame >= index.num_frames]
    if beyond:
        problems.append(
            f"annotated_frames {beyond} lie beyond the last frame, {index.num_frames - 1}. Remove "
            "them."
        )
    stated = video.source.get("frames_sha256")
    if stated is not None and stated != index.frames_sha256:
        problems.append(
            f"source.frames_sha256 is {stated}, the decoded frames give {index.frames_sha256}. "
            "The video is not the one that was annotated, or decodes differently here."
        )
    return problems


def _row(
    video: RawVideo, data: bytes, index: VideoIndex, masklets: _Masklets, *, layout: str
) -> dict[str, Any]:
    annotated = (
        range(index.num_frames) if video.annotated_frames is None else video.annotated_frames
    )
    size = {"num_frames": index.num_frames, "height": index.height, "width": index.width}
    digests = {
        object_id: masklet_digest(frames, annotated, **size)
        for object_id, frames in masklets.counts.items()
    }
    kinds = {object_id: _artifact_type(video, object_id) for object_id in sorted(digests)}
    entries = sorted(
        (object_id, frame) for object_id, frames in masklets.counts.items() for frame in frames
    )
    return {
        "video_id": video.video_id,
        "label": int(bool(digests)),
        "artifact_types": None if None in kinds.values() else sorted(set(kinds.values())),
        "generator": video.generator,
        "prompt": video.prompt,
        **index_to_columns(index),
        "annotated_frames": list(annotated),
        "objects": {
            "object_id": list(kinds),
            "artifact_type": list(kinds.values()),
            "digest": [digests[object_id] for object_id in kinds],
            "subtype": [video.subtypes.get(object_id) for object_id in kinds],
        },
        "masks": {
            "object_id": [object_id for object_id, _ in entries],
            "frame_index": [frame for _, frame in entries],
            "counts": [masklets.counts[object_id][frame] for object_id, frame in entries],
            "fingerprint": [
                masklets.fingerprints[object_id][frame] for object_id, frame in entries
            ],
        },
        "digest": video_digest(digests, annotated),
        "video_sha256": hashlib.sha256(data).hexdigest(),
        "source": {
            field: {**video.source, "layout": layout, "frames_sha256": index.frames_sha256}.get(
                field
            )
            for field in SOURCE_FIELDS
        },
    }


def _artifact_type(video: RawVideo, object_id: int) -> int | None:
    """The class of an object's type; None if the type is not given."""
    name = video.default_artifact_type if video.objects is None else video.objects[object_id]
    return None if name in (None, NOT_GIVEN) else ARTIFACT_TYPES.index(str(name))
