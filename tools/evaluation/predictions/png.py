"""PNG folders: {video_id}/{frame}.png, or {video_id}/{object}/{frame}.png as SAM 2 writes them, whose objects count together."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....builder.raw import VIDEO_ID_RULE, LabelMap, Problem, RawError, decode_png, is_litter
from ....masks import encode
from ....release import VIDEO_ID
from .form import Format, PredictedFrame, PredictedVideo, Predictions, Reading, Values
from .place import Place
from .rle import size_fault

SOFT_THRESHOLD = 128
FRAME_NAME = re.compile(r"([0-9]{1,9})\.png", re.IGNORECASE)
OBJECT_NAME = re.compile(r"[0-9]{1,9}")
NOTE_SUFFIXES = (".csv", ".html", ".log", ".md", ".txt")
"""Of files that scoring tools write beside the folders of videos, such as the results.csv of vos-benchmark; passed over there."""

NOT_A_MASK = "not a mask; wanted {frame}.png, such as 00017.png for frame 17 (from 0)"


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A PNG on disk, or in a tar at an offset."""

    where: str
    path: Path
    offset: int = 0
    size: int = -1
    """Bytes; -1: to the end."""

    def bytes(self) -> bytes:
        """Its content; empty where it cannot be read."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read(self.size)
        except OSError:
            return b""


@dataclass(frozen=True, slots=True)
class PngVideo:
    """Mask files of one video by frame number; of several in a frame, the pixels of any are marked."""

    where: str
    files: Mapping[int, tuple[MaskFile, ...]]
    values: Values

    @property
    def frames(self) -> Sequence[int]:
        return sorted(self.files)

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        for frame_index in frames:
            labels, problem = self._joined(self.files[frame_index], height=height, width=width)
            if problem is not None:
                yield PredictedFrame(frame_index, "", problem=problem)
                continue
            is_soft = self.values == "soft"
            marked = labels >= SOFT_THRESHOLD if is_soft else labels > 0
            score = float(labels.max()) / 255 if is_soft else None
            soft = labels.astype(np.uint8) if is_soft else None
            yield PredictedFrame(frame_index, encode(marked[None])[0], score=score, soft=soft)

    def _joined(self, files: Sequence[MaskFile], *, height: int, width: int) -> tuple[LabelMap, Problem | None]:
        joined = np.zeros((height, width), np.uint16)
        for file in files:
            try:
                mode, labels = decode_png(file.bytes(), where=file.where)
            except RawError as error:
                return joined, Problem(file.where, str(error).removeprefix(f"{file.where}: "))
            fault = size_fault(labels.shape, height=height, width=width) or _value_fault(mode, labels, self.values)
            if fault:
                return joined, Problem(file.where, fault)
            np.maximum(joined, labels, out=joined)
        return joined, None


def _value_fault(mode: str, labels: LabelMap, values: Values) -> str | None:
    found = np.flatnonzero(np.bincount(labels.reshape(-1))).tolist()
    marked = [value for value in found if value]
    if values == "soft":
        if mode not in ("L", "1"):
            return f"a PNG of mode {mode}, wanted 8-bit grey for soft values; write probabilities as 0 to 255"
        return None
    if 255 in marked and (mode == "P" or values == "ids" or len(marked) > 1):
        beside = f" beside {_some([value for value in marked if value != 255])}" if len(marked) > 1 else ""
        return f"has value 255{beside}, which looks void; write 0 there if it is background, 1 if it is marked"
    if mode == "P" or values == "ids" or not marked or marked in ([1], [255]):
        return None
    return (
        f"not binary: grey values {_some(marked)}; wanted 0 and 1, or 0 and 255 (--values ids or soft if they are that)"
    )


def _some(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:5]))
    return shown if len(values) <= 5 else f"{shown} and {len(values) - 5} more"


def joined_files(found: Iterable[tuple[int, str, MaskFile]]) -> tuple[dict[int, tuple[MaskFile, ...]], list[Problem]]:
    """Mask files of one video by frame number, from (frame number, object, file); the object is "" for a file of all of them.

    A frame that an object has twice, or that lies both in an object's folder and beside it, is a problem.
    """
    files: dict[int, dict[str, MaskFile]] = {}
    problems = []
    for frame, of_object, file in sorted(found, key=lambda entry: (entry[1], entry[2].where)):
        there = files.setdefault(frame, {})
        other = there.get(of_object) or (there.get("") if of_object else next(iter(there.values()), None))
        if other is None:
            there[of_object] = file
        else:
            problems.append(Problem(file.where, f"frame {frame} is also {other.where}; remove one"))
    return {frame: tuple(there.values()) for frame, there in sorted(files.items())}, problems


def detect(place: Place) -> Sequence[Path]:
    """The folder in which those of the videos lie: the place itself, its Annotations/480p, Annotations, or masks."""
    inside = ("Annotations/480p", "Annotations", "masks")
    home = next(
        (folder for name in inside if (folder := place.path / name).is_dir() and _has_folders(folder)), place.path
    )
    return [home] if _has_folders(home) else []


def _has_folders(folder: Path) -> bool:
    return any(Place(folder).folders)


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all folders; a frame without a file is not predicted."""
    home = Place(files[0])
    videos: dict[str, PredictedVideo] = {}
    problems = [
        Problem(str(file), "not a folder; wanted one folder of PNG masks per video: move it out")
        for file in home.files
        if file.suffix.lower() not in NOTE_SUFFIXES
    ]
    incomplete = set()
    for folder in home.folders:
        if not VIDEO_ID.fullmatch(folder.name):
            problems.append(
                Problem(str(folder), f"the video_id {folder.name!r} is not {VIDEO_ID_RULE}; rename the folder")
            )
            continue
        found, faults = _mask_files(folder)
        joined, more = joined_files(found)
        problems += faults + more
        if faults:
            incomplete.add(folder.name)
        videos[folder.name] = PngVideo(str(folder), joined, reading.values)
    return Predictions(place.path, FORMAT.name, videos, tuple(problems), frozenset(incomplete))


def _mask_files(folder: Path) -> tuple[list[tuple[int, str, MaskFile]], list[Problem]]:
    """(frame number, object, file) of every mask of a video, and every entry that is none."""
    found: list[tuple[int, str, MaskFile]] = []
    problems = []
    inside = Place(folder)
    objects = [entry for entry in inside.folders if OBJECT_NAME.fullmatch(entry.name)]
    strangers = [entry for entry in inside.folders if entry not in objects]
    of_objects = [(entry.name, file) for entry in objects for file in Place(entry).files]
    strangers += [inner for entry in objects for inner in Place(entry).folders]
    for of_object, file in [*(("", file) for file in inside.files), *of_objects]:
        if match := FRAME_NAME.fullmatch(file.name):
            found.append((int(match[1]), of_object, MaskFile(str(file), file)))
        else:
            strangers.append(file)
    problems += [Problem(str(entry), NOT_A_MASK) for entry in strangers]
    return found, problems


def is_note(name: str) -> bool:
    """Whether a file beside the folders of videos is passed over: litter, or what scoring tools write."""
    return is_litter(name) or Path(name).suffix.lower() in NOTE_SUFFIXES


FORMAT = Format(
    name="png",
    what="PNGs {video_id}/{frame}.png, or {video_id}/{object}/{frame}.png",
    needs="",
    order=6,
    numbered=True,
    detect=detect,
    read=read,
)
