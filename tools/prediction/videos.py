"""Which videos are meant: files, folders, releases."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...builder.raw import VIDEO_SUFFIXES, is_litter, read_video
from ...frames import VideoIndex, index_from_row
from ...release import SAMPLE, SAMPLE_RELEASE, VIDEO_ID, read_manifest, read_parquet, shard_paths
from .verdict import PREDICTIONS, REPORT_JSON

if TYPE_CHECKING:
    from ...sampling import ReleaseRows


SUFFIXES = (*VIDEO_SUFFIXES, ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".3gp", ".ogv")
"""Of what a folder holds, these are taken for videos."""

LIST_OF_SUFFIXES = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


class PredictError(ValueError):
    """Videos that cannot be predicted as asked; the message says what to change."""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file of its own."""

    video_id: str
    path: Path

    @property
    def where(self) -> str:
        """Names it in messages."""
        return _shown(str(self.path))

    def read(self) -> tuple[bytes, VideoIndex]:
        """Its bytes and its index, for which it is decoded once.

        Raises:
            VideoError: it cannot be decoded whole. OSError: it cannot be read.
        """
        from ...frames import index_video

        data = read_video(self.path)
        return data, index_video(self.path)  # by its path, which errors then name


@dataclass(frozen=True, slots=True, eq=False)
class VideoRow:
    """A row of a release."""

    video_id: str
    rows: "ReleaseRows"
    number: int

    @property
    def where(self) -> str:
        """Names it in messages."""
        return f"{self.rows.where(self.number)} video {self.video_id}"

    def read(self) -> tuple[bytes, VideoIndex]:
        """Its bytes and its index."""
        row = self.rows[self.number]
        return bytes(row["video"]["bytes"]), index_from_row(row)


Video = VideoFile | VideoRow


def find_videos(names: Sequence[str], *, split: str | None = None) -> list[Video]:
    """The videos, by video_id: of a file the name without its suffix; in a folder, which is searched to its ends, with the folders
    on the way ("takes/a"); of a release the row's. Where two would have one id they keep their suffix, or more of their path.

    Links are followed. Folders that `predict` has written are passed over, hidden files and droppings of file managers too. What
    looks like a video and cannot be read is among them: `read` says what is wrong with it.

    Args:
        names: video files, folders of them, release folders, or "sample" for the release inside the package.
        split: of releases only this one.

    Raises:
        PredictError: nothing there, not a video, no video in it, or two with one id. ReleaseError: a release that cannot be read.
    """
    found: list[Video] = []
    for name in names:
        videos = list(_videos(name, split))
        if not videos:
            raise PredictError(f"{name}: no video in it; wanted {LIST_OF_SUFFIXES} files, or a release.")
        found += videos
    named = _with_ids_of_their_own(found)
    return [named[video_id] for video_id in sorted(named)]


def _with_ids_of_their_own(videos: Sequence[Video]) -> dict[str, Video]:
    named: dict[str, Video] = {}
    again: list[VideoFile] = []
    ids = Counter(video.video_id for video in videos)
    for video in videos:
        if ids[video.video_id] == 1:
            named[video.video_id] = video
        elif isinstance(video, VideoFile):
            again.append(video)
        else:
            raise PredictError(f"{video.where}: another video has the id {video.video_id!r} too. Predict them apart.")
    # As much of the path, from its end, as tells them apart.
    for depth in range(1, max((len(video.path.parts) for video in again), default=0) + 1):
        longer = {video.path: Path(*video.path.parts[-depth:]).as_posix().lstrip("/") for video in again}
        if len(set(longer.values())) == len({video.path for video in again}) and not set(longer.values()) & set(named):
            return named | {longer[video.path]: VideoFile(longer[video.path], video.path) for video in again}
    return named


def _videos(name: str, split: str | None) -> Iterator[Video]:
    path = Path(SAMPLE_RELEASE) if name == SAMPLE else Path(name).expanduser()
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise PredictError(f"{name}: not a video; wanted {LIST_OF_SUFFIXES} files, folders of them, or a release.")
        yield VideoFile(_shown(path.stem), path)
    elif not path.is_dir():
        raise PredictError(f"{name}: no such file or folder.")
    elif (path / "manifest.json").is_file():
        yield from _rows(path, split)
    else:
        for file in _files(path, seen=set()):
            if file.suffix.lower() in SUFFIXES:
                yield VideoFile(_shown(file.relative_to(path).with_suffix("").as_posix()), file)


def _files(folder: Path, *, seen: set[Path]) -> Iterator[Path]:
    """Files and broken links below a folder, sorted; a folder that links lead to again is entered once."""
    real = folder.resolve()
    if real in seen or all((folder / name).is_file() for name in (PREDICTIONS, REPORT_JSON)):
        return
    seen.add(real)
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or is_litter(path.name):
            continue
        if path.is_dir():
            yield from _files(path, seen=seen)
        else:
            yield path


def _shown(name: str) -> str:
    """A name that can be printed and written: bytes of it that are no UTF-8 as \\xNN."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _rows(release: Path, split: str | None) -> Iterator[Video]:
    from ...sampling import ReleaseRows

    shards = [shard for shard in read_manifest(str(release))["shards"] if split in (None, shard["split"])]
    paths = [release / shard_paths(shard["split"], shard["index"], shard["num_shards"])["default"] for shard in shards]
    rows = ReleaseRows(paths)
    number = 0
    for path in paths:
        for table in read_parquet(str(path), columns=["video_id"]):
            for video_id in table["video_id"].to_pylist():
                # It becomes a file name.
                if not VIDEO_ID.fullmatch(video_id or ""):
                    raise PredictError(f"{path}: video_id {video_id!r}: wanted 1 to 128 of A-Z a-z 0-9 _ -.")
                yield VideoRow(video_id, rows, number)
                number += 1
