"""Whether the score of a frame is the probability that it is broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...masks import BoolArray, Float64Array
from ..evaluation import ScoredVideo
from .predictor import VideoPrediction

BINS = 10


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Frames with scores from `low` on and below `high`, the last bin with `high` itself: how many,
    their mean score, and the share of them that is broken; both None where there are none.
    """

    low: float
    high: float
    n: int
    mean_score: float | None
    share_broken: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration curve, and the expected calibration error; None without a frame."""

    bins: tuple[ScoreBin, ...]
    error: float | None

    def table(self) -> str:
        """The bins that have frames, in a Markdown table."""
        lines = ["| score | frames | mean score | broken |", "|---|---|---|---|"]
        for found in self.bins:
            if found.mean_score is not None and found.share_broken is not None:
                cells = [f"{found.low:.1f} to {found.high:.1f}", f"{found.n:,}"]
                lines.append(
                    f"| {' | '.join([*cells, f'{found.mean_score:.3f}', f'{found.share_broken:.3f}'])} |"
                )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        bins = [
            {
                "low": b.low,
                "high": b.high,
                "n": b.n,
                "mean_score": b.mean_score,
                "share_broken": b.share_broken,
            }
            for b in self.bins
        ]
        return {"bins": bins, "expected_calibration_error": self.error}


def calibration(scores: Float64Array, broken: BoolArray) -> Calibration:
    """The curve of scores float64[N] in [0, 1] of frames that are broken or not, bool[N].

    The error is the mean over frames of the gap between mean score and broken share of their bin.

    Source: Naeini et al., AAAI 2015; Guo et al., ICML 2017 (ten bins of one width).
    """
    at = np.clip((scores * BINS).astype(np.int64), 0, BINS - 1)
    bins = []
    gaps = 0.0
    for number in range(BINS):
        inside = at == number
        n = int(inside.sum())
        mean, share = (
            (float(scores[inside].mean()), float(broken[inside].mean())) if n else (None, None)
        )
        bins.append(ScoreBin(number / BINS, (number + 1) / BINS, n, mean, share))
        gaps += n * abs(mean - share) if mean is not None and share is not None else 0.0
    return Calibration(tuple(bins), gaps / len(scores) if len(scores) else None)


def calibration_of(
    videos: Sequence[ScoredVideo], predictions: Mapping[str, VideoPrediction]
) -> Calibration:
    """The calibration over the annotated frames of these videos."""
    scores = [predictions[video.video_id].scores[video.counts.frames] for video in videos]
    broken = [video.counts.truth_px > 0 for video in videos]
    return calibration(
        np.concatenate([np.zeros(0), *scores]), np.concatenate([np.zeros(0, np.bool_), *broken])
    )
