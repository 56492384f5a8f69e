"""The results: of all videos, of each video, and the answers that cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....release import __version__
from ..intervals import Estimate
from .table import table
from .values import Unreadable

FORMAT_VERSION = 1

METRICS = {
    "accuracy": "of videos: share of right answers to whether anything is broken; Wilson's interval",
    "yes_broken": "share of broken videos that are called broken; Wilson's interval",
    "yes_normal": "share of normal videos that are called broken, the false alarms; Wilson's interval",
    "auroc": "how often a broken video has a higher score than a normal one, a tie counted half; of Yes and No alone where no "
    "scores are given; n is the number of the rarer kind",
    "stretch_accuracy": "the same question about a part of a video: share of right answers, by video",
    "temporal_iou": "of broken videos: frames that truth and answer both mark / frames that one of them marks",
    "false_spans": "share of normal videos with any span; Wilson's interval",
    "jf": "J&F of the boxes as filled masks against the masks of the truth, of broken videos, every frame that was asked about",
    "j": "its J",
    "f": "its F",
    "active_jf": "the same in frames in which something is marked",
    "box_iou": "in these frames: overlap of answered and true boxes, paired greedily, over the larger number of boxes",
    "normal_jf": "J&F of normal videos: 1 for a frame without a box",
    "false_boxes": "of normal videos: share of frames with a box",
    "exact_types": "share of videos of which exactly the right types are named; Wilson's interval",
}
"""The meaning of every number; part of every output."""

FLOORS = {
    "always-yes": "Yes to everything",
    "whole-video": "one span from the first frame to the last",
    "whole-frame-box": "a box around every frame",
    "centre-box": "a box around the middle half of height and width of every frame",
    "commonest-type": "the type that most videos of this truth have",
    "exact-boxes": "no floor: the tight box of every object, which is what boxes can say of these masks",
}


@dataclass(frozen=True, slots=True)
class AnsweredVideo:
    """The scores of one video by name; a question that was not asked has none."""

    video_id: str
    split: str | None
    generator: str
    artifact_types: tuple[str, ...]
    broken: bool
    scores: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        known = {name: None if value != value else value for name, value in self.scores.items()}
        return {
            "video_id": self.video_id,
            "split": self.split,
            "generator": self.generator,
            "artifact_types": list(self.artifact_types),
            "label": "broken" if self.broken else "normal",
            **known,
        }


@dataclass(frozen=True, slots=True)
class AnswersEvaluation:
    """The results of an evaluation of answers.

    num_answers: lines of the file that were scored, the unreadable ones among them.
    scores: by name of METRICS, of those that were asked.
    floors: the same by name of FLOORS, then of METRICS.
    confusion: how often each said type stands beside each true one; see `score.confusions`.
    has_scores: whether AUROC is of scores, and not of Yes and No.
    """

    truth: str
    answers: str
    options: Mapping[str, Any]
    num_answers: int
    scores: Mapping[str, Estimate]
    floors: Mapping[str, Mapping[str, Estimate]]
    confusion: Mapping[str, Mapping[str, int]]
    has_scores: bool
    unreadable: tuple[Unreadable, ...]
    videos: tuple[AnsweredVideo, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values for JSON; numbers that nobody can give are None."""
        return {
            "format_version": FORMAT_VERSION,
            "brokenvideos": __version__,
            "truth": self.truth,
            "answers": self.answers,
            "options": dict(self.options),
            "conventions": METRICS,
            "num_answers": self.num_answers,
            "scores": {name: found.to_dict() for name, found in self.scores.items()},
            "auroc_of": "scores" if self.has_scores else "yes and no",
            "floors": {
                floor: {"what": FLOORS[floor], **{name: found.to_dict() for name, found in scores.items()}}
                for floor, scores in self.floors.items()
            },
            "confusion": {true: dict(row) for true, row in self.confusion.items()},
            "unreadable": [found.to_dict() for found in self.unreadable],
            "videos": [video.to_dict() for video in self.videos],
        }

    def table(self) -> str:
        """The headline as Markdown: a table for each question, answers first, then the floors; then what cannot be read."""
        return table(
            self.answers,
            self.scores,
            floors=self.floors,
            confusion=self.confusion,
            unreadable=self.unreadable,
            num_answers=self.num_answers,
        )
