"""Reads PNGs of predicted masks, on disk or in a tar: their frames, and the pixels that they
mark.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ....builder.raw import LabelMap, Problem, RawError, decode_png, label_values
from ....masks import encode
from .form import PredictedFrame, PredictedVideo, Values
from .rle import Rle, RleVideo, size_fault

SOFT_THRESHOLD = 128
FRAME_NAME = re.compile(r"([0-9]{1,9})\.png", re.IGNORECASE)
OBJECT_NAME = re.compile(r"[0-9]{1,9}")
NOTE_SUFFIXES = (".csv", ".html", ".log", ".md", ".txt")
"""Suffixes of files that scoring tools write beside the folders of videos, such as the results.csv
of vos-benchmark. Such files are ignored.
"""


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A PNG on disk, or in a tar at an offset."""

    where: str
    path: Path
    offset: int = 0
    size: int = -1
    """Size in bytes; -1: up to the end of the file."""
    object_id: int | None = None
    """The only object in the file: the number of its folder plus 1, as for annotations. None: the
    values of the file are the object ids.
    """

    def bytes(self) -> bytes:
        """The content of the file; empty if it cannot be read."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read(self.size)
        except OSError:
            return b""


@dataclass(frozen=True, slots=True)
class PngVideo:
    """The mask files of one video by frame number. Several files of a frame are joined."""

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

    def objects(self) -> Mapping[int, PredictedVideo] | None:
        if self.values == "soft":
            return None
        objects: dict[int, dict[int, tuple[Rle, ...]]] = {}
        for frame_index, files in self.files.items():
            for file in files:
                for object_id, mask in _objects_in(file).items():
                    objects.setdefault(object_id, dict.fromkeys(self.files, ()))[frame_index] = (
                        mask,
                    )
        return {
            object_id: RleVideo(self.where, masks) for object_id, masks in sorted(objects.items())
        }

    def _joined(
        self, files: Sequence[MaskFile], *, height: int, width: int
    ) -> tuple[LabelMap, Problem | None]:
        joined = np.zeros((height, width), np.uint16)
        for file in files:
            try:
                mode, labels = decode_png(file.bytes(), where=file.where)
            except RawError as error:
                return joined, Problem(file.where, str(error).removeprefix(f"{file.where}: "))
            fault = size_fault(labels.shape, height=height, width=width) or _value_fault(
                mode, labels, self.values
            )
            if fault:
                return joined, Problem(file.where, fault)
            np.maximum(joined, labels, out=joined)
        return joined, None


def _objects_in(file: MaskFile) -> dict[int, Rle]:
    """The masks of a file by object_id; empty if it cannot be read (`PngVideo.read` reports that).

    White in a grey file is object 1.
    """
    try:
        mode, labels = decode_png(file.bytes(), where=file.where)
    except RawError:
        return {}
    if file.object_id is not None:
        labels = np.where(labels > 0, file.object_id, 0)
    elif mode != "P" and labels.max(initial=0) == 255:
        labels = labels // 255
    ids = [value for value in label_values(labels) if value > 0]
    strings = encode(labels[None] == np.array(ids, labels.dtype)[:, None, None])
    return {
        object_id: Rle(counts, labels.shape, None, object_id)
        for object_id, counts in zip(ids, strings, strict=True)
    }


def _value_fault(mode: str, labels: LabelMap, values: Values) -> str | None:
    marked = [value for value in label_values(labels) if value]
    if values == "soft":
        if mode not in ("L", "1"):
            return (
                f"a PNG of mode {mode}, wanted 8-bit grey for soft values; write probabilities "
                "as 0 to 255"
            )
        return None
    if 255 in marked and (mode == "P" or values == "ids" or len(marked) > 1):
        beside = (
            f" beside {_some([value for value in marked if value != 255])}"
            if len(marked) > 1
            else ""
        )
        return (
            f"has value 255{beside}, which looks void; write 0 there if it is background, 1 if "
            "it is marked"
        )
    if mode == "P" or values == "ids" or not marked or marked in ([1], [255]):
        return None
    return (
        f"not binary: grey values {_some(marked)}; wanted 0 and 1, or 0 and 255 (--values ids "
        "or soft if they are that)"
    )


def _some(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:5]))
    return shown if len(values) <= 5 else f"{shown} and {len(values) - 5} more"


def joined_files(
    entries: Iterable[tuple[int, str, MaskFile]],
) -> tuple[dict[int, tuple[MaskFile, ...]], list[Problem]]:
    """The mask files of one video by frame number, and problems.

    It is a problem if an object has a frame twice, or if a frame is both in an object's folder and
    beside it.

    Args:
        entries: (frame number, object, file). The object is "" for a file with all objects.
    """
    files: dict[int, dict[str, MaskFile]] = {}
    problems = []
    for frame, of_object, file in sorted(entries, key=lambda entry: (entry[1], entry[2].where)):
        earlier = files.setdefault(frame, {})
        same = earlier.get(of_object) or (
            earlier.get("") if of_object else next(iter(earlier.values()), None)
        )
        if same is None:
            earlier[of_object] = replace(file, object_id=int(of_object) + 1) if of_object else file
        else:
            problems.append(Problem(file.where, f"frame {frame} is also {same.where}; remove one"))
    return {
        frame: tuple(by_object.values()) for frame, by_object in sorted(files.items())
    }, problems


def is_note(name: str) -> bool:
    """Whether a file beside the folders of videos is ignored because scoring tools write such
    files.
    """
    return Path(name).suffix.lower() in NOTE_SUFFIXES
