"""The open annotation of one video: its log, the state computed from the log, and the video."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...builder.raw import VideoEntry, own_mask_files, read_png
from ...builder.work import link_or_copy
from ...masks import encode
from .events import LOG_FORMAT, Event
from .folder import EVENTS
from .log import LogError, LogWriter, read_log
from .proposals import Proposals
from .reducer import apply, fold
from .state import RefusedError, VideoFacts, VideoState, ranges_of
from .video_file import VideoFile, open_video

UNKNOWN = "unknown"
"""The generator of a video for which none is given."""


def utc_now() -> str:
    """The current time in the form of events: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one video's annotation.

    Attributes:
        home: a raw folder: the common one, or one person's own.
        video_path: path of the video, in `home` or in the source folder.
        entry: the video's line of videos.jsonl; None if it has none.
        has_masks: whether `home` held masks of the video before it was annotated here.
        generator: generator of a video without a line.
        proposals: first masks from a model; None for none.
    """

    home: Path
    video_id: str
    video_path: Path
    entry: VideoEntry | None
    has_masks: bool
    generator: str = UNKNOWN
    proposals: Proposals | None = None

    @property
    def log_path(self) -> Path:
        """The path of the log. The file exists after the first event."""
        return log_path_of(self.home, self.video_id)


def log_path_of(home: Path, video_id: str) -> Path:
    """The path of a video's log in a raw folder."""
    return home / EVENTS / f"{video_id}.jsonl"


class Document:
    """One open annotation. Its methods may be called from several threads; a lock orders the
    changes.
    """

    def __init__(self, place: Place, *, now: Callable[[], str] = utc_now) -> None:
        """Reads the log. A new log is written with its first event.

        Raises:
            VideoError: the video cannot be decoded. LogError: the log is damaged.
            RawError: masks cannot be read. OSError: a file cannot be read.
        """
        self.place = place
        self.changing = threading.RLock()
        self._now = now
        self.video = open_video(
            place.video_path, place.home / EVENTS / f"{place.video_id}.index.json"
        )
        content = read_log(place.log_path)
        self.notices: list[str] = []
        if content.torn_bytes:
            self.notices.append(
                f"the last {content.torn_bytes} bytes of the log are cut off: the server was ended "
                "while it wrote them, and nobody had heard that they were saved"
            )
        self._content = content
        self._writer: LogWriter | None = None
        if content.events:
            try:
                self.state = fold(content.events)
            except (RefusedError, KeyError, TypeError, ValueError) as error:
                raise LogError(
                    f"{place.log_path}: {error}. Put the log back from a copy."
                ) from error
            self._pending: tuple[Event, ...] = ()
        else:
            start, self.notices = start_event(place, self.video, at=now())
            self._pending = (start,)
            self.state = fold(self._pending)
        self._done = {event.action: event.n for event in content.events if event.action}

    def add(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        user: str,
        action: str = "",
        step: str = "",
        engine_facts: Mapping[str, str] | None = None,
    ) -> VideoState:
        """Adds an event, which is on disk when this returns, and returns the new state.

        Args:
            engine_facts: facts of the engine that made the masks of this event.

        Raises:
            RefusedError: the event is not possible. OSError: it cannot be saved. In both cases
                nothing has changed.
        """
        with self.changing:
            state, events = self.state, []
            if engine_facts is not None and (
                state.engine is None or state.engine[1] != engine_facts
            ):
                events.append(
                    Event(
                        state.revision + 1,
                        self._now(),
                        user,
                        "engine",
                        {"facts": dict(engine_facts)},
                    )
                )
                state = apply(state, events[-1])
            events.append(Event(state.revision + 1, self._now(), user, kind, data, action, step))
            state = apply(state, events[-1])
            self._opened().append([*self._pending, *events])
            self._pending = ()
            self.state = state
            if action:
                self._done[action] = state.revision
            return state

    def revision_of(self, action: str) -> int | None:
        """The revision after an action that was executed before; None if it was not."""
        return self._done.get(action) if action else None

    def events(self) -> tuple[Event, ...]:
        """All events of the log."""
        return read_log(self.place.log_path).events

    def facts_now(self) -> dict[str, Any]:
        """The facts of the video's current file, for an event."""
        return asdict(facts_of(self.state.video.name, self.video))

    def trouble(self) -> str | None:
        """The reason why the annotation cannot be changed: the video's file has changed. None if it
        has not.
        """
        try:
            if not self.video.looks_unchanged():
                self.video = open_video(
                    self.video.path, self.place.home / EVENTS / f"{self.place.video_id}.index.json"
                )
        except FileNotFoundError:
            return (
                f"the file of the video is gone: put {self.video.path} back; what was annotated is "
                "kept"
            )
        if self.video.sha256 == self.state.video.sha256:
            return None
        facts, index = self.state.video, self.video.index
        same = (facts.height, facts.width, facts.num_frames) == (
            index.height,
            index.width,
            index.num_frames,
        )
        what = (
            f"the file of the video was changed: {self.video.path} is not the one that was "
            "annotated"
        )
        if same:
            return (
                f"{what}. Put the old one back, or go on with this one, which has the same size "
                "and number of frames"
            )
        return (
            f"{what}; it has {index.num_frames} frames of {index.width}x{index.height}, the masks "
            f"belong to {facts.num_frames} of {facts.width}x{facts.height}. Put the old one back; "
            "what was annotated is kept"
        )

    def close(self) -> None:
        """Closes the log."""
        with self.changing:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
                self._content = read_log(self.place.log_path)

    def _opened(self) -> LogWriter:
        """The log, open for writing. Before the first event, the video is linked or copied into the
        raw folder.
        """
        if self._writer is not None:
            return self._writer
        place = self.place
        path = place.home / "videos" / f"{place.video_id}{place.video_path.suffix.lower()}"
        if not path.exists():
            link_or_copy(place.video_path, path)
        if path != self.video.path:
            self.video = open_video(path, place.home / EVENTS / f"{place.video_id}.index.json")
        self._writer = LogWriter(place.log_path, self._content)
        return self._writer


def facts_of(name: str, video: VideoFile) -> VideoFacts:
    """The facts of a video in the form of events."""
    index = video.index
    return VideoFacts(
        name=name,
        sha256=video.sha256,
        num_bytes=video.num_bytes,
        height=index.height,
        width=index.width,
        num_frames=index.num_frames,
    )


def start_event(place: Place, video: VideoFile, *, at: str) -> tuple[Event, list[str]]:
    """The first event of a log, with the video's facts, its line and its existing masks; and
    notices for people.
    """
    index, entry = video.index, place.entry
    masks = _read_masks(place) if place.has_masks else []
    annotated: list[list[int]] = []
    if place.has_masks:
        frames = None if entry is None else entry.annotated_frames
        annotated = ranges_of(range(index.num_frames) if frames is None else frames)
    types = dict(entry.objects or {}) if entry is not None else {}
    subtypes = entry.subtypes if entry is not None else {}
    objects = [
        {"object_id": i, "artifact_type": kind, "subtype": subtypes.get(i), "created_by": ""}
        for i, kind in sorted(types.items())
    ]
    source = dict(entry.source) if entry is not None else {}
    about: dict[str, Any] = {
        "generator": (entry.generator if entry is not None else None) or place.generator,
        "prompt": entry.prompt if entry is not None else None,
        "split": entry.split if entry is not None else None,
        "review": entry.review if entry is not None else None,
        "source": source,
    }
    approved = place.has_masks and about["review"] == "approved"
    proposed = None
    if place.proposals is not None:
        size = {"height": index.height, "width": index.width, "num_frames": index.num_frames}
        proposed = place.proposals.of(place.video_id, **size)
    if proposed is not None and proposed.masks:
        proposal_id = max([0, *types]) + 1
        objects.append(
            {
                "object_id": proposal_id,
                "artifact_type": None,
                "subtype": None,
                "created_by": proposed.by,
            }
        )
    data = {
        "log_format": LOG_FORMAT,
        "video": asdict(facts_of(place.video_path.name, video)),
        "about": about,
        "status": "approved" if approved else "untouched",
        "annotator": source.get("annotator") if place.has_masks else None,
        "objects": objects,
        "masks": masks,
        "seen": annotated,
    }
    if proposed is not None and proposed.masks:
        data |= {
            "proposed_by": proposed.by,
            "proposed": [
                [proposal_id, frame, counts] for frame, counts in sorted(proposed.masks.items())
            ],
        }
    return Event(1, at, "", "start", data), [] if proposed is None else list(proposed.problems)


def _read_masks(place: Place) -> list[list[Any]]:
    """[object_id, frame_index, counts] of every mask of the video in the raw folder."""
    entries: list[list[Any]] = []
    files, _ = own_mask_files(place.home / "masks" / place.video_id, raw=place.home)
    for frame_index, paths in files.items():
        for path in paths:
            _, plane = read_png(path)
            ids = sorted(set(plane[plane > 0].tolist()))
            entries += [[i, frame_index, encode((plane == i)[None])[0]] for i in ids]
    return entries
