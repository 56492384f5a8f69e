"""Sessions: one for each open page, and the locks that they hold on annotations."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .state import RefusedError, person
from .store import Key

GRACE_S = 20.0
"""A page that was reloaded or lost its connection keeps its lock for this time, in seconds."""
FORGET_S = 3600.0
"""A page that comes back within this time, in seconds, is still known and can take its lock
again.
"""
MAX_NAME = 64


class NoSessionError(ValueError):
    """The session is unknown, because the server was restarted."""


class HeldError(ValueError):
    """This page does not hold the annotation; somebody else or nobody does."""

    def __init__(self, holder: str | None) -> None:
        who = (
            "you do not hold this video (any more): take it first"
            if holder is None
            else f"{holder} is working on this video: you can only look at it"
        )
        super().__init__(who)
        self.holder = holder


@dataclass(slots=True, eq=False)
class Session:
    """One page. `lines` are its open connections. `gone_at` is when the last one was closed, None
    while one is open.
    """

    session_id: str
    user: str
    gone_at: float | None
    watches: Key | None = None
    lines: "set[asyncio.Queue[dict[str, Any]]]" = field(default_factory=set)

    def tell(self, message: dict[str, Any]) -> None:
        """Sends a message to the page."""
        for line in self.lines:
            line.put_nowait(message)


def checked_name(name: object) -> str:
    """A person's name, trimmed.

    Raises:
        RefusedError: it is not a valid name.
    """
    trimmed = " ".join(name.split()) if isinstance(name, str) else ""
    if not 1 <= len(trimmed) <= MAX_NAME or not trimmed.isprintable():
        raise RefusedError(f"a name has 1 to {MAX_NAME} printable characters")
    return trimmed


class Sessions:
    """All sessions and their locks. Use it only from the event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._holders: dict[Key, Session] = {}
        self._turn = time.time_ns() // 1000

    @property
    def turn(self) -> int:
        """Grows whenever a lock is taken or freed, also over restarts: the first one is the time of
        the start in microseconds. By it a page knows which of two news of a lock is the later one,
        because an answer and the live channel can overtake each other.
        """
        return self._turn

    def hello(self, user: str) -> Session:
        """A new session."""
        session = Session(f"s-{secrets.token_urlsafe(12)}", user, self._clock())
        self._sessions[session.session_id] = session
        return session

    def get(self, session_id: object) -> Session:
        """The session with this id.

        Raises:
            NoSessionError: the id is unknown.
        """
        session = self._sessions.get(session_id) if isinstance(session_id, str) else None
        if session is None:
            raise NoSessionError("the session is unknown here: say hello again")
        if session.gone_at is not None:  # without a connection, but asking
            session.gone_at = self._clock()
        return session

    def all(self) -> list[Session]:
        """Every session."""
        return list(self._sessions.values())

    def watching(self, key: Key) -> list[Session]:
        """The sessions whose page shows an annotation."""
        return [session for session in self._sessions.values() if session.watches == key]

    def connect(self, session: Session) -> "asyncio.Queue[dict[str, Any]]":
        """A new connection to the page: a queue of messages."""
        line: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        session.lines.add(line)
        session.gone_at = None
        return line

    def disconnect(self, session: Session, line: "asyncio.Queue[dict[str, Any]]") -> None:
        """Ends a connection. After the last one, the page counts as closed after some time."""
        session.lines.discard(line)
        if not session.lines:
            session.gone_at = self._clock()

    def holder(self, key: Key) -> Session | None:
        """The session that holds an annotation; None for nobody."""
        return self._holders.get(key)

    def held(self) -> dict[Key, Session]:
        """Sessions by the annotation that they hold."""
        return dict(self._holders)

    def held_of(self, session: Session, video_id: str) -> Key | None:
        """The annotation of a video that this page holds; None for none."""
        return next(
            (
                key
                for key, holder in self._holders.items()
                if holder is session and key[1] == video_id
            ),
            None,
        )

    def held_by_another(self, key: Key, user: str) -> bool:
        """Whether a person of another name holds it."""
        holder = self._holders.get(key)
        return holder is not None and person(holder.user) != person(user)

    def take(self, key: Key, session: Session, *, from_other_page: bool) -> None:
        """Gives an annotation to a page, and frees everything else that the page held.

        Args:
            from_other_page: True takes it also from another page of the same person.

        Raises:
            HeldError: somebody else holds it.
        """
        holder = self._holders.get(key)
        if holder is not None and holder is not session:
            same = person(holder.user) == person(session.user)
            # A reloaded page takes the lock of its earlier session at once.
            if not (same and (from_other_page or holder.gone_at is not None)):
                raise HeldError(holder.user)
        self._holders = {
            other: held for other, held in self._holders.items() if held is not session
        }
        self._holders[key] = session
        self._turn += 1

    def release(self, key: Key, session: Session) -> None:
        """Frees an annotation that this page holds."""
        if self._holders.get(key) is session:
            del self._holders[key]
            self._turn += 1

    def sweep(self) -> list[Key]:
        """Frees the locks of closed pages, and forgets pages that were closed long ago. Returns the
        freed ones.
        """
        now = self._clock()
        free = {
            key: session
            for key, session in self._holders.items()
            if _absent_s(session, now) > GRACE_S
        }
        for key, session in free.items():
            self.release(key, session)
        for session in self.all():
            if _absent_s(session, now) > FORGET_S:
                del self._sessions[session.session_id]
        return list(free)


def _absent_s(session: Session, now: float) -> float:
    return 0.0 if session.gone_at is None else now - session.gone_at
