"""COCO: instances.json with an image for each annotated frame, and an annotation for each mask.

Each annotation has an additional key `object_id`: the object of the video. COCO has no such key.

Source: https://cocodataset.org/#format-data
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..frame_pictures import FOLDER, picture_name, write_frames
from ..instances import FILE_NAME, categories, category_ids, segmentations
from ..layout import ExportLayout, ExportOptions, Row, Target, Written
from ..long_json import part_of, write_part, write_tables


@dataclass(frozen=True, slots=True)
class _Part:
    """One row: its images, its highest category, and the file with its annotations.

    They have no ids yet. `image` of an annotation is the number of the image within the row.
    """

    images: list[dict[str, Any]]
    highest: int
    annotations: Path


def _write(row: Row, target: Target) -> Written:
    frames, suffix = row["annotated_frames"], target.options.frames
    size = {"height": row["height"], "width": row["width"]}
    images = [
        {
            "file_name": f"{row['video_id']}/{picture_name(frame, suffix or 'jpg')}",
            **size,
            "frame_index": frame,
        }
        for frame in frames
    ]
    kinds = category_ids(row)
    path = write_part(
        target.work / row["video_id"], _annotations(row, kinds, counts=target.options.counts)
    )
    write_frames(row, target.folder / FOLDER / row["video_id"], frames=frames, suffix=suffix)
    return Written(
        set(row["masks"]["object_id"]), _Part(images, max(kinds.values(), default=0), path)
    )


def _annotations(
    row: Row, kinds: dict[int, int], *, counts: str | None
) -> Iterator[dict[str, Any]]:
    places = {frame: place for place, frame in enumerate(row["annotated_frames"])}
    masks = row["masks"]
    encoded = segmentations(row, masks["counts"], as_counts=counts)
    triples = zip(masks["frame_index"], masks["object_id"], encoded, strict=True)
    for frame, object_id, entry in sorted(triples, key=lambda triple: triple[:2]):
        yield {
            "image": places[frame],
            "category_id": kinds[object_id],
            "object_id": object_id,
            "iscrowd": 0,
            **entry,
        }


def _finish(parts: Sequence[_Part], folder: Path, options: ExportOptions) -> None:
    def images() -> Iterator[dict[str, Any]]:
        number = 0
        for part in parts:
            for image in part.images:
                number += 1
                yield {"id": number, **image}

    def annotations() -> Iterator[dict[str, Any]]:
        number = first_image = 0
        for part in parts:
            for annotation in part_of(part.annotations):
                number += 1
                yield {
                    "id": number,
                    "image_id": first_image + annotation.pop("image") + 1,
                    **annotation,
                }
            first_image += len(part.images)

    tables = {
        "categories": categories(max((part.highest for part in parts), default=0)),
        "images": images(),
        "annotations": annotations(),
    }
    write_tables(folder / FILE_NAME, tables)


LAYOUT = ExportLayout(
    help="COCO: instances.json with an image per annotated frame, for pycocotools, FiftyOne, "
    "supervision and similar tools",
    write=_write,
    finish=_finish,
    options={"frames": "jpg", "counts": "list"},
)
