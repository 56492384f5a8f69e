"""An evaluation of answers as one HTML file that needs no network."""

import html
from collections.abc import Sequence
from pathlib import Path

from ....release import __version__
from ..page import conventions_list, html_page, html_table, page_head, table_row
from ..table import UNRELIABLE_NOTE
from .summary import FLOORS, METRICS, AnswersEvaluation
from .table import SECTIONS, confusion_rows, rows_of


def answers_report(evaluation: AnswersEvaluation) -> str:
    """The page; equal for equal evaluations."""
    name = Path(evaluation.answers).name
    broken = sum(video.broken for video in evaluation.videos)
    facts = {
        "Truth": f"<code>{html.escape(evaluation.truth)}</code>",
        "Answers": f"<code>{html.escape(evaluation.answers)}</code>",
        "Videos": f"{broken} broken, {len(evaluation.videos) - broken} normal",
        "Answers scored": f"{evaluation.num_answers:,}, {len(evaluation.unreadable):,} of them cannot be read",
        "Scored by": f"brokenvideos {__version__}",
    }
    tables = [rows_of(section, name, evaluation.scores, evaluation.floors) for section in SECTIONS]
    sections = [
        page_head(name, facts),
        f"<h2>Scores</h2><p class='note'>The answers with their 95 % intervals, then what knows nothing. {UNRELIABLE_NOTE}</p>",
        *(_table(rows) for rows in tables if rows),
        _types(evaluation),
        _unreadable(evaluation),
        _videos(evaluation),
        conventions_list(METRICS | FLOORS),
    ]
    return html_page(f"{name} on {Path(evaluation.truth).name}", sections)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    return html_table(table_row("th", head, text=1), "".join(table_row("td", row, text=1) for row in body)) + "<p></p>"


def _types(evaluation: AnswersEvaluation) -> str:
    rows = confusion_rows(evaluation.confusion)
    return f"<h2>Types</h2>{_table(rows)}" if rows else ""


def _unreadable(evaluation: AnswersEvaluation) -> str:
    if not evaluation.unreadable:
        return ""
    head = table_row("th", ["video", "question", "why", "line"], text=3)
    body = "".join(
        table_row("td", [found.video_id, found.question, found.why, str(found.line)], text=3)
        for found in evaluation.unreadable
    )
    return f"<h2>Cannot be read, counted as wrong</h2>{html_table(head, body, name='unreadable')}"


def _videos(evaluation: AnswersEvaluation) -> str:
    metrics = [name for name in METRICS if any(name in video.scores for video in evaluation.videos)]
    head = table_row("th", ["video", "label", "type", "generator", "split", *metrics], text=5)
    body = []
    for video in evaluation.videos:
        facts = [
            video.video_id,
            "broken" if video.broken else "normal",
            ", ".join(video.artifact_types),
            video.generator,
            video.split or "",
        ]
        scores = [video.scores.get(name) for name in metrics]
        shown = ["-" if score is None or score != score else f"{score:.3f}" for score in scores]
        body.append(table_row("td", [*facts, *shown], text=5))
    return f"<h2>Every video</h2>{html_table(head, ''.join(body), name='videos')}"
