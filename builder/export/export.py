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
    """The release cannot be written with these options. Nothing was written."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The result of an export.

    Attributes:
        num_videos, num_masks: numbers of exported videos and masks.
        losses: one text for each thing that the layout could not hold.
        build_options: the options that `build` needs to read the folder again. None if `build`
            cannot read it: the videos are missing, or `build` does not know the layout.
    """

    num_videos: int
    num_masks: int
    losses: tuple[str, ...]
    build_options: tuple[str, ...] | None


@dataclass(slots=True)
class _Survey:
    """The results of the first pass over a release, before anything is written."""

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
    """Writes the annotations of a release in another layout.

    From most layouts, `build` makes rows with equal digests again. videos.jsonl keeps the split of
    each video. No layout keeps `source.layout`, because `build` sets it to the layout that it
    reads.

    Args:
        release: the release folder; its Parquet shards are read.
        out: the folder to make; it must not exist, or be empty. It gets this name only when it is
            complete.
        layout: one of `export_layout_names()`.
        options: options of the layout.
        split: export only the videos of this split; None: all.
        videos: also write the video files; some layouts always have them.
        lossy: if the layout cannot hold everything, write what it can hold.

    Raises:
        ExportError: an unknown layout, an option that it does not have, or an unknown split.
            Without `lossy`, also things that the layout cannot hold; the message has a line for
            each.
        brokenvideos.ReleaseError: no release, or a row that is not valid.
        brokenvideos.VideoError: frames are exported, and a video cannot be decoded.
        FileExistsError: `out` is a file, or is not empty.
    """
    writer = _layout(layout)
    options = _with_defaults(options or ExportOptions(), writer, name=layout)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(
            f"{out}: exists and is not empty. Name a new folder, or remove this one."
        )
    shards = _shards(release, split)
    survey = _survey(
        release, shards, writer, options, on_progress=partial(on_progress, "look for losses")
    )
    if survey.losses and not lossy:
        head = (
            f"{release}: {layout} cannot hold everything, nothing was written. Choose another "
            "layout, or give --lossy."
        )
        raise ExportError("\n".join([head, *survey.losses]))
    videos = videos or (writer.with_videos and (writer.is_raw or options.frames is None))
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        naming(out),
        tempfile.TemporaryDirectory(prefix=f".{out.name}.exporting-", dir=out.parent) as work,
    ):
        folder, parts = Path(work) / "raw", Path(work) / "parts"
        folder.mkdir()
        parts.mkdir()
        target = Target(folder, parts, "", options)
        progress = partial(on_progress, "write annotations")
        _write(release, shards, layout, target, videos=videos, on_progress=progress)
        os.sync()  # one sync for all, because an fsync of each small file is slow
        if out.exists():
            out.rmdir()
        folder.rename(out)
        sync_folder(out.parent)
    build_options = ("--masks-are", "coded") if survey.turned else ()
    can_build = videos and writer.is_raw
    return ExportReport(
        survey.videos, survey.masks, survey.losses, build_options if can_build else None
    )


def _layout(name: str) -> ExportLayout:
    names = export_layout_names()
    if name not in names:
        raise ExportError(
            f"layout {name!r} cannot be exported; wanted {', '.join(names[:-1])} or {names[-1]}"
        )
    return export_layout_named(name)


def _with_defaults(options: ExportOptions, layout: ExportLayout, *, name: str) -> ExportOptions:
    """The options, with the layout's defaults for those that are None.

    Raises:
        ExportError: the layout does not have an option, or the option has an unknown value.
    """
    for option in (field.name for field in fields(options)):
        value = getattr(options, option)
        flag = f"--{option.replace('_', '-')} {value}"
        if value is None:
            continue
        if option not in layout.options:
            takers = [
                layout_name
                for layout_name in export_layout_names()
                if option in export_layout_named(layout_name).options
            ]
            raise ExportError(f"{flag} is for {', '.join(takers)}, this is {name}; leave it out")
        if value not in CHOICES.get(option, (value,)):
            raise ExportError(f"{flag} is unknown; wanted {' or '.join(CHOICES[option])}")
    defaults: dict[str, Any] = {
        option: value
        for option, value in layout.options.items()
        if getattr(options, option) is None
    }
    return replace(options, **defaults)


def _survey(
    release: Path,
    shards: list[tuple[str, int, int]],
    layout: ExportLayout,
    options: ExportOptions,
    *,
    on_progress: Any,
) -> _Survey:
    survey = _Survey()
    losses: list[str] = []
    for _, row in _rows(release, shards, "annotations", on_progress):
        _check_row(row)
        survey.videos += 1
        survey.masks += len(row["masks"]["counts"])
        survey.turned = survey.turned or row["codec"]["rotation"] != 0
        losses += [f"video {row['video_id']}: {loss}." for loss in layout.losses(row, options)]
    survey.losses = tuple(sorted(losses))
    return survey


def _write(
    release: Path,
    shards: list[tuple[str, int, int]],
    name: str,
    target: Target,
    *,
    videos: bool,
    on_progress: Any,
) -> None:
    layout = export_layout_named(name)
    lines: list[tuple[str, str]] = []
    parts = []
    needs_bytes = videos or target.options.frames is not None
    for split, row in _rows(
        release, shards, "default" if needs_bytes else "annotations", on_progress
    ):
        _check_row(row)
        suffix = _suffix(row) if needs_bytes else ""
        result = layout.write(row, replace(target, split=split))
        parts.append(result.part)
        line = line_of(row, split, layout=layout, written=result.objects)
        lines.append((row["video_id"], f"{json_text(line)}\n"))
        if videos:
            write_file(
                target.folder / "videos" / f"{row['video_id']}{suffix}", row["video"]["bytes"]
            )
    layout.finish(parts, target.folder, target.options)
    if layout.is_raw:
        write_file(target.folder / FILE_NAME, "".join(line for _, line in sorted(lines)).encode())


def _shards(release: Path, split: str | None) -> list[tuple[str, int, int]]:
    """(split, index, number of shards) of every shard, in the manifest's order."""
    shards = read_manifest(str(release))["shards"]
    all_shards = [(shard["split"], shard["index"], shard["num_shards"]) for shard in shards]
    if split is None:
        return all_shards
    split_shards = [shard for shard in all_shards if shard[0] == split]
    if not split_shards:
        split_names = ", ".join(sorted({name for name, _, _ in all_shards}))
        raise ExportError(f"{release}: has no split {split!r}; it has {split_names or 'none'}")
    return split_shards


def _rows(
    release: Path, shards: list[tuple[str, int, int]], config: str, on_done: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(split, row) of every video. Only one row group is in memory at a time."""
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
    """Checks the values that become file names or masks. `verify` checks the rest.

    Raises:
        ReleaseError: an invalid video_id, object_id or frame index. RLEError: an invalid mask.
    """
    video_id = row["video_id"]
    if not isinstance(video_id, str) or not VIDEO_ID.fullmatch(video_id):
        raise ReleaseError(
            f"video_id {video_id!r}: wanted 1 to 128 of A-Z a-z 0-9 _ -. Build the release again."
        )
    numbers = [*row["objects"]["object_id"], *row["masks"]["object_id"]]
    frames = [*row["masks"]["frame_index"], *row["annotated_frames"]]
    if not all(1 <= n <= MAX_OBJECT_ID for n in numbers) or not all(
        0 <= f < row["num_frames"] for f in frames
    ):
        raise ReleaseError(
            f"video {video_id}: an object_id outside 1 to {MAX_OBJECT_ID} or a frame outside the "
            "video. Build the release again."
        )
    check(row["masks"]["counts"], height=row["height"], width=row["width"])


def _suffix(row: dict[str, Any]) -> str:
    suffix = Path(row["video"]["path"] or "").suffix.lower()
    if suffix not in VIDEO_SUFFIXES or row["video"]["bytes"] is None:
        path = row["video"]["path"]
        raise ReleaseError(
            f"video {row['video_id']}: no bytes, or path {path!r} of another kind. Build it again."
        )
    return suffix
