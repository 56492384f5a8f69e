"""CVAT for video 1.1: one file annotations/{video_id}.xml for each task, and labels.json to make
the task.

Each mask is a track of its own, with an attribute `object_id`. This is needed because CVAT imports
only the first frame of a mask track and drops its group_id, but keeps attributes.

Source: CVAT documentation, "XML annotation format" 1.1; cvat/apps/dataset_manager/formats/cvat.py.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from ....masks import bbox, decode
from ...raw import MAX_OBJECT_ID
from ..files import write_file, write_json
from ..layout import ExportLayout, ExportOptions, Row, Target, Written
from ..rows import label_of, labels, shown_turned, types_by_object

_OBJECT_ID = "object_id"


def _write(row: Row, target: Target) -> Written:
    kinds = types_by_object(row)
    meta = (
        f"<task><name>{row['video_id']}</name><size>{row['num_frames']}</size><mode>interpolation</mode>"
        f"<start_frame>0</start_frame><stop_frame>{row['num_frames'] - 1}</stop_frame><frame_filter></frame_filter>"
        f"<original_size><width>{row['width']}</width><height>{row['height']}</height></original_size></task>"
    )
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<annotations>",
        f"<version>1.1</version><meta>{meta}</meta>",
    ]
    lines += _tracks(row, {object_id: label_of(kind) for object_id, kind in kinds.items()})
    lines.append("</annotations>\n")
    write_file(target.folder / "annotations" / f"{row['video_id']}.xml", "\n".join(lines).encode())
    return Written(set(row["masks"]["object_id"]), None in kinds.values())


def _tracks(row: Row, names: dict[int, str]) -> Iterator[str]:
    masks, size = row["masks"], {"height": row["height"], "width": row["width"]}
    boxes = bbox(masks["counts"], **size).tolist()
    entries = zip(masks["object_id"], masks["frame_index"], masks["counts"], boxes, strict=True)
    for number, (object_id, frame, counts, (left, top, width, height)) in enumerate(entries):
        bitmap = decode([counts], **size)[0][top : top + height, left : left + width]
        box = f'rle="{_runs(bitmap)}" left="{left}" top="{top}" width="{width}" height="{height}"'
        attribute = f'<attribute name="{_OBJECT_ID}">{object_id}</attribute>'
        yield f'<track id="{number}" label={quoteattr(names[object_id])} source="file">'
        for at, outside in ((frame, 0), (frame + 1, 1)):
            if at < row["num_frames"]:
                where = f'frame="{at}" keyframe="1" outside="{outside}" occluded="0"'
                yield f'<mask {where} {box} z_order="0">{attribute}</mask>'
        yield "</track>"


def _runs(bitmap: Any) -> str:
    """Run lengths in row-major order, background first."""
    values = bitmap.ravel() > 0
    starts = np.flatnonzero(np.diff(values, prepend=False))
    return ", ".join(map(str, np.diff(starts, prepend=0, append=len(values)).tolist()))


def _losses(row: Row, options: ExportOptions) -> list[str]:
    return shown_turned(row, "CVAT")


def _finish(parts: Sequence[bool], folder: Path, options: ExportOptions) -> None:
    attribute = {
        "name": _OBJECT_ID,
        "input_type": "number",
        "mutable": False,
        "values": ["0", str(MAX_OBJECT_ID), "1"],
        "default_value": "0",
    }
    content = [
        {"name": name, "type": "mask", "attributes": [attribute]}
        for name in labels(with_no_type=any(parts))
    ]
    write_json(folder / "labels.json", content)


LAYOUT = ExportLayout(
    help="CVAT for video 1.1: videos, an XML file per video, the labels of a task",
    write=_write,
    lacks="masks of videos that players turn",
    losses=_losses,
    finish=_finish,
    with_videos=True,
    names_types=True,
    names_frames=False,
)
