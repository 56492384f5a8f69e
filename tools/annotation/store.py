"""All annotations of a folder: which copy belongs to which person, which are open, and a summary of
each.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from math import ceil
from pathlib import Path

from ...builder.raw import FILE_NAME, VideoEntry, read_videos_jsonl
from ..page import Pictures
from .document import UNKNOWN, Document, Place, log_path_of
from .events import Event
from .folder import AnnotationFolder, safe_id, save_settings
from .log import read_log
from .proposals import Proposals
from .reducer import fold
from .state import RefusedError, VideoState, person
from .summary import Summary, summary_of

MAX_OPEN = 4
"""Number of unused annotations that stay open, with their frames in memory."""
SECOND = "second"
"""The raw folder of second persons, for videos that two people annotate."""
PEOPLE = "people"
"""The folder with one raw folder per person."""
DONE = frozenset({"submitted", "approved"})

Key = tuple[Path, str]
"""Identifies one annotation: its raw folder and the video_id."""
HeldByAnother = Callable[[Key, str], bool]
"""Returns whether a person other than this user holds an annotation."""


class Store:
    """The annotations of one folder. Its methods may be called from several threads."""

    def __init__(
        self,
        folder: AnnotationFolder,
        *,
        generator: str = UNKNOWN,
        proposals: Proposals | None = None,
    ) -> None:
        """
        Args:
            generator: generator of videos for which none is given.
            proposals: first masks of annotations that nobody has begun.
        """
        self.folder = folder
        self.raw = folder.raw
        self._settings = folder.settings
        self._generator = generator
        self._proposals = proposals
        self._open: OrderedDict[Key, Document] = OrderedDict()
        self._pictures: dict[Key, Pictures] = {}
        self._summaries: dict[Key, Summary | None] = {}
        self._changing = threading.RLock()
        self._opening: dict[Key, threading.Lock] = {}
        entries, _ = read_videos_jsonl(folder.raw / FILE_NAME, required=())
        self._held: dict[str, VideoEntry] = entries
        self.doubled = _doubled(list(folder.videos), folder.settings.double_percent)

    @property
    def video_ids(self) -> list[str]:
        """Ids of all videos, sorted."""
        return list(self.folder.videos)

    def name_of(self, video_id: str) -> str:
        """The name of the video's file in the source folder."""
        return self._settings.names.get(video_id, self.folder.videos[video_id].name)

    def key_for(self, user: str, video_id: str, held_by_another: HeldByAnother) -> Key:
        """The annotation of a video that this person works on or reviews.

        Raises:
            RefusedError: no such video.
        """
        if video_id not in self.folder.videos:
            raise RefusedError(f"there is no video {video_id}", code="not-found")
        common = (self.raw, video_id)
        if self._settings.mode == "independent":
            return self.raw / PEOPLE / self._folder_of(user), video_id
        if video_id not in self.doubled:
            return common
        second = (self.raw / SECOND, video_id)
        first_worker, second_worker = self._worker(common), self._worker(second)
        if first_worker == person(user):
            return common
        if second_worker == person(user):
            other = self.summary(common)
            mine = self.summary(second)
            # A person who has submitted their own annotation may see the other one, to review it.
            both_done = (
                other is not None and mine is not None and {other.status, mine.status} <= DONE
            )
            return common if both_done else second
        if first_worker is None and not held_by_another(common, user):
            return common
        if second_worker is None and not held_by_another(second, user):
            return second
        return common

    def document(self, key: Key) -> Document:
        """The annotation; it is opened first if needed.

        Raises:
            VideoError, LogError, RawError, OSError: see `Document`.
        """
        with self._changing:
            document = self._open.get(key)
            if document is not None:
                self._open.move_to_end(key)
                return document
            opening = self._opening.setdefault(key, threading.Lock())
        with opening:
            with self._changing:
                if key in self._open:
                    return self._open[key]
            document = Document(self._place(key))
            with self._changing:
                self._open[key] = document
                self._summaries[key] = summary_of(document.state)
            return document

    def pictures(self, key: Key) -> Pictures:
        """The frames of an open annotation."""
        document = self.document(key)
        with self._changing:
            pictures = self._pictures.get(key)
            if pictures is None or pictures.index is not document.video.index:
                pictures = self._pictures[key] = Pictures(document.video.path, document.video.index)
            return pictures

    def close_idle(self, in_use: Collection[Key]) -> list[Key]:
        """Closes the annotations that were opened longest ago and are not in use. Returns the
        closed ones.
        """
        with self._changing:
            idle = [key for key in self._open if key not in in_use]
            closing = idle[: max(0, len(idle) - MAX_OPEN)]
            for key in closing:
                self._open.pop(key).close()
                pictures = self._pictures.pop(key, None)
                if pictures is not None:
                    pictures.close()
            return closing

    def changed(self, key: Key, state: VideoState) -> Summary:
        """Records a new state and returns its summary for the list."""
        summary = summary_of(state)
        with self._changing:
            self._summaries[key] = summary
        return summary

    def summary(self, key: Key) -> Summary | None:
        """The summary of an annotation; None if nobody has begun it.

        Raises:
            LogError, RefusedError: its log cannot be read.
        """
        with self._changing:
            if key in self._summaries:
                return self._summaries[key]
        events = self.events(key)
        if events:
            return self.changed(key, fold(events))
        with self._changing:
            return self._summaries.setdefault(key, None)

    def events(self, key: Key) -> tuple[Event, ...]:
        """The events of an annotation; empty if nobody has begun it.

        Raises:
            LogError: its log is damaged. OSError: its log cannot be read.
        """
        home, video_id = key
        return read_log(log_path_of(home, video_id)).events

    def summaries(self) -> list[Summary]:
        """The summaries of all begun annotations, every copy, without those whose log cannot be
        read.
        """
        summaries = []
        for key in self.begun():
            with suppress(ValueError, OSError):
                summaries.append(self.summary(key))
        return [summary for summary in summaries if summary is not None]

    def begun(self) -> list[Key]:
        """The annotations that have a log, sorted by folder and video_id."""
        homes = [
            self.raw,
            self.raw / SECOND,
            *(self.raw / PEOPLE / name for name in self._settings.people),
        ]
        keys = [(home, video_id) for home in homes for video_id in self.video_ids]
        return [key for key in keys if self._summaries.get(key) or log_path_of(*key).exists()]

    def close(self) -> None:
        """Closes all annotations."""
        with self._changing:
            for document in self._open.values():
                document.close()
            self._open.clear()

    def _place(self, key: Key) -> Place:
        home, video_id = key
        beside = next(iter(sorted((home / "videos").glob(f"{video_id}.*"))), None)
        has_masks = home == self.raw and self._settings.kind == "raw"
        entry = self._held.get(video_id) if has_masks else self.folder.about.get(video_id)
        # the common folder was copied from a raw folder
        if entry is None and video_id in self._held:
            entry = replace(
                self._held[video_id], objects=None, annotated_frames=None, label=None, review=None
            )
        path = beside or self.folder.videos[video_id]
        return Place(home, video_id, path, entry, has_masks, self._generator, self._proposals)

    def _worker(self, key: Key) -> str | None:
        summary = self.summary(key)
        return None if summary is None or summary.worker is None else person(summary.worker)

    def _folder_of(self, user: str) -> str:
        with self._changing:
            known = {person(name): folder for folder, name in self._settings.people.items()}
            if person(user) in known:
                return known[person(user)]
            folder = safe_id(person(user), self._settings.people)
            self._settings = replace(self._settings, people={**self._settings.people, folder: user})
            save_settings(self.raw, self._settings)
            return folder


def _doubled(video_ids: Sequence[str], percent: int | None) -> frozenset[str]:
    """The videos that two people annotate: those whose ids have the smallest SHA-256, so the choice
    is reproducible.
    """
    number = ceil(len(video_ids) * (percent or 0) / 100)
    return frozenset(
        sorted(video_ids, key=lambda video_id: hashlib.sha256(video_id.encode()).hexdigest())[
            :number
        ]
    )
