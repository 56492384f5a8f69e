"""Plans a run: which clips it makes, and how. No model is loaded."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..prompts import Prompt
from .arguments import chosen_arguments, effective_arguments, frames_per_second
from .clip import encoder_settings
from .error import GenerateError
from .model import Model, find_model, pipeline_class
from .record import FAILED, MADE, Record, check_video_id, read_records, record_path, slug

VIDEOS = "videos"


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a run. None: the default of the model or the machine."""

    model: str
    pipeline: str | None = None
    device: str | None = None
    dtype: str | None = None
    offload: bool = False
    negative_prompt: str | None = None
    steps: int | None = None
    size: tuple[int, int] | None = None
    """(height, width)."""
    num_frames: int | None = None
    fps: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the pipeline by name."""
    generator: str | None = None
    """The name of the model in rows; None: the last part of its id."""
    license: str | None = None
    """The licence of the clips."""


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to make: seed k of a prompt."""

    video_id: str
    prompt: Prompt
    k: int
    seed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A run. `jobs` are the clips to make now. `num_made` clips exist already. `num_failed` failed
    before and are skipped.
    """

    model: Model
    generator: str
    arguments: Mapping[str, Any]
    negative_prompt: str | None
    fps: float
    device: str
    dtype: str
    offload: bool
    license: str | None
    jobs: Sequence[Job]
    num_made: int
    num_failed: int

    def facts(self, job: Job) -> dict[str, Any]:
        """The part of a clip's record that is known before the clip is made."""
        return {
            "generator": self.generator,
            "prompt": {key: value for key, value in job.prompt.to_dict().items() if key != "seeds"},
            "negative_prompt": self.negative_prompt,
            "seed": job.seed,
            "k": job.k,
            "model": {
                "id": self.model.model_id,
                "revision": self.model.revision,
                "pipeline": self.model.pipeline,
            },
            "arguments": dict(self.arguments),
            "dtype": self.dtype,
            "encoder": encoder_settings(self.fps),
            "license": self.license,
        }


def make_plan(
    prompts: Sequence[Prompt],
    out: Path,
    settings: Settings,
    *,
    retry_failed: bool = False,
    limit: int | None = None,
) -> Plan:
    """Finds the model, and the clips that are missing in `out`.

    Args:
        retry_failed: also try failed clips again.
        limit: make at most this number of clips.

    Raises:
        GenerateError: the model, an argument, or a clip of `out` that was made in another way.
    """
    model = find_model(settings.model, pipeline=settings.pipeline)
    made = pipeline_class(model.pipeline, name=settings.model)
    given = chosen_arguments(
        made,
        steps=settings.steps,
        size=settings.size,
        num_frames=settings.num_frames,
        more=settings.more,
    )
    arguments = effective_arguments(made, given)
    negative = settings.negative_prompt
    if negative is None:
        negative = _default_negative(made)
    device = settings.device or _best_device()
    generator = settings.generator or model.model_id.rpartition("/")[2]
    jobs = [
        Job(check_video_id(f"{slug(generator)}_{prompt.prompt_id}_{k}"), prompt, k, seed)
        for prompt in prompts
        for k, seed in enumerate(prompt.seeds)
    ]
    plan = Plan(
        model=model,
        generator=generator,
        arguments=arguments,
        negative_prompt=negative,
        fps=frames_per_second(made, arguments, fps=settings.fps),
        device=device,
        dtype=settings.dtype or ("float32" if device == "cpu" else "bfloat16"),
        offload=settings.offload,
        license=settings.license,
        jobs=jobs,
        num_made=0,
        num_failed=0,
    )
    return _missing(plan, out, retry_failed=retry_failed, limit=limit)


def is_whole(out: Path, record: Record) -> bool:
    """Whether the clip of a record exists, by its name and size; `rerun` compares its content."""
    if record.get("status") != MADE:
        return False
    path = out / VIDEOS / record["video"]["file"]
    return path.is_file() and bool(path.stat().st_size == record["video"]["bytes"])


def _missing(plan: Plan, out: Path, *, retry_failed: bool, limit: int | None) -> Plan:
    records = read_records(out) if (out / "records").is_dir() else {}
    todo, num_made, num_failed = [], 0, 0
    for job in plan.jobs:
        record = records.get(job.video_id)
        if record is not None and record.get("status") == FAILED and not retry_failed:
            num_failed += 1
        elif record is not None and is_whole(out, record):
            _check_same(record, plan.facts(job), where=record_path(out, job.video_id))
            num_made += 1
        else:
            todo.append(job)
    return replace(plan, jobs=tuple(todo[:limit]), num_made=num_made, num_failed=num_failed)


def _check_same(record: Record, facts: Mapping[str, Any], *, where: Path) -> None:
    """Raises an error if a clip was made with other settings than those given now."""
    for key, wanted in facts.items():
        old = record.get(key)
        if isinstance(old, dict) and key == "model":  # a record also hashes the files
            old = {name: old.get(name) for name in wanted}
        # these may change later: the id of a prompt depends only on its text
        if key in ("prompt", "license"):
            continue
        if old != wanted:
            raise GenerateError(
                f"{where}: made with {_difference(key, old, wanted)}. Give another folder or "
                "--generator NAME, or the same settings as before."
            )


def _difference(key: str, old: Any, wanted: Any) -> str:
    if isinstance(old, dict) and isinstance(wanted, dict):
        name = next(name for name in sorted({*old, *wanted}) if old.get(name) != wanted.get(name))
        return _difference(f"{key}.{name}", old.get(name), wanted.get(name))
    return f"{key} {json.dumps(old)}, now {json.dumps(wanted)} is asked for"


def _default_negative(pipeline: Any) -> str | None:
    parameter = inspect.signature(pipeline.__call__).parameters.get("negative_prompt")
    return (
        parameter.default if parameter is not None and isinstance(parameter.default, str) else None
    )


def _best_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
