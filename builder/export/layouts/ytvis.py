"""YouTube-VIS: instances.json with an annotation for each object.

An annotation has a segmentation for each annotated frame; it is null if the object has no pixel
there.

Source: https://youtube-vos.org/dataset/vis; TrackEval and Mask2Former for the keys that their
readers need.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..frame_pictures import FOLDER, picture_name, write_frames
from ..instances import FILE_NAME, categories, category_ids, segmentations
from ..layout import ExportLayout, ExportOptions, Row, Target, Written
from ..long_json import part_of, write_part, write_tables
from ..rows import masks_by_frame


@dataclass(frozen=True, slots=True)
class _Part:
    """One row: its entry in `videos`, its highest category, and the file with its annotations; no
    ids yet.
    """

    video: dict[str, Any]
    highest: int
    annotations: Path


def _write(row: Row, target: Target) -> Written:
    frames, suffix = row["annotated_frames"], target.options.frames
    size = {"height": row["height"], "width": row["width"], "length": len(frames)}
    names = [f"{row['video_id']}/{picture_name(frame, suffix or 'jpg')}" for frame in frames]
    kinds = category_ids(row)
    path = write_part(
        target.work / row["video_id"],
        (
            {**size, **annotation}
            for annotation in _annotations(row, kinds, counts=target.options.counts)
        ),
    )
    write_frames(row, target.folder / FOLDER / row["video_id"], frames=frames, suffix=suffix)
    part = _Part({**size, "file_names": names}, max(kinds.values(), default=0), path)
    return Written(set(row["masks"]["object_id"]), part)


def _annotations(
    row: Row, kinds: dict[int, int], *, counts: str | None
) -> Iterator[dict[str, Any]]:
    by_frame = masks_by_frame(row)
    for object_id, category in kinds.items():
        strings = [by_frame.get(frame, {}).get(object_id) for frame in row["annotated_frames"]]
        encoded = iter(
            segmentations(row, [text for text in strings if text is not None], as_counts=counts)
        )
        entries = [None if text is None else next(encoded) for text in strings]
        yield {
            "object_id": object_id,
            "category_id": category,
            "iscrowd": 0,
            "segmentations": [entry and entry["segmentation"] for entry in entries],
            "areas": [entry and entry["area"] for entry in entries],
            "bboxes": [entry and entry["bbox"] for entry in entries],
        }


def _finish(parts: Sequence[_Part], folder: Path, options: ExportOptions) -> None:
    # Readers take a video without file_names for an empty one.
    numbered = dict(enumerate((part for part in parts if part.video["file_names"]), start=1))

    def annotations() -> Iterator[dict[str, Any]]:
        number = 0
        for video_id, part in numbered.items():
            for annotation in part_of(part.annotations):
                number += 1
                yield {"id": number, "video_id": video_id, **annotation}

    tables = {
        "categories": categories(max((part.highest for part in parts), default=0)),
        "videos": ({"id": number, **part.video} for number, part in numbered.items()),
        "annotations": annotations(),
    }
    write_tables(folder / FILE_NAME, tables)


LAYOUT = ExportLayout(
    help="YouTube-VIS: instances.json with masklets, for Mask2Former, TrackEval and similar tools",
    write=_write,
    finish=_finish,
    options={"frames": None, "counts": "list"},
)
