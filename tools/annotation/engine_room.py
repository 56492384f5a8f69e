"""Engines at work: one for each of the videos that were prompted last, told exactly what people have said about theirs."""

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
"""Videos whose engines are kept; each holds its model's memory."""

Told = tuple[object, ...]
"""What an engine heard about one object on one frame."""
Cell = tuple[int, int]
"""(object_id, frame_index)"""


@dataclass(slots=True, eq=False)
class _Desk:
    """One engine with its video, and what it was told so far."""

    engine: Engine
    pictures: Pictures
    told: dict[Cell, Told] = field(default_factory=dict)
    busy: threading.Lock = field(default_factory=threading.Lock)


class EngineRoom:
    """All engines of a server. Its methods may be called from several threads; work on one video is done one by one."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        """
        Args:
            make: gives a new engine, as often as it is called.
        """
        self._make = make
        self._desks: OrderedDict[str, _Desk] = OrderedDict()
        self._arranging = threading.Lock()

    def prompt(self, key: str, pictures: Pictures, state: VideoState, prompt: Prompt) -> tuple[str, Mapping[str, str]]:
        """The mask that the engine finds for what a person said, as COCO RLE, and the engine's facts.

        Args:
            key: of the video; the same key is the same video.
            pictures: its frames, which the engine keeps.
            state: what people have said so far.

        Raises:
            EngineError: nothing was found, or the engine cannot do it.
        """
        with self._desk(key, pictures) as desk:
            others = keyframes_of(state, [prompt.object_id])
            others.pop((prompt.object_id, prompt.frame_index), None)
            _tell(desk, state, others, [prompt.object_id], keep={(prompt.object_id, prompt.frame_index)})
            desk.told[prompt.object_id, prompt.frame_index] = ("unsure",)  # where the engine fails
            mask = desk.engine.prompt(prompt)
            desk.told[prompt.object_id, prompt.frame_index] = _said(prompt)
            if not mask.any():
                raise EngineError("the engine found nothing there; click again, or draw the mask")
            return _encoded(mask), dict(desk.engine.facts)

    def propagate(
        self, key: str, pictures: Pictures, state: VideoState, object_ids: Sequence[int], *, first: int, last: int
    ) -> Generator[tuple[int, int, str, Mapping[str, str]], None, None]:
        """(object_id, frame_index, COCO RLE, the engine's facts) of every frame that is carried; closing it cancels.

        The masks of frame `first` are told to the engine first, whoever made them.

        Raises:
            EngineError: as the engine says.
        """
        with self._desk(key, pictures) as desk:
            wanted = keyframes_of(state, object_ids)
            for object_id in object_ids:
                mask = state.mask(object_id, first)
                if mask is not None:
                    wanted.setdefault((object_id, first), mask)
            _tell(desk, state, wanted, object_ids)
            facts = dict(desk.engine.facts)
            carried = desk.engine.propagate(object_ids, first=first, last=last)
            try:
                for frame_index, object_id, bitmap in carried:
                    yield object_id, frame_index, _encoded(bitmap), facts
            finally:
                if isinstance(carried, Generator):
                    carried.close()

    def prepare(self, key: str, pictures: Pictures, frame_index: int) -> bool:
        """Computes in advance what a prompt on this frame needs; False, and nothing is done, where the engine is at work."""
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
        """Lets go of a video's engine."""
        with self._arranging:
            desk = self._desks.pop(key, None)
        if desk is not None:
            _close(desk)

    def close(self) -> None:
        """Lets go of all engines."""
        for key in list(self._desks):
            self.forget(key)

    @contextmanager
    def _desk(self, key: str, pictures: Pictures) -> Iterator[_Desk]:
        """The video's engine, nobody else's until the block ends."""
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
                idle = [name for name, other in self._desks.items() if name != key and not other.busy.locked()]
                spare = [self._desks.pop(name) for name in idle[: max(0, len(self._desks) - MAX_ENGINES)]]
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
    """The masks that are a person's word, of some objects."""
    return {
        (object_id, frame_index): mask
        for object_id in object_ids
        for frame_index, mask in sorted(state.masks.get(object_id, {}).items())
        if mask.is_keyframe
    }


def prompt_of(cell: Cell, mask: Mask, *, height: int, width: int) -> Prompt:
    """What a person said, as an engine hears it: clicks and box again where they made the mask, the mask itself otherwise."""
    object_id, frame_index = cell
    if mask.origin == "prompt":
        start = None if mask.start is None else _bitmap(mask.start, height=height, width=width)
        clicks = tuple(Click(x, y, bool(sign)) for x, y, sign in mask.clicks)
        return Prompt(object_id, frame_index, clicks=clicks, box=mask.box, mask=start)
    return Prompt(object_id, frame_index, mask=_bitmap(mask.counts, height=height, width=width))


def _tell(
    desk: _Desk,
    state: VideoState,
    wanted: Mapping[Cell, Mask],
    object_ids: Sequence[int],
    *,
    keep: set[Cell] | frozenset[Cell] = frozenset(),
) -> None:
    """Takes back what nobody says any more about these objects, and says what is new."""
    size = {"height": state.video.height, "width": state.video.width}
    for object_id, frame_index in sorted(desk.told):
        cell = (object_id, frame_index)
        if object_id not in state.objects:
            desk.engine.forget(object_id)
            desk.told = {told: said for told, said in desk.told.items() if told[0] != object_id}
        elif object_id in object_ids and cell not in wanted and cell not in keep:
            desk.engine.forget(object_id, frame_index=frame_index)
            del desk.told[cell]
    for cell, mask in sorted(wanted.items()):
        said = _said_of(mask)
        if desk.told.get(cell) != said:
            desk.engine.prompt(prompt_of(cell, mask, **size))
            desk.told[cell] = said


def _said_of(mask: Mask) -> Told:
    if mask.origin == "prompt":
        return ("prompt", mask.clicks, mask.box, mask.start)
    return ("mask", mask.counts)


def _said(prompt: Prompt) -> Told:
    clicks = tuple((click.x, click.y, int(click.positive)) for click in prompt.clicks)
    return ("prompt", clicks, prompt.box, None if prompt.mask is None else _encoded(prompt.mask))


def _bitmap(counts: str, *, height: int, width: int) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = decode([counts], height=height, width=width)[0] > 0
    return found


def _encoded(mask: npt.NDArray[np.bool_]) -> str:
    return encode(mask[None])[0]
