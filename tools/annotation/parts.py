"""Reads parts of a state and replaces them. Undo and redo use this."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .state import Mask, Masks, Part, VideoState


def snapshot(state: VideoState, part: Part) -> Part:
    """The current values of the parts that `part` names."""
    return Part(
        {key: state.mask(*key) for key in part.masks},
        {object_id: state.objects.get(object_id) for object_id in part.objects},
        {frame: frame in state.seen for frame in part.seen},
        {frame: frame in state.locked for frame in part.locked},
    )


def put(state: VideoState, part: Part) -> VideoState:
    """The state with the values of `part`."""
    objects = {**state.objects, **part.objects}
    return replace(
        state,
        objects={
            object_id: value for object_id, value in sorted(objects.items()) if value is not None
        },
        masks=_with(state.masks, part.masks),
        seen=_marked(state.seen, part.seen),
        locked=_marked(state.locked, part.locked),
    )


def _with(masks: Masks, changes: Mapping[tuple[int, int], Mask | None]) -> Masks:
    """A changed copy. It shares the masks of unchanged objects with the original."""
    touched = {object_id: dict(masks.get(object_id, {})) for object_id, _ in changes}
    for (object_id, frame_index), mask in changes.items():
        if mask is None:
            touched[object_id].pop(frame_index, None)
        else:
            touched[object_id][frame_index] = mask
    return {object_id: value for object_id, value in {**masks, **touched}.items() if value}


def _marked(frames: frozenset[int], changes: Mapping[int, bool]) -> frozenset[int]:
    if not changes:
        return frames
    return (frames | _where(changes, True)) - _where(changes, False)


def _where(changes: Mapping[int, bool], value: bool) -> frozenset[int]:
    frames: Iterable[int] = (frame for frame, marked in changes.items() if marked is value)
    return frozenset(frames)
