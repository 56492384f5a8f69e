"""DAVIS: palette PNGs of annotated frames, Annotations/{video_id}/{frame:05d}.png; pictures in
JPEGImages/.
"""

import numpy as np

from ..files import write_file
from ..frame_pictures import FOLDER, picture_name, write_frames
from ..label_maps import MAX_PALETTE_ID, label_map, overlaps, palette_png
from ..layout import ExportLayout, ExportOptions, Row, Target, Written
from ..rows import masks_by_frame


def _losses(row: Row, options: ExportOptions) -> list[str]:
    losses = overlaps(row)
    high = [object_id for object_id in row["objects"]["object_id"] if object_id > MAX_PALETTE_ID]
    if high:
        losses.append(f"objects {high} have ids over {MAX_PALETTE_ID}; a palette holds no more")
    return losses


def _write(row: Row, target: Target) -> Written:
    by_frame = masks_by_frame(row)
    carried: set[int] = set()
    for frame in row["annotated_frames"]:
        kept = {i: counts for i, counts in by_frame.get(frame, {}).items() if i <= MAX_PALETTE_ID}
        labels = label_map(row, kept)
        carried |= set(np.unique(labels).tolist())
        write_file(
            target.folder / "Annotations" / row["video_id"] / picture_name(frame, "png"),
            palette_png(labels),
        )
    folder = target.folder / FOLDER / row["video_id"]
    write_frames(row, folder, frames=row["annotated_frames"], suffix=target.options.frames)
    return Written(carried - {0})


LAYOUT = ExportLayout(
    help="DAVIS: videos, a palette PNG per annotated frame",
    write=_write,
    lacks="objects that overlap, ids over 254",
    losses=_losses,
    options={"frames": None},
    with_videos=True,
)
