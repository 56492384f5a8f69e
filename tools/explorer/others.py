"""Other masks of the same videos: predictions, another annotator, or a report that names its predictions."""

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
"""Forms of predictions that are annotations of a person."""
SOME = 3
"""Largest number of names in a message."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another source of masks. `kind` is "predictions" or "annotator"; `videos` are its masks by video_id, not read yet."""

    name: str
    kind: str
    videos: Mapping[str, PredictedVideo]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The source and another one, compared on the annotated frames of one video.

    Attributes:
        frames: the annotated frames.
        j, f: float64[T]; 1 in frames that neither marks.
        either: bool[T], True for frames that at least one of them marks.
        counts: COCO RLE of the other source by frame, for frames that it marks.
        problems: errors of the other source's masks; then everything else is empty.
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
    """Opens other masks of the source's videos.

    Args:
        path: predictions in any form that `evaluate` reads; a release or a raw folder; a folder that
            `train` or `predict` wrote; or the JSON of `evaluate`, which names its predictions.
        video_ids: all ids of the source.
        source: name of the source, for messages.

    Raises:
        ExploreError: it is none of these, or it has no video of the source.
    """
    place, name = _predictions_of(path), str(path)
    try:
        predictions = find_predictions(place, reading=Reading(video_ids=set(video_ids)))
    except (EvaluationError, OSError) as error:
        raise ExploreError(str(error)) from error
    ours = set(video_ids)
    videos = {video_id: video for video_id, video in predictions.videos.items() if video_id in ours}
    if not videos:
        some = ", ".join(sorted(predictions.videos)[:SOME]) or "none"
        raise ExploreError(
            f"{name}: none of its {len(predictions.videos)} videos "
            f"({some}{' ...' * (len(predictions.videos) > SOME)}) is one of {source}; "
            "give masks of the same videos"
        )
    return Other(
        name,
        "annotator" if predictions.kind in ANNOTATIONS else "predictions",
        videos,
        _notices(name, predictions, ours),
    )


def _notices(name: str, predictions: Predictions, ours: set[str]) -> tuple[str, ...]:
    notices = [str(problem) for problem in predictions.problems]
    if strangers := sorted(predictions.videos.keys() - ours):
        notices.append(
            f"{name}: {len(strangers)} of its videos are not in the source, among them {', '.join(strangers[:SOME])}."
        )
    if lacking := len(ours - predictions.videos.keys()):
        notices.append(f"{name}: it lacks {lacking} videos of the source.")
    return tuple(notices)


def _predictions_of(path: Path) -> Path:
    """The path of the predictions that belong to a report or to the folder of a run; else the path itself."""
    if path.is_dir():
        if (path / "scores.json").is_file() and (path / "predictions").is_dir():  # of train
            return path / "predictions"
        if (path / "report.json").is_file() and (path / "predictions.parquet").is_file():  # of predict
            return path / "predictions.parquet"
        return path
    if path.suffix == ".json" and path.is_file():
        named = _named_predictions(path)
        if named is not None:
            existing = next((place for place in (Path(named), path.parent / named) if place.exists()), None)
            if existing is None:
                raise ExploreError(
                    f"{path}: a report of {named}, which does not exist; put these predictions beside the report, or give them"
                )
            return existing
    return path


def _named_predictions(path: Path) -> str | None:
    """The predictions that a report of `evaluate` names; None for any other file."""
    try:
        content: Any = parse_json(path.read_bytes())
    except (ValueError, OSError):
        return None
    if isinstance(content, dict) and "conventions" in content and isinstance(content.get("predictions"), str):
        return str(content["predictions"])
    return None


def compared(shown: Shown, predicted: PredictedVideo) -> Compared:
    """Compares the masks of another source in one video with those of the source."""
    truth = annotated_of(shown)
    nothing = np.zeros(0)
    if not truth.frames:
        return Compared((), nothing, nothing, nothing.astype(np.bool_), {})
    task = Task(_One(truth), {truth.video_id: predicted}, "empty", False, False, None)
    scored = score_part(task)
    if scored.problems:
        problems = tuple(str(problem) for problem in scored.problems)
        return Compared((), nothing, nothing, nothing.astype(np.bool_), {}, problems)
    counts: Counts = scored.videos[0].counts
    frames = [frame for frame in predicted.frames if 0 <= frame < shown.num_frames]
    size = {"height": shown.height, "width": shown.width}
    read = read_on_stored(predicted, frames, orientation=truth.orientation, masks_are=None, **size)
    background = empty(**size)
    marked = {mask.frame_index: mask.counts for mask in read if mask.problem is None and mask.counts != background}
    either = (counts.truth_px + counts.pred_px) > 0
    return Compared(tuple(counts.frames.tolist()), counts.j(), counts.f(), either, marked)


def scored(comparison: Compared) -> Scored:
    """The comparison in four values."""
    if comparison.problems:
        return Scored(None, None, None, comparison.problems[0])
    if not comparison.frames:
        return Scored(None, None, None)
    jf = (comparison.j + comparison.f) / 2
    if not comparison.either.any():
        return Scored(float(jf.mean()), 0.0, None)
    places = np.flatnonzero(comparison.either)
    worst = int(places[jf[places].argmin()])
    return Scored(float(jf.mean()), 1 - float(jf[places].mean()), comparison.frames[worst])


def compared_json(comparison: Compared) -> dict[str, Any]:
    """The comparison in the form for the page."""
    return {
        "frames": list(comparison.frames),
        "j": comparison.j.round(4).tolist(),
        "f": comparison.f.round(4).tolist(),
        "either": [int(value) for value in comparison.either.tolist()],
        "masks": {"frame_index": list(comparison.counts), "counts": list(comparison.counts.values())},
        "problems": list(comparison.problems),
    }


def annotated_of(shown: Shown) -> AnnotatedVideo:
    """One video in the form for scoring."""
    by_object: dict[int, dict[int, str]] = {item.object_id: {} for item in shown.objects}
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
