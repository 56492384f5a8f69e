"""Which videos are meant: files, folders, releases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...builder import read_video
from ...builder.raw import SUFFIX_LIST, VIDEO_SUFFIXES
from ...frames import VideoIndex, index_from_row
from ...release import SAMPLE, SAMPLE_RELEASE, VIDEO_ID, read_manifest, read_parquet, shard_paths

if TYPE_CHECKING:
    from ...sampling import ReleaseRows


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
        return str(self.path)

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
    on the way ("takes/a"); of a release the row's.

    Args:
        names: video files, folders of them, release folders, or "sample" for the release inside the package.
        split: of releases only this one.

    Raises:
        PredictError: nothing there, not a video, no video in it, or two with one id. ReleaseError: a release that cannot be read.
    """
    found: dict[str, Video] = {}
    for name in names:
        videos = list(_videos(name, split))
        if not videos:
            raise PredictError(f"{name}: no video in it; wanted {SUFFIX_LIST} files, or a release.")
        for video in videos:
            if video.video_id in found:
                other = found[video.video_id].where
                raise PredictError(
                    f"{video.where}: {other} has the id {video.video_id!r} too. Rename one, or predict them apart."
                )
            found[video.video_id] = video
    return [found[video_id] for video_id in sorted(found)]


def _videos(name: str, split: str | None) -> Iterator[Video]:
    path = Path(SAMPLE_RELEASE) if name == SAMPLE else Path(name)
    if path.is_file():
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            raise PredictError(f"{name}: not a video; wanted {SUFFIX_LIST} files, folders of them, or a release.")
        yield VideoFile(path.stem, path)
    elif not path.is_dir():
        raise PredictError(f"{name}: no such file or folder.")
    elif (path / "manifest.json").is_file():
        yield from _rows(path, split)
    else:
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            is_hidden = any(part.startswith(".") for part in inside.parts)
            if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file() and not is_hidden:
                yield VideoFile(inside.with_suffix("").as_posix(), file)


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
