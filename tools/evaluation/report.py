"""An evaluation as one HTML file that needs no network: headline with floors, plots, breakdown, every video, the worst ones."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from ...release import __version__
from .charts import Strip, bars, histogram, scatter, strip_chart
from .evaluation import Evaluation
from .intervals import UNRELIABLE, Difference, Estimate
from .overlays import WorstVideo
from .page import conventions_list, html_page, html_table, legend, page_head, table_row, video_tiles
from .scores import CONVENTIONS
from .summary import Cell, Scores, VideoScores
from .table import UNRELIABLE_NOTE

# One word per column; what it means is in CONVENTIONS.
BROKEN_COLUMNS = {
    "jf": "J&F",
    "j": "J",
    "f": "F",
    "active_jf": "active J&F",
    "strict_jf": "strict J&F",
    "j_recall": "J recall",
    "j_decay": "J decay",
    "temporal_iou": "time IoU",
}
NORMAL_COLUMNS = {
    "jf": "J&F",
    "strict_jf": "strict J&F",
    "false_frames": "false frames",
    "false_videos": "false videos",
    "false_area": "false area",
}


def html_report(evaluation: Evaluation, worst: Sequence[WorstVideo] = ()) -> str:
    """The page; equal for equal evaluations."""
    name = Path(evaluation.predictions).name or evaluation.predictions
    sections = [
        _head(evaluation, name),
        _headline(evaluation),
        _with_floors(evaluation, name),
        _comparison(evaluation),
        _plots(evaluation),
        _worst(worst),
        _breakdown(evaluation.breakdown),
        _videos(evaluation.videos),
        conventions_list(CONVENTIONS),
    ]
    return html_page(f"{name} on {Path(evaluation.truth).name}", sections)


def _head(evaluation: Evaluation, name: str) -> str:
    broken = [video for video in evaluation.videos if video.broken]
    normal = len(evaluation.videos) - len(broken)
    frames = sum(video.num_frames for video in evaluation.videos)
    usual = (None, False, "davis", "error", "auto")
    options = {key: value for key, value in evaluation.options.items() if value not in usual}
    facts = {
        "Truth": f"<code>{escape(evaluation.truth)}</code>",
        "Predictions": f"<code>{escape(evaluation.predictions)}</code>",
        "Videos": f"{len(broken)} broken, {normal} normal",
        "Frames scored": f"{frames:,}",
        "Options": escape(", ".join(f"{key}={_text(value)}" for key, value in options.items())) or "default",
        "Scored by": f"brokenvideos {__version__}",
    }
    objects = f"<p>{escape(evaluation.objects.line())}</p>" if evaluation.objects else ""
    return page_head(name, facts) + objects


def _text(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _headline(evaluation: Evaluation) -> str:
    wanted = [
        (
            "broken",
            "active_jf",
            "J&F where something is broken",
            "Broken videos, frames with an artifact. The number to improve.",
        ),
        (
            "broken",
            "jf",
            "J&F, broken videos",
            "Every annotated frame; an empty frame that stays empty scores 1.",
        ),
        (
            "normal",
            "jf",
            "J&F, normal videos",
            "1 for every frame left alone, 0 for a false alarm; a full frame gets 0.5.",
        ),
        (
            "normal",
            "false_frames",
            "False alarms",
            "Frames of normal videos in which anything is marked. Lower is better.",
        ),
    ]
    cards = []
    for side, metric, title, note in wanted:
        found = _side(evaluation.scores, side)[metric]
        if found.value is None:
            continue
        floors = {
            name: value
            for name, scores in evaluation.floors.items()
            if (value := _side(scores, side)[metric].value) is not None
        }
        strip = Strip(title, note, found, floors)
        interval = "" if found.low is None else f"95 % {found.low:.3f} to {found.high:.3f}{_mark(found)}"
        cards.append(
            f"<div class='card'><h3>{escape(title)}</h3><p class='note'>{escape(note)}</p>"
            f"<span class='value'>{found.value:.3f}</span><span class='range'>{interval} · n = {found.n} videos</span>"
            f"{strip_chart(strip)}</div>"
        )
    more = [f"{name} {value:.3f}" for name, value in _for_all(evaluation.scores) if value is not None]
    note = f"<p>Broken against normal: <b>{', '.join(more)}</b>.</p>" if more else ""
    return (
        "<h2>Headline</h2><p class='note'>The dot is the prediction, the bar its 95 % interval over videos, the marks "
        f"below are floors: predictions that never looked at the video. {UNRELIABLE_NOTE}</p>"
        f"<div class='cards'>{''.join(cards)}</div>{note}"
    )


def _for_all(scores: Scores) -> list[tuple[str, float | None]]:
    return [("video AUC", scores.auc), ("pixel AP", scores.pixel_ap)]


def _side(scores: Scores, side: str) -> Mapping[str, Estimate]:
    return scores.broken if side == "broken" else scores.normal


def _with_floors(evaluation: Evaluation, name: str) -> str:
    rows = {name: evaluation.scores, **evaluation.floors}
    parts = []
    for side, columns in (("broken", BROKEN_COLUMNS), ("normal", NORMAL_COLUMNS)):
        count = _side(evaluation.scores, side)["jf"].n
        if not count:
            parts.append(f"<p>No {side} video in the truth.</p>")
            continue
        head = table_row("th", [f"{side.capitalize()} videos (n = {count})", *columns.values()], text=1)
        body = "".join(
            _floor_row(label, [_side(scores, side)[key] for key in columns], is_own=scores is evaluation.scores)
            for label, scores in rows.items()
        )
        parts.append(html_table(head, body) + "<p></p>")
    return "<h2>Against the floors</h2>" + "".join(parts)


def _floor_row(label: str, found: Iterable[Estimate], *, is_own: bool) -> str:
    cells = [f"<td class='text'>{escape(label)}</td>"]
    for estimate in found:
        interval = ""
        if is_own and estimate.low is not None and estimate.high is not None:
            interval = f"<span class='range'>{estimate.low:.3f} to {estimate.high:.3f}{_mark(estimate)}</span>"
        cells.append(f"<td>{_number(estimate.value)}{interval}</td>")
    return f"<tr{' class=own' if is_own else ''}>{''.join(cells)}</tr>"


def _comparison(evaluation: Evaluation) -> str:
    comparison = evaluation.comparison
    if comparison is None:
        return ""
    rows = []
    sides = (("broken", comparison.broken, BROKEN_COLUMNS), ("normal", comparison.normal, NORMAL_COLUMNS))
    for side, found, columns in sides:
        for key, label in columns.items():
            if found[key].value is not None:
                rows.append(_difference_row(f"{side}: {label}", found[key]))
    head = table_row("th", ["Metric", "difference", "95 % from", "to", "p", "n"], text=1)
    return (
        f"<h2>Minus {escape(Path(comparison.name).name)}</h2><p class='note'>Mean difference over the same videos; p from sign "
        f"flips. {UNRELIABLE_NOTE} <code>{escape(comparison.name)}</code></p>" + html_table(head, "".join(rows))
    )


def _difference_row(label: str, found: Difference) -> str:
    mean = found.mean
    numbers = [f"{value:+.3f}" if value is not None else "-" for value in (mean.value, mean.low, mean.high)]
    numbers[2] += _mark(mean)
    return table_row("td", [label, *numbers, _number(found.p), str(found.n)], text=1)


def _mark(found: Estimate) -> str:
    return "" if found.reliable or found.low is None else UNRELIABLE


def _plots(evaluation: Evaluation) -> str:
    broken = [video for video in evaluation.videos if video.broken]
    if not broken:
        return ""
    series = {
        "all annotated frames": [video.scores["jf"] for video in broken],
        "active frames": [video.scores["active_jf"] for video in broken],
    }
    points = [(video.video_id, video.scores["active_area"], video.scores["active_jf"]) for video in broken]
    cells = evaluation.breakdown
    by_type = [
        (cell.artifact_type, cell.n, cell.scores["active_jf"])
        for cell in cells
        if cell.artifact_type not in (None, "normal") and cell.generator is None and cell.split is None
    ]
    by_generator = [
        (cell.generator, int(cell.scores["n_broken"] or 0), cell.scores["active_jf"])
        for cell in cells
        if cell.generator is not None and cell.artifact_type is None and cell.split is None and cell.scores["n_broken"]
    ]
    plots = [
        histogram(series, label="J&F of a broken video"),
        scatter(points, x_label="marked share of an active frame, mean of a video", y_label="J&F in active frames"),
        bars([(str(name), count, value) for name, count, value in by_type], label="Active J&F by artifact type"),
        bars([(str(name), count, value) for name, count, value in by_generator], label="Active J&F by generator"),
    ]
    return (
        f"<h2>Broken videos</h2><div class='cards'>{''.join(f'<div class=card>{plot}</div>' for plot in plots)}</div>"
    )


def _worst(worst: Sequence[WorstVideo]) -> str:
    if not worst:
        return ""
    names = {"hit": "hit", "missed": "missed", "marked for nothing": "false"}
    blocks = []
    for video in worst:
        scores = video.scores
        said = (
            f"active J&F {_number(scores.scores['active_jf'])}, all frames {_number(scores.scores['jf'])}"
            if scores.broken
            else f"normal, false area {scores.scores['false_area']:.2%}, false frames {scores.scores['false_frames']:.0%}"
        )
        more = " · ".join(filter(None, [scores.generator, ", ".join(scores.artifact_types)]))
        blocks.append(video_tiles(scores.video_id, said, more, video.tiles))
    colours = legend({name: f"var(--{key})" for name, key in names.items()})
    return f"<h2>Where it fails most</h2>{colours}{''.join(blocks)}"


def _breakdown(cells: Sequence[Cell]) -> str:
    columns = {
        "jf": "J&F",
        "active_jf": "active J&F",
        "strict_jf": "strict J&F",
        "temporal_iou": "time IoU",
        "normal_jf": "normal J&F",
        "normal_false_frames": "false frames",
    }
    head = table_row("th", ["type", "generator", "split", "n", *columns.values()], text=3)
    body = []
    for cell in cells:
        names = [name or "all" for name in (cell.artifact_type, cell.generator, cell.split)]
        numbers = "".join(_shaded(cell.scores[key]) for key in columns)
        text = "".join(f"<td class='text'>{escape(name)}</td>" for name in names)
        words = " ".join(_word(place, name) for place, name in zip(("type", "generator", "split"), names, strict=True))
        body.append(f"<tr data-words='{escape(words)}'>{text}<td data-value='{cell.n}'>{cell.n}</td>{numbers}</tr>")
    choices = "".join(
        _choice(place, sorted({name or "all" for name in found}), label)
        for place, label, found in (
            ("type", "every type", [cell.artifact_type for cell in cells]),
            ("generator", "every generator", [cell.generator for cell in cells]),
            ("split", "every split", [cell.split for cell in cells]),
        )
    )
    return (
        "<h2>Breakdown</h2><p class='note'>Artifact type &times; generator &times; split; “all” is any. A video with two types "
        "is in both.</p>"
        f"<div class='tools' data-table='breakdown'><input type='search' placeholder='Filter' aria-label='Filter'>{choices}"
        "<output class='faint'></output></div>" + html_table(head, "".join(body), name="breakdown")
    )


def _videos(videos: Sequence[VideoScores]) -> str:
    columns = {
        "jf": "J&F",
        "j": "J",
        "f": "F",
        "active_jf": "active J&F",
        "strict_jf": "strict J&F",
        "temporal_iou": "time IoU",
        "pixel_precision": "precision",
        "pixel_recall": "recall",
        "false_frames": "false frames",
        "false_area": "false area",
    }
    head = table_row("th", ["video", "label", "type", "generator", "split", "frames", *columns.values()], text=5)
    body = []
    for video in videos:
        label = "broken" if video.broken else "normal"
        texts = [video.video_id, label, ", ".join(video.artifact_types), video.generator, video.split or ""]
        cells = "".join(f"<td class='text'>{escape(text)}</td>" for text in texts)
        numbers = "".join(_shaded(video.scores.get(key)) for key in columns)
        words = " ".join([label, _word("generator", video.generator)])
        body.append(
            f"<tr data-words='{escape(words)}'>{cells}<td data-value='{video.num_frames}'>{video.num_frames}</td>{numbers}</tr>"
        )
    generators = sorted({video.generator for video in videos})
    choices = (
        "<select aria-label='label'><option value=''>every label</option><option>broken</option><option>normal</option></select>"
        + _choice("generator", generators, "every generator")
    )
    return (
        "<h2>Every video</h2><div class='tools' data-table='videos'><input type='search' placeholder='Filter videos' "
        f"aria-label='Filter videos'>{choices}<output class='faint'></output></div>"
        + html_table(head, "".join(body), name="videos")
    )


def _word(place: str, name: str) -> str:
    # Words are separated by spaces; names may hold some.
    return f"{place}:{'_'.join(name.split())}"


def _choice(place: str, names: Sequence[str], label: str) -> str:
    options = "".join(f"<option value='{escape(_word(place, name))}'>{escape(name)}</option>" for name in names)
    return f"<select aria-label='{place}'><option value=''>{label}</option>{options}</select>"


def _shaded(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "<td data-value=''>-</td>"
    share = min(1.0, max(0.0, value))
    return f"<td class='shade' style='--share:{share:.1%}' data-value='{value:.6f}'>{value:.3f}</td>"


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"
