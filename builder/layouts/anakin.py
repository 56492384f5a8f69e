"""ANAKIN: edited/{id}.mp4, masks/{id}.zip (or a folder) of one binary PNG per frame, and
metadata.csv.

ANAKIN marks what an editor changed. This is not one of our artifact types, so --artifact-type must
say which type it counts as. The videos before the edit, full/ and trimmed/, are not read. Edits
without masks are not read either (`has-masks` is false: the sound was changed, or nobody drew
masks). Masks are sorted by the number in their names; the k-th mask is frame k.

Source: Black et al., "VADER" (2023); https://huggingface.co/datasets/AlexBlck/ANAKIN (README.md,
ANAKIN.py). How the masks in a zip are named is not written down there.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...release import VIDEO_ID
from ..raw import (
    MAX_FRAMES,
    VIDEO_ID_RULE,
    FoundMasks,
    FrameLabels,
    LabelMap,
    Layout,
    Problem,
    RawError,
    RawVideo,
    find_videos,
    is_litter,
    join_records,
    list_folder,
    read_binary_file,
    read_binary_png,
)

METADATA = "metadata.csv"
MAX_METADATA_BYTES = 2**26
MAX_MASK_BYTES = 2**26
"""Limit for the unpacked bytes of one PNG; its pixels cannot take more."""

_NUMBERED = re.compile(r"(?:.*[^0-9])?([0-9]{1,9})\.png", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class AnakinMasks:
    """The zip or folder of masks of one edit; all of it is object 1."""

    path: Path
    video_path: Path
    """Used to count its frames: a missing mask at the end would look like a frame without an
    edit.
    """

    def read(self) -> Iterator[FrameLabels]:
        """Every frame, marked or not.

        Raises:
            RawError: masks that cannot be read, are not binary, not numbered without a gap, or not
                as many as the video has frames.
        """
        from ...frames import VideoError, demux_index

        try:
            num_frames = len(demux_index(self.video_path)[0])
        except (VideoError, OSError) as error:
            raise RawError(str(error)) from error
        masks = self._in_folder() if self.path.is_dir() else self._in_zip()
        frame_index = -1
        for frame_index, labels in enumerate(masks):
            yield FrameLabels(frame_index, (labels,))
        if frame_index + 1 != num_frames:
            what = (
                f"{frame_index + 1} masks, {self.video_path.name} has {num_frames} frames; "
                "wanted one mask per frame"
            )
            raise RawError(f"{self.path}: {what}")

    def _in_folder(self) -> Iterator[LabelMap]:
        for name in _in_order([path.name for path in list_folder(self.path)], where=str(self.path)):
            yield read_binary_file(self.path / name)

    def _in_zip(self) -> Iterator[LabelMap]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
                for name in _in_order(list(infos), where=str(self.path)):
                    where = f"{self.path} member {name}"
                    with archive.open(infos[name]) as member:
                        data = member.read(MAX_MASK_BYTES + 1)
                    if len(data) > MAX_MASK_BYTES:
                        raise RawError(
                            f"{where}: more than {MAX_MASK_BYTES} bytes; is this a mask of a video "
                            "frame?"
                        )
                    yield read_binary_png(data, where=where)
        # The errors that Python raises for a zip version, cipher or compression that it cannot
        # unpack.
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ) as error:
            if isinstance(error, RawError):
                raise
            raise RawError(
                f"{self.path}: not a readable zip ({error}); download it again"
            ) from error


def _in_order(names: list[str], *, where: str) -> list[str]:
    """The names of PNGs by the number that each ends in.

    Raises:
        RawError: a name without a number, too many of them, or numbers that have a gap or do not
            start at 0 or 1.
    """
    if len(names) > MAX_FRAMES:
        raise RawError(f"{where}: {len(names)} masks, at most {MAX_FRAMES} are read")
    numbered: dict[int, str] = {}
    for name in sorted(names):
        if any(is_litter(part) for part in name.split("/")):
            continue  # macOS puts a twin of every file into its zips
        match = _NUMBERED.fullmatch(name)
        if match is None:
            raise RawError(
                f"{where}: {name!r} is not a mask; wanted PNGs whose names end in their frame "
                "number"
            )
        if int(match[1]) in numbered:
            raise RawError(
                f"{where}: {name!r} and {numbered[int(match[1])]!r} are the same frame; remove one "
                "of the two"
            )
        numbered[int(match[1])] = name
    numbers = sorted(numbered)
    first = numbers[0] if numbers else 0
    if first > 1 or numbers != list(range(first, first + len(numbers))):
        gap = next((n for k, n in enumerate(numbers) if n != first + k), first)
        raise RawError(
            f"{where}: no mask before number {gap}; wanted numbers from 0 or 1 without a gap"
        )
    return [numbered[number] for number in numbers]


def read_anakin(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or a mask."""
    edited, problems = find_videos(raw / "edited", raw=raw)
    metadata, metadata_problems = _read_metadata(raw / METADATA)
    problems += metadata_problems
    masks: dict[str, FoundMasks] = {}
    for path in list_folder(raw / "masks"):
        where = path.relative_to(raw).as_posix()
        video_id = path.name if path.is_dir() else path.stem
        if not path.is_dir() and path.suffix.lower() != ".zip":
            problems.append(
                Problem(
                    where,
                    "not masks; wanted {video_id}.zip or a folder {video_id} of PNGs: move it out",
                )
            )
        elif not VIDEO_ID.fullmatch(video_id):
            problems.append(
                Problem(where, f"the video_id {video_id!r} is not {VIDEO_ID_RULE}; rename it")
            )
        elif video_id in masks:
            problems.append(
                Problem(
                    where,
                    f"masks of {video_id} are also {masks[video_id].where}; remove one of the two",
                )
            )
        else:
            source = AnakinMasks(path, edited[video_id]) if video_id in edited else None
            masks[video_id] = FoundMasks(
                where, source, None, notes=_notes(metadata.get(video_id, {}))
            )
    without = {
        video_id
        for video_id, line in metadata.items()
        if line.get("has-masks", "").lower() in ("false", "0")
    }
    records, record_problems = join_records(
        raw,
        videos={
            video_id: path
            for video_id, path in edited.items()
            if video_id in masks or video_id not in without
        },
        masks=masks,
        masks_wanted=f"masks/{{video_id}}.zip, or has-masks False in {METADATA}",
        artifact_type=artifact_type,
        generator=generator,
        missing=lambda video_id: f"no video edited/{video_id}.mp4; add it, or remove this",
    )
    return records, problems + record_problems


def _notes(line: Mapping[str, str]) -> str | None:
    parts = [f"{key}: {line[key]}" for key in ("manipulation-type", "task") if line.get(key)]
    return "; ".join(parts) or None


def _read_metadata(path: Path) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Lines by video-id, and problems; both are empty if there is no such file."""
    if not path.exists():
        return {}, []
    try:
        with path.open("rb") as file:
            data = file.read(MAX_METADATA_BYTES + 1)
        if len(data) > MAX_METADATA_BYTES:
            return {}, [
                Problem(
                    METADATA, f"more than {MAX_METADATA_BYTES} bytes; is this the table of ANAKIN?"
                )
            ]
        lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return {}, [Problem(METADATA, f"not a CSV file in UTF-8 ({error}); download it again")]
    if any("video-id" not in line for line in lines):
        return {}, [Problem(METADATA, "no column video-id; download it again")]
    rows = (
        {
            key: value
            for key, value in line.items()
            if isinstance(key, str) and isinstance(value, str)
        }
        for line in lines
    )
    return {row["video-id"]: row for row in rows if "video-id" in row}, []


def _detect(raw: Path) -> Path | None:
    return next((path for path in list_folder(raw / "edited") if path.is_file()), None)


LAYOUT = Layout(
    help="ANAKIN: edited videos, and a zip or folder of a binary PNG per frame",
    looked_for="edited/{video_id}.mp4",
    detect=_detect,
    read=read_anakin,
)
