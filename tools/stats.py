"""Statistics of a release as text: per split, and the metadata shortcuts that could fool a model."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from brokenvideos.card import ReleaseFacts
from brokenvideos.card.facts import Facts


def stats_dict(facts: ReleaseFacts) -> dict[str, Any]:
    """Plain values for JSON: counts by split and the shortcuts."""
    return {
        "splits": {
            split: {name: getattr(of_split, name) for name in Facts.__slots__}
            for split, of_split in facts.splits.items()
        },
        "shortcuts": asdict(facts.shortcuts),
    }


def stats_text(facts: ReleaseFacts) -> str:
    """A table with a column per split, and a paragraph on shortcuts."""
    columns = {**facts.splits, "all": facts.total()}
    rows = [["", *columns], ["videos", *(str(of.num_videos) for of in columns.values())]]
    for title in ("labels", "artifact_types", "generators", "sizes", "mask_areas", "licenses"):
        rows += _rows(title, columns)
    rows.append(["frames (median of a video)", *(str(_median(of.num_frames)) for of in columns.values())])
    rows.append(["annotated frames", *(str(of.num_annotated_frames) for of in columns.values())])
    rows.append(["frames with a mask", *(str(of.num_active_frames) for of in columns.values())])
    rows.append(["masks", *(str(of.num_masks) for of in columns.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), "", _shortcuts_text(facts)])


def _rows(title: str, columns: Mapping[str, Facts]) -> list[list[str]]:
    names = sorted(getattr(columns["all"], title))
    label = title.replace("_", " ").removesuffix("s")
    return [[f"{label} {name}", *(str(getattr(of, title)[name]) for of in columns.values())] for name in names]


def _median(lengths: Counter[int]) -> int:
    """The lower median of a counter of numbers."""
    ordered = sorted(lengths.elements())
    return ordered[(len(ordered) - 1) // 2]


def _shortcuts_text(facts: ReleaseFacts) -> str:
    found = facts.shortcuts
    if found.combined is None:
        return f"Shortcuts: too few videos to say ({found.num_normal} normal, {found.num_broken} broken)."
    alone = ", ".join(f"{name} {value:.2f}" for name, value in found.by_feature.items())
    return (
        f"Shortcuts: metadata alone tells broken from normal videos with AUC {found.combined:.2f} (0.50 = not at all; logistic "
        f"regression on held-out videos). One column alone, either way round: {alone}."
    )
