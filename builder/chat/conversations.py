"""One row -> its conversations."""

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
"""A model is shown chosen frames as pictures, or the video, from which its processor takes frames."""

NO_TYPE = "artifact"
"""The label of a box whose type nobody gave."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """The settings by which a release becomes conversations.

    media: what is shown.
    num_frames: how many frames are shown or, of a video, asked for boxes; at least 1.
    unit: of boxes.
    seed: which frames and stretches are chosen; with the video's id, nothing else.
    """

    media: Media = "video"
    num_frames: int = 8
    unit: BoxUnit = "1000"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_frames < 1 or self.seed < 0:
            raise ValueError(
                f"num_frames {self.num_frames}, seed {self.seed}: wanted at least 1 frame and a seed of at least 0"
            )


@dataclass(frozen=True, slots=True)
class Conversation:
    """A question about a video or a part of it, and the answer.

    first_frame, last_frame: the part that is meant; both are in it.
    frames: those that are shown, or asked for boxes; None: the whole part.
    box_unit: of the boxes, where they are asked.
    is_whole: whether the part is the whole video.
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
        """Unique in a release."""
        part = "" if self.is_whole else f"-{self.first_frame:05d}-{self.last_frame:05d}"
        return f"{self.video_id}-{self.question}{part}"


@dataclass(frozen=True, slots=True)
class _Facts:
    """The facts about one video from which its answers are made."""

    row: Mapping[str, Any]
    times_s: Sequence[float]
    boxes: Mapping[int, Sequence[tuple[list[int], str]]]
    """The edges in pixels and the label of every object, by frame and then in the order of object ids."""

    def end_s(self, frame: int) -> float:
        """The time in seconds at which a frame gives way to the next one."""
        last = len(self.times_s) - 1
        return self.times_s[frame + 1] if frame < last else self.times_s[last] + 1 / self.row["fps"]


def conversations(row: Mapping[str, Any], split: str, options: ChatOptions) -> list[Conversation]:
    """The conversations of a row: is anything broken, when, where, which type; and is anything in a stretch of it.

    The same for the same row and options, whatever else the release holds. Empty where nobody looked at a frame. The type is not
    asked where an object of the video has none. Boxes lie on the frame as it is stored.

    Args:
        row: as `release.read_parquet` gives it; its video is not read.
    """
    annotated = list(row["annotated_frames"])
    if not annotated:
        return []
    facts = _Facts(row, frame_times_s(row), _boxes(row))
    stream = _stream(row["video_id"], options.seed)
    shown = chosen_frames(annotated, options.num_frames, stream=stream, marked=facts.boxes)
    whole = (0, row["num_frames"] - 1)
    asked: list[Question] = ["broken", "when", "where"]
    if None not in row["objects"]["artifact_type"]:
        asked.append("type")
    found = [_conversation(facts, split, question, whole, shown, options) for question in asked]
    for stretch in stretches_of(annotated, facts.boxes, stream=stream):
        if len(stretch) < len(annotated):
            chosen = chosen_frames(stretch, options.num_frames, stream=stream, marked=())
            found.append(_conversation(facts, split, "broken", (stretch[0], stretch[-1]), chosen, options))
    return found


def _stream(video_id: str, seed: int) -> np.random.Generator:
    entropy = int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:8], "little")
    return np.random.default_rng([seed, entropy])


def _boxes(row: Mapping[str, Any]) -> dict[int, list[tuple[list[int], str]]]:
    kinds = dict(zip(row["objects"]["object_id"], row["objects"]["artifact_type"], strict=True))
    masks = row["masks"]
    found: dict[int, list[tuple[list[int], str]]] = {}
    boxes = bbox(masks["counts"], height=row["height"], width=row["width"]).tolist()
    for object_id, frame, (x, y, width, height) in sorted(
        zip(masks["object_id"], masks["frame_index"], boxes, strict=True)
    ):
        kind = kinds[object_id]
        label = NO_TYPE if kind is None else ARTIFACT_TYPES[kind]
        found.setdefault(frame, []).append(([x, y, x + width, y + height], label))
    return found


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
        said = of_frames(shown, [facts.times_s[frame] for frame in shown])
        place = "these frames" if len(shown) > 1 else "this frame"
    else:
        stretch = None if is_whole else (*part, facts.times_s[part[0]], facts.end_s(part[1]))
        said = of_video(row["num_frames"], row["fps"], stretch)
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
        text=f"{said} {question_text(question, place=place, frames=shown, unit=options.unit, **size)}",
        answer=_answer(facts, question, part, shown, options),
    )


def _answer(
    facts: _Facts, question: Question, part: tuple[int, int], shown: Sequence[int], options: ChatOptions
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
