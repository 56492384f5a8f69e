"""Checks any list of prompts against a taxonomy: which values and combinations it has."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

from ...release import parse_json
from .covering import Space
from .prompt import PromptError
from .taxonomy import Taxonomy

TEXT_KEYS = ("prompt", "prompt_en", "text", "caption")
"""Keys of an object that may hold the text; VBench's lists use prompt_en."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A prompt of a list, with its `values` if the list gives them."""

    prompt: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """The coverage of a list. Values that a prompt does not give are searched by their words in its
    text, as a hint only.
    """

    num_prompts: int
    num_repeated: int
    """Number of prompts whose text is the same as an earlier one."""
    num_feasible: int
    """Pairs of values that the taxonomy allows."""
    num_covered: int
    values: Mapping[str, Mapping[str, int]]
    """Prompts by factor and value; a prompt can have several values of a factor, or none."""
    num_without: Mapping[str, int]
    """Number of prompts without a value of a factor, by factor."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "prompts": self.num_prompts,
            "repeated": self.num_repeated,
            "feasible_pairs": self.num_feasible,
            "covered_pairs": self.num_covered,
            "values": {name: dict(counts) for name, counts in self.values.items()},
            "without": dict(self.num_without),
        }

    def lines(self) -> list[str]:
        share = self.num_covered / self.num_feasible
        return [
            f"{self.num_prompts} prompts, {self.num_repeated} of them repeat another",
            f"pairs of values: {self.num_covered} of {self.num_feasible} feasible ones "
            f"({share:.1%})",
            *(self._line(name) for name in self.values),
        ]

    def _line(self, name: str) -> str:
        counts = self.values[name]
        present = ", ".join(f"{value} {count}" for value, count in counts.items() if count)
        missing = ", ".join(value for value, count in counts.items() if not count)
        return (
            f"{name}: {present or 'nothing'}; missing: {missing or 'none'}; prompts without "
            f"one: {self.num_without[name]}"
        )


def check_list(taxonomy: Taxonomy, listed: Sequence[Listed]) -> Check:
    """Counts the values and pairs of values of a list."""
    space = Space(taxonomy)
    values_by_prompt = [_values_of(taxonomy, item) for item in listed]
    feasible = {pair for pairs in space.combinations(2).values() for pair in pairs}
    covered = {pair for values in values_by_prompt for pair in _pairs(values)}
    counts = Counter(
        (name, value)
        for values in values_by_prompt
        for name, chosen in values.items()
        for value in chosen
    )
    return Check(
        num_prompts=len(listed),
        num_repeated=len(listed) - len({item.prompt for item in listed}),
        num_feasible=len(feasible),
        num_covered=len(feasible & covered),
        values={
            name: {value: counts[name, value] for value in values}
            for name, values in space.values.items()
        },
        num_without={
            name: sum(not values[name] for values in values_by_prompt) for name in space.values
        },
    )


def read_list(path: Path) -> list[Listed]:
    """The prompts of a .txt (one per line), .jsonl or .json file. JSON may be a list of texts or
    objects, or lists by name.

    Raises:
        PromptError: another kind of file, or an entry without a text. OSError: the file cannot be
            read.
    """
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        if path.suffix == ".json":
            prompts = list(_entries(parse_json(data), where="the file"))
        elif path.suffix == ".jsonl":
            lines = enumerate(data.split(b"\n"), start=1)
            prompts = [
                _entry(parse_json(line), f"line {number}") for number, line in lines if line.strip()
            ]
        else:
            prompts = [
                Listed(line.strip(), {}) for line in data.decode().splitlines() if line.strip()
            ]
    except _FaultError as fault:
        raise PromptError(f"{path}: {fault}") from None
    except ValueError as error:
        raise PromptError(
            f"{path}: not readable ({error}); wanted .txt, .jsonl or .json with prompts in it"
        ) from None
    if not prompts:
        raise PromptError(f"{path}: no prompt in it")
    return prompts


class _FaultError(ValueError):
    """The problem of an entry, with its place in the file."""


def _entries(content: Any, *, where: str) -> Iterator[Listed]:
    if isinstance(content, list):
        for number, item in enumerate(content):
            yield _entry(item, f"{where} entry {number}")
    elif isinstance(content, dict):
        for name, part in content.items():
            yield from _entries(part, where=f"{where} key {name}")
    else:
        raise _FaultError(f"{where} is {json.dumps(content)[:60]}; wanted a list of prompts")


def _entry(item: Any, where: str) -> Listed:
    if isinstance(item, str):
        return Listed(item, {})
    if isinstance(item, dict):
        text = next((item[key] for key in TEXT_KEYS if isinstance(item.get(key), str)), None)
        values = item.get("values")
        if text is not None:
            return Listed(text, values if isinstance(values, dict) else {})
    raise _FaultError(
        f"{where} is {json.dumps(item)[:60]}; wanted a text, or an object with one of "
        f"{', '.join(TEXT_KEYS)}"
    )


def _values_of(taxonomy: Taxonomy, item: Listed) -> dict[str, list[str]]:
    if item.values:
        return {
            name: [item.values[name]] if item.values.get(name) in values else []
            for name, values in taxonomy.factors.items()
        }
    text = item.prompt.lower()
    return {
        name: [
            key for key, value in values.items() if any(_has(text, word) for word in value.words)
        ]
        for name, values in taxonomy.factors.items()
    }


def _has(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _pairs(values: Mapping[str, Sequence[str]]) -> Iterator[tuple[tuple[str, str], ...]]:
    for first, second in combinations(values, 2):
        for one, other in product(values[first], values[second]):
            yield (first, one), (second, other)
