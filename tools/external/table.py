"""The scores on every set in one table."""

from collections.abc import Mapping
from typing import Any

from ..evaluation import UNRELIABLE_NOTE, Evaluation

_HEAD = (
    "Set",
    "broken",
    "normal",
    "J&F active",
    "highest floor",
    "J&F",
    "highest floor",
    "false videos",
)


def sets_table(found: Mapping[str, Evaluation]) -> str:
    """Markdown, a line a set: means over its broken videos, the highest floor beside each, and the
    share of falsely marked normal videos.
    """
    lines = [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
    for name, evaluation in found.items():
        broken, normal = evaluation.scores.broken, evaluation.scores.normal
        cells = [name, str(broken["jf"].n), str(normal["false_videos"].n)]
        for metric in ("active_jf", "jf"):
            cells += [_score(broken[metric]), _highest_floor(evaluation, metric)]
        lines.append(f"| {' | '.join([*cells, _score(normal['false_videos'])])} |")
    table = "\n".join(lines)
    return f"{table}\n\n{UNRELIABLE_NOTE}" if "?" in table else table


def sets_dict(found: Mapping[str, Evaluation]) -> dict[str, Any]:
    """Plain values for JSON: the evaluation of each set by its name."""
    return {name: evaluation.to_dict() for name, evaluation in found.items()}


def _score(cell: Any) -> str:
    return "-" if cell.value is None else f"{cell.value:.3f} {cell.interval()}".rstrip()


def _highest_floor(evaluation: Evaluation, metric: str) -> str:
    """ "0.151 centre-box"."""
    known = [(floor.broken[metric].value, name) for name, floor in evaluation.floors.items()]
    values = [(value, name) for value, name in known if value is not None]
    if not values:
        return "-"
    value, name = max(values)
    return f"{value:.3f} {name}"
