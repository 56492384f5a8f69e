"""Makes clips again and compares them with the existing clips."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...builder.work import file_sha256
from ...frames import iter_frames
from .clip import write_clip
from .error import GenerateError
from .frames import FailedClipError
from .model import Model, file_hashes, find_model, load_pipeline
from .plan import VIDEOS
from .record import ADOPTED, MADE, Record, device_facts, read_records, versions
from .run import call_pipeline

CLOSE_DB = 40.0
"""Smallest peak signal-to-noise ratio of two close clips, in dB. A difference of one level of 255
in every value is 48 dB.
"""

Verdict = Literal["identical", "close", "different", "not comparable"]


@dataclass(frozen=True, slots=True)
class Rerun:
    """The result for one clip. `psnr_db` compares the decoded clips; None if their values were not
    compared.
    """

    video_id: str
    verdict: Verdict
    why: str
    psnr_db: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.video_id}: {self.verdict}, {self.why}"


def rerun(
    out: Path, *, sample: int | None = None, model: str | None = None, device: str | None = None
) -> Iterator[Rerun]:
    """Makes clips of a folder again, one model after the other.

    A clip is identical if the pipeline gives exactly the same frames. Otherwise it is close or
    different, by `CLOSE_DB`. A different clip under other versions or on another device is "not
    comparable", because the change may be the cause.

    Args:
        sample: number of clips, chosen by a hash of their ids; None: all.
        model: the place of the model now. A model in a folder must be given; another ID means a
            mirror.
        device: the device to use instead of the recorded one.

    Raises:
        GenerateError: the folder has no record, or an invalid one.
    """
    records = {
        key: record
        for key, record in read_records(out).items()
        if record["status"] in (MADE, ADOPTED)
    }
    if not records:
        raise GenerateError(
            f"{out}: no clip with a record in it. Give a folder that `brokenvideos generate` made."
        )
    chosen = sorted(records, key=lambda video_id: hashlib.sha256(video_id.encode()).digest())[
        :sample
    ]
    groups: dict[str, list[str]] = {}
    for video_id in sorted(chosen):
        groups.setdefault(_loaded_as(records[video_id]), []).append(video_id)
    for video_ids in groups.values():
        yield from _rerun_group(out, {i: records[i] for i in video_ids}, model=model, device=device)


def psnr_db(ours: Path, theirs: Path) -> float:
    """Peak signal-to-noise ratio over all values of two videos of one shape; infinity for equal
    ones.
    """
    total, count = 0.0, 0
    for (_, one), (_, other) in zip(iter_frames(ours), iter_frames(theirs), strict=True):
        gap = one.astype(np.float64) - other
        total, count = total + float((gap * gap).sum()), count + gap.size
    return float("inf") if total == 0 else 10 * float(np.log10(255**2 * count / total))


def _loaded_as(record: Record) -> str:
    """The values that clips must share to be made with one loaded pipeline."""
    if record["status"] == ADOPTED:
        return ADOPTED
    model = {key: record["model"][key] for key in ("id", "revision", "pipeline")}
    return json.dumps(
        [model, record["dtype"], record["device"]["type"], record["device"]["offload"]]
    )


def _rerun_group(
    out: Path, records: Mapping[str, Record], *, model: str | None, device: str | None
) -> Iterator[Rerun]:
    first = next(iter(records.values()))
    if first["status"] == ADOPTED:
        for video_id in records:
            yield Rerun(
                video_id,
                "not comparable",
                "it was adopted: how it was made is only claimed, so there is no pipeline to run",
            )
        return
    wanted = device or first["device"]["type"]
    try:
        source, pipeline, folder = _load(first, model=model, device=wanted)
    except GenerateError as error:
        for video_id in records:
            yield Rerun(video_id, "not comparable", str(error))
        return
    hashes = file_hashes(source, folder)
    for video_id, record in records.items():
        changed = _changed_file(record["model"], hashes)
        if changed is not None:
            yield Rerun(video_id, "not comparable", f"the model's file {changed} has changed since")
        else:
            yield _rerun_clip(out, video_id, record, pipeline, device=wanted)


def _load(record: Record, *, model: str | None, device: str) -> tuple[Model, Any, Path]:
    import torch

    then = record["model"]
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise GenerateError(
            f"it was made on {record['device']['name']}, and there is no CUDA device here"
        )
    if model is None and then["revision"] is None:
        raise GenerateError(f"its model is the folder {then['id']}: give it with --model FOLDER")
    source = find_model(model or f"{then['id']}@{then['revision']}", pipeline=then["pipeline"])
    pipeline, folder = load_pipeline(
        source, dtype=record["dtype"], device=device, offload=record["device"]["offload"]
    )
    return source, pipeline, folder


def _changed_file(then: Mapping[str, Any], now: Mapping[str, Mapping[str, str]]) -> str | None:
    for kind in ("configs", "weights"):
        before, after = then.get(kind), now.get(kind)
        if before is not None and after is not None and before != after:
            return next(
                str(name)
                for name in sorted({*before, *after})
                if before.get(name) != after.get(name)
            )
    return None


def _rerun_clip(out: Path, video_id: str, record: Record, pipeline: Any, *, device: str) -> Rerun:
    original = out / VIDEOS / record["video"]["file"]
    if not original.is_file() or file_sha256(original) != record["video"]["sha256"]:
        return Rerun(
            video_id, "different", f"{original} is missing, or not the file that was recorded"
        )
    try:
        frames = call_pipeline(pipeline, record)
    except (FailedClipError, GenerateError) as error:
        return Rerun(video_id, "not comparable", f"it cannot be made here: {error}")
    if hashlib.sha256(frames.data).hexdigest() == record["video"]["generated_sha256"]:
        return Rerun(video_id, "identical", "the pipeline gives the same frames")
    changes = _changes(record, device)
    if list(frames.shape[:3]) != [
        record["video"][name] for name in ("num_frames", "height", "width")
    ]:
        return _unlike(video_id, changes, "it has another size or length")
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / original.name
        write_clip(again, frames, fps=record["encoder"]["fps"])
        score_db = psnr_db(again, original)
    if score_db >= CLOSE_DB:
        return Rerun(
            video_id, "close", f"{score_db:.1f} dB{changes and f' after {changes}'}", score_db
        )
    return _unlike(video_id, changes, f"{score_db:.1f} dB", score_db)


def _unlike(video_id: str, changes: str, what: str, score_db: float | None = None) -> Rerun:
    if changes:
        return Rerun(video_id, "not comparable", f"{what} after {changes}", score_db)
    return Rerun(video_id, "different", f"{what}, with the same versions and device", score_db)


def _changes(record: Record, device: str) -> str:
    """The changes since the clip was made, in words; "" if there are none."""
    now = {**versions(), **{f"device {key}": value for key, value in device_facts(device).items()}}
    then = {
        **record["versions"],
        **{f"device {key}": record["device"].get(key) for key in ("type", "name", "cuda")},
    }
    names = [name for name in sorted({*now, *then}) if now.get(name) != then.get(name)]
    return ", ".join(f"{name} {then.get(name)} became {now.get(name)}" for name in names)
