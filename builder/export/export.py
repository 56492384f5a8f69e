"""Release folder -> a folder of another layout."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
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
from .files import json_text, write_file
from .layout import CHOICES, ExportLayout, ExportOptions, Target
from .layouts import export_layout_named, export_layout_names
from .rows import line_of


class ExportError(ValueError):
    """A release that cannot be written as asked; nothing was written."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Attributes:
        num_videos, num_masks: of the release, as far as it was asked for.
        losses: what of it the layout could not carry, a text each.
        build_options: what `build` needs besides the folder to read it again; None where it cannot, for want of videos or at all.
    """

    num_videos: int
    num_masks: int
    losses: tuple[str, ...]
    build_options: tuple[str, ...] | None


@dataclass(slots=True)
class _Seen:
    """What the first look at a release finds."""

    videos: int = 0
    masks: int = 0
    turned: bool = False
    losses: tuple[str, ...] = ()


def export(
    release: Path,
    out: Path,
    *,
    layout: str,
    options: ExportOptions | None = None,
    split: str | None = None,
    videos: bool = False,
    lossy: bool = False,
    on_progress: Progress = no_progress,
) -> ExportReport:
    """Writes the annotations of a release in another layout; from most, `build` gives rows of equal digests.

    `split` of every video stands in videos.jsonl. Not carried by any layout: `source.layout`, which says where rows were read from.

    Args:
        release: read are its Parquet shards.
        out: the folder to make; must not exist, or be empty. It appears when it is whole.
        layout: one of `export_layout_names()`.
        options: what else is asked of the layout.
        split: only the videos of this split.
        videos: also write the videos' bytes; some layouts always do.
        lossy: write what the layout can carry, where it cannot carry everything.

    Raises:
        ExportError: an unknown layout, or an option that it does not take; or without `lossy`, something that the layout cannot
            carry: all of it, one line each.
        brokenvideos.ReleaseError: no release, or a row that is none.
        brokenvideos.VideoError: a video of which frames are wanted cannot be decoded.
        FileExistsError: `out` holds something.
    """
    writer = _layout(layout)
    options = _given(options or ExportOptions(), writer, name=layout)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out}: exists and is not empty. Name a new folder, or remove this one.")
    shards = _shards(release, split)
    seen = _look(release, shards, writer, options, on_progress=partial(on_progress, "look for losses"))
    if seen.losses and not lossy:
        head = (
            f"{release}: {layout} cannot carry everything, nothing was written. Choose another layout, or give --lossy."
        )
        raise ExportError("\n".join([head, *seen.losses]))
    videos = videos or (writer.with_videos and (writer.is_raw or options.frames is None))
    out.parent.mkdir(parents=True, exist_ok=True)
    with naming(out), tempfile.TemporaryDirectory(prefix=f".{out.name}.exporting-", dir=out.parent) as work:
        folder, parts = Path(work) / "raw", Path(work) / "parts"
        folder.mkdir()
        parts.mkdir()
        target = Target(folder, parts, "", options)
        progress = partial(on_progress, "write annotations")
        _write(release, shards, layout, target, videos=videos, on_progress=progress)
        os.sync()  # once, not a wait for each of many small files
        if out.exists():
            out.rmdir()
        folder.rename(out)
        sync_folder(out.parent)
    build_options = ("--masks-are", "coded") if seen.turned else ()
    can_build = videos and writer.is_raw
    return ExportReport(seen.videos, seen.masks, seen.losses, build_options if can_build else None)


def _layout(name: str) -> ExportLayout:
    names = export_layout_names()
    if name not in names:
        raise ExportError(f"layout {name!r} cannot be exported; wanted {', '.join(names[:-1])} or {names[-1]}")
    return export_layout_named(name)


def _given(options: ExportOptions, layout: ExportLayout, *, name: str) -> ExportOptions:
    """The options with the layout's defaults."""
    for option in (field.name for field in fields(options)):
        value = getattr(options, option)
        flag = f"--{option.replace('_', '-')} {value}"
        if value is None:
            continue
        if option not in layout.options:
            takers = [other for other in export_layout_names() if option in export_layout_named(other).options]
            raise ExportError(f"{flag} is for {', '.join(takers)}, this is {name}; leave it out")
        if value not in CHOICES.get(option, (value,)):
            raise ExportError(f"{flag} is unknown; wanted {' or '.join(CHOICES[option])}")
    defaults: dict[str, Any] = {
        option: value for option, value in layout.options.items() if getattr(options, option) is None
    }
    return replace(options, **defaults)


def _look(
    release: Path, shards: list[tuple[str, int, int]], layout: ExportLayout, options: ExportOptions, *, on_progress: Any
) -> _Seen:
    seen = _Seen()
    losses: list[str] = []
    for _, row in _rows(release, shards, "annotations", on_progress):
        _check_row(row)
        seen.videos += 1
        seen.masks += len(row["masks"]["counts"])
        seen.turned = seen.turned or row["codec"]["rotation"] != 0
        losses += [f"video {row['video_id']}: {loss}." for loss in layout.losses(row, options)]
    seen.losses = tuple(sorted(losses))
    return seen


def _write(
    release: Path, shards: list[tuple[str, int, int]], name: str, target: Target, *, videos: bool, on_progress: Any
) -> None:
    layout = export_layout_named(name)
    lines: list[tuple[str, str]] = []
    parts = []
    needs_bytes = videos or target.options.frames is not None
    for split, row in _rows(release, shards, "default" if needs_bytes else "annotations", on_progress):
        _check_row(row)
        suffix = _suffix(row) if needs_bytes else ""
        written = layout.write(row, replace(target, split=split))
        parts.append(written.part)
        line = line_of(row, split, layout=layout, written=written.objects)
        lines.append((row["video_id"], f"{json_text(line)}\n"))
        if videos:
            write_file(target.folder / "videos" / f"{row['video_id']}{suffix}", row["video"]["bytes"])
    layout.finish(parts, target.folder, target.options)
    if layout.is_raw:
        write_file(target.folder / FILE_NAME, "".join(line for _, line in sorted(lines)).encode())


def _shards(release: Path, split: str | None) -> list[tuple[str, int, int]]:
    """(split, index, number of shards) of every shard, in the manifest's order."""
    shards = read_manifest(str(release))["shards"]
    found = [(shard["split"], shard["index"], shard["num_shards"]) for shard in shards]
    if split is None:
        return found
    chosen = [shard for shard in found if shard[0] == split]
    if not chosen:
        there = ", ".join(sorted({name for name, _, _ in found}))
        raise ExportError(f"{release}: has no split {split!r}; it has {there or 'none'}")
    return chosen


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
