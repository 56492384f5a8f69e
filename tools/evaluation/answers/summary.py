"""The records of an evaluation of answers: scores of all videos and of each video, and unreadable
answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....release import __version__
from ..intervals import Estimate
from .table import table
from .values import Unreadable

FORMAT_VERSION = 1

METRICS = {
    "accuracy": "share of videos with the right answer to whether anything is broken; Wilson's "
    "interval",
    "yes_broken": "share of broken videos that are called broken; Wilson's interval",
    "yes_normal": "share of normal videos that are called broken, the false alarms; Wilson's "
    "interval",
    "auroc": "share of (broken, normal) pairs in which the broken video has the higher score, a "
    "tie counted half; from Yes and No if no scores are given; n is the number of videos of the "
    "rarer kind",
    "stretch_accuracy": "the same question about a part of a video: share of right answers per "
    "video",
    "temporal_iou": "of broken videos: frames that truth and answer both mark / frames that at "
    "least one of them marks",
    "false_spans": "share of normal videos with at least one span in the answer; Wilson's interval",
    "jf": "of broken videos: J&F of the filled boxes against the masks of the truth, over every "
    "frame that was asked about",
    "j": "J of jf",
    "f": "F of jf",
    "active_jf": "J&F in frames in which the truth marks something",
    "box_iou": "in these frames: IoU of answered and true boxes, paired greedily; sum of the pairs "
    "/ larger number of boxes",
    "normal_jf": "of normal videos: J&F, which is 1 for a frame without a box",
    "false_boxes": "of normal videos: share of frames with a box",
    "exact_types": "share of videos with exactly the right types in the answer; Wilson's interval",
}
"""The meaning of every number; part of every output."""

FLOORS = {
    "always-yes": "Yes to everything",
    "whole-video": "one span from the first frame to the last",
    "whole-frame-box": "a box around every frame",
    "centre-box": "a box around the middle half of height and width of every frame",
    "commonest-type": "the type that most videos of this truth have",
    "exact-boxes": "not a floor: the tight box of every object, the best that boxes can reach for "
    "these masks",
}


@dataclass(frozen=True, slots=True)
class AnsweredVideo:
    """The scores of one video by name; a question that was not asked has no score."""

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

    Attributes:
        num_answers: number of lines that were scored, including unreadable answers.
        scores: by name in METRICS, for questions that were asked.
        floors: by name in FLOORS, then by name in METRICS.
        confusion: for each true type, the number of pairs with each answered type; see
            `score.confusions`.
        has_scores: True if AUROC uses scores, False if it uses Yes and No.
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
        """The whole result as plain values for JSON; a number that is not defined is None."""
        return {
            "format_version": FORMAT_VERSION,
            "brokenvideos": __version__,
            "truth": self.truth,
            "answers": self.answers,
            "options": dict(self.options),
            "conventions": METRICS,
            "num_answers": self.num_answers,
            "scores": {name: score.to_dict() for name, score in self.scores.items()},
            "auroc_of": "scores" if self.has_scores else "yes and no",
            "floors": {
                floor: {
                    "what": FLOORS[floor],
                    **{name: score.to_dict() for name, score in scores.items()},
                }
                for floor, scores in self.floors.items()
            },
            "confusion": {true: dict(row) for true, row in self.confusion.items()},
            "unreadable": [answer.to_dict() for answer in self.unreadable],
            "videos": [video.to_dict() for video in self.videos],
        }

    def table(self) -> str:
        """The main scores as Markdown: a table for each question, then the unreadable answers."""
        return table(
            self.answers,
            self.scores,
            floors=self.floors,
            confusion=self.confusion,
            unreadable=self.unreadable,
            num_answers=self.num_answers,
        )
