"""One pair brought into the raw folder: the clip as it is, its masks as PNGs, and the record of both."""

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
"""paired: by its name alone, nobody has looked yet. kept: changed in the raw folder by people, and left as it is there."""


@dataclass(frozen=True, slots=True)
class Task:
    """A pair and what its line says besides; `raw` is None where it is only looked at.

    url: of the clip's page. commit: of the source. fps: of clips that come as images.
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
    """What became of a pair. Numbers are None where nobody has looked.

    why: the doubt or the fault; align: the rule that a person may want to confirm.
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
    """Looks at a pair and, unless it is in doubt, writes its video, masks and record, the record last."""
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
            return Outcome(pair, "doubtful", doubt, kind=pair.kind, align=_rules(clip, mask, pair), **shape)
        frames, annotated = frame_map(clip.num_frames, mask.num_frames, numbers=mask.media.numbers, align=pair.align)
        found = look(clip, mask, frames, kind=pair.kind)
        if not found.is_sure:
            return Outcome(pair, "doubtful", found.doubt, found.kind, found.confidence, found.note, **shape)
        if task.raw is None:
            return Outcome(pair, "paired", "", found.kind, found.confidence, found.note, **shape)
        if not pair.clip.is_video and task.fps is None:
            return Outcome(pair, "doubtful", "the clip is a folder of images; give --fps to have it encoded", **shape)
        return _written(task, task.raw, clip, mask, frames, annotated, found, shape)
    except (VideoError, RawError, AdoptError, ReleaseError, OSError) as error:
        return Outcome(pair, "failed", in_words(error), kind=pair.kind, **shape)


def _unlike(clip: Stream, mask: Stream, pair: Pair) -> str:
    """What keeps clip and mask from being laid on one another, as long as no rule says how; "" where nothing does."""
    if clip.orientation != mask.orientation:
        return (
            f"players show the clip {clip.orientation} and the mask {mask.orientation} (their display matrices); re-encode one of "
            "them as players show it"
        )
    if clip.size != mask.size and "scale" not in pair.align:
        rule = (
            "align scale"
            if _same_shape(clip, mask)
            else "they have not the same shape either; align scale stretches it"
        )
        return f"the clip has {clip.width}x{clip.height} pixels, the mask {mask.width}x{mask.height}; {rule}"
    try:
        frame_map(clip.num_frames, mask.num_frames, numbers=mask.media.numbers, align=pair.align)
    except AdoptError as error:
        return str(error)
    return ""


def _same_shape(clip: Stream, mask: Stream) -> bool:
    return abs(clip.width * mask.height - mask.width * clip.height) <= 0.02 * clip.width * mask.height


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
    found: Look,
    shape: Mapping[str, Any],
) -> Outcome:
    video_id = task.pair.video_id
    objects: set[int] = set()
    marked_frames = 0
    folder = raw / "masks" / video_id
    with whole_folder(folder) as partial:
        for frame_index, plane in planes_of(clip, mask, frames, found):
            ids = set(np.unique(plane).tolist()) - {0}
            objects |= ids
            if ids:
                marked_frames += 1
                (partial / f"{frame_index:05d}.png").write_bytes(encode_png(plane))
        begin_record(raw, video_id, source=task.source, commit=task.commit)  # from here on files of two commits may mix
        video = _put_video(task, raw, clip)
    if not marked_frames:
        shutil.rmtree(folder)
    facts = {
        **shape,
        "kind": found.kind,
        "confidence": found.confidence,
        "note": found.note,
        "marked_frames": marked_frames,
        "clip": task.pair.clip.name,
        "mask": task.pair.mask.name,
        "how": task.pair.how,
    }
    line = line_of(task, clip, objects=sorted(objects), annotated=annotated, facts=facts)
    digest = masks_digest(folder)
    record = Record(video_id, task.source, task.commit, made_of(task.pair, fps=task.fps), video, digest, line, facts)
    write_record(raw, record)
    return Outcome(
        task.pair,
        "adopted",
        "",
        found.kind,
        found.confidence,
        found.note,
        marked_frames=marked_frames,
        record=record,
        **shape,
    )


def _put_video(task: Task, raw: Path, clip: Stream) -> str:
    """Gives the clip its place, without copying it where the file system can do without, and returns its name."""
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
    task: Task, clip: Stream, *, objects: Sequence[int], annotated: Sequence[int] | None, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The line of videos.jsonl: objects of no given type, and where all of it comes from."""
    pair = task.pair
    notes = f"adopted from {pair.mask.name}: {facts['note']}"
    if clip.video is None:
        notes += f"; the clip came as {clip.num_frames} images, encoded once at {task.fps:g} fps"
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
        "record": json.dumps({key: value for key, value in record.items() if value is not None}, ensure_ascii=False),
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
    """Paths and content of files; of many, the first, and a digest over all."""
    listed = [{"path": entry.path, "bytes": entry.size, "content": _content_key(entry)} for entry in entries]
    if len(listed) == 1:
        return listed
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    return [listed[0], {"files": len(listed), "sha256_of_list": digest}]


def _content_key(entry: Entry) -> str:
    """A key that says nothing of when a file was written."""
    if entry.key and not entry.key.startswith(LOCAL):
        return entry.key
    return f"sha256:{hashlib.sha256(content_of(entry)).hexdigest()}"
