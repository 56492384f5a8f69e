"""An evaluation of answers as a report: a table for each question, the types, what cannot be read,
and every video.
"""

from collections.abc import Sequence
from pathlib import Path

from ....release import __version__
from ...page import (
    Cell,
    Column,
    Definitions,
    EveryVideo,
    Facts,
    Metric,
    Report,
    Section,
    Table,
    Text,
)
from ..table import UNRELIABLE_NOTE
from .summary import FLOORS, METRICS, AnswersEvaluation
from .table import SECTIONS, confusion_rows, rows_of

WORST_IS_HIGHEST = ("yes_normal", "false_spans", "false_boxes")
"""Metrics of which more is worse."""


def answers_report(evaluation: AnswersEvaluation) -> Report:
    """The report; equal for equal evaluations. Its page is given the truth and no other source:
    answers are no masks.
    """
    name = Path(evaluation.answers).name
    broken = sum(video.broken for video in evaluation.videos)
    facts = (
        ("Truth", evaluation.truth),
        ("Answers", evaluation.answers),
        ("Videos", f"{broken} broken, {len(evaluation.videos) - broken} normal"),
        (
            "Answers scored",
            f"{evaluation.num_answers:,}, {len(evaluation.unreadable):,} of them cannot be read",
        ),
        ("Scored by", f"brokenvideos {__version__}"),
    )
    note = f"The answers with their 95 % intervals, then what knows nothing. {UNRELIABLE_NOTE}"
    tables = (rows_of(section, name, evaluation.scores, evaluation.floors) for section in SECTIONS)
    confusion = confusion_rows(evaluation.confusion)
    metrics = [key for key in METRICS if any(key in video.scores for video in evaluation.videos)]
    return Report(
        title=f"{name} on {Path(evaluation.truth).name}",
        sections=(
            Section("", (Facts(facts),)),
            Section("Scores", (Text(note, "note"), *(_table(rows) for rows in tables if rows))),
            *([Section("Types", (_table(confusion),))] if confusion else []),
            *_unreadable(evaluation),
            Section("Every video", (EveryVideo(),)),
            Section("What the numbers mean", (Definitions(tuple((METRICS | FLOORS).items())),)),
        ),
        videos=tuple(video.video_id for video in evaluation.videos),
        metrics=tuple(
            Metric(
                key,
                key,
                tuple(video.scores.get(key) for video in evaluation.videos),
                descending=key in WORST_IS_HIGHEST,
            )
            for key in metrics
        ),
        sort=metrics[0] if metrics else "id",
    )


def _table(rows: Sequence[Sequence[str]]) -> Table:
    """Texts as they are printed, the heading first."""
    head, *body = rows
    return Table(tuple(Column(title, "text") for title in head), tuple(tuple(row) for row in body))


def _unreadable(evaluation: AnswersEvaluation) -> tuple[Section, ...]:
    if not evaluation.unreadable:
        return ()
    columns = (
        *(Column(title, "text") for title in ("video", "question", "why")),
        Column("line", "count"),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (found.video_id, found.question, found.why, found.line) for found in evaluation.unreadable
    )
    return (Section("Cannot be read, counted as wrong", (Table(columns, rows, is_long=True),)),)
