"""Release folder -> raw folder."""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...masks import check
from ...release import (
    ANNOTATION_FEATURES,
    FEATURES,
    VIDEO_ID,
    ReleaseError,
    in_words,
    read_manifest,
    read_parquet,
    shard_paths,
)
from ..raw import FILE_NAME, MAX_OBJECT_ID, VIDEO_SUFFIXES
from ..work import Progress, naming, no_progress, sync_folder
from .layouts import LAYOUTS, describe, write_file

EXPORT_LAYOUTS = tuple(LAYOUTS)


class ExportError(ValueError):
    """A release that cannot be written as asked; nothing was written."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What the release holds; `losses` says what of it the layout could not carry, a text each."""

    num_videos: int
    num_masks: int
    losses: tuple[str, ...]


def export(
    release: Path,
    out: Path,
    *,
    layout: str,
    videos: bool = False,
    lossy: bool = False,
    on_progress: Progress = no_progress,
) -> ExportReport:
    """Writes the annotations of a release as a raw folder, from which `build` gives rows of equal digests.

    `split` of every video stands in videos.jsonl. Not carried by any layout: `source.layout`, which says where rows were read from.

    Args:
        release: read are its Parquet shards.
        out: the folder to make; must not exist, or be empty. It appears when it is whole.
        layout: one of EXPORT_LAYOUTS.
        videos: also write the videos' bytes; own and davis always do.
        lossy: write what the layout can carry, where it cannot carry everything.

    Raises:
        ExportError: an unknown layout, or without `lossy`, something that the layout cannot carry: all of it, one line each.
        brokenvideos.ReleaseError: no release, or a row that is none.
        FileExistsError: `out` holds something.
    """
    if layout not in LAYOUTS:
        raise ExportError(
            f"layout {layout!r} cannot be exported; wanted {', '.join(EXPORT_LAYOUTS[:-1])} or {EXPORT_LAYOUTS[-1]}"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out}: exists and is not empty. Name a new folder, or remove this one.")
    writer = LAYOUTS[layout]
    shards = _shards(release)
    losses: list[str] = []
    num_masks = 0
    for _, row in _rows(release, shards, "annotations", partial(on_progress, "look for losses")):
        _check_row(row)
        num_masks += len(row["masks"]["counts"])
        losses += [f"video {row['video_id']}: {loss}." for loss in writer.losses(row)]
    if losses and not lossy:
        head = (
            f"{release}: {layout} cannot carry everything, nothing was written. Choose another layout, or give --lossy."
        )
        raise ExportError("\n".join([head, *sorted(losses)]))
    out.parent.mkdir(parents=True, exist_ok=True)
    with naming(out), tempfile.TemporaryDirectory(prefix=f".{out.name}.exporting-", dir=out.parent) as work:
        folder = Path(work) / "raw"
        folder.mkdir()
        with_videos = videos or writer.needs_videos
        lines: list[tuple[str, bytes]] = []
        results = []
        config = "default" if with_videos else "annotations"
        for split, row in _rows(release, shards, config, partial(on_progress, "write annotations")):
            _check_row(row)
            carried, result = writer.write(row, folder)
            results.append(result)
            line = describe(row, split, layout=layout, carried=carried)
            lines.append((row["video_id"], (json.dumps(line, ensure_ascii=False) + "\n").encode()))
            if with_videos:
                write_file(folder / "videos" / f"{row['video_id']}{_suffix(row)}", row["video"]["bytes"])
        writer.finish(results, folder)
        write_file(folder / FILE_NAME, b"".join(line for _, line in sorted(lines)))
        os.sync()  # once, not a wait for each of many small files
        if out.exists():
            out.rmdir()
        folder.rename(out)
        sync_folder(out.parent)
    return ExportReport(len(lines), num_masks, tuple(sorted(losses)))


def _shards(release: Path) -> list[tuple[str, int, int]]:
    """(split, index, number of shards) of every shard, in the manifest's order."""
    shards = read_manifest(str(release))["shards"]
    return [(shard["split"], shard["index"], shard["num_shards"]) for shard in shards]


def _rows(
    release: Path, shards: list[tuple[str, int, int]], config: str, on_done: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(split, row) of every video; one row group is held at a time."""
    features = FEATURES if config == "default" else ANNOTATION_FEATURES
    for number, (split, index, num_shards) in enumerate(shards):
        on_done(number, len(shards))
        path = release / shard_paths(split, index, num_shards)[config]  # type: ignore[index]
        try:
            for table in read_parquet(str(path)):
                for row in table.cast(features.arrow_schema).to_pylist():
                    yield split, row
        except (OSError, pa.ArrowException, ValueError) as error:
            if isinstance(error, ExportError | ReleaseError):
                raise
            what = f"cannot be read ({in_words(error)}). Build or download this file again."
            raise ReleaseError(f"{path}: {what}") from None
    on_done(len(shards), len(shards))


def _check_row(row: dict[str, Any]) -> None:
    """Refuses what must not become a file's name or a mask; `verify` checks the rest."""
    video_id = row["video_id"]
    if not isinstance(video_id, str) or not VIDEO_ID.fullmatch(video_id):
        raise ReleaseError(f"video_id {video_id!r}: wanted 1 to 128 of A-Z a-z 0-9 _ -. Build the release again.")
    numbers = [*row["objects"]["object_id"], *row["masks"]["object_id"]]
    frames = [*row["masks"]["frame_index"], *row["annotated_frames"]]
    if not all(1 <= n <= MAX_OBJECT_ID for n in numbers) or not all(0 <= f < row["num_frames"] for f in frames):
        raise ReleaseError(
            f"video {video_id}: an object_id outside 1 to {MAX_OBJECT_ID} or a frame outside the video. Build the release again."
        )
    check(row["masks"]["counts"], height=row["height"], width=row["width"])


def _suffix(row: dict[str, Any]) -> str:
    suffix = Path(row["video"]["path"] or "").suffix.lower()
    if suffix not in VIDEO_SUFFIXES or row["video"]["bytes"] is None:
        path = row["video"]["path"]
        raise ReleaseError(f"video {row['video_id']}: no bytes, or path {path!r} of another kind. Build it again.")
    return suffix
