"""Other masks of the same videos: predictions, another annotator, or a report that names its
predictions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...builder.raw import MasksAre
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
    disputed,
    find_predictions,
    read_annotated_videos,
    read_on_stored,
    score_part,
)
from ..page import Scored
from .video import ExploreError, Shown

ANNOTATIONS = ("release", "raw")
"""Forms of predictions that are somebody's annotation."""
SOME = 3
"""Names in a message."""


@dataclass(frozen=True, slots=True)
class Other:
    """What somebody else marked.

    kind: "predictions" or "annotator". videos: its masks by video_id, still unread.
    masks_are: how they were drawn, of videos that players turn, where their size does not tell;
    None: nobody says. counts_from_0: whether somebody said so of frame numbers; else those that
    only fit from 1 on are refused.
    """

    name: str
    kind: str
    videos: Mapping[str, PredictedVideo]
    notices: tuple[str, ...]
    masks_are: MasksAre | None = None
    counts_from_0: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """Truth and another source on the annotated frames of one video; of another annotator, on those
    that both looked at.

    frames: those. j, f: float64[T], 1 where nobody marks anything. either: bool[T], where one of
    them marks something. counts: of the other's masks, by frame, where it marks something.
    disagreement, worst: as `disputed` of tools/evaluation gives them.
    problems: what is wrong with the other's masks; then there is nothing else.
    """

    frames: tuple[int, ...]
    j: Float64Array
    f: Float64Array
    either: np.ndarray[Any, np.dtype[np.bool_]]
    counts: Mapping[int, str]
    disagreement: float | None = None
    worst: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _One:
    """One video of an annotation."""

    video: AnnotatedVideo
    video_ids: Sequence[str] = field(default=())

    def read(self) -> Iterator[AnnotatedVideo]:
        yield self.video


def open_other(
    path: Path, video_ids: Sequence[str], *, source: str, reading: Reading | None = None
) -> Other:
    """Opens `path` if it has masks of these videos.

    Args:
        path: predictions in any form that `evaluate` reads, a release or a raw folder; the folder
            that `train` or `predict` has written; the JSON of `evaluate`, which names its
            predictions.
        video_ids: of the source.
        source: its name, for messages.
        reading: how predictions are to be read, where their form leaves it open.

    Raises:
        ExploreError: none of these, or none of its videos is one of the source.
    """
    place, name = _predictions_of(path), str(path)
    reading = replace(reading or Reading(), video_ids=set(video_ids))
    try:
        predictions = find_predictions(place, reading=reading)
    except (EvaluationError, OSError) as error:
        raise ExploreError(str(error)) from error
    ours = set(video_ids)
    videos = {video_id: video for video_id, video in predictions.videos.items() if video_id in ours}
    if not videos:
        some = ", ".join(sorted(predictions.videos)[:SOME]) or "none"
        raise ExploreError(
            f"{name}: none of its {len(predictions.videos)} videos "
            f"({some}{' ...' * (len(predictions.videos) > SOME)}) is one of {source}; give what "
            "was marked in the same videos"
        )
    kind = "annotator" if predictions.kind in ANNOTATIONS else "predictions"
    return Other(
        name,
        kind,
        videos,
        _notices(name, predictions, ours),
        reading.masks_are,
        reading.first_frame is not None,
    )


def open_annotator(
    path: Path, video_ids: Sequence[str], *, name: str, masks_are: MasksAre | None
) -> Other:
    """Opens the masks of another annotator, as `agree` reads them. Problems are in the notices.

    Args:
        video_ids: of the source.
        name: of the annotator.
    """
    annotated = read_annotated_videos(
        path, Reading(video_ids=set(video_ids), masks_are=masks_are), kind="annotator"
    )
    videos = {
        video_id: annotated.videos[video_id]
        for video_id in video_ids
        if video_id in annotated.videos
    }
    return Other(name, "annotator", videos, tuple(map(str, annotated.problems)), masks_are)


def _notices(name: str, found: Predictions, ours: set[str]) -> tuple[str, ...]:
    problems = [str(problem) for problem in found.problems]
    if strangers := sorted(found.videos.keys() - ours):
        problems.append(
            f"{name}: {len(strangers)} of its videos are not in the source, among them "
            f"{', '.join(strangers[:SOME])}."
        )
    if lacking := len(ours - found.videos.keys()):
        problems.append(f"{name}: {lacking} videos of the source are not in it.")
    return tuple(problems)


def _predictions_of(path: Path) -> Path:
    """The path of the predictions that belong to a report or to the folder of a run; otherwise the
    path itself.
    """
    if path.is_dir():
        if (path / "scores.json").is_file() and (path / "predictions").is_dir():  # of train
            return path / "predictions"
        if (path / "report.json").is_file() and (
            path / "predictions.parquet"
        ).is_file():  # of predict
            return path / "predictions.parquet"
        return path
    if path.suffix == ".json" and path.is_file():
        named = _named_predictions(path)
        if named is not None:
            there = next(
                (place for place in (Path(named), path.parent / named) if place.exists()), None
            )
            if there is None:
                raise ExploreError(
                    f"{path}: a report of {named}, which is not there; put those predictions "
                    "beside the report, or give them"
                )
            return there
    return path


def _named_predictions(path: Path) -> str | None:
    """The predictions that a report of `evaluate` has scored; None for any other file."""
    try:
        content: Any = parse_json(path.read_bytes())
    except (ValueError, OSError):
        return None
    if (
        isinstance(content, dict)
        and "conventions" in content
        and isinstance(content.get("predictions"), str)
    ):
        return str(content["predictions"])
    return None


def compared(shown: Shown, other: Other) -> Compared | None:
    """Compares the masks of another source with those of the source, for one video; None if the
    other source does not have the video.
    """
    predicted = other.videos.get(shown.listed.video_id)
    if predicted is None:
        return None
    truth = annotated_of(shown)
    if other.kind == "annotator":
        looked = set(predicted.frames)
        truth = replace(truth, frames=tuple(frame for frame in truth.frames if frame in looked))
    nothing = np.zeros(0)
    if not truth.frames:
        return Compared((), nothing, nothing, nothing.astype(np.bool_), {})
    task = Task(
        _One(truth),
        {truth.video_id: predicted},
        "empty",
        False,
        False,
        None,
        counts_from_0=other.counts_from_0,
        masks_are=other.masks_are,
    )
    scored = score_part(task)
    if scored.problems:
        problems = tuple(str(problem) for problem in scored.problems)
        return Compared((), nothing, nothing, nothing.astype(np.bool_), {}, problems=problems)
    counts: Counts = scored.videos[0].counts
    there = [frame for frame in predicted.frames if 0 <= frame < shown.num_frames]
    size = {"height": shown.height, "width": shown.width}
    read = read_on_stored(
        predicted, there, orientation=truth.orientation, masks_are=other.masks_are, **size
    )
    background = empty(**size)
    marked = {
        found.frame_index: found.counts
        for found in read
        if found.problem is None and found.counts != background
    }
    either = (counts.truth_px + counts.pred_px) > 0
    return Compared(
        tuple(counts.frames.tolist()), counts.j(), counts.f(), either, marked, *disputed(counts)
    )


def scored(found: Compared) -> Scored:
    """The comparison in four numbers."""
    if found.problems:
        return Scored(None, None, None, found.problems[0])
    jf = float(((found.j + found.f) / 2).mean()) if found.frames else None
    return Scored(jf, found.disagreement, found.worst)


def compared_json(found: Compared) -> dict[str, Any]:
    """The comparison in the form for the page."""
    return {
        "frames": list(found.frames),
        "j": found.j.round(4).tolist(),
        "f": found.f.round(4).tolist(),
        "either": [int(value) for value in found.either.tolist()],
        "masks": {"frame_index": list(found.counts), "counts": list(found.counts.values())},
        "problems": list(found.problems),
    }


def annotated_of(shown: Shown) -> AnnotatedVideo:
    """One video in the form for scoring."""
    by_object: dict[int, dict[int, str]] = {found.object_id: {} for found in shown.objects}
    for object_id, frame, string in zip(
        shown.object_ids, shown.frame_indices, shown.counts, strict=True
    ):
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
