"""Replays logs: repeats all calls of the engine and compares its masks with the saved ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ...masks import decode, iou
from ..page import Pictures
from .document import Document
from .engine_room import EngineRoom
from .engines import Click, Engine, EngineError, Prompt
from .events import Event
from .reducer import apply, start
from .state import VideoState
from .store import Store


@dataclass(frozen=True, slots=True)
class Replayed:
    """One mask of an engine that was made again. `iou` is None if this failed; `reason` says
    why.
    """

    event: int
    kind: str
    object_id: int
    frame_index: int
    iou: float | None
    reason: str = ""


def replay(document: Document, make_engine: Callable[[], Engine]) -> Iterator[Replayed]:
    """Makes every engine mask of the log again, in the order of the log and from the state at that
    time.

    Masks differ in a few pixels between machines and numbers of threads. So compare their IoU, not
    their bytes.
    """
    room = EngineRoom(make_engine)
    pictures = Pictures(document.video.path, document.video.index)
    key = document.place.video_id
    try:
        events = document.events()
        if not events:
            return
        state = start(events[0])
        for _, group in groupby(events[1:], key=lambda event: event.step or event.n):
            of_step = list(group)
            engine_made = [
                event for event in of_step if event.kind == "masks" and event.data["from"] in _MADE
            ]
            if engine_made:
                yield from _again(room, key, pictures, state, engine_made)
            for event in of_step:
                state = apply(state, event)
    finally:
        room.close()


_MADE = ("prompt", "propagated")


def report_of(store: Store, make_engine: Callable[[], Engine]) -> Iterator[str]:
    """Text lines: one for each mask, then one for each video and one for all videos."""
    everything: list[float] = []
    num_lost = 0
    for key in store.begun():
        ious: list[float] = []
        for mask in replay(store.document(key), make_engine):
            where = (
                f"{key[1]} event {mask.event} {mask.kind} frame {mask.frame_index} object "
                f"{mask.object_id}"
            )
            if mask.iou is None:
                num_lost += 1
                yield f"{where}: {mask.reason}"
            else:
                ious.append(mask.iou)
                yield f"{where}: IoU {mask.iou:.4f}"
        everything += ious
        yield f"{key[1]}: {_mean(ious)}"
    lost = f"; {num_lost} were not made again" if num_lost else ""
    yield f"{store.raw}: {_mean(everything)}{lost}"


def _mean(ious: Sequence[float]) -> str:
    if not ious:
        return "no engine masks"
    return f"{len(ious)} engine masks, mean IoU {np.mean(ious):.4f}, lowest {min(ious):.4f}"


def _again(
    room: EngineRoom, key: str, pictures: Pictures, state: VideoState, events: Sequence[Event]
) -> Iterator[Replayed]:
    size = {"height": state.video.height, "width": state.video.width}
    made: dict[tuple[int, int], str] = {}
    reason = "the engine did not make this mask"
    data = events[0].data
    try:
        if data["from"] == "prompt":
            object_id, frame_index, _ = data["masks"][0]
            counts, _ = room.prompt(
                key, pictures, state, _prompt(object_id, frame_index, data["prompt"], **size)
            )
            made[object_id, frame_index] = counts
        else:
            way = data["run"]
            last = _last_frame(events, way)
            results = room.propagate(
                key, pictures, state, way["object_ids"], first=way["first"], last=last
            )
            made = {
                (object_id, frame_index): counts for object_id, frame_index, counts, _ in results
            }
    except EngineError as error:
        reason = str(error)
    for event in events:
        for object_id, frame_index, counts in event.data["masks"]:
            again = made.get((object_id, frame_index))
            score = None if again is None else _iou(counts, again, **size)
            yield Replayed(
                event.n,
                data["from"],
                object_id,
                frame_index,
                score,
                "" if score is not None else reason,
            )


def _last_frame(events: Sequence[Event], way: dict[str, int]) -> int:
    """The last saved frame of a propagation. A cancelled one is repeated only up to there."""
    frames: list[int] = [frame for event in events for _, frame, _ in event.data["masks"]]
    return min(frames) if way["last"] < way["first"] else max(frames)


def _prompt(
    object_id: int, frame_index: int, data: dict[str, object], *, height: int, width: int
) -> Prompt:
    clicks, box, start_counts = data["clicks"], data["box"], data["start"]
    mask = None
    if isinstance(start_counts, str):
        mask = decode([start_counts], height=height, width=width)[0] > 0
    points = (
        tuple(Click(x, y, bool(sign)) for x, y, sign in clicks) if isinstance(clicks, list) else ()
    )
    sides = (box[0], box[1], box[2], box[3]) if isinstance(box, list) else None
    return Prompt(object_id, frame_index, clicks=points, box=sides, mask=mask)


def _iou(a: str, b: str, *, height: int, width: int) -> float:
    if a == b:
        return 1.0
    return float(iou([a], [b], height=height, width=width)[0, 0])
