"""Events that change masks, objects and locks: what each of them makes of a state. All of them can be undone."""

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
"""What undo calls it, and what it changes."""


def object_part(state: VideoState, event: Event) -> Edit:
    """A new object, or another type of one."""
    object_id, artifact_type = event.data["object_id"], event.data["artifact_type"]
    if not _is_number(object_id, 1, MAX_OBJECT_ID):
        raise RefusedError(f"object_id is {object_id!r}, wanted 1 to {MAX_OBJECT_ID}")
    if artifact_type is not None and artifact_type not in ARTIFACT_TYPES:
        raise RefusedError(f"artifact type {artifact_type!r} is unknown; wanted {', '.join(ARTIFACT_TYPES)}")
    old = state.objects.get(object_id)
    if event.data["new"] and old is not None:
        raise RefusedError(f"object {object_id} is there already")
    if not event.data["new"]:
        require_object(state, object_id)
    created_by = event.user if old is None else old.created_by
    new = AnnotatedObject(object_id, artifact_type, event.data["subtype"], created_by)
    return f"{'change' if old else 'new'} object {object_id}", Part(objects={object_id: new})


def masks_part(state: VideoState, event: Event) -> Edit:
    """Masks of a person or an engine, of any objects and frames.

    A person who works on one frame looks at it; frames that an engine changed, or a rule that ran over several, are to be looked at
    again.
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
                f"object {object_id} has a person's mask in frame {frame_index}", frames=[frame_index], code="refused"
            )
        if counts is not None:
            _require_rle(state, counts)
        if counts is not None and (origin in KEYFRAMES or area([counts], **_size(state))[0]):
            masks[object_id, frame_index] = Mask(counts, origin, event.user, event.n, **geometry)
        elif old is not None:
            masks[object_id, frame_index] = None
    changed = {frame_index for _, frame_index in masks}
    by_hand = origin in ("prompt", "drawn") and len(frames) == 1
    seen = dict.fromkeys(frames, True) if by_hand else dict.fromkeys(changed if origin != "accepted" else (), False)
    return _label(origin, cells), Part(masks=masks, seen=seen)


def delete_part(state: VideoState, event: Event) -> Edit:
    """An object's mask in one frame, from a frame on to the end, or everywhere together with the object.

    Locked frames keep theirs: from a frame on they are passed over, otherwise the event is refused.
    """
    object_id, scope, frame_index = event.data["object_id"], event.data["scope"], event.data["frame_index"]
    require_object(state, object_id)
    found = state.masks.get(object_id, {})
    if scope == "everywhere":
        require_unlocked(state, found)
        gone: dict[tuple[int, int], Mask | None] = {(object_id, frame): None for frame in found}
        return f"delete object {object_id}", Part(masks=gone, objects={object_id: None})
    require_frames(state, [frame_index])
    if scope == "onward":
        frames = [frame for frame in found if frame >= frame_index and frame not in state.locked]
        label = f"delete object {object_id} from frame {frame_index} on"
    else:
        frames, label = [frame_index], f"delete object {object_id} in frame {frame_index}"
        require_unlocked(state, frames)
    if not any(frame in found for frame in frames):
        raise RefusedError(f"object {object_id} has no mask there")
    seen = {frame_index: True} if scope == "frame" else {}
    return label, Part(masks={(object_id, frame): None for frame in frames}, seen=seen)


def lock_part(state: VideoState, event: Event) -> Edit:
    """Frames whose masks may not change, and past which nothing is carried; or not any more."""
    first, last, locked = event.data["first"], event.data["last"], event.data["locked"]
    require_frames(state, [first, last])
    if first > last:
        raise RefusedError(f"frames {first} to {last}: wanted the first one first")
    word = "lock" if locked else "unlock"
    return f"{word} frames {first} to {last}", Part(locked=dict.fromkeys(range(first, last + 1), locked))


def require_object(state: VideoState, object_id: object) -> None:
    """Raises RefusedError where the state has no such object."""
    if object_id not in state.objects:
        raise RefusedError(f"there is no object {object_id}", code="not-found")


def require_frames(state: VideoState, frames: Iterable[object]) -> None:
    """Raises RefusedError where a frame is not of the video."""
    for frame_index in frames:
        if not _is_number(frame_index, 0, state.video.num_frames - 1):
            raise RefusedError(
                f"frame {frame_index!r} is not of the video, which has frames 0 to {state.video.num_frames - 1}",
                code="not-found",
            )


def require_unlocked(state: VideoState, frames: Iterable[int]) -> None:
    """Raises RefusedError where one of the frames is locked."""
    locked = sorted(state.locked.intersection(frames))
    if locked:
        some = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in ranges_of(locked))
        raise RefusedError(
            f"frame{'s' if len(locked) > 1 else ''} {some} locked: unlock first", code="locked-frame", frames=locked
        )


def _require_rle(state: VideoState, counts: object) -> None:
    if not isinstance(counts, str):
        raise RefusedError(f"a mask is {type(counts).__name__}, wanted a COCO RLE string")
    try:
        check([counts], **_size(state))
    except RLEError as error:
        raise RefusedError(
            f"a mask that is no COCO RLE of {state.video.width}x{state.video.height}: {error}"
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
    verb = {"prompt": "prompt", "drawn": "draw", "accepted": "accept", "proposal": "propose"}[origin]
    frames = ranges_of({cell[1] for cell in cells})
    where = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in frames[:3])
    return f"{verb} {what} in frame {where}"


def _is_number(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
