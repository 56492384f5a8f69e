"""What a prediction says of videos, in numbers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...card import wilson_interval
from ...masks import TYPE_NOT_GIVEN, BoolArray, Float64Array
from ...release import __version__
from ..evaluation import Estimate
from .flag import Flag

PREDICTIONS, REPORT_JSON, VIDEOS_CSV, OVERLAYS = (
    "predictions.parquet",
    "report.json",
    "videos.csv",
    "overlays",
)
"""What `predict` writes beside the page."""

REPORT_HTML = "report/index.html"
"""The page that `predict` writes, in its folder, which is a folder of its own."""

DECIMALS = 6

NAMED = 3
"""Videos that a line names, of those that are far from what a model has seen."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoReport:
    """What was found in one video.

    where: the file, or the shard. areas: float64[T], the marked share of each frame. scores:
    float64[T]. broken_frames: bool[T]. durations_s: float64[T], how long each frame is shown.
    artifact_types: that the model names; none where it tells no types apart. far: in what it is far
    from the model's training. rotation: how players turn the frames, as in a release's `codec`.
    """

    video_id: str
    where: str
    height: int
    width: int
    fps: float
    areas: Float64Array
    scores: Float64Array
    broken_frames: BoolArray
    flagged: bool
    durations_s: Float64Array
    artifact_types: tuple[str, ...] = ()
    far: tuple[str, ...] = ()
    rotation: int = 0

    @property
    def seconds_broken(self) -> float:
        """For how long broken frames are shown."""
        return float(self.durations_s[self.broken_frames].sum())

    @property
    def fraction_broken(self) -> float:
        """Broken frames among all; 0 without a frame."""
        return float(self.broken_frames.mean()) if len(self.broken_frames) else 0.0

    @property
    def worst_frame(self) -> int | None:
        """The first with the largest marked share; None where no frame has any."""
        return int(self.areas.argmax()) if self.areas.any() else None

    def summary(self) -> dict[str, Any]:
        """One line of a table about it."""
        return {
            "video_id": self.video_id,
            "where": self.where,
            "label": "broken" if self.flagged else "normal",
            "artifact_types": " ".join(
                self.artifact_types or ((TYPE_NOT_GIVEN,) if self.flagged else ())
            ),
            "fraction_broken": round(self.fraction_broken, DECIMALS),
            "worst_frame": self.worst_frame,
            "seconds_broken": round(self.seconds_broken, 3),
            "seconds": round(float(self.durations_s.sum()), 3),
            "num_frames": len(self.areas),
            "max_area": round(float(self.areas.max(initial=0)), DECIMALS),
            "max_score": round(float(self.scores.max(initial=0)), DECIMALS),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "video_id": self.video_id,
            "where": self.where,
            "height": self.height,
            "width": self.width,
            "fps": self.fps,
            "num_frames": len(self.areas),
            "flagged": self.flagged,
            "broken_frames": np.flatnonzero(self.broken_frames).tolist(),
            "fraction_broken": round(self.fraction_broken, DECIMALS),
            "worst_frame": self.worst_frame,
            "seconds_broken": round(self.seconds_broken, 3),
            "artifact_types": list(self.artifact_types),
            "far": list(self.far),
            "max_area": round(float(self.areas.max(initial=0)), DECIMALS),
            "max_score": round(float(self.scores.max(initial=0)), DECIMALS),
            "areas": self.areas.round(DECIMALS).tolist(),
            "scores": self.scores.round(DECIMALS).tolist(),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in all of them.

    unreadable: (where, what is wrong) of what looks like a video and could not be decoded.
    max_broken: the share of flagged videos that a gate lets through; None: there is no gate.
    warning: what the model cannot promise; None: nothing to say. promise: how far to trust it, a
    line each.
    """

    model: str
    flag: Flag
    videos: tuple[VideoReport, ...]
    unreadable: tuple[tuple[str, str], ...]
    max_broken: float | None = None
    warning: str | None = None
    promise: tuple[str, ...] = ()

    @property
    def num_flagged(self) -> int:
        """Videos that count as broken."""
        return sum(video.flagged for video in self.videos)

    @property
    def share_flagged(self) -> float | None:
        """The share among the videos that could be decoded; None without one."""
        return self.num_flagged / len(self.videos) if self.videos else None

    @property
    def share(self) -> Estimate:
        """The share of flagged videos among those that could be decoded, with its n and 95 %
        interval (Wilson).
        """
        low, high = wilson_interval(self.num_flagged, len(self.videos)) or (None, None)
        return Estimate(self.share_flagged, low, high, len(self.videos))

    @property
    def gate_closed(self) -> bool:
        """Whether a gate holds these videos back: more are flagged than it lets through, or none
        could be decoded.
        """
        if self.max_broken is None:
            return False
        return self.share_flagged is None or self.share_flagged > self.max_broken

    def summary(self) -> str:
        """ "3 of 40 videos flagged broken (7.5%, 95 % interval [0.026, 0.199]), 2 unreadable"."""
        interval = self.share.interval()
        share = (
            f" ({self.share_flagged:.1%}{f', 95 % interval {interval}' if interval else ''})"
            if self.videos
            else ""
        )
        return (
            f"{self.num_flagged} of {len(self.videos)} videos flagged broken{share}, "
            f"{len(self.unreadable)} unreadable"
        )

    def gate_line(self) -> str | None:
        """What the gate decides, on how many videos, and how sure that share is; None without
        one.
        """
        if self.max_broken is None:
            return None
        left_out = f", {len(self.unreadable)} unreadable ones left out" if self.unreadable else ""
        verdict = "closed" if self.gate_closed else "open"
        interval = f" (95 % interval {self.share.interval()})" if self.videos else ""
        counted = f"{self.num_flagged} of {len(self.videos)} videos flagged{interval}{left_out}"
        return f"gate max-broken={self.max_broken:g}: {verdict}; {counted}."

    def far_line(self) -> str | None:
        """Which videos are far from all that the model has seen; None where none is."""
        far = [video for video in self.videos if video.far]
        if not far:
            return None
        named = "; ".join(f"{video.video_id} ({', '.join(video.far)})" for video in far[:NAMED])
        more = f"; and {len(far) - NAMED} more" if len(far) > NAMED else ""
        return (
            f"{len(far)} of {len(self.videos)} videos are far from what the model was trained on, "
            f"where nothing is promised: {named}{more}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "model": self.model,
            "brokenvideos": __version__,
            "flag": asdict(self.flag),
            "num_videos": len(self.videos),
            "num_flagged": self.num_flagged,
            "share_flagged": self.share_flagged,
            "share": self.share.to_dict(),
            "max_broken": self.max_broken,
            "gate_closed": self.gate_closed,
            "gate": self.gate_line(),
            "warning": self.warning,
            "promise": list(self.promise),
            "far": self.far_line(),
            "unreadable": [{"where": where, "what": what} for where, what in self.unreadable],
            "videos": [video.to_dict() for video in self.videos],
        }
