"""A prediction as one HTML file that needs no network: the share of broken videos, and each video's artifact area over time."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from ...frames import VideoError, orientation_of_rotation, read_frames, to_displayed
from ...masks import LABEL_COLOURS, TYPE_COLOURS, Float64Array, decode, overlay
from ...release import __version__
from ..evaluation import html_page
from .kinds import Video
from .verdict import OVERLAYS, Report, VideoReport

NUM_TILES = 24
TILE_LONG_SIDE_PX = 320
CHART_COLUMNS = 400
"""Longer videos are drawn with the largest area of several frames in one column."""

_BROKEN = f"rgb{LABEL_COLOURS['broken']}"
STYLE = f"""
a {{ color: inherit; }}
.broken {{ color: {_BROKEN}; font-weight: 600; }}
.area {{ fill: var(--accent); fill-opacity: 0.75; }}
.broken-frames {{ fill: {_BROKEN}; }}
td.chart {{ width: 45%; min-width: 260px; }}
.peaks {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 12px; }}
"""


def html_report(report: Report, videos: Sequence[Video], *, overlays: bool = False) -> str:
    """The page; equal for equal predictions.

    Args:
        videos: those of the report; the broken ones with the largest areas are read again, for a frame of each.
        overlays: whether there are films to link to.
    """
    ordered = sorted(report.videos, key=lambda video: (-video.flagged, -video.areas.max(initial=0), video.video_id))
    name = Path(report.model).name or report.model
    sections = [
        _head(report, name),
        _unreadable(report),
        _peaks(ordered[:NUM_TILES], {video.video_id: video for video in videos}),
        _table(ordered, overlays=overlays),
    ]
    title = f"{name}: {report.num_flagged} of {len(report.videos)} broken"
    return html_page(title, sections, more_style=STYLE)


def _head(report: Report, name: str) -> str:
    flag = report.flag
    frames = sum(len(video.areas) for video in report.videos)
    facts = {
        "Model": f"<code>{escape(report.model)}</code>",
        "Videos": f"{len(report.videos):,}",
        "Frames": f"{frames:,}",
        "Flagged broken": f"{report.num_flagged:,} ({report.share_flagged or 0:.1%}) {report.share.interval()}",
        "Unreadable": f"{len(report.unreadable):,}",
        "Predicted by": f"brokenvideos {__version__}",
    }
    items = "".join(f"<li><span class='faint'>{key}</span> <b>{value}</b></li>" for key, value in facts.items())
    said = filter(None, (report.gate_line(), report.warning))
    score = f" and its score is at least {flag.min_score:g}" if flag.min_score else ""
    return (
        f"<header><h1>{escape(name)}</h1><ul class='facts'>{items}</ul></header><p class='note'>A frame is broken where at least "
        f"{flag.min_area:.2%} of it is marked{score}; a video with at least {flag.min_frames} broken frames is flagged. This is "
        "what the model says, not what people would: score the model with <code>brokenvideos evaluate</code> first.</p>"
        + "".join(f"<p class='note'><b>{escape(line)}</b></p>" for line in said)
    )


def _unreadable(report: Report) -> str:
    lines = "".join(f"<li><code>{escape(where)}</code> {escape(what)}</li>" for where, what in report.unreadable)
    return f"<h2>Could not be read</h2><ul>{lines}</ul>" if lines else ""


def _peaks(shown: Sequence[VideoReport], videos: Mapping[str, Video]) -> str:
    figures = []
    for found in shown:
        if found.flagged and (jpeg := _peak(found, videos[found.video_id])):
            frame = int(found.areas.argmax())
            figures.append(
                f"<figure><img src='data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}' alt='frame {frame}' loading='lazy'>"
                f"<figcaption><code>{escape(found.video_id)}</code> frame {frame}, {found.areas[frame]:.1%}</figcaption></figure>"
            )
    if not figures:
        return ""
    return f"<h2>Where most is broken</h2><div class='tiles peaks'>{''.join(figures)}</div>"


def _peak(found: VideoReport, video: Video) -> bytes | None:
    """The frame with the largest area; None where the video has gone since."""
    try:
        data, index = video.read()
        frame = read_frames(data, [int(found.areas.argmax())], index=index)[0]
    except (VideoError, OSError):
        return None
    mask = decode([found.peak_counts], height=found.height, width=found.width).astype(np.bool_)
    scale = TILE_LONG_SIDE_PX / max(found.height, found.width)
    size = (max(1, round(found.height * scale)), max(1, round(found.width * scale)))
    painted = overlay(frame, mask, [TYPE_COLOURS["motion"]], size=size)
    stream = io.BytesIO()
    Image.fromarray(to_displayed(painted, orientation_of_rotation(index.rotation))).save(
        stream, format="JPEG", quality=82
    )
    return stream.getvalue()


def _table(ordered: Sequence[VideoReport], *, overlays: bool) -> str:
    names = ["video", "label", "frames", "broken frames", "largest area", "largest score", "area over time"]
    head = "".join(f"<th{' class=text' if place < 2 else ''}>{name}</th>" for place, name in enumerate(names))
    top = max((float(video.areas.max(initial=0)) for video in ordered), default=0.0)
    body = []
    for video in ordered:
        label = "broken" if video.flagged else "normal"
        name = f"<code>{escape(video.video_id)}</code>"
        if overlays:
            name = f"<a href='{OVERLAYS}/{quote(video.video_id)}.mp4'>{name}</a>"
        numbers = [
            (len(video.areas), f"{len(video.areas)}"),
            (int(video.broken_frames.sum()), f"{video.broken_frames.sum()}"),
            (float(video.areas.max(initial=0)), f"{video.areas.max(initial=0):.2%}"),
            (float(video.scores.max(initial=0)), f"{video.scores.max(initial=0):.3f}"),
        ]
        cells = "".join(f"<td data-value='{value}'>{text}</td>" for value, text in numbers)
        mean = float(video.areas.mean()) if len(video.areas) else 0
        body.append(
            f"<tr data-words='{label}'><td class='text'>{name}</td><td class='text {label}'>{label}</td>{cells}"
            f"<td class='chart' data-value='{mean}'>{area_chart(video, top=top)}</td></tr>"
        )
    return (
        "<h2>Every video</h2><p class='note'>Bars are the marked share of each frame, up to "
        f"{top:.1%} for all videos; the line below marks broken frames.</p>"
        "<div class='tools' data-table='videos'><input type='search' placeholder='Filter videos' aria-label='Filter videos'>"
        "<select aria-label='label'><option value=''>every label</option><option>broken</option><option>normal</option></select>"
        "<output class='faint'></output></div>"
        f"<div class='scroll'><table class='sortable' id='videos'><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def area_chart(video: VideoReport, *, top: float) -> str:
    """The marked share of every frame as SVG text; `top` is the share that fills its height."""
    width, height, base = 400, 44, 36
    areas, broken = _columns(video.areas), _columns(video.broken_frames.astype(np.float64))
    step = width / max(len(areas), 1)
    outline = [f"0,{base}"]
    for place, value in enumerate(areas.tolist()):
        y = base - base * value / top if top else base
        outline += [f"{place * step:.1f},{y:.1f}", f"{(place + 1) * step:.1f},{y:.1f}"]
    marks = "".join(
        f"<rect class='broken-frames' x='{place * step:.1f}' y='{base + 3}' width='{step:.1f}' height='4'/>"
        for place in np.flatnonzero(broken).tolist()
    )
    return (
        f"<svg viewBox='0 0 {width} {height}' role='img' aria-label='area over time' preserveAspectRatio='none'>"
        f"<line class='axis' x1='0' x2='{width}' y1='{base}' y2='{base}'/>"
        f"<polygon class='area' points='{' '.join([*outline, f'{width},{base}'])}'/>{marks}</svg>"
    )


def _columns(values: Float64Array) -> Float64Array:
    """The largest value of each group of frames; at most CHART_COLUMNS groups."""
    if len(values) <= CHART_COLUMNS:
        return values
    starts = np.arange(CHART_COLUMNS) * len(values) // CHART_COLUMNS
    columns: Float64Array = np.maximum.reduceat(values, starts)
    return columns
