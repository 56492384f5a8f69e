"""An engine around a model with a memory of earlier frames, such as SAM 2.

One tracker holds one object, so a run for one object does not influence another. Propagated masks
depend only on prompts and range: a run begins at the marked frame before the range, unless it
continues exactly where the last run of this object stopped.
"""

import heapq
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor

from ....masks import decode, encode
from .model_frames import to_mask
from .prompts import check_prompt, check_range, continues, no_video, nothing_found
from .protocol import BoolArray, Frames, Prompt

Point = tuple[float, float, int]
"""x and y as shares of width and height, and SAM's label: 0 background, 1 object, 2 and 3 corners
of a box.
"""

NEAREST = 8
"""Largest number of marked frames that the model uses for a frame: those nearest to it."""
REACH = 16
"""Largest distance in frames at which a model uses earlier propagated masks."""
MOST_SHOWN = 4 * NEAREST
"""Largest number of marked frames whose memory is kept."""
CORNERS = (2, 3)


class Tracker(Protocol):
    """Tracks one object in one video with the model. Logits are float[1, 1, h, w] at the model's
    own size.
    """

    def click(self, frame_index: int, points: Sequence[Point], *, before: Tensor | None) -> Tensor:
        """Logits for all points of a frame, which is marked from now on. `before`: logits that the
        last point corrects.
        """

    def show(self, frame_index: int, mask: BoolArray) -> Tensor:
        """Logits of a mask that a person gave. Its frame is marked from now on."""

    def propagate_to(self, frame_index: int, *, backwards: bool) -> Tensor:
        """Logits of an unmarked frame, computed from memory."""

    def drop(self, frame_index: int) -> None:
        """Removes the mark of a frame, if it has one."""

    def forget_run(self) -> None:
        """Forgets propagated masks, but not marked frames."""


class MemoryModel(Protocol):
    """A loaded model."""

    @property
    def facts(self) -> Mapping[str, str]:
        """Model, weights, versions, device, resize rule."""

    def open(self, frames: Frames) -> None:
        """Sets the video for all later calls."""

    def prepare(self, frame_index: int) -> None:
        """Encodes a frame in advance."""

    def track(self) -> Tracker:
        """A tracker of a new object in the open video."""

    def close(self) -> None:
        """Forgets the video."""


@dataclass(slots=True)
class _Object:
    """One object.

    Attributes:
        marked: by frame with a prompt: the person's own mask as COCO RLE, or None if the model made
            it.
        shown: the marked frames that the tracker has.
        ran_to: step and last frame of the last run; None if a prompt has changed since.
    """

    tracker: Tracker
    marked: dict[int, str | None] = field(default_factory=dict)
    shown: set[int] = field(default_factory=set)
    ran_to: tuple[int, int] | None = None
    last: tuple[Prompt, Tensor] | None = None


class MemoryEngine:
    """See `protocol.Engine`."""

    def __init__(self, model: MemoryModel) -> None:
        self._model = model
        self._frames: Frames | None = None
        self._objects: dict[int, _Object] = {}

    @property
    def facts(self) -> Mapping[str, str]:
        return self._model.facts

    def open(self, frames: Frames) -> None:
        self.close()
        self._frames = frames
        self._model.open(frames)

    def close(self) -> None:
        self._frames = None
        self._objects.clear()
        self._model.close()

    def prepare(self, frame_index: int) -> None:
        self._opened()
        self._model.prepare(frame_index)

    def prompt(self, prompt: Prompt) -> BoolArray:
        frames = self._opened()
        check_prompt(prompt, frames)
        known = self._objects.get(prompt.object_id)
        known = known or self._objects.setdefault(prompt.object_id, _Object(self._model.track()))
        known.ran_to = None
        if prompt.is_fixed and prompt.mask is not None:
            _unmark(known, prompt.frame_index)
            known.marked[prompt.frame_index] = encode(prompt.mask[None])[0]
            return prompt.mask.copy()
        logits = _answer(known, prompt, frames)
        mask = to_mask(logits, frames)
        if not mask.any():
            _unmark(known, prompt.frame_index)
            raise nothing_found(prompt)
        known.marked[prompt.frame_index] = None
        known.shown.add(prompt.frame_index)
        known.last = prompt, logits
        return mask

    def propagate(
        self, object_ids: Sequence[int], *, first: int, last: int
    ) -> Generator[tuple[int, int, BoolArray]]:
        frames = self._opened()
        prompted = {object_id: known.marked for object_id, known in self._objects.items()}
        check_range(object_ids, prompted, first=first, last=last, num_frames=len(frames))
        step = 1 if first <= last else -1
        runs = [
            self._run(self._objects[object_id], object_id, first=first, last=last)
            for object_id in object_ids
        ]
        return _in_step(runs, step)

    def forget(self, object_id: int, *, frame_index: int | None = None) -> None:
        if frame_index is None:
            self._objects.pop(object_id, None)
        elif object_id in self._objects:
            _unmark(self._objects[object_id], frame_index)
            self._objects[object_id].ran_to = None

    def _run(
        self, known: _Object, object_id: int, *, first: int, last: int
    ) -> Iterator[tuple[int, int, BoolArray | None]]:
        """The results of `propagate` for one object; the mask is None for frames before the
        range.
        """
        step = 1 if first <= last else -1
        start = first
        if known.ran_to != (step, first - step):
            known.tracker.forget_run()
            behind = [
                frame_index * step
                for frame_index in known.marked
                if frame_index * step <= first * step
            ]
            ahead = [
                frame_index * step
                for frame_index in known.marked
                if frame_index * step > first * step
            ]
            start = (max(behind) if behind else min(ahead)) * step + step
        for frame_index in range(start, last + step, step):
            if frame_index not in known.marked:
                _show_nearest(known, frame_index, self._opened())
                logits = known.tracker.propagate_to(frame_index, backwards=step < 0)
                known.ran_to = step, frame_index
                in_range = first * step <= frame_index * step
                yield frame_index, object_id, to_mask(logits, self._opened()) if in_range else None

    def _opened(self) -> Frames:
        if self._frames is None:
            raise no_video()
        return self._frames


def _in_step(
    runs: Sequence[Iterator[tuple[int, int, BoolArray | None]]], step: int
) -> Generator[tuple[int, int, BoolArray]]:
    """Merges runs frame by frame, so that a frame is encoded only once for all objects."""
    for frame_index, object_id, mask in heapq.merge(*runs, key=lambda item: item[0] * step):
        if mask is not None:
            yield frame_index, object_id, mask


def _answer(known: _Object, prompt: Prompt, frames: Frames) -> Tensor:
    """Logits for a prompt. Its clicks are applied one after the other, each to the result of the
    one before.
    """
    corners = (
        [] if prompt.box is None else [(*prompt.box[:2], CORNERS[0]), (*prompt.box[2:], CORNERS[1])]
    )
    clicks = [(click.x, click.y, int(click.positive)) for click in prompt.clicks]
    points = [(x / frames.width, y / frames.height, label) for x, y, label in (*corners, *clicks)]
    tracker, frame_index = known.tracker, prompt.frame_index
    logits, done = None, 0
    if known.last is not None and continues(prompt, known.last[0]):
        logits, done = known.last[1], len(known.last[0].clicks)
    else:
        _unmark(known, frame_index)
        if prompt.mask is not None:
            logits = tracker.show(frame_index, prompt.mask)
        elif corners:
            logits = tracker.click(frame_index, points[:2], before=None)
    for count in range(done + 1, len(clicks) + 1):
        logits = tracker.click(frame_index, points[: len(corners) + count], before=logits)
    if logits is None:
        raise nothing_found(prompt)
    return logits


def _unmark(known: _Object, frame_index: int) -> None:
    known.tracker.drop(frame_index)
    known.marked.pop(frame_index, None)
    known.shown.discard(frame_index)
    known.ran_to = None
    if known.last is not None and known.last[0].frame_index == frame_index:
        known.last = None


def _show_nearest(known: _Object, frame_index: int, frames: Frames) -> None:
    """Gives the tracker the marked frames nearest to a frame, and removes others if there are too
    many.
    """
    by_distance = sorted(known.marked, key=lambda other: (abs(other - frame_index), other))
    before = [other for other in by_distance if other < frame_index][:1]
    after = [other for other in by_distance if other > frame_index][:1]
    others = [other for other in by_distance if other not in (*before, *after)]
    wanted = [*before, *after, *others][:NEAREST]
    for other in wanted:
        counts = known.marked[other]
        if other not in known.shown and counts is not None:
            mask = decode([counts], height=frames.height, width=frames.width)[0].astype(np.bool_)
            known.tracker.show(other, mask)
            known.shown.add(other)
    if len(known.shown) > MOST_SHOWN:
        for other in known.shown - set(wanted):
            if known.marked[other] is not None:
                known.tracker.drop(other)
                known.shown.discard(other)
