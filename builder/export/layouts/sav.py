"""SA-V: annotations/{video_id}_manual.json with masklets, which have every 4th frame."""

from ....masks import empty
from ...layouts import FRAME_STEP
from ..files import write_json
from ..layout import ExportLayout, ExportOptions, Row, Target, Written
from ..rows import masks_by_frame


def _frames(row: Row) -> range:
    """The annotated frames that SA-V can hold: every 4th from 0, up to the first that is
    missing.
    """
    annotated = set(row["annotated_frames"])
    steps = range(0, row["num_frames"], FRAME_STEP)
    end = next((frame for frame in steps if frame not in annotated), row["num_frames"])
    return range(0, end, FRAME_STEP)


def _losses(row: Row, options: ExportOptions) -> list[str]:
    left_out = sorted(set(row["annotated_frames"]) - set(_frames(row)))
    if not left_out:
        return []
    frames = f"{len(left_out)} annotated frames, the first {left_out[0]}"
    return [f"{frames}; SA-V holds frames 0, {FRAME_STEP}, 8 and so on"]


def _write(row: Row, target: Target) -> Written:
    height, width, frames, by_frame = row["height"], row["width"], _frames(row), masks_by_frame(row)
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
            [
                {"size": [height, width], "counts": by_frame.get(frame, {}).get(i, background)}
                for i in ids
            ]
            for frame in frames
        ],
    }
    write_json(target.folder / "annotations" / f"{row['video_id']}_manual.json", content)
    return Written(set(ids))


LAYOUT = ExportLayout(
    help="SA-V: masklets of every 4th frame, a JSON file per video",
    write=_write,
    lacks="annotated frames other than 0, 4, 8 … without a gap; an unknown `source.annotator` "
    'becomes "SA-V manual"',
    losses=_losses,
)
