"""How often a model is right when it marks something, and how much it finds: by video and by second
of video.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...card import wilson_interval
from ...masks import Float64Array
from ..evaluation import Estimate, ScoredVideo, estimate
from ..stats import Wanted, listed_videos


@dataclass(frozen=True, slots=True)
class Detection:
    """Precision and recall. A video is flagged if anything is marked in one of its annotated
    frames.

    n of an estimate is the number of videos that decide it: flagged ones, broken ones, those with a
    marked second, and those with a broken one. share_broken: of all videos, on which precision
    depends; None without a video.
    """

    video_precision: Estimate
    video_recall: Estimate
    second_precision: Estimate
    second_recall: Estimate
    share_broken: float | None

    def text(self) -> str:
        """ "by video: recall 0.800 [0.490, 0.943] (n = 10), precision …; by second: recall …", as
        `predict` shows it.
        """
        return (
            f"by video: recall {_shown(self.video_recall)}, precision "
            f"{_shown(self.video_precision)}"
            + ("" if self.share_broken is None else f" where {self.share_broken:.0%} are broken")
            + f"; by second: recall {_shown(self.second_recall)}, precision "
            f"{_shown(self.second_precision)}"
        )

    def table(self) -> str:
        """The four numbers in a Markdown table."""
        rows = [
            ("video", self.video_precision, self.video_recall),
            ("second of video", self.second_precision, self.second_recall),
        ]
        lines = ["| of each | precision | n | recall | n |", "|---|---|---|---|---|"]
        for name, precision, recall in rows:
            cells = [
                cell for found in (precision, recall) for cell in (_value(found), str(found.n))
            ]
            lines.append(f"| {' | '.join([name, *cells])} |")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        names = ("video_precision", "video_recall", "second_precision", "second_recall")
        return {name: getattr(self, name).to_dict() for name in names} | {
            "share_broken": self.share_broken
        }


def detection_of(videos: Sequence[ScoredVideo], seconds_of_frame: Mapping[str, float]) -> Detection:
    """The precision and recall in these videos.

    A share of videos has Wilson's interval. Seconds of one video are alike, so their share is a
    ratio of two sums over videos, and its interval is that of the mean of its linearised values.

    Args:
        seconds_of_frame: for how long a frame of each video is shown, by video_id.

    Source: Cochran, Sampling Techniques, 1977, section 6.3 (ratio estimates).
    """
    flagged = np.array([bool((video.counts.pred_px > 0).any()) for video in videos], np.bool_)
    broken = np.array([video.broken for video in videos], np.bool_)
    right, marked, due = (np.zeros(len(videos)) for _ in range(3))
    for number, video in enumerate(videos):
        second = seconds_of_frame[video.video_id]
        is_marked, is_due = video.counts.pred_px > 0, video.counts.truth_px > 0
        right[number], marked[number], due[number] = (
            second * float(frames.sum()) for frames in (is_marked & is_due, is_marked, is_due)
        )
    both = int((flagged & broken).sum())
    return Detection(
        _share(both, int(flagged.sum())),
        _share(both, int(broken.sum())),
        _ratio(right, marked),
        _ratio(right, due),
        float(broken.mean()) if len(broken) else None,
    )


def seconds_of_frame(release: Path, *, split: str) -> dict[str, float]:
    """For how long a frame is shown on average, by video_id."""
    videos = listed_videos(str(release), Wanted(split=split))
    return {video.video_id: video.seconds / max(video.num_frames, 1) for video in videos}


def _share(count: int, total: int) -> Estimate:
    low, high = wilson_interval(count, total) or (None, None)
    return Estimate(count / total if total else None, low, high, total)


def _ratio(part: Float64Array, whole: Float64Array) -> Estimate:
    """Sum of `part` over the sum of `whole`, of the videos in which `whole` is not 0."""
    there = whole > 0
    part, whole = part[there], whole[there]
    if not len(whole):
        return Estimate(None, None, None, 0)
    ratio = float(part.sum() / whole.sum())
    return estimate(ratio + (part - ratio * whole) / whole.mean())


def _value(found: Estimate) -> str:
    return "-" if found.value is None else f"{found.value:.3f} {found.interval()}".rstrip()


def _shown(found: Estimate) -> str:
    return f"{_value(found)} (n = {found.n})"
