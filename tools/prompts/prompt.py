"""A prompt as a line of a prompt file: its id, its seeds, and the values it was made from."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...masks import ARTIFACT_TYPES
from ...release import VIDEO_ID, parse_json

MAX_ID = 64
MAX_SEED = 2**31 - 1
"""Largest seed that services and libraries accept."""


class PromptError(ValueError):
    """A prompt file that cannot be used; the message holds every problem, one per line."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line. Only `prompt_id` and `prompt` are required; other missing values are empty or
    None.
    """

    prompt_id: str
    prompt: str
    seeds: tuple[int, ...] = ()
    trigger: str | None = None
    """The trigger that is expected to make a model fail; None: a control, or not known."""
    artifact_types: tuple[str, ...] = ()
    """Artifact types that the trigger is expected to cause."""
    control_id: str | None = None
    """The prompt_id of the same situation without the trigger."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Names of values by factor of the taxonomy."""
    taxonomy: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The prompt as the JSON object of its line."""
        return {
            "prompt_id": self.prompt_id,
            "prompt": self.prompt,
            "trigger": self.trigger,
            "artifact_types": list(self.artifact_types),
            "control_id": self.control_id,
            "values": dict(self.values),
            "seeds": list(self.seeds),
            "taxonomy": self.taxonomy,
        }

    def to_line(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)


def prompt_id_of(text: str) -> str:
    """16 hex digits of the SHA-256 of the prompt. It depends only on the text."""
    return hashlib.sha256(b"brokenvideos.prompt.1\0" + text.encode()).hexdigest()[:16]


def seed_of(prompt_id: str, k: int) -> int:
    """The k-th seed of a prompt, in [0, 2**31): the first four bytes of SHA-256 of "prompt_id NUL
    k", without their highest bit.
    """
    digest = hashlib.sha256(f"{prompt_id}\0{k}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & MAX_SEED


def read_prompts(path: Path) -> list[Prompt]:
    """The prompts of a JSONL file in its order; a prompt without seeds gets seed 0 (see `seed_of`).

    Raises:
        PromptError: lists every line that is not a prompt, has no id, or repeats an id or a text.
        OSError: the file cannot be read.
    """
    problems: list[str] = []
    prompts: list[Prompt] = []
    seen: dict[tuple[str, str], int] = {}
    for number, text in enumerate(
        path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1
    ):
        if not text.strip():
            continue
        try:
            prompt = _read_line(text)
        except _FaultError as fault:
            problems.append(f"{path} line {number}: {fault}")
            continue
        for key, value in (("prompt_id", prompt.prompt_id), ("prompt", prompt.prompt)):
            first = seen.setdefault((key, value), number)
            if first != number:
                problems.append(
                    f"{path} line {number}: {key} {_shown(value)} is already on line {first}; "
                    "wanted each once: remove one of the two"
                )
        prompts.append(prompt)
    if not prompts and not problems:
        problems.append(f"{path}: no prompt in it; wanted one JSON object per line")
    if problems:
        raise PromptError("\n".join(problems))
    return prompts


class _FaultError(ValueError):
    """The problem of a line, without its place."""


def _read_line(text: bytes) -> Prompt:
    try:
        line = parse_json(text)
    except ValueError as error:
        raise _FaultError(
            f"not JSON ({error}); wanted an object with prompt_id and prompt"
        ) from None
    if not isinstance(line, dict):
        raise _FaultError(f"found {_shown(line)}, wanted an object with prompt_id and prompt")
    prompt_id, prompt = line.get("prompt_id"), line.get("prompt")
    if prompt_id is None:
        raise _FaultError(
            "prompt_id is missing; give each prompt an id of its own, of A-Z, a-z, 0-9, _ and -"
        )
    if (
        not isinstance(prompt_id, str)
        or not VIDEO_ID.fullmatch(prompt_id)
        or len(prompt_id) > MAX_ID
    ):
        raise _FaultError(
            f"prompt_id is {_shown(prompt_id)}, wanted 1 to {MAX_ID} of A-Z, a-z, 0-9, _ and -"
        )
    if not isinstance(prompt, str) or not prompt.strip():
        raise _FaultError(f"prompt is {_shown(prompt)}, wanted the text to ask for")
    values = line.get("values") or {}
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise _FaultError(f"values is {_shown(values)}, wanted names of values by factor")
    if values and prompt_id != prompt_id_of(prompt):
        raise _FaultError(
            f"prompt_id is {prompt_id}, the text gives {prompt_id_of(prompt)}; a changed text is "
            "another prompt: give it that id, or put the text back"
        )
    return Prompt(
        prompt_id=prompt_id,
        prompt=prompt,
        seeds=_seeds(line.get("seeds")) or (seed_of(prompt_id, 0),),
        trigger=_optional_text(line, "trigger"),
        artifact_types=_artifact_types(line.get("artifact_types")),
        control_id=_optional_text(line, "control_id"),
        values=values,
        taxonomy=_optional_text(line, "taxonomy"),
    )


def _seeds(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    whole = isinstance(value, list) and all(
        type(seed) is int and 0 <= seed <= MAX_SEED for seed in value
    )
    if not whole or len(set(value)) < len(value):
        raise _FaultError(
            f"seeds is {_shown(value)}, wanted a list of different whole numbers from 0 to "
            f"{MAX_SEED}"
        )
    return tuple(value)


def _artifact_types(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(kind in ARTIFACT_TYPES for kind in value):
        raise _FaultError(
            f"artifact_types is {_shown(value)}, wanted a list of {_listed(ARTIFACT_TYPES)}"
        )
    return tuple(value)


def _optional_text(line: Mapping[str, Any], key: str) -> str | None:
    value = line.get(key)
    if value is not None and not isinstance(value, str):
        raise _FaultError(f"{key} is {_shown(value)}, wanted text")
    return value


def _listed(names: Collection[str]) -> str:
    *head, tail = names
    return f"{', '.join(head)} or {tail}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def triggering(prompts: Sequence[Prompt]) -> list[Prompt]:
    """The prompts that have a trigger. The others are controls, or nothing is known about them."""
    return [prompt for prompt in prompts if prompt.trigger is not None]
