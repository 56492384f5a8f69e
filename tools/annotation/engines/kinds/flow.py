"""The engine `flow`, without weights: GrabCut for a box and clicks, optical flow between frames, at
360p at most.
"""

import heapq
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..cut import Cut, correct, cut_box, cut_click, cut_mask
from ..prompts import check_prompt, check_range, continues, no_video, nothing_found
from ..propagation import Anchor, blended, propagated
from ..protocol import BoolArray, Click, EngineError, Frames, Prompt, UInt8Array

SHORT_SIDE_PX = 360
KEPT_FRAMES = 64
MOST_BETWEEN = 32
"""Largest distance of two marked frames between which both masks are propagated to the middle."""


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """A prompt and its cut at working size."""

    prompt: Prompt
    cut: Cut


class FlowEngine:
    """See `protocol.Engine`."""

    def __init__(self) -> None:
        self._frames: Frames | None = None
        self._images: OrderedDict[int, UInt8Array] = OrderedDict()
        self._marked: dict[int, dict[int, BoolArray]] = {}
        self._last: _Answer | None = None

    @property
    def facts(self) -> Mapping[str, str]:
        return {
            "engine": "flow",
            "method": "GrabCut; DIS optical flow, medium",
            "opencv": cv2.__version__,
            "resize": f"shorter side to {SHORT_SIDE_PX} at most: frames by area, masks by bilinear "
            "> 0.5",
            "device": "cpu",
        }

    def open(self, frames: Frames) -> None:
        self.close()
        self._frames = frames

    def close(self) -> None:
        self._frames = None
        self._images.clear()
        self._marked.clear()
        self._last = None

    def prepare(self, frame_index: int) -> None:
        self._image(frame_index)

    def prompt(self, prompt: Prompt) -> BoolArray:
        frames = self._opened()
        check_prompt(prompt, frames)
        if prompt.is_fixed and prompt.mask is not None:
            mask = prompt.mask.copy()
            self._mark(prompt, self._small(mask))
            return mask
        cut = self._cut(prompt)
        if not cut.mask.any():
            self.forget(prompt.object_id, frame_index=prompt.frame_index)
            raise nothing_found(prompt)
        self._last = _Answer(prompt, cut)
        self._mark(prompt, cut.mask)
        mask = self._large(cut.mask)
        if prompt.mask is not None:
            # Pixels that the clicks did not change stay as the person drew them.
            changed = self._large(cut.mask != self._small(prompt.mask))
            mask = np.where(changed, mask, prompt.mask)
        return mask

    def propagate(
        self, object_ids: Sequence[int], *, first: int, last: int
    ) -> Generator[tuple[int, int, BoolArray]]:
        frames = self._opened()
        check_range(object_ids, self._marked, first=first, last=last, num_frames=len(frames))
        tracks = [self._track(object_id, first=first, last=last) for object_id in object_ids]
        step = 1 if first <= last else -1
        return heapq.merge(*tracks, key=lambda item: item[0] * step)

    def forget(self, object_id: int, *, frame_index: int | None = None) -> None:
        if frame_index is None:
            self._marked.pop(object_id, None)
        else:
            self._marked.get(object_id, {}).pop(frame_index, None)
        self._last = None

    def _track(
        self, object_id: int, *, first: int, last: int
    ) -> Generator[tuple[int, int, BoolArray]]:
        """The results of `propagate` for one object."""
        step = 1 if first <= last else -1
        marked = sorted(self._marked[object_id], key=lambda frame_index: frame_index * step)
        before = [frame_index for frame_index in marked if frame_index * step <= first * step]
        marked = before[-1:] + marked[len(before) :]
        for here, there in zip(marked, [*marked[1:], None], strict=True):
            between = range(here + step, last + step if there is None else there, step)
            for frame_index, mask in self._between(object_id, here, there, between):
                if frame_index * step > last * step:
                    return
                if frame_index * step >= first * step:
                    yield frame_index, object_id, self._large(mask)

    def _between(
        self, object_id: int, here: int, there: int | None, between: range
    ) -> Iterator[tuple[int, BoolArray]]:
        """Masks of the frames from one marked frame to the next; without a next one, to the end of
        the range.
        """
        ahead: dict[int, BoolArray] = {}
        if there is not None and len(between) <= MOST_BETWEEN:
            ahead = dict(propagated(self._anchor(object_id, there), between[::-1], self._image))
        for done, (frame_index, mask) in enumerate(
            propagated(self._anchor(object_id, here), between, self._image), start=1
        ):
            if frame_index in ahead:
                mask = blended(mask, ahead[frame_index], share=done / (len(between) + 1))
            yield frame_index, mask

    def _anchor(self, object_id: int, frame_index: int) -> Anchor:
        return Anchor(frame_index, self._image(frame_index), self._marked[object_id][frame_index])

    def _cut(self, prompt: Prompt) -> Cut:
        image = self._image(prompt.frame_index)
        scale_x, scale_y = (
            image.shape[1] / self._opened().width,
            image.shape[0] / self._opened().height,
        )
        clicks = [
            Click(click.x * scale_x, click.y * scale_y, click.positive) for click in prompt.clicks
        ]
        known = self._last
        if known is not None and continues(prompt, known.prompt):
            return correct(image, known.cut, clicks[len(known.prompt.clicks) :])
        if prompt.box is not None:
            x0, y0, x1, y1 = prompt.box
            left, top = int(x0 * scale_x), int(y0 * scale_y)
            right, bottom = int(np.ceil(x1 * scale_x)), int(np.ceil(y1 * scale_y))
            return correct(image, cut_box(image, (left, top, right, bottom)), clicks)
        if prompt.mask is not None:
            return correct(image, cut_mask(self._small(prompt.mask)), clicks)
        first = next(click for click in clicks if click.positive)
        clicks.remove(first)
        return correct(image, cut_click(image, first), clicks)

    def _mark(self, prompt: Prompt, mask: BoolArray) -> None:
        self._marked.setdefault(prompt.object_id, {})[prompt.frame_index] = mask

    def _image(self, frame_index: int) -> UInt8Array:
        """The frame at working size."""
        if frame_index not in self._images:
            frames = self._opened()
            self._images[frame_index] = _resized(
                frames[frame_index], _working_size(frames), cv2.INTER_AREA
            )
            if len(self._images) > KEPT_FRAMES:
                self._images.popitem(last=False)
        self._images.move_to_end(frame_index)
        return self._images[frame_index]

    def _small(self, mask: BoolArray) -> BoolArray:
        """The mask at working size. Parts that would vanish are made thicker."""
        shares = _resized(mask.astype(np.float32), _working_size(self._opened()), cv2.INTER_AREA)
        small = np.asarray(shares > 0.5, np.bool_)
        return small if small.any() else np.asarray(shares > 0, np.bool_)

    def _large(self, mask: BoolArray) -> BoolArray:
        frames = self._opened()
        size = frames.width, frames.height
        return np.asarray(_resized(mask.astype(np.float32), size, cv2.INTER_LINEAR) > 0.5, np.bool_)

    def _opened(self) -> Frames:
        if self._frames is None:
            raise no_video()
        return self._frames


def _working_size(frames: Frames) -> tuple[int, int]:
    """(width, height)."""
    scale = min(1.0, SHORT_SIDE_PX / min(frames.height, frames.width))
    return max(1, round(frames.width * scale)), max(1, round(frames.height * scale))


def _resized(image: Any, size: tuple[int, int], interpolation: int) -> Any:
    """The image at size (width, height); the same image if it has this size."""
    if image.shape[1::-1] == size:
        return image
    return cv2.resize(image, size, interpolation=interpolation)


def _make(*, checkpoint: str | None, device: str | None) -> FlowEngine:
    """The engine; see `kinds.make_engine`."""
    if checkpoint is not None or device is not None:
        raise EngineError(
            "--engine flow: it has no model, so it takes no --checkpoint and no --device. Leave "
            "them out."
        )
    return FlowEngine()


ENGINE = _make
