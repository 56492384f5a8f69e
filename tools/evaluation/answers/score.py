"""The answers about one video -> its scores."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ....builder.chat import TYPE_NONE
from ....masks import TYPE_NOT_GIVEN, BoolArray, Float64Array, encode
from ..counts import Counts, count_strings
from ..truth import AnnotatedVideo
from .values import Edges, Said, true_boxes

UNREADABLE = "unreadable"
"""The column of the table of types for answers that cannot be read or are not there."""

_CHUNK_FRAMES = 16


def scores_of(video: AnnotatedVideo, said: Said) -> dict[str, float]:
    """Every score of one video by name; a question that was not asked has none.

    What cannot be read has the worst score that there is: 0, and 1 of a false alarm.
    """
    marked = set(video.union())
    scores: dict[str, float] = {}
    if "broken" in said.asked:
        scores["accuracy"] = float(said.broken is not None and said.broken == bool(marked))
        scores["yes_broken" if marked else "yes_normal"] = float(
            said.broken is True or (not marked and said.broken is None)
        )
    if said.stretches:
        scores["stretch_accuracy"] = _mean(
            yes is not None and yes == any(first <= frame <= last for frame in marked)
            for (first, last), yes in said.stretches.items()
        )
    if "when" in said.asked and said.when_frames:
        scores |= _when(said, marked)
    if "where" in said.asked and said.where_frames:
        scores |= _where(video, said, broken=bool(marked))
    if "type" in said.asked and has_types(video):
        scores["exact_types"] = float(said.types is not None and said.types == set(video.artifact_types))
    return scores


def has_types(video: AnnotatedVideo) -> bool:
    """Whether somebody said of every object of a video which type it is."""
    return TYPE_NOT_GIVEN not in video.artifact_types


def confusions(video: AnnotatedVideo, said: Said) -> list[tuple[str, str]]:
    """(true type, said type) of one video, for the table of types.

    A type that was found is on the diagonal. What is left on both sides is paired, each with each; where one side has nothing
    left, TYPE_NONE stands there.
    """
    true = set(video.artifact_types)
    if said.types is None:
        return [(name, UNREADABLE) for name in sorted(true) or [TYPE_NONE]]
    found = [(name, name) for name in sorted(true & said.types)]
    missed, strange = sorted(true - said.types), sorted(said.types - true)
    if not missed and not strange:
        return found or [(TYPE_NONE, TYPE_NONE)]
    return found + [(a, b) for a in missed or [TYPE_NONE] for b in strange or [TYPE_NONE]]


def _when(said: Said, marked: set[int]) -> dict[str, float]:
    true = marked & set(said.when_frames)
    if not marked:
        return {"false_spans": float(said.when is None or bool(said.when))}
    if said.when is None:
        return {"temporal_iou": 0.0}
    either = true | said.when
    return {"temporal_iou": len(true & said.when) / len(either) if either else 1.0}


def _where(video: AnnotatedVideo, said: Said, *, broken: bool) -> dict[str, float]:
    frames = said.where_frames
    readable = np.array([said.where[frame] is not None for frame in frames])
    counts = _counts(video, said)
    j, f = counts.j() * readable, counts.f() * readable
    jf = (float(j.mean()) + float(f.mean())) / 2
    if not broken:
        return {"normal_jf": jf, "false_boxes": float(((counts.pred_px > 0) | ~readable).mean())}
    active = counts.truth_px > 0
    truth = true_boxes(video, frames)
    overlap = np.array([box_iou(truth[frame], said.where[frame]) for frame in frames])
    return {
        "jf": jf,
        "j": float(j.mean()),
        "f": float(f.mean()),
        "active_jf": (_mean(j[active]) + _mean(f[active])) / 2,
        "box_iou": _mean(overlap[active]),
    }


def _counts(video: AnnotatedVideo, said: Said) -> Counts:
    size = {"height": video.height, "width": video.width}
    frames, union = said.where_frames, video.union()
    predicted: list[str] = []
    for start in range(0, len(frames), _CHUNK_FRAMES):
        chunk = frames[start : start + _CHUNK_FRAMES]
        predicted += encode(np.stack([filled(said.where[frame] or (), **size) for frame in chunk]))
    background = encode(np.zeros((1, video.height, video.width), np.bool_))[0]
    return count_strings([union.get(frame, background) for frame in frames], predicted, frames=frames, **size)


def filled(boxes: Iterable[Edges], *, height: int, width: int) -> BoolArray:
    """Boxes as one mask, bool[H, W]: the pixels whose middle lies in any of them."""
    mask = np.zeros((height, width), np.bool_)
    for edges in boxes:
        left, top, right, bottom = (math.ceil(edge - 0.5) for edge in edges)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return mask


def box_iou(truth: Sequence[Edges], said: Sequence[Edges] | None) -> float:
    """The agreement of boxes in one frame: the IoU of pairs, summed, over the larger number of boxes; 1 for none and none.

    Pairs are made greedily, the best first, each box in one of them. None is an answer that cannot be read: 0.
    """
    if said is None:
        return 0.0
    if not truth and not said:
        return 1.0
    overlaps = sorted(((_overlap(a, b), -i, -k) for i, a in enumerate(truth) for k, b in enumerate(said)), reverse=True)
    used: tuple[set[int], set[int]] = (set(), set())
    total = 0.0
    for overlap, i, k in overlaps:
        if i not in used[0] and k not in used[1]:
            used[0].add(i)
            used[1].add(k)
            total += overlap
    return total / max(len(truth), len(said))


def _overlap(a: Edges, b: Edges) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    either = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - both
    return both / either if either > 0 else 0.0


def _mean(values: Iterable[float] | Float64Array) -> float:
    found = np.asarray(list(values), np.float64)
    return float(found.mean()) if len(found) else float("nan")


def totals(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """The table of types: how often each said type stands beside each true one."""
    table: dict[str, dict[str, int]] = {}
    for true, said in pairs:
        row = table.setdefault(true, {})
        row[said] = row.get(said, 0) + 1
    return table
