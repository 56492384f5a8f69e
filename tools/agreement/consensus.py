"""Makes one annotation from several, by majority or by STAPLE, and writes it as a raw folder."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from ...builder.raw import MasksAre, find_videos
from ...masks import ARTIFACT_TYPES, Float64Array, union
from ...sampling import find_row
from ..evaluation import AnnotatedVideo, read_annotation
from .agreement import common_videos, frame_patterns, read_together, readers_of
from .votes import majority, staple

Rule = Literal["majority", "staple"]


def write_consensus(
    paths: Sequence[Path], out: Path, *, rule: Rule, masks_are: MasksAre | None = None
) -> Path:
    """Writes a raw folder `out` with the consensus of the annotators on the frames that all of them
    annotated, and returns `out`.

    majority: pixels that more than half of them mark. staple: pixels with a probability above one
    half, estimated over the whole video. A pixel gets the type that most annotators gave it there;
    of equal ones the first. Each type is one object. If nobody gave a type in a whole video, its
    line gives none. Videos are those of the first annotator who has them; without videos, only
    masks are written. Masks are on the stored frames, so build rotated videos with `masks_are`
    "coded".

    Raises:
        FileExistsError: `out` is not empty.
        EvaluationError, RawError: see `agree`.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(
            f"{out}: exists and is not empty. Name a new folder for the consensus."
        )
    annotations = [read_annotation(path, masks_are=masks_are) for path in paths]
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        lines = []
        for readers in readers_of(annotations, common_videos(annotations)):
            videos = read_together(readers, masks_are=masks_are)
            has_video = _write_video(
                videos[0].video_id, annotations[0].kind, paths[0], partial / "videos"
            )
            folder = partial / ("masks" if has_video else "Annotations") / videos[0].video_id
            lines.append(_write_masks(videos, folder, rule=rule, every_frame=not has_video))
        if not all(line["objects"] or line["label"] == "normal" for line in lines):
            for line in lines:
                del line["objects"]
        if (partial / "videos").is_dir():
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (partial / "videos.jsonl").write_text(text, encoding="utf-8")
        if out.exists():
            out.rmdir()
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _write_masks(
    videos: Sequence[AnnotatedVideo], folder: Path, *, rule: Rule, every_frame: bool
) -> dict[str, Any]:
    """Writes the masks of one video; returns its line for videos.jsonl."""
    frames = sorted(set.intersection(*(set(video.frames) for video in videos)))
    height, width = videos[0].height, videos[0].width
    unions = [video.union() for video in videos]
    chances = _chances(unions, frames, rule, height=height, width=width)
    types = [[_of_type(video, name) for video in videos] for name in ARTIFACT_TYPES]
    used_types = [index for index, by_annotator in enumerate(types) if any(by_annotator)]
    written_types: set[int] = set()
    for frame_index in frames:
        patterns = frame_patterns(
            [union.get(frame_index) for union in unions], height=height, width=width
        )
        labels = np.where(
            chances[patterns] > 0.5, np.uint8(used_types[0] + 1 if used_types else 1), np.uint8(0)
        )
        most = np.zeros((height, width), np.uint8)
        for index in used_types:
            strings = [by_frame.get(frame_index) for by_frame in types[index]]
            votes = np.bitwise_count(frame_patterns(strings, height=height, width=width))
            labels[(votes > most) & (labels > 0)] = index + 1
            most = np.maximum(most, votes)
        written_types.update(np.unique(labels[labels > 0]).tolist())
        if labels.any() or every_frame:
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(labels).save(folder / f"{frame_index:05d}.png")
    line: dict[str, Any] = {
        "video_id": videos[0].video_id,
        "generator": videos[0].generator,
        "label": "broken" if written_types else "normal",
        "annotated_frames": frames,
        "objects": [
            {"object_id": number, "artifact_type": ARTIFACT_TYPES[number - 1]}
            for number in sorted(written_types)
            if used_types
        ],
        "source": {"annotator": f"{rule} of {len(videos)} annotators"},
    }
    if videos[0].split is not None:
        line["split"] = videos[0].split
    return line


def _of_type(video: AnnotatedVideo, name: str) -> dict[int, str]:
    by_frame: dict[int, list[str]] = {}
    for masklet in video.masklets:
        if masklet.artifact_type == name:
            for frame_index, counts in masklet.counts.items():
                by_frame.setdefault(frame_index, []).append(counts)
    return {
        frame: union(counts, height=video.height, width=video.width)
        for frame, counts in by_frame.items()
    }


def _chances(
    unions: Sequence[Mapping[int, str]],
    frames: Sequence[int],
    rule: Rule,
    *,
    height: int,
    width: int,
) -> Float64Array:
    """Probability that a pixel of each pattern is marked, float64[2**N]; above one half the
    consensus marks it.
    """
    count = len(unions)
    if rule == "majority":
        return majority(count).astype(np.float64)
    patterns = np.zeros(1 << count, np.int64)
    for frame_index in frames:
        frame_votes = frame_patterns(
            [union.get(frame_index) for union in unions], height=height, width=width
        )
        patterns += np.bincount(frame_votes.reshape(-1), minlength=len(patterns))
    estimated = staple(patterns)
    return np.zeros(len(patterns)) if estimated is None else estimated.probability


def _write_video(video_id: str, kind: str, path: Path, folder: Path) -> bool:
    """Copies a video from its annotator; False if the annotator has no video."""
    if kind == "release":
        row = find_row(str(path), video_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / Path(row["video"]["path"]).name).write_bytes(row["video"]["bytes"])
        return True
    files, _ = find_videos(path / "videos", raw=path)
    if video_id not in files:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(files[video_id], folder / files[video_id].name)
    return True
