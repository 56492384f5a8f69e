"""Plots as SVG text: no library, no network, crisp at any size, coloured by the page's style."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .intervals import Estimate


@dataclass(frozen=True, slots=True)
class Strip:
    """One scale from 0 to 1 with a prediction, its interval, and floors by name."""

    title: str
    note: str
    found: Estimate
    floors: Mapping[str, float]


def strip_chart(strip: Strip) -> str:
    """The prediction as a dot on a line from 0 to 1 with its interval, the floors as ticks below it."""
    width, left, right, y = 440, 8, 432, 30

    def x(value: float) -> float:
        return left + (right - left) * min(1.0, max(0.0, value))

    parts = [f'<line class="axis" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>']
    for tenth in range(0, 11, 2):
        place = x(tenth / 10)
        parts.append(f'<line class="tick" x1="{place:.1f}" x2="{place:.1f}" y1="{y - 3}" y2="{y + 3}"/>')
        parts.append(f'<text class="faint" x="{place:.1f}" y="{y - 12}" text-anchor="middle">{tenth / 10:.1f}</text>')
    rows: list[float] = []  # where the last label of every row ends
    for name, value in sorted(strip.floors.items(), key=lambda item: item[1]):
        label = f"{name} {value:.3f}"
        place, half = x(value), 2.9 * len(label)
        middle = min(max(place, left + half), right - half)
        row = next((number for number, end in enumerate(rows) if middle - half > end + 8), len(rows))
        rows[row:] = [middle + half, *rows[row + 1 :]]
        below = y + 23 + 15 * row
        parts.append(f'<line class="floor" x1="{place:.1f}" x2="{place:.1f}" y1="{y - 7}" y2="{y + 7}"/>')
        parts.append(
            f'<text class="floor-label" x="{middle:.1f}" y="{below}" text-anchor="middle">{escape(label)}</text>'
        )
    if strip.found.value is not None:
        if strip.found.low is not None and strip.found.high is not None:
            low, high = x(strip.found.low), x(strip.found.high)
            parts.append(
                f'<rect class="interval" x="{low:.1f}" y="{y - 4}" width="{max(1, high - low):.1f}" height="8" rx="4"/>'
            )
        parts.append(f'<circle class="found" cx="{x(strip.found.value):.1f}" cy="{y}" r="6"/>')
    height = y + 18 + 15 * max(1, len(rows))
    return _svg(width, height, parts, f"{strip.title}: {_number(strip.found.value)}")


def histogram(series: Mapping[str, Sequence[float]], *, label: str) -> str:
    """How many videos score in each twentieth of [0, 1], bars of the series side by side; NaN values are left out."""
    width, height, left, bottom, bins = 520, 220, 40, 34, 20
    counts = {name: [0] * bins for name in series}
    for name, values in series.items():
        for value in values:
            if not math.isnan(value):
                counts[name][min(bins - 1, int(value * bins))] += 1
    top = max(1, max(max(found) for found in counts.values()))
    plot_width, plot_height = width - left - 10, height - bottom - 26
    parts = _frame(left, 26, plot_width, plot_height)
    for share in sorted({0, top // 2, top}):
        y = 26 + plot_height * (1 - share / top)
        parts.append(f'<text class="faint" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{share}</text>')
    bar = plot_width / bins / (len(series) + 0.4)
    for number, (name, found) in enumerate(counts.items()):
        for index, count in enumerate(found):
            x = left + plot_width * index / bins + bar * (number + 0.2)
            bar_height = plot_height * count / top
            tip = f"{name}: {count} videos in {index / bins:.2f} to {(index + 1) / bins:.2f}"
            parts.append(
                f'<rect class="series-{number}" x="{x:.1f}" y="{26 + plot_height - bar_height:.1f}" width="{bar * 0.92:.1f}" '
                f'height="{bar_height:.1f}"><title>{escape(tip)}</title></rect>'
            )
    parts += _x_labels(left, plot_width, height - bottom + 16, label, height - 3)
    x = float(left)
    for number, name in enumerate(series):
        parts.append(f'<rect class="series-{number}" x="{x:.0f}" y="6" width="11" height="11" rx="2"/>')
        parts.append(f'<text x="{x + 16:.0f}" y="16">{escape(name)}</text>')
        x += 30 + 7 * len(name)
    return _svg(width, height, parts, f"Histogram: {label}")


def scatter(points: Sequence[tuple[str, float, float]], *, x_label: str, y_label: str) -> str:
    """(name, x, y) with x a share on a logarithmic scale from 0.01 % and y in [0, 1]."""
    width, height, left, bottom = 520, 220, 40, 34
    plot_width, plot_height = width - left - 10, height - bottom - 26
    parts = _frame(left, 26, plot_width, plot_height)
    for decade in range(-4, 1):
        x = left + plot_width * (decade + 4) / 4
        name = f"{10.0 ** (decade + 2):g} %"
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="26" y2="{26 + plot_height}"/>')
        anchor = "end" if decade == 0 else "middle"
        parts.append(f'<text class="faint" x="{x:.1f}" y="{height - bottom + 16}" text-anchor="{anchor}">{name}</text>')
    for half in (0, 0.5, 1):
        y = 26 + plot_height * (1 - half)
        parts.append(f'<text class="faint" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{half:g}</text>')
    for name, share, score in points:
        if share > 0 and not math.isnan(score):
            x = left + plot_width * (min(4.0, max(0.0, math.log10(share) + 4))) / 4
            y = 26 + plot_height * (1 - score)
            tip = f"{name}: {y_label} {score:.3f}, {share:.2%}"
            parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(tip)}</title></circle>')
    parts.append(f'<text x="{left}" y="16">{escape(y_label)}</text>')
    parts.append(
        f'<text class="faint" x="{left + plot_width / 2:.0f}" y="{height - 3}" text-anchor="middle">{escape(x_label)}</text>'
    )
    return _svg(width, height, parts, f"{y_label} against {x_label}")


def bars(rows: Sequence[tuple[str, int, float | None]], *, label: str) -> str:
    """(name, n, value in [0, 1]) as horizontal bars."""
    width, name_width, line = 520, 170, 24
    height = 26 + line * len(rows)
    span = width - name_width - 60
    parts = [f'<text x="0" y="14">{escape(label)}</text>']
    for number, (name, count, value) in enumerate(rows):
        y = 26 + line * number
        shown = name if len(name) <= 18 else f"{name[:17]}…"
        parts.append(
            f'<text x="{name_width - 10}" y="{y + 14}" text-anchor="end">{escape(shown)} '
            f'<tspan class="faint">n={count}</tspan></text>'
        )
        parts.append(f'<rect class="track" x="{name_width}" y="{y + 3}" width="{span}" height="15" rx="3"/>')
        if value is not None:
            parts.append(
                f'<rect class="series-0" x="{name_width}" y="{y + 3}" width="{span * value:.1f}" height="15" rx="3"/>'
            )
        parts.append(f'<text x="{name_width + span + 8}" y="{y + 15}">{_number(value)}</text>')
    return _svg(width, height, parts, label)


def _frame(left: float, top: float, width: float, height: float) -> list[str]:
    lines = [
        f'<line class="grid" x1="{left}" x2="{left + width}" y1="{top + height * share:.1f}" y2="{top + height * share:.1f}"/>'
        for share in (0, 0.5)
    ]
    return [*lines, f'<line class="axis" x1="{left}" x2="{left + width}" y1="{top + height}" y2="{top + height}"/>']


def _x_labels(left: float, width: float, y: float, label: str, label_y: float) -> list[str]:
    marks = [
        f'<text class="faint" x="{left + width * fifth / 5:.1f}" y="{y}" text-anchor="middle">{fifth / 5:.1f}</text>'
        for fifth in range(6)
    ]
    return [
        *marks,
        f'<text class="faint" x="{left + width / 2:.0f}" y="{label_y}" text-anchor="middle">{escape(label)}</text>',
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )
