"""Makes the conversations of a row."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...masks import ARTIFACT_TYPES, bbox
from .boxes import BoxUnit, box_in_unit
from .frames import chosen_frames, frame_times_s, spans_of, stretches_of
from .questions import Question, of_frames, of_video, question_text

Media = Literal["frames", "video"]
"""What a model gets: "frames" is chosen frames as pictures; "video" is the whole video, from which
the model's processor takes frames.
"""

NO_TYPE = "artifact"
"""The label of a box whose type is not given."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """The settings for making conversations.

    Attributes:
        media: what a model gets: "frames" or "video".
        num_frames: the number of frames that are shown. For "video", the number of frames for which
            boxes are asked. At least 1.
        unit: the unit of boxes.
        seed: only the seed and the video_id decide which frames and parts are chosen.
    """

    media: Media = "video"
    num_frames: int = 8
    unit: BoxUnit = "1000"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_frames < 1 or self.seed < 0:
            raise ValueError(
                f"num_frames {self.num_frames}, seed {self.seed}: wanted at least 1 frame and a "
                "seed of at least 0"
            )


@dataclass(frozen=True, slots=True)
class Conversation:
    """A question about a video or a part of it, and the answer.

    Attributes:
        first_frame, last_frame: the first and last frame of the part.
        frames: the frames that are shown, or for which boxes are asked; None: the whole part.
        box_unit: the unit of boxes; None if the question does not ask for boxes.
        is_whole: True if the part is the whole video.
    """

    video_id: str
    split: str
    question: Question
    first_frame: int
    last_frame: int
    frames: tuple[int, ...] | None
    box_unit: BoxUnit | None
    is_whole: bool
    text: str
    answer: str

    @property
    def name(self) -> str:
        """A name that is unique in a release: the video_id, the question, and the part."""
        part = "" if self.is_whole else f"-{self.first_frame:05d}-{self.last_frame:05d}"
        return f"{self.video_id}-{self.question}{part}"


@dataclass(frozen=True, slots=True)
class _Facts:
    """The facts about one video from which its answers are made."""

    row: Mapping[str, Any]
    times_s: Sequence[float]
    boxes: Mapping[int, Sequence[tuple[list[int], str]]]
    """For each frame, the (edges in pixels, label) of every object, ordered by object id."""

    def end_s(self, frame: int) -> float:
        """The time in seconds at which the next frame starts; for the last frame, when it ends."""
        last = len(self.times_s) - 1
        return self.times_s[frame + 1] if frame < last else self.times_s[last] + 1 / self.row["fps"]


def conversations(row: Mapping[str, Any], split: str, options: ChatOptions) -> list[Conversation]:
    """The conversations of a row; empty if it has no annotated frame.

    The questions are: is anything broken, when, where, of which type; and is anything broken in one
    part of the video. The type is not asked if an object has no type. Boxes are on the frame as it
    is stored. The result depends only on the row, the split and the options.

    Args:
        row: a row, as `release.read_parquet` returns it; its video is not read.
    """
    annotated = list(row["annotated_frames"])
    if not annotated:
        return []
    facts = _Facts(row, frame_times_s(row), _boxes(row))
    stream = _stream(row["video_id"], options.seed)
    frames = chosen_frames(annotated, options.num_frames, stream=stream, marked=facts.boxes)
    whole_video = (0, row["num_frames"] - 1)
    questions: list[Question] = ["broken", "when", "where"]
    if None not in row["objects"]["artifact_type"]:
        questions.append("type")
    result = [
        _conversation(facts, split, question, whole_video, frames, options)
        for question in questions
    ]
    for stretch in stretches_of(annotated, facts.boxes, stream=stream):
        if len(stretch) < len(annotated):
            part_frames = chosen_frames(stretch, options.num_frames, stream=stream, marked=())
            result.append(
                _conversation(
                    facts, split, "broken", (stretch[0], stretch[-1]), part_frames, options
                )
            )
    return result


def _stream(video_id: str, seed: int) -> np.random.Generator:
    entropy = int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:8], "little")
    return np.random.default_rng([seed, entropy])


def _boxes(row: Mapping[str, Any]) -> dict[int, list[tuple[list[int], str]]]:
    kinds = dict(zip(row["objects"]["object_id"], row["objects"]["artifact_type"], strict=True))
    masks = row["masks"]
    by_frame: dict[int, list[tuple[list[int], str]]] = {}
    boxes = bbox(masks["counts"], height=row["height"], width=row["width"]).tolist()
    for object_id, frame, (x, y, width, height) in sorted(
        zip(masks["object_id"], masks["frame_index"], boxes, strict=True)
    ):
        kind = kinds[object_id]
        label = NO_TYPE if kind is None else ARTIFACT_TYPES[kind]
        by_frame.setdefault(frame, []).append(([x, y, x + width, y + height], label))
    return by_frame


def _conversation(
    facts: _Facts,
    split: str,
    question: Question,
    part: tuple[int, int],
    shown: tuple[int, ...],
    options: ChatOptions,
) -> Conversation:
    row = facts.row
    is_whole = part == (0, row["num_frames"] - 1)
    if options.media == "frames":
        introduction = of_frames(shown, [facts.times_s[frame] for frame in shown])
        place = "these frames" if len(shown) > 1 else "this frame"
    else:
        stretch = None if is_whole else (*part, facts.times_s[part[0]], facts.end_s(part[1]))
        introduction = of_video(row["num_frames"], row["fps"], stretch)
        place = "the video" if is_whole else "these frames"
    size = {"height": row["height"], "width": row["width"]}
    return Conversation(
        video_id=row["video_id"],
        split=split,
        question=question,
        first_frame=part[0],
        last_frame=part[1],
        frames=shown if options.media == "frames" or question == "where" else None,
        box_unit=options.unit if question == "where" else None,
        is_whole=is_whole,
        text=f"{introduction} "
        f"{question_text(question, place=place, frames=shown, unit=options.unit, **size)}",
        answer=_answer(facts, question, part, shown, options),
    )


def _answer(
    facts: _Facts,
    question: Question,
    part: tuple[int, int],
    shown: Sequence[int],
    options: ChatOptions,
) -> str:
    row = facts.row
    if question == "broken":
        return "Yes" if any(part[0] <= frame <= part[1] for frame in facts.boxes) else "No"
    if question == "type":
        kinds = set(row["objects"]["artifact_type"])
        return json.dumps([name for number, name in enumerate(ARTIFACT_TYPES) if number in kinds])
    if question == "when":
        frames = shown if options.media == "frames" else row["annotated_frames"]
        return json.dumps(
            [
                {
                    "first_frame": span.first,
                    "last_frame": span.last,
                    "start_s": round(facts.times_s[span.first], 2),
                    "end_s": round(facts.end_s(span.last), 2),
                }
                for span in spans_of(frames, facts.boxes)
            ]
        )
    size = {"height": row["height"], "width": row["width"]}
    return json.dumps(
        [
            {"frame": frame, "bbox_2d": box_in_unit(box, options.unit, **size), "label": label}
            for frame in shown
            for box, label in facts.boxes.get(frame, ())
        ]
    )
