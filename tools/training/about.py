"""What a model card has to say besides scores: what the model was trained on, and how often it
cries wolf.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation import ScoredVideo
from ..stats import ListedVideo, Wanted, listed_videos
from .promise import at_most_per_unit
from .rows import held_out


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The videos of the split train without those that were held out: how many, for how long, by
    which generators.
    """

    num_broken: int
    num_normal: int
    hours: float
    generators: Mapping[str, int]
    """Videos by name."""
    artifact_types: Mapping[str, int]
    """Broken videos by name; one with two types counts in both."""

    def text(self) -> str:
        """ "9 videos (6 broken, 3 normal), 0.00 h. By generator: a 5, b 4. By artifact type: blur
        2, motion 4."
        """
        total = self.num_broken + self.num_normal
        return (
            f"{total:,} videos ({self.num_broken:,} broken, {self.num_normal:,} normal), "
            f"{self.hours:.2f} h. By generator: {_counted(self.generators)}. By artifact type: "
            f"{_counted(self.artifact_types)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "num_broken": self.num_broken,
            "num_normal": self.num_normal,
            "hours": round(self.hours, 4),
            "generators": dict(self.generators),
            "artifact_types": dict(self.artifact_types),
        }


def trained_on(release: Path, *, holdout: str | None) -> TrainedOn:
    """What the split train of a release holds; no video is read.

    Args:
        holdout: as `TrainOptions` has it: what was left out.
    """
    videos = [
        video
        for video in listed_videos(str(release), Wanted(split="train"))
        if holdout is None
        or not held_out(holdout, artifact_types=video.artifact_types, generator=video.generator)
    ]
    num_broken = sum(video.label == "broken" for video in videos)
    return TrainedOn(
        num_broken,
        len(videos) - num_broken,
        _hours(videos),
        Counter(video.generator for video in videos),
        Counter(name for video in videos for name in video.artifact_types),
    )


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Alarms of a model in normal videos: stretches of frames, one after another, in which it marks
    something.
    """

    alarms: int
    hours: float

    def text(self) -> str:
        """ "3 false alarms in 0.02 h of normal video: 150 per hour, at most 388 (95 %
        confidence)"
        """
        if not self.hours:
            return "no normal video was there to count false alarms in"
        alarms = (
            f"{self.alarms} false alarms in {self.hours:.4f} h of normal video: "
            f"{self.alarms / self.hours:,.0f} per hour, at most "
            f"{at_most_per_unit(self.alarms, self.hours):,.0f} (95 % confidence)"
        )
        return alarms.replace("1 false alarms", "1 false alarm", 1) if self.alarms == 1 else alarms

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a rate that nobody can give is None."""
        rates = (
            (self.alarms / self.hours, at_most_per_unit(self.alarms, self.hours))
            if self.hours
            else (None, None)
        )
        return {
            "alarms": self.alarms,
            "hours": self.hours,
            "per_hour": rates[0],
            "per_hour_at_most": rates[1],
        }


def false_alarms_of(videos: Sequence[ScoredVideo], release: Path, *, split: str) -> FalseAlarms:
    """The alarms in the normal videos among these, which are of this split."""
    length_of = {
        video.video_id: video for video in listed_videos(str(release), Wanted(split=split))
    }
    normal = [video for video in videos if not video.broken]
    alarms = sum(_stretches(video.counts.pred_px > 0) for video in normal)
    return FalseAlarms(alarms, _hours([length_of[video.video_id] for video in normal]))


def _stretches(marked: "np.ndarray[Any, np.dtype[np.bool_]]") -> int:
    return int((marked & ~np.concatenate([[False], marked[:-1]])).sum()) if len(marked) else 0


def _hours(videos: Sequence[ListedVideo]) -> float:
    return sum(video.seconds for video in videos) / 3600


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
