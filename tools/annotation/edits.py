"""Events that change masks, objects and locks: computes the change of the state. All can be
undone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...masks import ARTIFACT_TYPES, RLEError, area, check
from .events import Event
from .state import (
    KEYFRAMES,
    AnnotatedObject,
    Mask,
    Part,
    RefusedError,
    VideoState,
    ranges_of,
)

MAX_OBJECT_ID = 2**16 - 1

Edit = tuple[str, Part]
"""The label of a change in the undo menu, and the changed parts of the state."""


def object_part(state: VideoState, event: Event) -> Edit:
    """The change by a new object, or by a new type of an object."""
    object_id, artifact_type = event.data["object_id"], event.data["artifact_type"]
    if not _is_number(object_id, 1, MAX_OBJECT_ID):
        raise RefusedError(f"object_id is {object_id!r}, wanted 1 to {MAX_OBJECT_ID}")
    if artifact_type is not None and artifact_type not in ARTIFACT_TYPES:
        raise RefusedError(
            f"artifact type {artifact_type!r} is unknown; wanted {', '.join(ARTIFACT_TYPES)}"
        )
    old = state.objects.get(object_id)
    if event.data["new"] and old is not None:
        raise RefusedError(f"object {object_id} exists already")
    if not event.data["new"]:
        require_object(state, object_id)
    created_by = event.user if old is None else old.created_by
    new = AnnotatedObject(object_id, artifact_type, event.data["subtype"], created_by)
    return f"{'change' if old else 'new'} object {object_id}", Part(objects={object_id: new})


def masks_part(state: VideoState, event: Event) -> Edit:
    """The change by masks of a person or an engine, for any objects and frames.

    A frame that a person edits alone counts as seen. Frames that an engine changed, or several
    frames that were changed at once, must be looked at again.
    """
    data = event.data
    origin, cells = data["from"], data["masks"]
    frames = {frame_index for _, frame_index, _ in cells}
    require_frames(state, frames)
    require_unlocked(state, frames)
    geometry = _geometry(data)
    masks: dict[tuple[int, int], Mask | None] = {}
    for object_id, frame_index, counts in cells:
        require_object(state, object_id)
        old = state.mask(object_id, frame_index)
        if origin not in KEYFRAMES and old is not None and old.is_keyframe:
            raise RefusedError(
                f"object {object_id} has a person's mask in frame {frame_index}",
                frames=[frame_index],
                code="refused",
            )
        if counts is not None:
            _require_rle(state, counts)
        if counts is not None and (origin in KEYFRAMES or area([counts], **_size(state))[0]):
            masks[object_id, frame_index] = Mask(counts, origin, event.user, event.n, **geometry)
        elif old is not None:
            masks[object_id, frame_index] = None
    changed = {frame_index for _, frame_index in masks}
    by_hand = origin in ("prompt", "drawn") and len(frames) == 1
    seen = (
        dict.fromkeys(frames, True)
        if by_hand
        else dict.fromkeys(changed if origin != "accepted" else (), False)
    )
    return _label(origin, cells), Part(masks=masks, seen=seen)


def delete_part(state: VideoState, event: Event) -> Edit:
    """The change that deletes an object's mask in one frame, from a frame to the end, or the whole
    object.

    Masks on locked frames stay. From a frame to the end, they are skipped; otherwise the event is
    refused.
    """
    object_id, scope, frame_index = (
        event.data["object_id"],
        event.data["scope"],
        event.data["frame_index"],
    )
    require_object(state, object_id)
    masks = state.masks.get(object_id, {})
    if scope == "everywhere":
        require_unlocked(state, masks)
        deleted: dict[tuple[int, int], Mask | None] = {(object_id, frame): None for frame in masks}
        return f"delete object {object_id}", Part(masks=deleted, objects={object_id: None})
    require_frames(state, [frame_index])
    if scope == "onward":
        frames = [frame for frame in masks if frame >= frame_index and frame not in state.locked]
        label = f"delete object {object_id} from frame {frame_index} on"
    else:
        frames, label = [frame_index], f"delete object {object_id} in frame {frame_index}"
        require_unlocked(state, frames)
    if not any(frame in masks for frame in frames):
        raise RefusedError(f"object {object_id} has no mask there")
    seen = {frame_index: True} if scope == "frame" else {}
    return label, Part(masks={(object_id, frame): None for frame in frames}, seen=seen)


def lock_part(state: VideoState, event: Event) -> Edit:
    """The change that locks or unlocks frames. Masks on locked frames do not change, and none is
    propagated past them.
    """
    first, last, locked = event.data["first"], event.data["last"], event.data["locked"]
    require_frames(state, [first, last])
    if first > last:
        raise RefusedError(f"frames {first} to {last}: wanted the first one first")
    word = "lock" if locked else "unlock"
    return f"{word} frames {first} to {last}", Part(
        locked=dict.fromkeys(range(first, last + 1), locked)
    )


def require_object(state: VideoState, object_id: object) -> None:
    """Raises RefusedError if the object does not exist."""
    if object_id not in state.objects:
        raise RefusedError(f"there is no object {object_id}", code="not-found")


def require_frames(state: VideoState, frames: Iterable[object]) -> None:
    """Raises RefusedError if the video does not have one of the frames."""
    for frame_index in frames:
        if not _is_number(frame_index, 0, state.video.num_frames - 1):
            raise RefusedError(
                f"the video has no frame {frame_index!r}, only frames 0 to "
                f"{state.video.num_frames - 1}",
                code="not-found",
            )


def require_unlocked(state: VideoState, frames: Iterable[int]) -> None:
    """Raises RefusedError if one of the frames is locked."""
    locked = sorted(state.locked.intersection(frames))
    if locked:
        some = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in ranges_of(locked))
        raise RefusedError(
            f"frame{'s' if len(locked) > 1 else ''} {some} locked: unlock first",
            code="locked-frame",
            frames=locked,
        )


def _require_rle(state: VideoState, counts: object) -> None:
    if not isinstance(counts, str):
        raise RefusedError(f"a mask is {type(counts).__name__}, wanted a COCO RLE string")
    try:
        check([counts], **_size(state))
    except RLEError as error:
        raise RefusedError(
            f"a mask is not a COCO RLE of {state.video.width}x{state.video.height}: {error}"
        ) from error


def _size(state: VideoState) -> dict[str, int]:
    return {"height": state.video.height, "width": state.video.width}


def _geometry(data: Mapping[str, Any]) -> dict[str, Any]:
    prompt = data.get("prompt") or {}
    box = prompt.get("box")
    return {
        "clicks": tuple((x, y, sign) for x, y, sign in prompt.get("clicks", ())),
        "box": None if box is None else tuple(box),
        "start": prompt.get("start"),
    }


def _label(origin: str, cells: Sequence[Sequence[Any]]) -> str:
    objects = sorted({cell[0] for cell in cells})
    ids = ", ".join(map(str, objects))
    what = f"object{'s' if len(objects) > 1 else ''} {ids}"
    if origin == "propagated":
        return f"propagate {what}"
    verb = {"prompt": "prompt", "drawn": "draw", "accepted": "accept", "proposal": "propose"}[
        origin
    ]
    frames = ranges_of({cell[1] for cell in cells})
    where = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in frames[:3])
    return f"{verb} {what} in frame {where}"


def _is_number(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
