"""Scores the answers about one video."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ....builder.chat import TYPE_NONE
from ....masks import TYPE_NOT_GIVEN, BoolArray, Float64Array, encode
from ..counts import Counts, count_strings
from ..truth import AnnotatedVideo
from .values import AnswerContent, Edges, true_boxes

UNREADABLE = "unreadable"
"""The column of the table of types for answers that are missing or cannot be read."""

_CHUNK_FRAMES = 16


def scores_of(video: AnnotatedVideo, content: AnswerContent) -> dict[str, float]:
    """The scores of one video by name; a question that was not asked has none.

    An answer that cannot be read has the worst score: 0, or 1 for a false alarm.
    """
    marked = set(video.union())
    scores: dict[str, float] = {}
    if "broken" in content.asked:
        scores["accuracy"] = float(content.broken is not None and content.broken == bool(marked))
        scores["yes_broken" if marked else "yes_normal"] = float(
            content.broken is True or (not marked and content.broken is None)
        )
    if content.stretches:
        scores["stretch_accuracy"] = _mean(
            yes is not None and yes == any(first <= frame <= last for frame in marked)
            for (first, last), yes in content.stretches.items()
        )
    if "when" in content.asked and content.when_frames:
        scores |= _when(content, marked)
    if "where" in content.asked and content.where_frames:
        scores |= _where(video, content, broken=bool(marked))
    if "type" in content.asked and has_types(video):
        scores["exact_types"] = float(
            content.types is not None and content.types == set(video.artifact_types)
        )
    return scores


def has_types(video: AnnotatedVideo) -> bool:
    """Whether every object of a video has a type."""
    return TYPE_NOT_GIVEN not in video.artifact_types


def confusions(video: AnnotatedVideo, content: AnswerContent) -> list[tuple[str, str]]:
    """Pairs of (true type, answered type) of one video, for the table of types.

    A correct type is paired with itself. Each missed type is paired with each wrong answered type.
    If there are only missed or only wrong types, they are paired with TYPE_NONE.
    """
    true = set(video.artifact_types)
    if content.types is None:
        return [(name, UNREADABLE) for name in sorted(true) or [TYPE_NONE]]
    correct = [(name, name) for name in sorted(true & content.types)]
    missed, strange = sorted(true - content.types), sorted(content.types - true)
    if not missed and not strange:
        return correct or [(TYPE_NONE, TYPE_NONE)]
    return correct + [(a, b) for a in missed or [TYPE_NONE] for b in strange or [TYPE_NONE]]


def _when(content: AnswerContent, marked: set[int]) -> dict[str, float]:
    true = marked & set(content.when_frames)
    if not marked:
        return {"false_spans": float(content.when is None or bool(content.when))}
    if content.when is None:
        return {"temporal_iou": 0.0}
    either = true | content.when
    return {"temporal_iou": len(true & content.when) / len(either) if either else 1.0}


def _where(video: AnnotatedVideo, content: AnswerContent, *, broken: bool) -> dict[str, float]:
    frames = content.where_frames
    readable = np.array([content.where[frame] is not None for frame in frames])
    counts = _counts(video, content)
    j, f = counts.j() * readable, counts.f() * readable
    jf = (float(j.mean()) + float(f.mean())) / 2
    if not broken:
        return {"normal_jf": jf, "false_boxes": float(((counts.pred_px > 0) | ~readable).mean())}
    active = counts.truth_px > 0
    truth = true_boxes(video, frames)
    overlap = np.array([box_iou(truth[frame], content.where[frame]) for frame in frames])
    return {
        "jf": jf,
        "j": float(j.mean()),
        "f": float(f.mean()),
        "active_jf": (_mean(j[active]) + _mean(f[active])) / 2,
        "box_iou": _mean(overlap[active]),
    }


def _counts(video: AnnotatedVideo, content: AnswerContent) -> Counts:
    size = {"height": video.height, "width": video.width}
    frames, union = content.where_frames, video.union()
    predicted: list[str] = []
    for start in range(0, len(frames), _CHUNK_FRAMES):
        chunk = frames[start : start + _CHUNK_FRAMES]
        predicted += encode(
            np.stack([filled(content.where[frame] or (), **size) for frame in chunk])
        )
    background = encode(np.zeros((1, video.height, video.width), np.bool_))[0]
    return count_strings(
        [union.get(frame, background) for frame in frames], predicted, frames=frames, **size
    )


def filled(boxes: Iterable[Edges], *, height: int, width: int) -> BoolArray:
    """Boxes as one mask, bool[H, W]: the pixels whose centre is in at least one box."""
    mask = np.zeros((height, width), np.bool_)
    for edges in boxes:
        left, top, right, bottom = (math.ceil(edge - 0.5) for edge in edges)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return mask


def box_iou(truth: Sequence[Edges], answered: Sequence[Edges] | None) -> float:
    """The agreement of boxes in one frame, in [0, 1]; 1 if both have no box.

    Boxes are paired greedily, highest IoU first, each box at most once. The sum of the pairs' IoU
    is divided by the larger number of boxes.

    Args:
        answered: the boxes of the answer; None if it cannot be read, which gives 0.
    """
    if answered is None:
        return 0.0
    if not truth and not answered:
        return 1.0
    overlaps = sorted(
        ((_overlap(a, b), -i, -k) for i, a in enumerate(truth) for k, b in enumerate(answered)),
        reverse=True,
    )
    used: tuple[set[int], set[int]] = (set(), set())
    total = 0.0
    for overlap, i, k in overlaps:
        if i not in used[0] and k not in used[1]:
            used[0].add(i)
            used[1].add(k)
            total += overlap
    return total / max(len(truth), len(answered))


def _overlap(a: Edges, b: Edges) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    either = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - both
    return both / either if either > 0 else 0.0


def _mean(values: Iterable[float] | Float64Array) -> float:
    array = np.asarray(list(values), np.float64)
    return float(array.mean()) if len(array) else float("nan")


def totals(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """The table of types: for each true type, the number of pairs with each answered type."""
    table: dict[str, dict[str, int]] = {}
    for true, answered in pairs:
        row = table.setdefault(true, {})
        row[answered] = row.get(answered, 0) + 1
    return table
