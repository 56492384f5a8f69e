"""A prediction as a report: the share of broken videos, the gate, what could not be read, and each
video's area over time.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...masks import Float64Array
from ...release import __version__
from ..evaluation import UNRELIABLE
from ..page import (
    Column,
    EveryVideo,
    Facts,
    Figure,
    Figures,
    Metric,
    Part,
    Report as PageReport,
    Section,
    Spark,
    Table,
    Text,
)
from .verdict import OVERLAYS, REPORT_HTML, Report, VideoReport

CHART_COLUMNS = 60
"""Longer videos are drawn with the largest area of several frames in one column."""


def prediction_report(report: Report, *, overlays: bool = False) -> PageReport:
    """The report; equal for equal predictions. Its page is given the predicted masks as the source,
    and no other.

    Args:
        overlays: whether there are films to link to.
    """
    name = Path(report.model).name or report.model
    top = max((float(video.areas.max(initial=0)) for video in report.videos), default=0.0)
    note = (
        "A video opens at the frame of which most is marked. The last column is the marked share "
        f"of every frame, up to {top:.1%} for all videos; the line below marks broken frames."
    )
    films = "../" * len(Path(REPORT_HTML).parent.parts) + OVERLAYS
    return PageReport(
        title=f"{name}: {report.num_flagged} of {len(report.videos)} broken",
        sections=(
            Section("", _head(report)),
            *_unreadable(report),
            *_far(report),
            Section("Every video", (EveryVideo(note),)),
        ),
        videos=tuple(video.video_id for video in report.videos),
        metrics=_metrics(report.videos),
        sort="area",
        worst=tuple(video.video_id for video in sorted(report.videos, key=_worst_first)),
        sparks={video.video_id: spark(video, top=top) for video in report.videos},
        spark_title="area over time",
        links={
            video.video_id: ("film", f"{films}/{video.video_id}.mp4")
            for video in report.videos
            if overlays
        },
    )


def _worst_first(video: VideoReport) -> tuple[bool, float, str]:
    return not video.flagged, -float(video.areas.max(initial=0)), video.video_id


def _head(report: Report) -> tuple[Part, ...]:
    flag, share = report.flag, report.share
    facts = (
        ("Model", report.model),
        ("Videos", f"{len(report.videos):,}"),
        ("Frames", f"{sum(len(video.areas) for video in report.videos):,}"),
        (
            "Flagged broken",
            f"{report.num_flagged:,} ({report.share_flagged or 0:.1%}) {share.interval()}",
        ),
        ("Unreadable", f"{len(report.unreadable):,}"),
        ("Predicted by", f"brokenvideos {__version__}"),
    )
    score = f" and its score is at least {flag.min_score:g}" if flag.min_score else ""
    about = (
        f"A frame is broken where at least {flag.min_area:.2%} of it is marked{score}; a video "
        f"with at least {flag.min_frames} broken frames is flagged. This is what the model says, "
        "not what people would: score the model with brokenvideos evaluate first."
    )
    warnings = tuple(Text(line, "warning") for line in (report.gate_line(), report.warning) if line)
    promise = tuple(Text(line, "note") for line in report.promise)
    return (Facts(facts), *warnings, Text(about, "note"), *promise, *_share(report))


def _share(report: Report) -> tuple[Part, ...]:
    share = report.share
    if share.value is None:
        return ()
    interval = (
        ""
        if share.low is None
        else f"95 % {share.low:.3f} to {share.high:.3f}{'' if share.reliable else UNRELIABLE}"
    )
    gate = {} if report.max_broken is None else {"gate": report.max_broken}
    note = "The bar is its 95 % interval (Wilson)" + (
        ", the mark below what the gate lets through." if gate else "."
    )
    figure = Figure(
        "Share of videos flagged broken",
        note,
        share.value,
        share.n,
        share.low,
        share.high,
        interval,
        gate,
    )
    return (Figures((figure,)),)


def _unreadable(report: Report) -> tuple[Section, ...]:
    if not report.unreadable:
        return ()
    columns = (Column("where", "text"), Column("what is wrong", "text"))
    rows = tuple((where, what.removeprefix(f"{where}: ")) for where, what in report.unreadable)
    return (Section("Could not be read", (Table(columns, rows),)),)


def _far(report: Report) -> tuple[Section, ...]:
    """The videos for which the model says least, as it has seen none like them."""
    rows = tuple((video.video_id, "; ".join(video.far)) for video in report.videos if video.far)
    if not rows:
        return ()
    table = Table((Column("video", "text"), Column("what is unlike the training", "text")), rows)
    return (Section("Unlike what the model has seen", (table,)),)


def _metrics(videos: Sequence[VideoReport]) -> tuple[Metric, ...]:
    return (
        Metric(
            "broken_frames",
            "broken frames",
            tuple(int(video.broken_frames.sum()) for video in videos),
            form="count",
            descending=True,
        ),
        Metric(
            "max_area",
            "largest area",
            tuple(float(video.areas.max(initial=0)) for video in videos),
            form="share",
            descending=True,
        ),
        Metric(
            "max_score",
            "largest score",
            tuple(float(video.scores.max(initial=0)) for video in videos),
            descending=True,
        ),
    )


def spark(video: VideoReport, *, top: float) -> Spark:
    """The marked share of every frame; `top` is the share that fills its height."""
    areas, broken = _columns(video.areas), _columns(video.broken_frames.astype(np.float64))
    heights = (100 * areas / top).round().astype(int) if top else np.zeros(len(areas), int)
    return Spark(tuple(heights.tolist()), tuple(np.flatnonzero(broken).tolist()))


def _columns(values: Float64Array) -> Float64Array:
    """The largest value of each group of frames; at most CHART_COLUMNS groups."""
    if len(values) <= CHART_COLUMNS:
        return values
    starts = np.arange(CHART_COLUMNS) * len(values) // CHART_COLUMNS
    columns: Float64Array = np.maximum.reduceat(values, starts)
    return columns
