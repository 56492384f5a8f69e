"""Masks of many videos, written as they come, and what they say of each video."""

import json
import os
import secrets
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ...builder.work import (
    Progress,
    atomic_file,
    check_free,
    executor_of,
    key_of,
    link_or_copy,
    no_progress,
    run_tasks,
    whole_folder,
    write_atomic,
)
from ...frames import VideoError, VideoIndex
from ...masks import empty
from ...release import __version__
from .flag import Flag
from .kept import SCHEMA, Found, counts_of, film_path, found_in, keep, kept, kept_work, rows_of
from .kinds import Video, VideoFile
from .model import Masks, Model, Trained
from .report import prediction_report
from .tables import videos_csv
from .verdict import (
    OVERLAYS,
    PREDICTIONS,
    REPORT_HTML,
    REPORT_JSON,
    VIDEOS_CSV,
    Report,
    VideoReport,
)
from .videos import PredictError

PAGE_BYTES = 60 * 10**6
"""As `--max-mb` has it, where nothing else is said."""
RECEIPTS_VERSION = 2
"""Raised when what is kept of a finished video changes: what an earlier version kept is made anew.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One video for a process of its own. `key` says what its result depends on; `threads` is None
    in the first process.
    """

    video: Video
    model: Model
    flag: Flag
    overlays: bool
    work: Path
    key: str
    threads: int | None

    def __str__(self) -> str:
        return self.video.where


def predict(
    model: Model,
    videos: Sequence[Video],
    out: Path,
    *,
    name: str,
    flag: Flag | None = None,
    overlays: bool = False,
    max_broken: float | None = None,
    workers: int = 1,
    page_bytes: int = PAGE_BYTES,
    on_progress: Progress = no_progress,
) -> Report:
    """Predicts the videos and writes `out`, which is whole or absent.

    predictions.parquet holds a row per frame, report.json and the page in report/ what they say of
    every video, videos.csv a line for each, overlays/{video_id}.mp4 (where asked for) the video
    with its masks. In memory are, for each worker, one video's bytes and its frames in chunks, and
    two numbers per frame of all videos. Videos that are finished are kept in a folder beside `out`
    when a run is ended: the next one into `out` does not predict them again, if the model, the
    video and the options are the same.

    Args:
        out: a new folder, or an empty one.
        name: of the model, for the report.
        max_broken: the share of flagged videos that a gate lets through, for the report.
        workers: processes, among which the processor's cores are divided.
        page_bytes: the folder of the page has no more.

    Raises:
        FileExistsError: `out` holds something. PredictError: none of the videos can be decoded.
            OSError: `out` cannot be written.
        ExploreError: not one video fits into `page_bytes`.
        BuildError: another process is writing `out`. WorkerError: videos that end their worker
            process; all others are kept.
    """
    flag = flag or Flag()
    check_free(out)
    with kept_work(out) as work:
        # A model of which nobody knows what it is has nothing in common with the one of an earlier
        # run.
        options = (
            __version__,
            RECEIPTS_VERSION,
            model.identity or secrets.token_hex(16),
            overlays,
            flag if overlays else None,
        )
        keys = {
            video.video_id: key_of(*options, video.video_id, *video.state, root=out.parent)
            for video in videos
        }
        reports: dict[str, VideoReport] = {}
        for video in videos:
            if (finished := kept(work, video.video_id, keys[video.video_id])) is not None:
                reports[video.video_id] = _report(video, finished, flag)
        left = [video for video in videos if video.video_id not in reports]
        on_done = partial(_on_done, on_progress, len(reports))
        workers = min(workers, len(videos)) or 1
        threads = None if workers == 1 else max(1, (os.cpu_count() or 1) // workers)
        tasks = [
            Task(video, model, flag, overlays, work, keys[video.video_id], threads)
            for video in left
        ]
        unreadable: list[tuple[str, str]] = []
        device = model.runs_on if isinstance(model, Trained) else "cpu"
        with executor_of(workers, device=device) as executor:
            for video, reason in zip(
                left,
                run_tasks(executor, predict_video, tasks, on_done, size_of=_num_bytes),
                strict=True,
            ):
                finished = kept(work, video.video_id, keys[video.video_id])
                if finished is not None:
                    reports[video.video_id] = _report(video, finished, flag)
                else:
                    unreadable.append(
                        (video.where, reason or f"{work}: files there have changed meanwhile")
                    )
            in_turn = tuple(
                reports[video.video_id] for video in videos if video.video_id in reports
            )
            report = Report(
                name, flag, in_turn, tuple(unreadable), max_broken, model.warning, model.promise
            )
            if not reports:
                raise PredictError(
                    "; ".join(what for _, what in unreadable) or "no video is named."
                )
            _write(
                out,
                work,
                report,
                videos,
                overlays=overlays,
                page_bytes=page_bytes,
                on_progress=on_progress,
                executor=executor,
            )
    return report


def _num_bytes(task: Task) -> int:
    """The size of a file, by which the longest videos begin first; 0 for anything else."""
    try:
        return task.video.path.stat().st_size if isinstance(task.video, VideoFile) else 0
    except OSError:
        return 0


def _on_done(on_progress: Progress, num_kept: int, done: int, total: int) -> None:
    on_progress("predict", num_kept + done, num_kept + total)


def predict_video(task: Task) -> str | None:
    """Predicts one video and keeps it; runs in any process.

    Returns:
        Why the video could not be read; None where it is kept.
    """
    if task.threads is not None and "torch" in sys.modules:  # a floor does without
        import torch

        torch.set_num_threads(task.threads)
    try:
        data, index = task.video.read()
        masks = task.model.predict(data, index)
    except (VideoError, OSError) as error:
        return str(error)
    video_id = task.video.video_id
    film = film_path(task.work, video_id)
    film.unlink(missing_ok=True)
    found = found_in(index, masks)
    if task.overlays:
        is_broken = _report(task.video, found, task.flag).flagged
        _draw(film, video_id, data, index, masks, is_broken=is_broken)
    keep(task.work, video_id, task.key, found, masks)
    return None


def _write(
    out: Path,
    work: Path,
    report: Report,
    videos: Sequence[Video],
    *,
    overlays: bool,
    page_bytes: int,
    on_progress: Progress,
    executor: Executor | None,
) -> None:
    """The folder `out` of what is kept; only what one video has is in memory at a time."""
    from ..explorer import write_static_page
    from .predicted_source import PredictedSource

    with whole_folder(out) as folder:
        with (
            atomic_file(folder / PREDICTIONS) as file,
            pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer,
        ):
            for found in report.videos:
                writer.write_table(rows_of(work, found.video_id))
        for found in report.videos if overlays else ():
            link_or_copy(
                film_path(work, found.video_id), folder / OVERLAYS / f"{found.video_id}.mp4"
            )
        write_atomic(
            folder / REPORT_JSON, (json.dumps(report.to_dict(), allow_nan=False) + "\n").encode()
        )
        write_atomic(folder / VIDEOS_CSV, videos_csv(report).encode())
        write_static_page(
            PredictedSource(report, videos, partial(counts_of, work)),
            [],
            (folder / REPORT_HTML).parent,
            max_bytes=page_bytes,
            report=prediction_report(report, overlays=overlays),
            on_progress=on_progress,
            executor=executor,
        )


def _report(video: Video, found: Found, flag: Flag) -> VideoReport:
    height, width = found.height, found.width
    areas = found.pixels / (height * width)
    broken = flag.broken_frames(areas, found.scores)
    return VideoReport(
        video_id=video.video_id,
        where=video.where,
        height=height,
        width=width,
        fps=found.fps,
        areas=areas,
        scores=found.scores,
        broken_frames=broken,
        flagged=flag.is_broken(broken),
        durations_s=np.array(found.durations_s, np.float64),
        artifact_types=found.artifact_types,
        far=found.far,
        rotation=found.rotation,
    )


def _draw(
    path: Path, video_id: str, data: bytes, index: VideoIndex, masks: Masks, *, is_broken: bool
) -> None:
    """The film that `view` makes, of a row that the prediction would be."""
    from ...frames import index_to_columns
    from ..view import FILM_LONG_SIDE_PX, view

    nothing = empty(index.height, index.width)
    marked = [frame for frame, counts in enumerate(masks.counts) if counts != nothing]
    row = {
        **index_to_columns(index),
        "video_id": video_id,
        "video": {"bytes": data, "path": None},
        "label": int(is_broken),
        "generator": "",
        "prompt": None,
        "annotated_frames": range(index.num_frames),
        "objects": {
            "object_id": [1][: len(marked)],
            "artifact_type": [0][: len(marked)],
            "digest": [""][: len(marked)],
        },
        "masks": {
            "object_id": [1] * len(marked),
            "frame_index": marked,
            "counts": [masks.counts[frame] for frame in marked],
            "fingerprint": [0] * len(marked),
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # A large video keeps its size; a small one is enlarged, as in every film.
    scale = 1.0 if max(index.height, index.width) > FILM_LONG_SIDE_PX else None
    view(row, path, scale=scale, names={1: "predicted"}, sound=True)
