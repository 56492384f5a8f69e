"""The records of an evaluation: scores of all videos, of a group, of one video, and a
comparison.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .intervals import Difference, Estimate


@dataclass(frozen=True, slots=True)
class Scores:
    """The metrics of broken and of normal videos with their intervals, and scores of all videos
    together.
    """

    broken: Mapping[str, Estimate]
    normal: Mapping[str, Estimate]
    micro: Mapping[str, float]
    """Pixel scores of all pixels of all broken videos together."""
    auc: float | None = None
    pixel_ap: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "broken": {name: score.to_dict() for name, score in self.broken.items()},
            "normal": {name: score.to_dict() for name, score in self.normal.items()},
            "broken_pixel_micro": dict(self.micro),
            "auc": self.auc,
            "pixel_ap": self.pixel_ap,
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """The mean scores of the videos with one artifact type, generator and split; None stands for
    any.

    The artifact type "normal" stands for the videos without an artifact.
    """

    artifact_type: str | None
    generator: str | None
    split: str | None
    n: int
    scores: Mapping[str, float | None]
    """Means over the cell's videos; a metric that its videos do not have is None."""

    def to_dict(self) -> dict[str, Any]:
        names = {
            "artifact_type": self.artifact_type,
            "generator": self.generator,
            "split": self.split,
            "n": self.n,
        }
        return names | dict(self.scores)


@dataclass(frozen=True, slots=True)
class VideoScores:
    """The metrics of one video; NaN if a metric is not defined."""

    video_id: str
    split: str | None
    generator: str
    artifact_types: tuple[str, ...]
    broken: bool
    num_frames: int
    scores: Mapping[str, float]
    disagreement: float | None = None
    worst_frame: int | None = None
    """As `scores.disputed` gives them."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "video_id": self.video_id,
            "split": self.split,
            "generator": self.generator,
            "artifact_types": list(self.artifact_types),
            "label": "broken" if self.broken else "normal",
            "frames": self.num_frames,
            **{name: _json_number(value) for name, value in self.scores.items()},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences of each metric, ours minus another prediction's, on the same videos."""

    name: str
    broken: Mapping[str, Difference]
    normal: Mapping[str, Difference]

    def to_dict(self) -> dict[str, Any]:
        return {
            "with": self.name,
            "broken": {name: score.to_dict() for name, score in self.broken.items()},
            "normal": {name: score.to_dict() for name, score in self.normal.items()},
        }


def _json_number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
