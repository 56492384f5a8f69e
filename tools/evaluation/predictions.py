"""Predicted masks: PNG folders, tars of PNGs, JSON (COCO, YouTube-VIS, SA-V), Parquet, or another release or raw folder.

Finding them opens no mask. Everything that turns out wrong, here or when the masks are read, is a `Problem`; scores are given only
when there is none.
"""

import json
import math
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...builder.layouts import ANNOTATION_NAME, FRAME_STEP, MaskletError, read_masklets
from ...builder.raw import LabelMap, Problem, RawError, decode_png, mask_folders
from ...masks import RLEError, Runs, UInt8Array, check, empty, encode, format_runs, union
from ...release import VIDEO_ID
from .truth import EvaluationError, png_files, read_annotation

Values = Literal["auto", "ids", "soft"]
"""How the numbers of a PNG are read. auto: a palette file holds object ids, a grey one 0 and 1, or 0 and 255; ids: object ids in
either; soft: grey 0 ... 255 is a probability, 128 and above is marked."""

SOFT_THRESHOLD = 128


@dataclass(frozen=True, slots=True, eq=False)
class PredictedFrame:
    """One frame's prediction: its mask, or what is wrong with it."""

    frame_index: int
    counts: str
    """Canonical COCO RLE; "" where there is a problem."""
    score: float | None = None
    """How sure the model is that something in the frame is broken."""
    soft: UInt8Array | None = None
    """uint8[H, W]: the probability in 255ths, where the prediction is soft."""
    problem: Problem | None = None


class PredictedVideo(Protocol):
    """One video's predictions where they lie; picklable."""

    @property
    def where(self) -> str:
        """Names them in messages."""
        ...

    @property
    def frames(self) -> Sequence[int]:
        """Frame indices that have a prediction, ascending."""
        ...

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        """The predictions of some of its frames, in the order asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was found at a path, by video_id, and what is wrong with it so far."""

    path: Path
    kind: str
    videos: Mapping[str, PredictedVideo]
    problems: tuple[Problem, ...]


def find_predictions(path: Path, *, values: Values = "auto") -> Predictions:
    """The predictions at `path`.

    Args:
        path: a folder {video_id}/{frame}.png; a .tar (or a folder of them) with such members; a .json in COCO, YouTube-VIS or SA-V
            form, or a folder of SA-V files; a .parquet (or a folder of them) with video_id, frame_index, counts and maybe score,
            one or more rows per frame; a release or raw folder.
        values: how PNGs are read.

    Raises:
        EvaluationError: nothing there that can be read as predictions.
    """
    if path.is_file():
        kind = {".tar": "tar", ".json": "json", ".parquet": "parquet"}.get(path.suffix.lower())
        files = [path]
    elif path.is_dir():
        kind, files = _kind_of(path)
    else:
        raise EvaluationError([Problem(str(path), f"no such file or folder; {_WANTED}")])
    if kind == "annotation":
        return _annotation(path)
    if kind == "png":
        return _png_folders(path, values)
    readers = {"tar": _tars, "json": _json_files, "parquet": _parquet_files}
    if kind not in readers:
        raise EvaluationError([Problem(str(path), f"not a prediction that can be read; {_WANTED}")])
    found = readers[kind](path, files, values)
    if not found.videos and not found.problems:
        raise EvaluationError([Problem(str(path), f"no prediction in it; {_WANTED}")])
    return found


_WANTED = (
    "wanted {video_id}/{frame}.png, a .tar of these, a .parquet with video_id, frame_index and counts, COCO, YouTube-VIS or SA-V "
    "JSON, or a release"
)


def _kind_of(path: Path) -> tuple[str | None, list[Path]]:
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    if any(entry.name in ("manifest.json", "videos.jsonl", "Annotations") for entry in entries):
        return "annotation", []
    for kind in ("parquet", "tar", "json"):
        files = [entry for entry in entries if entry.suffix.lower() == f".{kind}" and entry.is_file()]
        if files:
            return kind, files
    return ("png" if any(entry.is_dir() for entry in entries) else None), []


# --- PNG ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PngVideo:
    """Mask files of one video: on disk, or members of a tar by offset and size."""

    where: str
    files: Mapping[int, Path] = field(default_factory=dict)
    tar: Path | None = None
    members: Mapping[int, tuple[str, int, int]] = field(default_factory=dict)
    values: Values = "auto"

    @property
    def frames(self) -> Sequence[int]:
        return sorted(self.files) if self.tar is None else sorted(self.members)

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        for frame_index, name, data in self._contents(frames):
            try:
                mode, labels = decode_png(data, where=name)
            except RawError as error:
                where, _, what = str(error).partition(": ")
                yield PredictedFrame(frame_index, "", problem=Problem(where, what))
                continue
            fault = size_fault(labels.shape, height=height, width=width) or _value_fault(mode, labels, self.values)
            if fault:
                yield PredictedFrame(frame_index, "", problem=Problem(name, fault))
                continue
            is_soft = self.values == "soft"
            marked = labels >= SOFT_THRESHOLD if is_soft else labels > 0
            score = float(labels.max()) / 255 if is_soft else None
            soft = labels.astype(np.uint8) if is_soft else None
            yield PredictedFrame(frame_index, encode(marked[None])[0], score=score, soft=soft)

    def _contents(self, frames: Sequence[int]) -> Iterator[tuple[int, str, bytes]]:
        if self.tar is None:
            for frame_index in frames:
                path = self.files[frame_index]
                try:
                    yield frame_index, str(path), path.read_bytes()
                except OSError:
                    yield frame_index, str(path), b""
            return
        with self.tar.open("rb") as file:
            for frame_index in frames:
                name, offset, size = self.members[frame_index]
                file.seek(offset)
                yield frame_index, f"{self.tar} member {name}", file.read(size)


def size_fault(size: Sequence[int], *, height: int, width: int) -> str | None:
    """What is wrong with a mask of this size (height, width) in a video of the other."""
    if tuple(size) == (height, width):
        return None
    return (
        f"{size[0]}x{size[1]} pixels (height x width), the truth has {height}x{width}; predict at the size of the video"
    )


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


def _png_folders(path: Path, values: Values) -> Predictions:
    folders, problems = mask_folders(path, raw=path)
    videos: dict[str, PredictedVideo] = {}
    for video_id, folder in folders.items():
        files, file_problems = png_files(folder, root=path)
        problems += file_problems
        videos[video_id] = _PngVideo(str(folder), files=files, values=values)
    whole_paths = (Problem(f"{path}/{problem.where}", problem.what) for problem in problems)
    return Predictions(path, "png", videos, tuple(whole_paths))


def _tars(path: Path, files: Sequence[Path], values: Values) -> Predictions:
    found: dict[str, dict[int, tuple[str, int, int]]] = {}
    homes: dict[str, Path] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            # "r:": a compressed tar cannot be read at an offset.
            with tarfile.open(file, "r:") as tar:
                for member in tar:
                    if member.isfile():
                        _add_member(file, member, found, homes, problems)
        except (tarfile.TarError, OSError) as error:
            problems.append(Problem(str(file), f"not a readable, uncompressed tar ({error}); pack it again"))
    videos: dict[str, PredictedVideo] = {
        video_id: _PngVideo(f"{homes[video_id]} {video_id}", tar=homes[video_id], members=members, values=values)
        for video_id, members in found.items()
    }
    return Predictions(path, "tar", videos, tuple(problems))


def _add_member(
    file: Path,
    member: tarfile.TarInfo,
    found: dict[str, dict[int, tuple[str, int, int]]],
    homes: dict[str, Path],
    problems: list[Problem],
) -> None:
    *folders, name = member.name.split("/")
    stem, _, suffix = name.rpartition(".")
    video_id = folders[-1] if folders else ""
    where = f"{file} member {member.name}"
    if not VIDEO_ID.fullmatch(video_id) or suffix != "png" or not (stem.isascii() and stem.isdecimal()):
        problems.append(Problem(where, "not a mask; wanted {video_id}/{frame}.png"))
        return
    members = found.setdefault(video_id, {})
    if homes.setdefault(video_id, file) != file:
        problems.append(Problem(where, f"video {video_id} is also in {homes[video_id]}; keep a video in one tar"))
    elif int(stem) in members:
        problems.append(Problem(where, f"frame {int(stem)} is also {members[int(stem)][0]}; remove one"))
    else:
        members[int(stem)] = (member.name, member.offset_data, member.size)


# --- RLE ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rle:
    """One predicted mask; `size` None where the format gives none."""

    counts: str
    size: tuple[int, int] | None
    score: float | None


@dataclass(frozen=True, slots=True)
class _RleVideo:
    """Masks of one video by frame index; several in one frame count together. No mask: nothing predicted there."""

    where: str
    masks: Mapping[int, tuple[Rle, ...]]

    @property
    def frames(self) -> Sequence[int]:
        return sorted(self.masks)

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        for frame_index in frames:
            masks = self.masks[frame_index]
            fault = next(filter(None, (_rle_fault(mask, height=height, width=width) for mask in masks)), None)
            if fault:
                where = f"{self.where} frame {frame_index}"
                yield PredictedFrame(frame_index, "", problem=Problem(where, fault))
                continue
            counts = [mask.counts for mask in masks]
            joined = (
                counts[0]
                if len(counts) == 1
                else union(counts, height=height, width=width)
                if counts
                else empty(height, width)
            )
            scores = [mask.score for mask in masks if mask.score is not None]
            yield PredictedFrame(frame_index, joined, score=max(scores, default=None))


def _rle_fault(mask: Rle, *, height: int, width: int) -> str | None:
    if mask.size is not None and (fault := size_fault(mask.size, height=height, width=width)):
        return fault
    if mask.score is not None and not math.isfinite(mask.score):
        return f"score is {mask.score}, wanted a finite number"
    try:
        check([mask.counts], height=height, width=width)
    except RLEError as error:
        return error.problem
    return None


def _annotation(path: Path) -> Predictions:
    found = read_annotation(path)
    videos: dict[str, PredictedVideo] = {}
    for part in found.parts:
        for video in part.read():
            marked = video.union()
            masks = {
                frame_index: (Rle(marked[frame_index], None, None),) if frame_index in marked else ()
                for frame_index in video.frames
            }
            videos[video.video_id] = _RleVideo(f"{path} video {video.video_id}", masks)
    return Predictions(path, found.kind, videos, ())


def _parquet_files(path: Path, files: Sequence[Path], values: Values) -> Predictions:
    del values  # of PNGs
    masks: dict[str, dict[int, list[Rle]]] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (pa.ArrowException, OSError) as error:
            problems.append(Problem(str(file), f"not a Parquet file ({error}); write it again"))
            continue
        absent = {"video_id", "frame_index", "counts"} - set(schema.names)
        if absent:
            what = f"has the columns {', '.join(schema.names)}, lacks {', '.join(sorted(absent))}"
            problems.append(Problem(str(file), what))
            continue
        columns = [name for name in ("video_id", "frame_index", "counts", "score") if name in schema.names]
        row_number = 0
        for table in _row_groups(file, columns):
            for row in table.to_pylist():
                _add_row(f"{file} row {row_number}", row, masks, problems)
                row_number += 1
    return _rle_predictions(path, "parquet", masks, problems)


def _row_groups(file: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    with pq.ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            yield parquet.read_row_group(group, columns=list(columns), use_threads=False)


def _add_row(
    where: str, row: Mapping[str, Any], masks: dict[str, dict[int, list[Rle]]], problems: list[Problem]
) -> None:
    video_id, frame_index, counts, score = (row.get(key) for key in ("video_id", "frame_index", "counts", "score"))
    if isinstance(counts, bytes):
        counts = counts.decode("ascii", "replace")
    if not isinstance(video_id, str) or not _is_frame(frame_index) or not isinstance(counts, str):
        found = f"video_id {video_id!r}, frame_index {frame_index!r}, counts {counts!r:.40}"
        problems.append(Problem(where, f"{found}; wanted text, a whole number from 0 and a COCO RLE string"))
        return
    number = float(score) if isinstance(score, int | float) else None
    masks.setdefault(video_id, {}).setdefault(int(frame_index), []).append(Rle(counts, None, number))  # type: ignore[arg-type]


def _is_frame(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == value // 1


def _rle_predictions(
    path: Path, kind: str, masks: Mapping[str, Mapping[int, Sequence[Rle]]], problems: Sequence[Problem]
) -> Predictions:
    videos: dict[str, PredictedVideo] = {
        video_id: _RleVideo(
            f"{path} video {video_id}", {frame_index: tuple(found) for frame_index, found in frames.items()}
        )
        for video_id, frames in masks.items()
    }
    return Predictions(path, kind, videos, tuple(problems))


# --- JSON -----------------------------------------------------------------------------------------------------------


def _json_files(path: Path, files: Sequence[Path], values: Values) -> Predictions:
    del values  # of PNGs
    masks: dict[str, dict[int, list[Rle]]] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            content = json.loads(file.read_bytes())
        except (ValueError, RecursionError) as error:
            problems.append(Problem(str(file), f"not JSON ({error}); write it again"))
            continue
        try:
            if isinstance(content, dict) and "masklet" in content:
                _add_masklets(file, content, masks)
            elif isinstance(content, dict) and "annotations" in content:
                _add_coco(file, content, masks, problems)
            elif isinstance(content, list):
                for number, entry in enumerate(content):
                    _add_entry(f"{file} [{number}]", entry, masks, problems, {})
            else:
                wanted = "a list of results, or an object with annotations (COCO, YouTube-VIS) or masklet (SA-V)"
                problems.append(Problem(str(file), f"wanted {wanted}"))
        except MaskletError as error:
            problems += [Problem(str(file), fault) for fault in error.faults]
    return _rle_predictions(path, "json", masks, problems)


def _add_masklets(file: Path, content: Mapping[str, Any], masks: dict[str, dict[int, list[Rle]]]) -> None:
    masklets = read_masklets(file)
    match = ANNOTATION_NAME.fullmatch(file.name)
    frames = masks.setdefault(match[1] if match else str(content.get("video_id", file.stem)), {})
    for position, rles in enumerate(masklets.rles):
        frames[FRAME_STEP * position] = [Rle(rle["counts"], tuple(rle["size"]), None) for rle in rles]


def _add_coco(
    file: Path, content: Mapping[str, Any], masks: dict[str, dict[int, list[Rle]]], problems: list[Problem]
) -> None:
    """COCO with `images` named {video_id}/{frame}.*, or YouTube-VIS with `videos` named in name or file_names."""
    places: dict[object, tuple[str, int]] = {}
    for image in content.get("images", ()):
        *folders, name = str(image.get("file_name", "")).split("/")
        stem = name.rpartition(".")[0]
        if folders and stem.isdecimal():
            places[image.get("id")] = (folders[-1], int(stem))
            masks.setdefault(folders[-1], {}).setdefault(int(stem), [])  # in the list of images: looked at
        else:
            problems.append(Problem(f"{file} image {image.get('id')}", "file_name is not {video_id}/{frame}.png"))
    for video in content.get("videos", ()):
        names = video.get("file_names") or [""]
        video_id = video.get("name") or str(names[0]).split("/")[0]
        places[("video", video.get("id"))] = (str(video_id), -1)
        for frame_index in range(len(video.get("file_names") or ())):
            masks.setdefault(str(video_id), {}).setdefault(frame_index, [])
    for number, entry in enumerate(content["annotations"]):
        _add_entry(f"{file} annotations[{number}]", entry, masks, problems, places)


def _add_entry(
    where: str,
    entry: Any,
    masks: dict[str, dict[int, list[Rle]]],
    problems: list[Problem],
    places: Mapping[object, tuple[str, int]],
) -> None:
    if not isinstance(entry, dict):
        problems.append(Problem(where, "not an object; wanted video_id, frame_index and segmentation"))
        return
    video_id, frame_index = entry.get("video_id"), entry.get("frame_index")
    if entry.get("image_id") in places:
        video_id, frame_index = places[entry["image_id"]]
    elif ("video", video_id) in places:
        video_id = places["video", video_id][0]
    segmentations = entry.get("segmentations")
    is_track = isinstance(segmentations, list)
    if not isinstance(video_id, str) or not (is_track or _is_frame(frame_index)):
        what = f"video_id {video_id!r}, frame_index {frame_index!r}; wanted text and a whole number from 0, or segmentations"
        problems.append(Problem(where, what))
        return
    score = entry.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        problems.append(Problem(where, f"score is {score!r}, wanted a number"))
        return
    number = None if score is None else float(score)
    frames = masks.setdefault(video_id, {})
    found = enumerate(segmentations) if is_track else [(int(frame_index), entry.get("segmentation"))]  # type: ignore[arg-type]
    for index, rle in found:
        masks_of_frame = frames.setdefault(index, [])
        if rle is None and is_track:  # YouTube-VIS: out of sight
            continue
        try:
            masks_of_frame.append(_rle(rle, number))
        except (KeyError, TypeError, ValueError):
            what = (
                f"segmentation is {json.dumps(rle):.60}, wanted {{size: [height, width], counts}}: an RLE, not polygons"
            )
            problems.append(Problem(f"{where} frame {index}", what))


def _rle(rle: Any, score: float | None) -> Rle:
    height, width = (int(side) for side in rle["size"])
    counts = rle["counts"]
    if isinstance(counts, list):  # COCO's uncompressed form
        lengths = np.array(counts, np.int64)
        counts = format_runs(Runs(lengths, np.array([0, len(lengths)]), height, width))[0]
    if not isinstance(counts, str):
        raise TypeError
    return Rle(counts, (height, width), score)
