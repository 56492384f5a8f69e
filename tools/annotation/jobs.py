"""Jobs that propagate masks through a video with an engine, while people continue to work on the
page.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from ...masks import area
from ..page import Pictures
from .document import Document
from .engine_room import EngineRoom, keyframes_of
from .engines import EngineError
from .state import RefusedError, VideoState

CHUNK = 16
"""Number of masks that are saved together. After CHUNK_S seconds, fewer are saved."""
CHUNK_S = 0.4


@dataclass(slots=True, eq=False)
class Job:
    """One job. `stop` is its last frame, `barrier` the locked frame that ends it early, or None."""

    job_id: str
    user: str
    object_ids: list[int]
    first: int
    last: int
    stop: int
    barrier: int | None
    total: int
    done: int = 0
    state: Literal["running", "done", "cancelled", "failed"] = "running"
    message: str | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def view(self) -> dict[str, Any]:
        """The job in the form for the page."""
        names = (
            "object_ids",
            "first",
            "last",
            "stop",
            "barrier",
            "done",
            "total",
            "state",
            "message",
        )
        return {
            "job": self.job_id,
            "kind": "propagate",
            **{name: getattr(self, name) for name in names},
        }


def planned(
    state: VideoState, job_id: str, user: str, object_ids: list[int], first: int, last: int
) -> Job:
    """The job that propagates objects from frame `first` to frame `last`, or to the frame before a
    locked one.

    Raises:
        RefusedError: no object is given, an object has no mask in `first`, or no frame can be
            reached.
    """
    if not object_ids:
        raise RefusedError("choose an object to propagate")
    for object_id in object_ids:
        if object_id not in state.objects:
            raise RefusedError(f"there is no object {object_id}", code="not-found")
        if not keyframes_of(state, [object_id]) and state.mask(object_id, first) is None:
            raise RefusedError(
                f"object {object_id} has no mask to propagate: mark it in frame {first} first"
            )
    if not all(0 <= frame < state.video.num_frames for frame in (first, last)) or first == last:
        raise RefusedError(f"frames {first} to {last}: wanted two frames of the video")
    step = 1 if last > first else -1
    way: list[int] = []
    barrier = None
    for frame in range(first + step, last + step, step):
        if frame in state.locked:
            barrier = frame
            break
        way.append(frame)
    if not way:
        raise RefusedError(
            f"frame {barrier} is locked: nothing is propagated past it",
            code="locked-frame",
            frames=[barrier or 0],
        )
    return Job(
        job_id,
        user,
        sorted(set(object_ids)),
        first,
        last,
        way[-1],
        barrier,
        len(way) * len(set(object_ids)),
    )


def run(
    job: Job,
    document: Document,
    room: EngineRoom,
    pictures: Pictures,
    *,
    key: str,
    action: str,
    on_change: Callable[[VideoState, VideoState], None],
    on_progress: Callable[[], None],
) -> None:
    """Propagates the masks to the end, or until the job is cancelled. The result is in `job`. Call it
    in a thread.

    Args:
        on_change: called with the states before and after masks were saved.
        on_progress: called when the job has progressed.
    """
    num_found = 0
    waiting: list[list[Any]] = []
    saved_at = time.monotonic()
    results = room.propagate(
        key, pictures, document.state, job.object_ids, first=job.first, last=job.stop
    )
    facts: dict[str, str] = {}

    def save() -> None:
        cells = _changes(document.state, waiting)
        waiting.clear()
        if cells:
            way = {"object_ids": job.object_ids, "first": job.first, "last": job.stop}
            data = {"from": "propagated", "masks": cells, "run": way}
            with document.changing:
                before = document.state
                after = document.add(
                    "masks", data, user=job.user, action=action, step=job.job_id, engine_facts=facts
                )
            on_change(before, after)

    size = {"height": document.state.video.height, "width": document.state.video.width}
    try:
        for object_id, frame_index, counts, engine_facts in results:
            facts = dict(engine_facts)
            if job.cancelled.is_set():
                break
            job.done += 1
            num_found += int(area([counts], **size)[0]) > 0
            waiting.append([object_id, frame_index, counts])
            if len(waiting) >= CHUNK or time.monotonic() - saved_at > CHUNK_S:
                save()
                saved_at = time.monotonic()
            on_progress()
        save()
        if job.cancelled.is_set():
            job.state = "cancelled"
        elif num_found:
            job.state = "done"
        else:
            job.message = (
                f"the engine found nothing in frames {job.first} to {job.stop}: mark the object "
                "there, or draw it"
            )
            job.state = "failed"
    except (EngineError, RefusedError, ValueError, OSError) as error:
        job.message = str(error)
        job.state = "failed"
    finally:
        results.close()


def _changes(state: VideoState, cells: Iterable[list[Any]]) -> list[list[Any]]:
    """The masks that differ from the state, without masks that a person made and without locked
    frames.
    """
    changes = []
    for object_id, frame_index, counts in cells:
        old = state.mask(object_id, frame_index)
        fixed = old is not None and old.is_keyframe
        if object_id not in state.objects or fixed or frame_index in state.locked:
            continue
        is_marked = area([counts], height=state.video.height, width=state.video.width)[0] > 0
        if is_marked or old is not None:
            changes.append([object_id, frame_index, counts])
    return changes
