"""The headline of answers as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....builder.chat import TYPE_NONE
from ....masks import ARTIFACT_TYPES
from ..intervals import Estimate
from ..table import UNRELIABLE_NOTE, markdown
from .score import UNREADABLE
from .values import Unreadable

SHOWN_UNREADABLE = 10


@dataclass(frozen=True, slots=True)
class Section:
    """A table of one question: titles of columns by metric, and the rows below the answers' own."""

    title: str
    columns: Mapping[str, str]
    floors: Sequence[str]


SECTIONS = (
    Section(
        "Broken or not",
        {"accuracy": "accuracy", "auroc": "AUROC", "yes_broken": "yes to broken", "yes_normal": "yes to normal"},
        ["always-yes"],
    ),
    Section("A part: broken or not", {"stretch_accuracy": "accuracy"}, ["always-yes"]),
    Section("When", {"temporal_iou": "time IoU", "false_spans": "false spans"}, ["whole-video"]),
    Section(
        "Where, broken videos",
        {"jf": "J&F", "j": "J", "f": "F", "active_jf": "J&F active", "box_iou": "box IoU"},
        ["whole-frame-box", "centre-box", "exact-boxes"],
    ),
    Section(
        "Where, normal videos",
        {"normal_jf": "J&F", "false_boxes": "false boxes"},
        ["whole-frame-box", "centre-box", "exact-boxes"],
    ),
    Section("Which type", {"exact_types": "exactly right"}, ["commonest-type"]),
)


def rows_of(
    section: Section, name: str, scores: Mapping[str, Estimate], floors: Mapping[str, Mapping[str, Estimate]]
) -> list[list[str]]:
    """The table of a question, its heading first; empty where it was not asked. Intervals of the answers alone."""
    if not any(metric in scores for metric in section.columns):
        return []
    rows = [[f"{section.title} (n = {_videos(section, scores)})", *section.columns.values()]]
    rows.append([name, *(_cell(scores.get(metric), with_interval=True) for metric in section.columns)])
    for floor in section.floors:
        found = floors.get(floor, {})
        if any(metric in found for metric in section.columns):
            rows.append([floor, *(_cell(found.get(metric), with_interval=False) for metric in section.columns)])
    return rows


def confusion_rows(confusion: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    """The table of types, its heading first: a row for each true type, a column for each that was said."""
    said = [*ARTIFACT_TYPES, TYPE_NONE, UNREADABLE]
    true = [name for name in said if name in confusion]
    if not true:
        return []
    return [
        ["true type \\ said", *said],
        *([name, *(str(confusion[name].get(column, 0)) for column in said)] for name in true),
    ]


def table(
    name: str,
    scores: Mapping[str, Estimate],
    *,
    floors: Mapping[str, Mapping[str, Estimate]],
    confusion: Mapping[str, Mapping[str, int]],
    unreadable: Sequence[Unreadable],
    num_answers: int,
) -> str:
    """Markdown: a table for each question, answers first, then what knows nothing; the table of types; what cannot be read."""
    tables = [rows_of(section, name, scores, floors) for section in SECTIONS]
    parts = [markdown(rows) for rows in [*tables, confusion_rows(confusion)] if rows]
    if any("]?" in part for part in parts):
        parts.append(UNRELIABLE_NOTE)
    parts.append(said_unreadable(unreadable, num_answers))
    return "\n\n".join(filter(None, parts))


def said_unreadable(unreadable: Sequence[Unreadable], num_answers: int) -> str:
    """A list of the first answers that cannot be read, headed by their number; "" where there is none."""
    if not unreadable:
        return ""
    lines = [f"{len(unreadable)} of {num_answers} answers cannot be read and count as wrong:"]
    lines += [f"- line {a.line} video {a.video_id} {a.question}: {a.why}" for a in unreadable[:SHOWN_UNREADABLE]]
    if len(unreadable) > SHOWN_UNREADABLE:
        lines.append(f"- and {len(unreadable) - SHOWN_UNREADABLE} more; --out-json lists all")
    return "\n".join(lines)


def _videos(section: Section, scores: Mapping[str, Estimate]) -> str:
    """The number of videos behind the columns: two numbers where broken and normal videos have a column each."""
    counts = [scores[metric].n for metric in section.columns if metric in scores and metric != "auroc"]
    return " and ".join(map(str, dict.fromkeys(counts))) if section.title == "When" else str(counts[0])


def _cell(found: Estimate | None, *, with_interval: bool) -> str:
    if found is None or found.value is None:
        return "-"
    return f"{found.value:.3f} {found.interval() if with_interval else ''}".rstrip()
