"""The parts of a row that layouts need: masks by frame, types by name, the line for
videos.jsonl.
"""

from typing import Any

from ...frames import orientation_of_rotation
from ...masks import ARTIFACT_TYPES
from ...release import LABELS
from .layout import ExportLayout, Row

NO_TYPE = "artifact"
"""The label of an object whose type is not given."""


def masks_by_frame(row: Row) -> dict[int, dict[int, str]]:
    """frame_index → object_id → counts, frames and objects ascending; without frames that have no
    mask.
    """
    by_frame: dict[int, dict[int, str]] = {}
    masks = row["masks"]
    for frame, object_id, counts in sorted(
        zip(masks["frame_index"], masks["object_id"], masks["counts"], strict=True)
    ):
        by_frame.setdefault(frame, {})[object_id] = counts
    return by_frame


def types_by_object(row: Row) -> dict[int, str | None]:
    """object_id → artifact type name; None if it is not given."""
    objects = row["objects"]
    pairs = zip(objects["object_id"], objects["artifact_type"], strict=True)
    return {object_id: None if kind is None else ARTIFACT_TYPES[kind] for object_id, kind in pairs}


def is_annotated_throughout(row: Row) -> bool:
    """Whether every frame is annotated."""
    return list(row["annotated_frames"]) == list(range(row["num_frames"]))


def line_of(row: Row, split: str, *, layout: ExportLayout, written: set[int]) -> dict[str, Any]:
    """The line of videos.jsonl for a row.

    Args:
        written: the ids of the objects with a pixel in the layout's files.
    """
    subtypes = dict(zip(row["objects"]["object_id"], row["objects"]["subtype"], strict=True))
    objects = [
        {"object_id": object_id, "artifact_type": kind}
        | ({"subtype": subtypes[object_id]} if subtypes[object_id] else {})
        for object_id, kind in types_by_object(row).items()
        if object_id in written
    ]
    line: dict[str, Any] = {
        "video_id": row["video_id"],
        "generator": row["generator"],
        "prompt": row["prompt"],
    }
    are_named = layout.names_types and all(
        len(entry) == 2 and entry["artifact_type"] for entry in objects
    )
    if not are_named or not row["annotated_frames"]:
        line |= {"label": LABELS[bool(written)], "objects": objects}
    # source.layout names the layout that `build` has read, so the next build sets it again.
    source = {
        key: text for key, text in row["source"].items() if text is not None and key != "layout"
    }
    line |= {"split": split, "source": source}
    if not row["annotated_frames"] or not (layout.names_frames or is_annotated_throughout(row)):
        line["annotated_frames"] = row["annotated_frames"]
    return line


def shown_frames(frames: list[int]) -> str:
    """Frame indices as text: the first three, and the number of the others."""
    more = f" and {len(frames) - 3} more" if len(frames) > 3 else ""
    return f"{', '.join(map(str, frames[:3]))}{more}"


def label_of(kind: str | None) -> str:
    """The label of an object with this type; `NO_TYPE` for None."""
    return kind or NO_TYPE


def labels(*, with_no_type: bool) -> list[str]:
    """The labels of a file: all artifact types, and at the end `NO_TYPE` if an object has no
    type.
    """
    return [*ARTIFACT_TYPES, *([NO_TYPE] if with_no_type else [])]


def shown_turned(row: Row, tool: str) -> list[str]:
    """The loss for a tool that rotates the video as players do, although masks fit the stored
    frame.

    Empty if the video is not rotated.
    """
    rotation = row["codec"]["rotation"]
    if not rotation:
        return []
    turned = orientation_of_rotation(rotation)
    return [
        f"{tool} shows the video {turned}, as its display matrix asks; the masks lie on the frame "
        "as it is stored"
    ]
