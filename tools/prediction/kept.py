"""What is finished of a prediction, kept beside it until it is whole: who is killed goes on from
there.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ...builder.work import Receipt, atomic_file, file_sha256, finished, work_folder, write_receipt
from ...frames import VideoIndex
from ...masks import Float64Array, Int64Array, area
from .model import Masks

SCHEMA = pa.schema(
    {
        "video_id": pa.string(),
        "frame_index": pa.int32(),
        "counts": pa.string(),
        "score": pa.float64(),
    }
)
"""As `brokenvideos evaluate` reads it; a row a frame, marked or not."""

RECEIPTS, MASKS, FILMS = "receipts", "masks", "films"


MASKS_AT_A_TIME = 64
"""Whose area is taken: what a poor model marks has strings of many KB, and one call reads 32 MiB of
them.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What is kept of one video beside its masks.

    pixels: int64[T], marked in each frame. scores: float64[T]. artifact_types, far: as of `Masks`.
    The rest is the size, turn and times of its frames.
    """

    pixels: Int64Array
    scores: Float64Array
    height: int
    width: int
    fps: float
    durations_s: tuple[float, ...]
    rotation: int
    artifact_types: tuple[str, ...] = ()
    far: tuple[str, ...] = ()


def found_in(index: VideoIndex, masks: Masks) -> Found:
    """What the masks of a video say of its frames."""
    height, width = index.height, index.width
    parts = (
        masks.counts[start : start + MASKS_AT_A_TIME]
        for start in range(0, len(masks.counts), MASKS_AT_A_TIME)
    )
    return Found(
        pixels=np.concatenate(
            [np.zeros(0, np.int64), *(area(part, height=height, width=width) for part in parts)]
        ),
        scores=np.asarray(masks.scores, np.float64),
        height=height,
        width=width,
        fps=index.fps,
        durations_s=tuple(durations_s(index)),
        rotation=index.rotation,
        artifact_types=masks.artifact_types,
        far=masks.far,
    )


@contextmanager
def kept_work(out: Path) -> Iterator[Path]:
    """The folder beside `out` for finished videos. It stays where the block ends with an error and
    something is finished.

    On Windows, which has no lock that ends with its process, nothing is kept.

    Raises:
        BuildError: another process is writing `out`.
    """
    if os.name == "nt":
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            yield Path(folder)
    else:
        with work_folder(out, fresh=False) as work:
            yield work


def masks_path(work: Path, video_id: str) -> Path:
    """Where the masks of a finished video lie, as rows of SCHEMA."""
    return work / MASKS / f"{_name(video_id)}.parquet"


def film_path(work: Path, video_id: str) -> Path:
    """Where the film of a finished video lies."""
    return work / FILMS / f"{_name(video_id)}.mp4"


def keep(work: Path, video_id: str, key: str, found: Found, masks: Masks) -> None:
    """Says that a video is finished; its film, if there is to be one, is there already.

    Args:
        key: of everything that decides the result.
    """
    path = masks_path(work, video_id)
    with atomic_file(path) as file:
        pq.write_table(_table(video_id, masks), file, compression="zstd")
    film = film_path(work, video_id)
    files = [path, film] if film.is_file() else [path]
    facts = {
        "pixels": found.pixels.tolist(),
        "height": found.height,
        "width": found.width,
        "fps": found.fps,
        "durations_s": list(found.durations_s),
        "rotation": found.rotation,
        "artifact_types": list(found.artifact_types),
        "far": list(found.far),
    }
    sums = {file.relative_to(work).as_posix(): file_sha256(file) for file in files}
    write_receipt(work / RECEIPTS / f"{_name(video_id)}.json", Receipt(key, sums, facts))


def kept(work: Path, video_id: str, key: str) -> Found | None:
    """What was kept of a video under this key; None: it is not finished."""
    receipt = finished(work / RECEIPTS / f"{_name(video_id)}.json", key=key, folder=work)
    if receipt is None:
        return None
    facts = receipt.result
    return Found(
        pixels=np.array(facts["pixels"], np.int64),
        scores=np.array(
            rows_of(work, video_id, columns=["score"])["score"].to_pylist(), np.float64
        ),
        height=facts["height"],
        width=facts["width"],
        fps=facts["fps"],
        durations_s=tuple(facts["durations_s"]),
        rotation=facts["rotation"],
        artifact_types=tuple(facts["artifact_types"]),
        far=tuple(facts["far"]),
    )


def rows_of(work: Path, video_id: str, *, columns: Sequence[str] | None = None) -> pa.Table:
    """The masks of a finished video, as rows of SCHEMA; None: all columns."""
    # `pq.read_table`, and `to_numpy` of a column, import pandas: more than a second.
    with pq.ParquetFile(masks_path(work, video_id)) as file:
        return file.read(columns=columns)


def counts_of(work: Path, video_id: str) -> list[str]:
    """COCO RLE of every frame of a finished video."""
    counts: list[str] = rows_of(work, video_id, columns=["counts"])["counts"].to_pylist()
    return counts


def _table(video_id: str, masks: Masks) -> pa.Table:
    """Rows of SCHEMA, from buffers: `pa.array` imports pandas, which takes a worker as long as a
    short video.
    """
    num_frames = len(masks.counts)
    columns = [
        _strings([video_id] * num_frames),
        _numbers(np.arange(num_frames, dtype=np.int32), pa.int32()),
        _strings(masks.counts),
        _numbers(np.asarray(masks.scores, np.float64), pa.float64()),
    ]
    return pa.table(columns, schema=SCHEMA)


def _strings(texts: Sequence[str]) -> pa.Array:
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers).cast(pa.string())


def _numbers(values: npt.NDArray[np.generic], kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def durations_s(index: VideoIndex) -> list[float]:
    """How long every frame is shown: to the next one; the last as long as the middle one of the
    others, or by the rate.
    """
    gaps = np.diff(index.frame_pts) * float(index.time_base)
    last = float(np.median(gaps)) if len(gaps) else 1 / index.fps if index.fps else 0.0
    found: list[float] = [*gaps.tolist(), last]
    return found[: index.num_frames]


def _name(video_id: str) -> str:
    """A file name for any id, which may hold folders."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:32]
