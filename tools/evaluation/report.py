"""An evaluation as a report: headline with floors, comparison, plots, breakdown, and every metric
of each video.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...release import __version__
from ..page import (
    Bars,
    Cell,
    Column,
    Definitions,
    EveryVideo,
    Facts,
    Figure,
    Figures,
    Metric,
    Part,
    Ranged,
    Report,
    Scatter,
    Scored,
    Section,
    Table,
    Text,
    histogram,
)
from .evaluation import Evaluation
from .intervals import UNRELIABLE, Difference, Estimate
from .scores import CONVENTIONS
from .summary import Cell as Group, Scores, VideoScores
from .table import UNRELIABLE_NOTE

# One word per column; what it means is in CONVENTIONS.
BROKEN_COLUMNS = {
    "jf": "J&F",
    "j": "J",
    "f": "F",
    "active_jf": "active J&F",
    "strict_jf": "strict J&F",
    "j_recall": "J recall",
    "j_decay": "J decay",
    "temporal_iou": "time IoU",
}
NORMAL_COLUMNS = {
    "jf": "J&F",
    "strict_jf": "strict J&F",
    "false_frames": "false frames",
    "false_videos": "false videos",
    "false_area": "false area",
}
SIDES = {"broken": BROKEN_COLUMNS, "normal": NORMAL_COLUMNS}
BREAKDOWN_COLUMNS = {
    "jf": "J&F",
    "active_jf": "active J&F",
    "strict_jf": "strict J&F",
    "temporal_iou": "time IoU",
    "normal_jf": "normal J&F",
    "normal_false_frames": "false frames",
}
VIDEO_COLUMNS = {
    "jf": "J&F",
    "j": "J",
    "f": "F",
    "active_jf": "active J&F",
    "strict_jf": "strict J&F",
    "temporal_iou": "time IoU",
    "pixel_precision": "precision",
    "pixel_recall": "recall",
    "false_frames": "false frames",
    "false_area": "false area",
}
HEADLINE = (
    (
        "broken",
        "active_jf",
        "J&F where something is broken",
        "Broken videos, frames with an artifact. The number to improve.",
    ),
    (
        "broken",
        "jf",
        "J&F, broken videos",
        "Every annotated frame; an empty frame that stays empty scores 1.",
    ),
    (
        "normal",
        "jf",
        "J&F, normal videos",
        "1 for every frame left alone, 0 for a false alarm; a full frame gets 0.5.",
    ),
    (
        "normal",
        "false_frames",
        "False alarms",
        "Frames of normal videos in which anything is marked. Lower is better.",
    ),
)


def evaluation_report(evaluation: Evaluation) -> Report:
    """The report; equal for equal evaluations. Its page is given the truth, and the predictions as
    the only other source.
    """
    name = Path(evaluation.predictions).name or evaluation.predictions
    videos = evaluation.videos
    sections = (
        Section("", _head(evaluation)),
        Section("Headline", _headline(evaluation)),
        Section("Against the floors", _with_floors(evaluation, name)),
        *_comparison(evaluation),
        *_plots(evaluation),
        Section("Breakdown", _breakdown(evaluation.breakdown)),
        Section("Every video", (EveryVideo("A video opens at its worst frame."),)),
        Section("What the numbers mean", (Definitions(tuple(CONVENTIONS.items())),)),
    )
    return Report(
        title=f"{name} on {Path(evaluation.truth).name}",
        sections=sections,
        videos=tuple(video.video_id for video in videos),
        metrics=tuple(
            Metric(
                key,
                title,
                tuple(video.scores.get(key) for video in videos),
                form="share" if key == "false_area" else "number",
                descending=key.startswith("false"),
            )
            for key, title in VIDEO_COLUMNS.items()
        ),
        sort="active_jf",
        worst=_worst(videos),
        scores={
            video.video_id: [Scored(video.scores["jf"], video.disagreement, video.worst_frame)]
            for video in videos
        },
    )


def _worst(videos: Sequence[VideoScores]) -> tuple[str, ...]:
    """Broken videos by J&F in active frames, lowest first; every fourth is a normal one, the
    largest false area first.
    """
    broken = sorted((video.scores["active_jf"], video.video_id) for video in videos if video.broken)
    marked = [(-video.scores["false_area"], video.video_id) for video in videos if not video.broken]
    normal = [video_id for area, video_id in sorted(marked) if area < 0]
    found: list[str] = []
    for place, (_, video_id) in enumerate(broken, start=1):
        found.append(video_id)
        if place % 3 == 0 and normal:
            found.append(normal.pop(0))
    return (*found, *normal)


def _head(evaluation: Evaluation) -> tuple[Part, ...]:
    broken = sum(video.broken for video in evaluation.videos)
    frames = sum(video.num_frames for video in evaluation.videos)
    usual = (None, False, "davis", "error", "auto")
    options = {key: value for key, value in evaluation.options.items() if value not in usual}
    facts = Facts(
        (
            ("Truth", evaluation.truth),
            ("Predictions", evaluation.predictions),
            ("Videos", f"{broken} broken, {len(evaluation.videos) - broken} normal"),
            ("Frames scored", f"{frames:,}"),
            (
                "Options",
                ", ".join(f"{key}={_text(value)}" for key, value in options.items()) or "default",
            ),
            ("Scored by", f"brokenvideos {__version__}"),
        )
    )
    return (facts, Text(evaluation.objects.line())) if evaluation.objects else (facts,)


def _text(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _headline(evaluation: Evaluation) -> tuple[Part, ...]:
    figures = []
    for side, metric, title, note in HEADLINE:
        estimate = _side(evaluation.scores, side)[metric]
        if estimate.value is None:
            continue
        interval = (
            ""
            if estimate.low is None
            else f"95 % {estimate.low:.3f} to {estimate.high:.3f}{_mark(estimate)}"
        )
        floors = {
            name: value
            for name, scores in evaluation.floors.items()
            if (value := _side(scores, side)[metric].value) is not None
        }
        figures.append(
            Figure(
                title,
                note,
                estimate.value,
                estimate.n,
                estimate.low,
                estimate.high,
                interval,
                floors,
            )
        )
    of_all = (("video AUC", evaluation.scores.auc), ("pixel AP", evaluation.scores.pixel_ap))
    more = [f"{name} {value:.3f}" for name, value in of_all if value is not None]
    about = (
        "The dot is the prediction, the bar its 95 % interval over videos, the marks below are "
        f"floors: predictions that never looked at the video. {UNRELIABLE_NOTE}"
    )
    found_more = (Text(f"Broken against normal: {', '.join(more)}."),) if more else ()
    return (Text(about, "note"), Figures(tuple(figures)), *found_more)


def _side(scores: Scores, side: str) -> Mapping[str, Estimate]:
    return scores.broken if side == "broken" else scores.normal


def _with_floors(evaluation: Evaluation, name: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    for side, columns in SIDES.items():
        count = _side(evaluation.scores, side)["jf"].n
        if not count:
            parts.append(Text(f"No {side} video in the truth."))
            continue
        own = _side(evaluation.scores, side)
        rows: list[tuple[Cell, ...]] = [(name, *(_ranged(own[key]) for key in columns))]
        for floor, scores in evaluation.floors.items():
            rows.append((floor, *(_side(scores, side)[key].value for key in columns)))
        head = Column(f"{side.capitalize()} videos (n = {count})", "text")
        parts.append(Table((head, *map(Column, columns.values())), tuple(rows), own=0))
    return tuple(parts)


def _ranged(found: Estimate) -> Ranged:
    interval = "" if found.low is None else f"{found.low:.3f} to {found.high:.3f}{_mark(found)}"
    return Ranged(found.value, interval)


def _comparison(evaluation: Evaluation) -> tuple[Section, ...]:
    comparison = evaluation.comparison
    if comparison is None:
        return ()
    rows = [
        _difference_row(f"{side}: {label}", found[key])
        for (side, columns), found in zip(
            SIDES.items(), (comparison.broken, comparison.normal), strict=True
        )
        for key, label in columns.items()
        if found[key].value is not None
    ]
    columns = (
        Column("Metric", "text"),
        *(Column(title, "signed") for title in ("difference", "95 % from", "to")),
        Column("p"),
        Column("n", "count"),
    )
    note = (
        f"Mean difference over the same videos; p from sign flips. {UNRELIABLE_NOTE} "
        f"{comparison.name}"
    )
    return (
        Section(
            f"Minus {Path(comparison.name).name}", (Text(note, "note"), Table(columns, tuple(rows)))
        ),
    )


def _difference_row(label: str, found: Difference) -> tuple[Cell, ...]:
    mean = found.mean
    return (label, mean.value, mean.low, Ranged(mean.high, _mark(mean)), found.p, found.n)


def _mark(found: Estimate) -> str:
    return "" if found.reliable or found.low is None else UNRELIABLE


def _plots(evaluation: Evaluation) -> tuple[Section, ...]:
    broken = [video for video in evaluation.videos if video.broken]
    if not broken:
        return ()
    series = {
        "all annotated frames": [video.scores["jf"] for video in broken],
        "active frames": [video.scores["active_jf"] for video in broken],
    }
    points = [
        (video.video_id, video.scores["active_area"], video.scores["active_jf"]) for video in broken
    ]
    cells = evaluation.breakdown
    by_type = [
        (cell.artifact_type, cell.n, cell.scores["active_jf"])
        for cell in cells
        if cell.artifact_type not in (None, "normal")
        and cell.generator is None
        and cell.split is None
    ]
    by_generator = [
        (cell.generator, int(cell.scores["n_broken"] or 0), cell.scores["active_jf"])
        for cell in cells
        if cell.generator is not None
        and cell.artifact_type is None
        and cell.split is None
        and cell.scores["n_broken"]
    ]
    parts: tuple[Part, ...] = (
        histogram("J&F of a broken video", series),
        Scatter(
            "marked share of an active frame, mean of a video",
            "J&F in active frames",
            tuple(point for point in points if point[1] > 0 and not math.isnan(point[2])),
        ),
        Bars(
            "Active J&F by artifact type",
            tuple((str(name), n, value) for name, n, value in by_type),
        ),
        Bars(
            "Active J&F by generator",
            tuple((str(name), n, value) for name, n, value in by_generator),
        ),
    )
    return (Section("Broken videos", parts),)


def _breakdown(cells: Sequence[Group]) -> tuple[Part, ...]:
    columns = (
        *(Column(title, "text", choose=True) for title in ("type", "generator", "split")),
        Column("n", "count"),
        *(Column(title, bars=True) for title in BREAKDOWN_COLUMNS.values()),
    )
    rows = tuple(
        (
            *(name or "all" for name in (cell.artifact_type, cell.generator, cell.split)),
            cell.n,
            *(cell.scores[key] for key in BREAKDOWN_COLUMNS),
        )
        for cell in cells
    )
    note = 'Artifact type by generator by split; "all" is any. A video with two types is in both.'
    return (Text(note, "note"), Table(columns, rows, is_long=True))
