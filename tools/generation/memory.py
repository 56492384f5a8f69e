"""Estimates the GPU memory of a run from the sizes of the model's weights."""

import json
import math
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from .model import Model
from .plan import Plan
from .record import Record

_FILE = re.compile(r"(?:diffusion_pytorch_model|model)(?:-\d{5}-of-\d{5})?\.safetensors")
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def weight_bytes(model: Model, *, dtype: str) -> dict[str, int] | None:
    """Bytes of the loaded weights by component; None if the files do not tell.

    Only the headers of the files are read from the Hub, a few kilobytes each.
    """
    counts = _local(model, model.folder) if model.folder is not None else _on_hub(model)
    return {part: count * _BYTES[dtype] for part, count in counts.items()} if counts else None


def memory_lines(plan: Plan, records: Mapping[str, Record]) -> list[str]:
    """The memory that a run needs, as text: the weights, and the most that earlier clips with the
    same arguments took.
    """
    parts = weight_bytes(plan.model, dtype=plan.dtype)
    if parts is None:
        lines = ["GPU memory: not known, the model has no weights whose headers tell their size"]
    else:
        held = max(parts.values()) if plan.offload else sum(parts.values())
        what = "the largest component's" if plan.offload else "all"
        each = ", ".join(f"{part} {_gigabytes(size)}" for part, size in sorted(parts.items()))
        lines = [
            f"GPU memory: at least {_gigabytes(held)}, {what} weights as {plan.dtype} ({each}); "
            "the frames being made need more on top of it"
        ]
    peaks = [
        record["peak_memory_bytes"]
        for record in records.values()
        if record.get("peak_memory_bytes") and record["arguments"] == plan.arguments
    ]
    measured = (
        f"{_gigabytes(max(peaks))} in {len(peaks)} clips here" if peaks else "not measured here yet"
    )
    return [*lines, f"most that a clip with these arguments took: {measured}"]


def _local(model: Model, folder: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in model.components:
        for path in sorted((folder / part).glob("*.safetensors")):
            if _FILE.fullmatch(path.name):
                counts[part] = counts.get(part, 0) + _values_in(path)
    return counts


def _values_in(path: Path) -> int:
    """The number of values in a safetensors file, from its header: u64le length, then JSON."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return sum(
        math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__"
    )


def _on_hub(model: Model) -> dict[str, int]:
    from huggingface_hub import HfApi

    api = HfApi()
    counts: dict[str, int] = {}
    for path in api.list_repo_files(model.model_id, revision=model.revision):
        part, _, name = path.rpartition("/")
        if part in model.components and _FILE.fullmatch(name):
            metadata = api.parse_safetensors_file_metadata(
                model.model_id, path, revision=model.revision
            )
            counts[part] = counts.get(part, 0) + sum(metadata.parameter_count.values())
    return counts


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 50_000_000 else f"{size / 1e6:.1f} MB"
