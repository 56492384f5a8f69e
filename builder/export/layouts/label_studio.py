"""Label Studio: tasks.json with an image task for each annotated frame, its pictures, and
label_config.xml.

A brush has only a type. The Number `object_id` of each region connects an object across frames.

Source: Label Studio documentation, "BrushLabels", "Number" and "Import pre-annotated data into
Label Studio".
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....masks import decode
from ..brush import encode_brush
from ..files import write_file
from ..frame_pictures import FOLDER, picture_name, write_frames
from ..layout import ExportLayout, ExportOptions, Row, Target, Written
from ..long_json import part_of, write_list, write_part
from ..rows import label_of, labels, masks_by_frame, types_by_object

_TASKS = "tasks.json"
_ADDRESS = "/data/local-files/?d="
"""The start of the address of files in the folder that Label Studio serves."""


def _write(row: Row, target: Target) -> Written:
    suffix = target.options.frames or "png"
    kinds = types_by_object(row)
    write_frames(
        row, target.folder / FOLDER / row["video_id"], frames=row["annotated_frames"], suffix=suffix
    )
    path = write_part(target.work / row["video_id"], _tasks(row, kinds, suffix=suffix))
    return Written(set(row["masks"]["object_id"]), (path, None in kinds.values()))


def _tasks(row: Row, kinds: Mapping[int, str | None], *, suffix: str) -> Iterator[dict[str, Any]]:
    by_frame = masks_by_frame(row)
    for frame in row["annotated_frames"]:
        image = f"{_ADDRESS}{FOLDER}/{row['video_id']}/{picture_name(frame, suffix)}"
        masks = by_frame.get(frame, {})
        results = [
            result
            for object_id in masks
            for result in _region(row, object_id, masks[object_id], kinds)
        ]
        yield {"data": {"image": image}, "annotations": [{"result": results}]}


def _region(
    row: Row, object_id: int, counts: str, kinds: Mapping[int, str | None]
) -> Iterator[dict[str, Any]]:
    """A brush region, and the Number region with its object id."""
    (bitmap,) = decode([counts], height=row["height"], width=row["width"])
    place = {
        "id": f"object-{object_id}",
        "to_name": "image",
        "original_height": row["height"],
        "original_width": row["width"],
        "image_rotation": 0,
    }
    brush = {
        "format": "rle",
        "rle": encode_brush(bitmap),
        "brushlabels": [label_of(kinds[object_id])],
    }
    yield {**place, "from_name": "type", "type": "brushlabels", "value": brush}
    yield {**place, "from_name": "object_id", "type": "number", "value": {"number": object_id}}


def _finish(parts: Sequence[tuple[Path, bool]], folder: Path, options: ExportOptions) -> None:
    write_list(folder / _TASKS, (task for path, _ in parts for task in part_of(path)))
    names = labels(with_no_type=any(has_no_type for _, has_no_type in parts))
    choices = "\n".join(f'    <Label value="{name}"/>' for name in names)
    config = (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <BrushLabels name="type" toName="image">\n{choices}\n  </BrushLabels>\n'
        '  <Number name="object_id" toName="image" perRegion="true" min="1" step="1"/>\n</View>\n'
    )
    write_file(folder / "label_config.xml", config.encode())


LAYOUT = ExportLayout(
    help="Label Studio: videos, a task of brushes and a picture per annotated frame, the project's "
    "labels",
    write=_write,
    finish=_finish,
    options={"frames": "png"},
    with_videos=True,
    names_types=True,
)
