"""Statistics of a release as text: counts per split, near-duplicates, and metadata that a model
could use as a shortcut.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...card import Facts, ReleaseFacts

Groups = Sequence[Mapping[str, str]]
"""Groups of near-duplicates: the split by video_id for each group, as
`builder.near_duplicates.release_groups` gives them.
"""

MOST_GROUPS = 20
"""Number of groups of near-duplicates in the text. Groups in several splits are always listed, and
JSON has all groups.
"""


def stats_dict(facts: ReleaseFacts, groups: Groups | None) -> dict[str, Any]:
    """Plain values for JSON: counts by split, near-duplicates (null: the build did not look for
    them), shortcuts, triggers.
    """
    return {
        "splits": {
            split: {name: getattr(of_split, name) for name in Facts.__slots__}
            for split, of_split in facts.splits.items()
        },
        "near_duplicates": None
        if groups is None
        else {
            "groups": groups,
            "in_several_splits": [group for group in groups if _in_several_splits(group)],
        },
        "shortcuts": asdict(facts.shortcuts),
        "triggers": {name: counts.to_dict() for name, counts in sorted(facts.triggers.items())},
    }


def stats_text(facts: ReleaseFacts, groups: Groups | None) -> str:
    """A table with one column per split, and paragraphs on near-duplicates, on shortcuts and, if
    clips have them, on triggers.
    """
    columns = {**facts.splits, "all": facts.total()}
    rows = [["", *columns], ["videos", *(str(column.num_videos) for column in columns.values())]]
    for title in ("labels", "artifact_types", "generators", "sizes", "mask_areas", "licenses"):
        rows += _rows(title, columns)
    rows.append(
        [
            "frames (median of a video)",
            *(str(_median(column.num_frames)) for column in columns.values()),
        ]
    )
    rows.append(
        ["annotated frames", *(str(column.num_annotated_frames) for column in columns.values())]
    )
    rows.append(
        ["frames with a mask", *(str(column.num_active_frames) for column in columns.values())]
    )
    rows.append(["masks", *(str(column.num_masks) for column in columns.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(
        [
            *(line.rstrip() for line in lines),
            "",
            *_groups_lines(groups),
            "",
            _shortcuts_text(facts),
            *_triggers_lines(facts),
        ]
    )


def _rows(title: str, columns: Mapping[str, Facts]) -> list[list[str]]:
    names = sorted(getattr(columns["all"], title))
    label = title.replace("_", " ").removesuffix("s")
    return [
        [f"{label} {name}", *(str(getattr(column, title)[name]) for column in columns.values())]
        for name in names
    ]


def _groups_lines(groups: Groups | None) -> list[str]:
    if groups is None:
        return [
            "Near-duplicates: unknown, because the version that built the release did not look for "
            "them. Build it again."
        ]
    apart = [group for group in groups if _in_several_splits(group)]
    together = [group for group in groups if not _in_several_splits(group)]
    counts = f"{len(groups)} groups, {sum(map(len, groups))} videos"
    lines = [f"Near-duplicates: {counts}; {len(apart)} of the groups are in several splits."]
    lines += [
        f"  in several splits: {', '.join(f'{i} ({split})' for i, split in group.items())}"
        for group in apart
    ]
    lines += [
        f"  {', '.join(group)} ({next(iter(group.values()))})" for group in together[:MOST_GROUPS]
    ]
    if len(together) > MOST_GROUPS:
        lines.append(f"  and {len(together) - MOST_GROUPS} more groups: --json lists them")
    return lines


def _in_several_splits(group: Mapping[str, str]) -> bool:
    return len(set(group.values())) > 1


def _median(lengths: Counter[int]) -> int:
    """The lower median of a counter of numbers."""
    ordered = sorted(lengths.elements())
    return ordered[(len(ordered) - 1) // 2]


def _shortcuts_text(facts: ReleaseFacts) -> str:
    shortcuts = facts.shortcuts
    if shortcuts.combined is None:
        return (
            f"Shortcuts: too few videos to say ({shortcuts.num_normal} normal, "
            f"{shortcuts.num_broken} broken)."
        )
    alone = ", ".join(f"{name} {value:.2f}" for name, value in shortcuts.by_feature.items())
    return (
        "Shortcuts: metadata alone tells broken from normal videos with AUC "
        f"{shortcuts.combined:.2f} (0.50 = not at all; logistic regression on held-out videos). "
        f"Each column alone, in its better direction: {alone}."
    )


def _triggers_lines(facts: ReleaseFacts) -> list[str]:
    if not facts.triggers:
        return []
    head = (
        "Triggers: share of annotated clips that are broken (95 % interval), and their artifact "
        "types; * = expected."
    )
    return [
        "",
        head,
        *(_trigger_line(name, counts.to_dict()) for name, counts in sorted(facts.triggers.items())),
    ]


def _trigger_line(name: str, counts: Mapping[str, Any]) -> str:
    share = counts["share_broken"]
    known = (
        "none annotated"
        if share["value"] is None
        else "{value:.1%} ({low:.1%} to {high:.1%})".format(**share)
    )
    marks = {kind: "*" if kind in counts["expected"] else "" for kind in counts["artifact_types"]}
    types = ", ".join(
        f"{kind}{marks[kind]} {count}" for kind, count in counts["artifact_types"].items()
    )
    counted = f"{counts['videos']} clips of {counts['prompts']} prompts"
    return f"  {name}: {counted}, {counts['broken']} of {counts['judged']} broken, {known}; {types}"
