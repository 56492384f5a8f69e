"""Requests for frames: decoded outside the event loop, one at a time per video, shown frames
first.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

Lane = Literal["wanted", "ahead", "small"]
"""wanted: a frame to show now. ahead: a frame that is needed later. small: a small picture of a
frame.
"""
_ORDER: tuple[Lane, ...] = ("wanted", "ahead", "small")


THREADS = 2
"""Number of videos whose frames are decoded at the same time."""


class SupersededError(Exception):
    """The same page has requested a newer frame."""


@dataclass(slots=True, eq=False)
class _Request:
    session_id: str
    lane: Lane
    load: Callable[[], bytes]
    answer: "asyncio.Future[bytes]"


@dataclass(slots=True, eq=False)
class _Lanes:
    waiting: list[_Request] = field(default_factory=list)
    worker: "asyncio.Task[None] | None" = None


class FrameQueue:
    """Requests for frames of all videos. Use it only from the event loop."""

    def __init__(self) -> None:
        self._videos: dict[Hashable, _Lanes] = {}
        # Few threads, always the same: each one that decodes keeps memory of its own.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="frames")

    async def get(
        self, key: Hashable, session_id: str, lane: Lane, load: Callable[[], bytes]
    ) -> bytes:
        """The result of `load`, which is called in a thread when its turn comes.

        A request for a frame to show cancels the waiting requests of the same page, except for
        small pictures.

        Raises:
            SupersededError: a newer request has cancelled this one. Errors of `load` are passed on.
        """
        lanes = self._videos.setdefault(key, _Lanes())
        if lane == "wanted":
            for old in [
                r for r in lanes.waiting if r.session_id == session_id and r.lane != "small"
            ]:
                lanes.waiting.remove(old)
                if not old.answer.done():
                    old.answer.set_exception(SupersededError())
        request = _Request(session_id, lane, load, asyncio.get_running_loop().create_future())
        lanes.waiting.append(request)
        if lanes.worker is None:
            lanes.worker = asyncio.create_task(self._work(key, lanes))
        return await request.answer

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    async def _work(self, key: Hashable, lanes: _Lanes) -> None:
        try:
            while lanes.waiting:
                # the oldest of its lane
                request = min(lanes.waiting, key=lambda waiting: _ORDER.index(waiting.lane))
                lanes.waiting.remove(request)
                if request.answer.done():  # the page was closed
                    continue
                try:
                    content = await asyncio.get_running_loop().run_in_executor(
                        self._threads, request.load
                    )
                except (ValueError, OSError, IndexError) as error:
                    if not request.answer.done():
                        request.answer.set_exception(error)
                else:
                    if not request.answer.done():
                        request.answer.set_result(content)
        finally:
            self._videos.pop(key, None)
