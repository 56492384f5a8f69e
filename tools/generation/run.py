"""Runs a plan: makes clip after clip, each complete or absent, and records failures. The same
command continues a stopped run.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .clip import write_clip
from .error import GenerateError
from .frames import FailedClipError, generate_frames
from .model import file_hashes, load_pipeline
from .plan import VIDEOS, Job, Plan
from .raw_folder import write_videos_jsonl
from .record import FAILED, FORMAT, MADE, device_facts, versions, write_record

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run."""

    num_made: int
    num_failed: int


def generate(plan: Plan, out: Path, *, say: Say) -> Outcome:
    """Makes the clips of a plan, one after the other, and the folder's videos.jsonl.

    Args:
        say: called with one line per clip, with the time that is left.

    Raises:
        GenerateError: the model cannot be loaded, or refuses its arguments. OSError: the disk is
            full or cannot be written.
    """
    if not plan.jobs:
        write_videos_jsonl(out)
        return Outcome(0, 0)
    pipeline, folder = load_pipeline(
        plan.model, dtype=plan.dtype, device=plan.device, offload=plan.offload
    )
    made_with = _made_with(plan, pipeline, folder)
    made = failed = 0
    started = time.monotonic()
    try:
        for number, job in enumerate(plan.jobs, start=1):
            record = _make(plan, job, pipeline, made_with, out=out)
            write_record(out, record)
            made, failed = made + (record["status"] == MADE), failed + (record["status"] == FAILED)
            left_s = (time.monotonic() - started) / number * (len(plan.jobs) - number)
            result = (
                f"failed: {record['reason']}"
                if record["status"] == FAILED
                else f"made in {record['seconds']:.1f} s"
            )
            say(f"{number} of {len(plan.jobs)} {job.video_id}: {result}; {_duration(left_s)} left")
    finally:
        write_videos_jsonl(out)
    return Outcome(made, failed)


def call_pipeline(pipeline: Any, record: Mapping[str, Any]) -> Any:
    """The frames that a record or a plan's facts describe, uint8[T, H, W, 3].

    Raises:
        FailedClipError: the result is not usable. GenerateError: the pipeline refuses the
            arguments.
    """
    try:
        return generate_frames(
            pipeline,
            record["arguments"],
            prompt=record["prompt"]["prompt"],
            negative_prompt=record["negative_prompt"],
            seed=record["seed"],
        )
    except (ValueError, TypeError) as error:
        message = " ".join(str(error).split())
        raise GenerateError(
            f"{type(pipeline).__name__} refuses its arguments: {message}"
        ) from error


def _make(
    plan: Plan, job: Job, pipeline: Any, made_with: Mapping[str, Any], *, out: Path
) -> dict[str, Any]:
    """Makes a clip and returns its record; the file exists if the status is `MADE`."""
    facts = plan.facts(job)
    record = {"format": FORMAT, "video_id": job.video_id, "status": MADE, **facts, **made_with}
    record["model"] = {**facts["model"], **made_with["model"]}
    started = time.monotonic()
    _reset_peak(plan.device)
    path = out / VIDEOS / f"{job.video_id}.mp4"
    try:
        frames = call_pipeline(pipeline, facts)
    except FailedClipError as error:
        path.unlink(missing_ok=True)
        _free(plan.device)
        return {**record, "status": FAILED, "reason": str(error)}
    seconds = time.monotonic() - started
    video = write_clip(path, frames, fps=plan.fps)
    return {
        **record,
        "video": video,
        "seconds": round(seconds, 3),
        "peak_memory_bytes": _peak(plan.device),
    }


def _made_with(plan: Plan, pipeline: Any, folder: Path) -> dict[str, Any]:
    """The values that all records of a run share: files, scheduler, device, versions."""
    config = {
        key: value
        for key, value in dict(pipeline.scheduler.config).items()
        if not key.startswith("_")
    }
    return {
        "model": file_hashes(plan.model, folder),
        "scheduler": {"class": type(pipeline.scheduler).__name__, "config": _jsonable(config)},
        "device": {**device_facts(plan.device), "offload": plan.offload, "random_numbers": "cpu"},
        "versions": versions(),
    }


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _reset_peak(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> int | None:
    """Largest number of bytes on the device during the clip; None if the device does not count
    them.
    """
    if not device.startswith("cuda"):
        return None
    import torch

    return int(torch.cuda.max_memory_allocated(device))


def _free(device: str) -> None:
    """Frees the memory that a failed clip still holds."""
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()


def _duration(seconds: float) -> str:
    """A duration as text, as in 45 s, 12 min or 3.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
