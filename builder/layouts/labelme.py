"""LabelMe: annotations/{video_id}/{frame:05d}.json, or .png (a label mask), beside
videos/{video_id}.mp4.

A frame without a file is not annotated. In JSON, `group_id` is the object_id, or one less than it
if the video has a group 0. Shapes without a group are one object per label, numbered after the
highest object_id of the video, in the order of labels. Polygons, rectangles and circles are drawn
as LabelMe draws them (Pillow's ImageDraw, with the outline); a rectangle may have two corners or
all four. A mask is the PNG in the shape, placed at its first point. In a PNG file, as labelme's
exporters write it, palette indices or grey values are object ids; 255 means "ignore" there and is
refused. Annotated pictures may be beside their JSON: JPEG and similar files are ignored, and a PNG
with the name of a JSON file.

Source: labelme 6.3.1, labelme/utils/shape.py and labelme/_label_file.py.
"""

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..raw import (
    MAX_OBJECT_ID,
    MAX_PIXELS,
    NUMBER,
    FoundMasks,
    FrameLabels,
    Layout,
    Problem,
    RawError,
    RawVideo,
    blank_planes,
    by_frame,
    decode_png,
    find_videos,
    first_file,
    ids_from_one,
    is_finite,
    is_whole,
    join_records,
    list_folder,
    mask_folders,
    objects_of_labels,
    read_json,
    read_png,
    shown,
)

MAX_FILE_BYTES = 2**28
"""Size limit of one JSON file, which may hold the image too."""

_FOLDER = "annotations"
_PICTURES = (".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""Suffixes of the annotated pictures; these files are never label masks."""
_IGNORE = 255
_POINTS = {
    "polygon": (3, 10**6),
    "rectangle": (2, 4),
    "circle": (2, 2),
    "oriented_rectangle": (4, 4),
    "mask": (2, 2),
}

_UPRIGHT_PX = 0.01
"""How far, in pixels, the corners of a rectangle may be from an upright rectangle."""

_Point = tuple[float, float]
"""(x, y) in pixels."""
_Name = tuple[int | None, str]
"""group_id and label of a shape. If there is no group_id, the label identifies the object."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of one frame."""

    kind: str
    name: _Name
    points: Sequence[_Point]
    png: str | None
    """Base64 of the mask of kind "mask"."""


@dataclass(frozen=True, slots=True)
class LabelMeMasks:
    """The files of one video."""

    files: Mapping[int, Path]
    """frame_index → file."""
    object_ids: Mapping[_Name, int]

    def read(self) -> Iterator[FrameLabels]:
        """Every frame that has a file; JSON gives one plane per object because objects may overlap.

        Raises:
            RawError: a file that has changed into one that cannot be read, a mask that does not
                fit, 255 in a PNG.
        """
        for frame_index, path in self.files.items():
            if path.suffix.lower() == ".png":
                _, labels = read_png(path)
                if (labels == _IGNORE).any():
                    raise RawError(
                        f"{path}: has value 255, which is ignored in LabelMe's masks; mark it as "
                        "an object or as 0"
                    )
                yield FrameLabels(frame_index, (labels,))
                continue
            try:
                height, width, shapes = read_shapes(path)
                ids = {self.object_ids[shape.name] for shape in shapes}
                planes = blank_planes(ids, height, width, where=str(path))
                for position, shape in enumerate(shapes):
                    object_id = self.object_ids[shape.name]
                    bitmap = _bitmap(shape, height=height, width=width, where=f"shapes[{position}]")
                    planes[object_id][bitmap] = object_id
            except KeyError as error:
                raise RawError(f"{path}: changed while it was read; build again") from error
            except RawError as error:
                raise RawError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
            yield FrameLabels(frame_index, list(planes.values()))


def _bitmap(shape: Shape, *, height: int, width: int, where: str) -> npt.NDArray[np.bool_]:
    if shape.kind == "mask":
        return _pasted(shape, height=height, width=width, where=where)
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)
    if shape.kind == "circle":
        (x, y), edge = shape.points
        radius = math.dist((x, y), edge)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=1, fill=1)
    elif shape.kind == "rectangle" and (corners := _upright_corners(shape.points)) is not None:
        (x0, y0), (x1, y1) = corners
        draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), outline=1, fill=1)
    else:
        points = _around(shape.points) if shape.kind == "rectangle" else shape.points
        draw.polygon(list(points), outline=1, fill=1)
    return np.asarray(image, np.bool_)


def _upright_corners(points: Sequence[_Point]) -> tuple[_Point, _Point] | None:
    """Two opposite corners of an upright rectangle given by two or four corners in any order; None
    for a rotated one.
    """
    (left, right), (top, bottom) = ((min(side), max(side)) for side in zip(*points, strict=True))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    is_upright = len(points) == 2 or all(
        any(math.dist(corner, point) <= _UPRIGHT_PX for point in points) for corner in corners
    )
    return ((left, top), (right, bottom)) if is_upright else None


def _around(points: Sequence[_Point]) -> Sequence[_Point]:
    """The corners of a convex shape, sorted along its outline."""
    x, y = (sum(side) / len(points) for side in zip(*points, strict=True))
    return sorted(points, key=lambda point: math.atan2(point[1] - y, point[0] - x))


def _is_convex(points: Sequence[_Point]) -> bool:
    """Whether no corner lies inside the shape of the others; `points` are sorted along the
    outline.
    """
    turns = []
    for place, (x1, y1) in enumerate(points):
        (x0, y0), (x2, y2) = points[place - 1], points[(place + 1) % len(points)]
        turns.append((x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1))
    return all(turn >= 0 for turn in turns)


def _pasted(shape: Shape, *, height: int, width: int, where: str) -> npt.NDArray[np.bool_]:
    try:
        data = base64.b64decode(shape.png or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise RawError(f"{where}: mask is not base64; save the file again in LabelMe") from error
    _, labels = decode_png(data, where=f"{where} mask")
    left, top = (int(part) for part in shape.points[0])
    right, bottom = (int(part) for part in shape.points[1])
    rows, columns = labels.shape
    if (
        (bottom + 1 - top, right + 1 - left) != labels.shape
        or left < 0
        or top < 0
        or right >= width
        or bottom >= height
    ):
        box = f"from ({left}, {top}) to ({right}, {bottom}) in {width}x{height}"
        raise RawError(
            f"{where}: the mask has {columns}x{rows} pixels, but its points go {box}; save the "
            "file again in LabelMe"
        )
    bitmap = np.zeros((height, width), np.bool_)
    bitmap[top : bottom + 1, left : right + 1] = labels != 0
    return bitmap


def read_shapes(path: Path) -> tuple[int, int, Sequence[Shape]]:
    """Height, width and shapes of one JSON file; nothing is drawn.

    Raises:
        RawError: the problem of the file, without its path.
    """
    content = read_json(path, max_bytes=MAX_FILE_BYTES)
    height, width, shapes = (
        content.get(key) if isinstance(content, dict) else None
        for key in ("imageHeight", "imageWidth", "shapes")
    )
    if not isinstance(shapes, list) or not all(
        is_whole(side, least=1, most=MAX_PIXELS) for side in (height, width)
    ):
        raise RawError(
            "wanted a JSON object with shapes, imageHeight and imageWidth, as LabelMe writes"
        )
    if height * width > MAX_PIXELS:  # type: ignore[operator]
        raise RawError(
            f"{height}x{width} pixels, at most {MAX_PIXELS} are read; is this a video frame?"
        )
    size: tuple[int, int] = (height, width)  # type: ignore[assignment]
    return (*size, [_shape(entry, f"shapes[{i}]", *size) for i, entry in enumerate(shapes)])


def _shape(entry: object, where: str, height: int, width: int) -> Shape:
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("label"), str)
        or not isinstance(entry.get("points"), list)
    ):
        raise RawError(f"{where}: {shown(entry)}, wanted a shape with label and points")
    kind = entry.get("shape_type") or "polygon"
    if not isinstance(kind, str) or kind not in _POINTS:
        raise RawError(
            f"{where}: shape_type is {shown(kind)}, wanted one with an area: {', '.join(_POINTS)}"
        )
    fewest, most = _POINTS[kind]
    if not fewest <= len(entry["points"]) <= most or (
        kind == "rectangle" and len(entry["points"]) == 3
    ):
        wanted = (
            {2: f"{fewest}", 4: "2 or 4"}.get(most, f"at least {fewest}")
            if fewest != most
            else f"{fewest}"
        )
        raise RawError(f"{where}: {len(entry['points'])} points, wanted {wanted} for a {kind}")
    points = []
    for point in entry["points"]:
        # Points a little outside the frame are normal; points far outside would make drawing take
        # for ever.
        inside = (
            isinstance(point, list)
            and len(point) == 2
            and is_finite(point[0])
            and is_finite(point[1])
            and -width <= point[0] <= 2 * width
            and -height <= point[1] <= 2 * height
        )
        if not inside:
            raise RawError(
                f"{where}: point {shown(point)}, wanted [x, y] in a frame of {width}x{height}"
            )
        points.append((point[0], point[1]))
    group_id, png = entry.get("group_id"), entry.get("mask")
    if group_id is not None and not is_whole(group_id, least=0, most=MAX_OBJECT_ID):
        raise RawError(
            f"{where}: group_id is {shown(group_id)}, wanted the number of an object, from 0 to "
            f"{MAX_OBJECT_ID}, or null"
        )
    if kind == "rectangle" and not _is_convex(_around(points)):
        raise RawError(
            f"{where}: points {shown(entry['points'])}, wanted the corners of a rectangle"
        )
    if kind == "mask" and not isinstance(png, str):
        raise RawError(f"{where}: mask is {shown(png)}, wanted a PNG in base64")
    return Shape(kind, (group_id, entry["label"]), points, png if kind == "mask" else None)


def read_labelme(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without opening a video or drawing a shape."""
    videos, problems = find_videos(raw / "videos", raw=raw)
    folders, folder_problems = mask_folders(raw / _FOLDER, raw=raw)
    problems += folder_problems
    masks: dict[str, FoundMasks] = {}
    for video_id, folder in folders.items():
        where = folder.relative_to(raw).as_posix()
        files, faults = _files(folder, raw=raw)
        names: set[_Name] = set()
        for path in files.values():
            if path.suffix.lower() == ".json":
                try:
                    names |= {shape.name for shape in read_shapes(path)[2]}
                except RawError as error:
                    faults.append(Problem(path.relative_to(raw).as_posix(), str(error)))
        labels, ids, naming_faults = _number(names)
        faults += [Problem(where, fault) for fault in naming_faults]
        if not files and not faults:
            what = (
                "no file in it, so no frame is annotated; add files without shapes for the "
                "frames that were looked at"
            )
            faults.append(Problem(where, what))
        problems += faults
        has_png = any(path.suffix.lower() == ".png" for path in files.values())
        masks[video_id] = FoundMasks(
            where,
            None if faults else LabelMeMasks(files, ids),
            tuple(files),
            # The objects of a PNG are known only after decoding it.
            objects=None if has_png else objects_of_labels(labels, artifact_type),
        )
    records, record_problems = join_records(
        raw,
        videos=videos,
        masks=masks,
        masks_wanted=f"{_FOLDER}/{{video_id}}/00000.json and so on",
        artifact_type=artifact_type,
        generator=generator,
    )
    return records, problems + record_problems


def _files(folder: Path, *, raw: Path) -> tuple[dict[int, Path], list[Problem]]:
    entries: dict[str, list[Path]] = {".json": [], ".png": []}
    problems: list[Problem] = []
    for path in list_folder(folder):
        suffix = path.suffix.lower()
        if suffix in entries and NUMBER.fullmatch(path.stem) and path.is_file():
            entries[suffix].append(path)
        elif suffix not in _PICTURES or not path.is_file():
            wanted = "wanted {frame:05d}.json or .png, such as 00017.json for frame 17 (from 0)"
            what = f"not an annotation of LabelMe; {wanted}: rename it or move it out"
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
    stems = {path.stem for path in entries[".json"]}
    pngs_are_pictures = any(path.stem in stems for path in entries[".png"])
    files, faults = by_frame(
        entries[".json"] + ([] if pngs_are_pictures else entries[".png"]), raw=raw
    )
    return files, problems + faults


def _number(names: set[_Name]) -> tuple[dict[int, str], dict[_Name, int], list[str]]:
    """Labels by object_id, object ids by name, and problems."""
    labels: dict[int, str] = {}
    ids: dict[_Name, int] = {}
    faults: list[str] = []
    id_of_group = ids_from_one({group_id for group_id, _ in names if group_id is not None})
    for group_id, label in sorted((g, label) for g, label in names if g is not None):
        object_id = id_of_group[group_id]
        if object_id in labels:
            what = (
                f"labels {shown(labels[object_id])} and {shown(label)}; wanted one label per object"
            )
            faults.append(f"group_id {group_id}: {what}")
        labels[object_id] = label
        ids[group_id, label] = object_id
    for label in sorted(label for group_id, label in names if group_id is None):
        object_id = max(labels, default=0) + 1
        labels[object_id] = label
        ids[None, label] = object_id
    if max(labels, default=0) > MAX_OBJECT_ID:
        faults.append(f"more than {MAX_OBJECT_ID} objects; give fewer group ids")
    return labels, ids, faults


def _detect(raw: Path) -> Path | None:
    first_files = (
        first_file(list_folder(folder), suffix=".json") for folder in list_folder(raw / _FOLDER)
    )
    return next((path for path in first_files if path is not None), None)


LAYOUT = Layout(
    help="polygons, rectangles, circles and masks of LabelMe, a JSON file per annotated frame",
    looked_for=f"{_FOLDER}/{{video_id}}/00000.json and so on",
    detect=_detect,
    read=read_labelme,
)
