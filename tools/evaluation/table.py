"""The main scores of an evaluation as Markdown."""

from collections.abc import Mapping, Sequence

from .intervals import RELIABLE_FROM, UNRELIABLE, Estimate
from .summary import Comparison, Scores

BROKEN = {
    "jf": "J&F",
    "j": "J",
    "f": "F",
    "active_jf": "J&F active",
    "strict_jf": "J&F strict",
    "temporal_iou": "time IoU",
}
NORMAL = {
    "jf": "J&F",
    "false_frames": "false frames",
    "false_videos": "false videos",
    "false_area": "false area",
}

UNRELIABLE_NOTE = f"{UNRELIABLE} An interval of fewer than {RELIABLE_FROM} videos is not reliable."


def table(rows: Mapping[str, Scores], comparison: Comparison | None) -> str:
    """Markdown tables of broken and of normal videos, with a row for the prediction and each floor.

    After them come the scores of all videos together, the comparison, and a note if an interval is
    not reliable.

    Args:
        rows: scores by name: first the prediction, then the floors.
    """
    own = next(iter(rows.values()))
    parts = []
    for title, columns, side in (
        ("Broken videos", BROKEN, "broken"),
        ("Normal videos", NORMAL, "normal"),
    ):
        groups: list[Mapping[str, Estimate]] = [getattr(scores, side) for scores in rows.values()]
        if not groups[0]["jf"].n:
            parts.append(f"{title}: none in the truth.")
            continue
        head = [f"{title} (n = {groups[0]['jf'].n})", *columns.values()]
        # Floors are shown without intervals, to keep the table narrow.
        body = [
            [
                name,
                *(
                    _cell(group[key]) if group is groups[0] else _value(group[key])
                    for key in columns
                ),
            ]
            for name, group in zip(rows, groups, strict=True)
        ]
        parts.append(markdown([head, *body]))
    parts += [line for line in (_for_all(own), _compared(comparison)) if line]
    if any(f"]{UNRELIABLE}" in part for part in parts):
        parts.append(UNRELIABLE_NOTE)
    return "\n\n".join(parts)


def _value(score: Estimate) -> str:
    return "-" if score.value is None else f"{score.value:.3f}"


def _cell(score: Estimate) -> str:
    return "-" if score.value is None else f"{score.value:.3f} {score.interval()}".rstrip()


def _for_all(scores: Scores) -> str:
    parts = []
    if scores.auc is not None:
        parts.append(f"video AUC {scores.auc:.3f}")
    if scores.pixel_ap is not None:
        parts.append(f"pixel AP {scores.pixel_ap:.3f}")
    return f"Broken against normal: {', '.join(parts)}." if parts else ""


def _compared(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    rows = [[f"Minus {comparison.name}", "difference", "p", "n"]]
    for title, columns, side in (
        ("broken", BROKEN, comparison.broken),
        ("normal", NORMAL, comparison.normal),
    ):
        for key, name in columns.items():
            gap = side[key]
            if gap.value is not None:
                p = "-" if gap.p is None else f"{gap.p:.3f}"
                rows.append([f"{title}: {name}", _cell(gap.mean), p, str(gap.n)])
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
