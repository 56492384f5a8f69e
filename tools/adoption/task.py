"""Adopts one pair: writes the unchanged clip, its masks as PNGs, and the record of both."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any, Literal

import numpy as np

from ...builder.raw import RawError, encode_png
from ...builder.work import link_or_copy, whole_folder, write_atomic
from ...frames import VideoError, encode_video
from ...release import ReleaseError, in_words
from .align import frame_map, suggestion
from .entries import LOCAL, Entry, content_of
from .error import AdoptError
from .kinds import Look, look
from .pairing import Pair
from .planes import planes_of
from .records import Record, begin_record, made_of, masks_digest, write_record
from .streams import Stream, open_stream

State = Literal["adopted", "unchanged", "doubtful", "failed", "paired", "kept"]
"""paired: by names only, not decoded or not written. kept: people changed it in the raw folder, so
it stays as it is.
"""


@dataclass(frozen=True, slots=True)
class Task:
    """A pair and the other values of its line in videos.jsonl.

    Attributes:
        raw: the raw folder; None to decode the pair and write nothing.
        source, commit: name and commit of the source.
        url: the page of the clip.
        fps: frames per second of a clip that is a folder of images.
    """

    pair: Pair
    raw: Path | None
    source: str
    commit: str | None
    generator: str
    split: str | None
    license: str | None
    url: str | None
    fps: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a pair. Numbers are None if the pair was not decoded.

    Attributes:
        why: the doubt or the error; "" if there is none.
        kind, confidence, note: as in `Look`.
        align: rules that may fit, for a person to confirm.
    """

    pair: Pair
    state: State
    why: str = ""
    kind: str = ""
    confidence: float | None = None
    note: str = ""
    num_frames: int | None = None
    mask_frames: int | None = None
    height: int | None = None
    width: int | None = None
    marked_frames: int | None = None
    align: str = ""
    record: Record | None = None


def adopt_one(task: Task) -> Outcome:
    """Decodes a pair. If it is not in doubt, writes its video, its masks and, last, its record."""
    pair = task.pair
    shape: dict[str, Any] = {}
    try:
        clip, mask = open_stream(pair.clip), open_stream(pair.mask)
        shape = {
            "num_frames": clip.num_frames,
            "mask_frames": mask.num_frames,
            "height": clip.height,
            "width": clip.width,
        }
        if doubt := _unlike(clip, mask, pair):
            return Outcome(
                pair, "doubtful", doubt, kind=pair.kind, align=_rules(clip, mask, pair), **shape
            )
        frames, annotated = frame_map(
            clip.num_frames, mask.num_frames, numbers=mask.media.numbers, align=pair.align
        )
        appearance = look(clip, mask, frames, kind=pair.kind)
        if not appearance.is_sure:
            return Outcome(
                pair,
                "doubtful",
                appearance.doubt,
                appearance.kind,
                appearance.confidence,
                appearance.note,
                **shape,
            )
        if task.raw is None:
            return Outcome(
                pair, "paired", "", appearance.kind, appearance.confidence, appearance.note, **shape
            )
        if not pair.clip.is_video and task.fps is None:
            return Outcome(
                pair,
                "doubtful",
                "the clip is a folder of images; give --fps to have it encoded",
                **shape,
            )
        return _written(task, task.raw, clip, mask, frames, annotated, appearance, shape)
    except (VideoError, RawError, AdoptError, ReleaseError, OSError) as error:
        return Outcome(pair, "failed", in_words(error), kind=pair.kind, **shape)


def _unlike(clip: Stream, mask: Stream, pair: Pair) -> str:
    """The reason why mask and clip do not fit without a further rule; "" if they fit."""
    if clip.orientation != mask.orientation:
        return (
            f"players show the clip {clip.orientation} and the mask {mask.orientation} (their "
            "display matrices); re-encode one of them as players show it"
        )
    if clip.size != mask.size and "scale" not in pair.align:
        rule = (
            "set align to scale"
            if _same_shape(clip, mask)
            else "their aspect ratios differ too; align scale stretches the mask"
        )
        return (
            f"the clip has {clip.width}x{clip.height} pixels, the mask {mask.width}x{mask.height}; "
            f"{rule}"
        )
    try:
        frame_map(clip.num_frames, mask.num_frames, numbers=mask.media.numbers, align=pair.align)
    except AdoptError as error:
        return str(error)
    return ""


def _same_shape(clip: Stream, mask: Stream) -> bool:
    return (
        abs(clip.width * mask.height - mask.width * clip.height) <= 0.02 * clip.width * mask.height
    )


def _rules(clip: Stream, mask: Stream, pair: Pair) -> str:
    """All rules that would fit the mask to the clip, for pairing.csv."""
    rules = list(pair.align)
    if clip.size != mask.size and "scale" not in rules:
        rules.append("scale")
    try:
        frame_map(clip.num_frames, mask.num_frames, numbers=mask.media.numbers, align=rules)
    except AdoptError:
        rules.append(suggestion(clip.num_frames, mask.num_frames, mask.media.numbers))
    return "+".join(rules)


def _written(
    task: Task,
    raw: Path,
    clip: Stream,
    mask: Stream,
    frames: Sequence[int | None],
    annotated: Sequence[int] | None,
    appearance: Look,
    shape: Mapping[str, Any],
) -> Outcome:
    video_id = task.pair.video_id
    objects: set[int] = set()
    marked_frames = 0
    folder = raw / "masks" / video_id
    with whole_folder(folder) as partial:
        for frame_index, plane in planes_of(clip, mask, frames, appearance):
            ids = set(np.unique(plane).tolist()) - {0}
            objects |= ids
            if ids:
                marked_frames += 1
                (partial / f"{frame_index:05d}.png").write_bytes(encode_png(plane))
        # From here until write_record, the folder may hold files of two commits.
        begin_record(raw, video_id, source=task.source, commit=task.commit)
        video = _put_video(task, raw, clip)
    if not marked_frames:
        shutil.rmtree(folder)
    facts = {
        **shape,
        "kind": appearance.kind,
        "confidence": appearance.confidence,
        "note": appearance.note,
        "marked_frames": marked_frames,
        "clip": task.pair.clip.name,
        "mask": task.pair.mask.name,
        "how": task.pair.how,
    }
    line = line_of(task, clip, objects=sorted(objects), annotated=annotated, facts=facts)
    digest = masks_digest(folder)
    record = Record(
        video_id,
        task.source,
        task.commit,
        made_of(task.pair, fps=task.fps),
        video,
        digest,
        line,
        facts,
    )
    write_record(raw, record)
    return Outcome(
        task.pair,
        "adopted",
        "",
        appearance.kind,
        appearance.confidence,
        appearance.note,
        marked_frames=marked_frames,
        record=record,
        **shape,
    )


def _put_video(task: Task, raw: Path, clip: Stream) -> str:
    """Puts the clip into videos/, as a link where the file system allows it. Returns its file
    name.
    """
    video_id = task.pair.video_id
    name = f"{video_id}{task.pair.clip.entries[0].suffix if clip.video is not None else '.mp4'}"
    path = raw / "videos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if clip.video is None:
        encode_video(path, clip.frames(), fps=Fraction(task.fps or 1).limit_denominator(1001))
    elif isinstance(clip.video, Path):
        link_or_copy(clip.video, path)
    else:
        write_atomic(path, clip.video)
    for other in path.parent.glob(f"{video_id}.*"):  # of another suffix, from an earlier commit
        if other.name != name:
            os.unlink(other)
    return name


def line_of(
    task: Task,
    clip: Stream,
    *,
    objects: Sequence[int],
    annotated: Sequence[int] | None,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The line of videos.jsonl, with objects without a type, and with the source of clip and
    masks.
    """
    pair = task.pair
    notes = f"adopted from {pair.mask.name}: {facts['note']}"
    if clip.video is None:
        notes += f"; the clip was {clip.num_frames} images, encoded once at {task.fps:g} fps"
    record = {
        "adopted_from": task.source if task.commit else PurePath(task.source).name,
        "commit": task.commit,
        "clip": _provenance(pair.clip.entries),
        "mask": _provenance(pair.mask.entries),
        "kind": facts["kind"],
        "align": "+".join(pair.align) or None,
    }
    source = {
        "license": task.license,
        "url": task.url,
        "notes": notes,
        "record": json.dumps(
            {key: value for key, value in record.items() if value is not None}, ensure_ascii=False
        ),
    }
    line: dict[str, Any] = {
        "video_id": pair.video_id,
        "generator": task.generator,
        "objects": [{"object_id": object_id, "artifact_type": None} for object_id in objects],
    }
    if annotated is not None:
        line["annotated_frames"] = list(annotated)
    if task.split is not None:
        line["split"] = task.split
    return {**line, "source": {key: value for key, value in source.items() if value is not None}}


def _provenance(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Paths, sizes and keys of files. For many files: the first one, and a digest of all."""
    listed = [
        {"path": entry.path, "bytes": entry.size, "content": _content_key(entry)}
        for entry in entries
    ]
    if len(listed) == 1:
        return listed
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    return [listed[0], {"files": len(listed), "sha256_of_list": digest}]


def _content_key(entry: Entry) -> str:
    """A key that depends only on the file's content, not on its time."""
    if entry.key and not entry.key.startswith(LOCAL):
        return entry.key
    return f"sha256:{hashlib.sha256(content_of(entry)).hexdigest()}"
