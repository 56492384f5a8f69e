"""Checks that a full card agrees with its release, and lists every difference."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from ..release import (
    ANNOTATION_FEATURES,
    FEATURES,
    in_words,
    parse_json,
    read_manifest,
    shard_paths,
)
from .about import About, AboutError
from .croissant import croissant, unreadable
from .full import (
    CARD,
    CROISSANT,
    FIGURES,
    README,
    CardError,
    about_of,
    figure_digests,
    read_card,
    require_extra,
)
from .inputs import CardInputs, read_inputs
from .metadata import differences, metadata_problems
from .readme import render, render_full

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class CardProblem:
    """One problem of a card."""

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}."


@dataclass(frozen=True, slots=True)
class CardReport:
    """The result of `check_card`; `ok` is True if there is no problem."""

    release: str
    data_version: str
    problems: tuple[CardProblem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"ok": self.ok, **asdict(self)}

    def lines(self) -> Iterator[str]:
        """The result as text for people."""
        yield from map(str, self.problems)
        start = f"{self.release} ({self.data_version}): card compared with the shards"
        yield (
            f"{start}; nothing is stale."
            if self.ok
            else (
                f"{start}; problems: {len(self.problems)}. Next: brokenvideos card {self.release}"
            )
        )


def check_card(release: Path) -> CardReport:
    """Counts the release again and compares its full card: YAML, sections, every number, figures,
    croissant.json.

    Figures are compared by the data they show and by the recorded checksum of their bytes. So a
    card drawn under other versions passes.

    Returns:
        A report with every problem, sorted. If a shard cannot be counted, the report says so, and
        numbers are not compared.

    Raises:
        CardError: the extra `card` is not installed. ReleaseError: not a release.
    """
    require_extra()
    manifest = read_manifest(str(release))
    problems: set[CardProblem] = set()
    figures, about = {}, About()
    try:
        figures, about = read_card(release)["figures"], about_of(release)
    except (CardError, AboutError) as error:
        problems.add(
            CardProblem(CARD, str(error).removeprefix(f"{release / CARD}: ").removesuffix("."))
        )
    if lacking := set(_columns(release, manifest)):
        problems |= lacking | {
            CardProblem(CROISSANT, said) for said in unreadable(release / CROISSANT)
        }
        return CardReport(str(release), manifest["data_version"], tuple(sorted(problems)))
    inputs = read_inputs(release, about)
    problems.update(_readme(release, inputs))
    problems.update(_figures(release, inputs, figures))
    problems.update(_croissant(release, inputs))
    return CardReport(str(release), manifest["data_version"], tuple(sorted(problems)))


def _columns(release: Path, manifest: Mapping[str, Any]) -> Iterator[CardProblem]:
    """Problems of shards that lack a column, so that they cannot be counted and compared."""
    for shard in manifest["shards"]:
        paths = shard_paths(shard["split"], shard["index"], shard["num_shards"])
        for path, features in (
            (paths["default"], FEATURES),
            (paths["annotations"], ANNOTATION_FEATURES),
        ):
            try:
                names = pq.read_schema(release / path).names
            except (OSError, pa.ArrowException) as error:
                yield CardProblem(path, f"cannot be read ({in_words(error)})")
                continue
            if lacking := [name for name in features if name not in names]:
                yield CardProblem(path, f"lacks the columns {', '.join(lacking)}")


# --- README.md ------------------------------------------------------------------------------------


def _readme(release: Path, inputs: CardInputs) -> Iterator[CardProblem]:
    try:
        text = (release / README).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        yield CardProblem(README, f"cannot be read ({in_words(error)})")
        return
    wanted_yaml, wanted = _halves(render_full(inputs))
    card_yaml, content = _halves(text)
    try:
        loaded = yaml.safe_load(card_yaml)
    except yaml.YAMLError as error:
        yield CardProblem(README, f"its YAML cannot be read: {' '.join(str(error).split())}")
    else:
        stated = loaded if isinstance(loaded, dict) else {}
        for problem in metadata_problems(stated, yaml.safe_load(wanted_yaml)):
            yield CardProblem(README, problem)
    if text == render(inputs.facts, inputs.sizes, data_version=inputs.manifest["data_version"]):
        yield CardProblem(README, "it is the plain card of a build, not a full one")
    else:
        yield from _sections(content, wanted)


def _halves(text: str) -> tuple[str, str]:
    """The YAML and the Markdown of a card."""
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    return (match[1], text[match.end() :]) if match else ("", text)


def _sections(card_text: str, wanted: str) -> Iterator[CardProblem]:
    was, now = _by_heading(card_text), _by_heading(wanted)
    for title in now:
        if title not in was:
            yield CardProblem(README, f"section {title!r} is missing")
    for title, text in was.items():
        if title not in now:
            yield CardProblem(
                README, f"section {title!r} is not of the card. Text of yours goes through --about"
            )
        elif text != now[title]:
            for old, new in _changed_lines(text, now[title]):
                where = f"section {title!r}" if title else "opening"
                yield CardProblem(README, f"{where} says {_quoted(old)}, wanted {_quoted(new)}")


def _by_heading(text: str) -> dict[str, str]:
    """Texts by the heading above them; the text before the first heading has the key ""."""
    parts = _HEADING.split(text)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def _changed_lines(card_text: str, wanted: str) -> Iterator[tuple[str, str]]:
    """Pairs of different lines, or of blocks of lines that differ together."""
    was, now = card_text.splitlines(), wanted.splitlines()
    for tag, start, stop, new_start, new_stop in SequenceMatcher(
        None, was, now, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        old, new = was[start:stop], now[new_start:new_stop]
        if len(old) == len(new):
            yield from zip(old, new, strict=True)
        else:
            yield "\n".join(old), "\n".join(new)


def _quoted(text: str) -> str:
    text = " / ".join(text.splitlines())
    return repr(text if len(text) <= 300 else f"{text[:297]}...") if text else "nothing"


# --- Figures --------------------------------------------------------------------------------------


def _figures(release: Path, inputs: CardInputs, stated: Mapping[str, Any]) -> Iterator[CardProblem]:
    wanted = figure_digests(inputs)
    present = {
        path.relative_to(release).as_posix()
        for path in (release / FIGURES).rglob("*")
        if path.is_file()
    }
    for path in sorted(present - wanted.keys()):
        yield CardProblem(path, "not a figure of this card")
    for path, digest in wanted.items():
        facts = stated.get(path)
        if path not in present:
            yield CardProblem(path, "missing")
        elif not isinstance(facts, dict) or facts.get("shows") != digest:
            yield CardProblem(path, "stale: it shows other numbers than the shards give")
        elif hashlib.sha256((release / path).read_bytes()).hexdigest() != facts.get("sha256"):
            yield CardProblem(
                path, f"not the file that was drawn: its SHA-256 is not that of {CARD}"
            )


# --- croissant.json -------------------------------------------------------------------------------


def _croissant(release: Path, inputs: CardInputs) -> Iterator[CardProblem]:
    path = release / CROISSANT
    try:
        content = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        yield CardProblem(CROISSANT, f"cannot be read ({in_words(error)})")
        return
    for problem in differences(content, croissant(inputs), where=""):
        yield CardProblem(CROISSANT, problem)
    for problem in unreadable(path):
        yield CardProblem(CROISSANT, problem)
