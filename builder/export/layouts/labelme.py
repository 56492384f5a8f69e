"""LabelMe: annotations/{video_id}/{frame:05d}.json for each annotated frame, beside its picture.

`labelme annotations/{video_id}` opens a video. A mask is a shape of type "mask"; its group_id is
the object_id.

Source: labelme 6.3.1, labelme/_label_file.py and labelme/utils/image.py.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ....masks import bbox, decode
from ...raw import encode_png
from ..files import write_json
from ..frame_pictures import picture_name, write_frames
from ..layout import ExportLayout, Row, Target, Written
from ..rows import label_of, masks_by_frame, types_by_object

_VERSION = "6.3.1"


def _write(row: Row, target: Target) -> Written:
    folder = target.folder / "annotations" / row["video_id"]
    by_frame, suffix = masks_by_frame(row), target.options.frames or "png"
    names = {object_id: label_of(kind) for object_id, kind in types_by_object(row).items()}
    for frame in row["annotated_frames"]:
        content = {
            "version": _VERSION,
            "flags": {},
            "shapes": list(_shapes(row, by_frame.get(frame, {}), names)),
            "imagePath": picture_name(frame, suffix),
            "imageData": None,
            "imageHeight": row["height"],
            "imageWidth": row["width"],
        }
        write_json(folder / picture_name(frame, "json"), content)
    write_frames(row, folder, frames=row["annotated_frames"], suffix=suffix)
    return Written(set(row["masks"]["object_id"]))


def _shapes(
    row: Row, masks: Mapping[int, str], names: Mapping[int, str]
) -> Iterator[dict[str, Any]]:
    size = {"height": row["height"], "width": row["width"]}
    boxes = bbox(list(masks.values()), **size).tolist()
    for (object_id, counts), (left, top, width, height) in zip(masks.items(), boxes, strict=True):
        bitmap = decode([counts], **size)[0][top : top + height, left : left + width]
        yield {
            "label": names[object_id],
            "points": [[left, top], [left + width - 1, top + height - 1]],
            "group_id": object_id,
            "description": "",
            "shape_type": "mask",
            "flags": {},
            "mask": base64.b64encode(encode_png(bitmap.astype(np.uint16))).decode("ascii"),
        }


LAYOUT = ExportLayout(
    help="LabelMe: videos, a JSON file of masks and a picture per annotated frame",
    write=_write,
    options={"frames": "png"},
    with_videos=True,
    names_types=True,
)
