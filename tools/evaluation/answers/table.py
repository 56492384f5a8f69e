"""The main scores of answers as Markdown."""

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
    """The table of one question: column titles by metric, and the floors that get a row."""

    title: str
    columns: Mapping[str, str]
    floors: Sequence[str]


SECTIONS = (
    Section(
        "Broken or not",
        {
            "accuracy": "accuracy",
            "auroc": "AUROC",
            "yes_broken": "yes to broken",
            "yes_normal": "yes to normal",
        },
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
    section: Section,
    name: str,
    scores: Mapping[str, Estimate],
    floors: Mapping[str, Mapping[str, Estimate]],
) -> list[list[str]]:
    """The rows of a question's table, heading first; empty if the question was not asked.

    Only the answers' row has intervals.
    """
    if not any(metric in scores for metric in section.columns):
        return []
    rows = [[f"{section.title} (n = {_videos(section, scores)})", *section.columns.values()]]
    rows.append(
        [name, *(_cell(scores.get(metric), with_interval=True) for metric in section.columns)]
    )
    for floor in section.floors:
        floor_scores = floors.get(floor, {})
        if any(metric in floor_scores for metric in section.columns):
            rows.append(
                [
                    floor,
                    *(
                        _cell(floor_scores.get(metric), with_interval=False)
                        for metric in section.columns
                    ),
                ]
            )
    return rows


def confusion_rows(confusion: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    """The table of types, heading first: a row for each true type, a column for each answered
    type.
    """
    columns = [*ARTIFACT_TYPES, TYPE_NONE, UNREADABLE]
    rows = [name for name in columns if name in confusion]
    if not rows:
        return []
    return [
        ["true type \\ answered", *columns],
        *([name, *(str(confusion[name].get(column, 0)) for column in columns)] for name in rows),
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
    """Markdown: a table for each question (the answers, then the floors), the table of types, and
    the unreadable answers.
    """
    tables = [rows_of(section, name, scores, floors) for section in SECTIONS]
    parts = [markdown(rows) for rows in [*tables, confusion_rows(confusion)] if rows]
    if any("]?" in part for part in parts):
        parts.append(UNRELIABLE_NOTE)
    parts.append(unreadable_text(unreadable, num_answers))
    return "\n\n".join(filter(None, parts))


def unreadable_text(unreadable: Sequence[Unreadable], num_answers: int) -> str:
    """The number of unreadable answers and a list of the first ones; "" if there are none."""
    if not unreadable:
        return ""
    lines = [f"{len(unreadable)} of {num_answers} answers cannot be read and count as wrong:"]
    lines += [
        f"- line {a.line} video {a.video_id} {a.question}: {a.why}"
        for a in unreadable[:SHOWN_UNREADABLE]
    ]
    if len(unreadable) > SHOWN_UNREADABLE:
        lines.append(f"- and {len(unreadable) - SHOWN_UNREADABLE} more; --out-json lists all")
    return "\n".join(lines)


def _videos(section: Section, scores: Mapping[str, Estimate]) -> str:
    """The number of videos in the columns; two numbers if broken and normal videos have columns of
    their own.
    """
    counts = [
        scores[metric].n for metric in section.columns if metric in scores and metric != "auroc"
    ]
    return (
        " and ".join(map(str, dict.fromkeys(counts))) if section.title == "When" else str(counts[0])
    )


def _cell(score: Estimate | None, *, with_interval: bool) -> str:
    if score is None or score.value is None:
        return "-"
    return f"{score.value:.3f} {score.interval() if with_interval else ''}".rstrip()
