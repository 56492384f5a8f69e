"""Reads the content of the answers about one video, and makes the answers of floors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ....builder.chat import Question
from ....masks import bbox
from ..truth import AnnotatedVideo
from .parse import Span, UnreadableError, parse_boxes, parse_spans, parse_types, parse_yes
from .read import Answer

Edges = tuple[float, ...]
"""The edges left, top, right, bottom of a box in pixels."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that cannot be read and counts as wrong, with the reason."""

    line: int
    video_id: str
    question: Question
    why: str
    is_unit: bool = False

    def to_dict(self) -> dict[str, object]:
        return {
            "line": self.line,
            "video_id": self.video_id,
            "question": self.question,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class AnswerContent:
    """The content of the answers about one video. None: the answer is missing or cannot be read.

    Attributes:
        broken: whether anything in the video is broken.
        broken_score: how sure the model is of that, if it gave a score.
        stretches: whether anything is broken in a part, by the (first, last) frame of the part.
        when_frames: the annotated frames for which spans were asked.
        when: those of these frames that are in a span.
        where_frames: the annotated frames for which boxes were asked.
        where: boxes by frame; None if they cannot be read.
        types: the artifact types.
        asked: the questions that have an answer, also an unreadable one.
    """

    broken: bool | None = None
    broken_score: float | None = None
    stretches: Mapping[tuple[int, int], bool | None] = field(default_factory=dict)
    when_frames: tuple[int, ...] = ()
    when: frozenset[int] | None = None
    where_frames: tuple[int, ...] = ()
    where: Mapping[int, Sequence[Edges] | None] = field(default_factory=dict)
    types: frozenset[str] | None = None
    asked: frozenset[Question] = frozenset()


def content_of(
    video: AnnotatedVideo, answers: Sequence[Answer]
) -> tuple[AnswerContent, list[Unreadable]]:
    """The content of the answers about one video, and the unreadable answers.

    Frames that are not annotated are ignored.
    """
    unreadable: list[Unreadable] = []
    broken: bool | None = None
    score: float | None = None
    stretches: dict[tuple[int, int], bool | None] = {}
    when: frozenset[int] | None = None
    types: frozenset[str] | None = None
    when_frames: tuple[int, ...] = ()
    where: dict[int, Sequence[Edges] | None] = {}
    for answer in answers:
        frames = scope(video, answer)
        if answer.question == "where":
            where |= dict.fromkeys(frames)
        elif answer.question == "when":
            when_frames = frames
        try:
            match answer.question:
                case "broken" if is_whole(video, answer):
                    score = answer.score
                    broken = parse_yes(answer.text)
                case "broken":
                    stretches[answer.part or (0, 0)] = None
                    stretches[answer.part or (0, 0)] = parse_yes(answer.text)
                case "when":
                    when = _frames_in(parse_spans(answer.text), frames, video)
                case "type":
                    types = parse_types(answer.text)
                case "where":
                    boxes = _boxes(video, answer)
                    where |= {frame: boxes.get(frame, ()) for frame in frames}
        except UnreadableError as error:
            unreadable.append(
                Unreadable(answer.line, video.video_id, answer.question, str(error), error.is_unit)
            )
    return AnswerContent(
        broken=broken,
        broken_score=score,
        stretches=stretches,
        when_frames=when_frames,
        when=when,
        where_frames=tuple(sorted(where)),
        where=where,
        types=types,
        asked=frozenset(
            a.question for a in answers if a.question != "broken" or is_whole(video, a)
        ),
    ), unreadable


def is_whole(video: AnnotatedVideo, answer: Answer) -> bool:
    """Whether an answer is about the whole video."""
    return answer.part is None or answer.part == (0, video.num_frames - 1)


def scope(video: AnnotatedVideo, answer: Answer) -> tuple[int, ...]:
    """The annotated frames that an answer is about."""
    frames = (
        video.frames if answer.frames is None else sorted(set(answer.frames) & set(video.frames))
    )
    first, last = answer.part or (0, video.num_frames - 1)
    return tuple(frame for frame in frames if first <= frame <= last)


def _boxes(video: AnnotatedVideo, answer: Answer) -> dict[int, list[Edges]]:
    if answer.unit is None:  # read_answers has checked this
        raise UnreadableError("no box_unit")
    frames = answer.frames if answer.frames is not None else range(video.num_frames)
    return parse_boxes(
        answer.text, frames=frames, unit=answer.unit, height=video.height, width=video.width
    )


def _frames_in(
    spans: Sequence[Span], frames: Sequence[int], video: AnnotatedVideo
) -> frozenset[int]:
    """The frames in at least one of the spans.

    For a span in seconds the middle of a frame's time counts, so that rounding does not move a
    frame.
    """
    in_spans: set[int] = set()
    for span in spans:
        if span.first is not None and span.last is not None:
            if span.first < 0 or span.last >= video.num_frames:
                what = (
                    f"a span of frames {span.first} to {span.last}; the video has frames 0 to "
                    f"{video.num_frames - 1}"
                )
                raise UnreadableError(what)
            in_spans |= {frame for frame in frames if span.first <= frame <= span.last}
        elif span.start_s is not None and span.end_s is not None:
            if video.times_s is None:
                raise UnreadableError(
                    "a span in seconds, but the truth does not say when frames are shown; wanted "
                    "frames"
                )
            middles = _middles_s(video.times_s)
            in_spans |= {frame for frame in frames if span.start_s <= middles[frame] < span.end_s}
    return frozenset(in_spans)


def _middles_s(times_s: Sequence[float]) -> list[float]:
    gaps = [later - sooner for sooner, later in pairwise(times_s)]
    gaps.append(gaps[-1] if gaps else 0.0)
    return [time + gap / 2 for time, gap in zip(times_s, gaps, strict=True)]


def floors_of(
    video: AnnotatedVideo, content: AnswerContent, *, commonest_type: str | None
) -> dict[str, AnswerContent]:
    """The answers of the floors to the same questions, and those of exact boxes, which use the
    truth.

    Args:
        commonest_type: the type that most videos of the truth have.
    """
    edges = (0.0, 0.0, float(video.width), float(video.height))
    x, y = video.width // 4, video.height // 4  # as in floors.centre_box
    middle = (float(x), float(y), float(video.width - x), float(video.height - y))

    def boxes(by_frame: Mapping[int, Sequence[Edges]]) -> AnswerContent:
        return AnswerContent(
            where_frames=content.where_frames, where=by_frame, asked=content.asked & {"where"}
        )

    frames = content.where_frames
    return {
        "always-yes": AnswerContent(
            broken=True,
            stretches=dict.fromkeys(content.stretches, True),
            asked=content.asked & {"broken"},
        ),
        "whole-video": AnswerContent(
            when_frames=content.when_frames,
            when=frozenset(content.when_frames),
            asked=content.asked & {"when"},
        ),
        "whole-frame-box": boxes(dict.fromkeys(frames, (edges,))),
        "centre-box": boxes(dict.fromkeys(frames, (middle,))),
        "exact-boxes": boxes(true_boxes(video, frames)),
        "commonest-type": AnswerContent(
            types=frozenset([commonest_type] if commonest_type else []),
            asked=content.asked & {"type"},
        ),
    }


def true_boxes(video: AnnotatedVideo, frames: Sequence[int]) -> dict[int, list[Edges]]:
    """The tight boxes of all objects in each of these frames."""
    boxes_by_frame: dict[int, list[Edges]] = {frame: [] for frame in frames}
    for masklet in video.masklets:
        visible = [frame for frame in frames if frame in masklet.counts]
        boxes = bbox(
            [masklet.counts[frame] for frame in visible], height=video.height, width=video.width
        ).tolist()
        for frame, (x, y, width, height) in zip(visible, boxes, strict=True):
            boxes_by_frame[frame].append((x, y, x + width, y + height))
    return boxes_by_frame
