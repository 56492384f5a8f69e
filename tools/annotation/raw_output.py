"""Keeps the raw folder up to date: writes masks and the lines of videos.jsonl that
`brokenvideos build` reads.
"""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...builder.raw import FILE_NAME, own_mask_files, own_mask_pngs
from ...builder.work import write_atomic
from ...masks import area
from ...release import parse_json
from .folder import EVENTS, object_line
from .state import VideoState, ranges_of

DELAY_S = 0.5
"""Delay before writing, in seconds, so that several events in a row are written once."""
RETRY_S = 10.0
"""Time in seconds until a failed write is tried again."""

Output = Mapping[int, Mapping[int, str]]
"""frame_index → object_id → COCO RLE with at least one pixel."""


def output_of(state: VideoState) -> Output:
    """The masks for releases: those in frames that a person has looked at, without proposals."""
    size = {"height": state.video.height, "width": state.video.width}
    frames: dict[int, dict[int, str]] = {}
    for object_id, masks in sorted(state.masks.items()):
        shown = [
            (f, m.counts)
            for f, m in sorted(masks.items())
            if f in state.seen and m.origin != "proposal"
        ]
        areas = area([counts for _, counts in shown], **size) if shown else ()
        for (frame_index, counts), pixels in zip(shown, areas, strict=True):
            if pixels:
                frames.setdefault(frame_index, {})[object_id] = counts
    return frames


def line_of(video_id: str, state: VideoState) -> dict[str, Any]:
    """The video's line in videos.jsonl."""
    about, output = state.about, output_of(state)
    marked = sorted({object_id for masks in output.values() for object_id in masks})
    source = dict(about["source"])
    if state.annotator is not None:
        source["annotator"] = state.annotator
    line: dict[str, Any] = {
        "video_id": video_id,
        "generator": about["generator"],
        "objects": [
            object_line(i, state.objects[i].artifact_type, state.objects[i].subtype) for i in marked
        ],
        "source": source,
    }
    review = about["review"] if state.status == "untouched" else _review(state)
    label = "normal" if state.normal else "broken" if marked else None
    rest = {"prompt": about["prompt"], "label": label, "split": about["split"], "review": review}
    if ranges_of(state.seen) != [[0, state.video.num_frames - 1]]:
        rest["annotated_frames"] = sorted(state.seen)
    return line | {key: value for key, value in rest.items() if value is not None}


def _review(state: VideoState) -> str:
    return "approved" if state.status == "approved" else "unreviewed"


class RawFolder:
    """One raw folder that is written. Files are complete or absent, and approved videos are
    complete at any time.

    If an approved video is edited again, its line says "unreviewed" before any of its masks
    changes. It says "approved" again after the last mask is written.
    """

    def __init__(self, home: Path) -> None:
        """Reads the existing lines.

        Raises:
            OSError, ValueError: videos.jsonl cannot be read.
        """
        self.home = home
        self._writing = threading.Lock()
        self._lines: dict[str, dict[str, Any]] = {}
        self._written: dict[str, Output] = {}
        path = home / FILE_NAME
        if path.is_file():
            for line in path.read_bytes().splitlines():
                if line.strip():
                    record = parse_json(line)
                    self._lines[record["video_id"]] = record

    def write(self, video_id: str, state: VideoState) -> None:
        """Updates the files of one video to this state.

        Raises:
            OSError: they cannot be written; the next call writes what is missing.
        """
        with self._writing:
            output = output_of(state)
            before = self._written.get(video_id)
            gone, frames = self._changes(video_id, output, before)
            line = line_of(video_id, state)
            old = self._lines.get(video_id)
            if old is not None and (gone or frames) and old.get("review") != "unreviewed":
                self._put(video_id, {**old, "review": "unreviewed"})
            folder = self.home / "masks" / video_id
            self._written.pop(video_id, None)  # unknown until all files are written
            size = {"height": state.video.height, "width": state.video.width}
            for frame_index in frames:
                files = own_mask_pngs(frame_index, output[frame_index], **size)
                for name, content in files.items():
                    write_atomic(folder / name, content)
                gone += [
                    path for path in self._files_of(folder, frame_index) if path.name not in files
                ]
            for path in gone:
                path.unlink(missing_ok=True)
            if line != self._lines.get(video_id):
                self._put(video_id, line)
            write_atomic(self._mark(video_id), json.dumps({"revision": state.revision}).encode())
            self._written[video_id] = output

    def revision(self, video_id: str) -> int:
        """The revision of a video's files; 0 if none were written."""
        try:
            return int(json.loads(self._mark(video_id).read_bytes())["revision"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _mark(self, video_id: str) -> Path:
        return self.home / EVENTS / f"{video_id}.written.json"

    def _changes(
        self, video_id: str, output: Output, before: Output | None
    ) -> tuple[list[Path], list[int]]:
        """Files to delete and frames to write; all of them if the present files are unknown."""
        if before is not None:
            frames = [frame for frame, masks in output.items() if before.get(frame) != masks]
            folder = self.home / "masks" / video_id
            return [
                path
                for frame in before
                if frame not in output
                for path in self._files_of(folder, frame)
            ], frames
        files, _ = own_mask_files(self.home / "masks" / video_id, raw=self.home)
        return [
            path for frame, paths in files.items() if frame not in output for path in paths
        ], sorted(output)

    @staticmethod
    def _files_of(folder: Path, frame_index: int) -> list[Path]:
        return [*folder.glob(f"{frame_index:05d}.png"), *folder.glob(f"{frame_index:05d}.*.png")]

    def _put(self, video_id: str, line: Mapping[str, Any]) -> None:
        lines = {**self._lines, video_id: dict(line)}
        content = "".join(
            json.dumps(line, ensure_ascii=False) + "\n" for _, line in sorted(lines.items())
        )
        write_atomic(self.home / FILE_NAME, content.encode())
        self._lines = lines


class RawWriter:
    """Writes raw folders in a background thread: the latest state of each video, after a short
    delay.
    """

    def __init__(self, on_written: Callable[[Path, str, int, str | None], None]) -> None:
        """Starts the thread.

        Args:
            on_written: called with home, video_id, revision, and the error as text or None.
        """
        self._on_written = on_written
        self._folders: dict[Path, RawFolder] = {}
        self._waiting: dict[tuple[Path, str], VideoState] = {}
        self._failed: dict[tuple[Path, str], VideoState] = {}
        self._changed = threading.Condition()
        self._ends = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="raw-output", daemon=True)
        self._thread.start()

    def folder(self, home: Path) -> RawFolder:
        """The raw folder at this path."""
        with self._changed:
            if home not in self._folders:
                self._folders[home] = RawFolder(home)
            return self._folders[home]

    def later(self, home: Path, video_id: str, state: VideoState) -> None:
        """Schedules writing this state of a video."""
        with self._changed:
            self._waiting[home, video_id] = state
            self._changed.notify_all()

    def wait(self) -> None:
        """Returns when all scheduled videos are written or have failed once."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._busy)

    def close(self) -> None:
        """Writes the scheduled videos and ends the thread."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._waiting or self._ends, RETRY_S if self._failed else None
                )
                if self._waiting and not self._ends:
                    self._changed.wait_for(lambda: self._ends, DELAY_S)
                if self._ends and not self._waiting:
                    return
                waiting, self._busy = {**self._failed, **self._waiting}, True
                self._waiting, self._failed = {}, {}
            for (home, video_id), state in waiting.items():
                error: str | None = None
                try:
                    self.folder(home).write(video_id, state)
                except (OSError, ValueError) as caught:
                    error = str(caught)
                    self._failed[home, video_id] = state
                self._on_written(home, video_id, state.revision, error)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
