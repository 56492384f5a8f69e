"""States in the form for the page: the whole state, or the changes from one revision to the
next.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ...masks import area, union
from .state import Mask, VideoState, ranges_of

Cells = list[list[Any]]
"""[object_id, frame_index, mask or None]"""


def view_of(state: VideoState) -> dict[str, Any]:
    """All parts of a state that the page shows."""
    return {"revision": state.revision, "masks": _cells(state, _all(state)), **_rest(state)}


def changes_of(before: VideoState, after: VideoState) -> dict[str, Any]:
    """The changes for a page that has the state `before`."""
    cells: dict[tuple[int, int], Mask | None] = {}
    for object_id in sorted({*before.masks, *after.masks}):
        old, new = before.masks.get(object_id, {}), after.masks.get(object_id, {})
        if old is not new:
            cells |= {
                (object_id, f): new.get(f)
                for f in sorted({*old, *new})
                if old.get(f) is not new.get(f)
            }
    old_rest, new_rest = _rest(before), _rest(after)
    rest = {key: value for key, value in new_rest.items() if value != old_rest[key]}
    return {
        "from": before.revision,
        "revision": after.revision,
        "masks": _cells(after, cells),
        **rest,
    }


def overlaps_of(state: VideoState) -> list[int]:
    """Frames in which two objects share pixels."""
    by_frame: dict[int, list[str]] = {}
    for masks in state.masks.values():
        for frame_index, mask in masks.items():
            by_frame.setdefault(frame_index, []).append(mask.counts)
    size = {"height": state.video.height, "width": state.video.width}
    frames = []
    for frame_index, counts in sorted(by_frame.items()):
        if len(counts) > 1 and _overlap(tuple(counts), **size):
            frames.append(frame_index)
    return frames


@lru_cache(maxsize=4096)
def _overlap(counts: tuple[str, ...], *, height: int, width: int) -> bool:
    size = {"height": height, "width": width}
    return int(np.sum(area(counts, **size))) > int(area([union(counts, **size)], **size)[0])


def _all(state: VideoState) -> dict[tuple[int, int], Mask | None]:
    return {
        (i, f): mask
        for i, masks in sorted(state.masks.items())
        for f, mask in sorted(masks.items())
    }


def _cells(state: VideoState, cells: Mapping[tuple[int, int], Mask | None]) -> Cells:
    counts = [mask.counts for mask in cells.values() if mask is not None]
    areas = iter(
        area(counts, height=state.video.height, width=state.video.width).tolist() if counts else ()
    )
    return [
        [i, f, None if mask is None else _mask(mask, next(areas))] for (i, f), mask in cells.items()
    ]


def _mask(mask: Mask, pixels: int) -> dict[str, Any]:
    return {
        "counts": mask.counts,
        "from": mask.origin,
        "keyframe": mask.is_keyframe,
        "user": mask.user,
        "clicks": [list(click) for click in mask.clicks],
        "box": None if mask.box is None else list(mask.box),
        "area": pixels,
    }


def _rest(state: VideoState) -> dict[str, Any]:
    objects = [
        {
            "object_id": item.object_id,
            "artifact_type": item.artifact_type,
            "subtype": item.subtype,
            "created_by": item.created_by,
            "num_masks": len(state.masks.get(item.object_id, {})),
        }
        for item in state.objects.values()
    ]
    notes = [
        {
            "note_id": note.note_id,
            "frame_index": note.frame_index,
            "note": note.note,
            "user": note.user,
            "at": note.at,
            "open": note.is_open,
            "kind": note.kind,
        }
        for note in state.notes
    ]
    return {
        "status": state.status,
        "label": state.label,
        "normal": state.normal,
        "annotator": state.annotator,
        "reviewer": state.reviewer,
        "objects": objects,
        "seen": ranges_of(state.seen),
        "locked": ranges_of(state.locked),
        "notes": notes,
        "undo": state.undo[-1].label if state.undo else None,
        "redo": state.redo[-1].label if state.redo else None,
    }
