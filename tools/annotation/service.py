"""What pages ask for, done: the part of the server that knows nothing of HTTP. To be used from one event loop."""

import asyncio
import errno
import functools
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...masks import decode
from . import jobs
from .actions import BadRequestError, box_of, clicks_of, event_of, number, text
from .document import Document
from .engine_room import EngineRoom
from .engines import Click, EngineError, Prompt
from .frame_queue import FrameQueue, Lane
from .jobs import Job
from .pictures import PictureFormat, Pictures
from .raw_output import RawWriter
from .reducer import fold
from .regions import Regions, regions_of
from .sessions import HeldError, NoSessionError, Session, Sessions
from .state import EDITABLE, RefusedError, VideoState, person
from .store import Key, Store
from .summary import Summary, people_of
from .video_file import times_of
from .views import changes_of, overlaps_of, view_of

SWEEP_S = 2.0
FREE_OF_REVISION = frozenset({"seen", "cancel"})


class StaleError(ValueError):
    """The page does not know the newest state."""

    def __init__(self, revision: int) -> None:
        super().__init__("the video was changed meanwhile: load it again")
        self.revision = revision


class BusyError(ValueError):
    """A propagation runs on the video."""

    def __init__(self, job: Job) -> None:
        super().__init__("masks are being carried through this video: wait, or cancel it")
        self.job = job


class VideoTroubleError(ValueError):
    """The video cannot be annotated as it is on disk."""


class FullDiskError(RuntimeError):
    """Nothing was saved, for lack of room."""


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(slots=True, eq=False)
class _Desk:
    """What is going on with one annotation at the moment."""

    doing: asyncio.Lock = field(default_factory=asyncio.Lock)
    job: Job | None = None
    job_action: str = ""
    raw_error: str | None = None
    engine_pictures: Pictures | None = None
    told_job_at: float = 0.0


class Service:
    """One folder that people annotate."""

    def __init__(
        self,
        store: Store,
        make_engine: Callable[[], Any],
        *,
        engine_name: str,
        engine_facts: Mapping[str, str],
        subtypes: Mapping[str, Sequence[str]],
        user: str | None,
    ) -> None:
        self.store = store
        self.sessions = Sessions()
        self.frames = FrameQueue()
        self.room = EngineRoom(make_engine)
        self._engine = {"name": engine_name, "facts": dict(engine_facts), "ready": True, "error": None}
        self._subtypes = {kind: list(names) for kind, names in subtypes.items()}
        self.user = user
        self._desks: dict[Key, _Desk] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._preparing: asyncio.Task[None] | None = None
        self.raw_writer = RawWriter(self._raw_written)

    # --- Life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins: what was saved and not written to the raw folders is written now."""
        self._loop = asyncio.get_running_loop()
        self._spawn(self._sweep())
        await asyncio.to_thread(self._catch_up)

    async def stop(self) -> None:
        """Ends: jobs are cancelled, the raw folders are brought up to date."""
        for desk in self._desks.values():
            if desk.job is not None:
                desk.job.cancelled.set()
        for task in list(self._tasks):
            if not task.get_name().startswith("job"):
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.raw_writer.close)
        await asyncio.to_thread(self.room.close)
        self.frames.close()
        self.store.close()

    def _catch_up(self) -> None:
        for home, video_id in self.store.begun():
            try:
                summary = self.store.summary((home, video_id))
                if summary is not None and self.raw_writer.folder(home).revision(video_id) != summary.revision:
                    self.raw_writer.later(home, video_id, fold(self.store.events((home, video_id))))
            except (ValueError, OSError):
                continue  # the list of videos says what is wrong with this one

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            for key in self.sessions.sweep():
                await self._tell_lock(key)
            in_use = {s.watches for s in self.sessions.all() if s.watches} | set(self.sessions.held())
            busy = {key for key, desk in self._desks.items() if desk.job is not None}
            for key in await asyncio.to_thread(self.store.close_idle, in_use | busy):
                self._desks.pop(key, None)
                await asyncio.to_thread(self.room.forget, _name(key))

    # --- The folder --------------------------------------------------------------------------------------------------

    def key(self, session: Session, video_id: str) -> Key:
        """The annotation that this person has of a video."""
        return self.store.key_for(session.user, video_id, self.sessions.held_by_another)

    def project(self, session: Session) -> dict[str, Any]:
        """Everything about the folder."""
        found = self.store.found
        return {
            "folder": found.settings.folder,
            "raw": str(found.raw),
            "engine": self._engine,
            "subtypes": self._subtypes,
            "mode": found.settings.mode,
            "double_percent": found.settings.double_percent,
            "notices": list(found.notices),
            "videos": [self.video_line(session, video_id) for video_id in self.store.video_ids],
            "people": people_of(self.store.summaries()),
        }

    def video_line(self, session: Session, video_id: str) -> dict[str, Any]:
        """One video in the list, as this person sees it."""
        problem, summary, key = None, None, None
        try:
            key = self.key(session, video_id)
            summary = self.store.summary(key)
        except (ValueError, OSError) as error:
            problem = str(error)
        holder = None if key is None else self.sessions.holder(key)
        return {
            "video_id": video_id,
            "name": self.store.name_of(video_id),
            "double": video_id in self.store.doubled,
            "problem": problem,
            "holder": None if holder is None else holder.user,
            "holder_is_me": holder is session,
            **_line(summary, session.user),
        }

    def next_video(self, session: Session, *, after: str | None, for_review: bool) -> str | None:
        """The next video that this person has to work on, or may review; after the given one, from the start at the end."""
        ids = self.store.video_ids
        start = ids.index(after) + 1 if after in ids else 0
        turn = [*ids[start:], *ids[:start]]
        lines = [self.video_line(session, video_id) for video_id in turn if video_id != after]
        open_lines = [
            line for line in lines if line["problem"] is None and (line["holder"] is None or line["holder_is_me"])
        ]
        if for_review:
            return next((line["video_id"] for line in open_lines if line["can_review"]), None)
        rejected = [line for line in open_lines if line["status"] == "rejected" and line["is_mine"]]
        fresh = [
            line
            for line in open_lines
            if line["status"] == "untouched" or (line["status"] == "working" and line["is_mine"])
        ]
        return next((line["video_id"] for line in (*rejected, *fresh)), None)

    # --- One video ---------------------------------------------------------------------------------------------------

    async def open(self, session: Session, video_id: str) -> dict[str, Any]:
        """The whole state of a video; the page hears of its changes from now on."""
        key = self.key(session, video_id)
        document = await self._document(key)
        session.watches = key
        desk = self._desk(key)
        state = document.state
        trouble = await asyncio.to_thread(document.trouble)
        index = document.video.index
        notices = [*([trouble] if trouble else []), *document.notices]
        return {
            "video_id": video_id,
            "name": self.store.name_of(video_id),
            "width": index.width,
            "height": index.height,
            "num_frames": index.num_frames,
            "fps": index.fps,
            "rotation": index.rotation,
            "sha256": document.video.sha256,
            "times": times_of(index),
            **await asyncio.to_thread(view_of, state),
            "overlaps": await asyncio.to_thread(overlaps_of, state),
            "lock": self.lock_view(session, key),
            "job": None if desk.job is None else desk.job.view(),
            "notices": notices,
            "read_only": trouble,
            "raw": await asyncio.to_thread(self._raw_view, key),
        }

    def lock_view(self, session: Session, key: Key) -> dict[str, Any]:
        """Who holds an annotation, as this page sees it."""
        holder = self.sessions.holder(key)
        same = holder is not None and holder is not session and person(holder.user) == person(session.user)
        return {"holder": None if holder is None else holder.user, "mine": holder is session, "same_name": same}

    async def lock(self, session: Session, video_id: str, *, take: bool) -> dict[str, Any]:
        """Takes the lock of a video.

        Raises:
            HeldError: somebody else has it.
        """
        key = self.key(session, video_id)
        before = [held for held, holder in self.sessions.held().items() if holder is session and held != key]
        self.sessions.take(key, session, from_other_page=take)
        for other in (*before, key):
            await self._tell_lock(other)
        return self.lock_view(session, key)

    async def unlock(self, session: Session, video_id: str) -> None:
        """Gives the lock of a video back."""
        key = self.key(session, video_id)
        self.sessions.release(key, session)
        await self._tell_lock(key)

    async def frame(
        self, session: Session, video_id: str, frame_index: int, kind: PictureFormat, *, height: int | None, lane: Lane
    ) -> tuple[bytes, int, float]:
        """A frame as a picture file, its presentation time in ticks, and in seconds from the first frame.

        Raises:
            SupersededError: the page wants another one by now. RefusedError: no such frame.
        """
        key = self.key(session, video_id)
        document = await self._document(key)
        index = document.video.index
        if not 0 <= frame_index < index.num_frames:
            raise RefusedError(f"there is no frame {frame_index}", code="not-found")
        pictures = await asyncio.to_thread(self.store.pictures, key)
        load = functools.partial(pictures.file, frame_index, kind, height=height)
        content = await self.frames.get(key, session.session_id, lane, load)
        return content, int(index.frame_pts[frame_index]), times_of(index)[frame_index]

    async def prepare(self, session: Session, video_id: str, frame_index: int) -> None:
        """Has the engine compute in advance what a click on a frame will need; returns at once."""
        key = self.key(session, video_id)
        document = await self._document(key)
        if not 0 <= frame_index < document.video.index.num_frames:
            raise RefusedError(f"there is no frame {frame_index}", code="not-found")
        if self._preparing is not None and not self._preparing.done():
            return  # one at a time: the page asks again for the next frame that stays on show
        self._preparing = self._spawn(self._prepare(key, document, frame_index))

    async def stray(self, session: Session, video_id: str, object_id: int, frame_index: int, max_area: int) -> Regions:
        """Small pieces and holes of a mask."""
        document = await self._document(self.key(session, video_id))
        mask = document.state.mask(object_id, frame_index)
        if mask is None:
            raise RefusedError(f"object {object_id} has no mask in frame {frame_index}", code="not-found")
        size = {"height": document.state.video.height, "width": document.state.video.width}
        return await asyncio.to_thread(regions_of, mask.counts, max_area_px=max_area, **size)

    # --- Doing -------------------------------------------------------------------------------------------------------

    async def do(self, session: Session, video_id: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Does what a page asks for; when this returns, it is saved.

        Raises:
            BadRequestError, RefusedError, HeldError, StaleError, BusyError, EngineError, VideoTroubleError, FullDiskError: nothing
            was done; the messages are for the person.
        """
        action = request.get("action")
        if not isinstance(action, Mapping):
            raise BadRequestError("action is wanted as an object")
        name, action_id, revision = text(action, "action"), text(request, "id"), number(request, "revision")
        key = self.key(session, video_id)
        document = await self._document(key)
        desk = self._desk(key)
        if name == "cancel":
            return await self._cancel(desk, document, text(action, "job"))
        async with desk.doing:
            if document.revision_of(action_id) is not None or (desk.job is not None and desk.job_action == action_id):
                return await self._done_before(desk, document, revision)
            self._require_turn(session, key, document.state, name)
            if name not in FREE_OF_REVISION and revision != document.state.revision:
                raise StaleError(document.state.revision)
            if desk.job is not None and name != "seen":
                raise BusyError(desk.job)
            await self._require_video(document, name)
            before = document.state
            if name == "propagate":
                return await self._propagate(session, key, document, action, action_id)
            if name == "seen" and _all_seen(before, action):
                return {"saved": before.revision, "changes": changes_of(before, before), "job": _view(desk.job)}
            planned = functools.partial(self._event, session, key, document, action)
            kind, data, facts = await asyncio.to_thread(planned)
            before, after = await asyncio.to_thread(self._add, document, kind, data, session.user, action_id, facts)
            changes = await self._changed(key, document, before, after)
            return {"saved": after.revision, "changes": changes, "job": _view(desk.job)}

    def _require_turn(self, session: Session, key: Key, state: VideoState, name: str) -> None:
        holder = self.sessions.holder(key)
        if holder is session:
            return
        reviews = state.status == "submitted" and person(session.user) != person(state.annotator or "")
        if name == "seen" and reviews:
            return
        if holder is None:
            raise HeldError("nobody")
        raise HeldError(holder.user)

    async def _require_video(self, document: Document, name: str) -> None:
        if name in ("accept-video", "cancel"):
            return
        trouble = await asyncio.to_thread(document.trouble)
        if trouble:
            raise VideoTroubleError(trouble)

    def _event(
        self, session: Session, key: Key, document: Document, action: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any], Mapping[str, str] | None]:
        """The event that an action becomes, and the facts of the engine if one was asked."""
        name, state = action["action"], document.state
        if name == "prompt":
            return self._prompted(key, document, action)
        if name == "accept-video":
            return "video", {"video": document.facts_now()}, None
        kind, data = event_of(state, action)
        return kind, data, None

    def _prompted(
        self, key: Key, document: Document, action: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
        state = document.state
        object_id, frame_index = number(action, "object_id"), number(action, "frame_index")
        clicks, box = clicks_of(action), box_of(action)
        if not clicks and box is None:
            raise BadRequestError("a prompt has clicks or a box")
        if state.status not in EDITABLE:
            raise RefusedError(f"the video is {state.status}", code="status")
        if object_id not in state.objects or not 0 <= frame_index < state.video.num_frames:
            raise RefusedError(f"there is no object {object_id} or no frame {frame_index}", code="not-found")
        if frame_index in state.locked:
            raise RefusedError(
                f"frame {frame_index} is locked: unlock it first", code="locked-frame", frames=[frame_index]
            )
        start = _start_of(state, object_id, frame_index) if action.get("keep_mask") and box is None else None
        size = {"height": state.video.height, "width": state.video.width}
        prompt = Prompt(
            object_id,
            frame_index,
            clicks=tuple(Click(x, y, bool(sign)) for x, y, sign in clicks),
            box=None if box is None else (box[0], box[1], box[2], box[3]),
            mask=None if start is None else decode([start], **size)[0] > 0,
        )
        counts, facts = self.room.prompt(_name(key), self._engine_pictures(key, document), state, prompt)
        said = {"clicks": clicks, "box": box, "start": start}
        return "masks", {"from": "prompt", "masks": [[object_id, frame_index, counts]], "prompt": said}, facts

    def _engine_pictures(self, key: Key, document: Document) -> Pictures:
        """The frames as the engine reads them; the page steps through frames of its own."""
        desk = self._desk(key)
        if desk.engine_pictures is None or desk.engine_pictures.index is not document.video.index:
            desk.engine_pictures = Pictures(document.video.path, document.video.index)
        return desk.engine_pictures

    def _add(
        self,
        document: Document,
        kind: str,
        data: Mapping[str, Any],
        user: str,
        action_id: str,
        facts: Mapping[str, str] | None,
    ) -> tuple[VideoState, VideoState]:
        try:
            with document.changing:
                before = document.state
                return before, document.add(kind, data, user=user, action=action_id, engine_facts=facts)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise FullDiskError(
                    f"not saved: {document.place.home}: {error.strerror}. Make room there and try again"
                ) from error
            raise

    async def _changed(self, key: Key, document: Document, before: VideoState, after: VideoState) -> dict[str, Any]:
        """Tells everybody who watches; gives back the changes."""
        changes = await asyncio.to_thread(changes_of, before, after)
        if changes["masks"]:
            changes["overlaps"] = await asyncio.to_thread(overlaps_of, after)
        self.store.changed(key, after)
        self.raw_writer.later(*key, after)
        for session in self.sessions.watching(key):
            session.tell({"type": "changes", "video_id": key[1], "changes": changes})
        await self._tell_line(key)
        return changes

    async def _done_before(self, desk: _Desk, document: Document, revision: int) -> dict[str, Any]:
        """The answer to a request that comes a second time, because the first answer was lost."""
        events = await asyncio.to_thread(document.events)
        now = document.state
        known = fold(events[:revision]) if 1 <= revision <= now.revision else now
        changes = await asyncio.to_thread(changes_of, known, now)
        return {"saved": now.revision, "changes": changes, "job": _view(desk.job)}

    # --- Propagation -------------------------------------------------------------------------------------------------

    async def _propagate(
        self, session: Session, key: Key, document: Document, action: Mapping[str, Any], action_id: str
    ) -> dict[str, Any]:
        state, desk = document.state, self._desk(key)
        if state.status not in EDITABLE:
            raise RefusedError(f"the video is {state.status}", code="status")
        ids = action.get("object_ids")
        if not isinstance(ids, list) or not all(isinstance(i, int) for i in ids):
            raise BadRequestError("object_ids are wanted as a list of numbers")
        job_id = f"j-{secrets.token_urlsafe(8)}"
        job = jobs.planned(state, job_id, session.user, ids, number(action, "first"), number(action, "last"))
        desk.job, desk.job_action = job, action_id
        task = self._spawn(self._run_job(key, document, desk, job, action_id))
        task.set_name(f"job {job_id}")
        return {"saved": state.revision, "changes": changes_of(state, state), "job": job.view()}

    async def _run_job(self, key: Key, document: Document, desk: _Desk, job: Job, action_id: str) -> None:
        loop = asyncio.get_running_loop()

        def on_change(before: VideoState, after: VideoState) -> None:
            # One after the other: a page applies changes in their order.
            asyncio.run_coroutine_threadsafe(self._changed(key, document, before, after), loop).result()

        def on_progress() -> None:
            loop.call_soon_threadsafe(self._tell_job, key, desk, job, False)

        run = functools.partial(
            jobs.run,
            job,
            document,
            self.room,
            self._engine_pictures(key, document),
            key=_name(key),
            action=action_id,
            on_change=on_change,
            on_progress=on_progress,
        )
        try:
            await asyncio.to_thread(run)
        finally:
            desk.job = None
            self._tell_job(key, desk, job, True)

    def _tell_job(self, key: Key, desk: _Desk, job: Job, at_once: bool) -> None:
        now = asyncio.get_running_loop().time()
        if at_once or now - desk.told_job_at > 0.1:
            desk.told_job_at = now
            for session in self.sessions.watching(key):
                session.tell({"type": "job", "video_id": key[1], "job": job.view()})

    async def _cancel(self, desk: _Desk, document: Document, job_id: str) -> dict[str, Any]:
        if desk.job is None or desk.job.job_id != job_id:
            raise RefusedError("this propagation has ended", code="not-found")
        desk.job.cancelled.set()
        state = document.state
        return {"saved": state.revision, "changes": changes_of(state, state), "job": desk.job.view()}

    # --- Small things ------------------------------------------------------------------------------------------------

    async def _document(self, key: Key) -> Document:
        return await asyncio.to_thread(self.store.document, key)

    def _desk(self, key: Key) -> _Desk:
        return self._desks.setdefault(key, _Desk())

    async def _prepare(self, key: Key, document: Document, frame_index: int) -> None:
        if self._desk(key).job is None and document.state.status in EDITABLE:
            pictures = self._engine_pictures(key, document)
            try:
                await asyncio.to_thread(self.room.prepare, _name(key), pictures, frame_index)
            except (EngineError, ValueError, OSError):
                return  # what is wrong is said to the first click

    async def _tell_lock(self, key: Key) -> None:
        for session in self.sessions.watching(key):
            session.tell({"type": "lock", "video_id": key[1], "lock": self.lock_view(session, key)})
        await self._tell_line(key)

    async def _tell_line(self, key: Key) -> None:
        for session in self.sessions.all():
            if session.lines:
                session.tell({"type": "videos", "videos": [self.video_line(session, key[1])]})

    def _raw_written(self, home: Path, video_id: str, revision: int, error: str | None) -> None:
        """Called by the writer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_raw, (home, video_id), revision, error)

    def _tell_raw(self, key: Key, revision: int, error: str | None) -> None:
        desk = self._desk(key)
        changed, desk.raw_error = error != desk.raw_error, error
        message = f"{key[0]}: not up to date, {error}; it is tried again" if error else None
        for session in self.sessions.watching(key):
            changes = {"from": None, "raw": {"written": revision, "error": message}}
            session.tell({"type": "raw", "video_id": key[1], "raw": changes["raw"]})
            if changed and message:
                session.tell({"type": "notice", "message": message})

    def _raw_view(self, key: Key) -> dict[str, Any]:
        revision = self.raw_writer.folder(key[0]).revision(key[1])
        return {"written": revision, "error": self._desk(key).raw_error}

    def _spawn(self, work: Any) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _view(job: Job | None) -> dict[str, Any] | None:
    return None if job is None else job.view()


def _start_of(state: VideoState, object_id: int, frame_index: int) -> str | None:
    """The mask that clicks go on from: that of the prompt before, or what somebody or something has drawn."""
    mask = state.mask(object_id, frame_index)
    if mask is None:
        return None
    return mask.start if mask.origin == "prompt" else mask.counts


def _all_seen(state: VideoState, action: Mapping[str, Any]) -> bool:
    """Whether nothing would change."""
    kind, data = event_of(state, action)
    last = state.video.num_frames - 1
    if kind != "seen" or any(not 0 <= frame <= last for pair in data["ranges"] for frame in pair):
        return False
    return all(frame in state.seen for a, b in data["ranges"] for frame in range(a, b + 1))


def _line(summary: Summary | None, user: str) -> dict[str, Any]:
    names = ("num_seen", "num_masks", "num_objects", "num_proposals")
    if summary is None:
        return {
            **{"status": "untouched", "label": None, "num_frames": None, "annotator": None, "reviewer": None},
            **dict.fromkeys(names, 0),
            **{"disputed": 0, "can_review": False, "is_mine": False, "seconds": 0.0, "seconds_per_mask": None},
        }
    mine = person(summary.annotator or "") == person(user)
    seconds, masks = sum(summary.seconds_by.values()), sum(summary.masks_by.values())
    return {
        **{name: getattr(summary, name) for name in (*names, "status", "label", "num_frames", "annotator", "reviewer")},
        "disputed": summary.num_disputed,
        "can_review": summary.status == "submitted" and not mine,
        "is_mine": mine and summary.status != "untouched",
        "seconds": round(seconds, 1),
        "seconds_per_mask": round(seconds / masks, 2) if masks else None,
    }


__all__ = [
    "BusyError",
    "FullDiskError",
    "NoSessionError",
    "Service",
    "StaleError",
    "VideoTroubleError",
]
