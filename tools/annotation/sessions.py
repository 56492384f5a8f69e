"""Who is there: one session for each open page, and who of them holds which annotation."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .state import RefusedError, person
from .store import Key

GRACE_S = 20.0
"""A page that was reloaded or lost its connection keeps what it holds for so long."""
FORGET_S = 3600.0
"""A page that comes back within this time is still known, and takes its lock again."""
MAX_NAME = 64


class NoSessionError(ValueError):
    """The session is not known; the server was started again."""


class HeldError(ValueError):
    """Somebody else holds the annotation, or nobody: the page has to take it first."""

    def __init__(self, holder: str | None) -> None:
        who = (
            "you do not hold this video (any more): take it first"
            if holder is None
            else f"{holder} works on this video: you can read"
        )
        super().__init__(who)
        self.holder = holder


@dataclass(slots=True, eq=False)
class Session:
    """One page. `lines` are its open connections, `gone_at` the time when the last one went, None while one is there."""

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
        RefusedError: it is none; says what a name is.
    """
    found = " ".join(name.split()) if isinstance(name, str) else ""
    if not 1 <= len(found) <= MAX_NAME or not found.isprintable():
        raise RefusedError(f"a name has 1 to {MAX_NAME} printable characters")
    return found


class Sessions:
    """All pages, and what they hold. To be used from the event loop only."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._holders: dict[Key, Session] = {}

    def hello(self, user: str) -> Session:
        """A new session."""
        session = Session(f"s-{secrets.token_urlsafe(12)}", user, self._clock())
        self._sessions[session.session_id] = session
        return session

    def get(self, session_id: object) -> Session:
        """The session.

        Raises:
            NoSessionError: it is not known.
        """
        found = self._sessions.get(session_id) if isinstance(session_id, str) else None
        if found is None:
            raise NoSessionError("the session is not known here: say hello again")
        if found.gone_at is not None:  # without a connection, but asking
            found.gone_at = self._clock()
        return found

    def all(self) -> list[Session]:
        """Every session."""
        return list(self._sessions.values())

    def watching(self, key: Key) -> list[Session]:
        """The pages that show an annotation."""
        return [session for session in self._sessions.values() if session.watches == key]

    def connect(self, session: Session) -> "asyncio.Queue[dict[str, Any]]":
        """A line to the page."""
        line: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        session.lines.add(line)
        session.gone_at = None
        return line

    def disconnect(self, session: Session, line: "asyncio.Queue[dict[str, Any]]") -> None:
        """Ends a line; with the last one the time begins after which the page counts as closed."""
        session.lines.discard(line)
        if not session.lines:
            session.gone_at = self._clock()

    def holder(self, key: Key) -> Session | None:
        """Who holds an annotation."""
        return self._holders.get(key)

    def held(self) -> dict[Key, Session]:
        """Everything that is held."""
        return dict(self._holders)

    def held_by_another(self, key: Key, user: str) -> bool:
        """Whether a person of another name holds it."""
        holder = self._holders.get(key)
        return holder is not None and person(holder.user) != person(user)

    def take(self, key: Key, session: Session, *, from_other_page: bool) -> None:
        """Gives an annotation to a page; everything else that it held is free then.

        Args:
            from_other_page: also where another page of the same person holds it.

        Raises:
            HeldError: somebody holds it.
        """
        holder = self._holders.get(key)
        if holder is not None and holder is not session:
            same = person(holder.user) == person(session.user)
            # A page that was loaded again does not wait for its own absence to end.
            if not (same and (from_other_page or holder.gone_at is not None)):
                raise HeldError(holder.user)
        self._holders = {other: held for other, held in self._holders.items() if held is not session}
        self._holders[key] = session

    def release(self, key: Key, session: Session) -> None:
        """Frees an annotation that this page holds."""
        if self._holders.get(key) is session:
            del self._holders[key]

    def sweep(self) -> list[Key]:
        """Frees what pages hold that are gone, and forgets those that are gone for long; gives back what is free now."""
        now = self._clock()
        free = [key for key, session in self._holders.items() if _absent_s(session, now) > GRACE_S]
        for key in free:
            del self._holders[key]
        for session in self.all():
            if _absent_s(session, now) > FORGET_S:
                del self._sessions[session.session_id]
        return free


def _absent_s(session: Session, now: float) -> float:
    return 0.0 if session.gone_at is None else now - session.gone_at
