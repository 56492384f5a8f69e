"""Answers to one video's questions -> what they say, and which of them cannot be read; what predictions that know nothing say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ....builder.chat import Question
from ....masks import bbox
from ..truth import AnnotatedVideo
from .parse import Span, UnreadableError, said_boxes, said_spans, said_types, said_yes
from .read import Answer

Edges = tuple[float, ...]
"""left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that counts as wrong, and why."""

    line: int
    video_id: str
    question: Question
    why: str
    is_unit: bool = False

    def to_dict(self) -> dict[str, object]:
        return {"line": self.line, "video_id": self.video_id, "question": self.question, "why": self.why}


@dataclass(frozen=True, slots=True)
class Said:
    """The content of the answers about one video. None stands for an answer that is missing or cannot be read.

    broken: whether anything in it is; broken_score: how sure that is, where it was given.
    stretches: the same by (first, last) frame of a part.
    when_frames: those that the spans were asked of, all annotated; when: those of them that lie in a span.
    where_frames: those that boxes were asked of, all annotated; where: boxes by frame, None where they cannot be read.
    types: the artifact types.
    asked: the questions that have an answer, read or not.
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


def said_of(video: AnnotatedVideo, answers: Sequence[Answer]) -> tuple[Said, list[Unreadable]]:
    """The content of the answers about one video, and those that cannot be read. Frames that nobody annotated are passed over."""
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
                    broken = said_yes(answer.text)
                case "broken":
                    stretches[answer.part or (0, 0)] = None
                    stretches[answer.part or (0, 0)] = said_yes(answer.text)
                case "when":
                    when = _frames_in(said_spans(answer.text), frames, video)
                case "type":
                    types = said_types(answer.text)
                case "where":
                    found = _boxes(video, answer)
                    where |= {frame: found.get(frame, ()) for frame in frames}
        except UnreadableError as error:
            unreadable.append(Unreadable(answer.line, video.video_id, answer.question, str(error), error.is_unit))
    return Said(
        broken=broken,
        broken_score=score,
        stretches=stretches,
        when_frames=when_frames,
        when=when,
        where_frames=tuple(sorted(where)),
        where=where,
        types=types,
        asked=frozenset(a.question for a in answers if a.question != "broken" or is_whole(video, a)),
    ), unreadable


def is_whole(video: AnnotatedVideo, answer: Answer) -> bool:
    """Whether an answer is about the whole video."""
    return answer.part is None or answer.part == (0, video.num_frames - 1)


def scope(video: AnnotatedVideo, answer: Answer) -> tuple[int, ...]:
    """The annotated frames that an answer is about."""
    asked = video.frames if answer.frames is None else sorted(set(answer.frames) & set(video.frames))
    first, last = answer.part or (0, video.num_frames - 1)
    return tuple(frame for frame in asked if first <= frame <= last)


def _boxes(video: AnnotatedVideo, answer: Answer) -> dict[int, list[Edges]]:
    if answer.unit is None:  # the reader of the file asks for it
        raise UnreadableError("no box_unit")
    frames = answer.frames if answer.frames is not None else range(video.num_frames)
    return said_boxes(answer.text, frames=frames, unit=answer.unit, height=video.height, width=video.width)


def _frames_in(spans: Sequence[Span], frames: Sequence[int], video: AnnotatedVideo) -> frozenset[int]:
    """The frames in any of the spans. In seconds it is the middle of a frame's time that counts, so that rounding moves none."""
    found: set[int] = set()
    for span in spans:
        if span.first is not None and span.last is not None:
            if span.first < 0 or span.last >= video.num_frames:
                what = f"a span of frames {span.first} to {span.last}; the video has frames 0 to {video.num_frames - 1}"
                raise UnreadableError(what)
            found |= {frame for frame in frames if span.first <= frame <= span.last}
        elif span.start_s is not None and span.end_s is not None:
            if video.times_s is None:
                raise UnreadableError(
                    "a span in seconds, but the truth does not say when frames are shown; wanted frames"
                )
            middles = _middles_s(video.times_s)
            found |= {frame for frame in frames if span.start_s <= middles[frame] < span.end_s}
    return frozenset(found)


def _middles_s(times_s: Sequence[float]) -> list[float]:
    gaps = [later - sooner for sooner, later in pairwise(times_s)]
    gaps.append(gaps[-1] if gaps else 0.0)
    return [time + gap / 2 for time, gap in zip(times_s, gaps, strict=True)]


def floors_of(video: AnnotatedVideo, said: Said, *, commonest_type: str | None) -> dict[str, Said]:
    """The answers of predictions that know nothing to the same questions, and those of exact boxes, which know the truth.

    Args:
        commonest_type: of the truth's videos.
    """
    edges = (0.0, 0.0, float(video.width), float(video.height))
    x, y = video.width // 4, video.height // 4  # as floors.centre_box
    middle = (float(x), float(y), float(video.width - x), float(video.height - y))

    def boxes(by_frame: Mapping[int, Sequence[Edges]]) -> Said:
        return Said(where_frames=said.where_frames, where=by_frame, asked=said.asked & {"where"})

    frames = said.where_frames
    return {
        "always-yes": Said(broken=True, stretches=dict.fromkeys(said.stretches, True), asked=said.asked & {"broken"}),
        "whole-video": Said(
            when_frames=said.when_frames, when=frozenset(said.when_frames), asked=said.asked & {"when"}
        ),
        "whole-frame-box": boxes(dict.fromkeys(frames, (edges,))),
        "centre-box": boxes(dict.fromkeys(frames, (middle,))),
        "exact-boxes": boxes(true_boxes(video, frames)),
        "commonest-type": Said(
            types=frozenset([commonest_type] if commonest_type else []), asked=said.asked & {"type"}
        ),
    }


def true_boxes(video: AnnotatedVideo, frames: Sequence[int]) -> dict[int, list[Edges]]:
    """The tight box of every object in each of these frames."""
    found: dict[int, list[Edges]] = {frame: [] for frame in frames}
    for masklet in video.masklets:
        there = [frame for frame in frames if frame in masklet.counts]
        boxes = bbox([masklet.counts[frame] for frame in there], height=video.height, width=video.width).tolist()
        for frame, (x, y, width, height) in zip(there, boxes, strict=True):
            found[frame].append((x, y, x + width, y + height))
    return found
