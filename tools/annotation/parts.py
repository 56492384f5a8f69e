"""Parts of a state, taken out of it and put into it: what undo and redo are made of."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .state import Mask, Masks, Part, VideoState


def snapshot(state: VideoState, part: Part) -> Part:
    """How those parts of the state are now that `part` names."""
    return Part(
        {key: state.mask(*key) for key in part.masks},
        {object_id: state.objects.get(object_id) for object_id in part.objects},
        {frame: frame in state.seen for frame in part.seen},
        {frame: frame in state.locked for frame in part.locked},
    )


def put(state: VideoState, part: Part) -> VideoState:
    """The state with these parts as `part` has them."""
    objects = {**state.objects, **part.objects}
    return replace(
        state,
        objects={object_id: found for object_id, found in sorted(objects.items()) if found is not None},
        masks=_with(state.masks, part.masks),
        seen=_marked(state.seen, part.seen),
        locked=_marked(state.locked, part.locked),
    )


def _with(masks: Masks, changes: Mapping[tuple[int, int], Mask | None]) -> Masks:
    """A copy; the masks of objects that do not change are shared with the original."""
    touched = {object_id: dict(masks.get(object_id, {})) for object_id, _ in changes}
    for (object_id, frame_index), mask in changes.items():
        if mask is None:
            touched[object_id].pop(frame_index, None)
        else:
            touched[object_id][frame_index] = mask
    return {object_id: found for object_id, found in {**masks, **touched}.items() if found}


def _marked(frames: frozenset[int], changes: Mapping[int, bool]) -> frozenset[int]:
    if not changes:
        return frames
    return (frames | _where(changes, True)) - _where(changes, False)


def _where(changes: Mapping[int, bool], value: bool) -> frozenset[int]:
    found: Iterable[int] = (frame for frame, marked in changes.items() if marked is value)
    return frozenset(found)
