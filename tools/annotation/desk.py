"""Executes the actions that a page requests for one annotation, with the engine if needed, and logs
events.
"""

import asyncio
import errno
import functools
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from ...masks import decode
from ..page import Pictures
from . import jobs
from .actions import BadRequestError, box_of, clicks_of, event_of, number, text
from .document import Document
from .engine_room import EngineRoom
from .engines import Click, EngineError, Prompt
from .jobs import Job
from .reducer import fold
from .sessions import HeldError, Session
from .state import EDITABLE, RefusedError, VideoState, person
from .views import changes_of

JOB_EVERY_S = 0.1
"""Smallest time between two progress messages of a propagation, in seconds."""
ENGINE_PIXEL_BYTES = 12 * 2**20
"""Bytes of decoded frames that are kept for an engine: 4 frames of 720p, because it reads frames in
order.
"""
_FREE_OF_REVISION = frozenset({"seen", "cancel"})
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

OnChange = Callable[[VideoState, VideoState], Awaitable[dict[str, Any]]]
"""Called with the states before and after an event; returns the changes in the form for the
page.
"""


class StaleError(ValueError):
    """The page does not know the newest state."""

    def __init__(self, revision: int) -> None:
        super().__init__("the video has changed since this page was loaded: load it again")
        self.revision = revision


class BusyError(ValueError):
    """A propagation is running on the video."""

    def __init__(self, job: Job) -> None:
        super().__init__("masks are being propagated through this video: wait, or cancel it")
        self.job = job


class VideoTroubleError(ValueError):
    """The video's file on disk does not fit its annotation."""


class FullDiskError(RuntimeError):
    """The disk is full, and nothing was saved."""


class Desk:
    """One open annotation that executes actions. Use it only from the event loop."""

    def __init__(
        self,
        document: Document,
        room: EngineRoom,
        *,
        on_change: OnChange,
        on_job: Callable[[Job], None],
        spawn: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
    ) -> None:
        """
        Args:
            on_job: called with the state of a propagation.
            spawn: starts a task that continues after the request.
        """
        self.document = document
        self.job: Job | None = None
        self._job_action = ""
        self._told_at = 0.0
        self._room = room
        self._on_change = on_change
        self._on_job = on_job
        self._spawn = spawn
        self._doing = asyncio.Lock()
        self._engine_frames: Pictures | None = None

    @property
    def name(self) -> str:
        """The name of the annotation in the engine room."""
        return f"{self.document.place.home}/{self.document.place.video_id}"

    async def do(
        self, session: Session, holder: Session | None, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Executes an action. When this returns, its event is on disk.

        Args:
            holder: the session that holds the lock of the video.

        Raises:
            BadRequestError, RefusedError, HeldError, StaleError, BusyError, EngineError,
            VideoTroubleError, FullDiskError: nothing has changed. The message is for the person.
        """
        action = request.get("action")
        if not isinstance(action, Mapping):
            raise BadRequestError("action is wanted as an object")
        name, action_id, revision = (
            text(action, "action"),
            text(request, "id"),
            number(request, "revision"),
        )
        if name == "cancel":
            return self._cancel(text(action, "job"))
        async with self._doing:
            if self.document.revision_of(action_id) is not None or (
                self.job and self._job_action == action_id
            ):
                return await self._done_before(revision)
            self._require_turn(session, holder, name)
            if name not in _FREE_OF_REVISION and revision != self.document.state.revision:
                raise StaleError(self.document.state.revision)
            if self.job is not None and name != "seen":
                raise BusyError(self.job)
            trouble = (
                None if name == "accept-video" else await asyncio.to_thread(self.document.trouble)
            )
            if trouble:
                raise VideoTroubleError(trouble)
            if name == "propagate":
                return self._propagate(session, action, action_id)
            return await self._add(session, action, action_id)

    async def prepare(self, frame_index: int) -> None:
        """Lets the engine compute in advance what a click on a frame needs."""
        if self.job is None and self.document.state.status in EDITABLE:
            try:
                await asyncio.to_thread(self._room.prepare, self.name, self._frames(), frame_index)
            except (EngineError, ValueError, OSError):
                return  # the first click will report the error

    def _require_turn(self, session: Session, holder: Session | None, name: str) -> None:
        state = self.document.state
        reviews = state.status == "submitted" and person(session.user) != person(
            state.annotator or ""
        )
        if holder is not session and not (name == "seen" and reviews):
            raise HeldError(None if holder is None else holder.user)

    def _answer(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        job = None if self.job is None else self.job.view()
        return {"saved": changes["revision"], "changes": changes, "job": job}

    def _unchanged(self) -> dict[str, Any]:
        return self._answer(changes_of(self.document.state, self.document.state))

    async def _done_before(self, revision: int) -> dict[str, Any]:
        """The answer to a repeated request, whose first answer was lost on the way."""
        events, now = await asyncio.to_thread(self.document.events), self.document.state
        known = fold(events[:revision]) if 1 <= revision <= now.revision else now
        return self._answer(await asyncio.to_thread(changes_of, known, now))

    # --- Events -----------------------------------------------------------------------------------

    async def _add(
        self, session: Session, action: Mapping[str, Any], action_id: str
    ) -> dict[str, Any]:
        if action["action"] == "seen" and _all_seen(self.document.state, action):
            return self._unchanged()
        kind, data, facts = await asyncio.to_thread(self._event, action)
        before, after = await asyncio.to_thread(
            self._save, kind, data, session.user, action_id, facts
        )
        return self._answer(await self._on_change(before, after))

    def _event(
        self, action: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any], Mapping[str, str] | None]:
        """The kind and data of the action's event, and the facts of the engine if one was used."""
        if action["action"] == "prompt":
            return self._prompted(action)
        if action["action"] == "accept-video":
            return "video", {"video": self.document.facts_now()}, None
        return *event_of(self.document.state, action), None

    def _prompted(
        self, action: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
        state = self.document.state
        object_id, frame_index = number(action, "object_id"), number(action, "frame_index")
        clicks, box = clicks_of(action), box_of(action)
        if not clicks and box is None:
            raise BadRequestError("the prompt has neither clicks nor a box")
        _require_editable(state)
        if object_id not in state.objects or not 0 <= frame_index < state.video.num_frames:
            raise RefusedError(
                f"there is no object {object_id} or no frame {frame_index}", code="not-found"
            )
        if frame_index in state.locked:
            raise RefusedError(
                f"frame {frame_index} locked: unlock first",
                code="locked-frame",
                frames=[frame_index],
            )
        start = (
            _start_of(state, object_id, frame_index)
            if action.get("keep_mask") and box is None
            else None
        )
        height, width = state.video.height, state.video.width
        prompt = Prompt(
            object_id,
            frame_index,
            clicks=tuple(Click(x, y, bool(sign)) for x, y, sign in clicks),
            box=None if box is None else (box[0], box[1], box[2], box[3]),
            mask=None if start is None else decode([start], height=height, width=width)[0] > 0,
        )
        counts, facts = self._room.prompt(self.name, self._frames(), state, prompt)
        prompt_data = {"clicks": clicks, "box": box, "start": start}
        return (
            "masks",
            {"from": "prompt", "masks": [[object_id, frame_index, counts]], "prompt": prompt_data},
            facts,
        )

    def _save(
        self,
        kind: str,
        data: Mapping[str, Any],
        user: str,
        action_id: str,
        facts: Mapping[str, str] | None,
    ) -> tuple[VideoState, VideoState]:
        """The states before and after the event."""
        try:
            with self.document.changing:
                before = self.document.state
                return before, self.document.add(
                    kind, data, user=user, action=action_id, engine_facts=facts
                )
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            home = self.document.place.home
            raise FullDiskError(
                f"not saved: {home}: {error.strerror}. Make room there and try again"
            ) from error

    def _frames(self) -> Pictures:
        """The frames for the engine. The page has its own decoder, because it reads other
        frames.
        """
        video = self.document.video
        if self._engine_frames is None or self._engine_frames.index is not video.index:
            self._engine_frames = Pictures(video.path, video.index, pixel_bytes=ENGINE_PIXEL_BYTES)
        return self._engine_frames

    # --- Propagation ------------------------------------------------------------------------------

    def _propagate(
        self, session: Session, action: Mapping[str, Any], action_id: str
    ) -> dict[str, Any]:
        state = self.document.state
        _require_editable(state)
        ids = action.get("object_ids")
        if not isinstance(ids, list) or not all(isinstance(i, int) for i in ids):
            raise BadRequestError("object_ids are wanted as a list of numbers")
        job_id = f"j-{secrets.token_urlsafe(8)}"
        first, last = number(action, "first"), number(action, "last")
        self.job = jobs.planned(state, job_id, session.user, ids, first, last)
        self._job_action = action_id
        self._spawn(self._run(self.job, action_id))
        return self._unchanged()

    async def _run(self, job: Job, action_id: str) -> None:
        loop = asyncio.get_running_loop()

        def on_change(before: VideoState, after: VideoState) -> None:
            # In order, because a page applies changes one after the other.
            asyncio.run_coroutine_threadsafe(
                _awaited(self._on_change(before, after)), loop
            ).result()

        def on_progress() -> None:
            loop.call_soon_threadsafe(self._tell, job)

        run = functools.partial(
            jobs.run,
            job,
            self.document,
            self._room,
            self._frames(),
            key=self.name,
            action=action_id,
            on_change=on_change,
            on_progress=on_progress,
        )
        try:
            await asyncio.to_thread(run)
        finally:
            self.job = None
            self._on_job(job)

    def _tell(self, job: Job) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_at > JOB_EVERY_S and job.state == "running":
            self._told_at = now
            self._on_job(job)

    def _cancel(self, job_id: str) -> dict[str, Any]:
        if self.job is None or self.job.job_id != job_id:
            raise RefusedError("this propagation has ended", code="not-found")
        self.job.cancelled.set()
        return self._unchanged()


async def _awaited(work: Awaitable[Any]) -> None:
    await work


def _require_editable(state: VideoState) -> None:
    if state.status not in EDITABLE:
        raise RefusedError(f"the video is {state.status}", code="status")


def _start_of(state: VideoState, object_id: int, frame_index: int) -> str | None:
    """The mask that new clicks correct: that of the last prompt, or a drawn or propagated one; None
    for none.
    """
    mask = state.mask(object_id, frame_index)
    if mask is None:
        return None
    return mask.start if mask.origin == "prompt" else mask.counts


def _all_seen(state: VideoState, action: Mapping[str, Any]) -> bool:
    """Whether all frames of the action are seen already, so that nothing would change."""
    _, data = event_of(state, action)
    last = state.video.num_frames - 1
    if any(not 0 <= frame <= last for pair in data["ranges"] for frame in pair):
        return False
    return all(frame in state.seen for a, b in data["ranges"] for frame in range(a, b + 1))
