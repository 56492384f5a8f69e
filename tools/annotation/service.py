"""The server's logic for one folder, without HTTP. Use it from one event loop only."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..page import FrameQueue, Lane, PictureFormat
from .desk import Desk
from .document import Document
from .engine_room import EngineRoom
from .engines import Engine
from .jobs import Job
from .listing import next_video, video_line
from .raw_output import RawWriter
from .reducer import fold
from .regions import Regions, regions_of
from .sessions import Session, Sessions
from .state import RefusedError, VideoState, person
from .store import Key, Store
from .summary import people_of
from .video_file import times_of
from .views import changes_of, overlaps_of, view_of

SWEEP_S = 2.0
"""Time in seconds between two checks for closed pages."""


class Service:
    """One folder that people annotate."""

    def __init__(
        self,
        store: Store,
        make_engine: Callable[[], Engine],
        *,
        engine_name: str,
        engine_facts: Mapping[str, str],
        subtypes: Mapping[str, Sequence[str]],
        user: str | None,
    ) -> None:
        """
        Args:
            subtypes: by artifact type, for people to choose from.
            user: the name that the page proposes.
        """
        self.store = store
        self.user = user
        self.sessions = Sessions()
        self.raw_writer = RawWriter(self._raw_written)
        self._frames = FrameQueue()
        self._room = EngineRoom(make_engine)
        self._engine = {
            "name": engine_name,
            "facts": dict(engine_facts),
            "ready": True,
            "error": None,
        }
        self._subtypes = {kind: list(names) for kind, names in subtypes.items()}
        self._desks: dict[Key, Desk] = {}
        self._raw_errors: dict[Key, str | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- Life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts, and writes saved work that is not yet in the raw folders."""
        self._loop = asyncio.get_running_loop()
        self._sweeping = asyncio.create_task(self._sweep())
        await asyncio.to_thread(self._catch_up)

    async def stop(self) -> None:
        """Cancels propagations, updates the raw folders, and ends."""
        for desk in self._desks.values():
            if desk.job is not None:
                desk.job.cancelled.set()
        if self._sweeping is not None:
            self._sweeping.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.raw_writer.close)
        await asyncio.to_thread(self._room.close)
        self._frames.close()
        self.store.close()

    def _catch_up(self) -> None:
        for home, video_id in self.store.begun():
            try:
                summary = self.store.summary((home, video_id))
                if (
                    summary is not None
                    and self.raw_writer.folder(home).revision(video_id) != summary.revision
                ):
                    self.raw_writer.later(home, video_id, fold(self.store.events((home, video_id))))
            except (ValueError, OSError):
                continue  # the list of videos shows this video's error

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            for key in self.sessions.sweep():
                self._tell_lock(key)
            in_use = {s.watches for s in self.sessions.all() if s.watches} | set(
                self.sessions.held()
            )
            busy = {key for key, desk in self._desks.items() if desk.job is not None}
            for key in await asyncio.to_thread(self.store.close_idle, in_use | busy):
                desk = self._desks.pop(key, None)
                if desk is not None:
                    await asyncio.to_thread(self._room.forget, desk.name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- The folder -------------------------------------------------------------------------------

    def project(self, session: Session) -> dict[str, Any]:
        """The facts of the folder for the page."""
        folder = self.store.folder
        lines = [
            video_line(self.store, self.sessions, session, video_id)
            for video_id in self.store.video_ids
        ]
        return {
            "folder": folder.settings.folder,
            "raw": str(folder.raw),
            "engine": self._engine,
            "subtypes": self._subtypes,
            "mode": folder.settings.mode,
            "double_percent": folder.settings.double_percent,
            "notices": list(folder.notices),
            "videos": lines,
            "people": people_of(self.store.summaries()),
        }

    def next_video(self, session: Session, *, after: str | None, for_review: bool) -> str | None:
        """The next video that this person should annotate, or may review."""
        return next_video(self.store, self.sessions, session, after=after, for_review=for_review)

    def key(self, session: Session, video_id: str) -> Key:
        """The annotation of a video that this page holds, else the one that this person works on or
        reviews now.

        Raises:
            RefusedError: no such video.
        """
        return self.sessions.held_of(session, video_id) or self.store.key_for(
            session.user, video_id, self.sessions.held_by_another
        )

    def _names(self, key: Key) -> dict[str, Any]:
        """The names of a video and of one annotation of it, by which a page knows what is about the
        one that it shows.
        """
        return {"video_id": key[1], "annotation": key[0].relative_to(self.store.raw).as_posix()}

    # --- One video --------------------------------------------------------------------------------

    async def open(self, session: Session, video_id: str) -> dict[str, Any]:
        """The whole state of a video. From now on, the page gets its changes.

        Raises:
            RefusedError: no such video. VideoError, LogError, RawError, OSError: it cannot be
                opened.
        """
        key = self.key(session, video_id)
        desk = await self._desk(key)
        document = desk.document
        session.watches = key
        trouble = await asyncio.to_thread(document.trouble)
        index = document.video.index
        written = await asyncio.to_thread(self.raw_writer.folder(key[0]).revision, video_id)
        # Repeat until state and propagation belong together; the page must not see its end with
        # older masks.
        while True:
            state, job = document.state, desk.job
            view = await asyncio.to_thread(view_of, state)
            overlaps = await asyncio.to_thread(overlaps_of, state)
            if desk.job is job:
                break
        return {
            **self._names(key),
            "name": self.store.name_of(video_id),
            "width": index.width,
            "height": index.height,
            "num_frames": index.num_frames,
            "fps": index.fps,
            "rotation": index.rotation,
            "sha256": document.video.sha256,
            "times": times_of(index),
            **view,
            "overlaps": overlaps,
            "lock": self.lock_view(session, key),
            "job": None if job is None else job.view(),
            "notices": [*([trouble] if trouble else []), *document.notices],
            "read_only": trouble,
            "raw": {"written": written, "error": self._raw_errors.get(key)},
        }

    async def do(
        self, session: Session, video_id: str, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Executes an action; see `Desk.do`."""
        key = self.key(session, video_id)
        desk = await self._desk(key)
        return await desk.do(session, self.sessions.holder(key), request)

    def lock_view(self, session: Session, key: Key) -> dict[str, Any]:
        """The holder of an annotation, in the form for this page."""
        holder = self.sessions.holder(key)
        same = (
            holder is not None
            and holder is not session
            and person(holder.user) == person(session.user)
        )
        return {
            "holder": None if holder is None else holder.user,
            "mine": holder is session,
            "same_name": same,
            "turn": self.sessions.turn,
        }

    def lock(self, session: Session, video_id: str, *, take: bool) -> dict[str, Any]:
        """Takes the lock of a video for this page, and frees every other lock of the page.

        Args:
            take: True takes it also from another page of the same person.

        Raises:
            HeldError: somebody else holds it.
        """
        key = self.key(session, video_id)
        before = [
            held
            for held, holder in self.sessions.held().items()
            if holder is session and held != key
        ]
        self.sessions.take(key, session, from_other_page=take)
        for other in (*before, key):
            self._tell_lock(other)
        return self.lock_view(session, key)

    def unlock(self, session: Session, video_id: str) -> None:
        """Frees the lock of a video."""
        key = self.key(session, video_id)
        self.sessions.release(key, session)
        self._tell_lock(key)

    async def frame(
        self,
        session: Session,
        video_id: str,
        frame_index: int,
        kind: PictureFormat,
        *,
        height: int | None,
        lane: Lane,
    ) -> tuple[bytes, int, float]:
        """A frame as a picture file, its presentation time in ticks, and in seconds from the first
        frame.

        Raises:
            SupersededError: the page has requested a newer frame. RefusedError: no such frame.
        """
        key = self.key(session, video_id)
        index = (await self._document(key)).video.index
        if not 0 <= frame_index < index.num_frames:
            raise RefusedError(f"there is no frame {frame_index}", code="not-found")
        pictures = await asyncio.to_thread(self.store.pictures, key)
        load = functools.partial(pictures.file, frame_index, kind, height=height)
        content = await self._frames.get(key, session.session_id, lane, load)
        return content, int(index.frame_pts[frame_index]), times_of(index)[frame_index]

    async def prepare(self, session: Session, video_id: str, frame_index: int) -> None:
        """Lets the engine compute in advance what a click on a frame needs. Returns at once.

        Raises:
            RefusedError: no such frame.
        """
        desk = await self._desk(self.key(session, video_id))
        if not 0 <= frame_index < desk.document.video.index.num_frames:
            raise RefusedError(f"there is no frame {frame_index}", code="not-found")
        if (
            self._preparing is None or self._preparing.done()
        ):  # the page asks again for the next frame on which it stays
            self._preparing = self._spawn(desk.prepare(frame_index))

    async def stray(
        self, session: Session, video_id: str, object_id: int, frame_index: int, max_area: int
    ) -> Regions:
        """Small pieces and holes of a mask.

        Raises:
            RefusedError: the mask does not exist.
        """
        state = (await self._document(self.key(session, video_id))).state
        mask = state.mask(object_id, frame_index)
        if mask is None:
            raise RefusedError(
                f"object {object_id} has no mask in frame {frame_index}", code="not-found"
            )
        size = {"height": state.video.height, "width": state.video.width}
        return await asyncio.to_thread(regions_of, mask.counts, max_area_px=max_area, **size)

    async def _document(self, key: Key) -> Document:
        return await asyncio.to_thread(self.store.document, key)

    async def _desk(self, key: Key) -> Desk:
        document = await self._document(key)
        desk = self._desks.get(key)
        if desk is None or desk.document is not document:
            desk = self._desks[key] = Desk(
                document,
                self._room,
                on_change=functools.partial(self._changed, key),
                on_job=functools.partial(self._tell_job, key),
                spawn=self._spawn,
            )
        return desk

    # --- Telling pages ----------------------------------------------------------------------------

    async def _changed(self, key: Key, before: VideoState, after: VideoState) -> dict[str, Any]:
        changes = await asyncio.to_thread(changes_of, before, after)
        if changes["masks"]:
            changes["overlaps"] = await asyncio.to_thread(overlaps_of, after)
        self.store.changed(key, after)
        self.raw_writer.later(*key, after)
        self._tell(key, {"type": "changes", "changes": changes})
        self._tell_line(key)
        return changes

    def _tell(self, key: Key, message: dict[str, Any]) -> None:
        for session in self.sessions.watching(key):
            session.tell(message | self._names(key))

    def _tell_job(self, key: Key, job: Job) -> None:
        self._tell(key, {"type": "job", "job": job.view()})

    def _tell_lock(self, key: Key) -> None:
        for session in self.sessions.watching(key):
            session.tell({"type": "lock", "lock": self.lock_view(session, key)} | self._names(key))
        self._tell_line(key)

    def _tell_line(self, key: Key) -> None:
        for session in self.sessions.all():
            if session.lines:
                line = video_line(self.store, self.sessions, session, key[1])
                session.tell({"type": "videos", "videos": [line]})

    def _raw_written(self, home: Path, video_id: str, revision: int, error: str | None) -> None:
        """Called by the writer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_raw, (home, video_id), revision, error)

    def _tell_raw(self, key: Key, revision: int, error: str | None) -> None:
        message = f"{key[0]}: not up to date, {error}; writing is tried again" if error else None
        is_new = message is not None and message != self._raw_errors.get(key)
        self._raw_errors[key] = message
        self._tell(key, {"type": "raw", "raw": {"written": revision, "error": message}})
        if is_new:
            for session in self.sessions.watching(key):
                session.tell({"type": "notice", "message": message})
