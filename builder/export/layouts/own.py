"""Our own raw layout: masks/{video_id}/{frame:05d}.png, and further PNGs of a frame if objects
overlap.
"""

from ...raw import own_mask_pngs
from ..files import write_file
from ..layout import ExportLayout, Row, Target, Written
from ..rows import masks_by_frame


def _write(row: Row, target: Target) -> Written:
    for frame, objects in masks_by_frame(row).items():
        files = own_mask_pngs(frame, objects, height=row["height"], width=row["width"])
        for name, content in files.items():
            write_file(target.folder / "masks" / row["video_id"] / name, content)
    return Written(set(row["masks"]["object_id"]))


LAYOUT = ExportLayout(
    help="our own: videos, a PNG of object ids per marked frame, videos.jsonl",
    write=_write,
    with_videos=True,
    names_frames=False,
)
