"""Engines of a server: one for each of the last videos. Each gets exactly the prompts of the
video's state.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...masks import decode, encode
from ..page import Pictures
from .engines import Click, Engine, EngineError, Prompt
from .state import Mask, VideoState

MAX_ENGINES = 2
"""Number of videos whose engines are kept; each engine holds its model's memory."""

KnownPrompt = tuple[object, ...]
"""The prompt that an engine has got for one object on one frame."""
Cell = tuple[int, int]
"""(object_id, frame_index)"""


@dataclass(slots=True, eq=False)
class _Desk:
    """One engine with its video and the prompts that it has got so far."""

    engine: Engine
    pictures: Pictures
    prompts: dict[Cell, KnownPrompt] = field(default_factory=dict)
    busy: threading.Lock = field(default_factory=threading.Lock)


class EngineRoom:
    """All engines of a server. Its methods may be called from several threads; calls for one video
    wait for each other.
    """

    def __init__(self, make: Callable[[], Engine]) -> None:
        """
        Args:
            make: returns a new engine at each call.
        """
        self._make = make
        self._desks: OrderedDict[str, _Desk] = OrderedDict()
        self._arranging = threading.Lock()

    def prompt(
        self, key: str, pictures: Pictures, state: VideoState, prompt: Prompt
    ) -> tuple[str, Mapping[str, str]]:
        """The engine's mask for a person's prompt, as COCO RLE, and the engine's facts.

        Args:
            key: identifies the video.
            pictures: its frames, which the engine keeps.
            state: the state with all earlier prompts.

        Raises:
            EngineError: the engine found no object, or it failed.
        """
        with self._desk(key, pictures) as desk:
            others = keyframes_of(state, [prompt.object_id])
            others.pop((prompt.object_id, prompt.frame_index), None)
            _update_prompts(
                desk,
                state,
                others,
                [prompt.object_id],
                keep={(prompt.object_id, prompt.frame_index)},
            )
            # where the engine fails
            desk.prompts[prompt.object_id, prompt.frame_index] = ("unsure",)
            mask = desk.engine.prompt(prompt)
            desk.prompts[prompt.object_id, prompt.frame_index] = _known_prompt(prompt)
            if not mask.any():
                raise EngineError("the engine found no object there; click again, or draw the mask")
            return _encoded(mask), dict(desk.engine.facts)

    def propagate(
        self,
        key: str,
        pictures: Pictures,
        state: VideoState,
        object_ids: Sequence[int],
        *,
        first: int,
        last: int,
    ) -> Generator[tuple[int, int, str, Mapping[str, str]], None, None]:
        """(object_id, frame_index, COCO RLE, the engine's facts) of every propagated mask; closing it
        cancels.

        The engine first gets the masks of frame `first`, also those that no person made.

        Raises:
            EngineError: the engine cannot propagate these masks.
        """
        with self._desk(key, pictures) as desk:
            wanted = keyframes_of(state, object_ids)
            for object_id in object_ids:
                mask = state.mask(object_id, first)
                if mask is not None:
                    wanted.setdefault((object_id, first), mask)
            _update_prompts(desk, state, wanted, object_ids)
            facts = dict(desk.engine.facts)
            results = desk.engine.propagate(object_ids, first=first, last=last)
            try:
                for frame_index, object_id, bitmap in results:
                    yield object_id, frame_index, _encoded(bitmap), facts
            finally:
                if isinstance(results, Generator):
                    results.close()

    def prepare(self, key: str, pictures: Pictures, frame_index: int) -> bool:
        """Computes in advance what a prompt on this frame needs. Returns False without work if the
        engine is busy.
        """
        with self._arranging:
            desk = self._desks.get(key)
            if desk is not None and not desk.busy.acquire(blocking=False):
                return False
        if desk is not None:
            try:
                desk.engine.prepare(frame_index)
            finally:
                desk.busy.release()
            return True
        with self._desk(key, pictures) as desk:
            desk.engine.prepare(frame_index)
        return True

    def forget(self, key: str) -> None:
        """Closes the engine of a video."""
        with self._arranging:
            desk = self._desks.pop(key, None)
        if desk is not None:
            _close(desk)

    def close(self) -> None:
        """Closes all engines."""
        for key in list(self._desks):
            self.forget(key)

    @contextmanager
    def _desk(self, key: str, pictures: Pictures) -> Iterator[_Desk]:
        """A context with the video's engine, which nobody else uses meanwhile."""
        desk = self._taken(key, pictures)
        try:
            yield desk
        finally:
            desk.busy.release()

    def _taken(self, key: str, pictures: Pictures) -> _Desk:
        while True:
            with self._arranging:
                desk = self._desks.get(key)
                if desk is None:
                    desk = _Desk(self._make(), pictures)
                    desk.engine.open(pictures)
                    self._desks[key] = desk
                self._desks.move_to_end(key)
                idle = [
                    name
                    for name, other in self._desks.items()
                    if name != key and not other.busy.locked()
                ]
                spare = [
                    self._desks.pop(name) for name in idle[: max(0, len(self._desks) - MAX_ENGINES)]
                ]
            for other in spare:
                _close(other)
            desk.busy.acquire()
            with self._arranging:
                if self._desks.get(key) is desk:
                    return desk
            desk.busy.release()  # it was closed while we waited for it


def _close(desk: _Desk) -> None:
    with desk.busy:
        desk.engine.close()
        desk.pictures.close()


def keyframes_of(state: VideoState, object_ids: Sequence[int]) -> dict[Cell, Mask]:
    """The masks of some objects that a person made or accepted."""
    return {
        (object_id, frame_index): mask
        for object_id in object_ids
        for frame_index, mask in sorted(state.masks.get(object_id, {}).items())
        if mask.is_keyframe
    }


def prompt_of(cell: Cell, mask: Mask, *, height: int, width: int) -> Prompt:
    """The prompt for an engine from a stored mask: its clicks and box if it has them, otherwise the
    mask itself.
    """
    object_id, frame_index = cell
    if mask.origin == "prompt":
        start = None if mask.start is None else _bitmap(mask.start, height=height, width=width)
        clicks = tuple(Click(x, y, bool(sign)) for x, y, sign in mask.clicks)
        return Prompt(object_id, frame_index, clicks=clicks, box=mask.box, mask=start)
    return Prompt(object_id, frame_index, mask=_bitmap(mask.counts, height=height, width=width))


def _update_prompts(
    desk: _Desk,
    state: VideoState,
    wanted: Mapping[Cell, Mask],
    object_ids: Sequence[int],
    *,
    keep: set[Cell] | frozenset[Cell] = frozenset(),
) -> None:
    """Updates the engine's prompts for these objects: removes those that no longer exist, and adds
    new ones.
    """
    size = {"height": state.video.height, "width": state.video.width}
    for object_id, frame_index in sorted(desk.prompts):
        cell = (object_id, frame_index)
        if object_id not in state.objects:
            desk.engine.forget(object_id)
            desk.prompts = {
                cell: known for cell, known in desk.prompts.items() if cell[0] != object_id
            }
        elif object_id in object_ids and cell not in wanted and cell not in keep:
            desk.engine.forget(object_id, frame_index=frame_index)
            del desk.prompts[cell]
    for cell, mask in sorted(wanted.items()):
        known = _known_mask(mask)
        if desk.prompts.get(cell) != known:
            desk.engine.prompt(prompt_of(cell, mask, **size))
            desk.prompts[cell] = known


def _known_mask(mask: Mask) -> KnownPrompt:
    if mask.origin == "prompt":
        return ("prompt", mask.clicks, mask.box, mask.start)
    return ("mask", mask.counts)


def _known_prompt(prompt: Prompt) -> KnownPrompt:
    clicks = tuple((click.x, click.y, int(click.positive)) for click in prompt.clicks)
    return ("prompt", clicks, prompt.box, None if prompt.mask is None else _encoded(prompt.mask))


def _bitmap(counts: str, *, height: int, width: int) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = decode([counts], height=height, width=width)[0] > 0
    return mask


def _encoded(mask: npt.NDArray[np.bool_]) -> str:
    return encode(mask[None])[0]
