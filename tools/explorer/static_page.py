"""The page as a folder of files that opens without a server: small previews, and no more bytes than were allowed."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...builder.work import whole_folder
from ...frames import VideoIndex, VideoSource, frames_from
from ..page import MODULES
from .measuring import measure_here
from .posters import jpeg, poster, worst_frame
from .service import Service, listed_json, video_json
from .video import ExploreError, Source

if TYPE_CHECKING:
    from .others import Other

PAGE = Path(__file__).parent / "page"
LEAST_VIDEO_BYTES = 24_000
"""Less than this of a video shows nothing."""
MOST_VIDEO_BYTES = 600_000
"""Previews are no larger, however much room there is."""
SIZES: tuple[tuple[int, int], ...] = ((480, 80), (480, 70), (400, 70), (320, 70), (320, 55), (240, 55), (160, 50))
"""Long side in pixels and JPEG quality of previews, the best first."""
LEAST_FRAME_BYTES = 2000
"""Of one preview: of a video whose frames would have less, only some are kept."""
SAMPLED_FRAMES = 5
"""By which it is told how large previews become."""
POSTER_BYTES = 40_000
"""Of one poster, with room to spare."""
_IMPORT = re.compile(r'(from\s+)"(?:\./|\.\./shared/)([A-Za-z0-9_-]+)\.js"')

UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Previews:
    """Frames of a video as JPEGs in base64, by frame; every `step`-th."""

    frames: Mapping[int, str]
    step: int


def write_static_page(
    service: Service, out: Path, *, max_bytes: int, on_progress: Callable[[str, int, int], None]
) -> str:
    """Writes `out`, a new folder of at most `max_bytes`, and says what it holds.

    Raises:
        ExploreError: the folder is there already, a video cannot be read, or so many do not fit into so few bytes.
    """
    if out.exists():
        raise ExploreError(f"{out}: is there already; name a new folder, or remove it")
    source, others = service.source, service.others
    service.stop()
    entries, groups, problems = measure_here(source, [other.videos for other in others])
    listed = listed_json(source, others)
    measured = {"entries": entries, "groups": groups, "problems": problems, "begun": True, "done": True}
    index = _script("window.explore = ", {"list": listed, "measured": measured})
    page = _index_html()
    room = (max_bytes - len(page) - len(index)) // len(source.videos) - POSTER_BYTES
    if room < LEAST_VIDEO_BYTES:
        fits = max(0, (max_bytes - len(page) - len(index)) // (LEAST_VIDEO_BYTES + POSTER_BYTES))
        raise ExploreError(
            f"--max-mb {max_bytes / 10**6:g}: {len(source.videos)} videos do not fit, about {fits} do; raise it, or give "
            "a source of fewer videos"
        )
    budget = min(room, MOST_VIDEO_BYTES)
    left_out = []
    with whole_folder(out) as folder:
        (folder / "videos").mkdir()
        (folder / "posters").mkdir()
        for done, video in enumerate(source.videos, start=1):
            try:
                _write_video(source, video.video_id, others, folder, budget=budget)
            except (ValueError, OSError) as error:
                left_out.append(f"{video.video_id}: {error}")
            on_progress("write videos", done, len(source.videos))
        (folder / "index.js").write_bytes(index)
        (folder / "index.html").write_bytes(page)
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if total > max_bytes:
            raise ExploreError(f"--max-mb {max_bytes / 10**6:g}: the masks alone take more; raise it")
    lost = f" {len(left_out)} could not be read: {'; '.join(left_out[:3])}." if left_out else ""
    return (
        f"{out}: {len(source.videos)} videos, {total / 10**6:.1f} MB of at most {max_bytes / 10**6:g}.{lost} Open "
        f"{out / 'index.html'} in a browser."
    )


def _write_video(source: Source, video_id: str, others: Sequence["Other"], folder: Path, *, budget: int) -> None:
    shown = source.show(video_id)
    video, index = source.video(video_id)
    picture = poster(shown, video, index, frame_index=worst_frame(shown))
    (folder / "posters" / f"{video_id}.jpg").write_bytes(picture)
    told = video_json(source, video_id, others)
    compared = _compared(source, video_id, others)
    head = _script("", {"video": told, "others": compared})
    around = 16 * index.num_frames + 200  # frame numbers, marks and a list of the frames that are kept
    previews = _previews(video, index, budget=budget - len(head) - around, must=worst_frame(shown))
    if previews.step > 1:
        told["kept"] = sorted(previews.frames)
    content = {"video": told, "others": compared, "frames": previews.frames}
    (folder / "videos" / f"{video_id}.js").write_bytes(
        _script(f"window.explore.give({json.dumps(video_id)}, ", content, ")")
    )


def _compared(source: Source, video_id: str, others: Sequence["Other"]) -> dict[int, Any]:
    if not others:
        return {}
    from .others import compared, compared_json

    shown = source.show(video_id)
    found = {number: other.videos.get(video_id) for number, other in enumerate(others)}
    return {number: compared_json(compared(shown, video)) for number, video in found.items() if video is not None}


def _previews(video: VideoSource, index: VideoIndex, *, budget: int, must: int) -> _Previews:
    """The best previews of a video that fit: first smaller and coarser ones, then fewer frames.

    Args:
        must: a frame that is there even where only some are.
    """
    step = 1
    while index.num_frames > step * max(1, budget // LEAST_FRAME_BYTES):
        step *= 2
    # Small from the beginning: a long video does not fit into memory in its own size.
    frames = {
        number: _smaller(rgb, SIZES[0][0])
        for number, rgb in frames_from(video, 0, index=index)
        if number % step == 0 or number == must
    }
    while True:
        for side, quality in SIZES:
            sampled = list(frames)[:: max(1, len(frames) // SAMPLED_FRAMES)]
            expected = (
                sum(len(_preview(frames[number], side, quality)) for number in sampled) * len(frames) / len(sampled)
            )
            if expected > budget:
                continue
            found = {number: _preview(rgb, side, quality) for number, rgb in frames.items()}
            if sum(map(len, found.values())) <= budget or len(frames) == 1:
                return _Previews(found, step)
        if len(frames) == 1:
            # One frame, whatever it takes: the whole folder is looked at in the end.
            return _Previews({number: _preview(rgb, *SIZES[-1]) for number, rgb in frames.items()}, step)
        step *= 2
        frames = {number: rgb for number, rgb in frames.items() if number % step == 0 or number == must}
        if len(frames) == 2 and step > index.num_frames:
            frames = {must: frames[must]}


def _preview(rgb: UInt8Array, side: int, quality: int) -> str:
    """A JPEG in base64."""
    return base64.b64encode(jpeg(_smaller(rgb, side), quality=quality)).decode()


def _smaller(rgb: UInt8Array, side: int) -> UInt8Array:
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb.copy()  # the reader uses its memory again
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def _script(before: str, content: Any, after: str = "") -> bytes:
    """A script with JSON in it: pages from files may load scripts, nothing else."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # These end a line in a script, and a tag in a page.
    safe = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("</", "<\\/")
    return f"{before}{safe}{after};\n".encode()


def _index_html() -> bytes:
    """The page in one file: a page from a file may import no module by address, but those that stand in it by name."""
    modules = {f"{path.stem}": path for folder in (MODULES, PAGE) for path in sorted(folder.glob("*.js"))}
    imports = {}
    for name, path in modules.items():
        script = _IMPORT.sub(r'\1"explore/\2"', path.read_text())
        imports[f"explore/{name}"] = f"data:text/javascript;base64,{base64.b64encode(script.encode()).decode()}"
    style = "\n".join((folder / name).read_text() for folder, name in ((MODULES, "base.css"), (PAGE, "style.css")))
    html = (PAGE / "index.html").read_text()
    html = html.replace('    <link rel="stylesheet" href="shared/base.css" />\n', "")
    html = html.replace('<link rel="stylesheet" href="page/style.css" />', f"<style>\n{style}</style>")
    start = (
        f'<script src="index.js"></script>\n    <script type="importmap">{json.dumps({"imports": imports})}</script>\n'
        '    <script type="module">import "explore/main";</script>'
    )
    return html.replace('<script type="module" src="page/main.js"></script>', start).encode()
