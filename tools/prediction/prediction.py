"""Masks of many videos, written as they come, and what they say of each video."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...builder import check_free
from ...builder.work import Progress, atomic_file, no_progress, whole_folder, write_atomic
from ...frames import VideoError, VideoIndex
from ...masks import area, empty
from .flag import Flag
from .model import Masks, Model
from .report import html_report
from .verdict import OVERLAYS, PREDICTIONS, REPORT_HTML, REPORT_JSON, Report, VideoReport
from .videos import PredictError, Video

SCHEMA = pa.schema({"video_id": pa.string(), "frame_index": pa.int32(), "counts": pa.string(), "score": pa.float64()})
"""As `brokenvideos evaluate` reads it; a row a frame, marked or not."""

MASKS_AT_A_TIME = 64
"""Whose area is taken: what a poor model marks has strings of many KB, and one call reads 32 MiB of them."""


def predict(
    model: Model,
    videos: Sequence[Video],
    out: Path,
    *,
    name: str,
    flag: Flag | None = None,
    overlays: bool = False,
    max_broken: float | None = None,
    on_progress: Progress = no_progress,
) -> Report:
    """Predicts the videos one after another and writes `out`, which is whole or absent.

    predictions.parquet holds a row per frame, report.json and report.html what they say of every video, overlays/{video_id}.mp4
    (where asked for) the video with its masks. In memory are one video's bytes, its frames in chunks, and two numbers per frame.

    Args:
        out: a new folder, or an empty one.
        name: of the model, for the report.
        max_broken: the share of flagged videos that a gate lets through, for the report.

    Raises:
        FileExistsError: `out` holds something. PredictError: none of the videos can be decoded. OSError: `out` cannot be written.
    """
    flag = flag or Flag()
    check_free(out)
    found: list[VideoReport] = []
    unreadable: list[tuple[str, str]] = []
    with whole_folder(out) as folder:
        with atomic_file(folder / PREDICTIONS) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for done, video in enumerate(videos, start=1):
                try:
                    data, index = video.read()
                    masks = model.predict(data, index)
                except (VideoError, OSError) as error:
                    unreadable.append((video.where, str(error)))
                else:
                    writer.write_table(_table(video.video_id, masks))
                    found.append(_report(video, index, masks, flag))
                    if overlays:
                        _draw(
                            folder / OVERLAYS / f"{video.video_id}.mp4", video.video_id, data, index, masks, found[-1]
                        )
                on_progress("predict", done, len(videos))
        report = Report(name, flag, tuple(found), tuple(unreadable), max_broken, model.warning)
        if not found:
            raise PredictError("; ".join(what for _, what in unreadable))
        write_atomic(folder / REPORT_JSON, (json.dumps(report.to_dict(), allow_nan=False) + "\n").encode())
        write_atomic(folder / REPORT_HTML, html_report(report, videos, overlays=overlays).encode())
    return report


def _table(video_id: str, masks: Masks) -> pa.Table:
    num_frames = len(masks.counts)
    columns = [[video_id] * num_frames, range(num_frames), masks.counts, masks.scores]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)


def _report(video: Video, index: VideoIndex, masks: Masks, flag: Flag) -> VideoReport:
    height, width = index.height, index.width
    parts = (masks.counts[start : start + MASKS_AT_A_TIME] for start in range(0, len(masks.counts), MASKS_AT_A_TIME))
    pixels = np.concatenate([np.zeros(0, np.int64), *(area(part, height=height, width=width) for part in parts)])
    areas = pixels / (height * width)
    broken = flag.broken_frames(areas, masks.scores)
    return VideoReport(
        video_id=video.video_id,
        where=video.where,
        height=height,
        width=width,
        fps=index.fps,
        areas=areas,
        scores=masks.scores,
        broken_frames=broken,
        flagged=flag.is_broken(broken),
        peak_counts=masks.counts[int(areas.argmax())],
    )


def _draw(path: Path, video_id: str, data: bytes, index: VideoIndex, masks: Masks, found: VideoReport) -> None:
    """The film that `view` makes, of a row that the prediction would be."""
    from ...frames import index_to_columns
    from ..view import FILM_LONG_SIDE_PX, view

    nothing = empty(index.height, index.width)
    marked = [frame for frame, counts in enumerate(masks.counts) if counts != nothing]
    row = {
        **index_to_columns(index),
        "video_id": video_id,
        "video": {"bytes": data, "path": None},
        "label": int(found.flagged),
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
