"""The page as a folder of files that opens without a server, with small previews, within a number
of bytes.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...builder.work import Progress, run_tasks, whole_folder
from ...frames import VideoIndex, VideoSource, frames_from, read_frames
from ...masks import decode, empty
from ..page import MODULES, Report
from .measure import Measured, frame_areas
from .measuring import measure_now
from .posters import COMPARED_COLOURS, jpeg, painted, poster, worst_of
from .service import listed_json, shown_json
from .video import ExploreError, Listed, NoPicturesError, Shown, Source

if TYPE_CHECKING:
    from .others import Compared, Other

PAGE = Path(__file__).parent / "page"
INDEX_HTML, INDEX_JS = "index.html", "index.js"
LEAST_VIDEO_BYTES = 24_000
"""Less than this of a video shows nothing."""
MOST_VIDEO_BYTES = 600_000
"""Previews are no larger, however much room there is."""
REPORTED_VIDEOS = 100
"""A report's page has previews of at most so many videos, the worst ones: it is written at the end
of another command.
"""
SIZES: tuple[tuple[int, int], ...] = (
    (480, 80),
    (480, 70),
    (400, 70),
    (320, 70),
    (320, 55),
    (240, 55),
    (160, 50),
)
"""Long side in pixels and JPEG quality of previews, the best first."""
LEAST_FRAME_BYTES = 2000
"""Of one preview: of a video whose frames would have less, only some are kept."""
SAMPLED_FRAMES = 5
"""By which it is told how large previews become."""
POSTER_BYTES = 40_000
"""Of one poster, with room to spare."""
GREY = 96
"""Of the picture of a frame that nobody has."""
START = "window.explore = "
"""How the index of such a page begins, by which it is known."""
_IMPORT = re.compile(r'(from\s+)"(?:\./|\.\./shared/)([A-Za-z0-9_-]+)\.js"')

UInt8Array = npt.NDArray[np.uint8]


VIDEOS_AT_A_TIME = 4
"""Whose files a process writes before it is given the next ones."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some videos whose posters and previews one process writes into a folder.

    numbers: of the videos in the list, which name their files. budget: bytes for one of them.
    """

    source: Source
    others: Sequence["Other"]
    video_ids: tuple[str, ...]
    numbers: tuple[int, ...]
    folder: Path
    budget: int

    def __str__(self) -> str:
        return f"previews of {', '.join(self.video_ids)}"


@dataclass(frozen=True, slots=True)
class _Previews:
    """Frames of a video as JPEGs in base64, by frame index; every `step`-th frame."""

    frames: Mapping[int, str]
    step: int


def check_page(out: Path) -> None:
    """Checks that a page can be written to a path: a new or empty folder, or a folder that holds
    such a page, which is replaced.

    Raises:
        ExploreError: something else is there.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        with (out / INDEX_JS).open("rb") as file:
            is_page = file.read(len(START)) == START.encode() and (out / INDEX_HTML).is_file()
    except OSError:
        is_page = False
    if not is_page:
        raise ExploreError(
            f"{out}: is there already, and is no page of ours; name a new folder, or remove it"
        )


def write_static_page(
    source: Source,
    others: Sequence["Other"],
    out: Path,
    *,
    max_bytes: int,
    report: Report | None = None,
    on_progress: Progress,
    executor: Executor | None = None,
) -> str:
    """Writes `out`, a folder of at most `max_bytes`, and says what it holds.

    All videos are in its list. Previews come from the worst ones first, as many as fit.

    Args:
        report: what a report says of some of the source's videos: the page shows these alone, and
            the report. Its scores stand for those that would be measured against `others`.
        executor: divides the work among processes, to which the source must be able to go; None:
            this process does it.

    Raises:
        ExploreError: something else is at `out`, or not one video fits into so few bytes.
    """
    check_page(out)
    videos = _videos_of(source, report)
    measured, groups, problems = measure_now(
        source, [] if report else others, on_progress, executor=executor
    )
    if report is not None:
        known = set(report.videos)
        measured = [
            replace(found, scores=tuple(report.scores.get(found.video_id, ())))
            for found in measured
            if found.video_id in known
        ]
    listed = listed_json(source, others, videos)
    if report is not None:
        listed["report"] = report.to_json()
    content = {
        "list": listed,
        "measured": {
            "entries": [found.to_json() for found in measured],
            "groups": groups,
            "problems": problems,
            "begun": True,
            "done": True,
        },
    }
    numbers = {video.video_id: number for number, video in enumerate(videos)}
    chosen = _worst_first(videos, measured, () if report is None else report.worst)
    chosen = chosen[: None if report is None else REPORTED_VIDEOS]
    page = _index_html()
    room = max_bytes - len(page) - len(_index(content, chosen, numbers))
    fits = min(len(chosen), room // (LEAST_VIDEO_BYTES + POSTER_BYTES))
    if fits < 1:
        raise ExploreError(
            f"--max-mb {max_bytes / 10**6:g}: not one of {len(videos)} videos fits beside the list "
            "of them; raise it"
        )
    budget = min(room // fits - POSTER_BYTES, MOST_VIDEO_BYTES)
    with whole_folder(out) as folder:
        (folder / "videos").mkdir()
        (folder / "posters").mkdir()
        length = 1 if executor is None else VIDEOS_AT_A_TIME
        parts = [
            _Part(source, others, tuple(some), tuple(numbers[one] for one in some), folder, budget)
            for some in (chosen[start : start + length] for start in range(0, fits, length))
        ]

        def on_done(done: int, total: int) -> None:
            on_progress("write videos", min(done * length, fits), fits)

        written, unread = [], []
        results = (one for part in run_tasks(executor, _write_part, parts, on_done) for one in part)
        for video_id, found in zip(chosen[:fits], results, strict=True):
            if isinstance(found, str):
                unread.append(f"{video_id}: {found}")
            elif found <= room:
                room -= found
                written.append(video_id)
            else:
                for path in _paths(folder, numbers[video_id]):
                    path.unlink()
        if not written and not unread:
            raise ExploreError(
                f"--max-mb {max_bytes / 10**6:g}: the masks alone take more; raise it"
            )
        (folder / INDEX_JS).write_bytes(_index(content, written, numbers))
        (folder / INDEX_HTML).write_bytes(page)
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return _said(out, len(videos), len(written), unread, total=total, max_bytes=max_bytes)


def _said(
    out: Path, videos: int, previews: int, unread: Sequence[str], *, total: int, max_bytes: int
) -> str:
    some = "" if previews == videos else f", {previews} of them with previews, the worst first"
    lost = f" {len(unread)} could not be read: {'; '.join(unread[:3])}." if unread else ""
    return (
        f"{out}: {videos} videos{some}, {total / 10**6:.1f} MB of at most "
        f"{max_bytes / 10**6:g}.{lost} Open "
        f"{out / INDEX_HTML} in a browser."
    )


def _write_part(part: _Part) -> list[int | str]:
    """Writes the files of some videos, in any process. Gives the bytes of each, or why it cannot be
    read.
    """
    found: list[int | str] = []
    for video_id, number in zip(part.video_ids, part.numbers, strict=True):
        try:
            contents = _video_files(part.source, video_id, part.others, budget=part.budget)
        except (ValueError, OSError) as error:
            found.append(str(error))
            continue
        for path, content in zip(_paths(part.folder, number), contents, strict=True):
            path.write_bytes(content)
        found.append(sum(map(len, contents)))
    return found


def _paths(folder: Path, number: int) -> tuple[Path, Path]:
    """Where the poster and the previews of a video lie, by its number in the list."""
    return folder / "posters" / f"{number}.jpg", folder / "videos" / f"{number}.js"


def _videos_of(source: Source, report: Report | None) -> Sequence[Listed]:
    if report is None:
        return source.videos
    known = set(report.videos)
    return [video for video in source.videos if video.video_id in known]


def _worst_first(
    videos: Sequence[Listed], measured: Sequence[Measured], first: Sequence[str]
) -> list[str]:
    """The video_ids: the given ones first, then by disagreement with the first other source, by
    area, and in the order of the list.
    """
    by_id = {found.video_id: found for found in measured}
    places = {video_id: place for place, video_id in enumerate(first)}

    def rank(video: Listed) -> tuple[int, float, float]:
        score = by_id.get(video.video_id)
        place = places.get(video.video_id, len(places))
        if score is None:
            return place, 1.0, 1.0
        scored = score.scores[0] if score.scores else None
        return (
            place,
            (1.0 if scored is None or scored.disagreement is None else -scored.disagreement),
            -score.area,
        )

    return [video.video_id for video in sorted(videos, key=rank)]


def _index(
    content: Mapping[str, Any], previewed: Sequence[str], numbers: Mapping[str, int]
) -> bytes:
    return _script(
        START, {**content, "previews": sorted(numbers[video_id] for video_id in previewed)}
    )


def _video_files(
    source: Source, video_id: str, others: Sequence["Other"], *, budget: int
) -> tuple[bytes, bytes]:
    """The poster of a video, and the script that gives the video to the page."""
    shown = source.show(video_id)
    opened = _opened(source, video_id)
    comparisons = _compared(shown, others)
    # Of several others the one that disagrees most, as the page opens it.
    first = max(comparisons.values(), key=lambda one: one.disagreement or 0, default=None)
    areas = frame_areas(shown)
    worst = None if first is None else first.worst
    if worst is None:
        worst = worst_of(areas, num_frames=shown.num_frames)
    frame: UInt8Array = np.full((shown.height, shown.width, 3), GREY, np.uint8)
    if opened is not None:
        frame = read_frames(opened[0], [worst], index=opened[1])[0]
    picture = (
        poster(shown, frame, frame_index=worst)
        if first is None
        else _compared_poster(shown, frame, worst, first)
    )
    shown_video = shown_json(shown, source, others, areas=areas)
    content: dict[str, Any] = {
        "video": shown_video,
        "others": {number: _as_json(one) for number, one in comparisons.items()},
    }
    if opened is None:
        return picture, _script("window.explore.give(", content, ")")
    video, index = opened
    # frame numbers, marks and a list of the frames that are kept
    around = 16 * index.num_frames + 200
    previews = _previews(
        video, index, budget=budget - len(_script("", content)) - around, must=worst
    )
    if previews.step > 1:
        shown_video["kept"] = sorted(previews.frames)
    return picture, _script("window.explore.give(", {**content, "frames": previews.frames}, ")")


def _opened(source: Source, video_id: str) -> tuple[VideoSource, VideoIndex] | None:
    try:
        return source.video(video_id)
    except NoPicturesError:
        return None


def _compared(shown: Shown, others: Sequence["Other"]) -> dict[int, "Compared"]:
    if not others:
        return {}
    from .others import compared

    comparisons = {number: compared(shown, other) for number, other in enumerate(others)}
    return {number: one for number, one in comparisons.items() if one is not None}


def _as_json(found: "Compared") -> dict[str, Any]:
    from .others import compared_json

    return compared_json(found)


def _compared_poster(shown: Shown, frame: UInt8Array, frame_index: int, other: "Compared") -> bytes:
    """A frame in three colours: pixels that both mark, that only the source marks, and that only
    the other marks.
    """
    nothing = empty(shown.height, shown.width)
    places = zip(shown.frame_indices, shown.counts, strict=True)
    strings = [nothing, *(counts for place, counts in places if place == frame_index)]
    pair = [*strings, other.counts.get(frame_index, nothing)]
    *mine, second = decode(pair, height=shown.height, width=shown.width).astype(np.bool_)
    first = np.logical_or.reduce(mine)
    return painted(
        shown, frame, np.stack([first & second, first & ~second, second & ~first]), COMPARED_COLOURS
    )


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
                sum(len(_preview(frames[number], side, quality)) for number in sampled)
                * len(frames)
                / len(sampled)
            )
            if expected > budget:
                continue
            previews = {number: _preview(rgb, side, quality) for number, rgb in frames.items()}
            if sum(map(len, previews.values())) <= budget or len(frames) == 1:
                return _Previews(previews, step)
        if len(frames) == 1:
            # One frame, whatever it takes: the whole folder is looked at in the end.
            return _Previews(
                {number: _preview(rgb, *SIZES[-1]) for number, rgb in frames.items()}, step
            )
        step *= 2
        frames = {
            number: rgb for number, rgb in frames.items() if number % step == 0 or number == must
        }
        if len(frames) == 2 and step > index.num_frames:
            frames = {must: frames[must]}


def _preview(rgb: UInt8Array, side: int, quality: int) -> str:
    """One frame as a JPEG in base64."""
    return base64.b64encode(jpeg(_smaller(rgb, side), quality=quality)).decode()


def _smaller(rgb: UInt8Array, side: int) -> UInt8Array:
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb.copy()  # the reader uses its memory again
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def _script(before: str, content: Any, after: str = "") -> bytes:
    """A script that holds JSON. A page opened from a file can load scripts, but no JSON."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # These end a line in a script, and a tag in a page.
    safe = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("</", "<\\/")
    return f"{before}{safe}{after};\n".encode()


def _index_html() -> bytes:
    """The page in one file. A page opened from a file cannot import modules by address, only
    modules that it holds itself.
    """
    modules = {
        f"{path.stem}": path for folder in (MODULES, PAGE) for path in sorted(folder.glob("*.js"))
    }
    imports = {}
    for name, path in modules.items():
        script = _IMPORT.sub(r'\1"explore/\2"', path.read_text())
        imports[f"explore/{name}"] = (
            f"data:text/javascript;base64,{base64.b64encode(script.encode()).decode()}"
        )
    style = "\n".join(
        (folder / name).read_text() for folder, name in ((MODULES, "base.css"), (PAGE, "style.css"))
    )
    html = (PAGE / "index.html").read_text()
    html = html.replace('    <link rel="stylesheet" href="shared/base.css" />\n', "")
    html = html.replace(
        '<link rel="stylesheet" href="page/style.css" />', f"<style>\n{style}</style>"
    )
    start = (
        '<script src="index.js"></script>\n    <script '
        f'type="importmap">{json.dumps({"imports": imports})}</script>\n'
        '    <script type="module">import "explore/main";</script>'
    )
    return html.replace('<script type="module" src="page/main.js"></script>', start).encode()
