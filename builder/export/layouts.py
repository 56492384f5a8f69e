"""The layouts that a release can be written as: what each cannot carry of a row, and its files.

A row is as `release.read_parquet` gives it. Every layout also gets a videos.jsonl (see `describe`), which carries what its own
files cannot: generator, prompt, label, types, split, source.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...masks import ARTIFACT_TYPES, decode, empty
from ...release import LABELS
from ..layouts import FRAME_STEP
from ..raw import own_mask_pngs

MAX_PALETTE_ID = 254
"""Of an 8-bit palette mask; 255 is void in DAVIS."""

Row = Mapping[str, Any]
Entries = Mapping[int, Mapping[int, str]]
"""frame_index → object_id → counts."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout.

    Attributes:
        losses: a text for everything of a row that the layout cannot carry.
        write: writes a row's masks below a folder; gives back the objects that have a pixel there, and what `finish` needs.
        finish: called once with all that the calls of `write` gave back for it.
        needs_videos: whether the folder is nothing without the videos.
    """

    losses: Callable[[Row], list[str]]
    write: Callable[[Row, Path], tuple[set[int], Any]]
    finish: Callable[[Sequence[Any], Path], None]
    needs_videos: bool


def describe(row: Row, split: str, *, layout: str, carried: set[int]) -> dict[str, Any]:
    """The line of videos.jsonl for a row, of whose objects `carried` have a pixel in the layout."""
    kinds = ARTIFACT_TYPES
    found = row["objects"]
    objects = zip(found["object_id"], found["artifact_type"], found["subtype"], strict=True)
    line = {
        "video_id": row["video_id"],
        "generator": row["generator"],
        "prompt": row["prompt"],
        "label": LABELS[bool(carried)],
        "objects": [
            {"object_id": i, "artifact_type": None if kind is None else kinds[kind]}
            | ({"subtype": name} if name else {})
            for i, kind, name in objects
            if i in carried
        ],
        "split": split,
        # `layout` is of the folder that is read, so the next build says it anew.
        "source": {key: text for key, text in row["source"].items() if text is not None and key != "layout"},
    }
    if layout == "own" and not _all_annotated(row):
        line["annotated_frames"] = row["annotated_frames"]
    if layout == "davis" and not row["annotated_frames"]:
        line["annotated_frames"] = []  # no frame has a file then, which alone would be an error
    return line


def entries_of(row: Row) -> Entries:
    """Counts by frame and object, frames and objects ascending."""
    by_frame: dict[int, dict[int, str]] = {}
    masks = row["masks"]
    for frame, object_id, counts in sorted(zip(masks["frame_index"], masks["object_id"], masks["counts"], strict=True)):
        by_frame.setdefault(frame, {})[object_id] = counts
    return by_frame


def write_file(path: Path, content: bytes) -> None:
    """Writes a file of a folder that is not there under its name yet, and that the caller syncs as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _all_annotated(row: Row) -> bool:
    return list(row["annotated_frames"]) == list(range(row["num_frames"]))


# --- Label maps: own and davis ---------------------------------------------------------------------------------------


def _overlaps(row: Row) -> list[str]:
    overlapping = []
    for frame, objects in entries_of(row).items():
        if len(objects) > 1:
            bitmaps = decode(list(objects.values()), height=row["height"], width=row["width"])
            if bitmaps.sum(axis=0, dtype=np.uint16).max() > 1:
                overlapping.append(frame)
    if not overlapping:
        return []
    more = f" and {len(overlapping) - 3} more" if len(overlapping) > 3 else ""
    return [f"objects overlap in frame {', '.join(map(str, overlapping[:3]))}{more}; a label map holds one per pixel"]


def _label_map(row: Row, objects: Mapping[int, str]) -> npt.NDArray[np.uint16]:
    labels = np.zeros((row["height"], row["width"]), np.uint16)
    for object_id, counts in objects.items():
        labels[decode([counts], height=row["height"], width=row["width"])[0] > 0] = object_id
    return labels


def _nothing_lost(row: Row) -> list[str]:
    return []


def _palette_png(labels: npt.NDArray[np.uint16]) -> bytes:
    image = Image.fromarray(labels.astype(np.uint8)).convert("P")
    image.putpalette(_PALETTE)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=False, compress_level=6)
    return stream.getvalue()


def _davis_palette() -> list[int]:
    # DAVIS's and VOC's colours: the bits of the index, dealt to the highest bits of red, green and blue in turn.
    def channel(index: int, first: int) -> int:
        return sum((index >> (3 * bit + first) & 1) << (7 - bit) for bit in range(3))

    return [channel(index, first) for index in range(256) for first in range(3)]


_PALETTE = _davis_palette()


def _write_own(row: Row, folder: Path) -> tuple[set[int], None]:
    for frame, objects in entries_of(row).items():
        files = own_mask_pngs(frame, objects, height=row["height"], width=row["width"])
        for name, content in files.items():
            write_file(folder / "masks" / row["video_id"] / name, content)
    return set(row["masks"]["object_id"]), None


def _davis_losses(row: Row) -> list[str]:
    losses = _overlaps(row)
    high = [object_id for object_id in row["objects"]["object_id"] if object_id > MAX_PALETTE_ID]
    if high:
        losses.append(f"objects {high} have ids over {MAX_PALETTE_ID}; a palette holds no more")
    return losses


def _write_davis(row: Row, folder: Path) -> tuple[set[int], None]:
    by_frame = entries_of(row)
    carried: set[int] = set()
    for frame in row["annotated_frames"]:
        kept = {i: counts for i, counts in by_frame.get(frame, {}).items() if i <= MAX_PALETTE_ID}
        labels = _label_map(row, kept)
        carried |= set(np.unique(labels).tolist())
        write_file(folder / "Annotations" / row["video_id"] / f"{frame:05d}.png", _palette_png(labels))
    return carried - {0}, None


def _nothing(results: Sequence[Any], folder: Path) -> None:
    pass


# --- SA-V ------------------------------------------------------------------------------------------------------------


def _sav_frames(row: Row) -> range:
    """The annotated frames that SA-V can hold: every 4th from 0, up to the first that is not annotated."""
    annotated = set(row["annotated_frames"])
    steps = range(0, row["num_frames"], FRAME_STEP)
    end = next((frame for frame in steps if frame not in annotated), row["num_frames"])
    return range(0, end, FRAME_STEP)


def _sav_losses(row: Row) -> list[str]:
    losses = []
    left_out = sorted(set(row["annotated_frames"]) - set(_sav_frames(row)))
    if left_out:
        losses.append(
            f"{len(left_out)} annotated frames, the first {left_out[0]}; SA-V holds frames 0, {FRAME_STEP}, 8 and so on"
        )
    return losses


def _write_sav(row: Row, folder: Path) -> tuple[set[int], None]:
    height, width, frames, by_frame = row["height"], row["width"], _sav_frames(row), entries_of(row)
    background = empty(height, width)
    ids = sorted({object_id for frame in frames for object_id in by_frame.get(frame, {})})
    content = {
        "video_id": row["video_id"],
        "video_duration": row["num_frames"] / row["fps"] if row["fps"] else 0.0,
        "video_frame_count": float(row["num_frames"]),
        "video_height": float(height),
        "video_width": float(width),
        "video_resolution": float(height * width),
        "masklet_id": [object_id - 1 for object_id in ids],
        "masklet_num": len(ids),
        "masklet": [
            [{"size": [height, width], "counts": by_frame.get(frame, {}).get(i, background)} for i in ids]
            for frame in frames
        ],
    }
    write_file(folder / "annotations" / f"{row['video_id']}_manual.json", _json(content))
    return set(ids), None


# --- COCO ------------------------------------------------------------------------------------------------------------


def _coco_losses(row: Row) -> list[str]:
    return [] if row["annotated_frames"] else ["no frame is annotated; a video without file_names is none in COCO"]


def _write_coco(row: Row, folder: Path) -> tuple[set[int], tuple[dict[str, Any], list[dict[str, Any]]]]:
    """And the video and its annotations, still without ids."""
    frames, by_frame = row["annotated_frames"], entries_of(row)
    size = [row["height"], row["width"]]
    video = {
        "height": row["height"],
        "width": row["width"],
        "length": len(frames),
        "file_names": [f"{row['video_id']}/{frame:05d}.jpg" for frame in frames],
    }
    annotations = []
    for object_id, kind in zip(row["objects"]["object_id"], row["objects"]["artifact_type"], strict=True):
        category = len(ARTIFACT_TYPES) + 1 if kind is None else kind + 1
        counts = [by_frame.get(frame, {}).get(object_id) for frame in frames]
        rles = [None if text is None else {"size": size, "counts": text} for text in counts]
        annotations.append(
            {
                "object_id": object_id,
                "category_id": category,
                "iscrowd": 0,
                "segmentations": rles,
            }
        )
    return set(row["masks"]["object_id"]), (video, annotations)


def _finish_coco(results: Sequence[tuple[dict[str, Any], list[dict[str, Any]]]], folder: Path) -> None:
    videos: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for video, of_video in results:
        if not video["file_names"]:
            continue
        videos.append({"id": len(videos) + 1, **video})
        annotations += [
            {"id": len(annotations) + i, "video_id": len(videos), **a} for i, a in enumerate(of_video, start=1)
        ]
    names = [*ARTIFACT_TYPES, "artifact"]  # the last one, of objects whose type is not given, only where it is needed
    most = max([len(ARTIFACT_TYPES), *(annotation["category_id"] for annotation in annotations)])
    categories = [{"id": i, "name": name} for i, name in enumerate(names[:most], start=1)]
    lists = {"categories": categories, "videos": videos, "annotations": annotations}
    write_file(folder / "instances.json", _json(lists))


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode()


LAYOUTS: Mapping[str, Layout] = {
    "own": Layout(_nothing_lost, _write_own, _nothing, needs_videos=True),
    "davis": Layout(_davis_losses, _write_davis, _nothing, needs_videos=True),
    "sav": Layout(_sav_losses, _write_sav, _nothing, needs_videos=False),
    "coco": Layout(_coco_losses, _write_coco, _finish_coco, needs_videos=False),
}
