"""The section on scoring, with the scores of trivial predictions (floors) and of baselines."""

from collections.abc import Mapping
from typing import Any

from ..inputs import CardInputs
from .markdown import estimate, number, paragraphs, table, unreliable_note

CONVENTION = """`brokenvideos evaluate RELEASE PREDICTIONS` scores region J and boundary F per frame as DAVIS does, at the
truth's own size; boundaries match within ceil(0.008 · diagonal) pixels. All artifact objects of a frame count as one mask, every
annotated frame of a video counts, and the mean is taken over the frames of a video, then over videos.

- **Broken and normal videos are never pooled.** A normal video has nothing to find, so its score says something else.
- **Empty truth.** J and F are 1 when truth and prediction are both empty, 0 when exactly one is. F looks at boundaries: a
  prediction of the whole frame has none and gets F = 1, J&F = 0.5, against an empty truth. The strict variant gives F = 0 there.
- **Active frames**, those of broken videos whose truth is not empty, stand beside all frames: empty frames hide failure."""

BROKEN = {
    "active_jf": "J&F active",
    "jf": "J&F",
    "active_strict_jf": "strict J&F active",
    "temporal_iou": "time IoU",
}
NORMAL = {
    "jf": "J&F",
    "strict_jf": "strict J&F",
    "false_frames": "false frames",
    "false_videos": "false videos",
}


def evaluation(inputs: CardInputs) -> str:
    """The scoring rules, the floor that can be counted, then baselines with their floors."""
    return paragraphs(
        CONVENTION,
        _counted_floor(inputs),
        *map(_baseline, inputs.about.baselines),
        _none_stated(inputs),
    )


def _counted_floor(inputs: CardInputs) -> str:
    shares = inputs.details.empty_shares
    if not shares:
        return "There is no broken video in this release, so nothing can be said of a floor."
    every = [share for group in shares.values() for share in group]
    groups = {split: shares[split] for split in inputs.facts.splits if split in shares} | {
        "all": every
    }
    rows = [
        [name, len(group), f"{sum(group) / len(group):.3f}", "0.000"]
        for name, group in groups.items()
    ]
    return paragraphs(
        "A prediction that marks nothing gets 1 in every normal video, and in broken ones what "
        "their empty annotated frames give it. Counted here:",
        table(["split", "broken videos", "J&F of nothing", "J&F active of nothing"], rows),
    )


def _baseline(scores: Mapping[str, Any]) -> str:
    where = "all splits" if scores["splits"] is None else ", ".join(scores["splits"])
    rows: dict[str, Mapping[str, Any]] = {scores["name"]: scores, **scores["floors"]}
    parts = [
        f"**{scores['name']}** on {where}, the floors below it (mean over videos, 95 % interval):"
    ]
    for side, columns in (("broken", BROKEN), ("normal", NORMAL)):
        count = scores[side]["jf"]["n"]
        if count:
            lines = [
                [name, *((estimate if row is scores else _mean)(row[side][key]) for key in columns)]
                for name, row in rows.items()
            ]
            parts.append(table([f"{side} videos (n = {count})", *columns.values()], lines))
    floors = "; ".join(f"{name}: {floor['what']}" for name, floor in scores["floors"].items())
    return paragraphs(*parts, unreliable_note(*parts), f"Floors: {floors}." if floors else None)


def _mean(score: Mapping[str, Any]) -> str:
    return number(score["value"])


def _none_stated(inputs: CardInputs) -> str | None:
    return None if inputs.about.baselines else "No baseline was scored when this card was made."
