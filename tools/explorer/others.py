"""What somebody else marked in the same videos: predictions, another annotator, a report that names its predictions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...frames import orientation_of_rotation
from ...masks import Float64Array, empty
from ...release import parse_json
from ..evaluation import (
    AnnotatedVideo,
    Counts,
    EvaluationError,
    Masklet,
    PredictedVideo,
    Predictions,
    Reading,
    Task,
    find_predictions,
    read_on_stored,
    score_part,
)
from .measure import Scored
from .video import ExploreError, Shown

ANNOTATIONS = ("release", "raw")
"""Forms of predictions that are somebody's annotation."""
SOME = 3
"""Names in a message."""


@dataclass(frozen=True, slots=True)
class Other:
    """What somebody else marked. kind: "predictions" or "annotator". videos: its masks by video_id, still unread."""

    name: str
    kind: str
    videos: Mapping[str, PredictedVideo]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """Truth and another source on the annotated frames of one video.

    frames: those. j, f: float64[T], 1 where nobody marks anything. either: bool[T], where one of them marks something. counts: of
    the other's masks, by frame, where it marks something.
    problems: what is wrong with the other's masks; then there is nothing else.
    """

    frames: tuple[int, ...]
    j: Float64Array
    f: Float64Array
    either: np.ndarray[Any, np.dtype[np.bool_]]
    counts: Mapping[int, str]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _One:
    """A part of an annotation with one video."""

    video: AnnotatedVideo
    video_ids: Sequence[str] = field(default=())

    def read(self) -> Iterator[AnnotatedVideo]:
        yield self.video


def open_other(path: Path, video_ids: Sequence[str], *, source: str) -> Other:
    """What lies at `path`, if it is of these videos.

    Args:
        path: predictions in any form that `evaluate` reads, a release or a raw folder; the folder that `train` or `predict` has
            written; the JSON of `evaluate`, which names its predictions.
        video_ids: of the source.
        source: its name, for messages.

    Raises:
        ExploreError: none of these, or none of its videos is one of the source.
    """
    place, name = _predictions_of(path), str(path)
    try:
        found = find_predictions(place, reading=Reading(video_ids=set(video_ids)))
    except (EvaluationError, OSError) as error:
        raise ExploreError(str(error)) from error
    ours = set(video_ids)
    videos = {video_id: video for video_id, video in found.videos.items() if video_id in ours}
    if not videos:
        some = ", ".join(sorted(found.videos)[:SOME]) or "none"
        raise ExploreError(
            f"{name}: none of its {len(found.videos)} videos ({some}{' ...' * (len(found.videos) > SOME)}) is one of {source}; "
            "give what was marked in the same videos"
        )
    return Other(name, "annotator" if found.kind in ANNOTATIONS else "predictions", videos, _notices(name, found, ours))


def _notices(name: str, found: Predictions, ours: set[str]) -> tuple[str, ...]:
    told = [str(problem) for problem in found.problems]
    if strangers := sorted(found.videos.keys() - ours):
        told.append(
            f"{name}: {len(strangers)} of its videos are not in the source, among them {', '.join(strangers[:SOME])}."
        )
    if lacking := len(ours - found.videos.keys()):
        told.append(f"{name}: {lacking} videos of the source are not in it.")
    return tuple(told)


def _predictions_of(path: Path) -> Path:
    """Where the predictions lie that a report or the folder of a run belongs to; else the path itself."""
    if path.is_dir():
        if (path / "scores.json").is_file() and (path / "predictions").is_dir():  # of train
            return path / "predictions"
        if (path / "report.json").is_file() and (path / "predictions.parquet").is_file():  # of predict
            return path / "predictions.parquet"
        return path
    if path.suffix == ".json" and path.is_file():
        named = _named_predictions(path)
        if named is not None:
            there = next((place for place in (Path(named), path.parent / named) if place.exists()), None)
            if there is None:
                raise ExploreError(
                    f"{path}: a report of {named}, which is not there; put those predictions beside the report, or give them"
                )
            return there
    return path


def _named_predictions(path: Path) -> str | None:
    """What a report of `evaluate` says that it has scored; None of any other file."""
    try:
        content: Any = parse_json(path.read_bytes())
    except (ValueError, OSError):
        return None
    if isinstance(content, dict) and "conventions" in content and isinstance(content.get("predictions"), str):
        return str(content["predictions"])
    return None


def compared(shown: Shown, predicted: PredictedVideo) -> Compared:
    """The masks of another source in one video, against those of the source."""
    truth = annotated_of(shown)
    nothing = np.zeros(0)
    if not truth.frames:
        return Compared((), nothing, nothing, nothing.astype(np.bool_), {})
    task = Task(_One(truth), {truth.video_id: predicted}, "empty", False, False, None)
    scored = score_part(task)
    if scored.problems:
        told = tuple(str(problem) for problem in scored.problems)
        return Compared((), nothing, nothing, nothing.astype(np.bool_), {}, told)
    counts: Counts = scored.videos[0].counts
    there = [frame for frame in predicted.frames if 0 <= frame < shown.num_frames]
    size = {"height": shown.height, "width": shown.width}
    read = read_on_stored(predicted, there, orientation=truth.orientation, masks_are=None, **size)
    background = empty(**size)
    marked = {found.frame_index: found.counts for found in read if found.problem is None and found.counts != background}
    either = (counts.truth_px + counts.pred_px) > 0
    return Compared(tuple(counts.frames.tolist()), counts.j(), counts.f(), either, marked)


def scored(found: Compared) -> Scored:
    """The same in four numbers."""
    if found.problems:
        return Scored(None, None, None, found.problems[0])
    if not found.frames:
        return Scored(None, None, None)
    jf = (found.j + found.f) / 2
    if not found.either.any():
        return Scored(float(jf.mean()), 0.0, None)
    places = np.flatnonzero(found.either)
    worst = int(places[jf[places].argmin()])
    return Scored(float(jf.mean()), 1 - float(jf[places].mean()), found.frames[worst])


def compared_json(found: Compared) -> dict[str, Any]:
    """What the page is told."""
    return {
        "frames": list(found.frames),
        "j": found.j.round(4).tolist(),
        "f": found.f.round(4).tolist(),
        "either": [int(value) for value in found.either.tolist()],
        "masks": {"frame_index": list(found.counts), "counts": list(found.counts.values())},
        "problems": list(found.problems),
    }


def annotated_of(shown: Shown) -> AnnotatedVideo:
    """One video as scoring reads it."""
    by_object: dict[int, dict[int, str]] = {found.object_id: {} for found in shown.objects}
    for object_id, frame, string in zip(shown.object_ids, shown.frame_indices, shown.counts, strict=True):
        by_object[object_id][frame] = string
    return AnnotatedVideo(
        video_id=shown.listed.video_id,
        split=shown.listed.split,
        generator=shown.listed.generator,
        height=shown.height,
        width=shown.width,
        num_frames=shown.num_frames,
        frames=shown.annotated_frames,
        masklets=tuple(Masklet(object_id, "", strings) for object_id, strings in by_object.items()),
        orientation=orientation_of_rotation(shown.rotation),
    )
