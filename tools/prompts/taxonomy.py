"""The taxonomy: factors with their values, constraints, and the template that turns a combination
into a prompt.
"""

import re
import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...masks import ARTIFACT_TYPES

OURS = Path(__file__).with_name("taxonomy.toml")
TRIGGER = "trigger"
"""The factor that every taxonomy has; its values are expected to make a model fail."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FACTOR = re.compile(r"[a-z][a-z0-9_]{0,63}")

Row = Mapping[str, str]
"""Names of values by factor."""


class TaxonomyError(ValueError):
    """A taxonomy file that cannot be used; the message says where."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a factor. Only triggers have `artifacts` (expected artifact types) and `source`
    (a key of the sources).
    """

    text: str
    words: Sequence[str]
    artifacts: Sequence[str]
    source: str | None


@dataclass(frozen=True, slots=True)
class Constraint:
    """If every factor of `when` has one of its listed values, every factor of `then` must have one
    of its listed values.
    """

    when: Mapping[str, frozenset[str]]
    then: Mapping[str, frozenset[str]]
    why: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Factors in the order of the file, including the trigger."""

    name: str
    factors: Mapping[str, Mapping[str, Value]]
    constraints: Sequence[Constraint]
    trigger_template: str
    control_template: str
    sources: Mapping[str, Mapping[str, str]]

    @property
    def triggers(self) -> Mapping[str, Value]:
        return self.factors[TRIGGER]

    def text_of(self, row: Row, *, control: bool = False) -> str:
        """The prompt of a row; as a control, without its trigger."""
        template = self.control_template if control else self.trigger_template
        texts = {name: self.factors[name][value].text for name, value in row.items()}
        text = " ".join(template.format_map(texts).split())
        return text[:1].upper() + text[1:]


def read_taxonomy(path: Path = OURS) -> Taxonomy:
    """Reads a TOML file; `taxonomy.toml` beside this module shows the form.

    Raises:
        TaxonomyError: not TOML, or a value is missing, unknown or of another type. OSError: the
            file cannot be read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaxonomyError(
            f"{path}: not TOML ({error}). Wanted a file like {OURS.name} of this package."
        ) from None
    try:
        return _taxonomy(content)
    except _FaultError as fault:
        raise TaxonomyError(
            f"{path}: {fault}. {OURS.name} of this package shows the form."
        ) from None


class _FaultError(ValueError):
    """The problem of a taxonomy file, without the file's name."""


def _taxonomy(content: Mapping[str, Any]) -> Taxonomy:
    _only(content, ("name", "templates", "sources", "factors", "constraints"), where="the file")
    sources = _table(content.get("sources", {}), "sources")
    factors = _table(content.get("factors"), "factors")
    if TRIGGER not in factors or len(factors) < 2:
        raise _FaultError(
            f"factors are {', '.join(factors) or 'none'}, wanted {TRIGGER!r} and at least one other"
        )
    read = {name: _factor(name, values, sources) for name, values in factors.items()}
    templates = _table(content.get("templates"), "templates")
    _only(templates, ("trigger", "control"), where="templates")
    return Taxonomy(
        name=_text(content.get("name"), "name"),
        factors=read,
        constraints=[
            _constraint(item, number, read)
            for number, item in enumerate(content.get("constraints", []))
        ],
        trigger_template=_template(templates.get("trigger"), "templates.trigger", wanted=set(read)),
        control_template=_template(
            templates.get("control"), "templates.control", wanted=set(read) - {TRIGGER}
        ),
        sources=sources,
    )


def _factor(name: str, values: Any, sources: Mapping[str, Any]) -> dict[str, Value]:
    where = f"factors.{name}"
    if not _FACTOR.fullmatch(name):
        raise _FaultError(f"{where}: wanted a name of a-z, 0-9 and _")
    read = {}
    for key, value in _table(values, where).items():
        if not _NAME.fullmatch(key):
            raise _FaultError(f"{where}.{key}: wanted a name of a-z, 0-9 and -")
        read[key] = _value(
            _table(value, f"{where}.{key}"), f"{where}.{key}", sources, trigger=name == TRIGGER
        )
    texts = [value.text for value in read.values()]
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise _FaultError(
            f"{where}: two values have the text {twice!r}; wanted a different text for each"
        )
    return read


def _value(
    value: Mapping[str, Any], where: str, sources: Mapping[str, Any], *, trigger: bool
) -> Value:
    _only(value, ("text", "words", *(("artifacts", "source") if trigger else ())), where=where)
    artifacts = _texts(value.get("artifacts", []), f"{where}.artifacts")
    source = value.get("source")
    if trigger and not artifacts:
        raise _FaultError(
            f"{where}.artifacts is missing; wanted the artifact types expected, of "
            f"{', '.join(ARTIFACT_TYPES)}"
        )
    for kind in artifacts:
        if kind not in ARTIFACT_TYPES:
            raise _FaultError(f"{where}.artifacts has {kind!r}; wanted {', '.join(ARTIFACT_TYPES)}")
    if trigger and source not in sources:
        raise _FaultError(
            f"{where}.source is {source!r}; wanted one of sources: "
            f"{', '.join(sources) or 'none is there'}"
        )
    words = tuple(word.lower() for word in _texts(value.get("words", []), f"{where}.words"))
    return Value(_text(value.get("text"), f"{where}.text"), words, tuple(artifacts), source)


def _constraint(item: Any, number: int, factors: Mapping[str, Mapping[str, Value]]) -> Constraint:
    where = f"constraints[{number}]"
    table = dict(_table(item, where))
    why = _text(table.pop("why", None), f"{where}.why")
    when = _choices(_table(table.pop("when", None), f"{where}.when"), f"{where}.when", factors)
    then = _choices(table, where, factors)
    if not when or not then:
        raise _FaultError(
            f"{where}: wanted factors under `when`, and at least one other with the values that go "
            "with them"
        )
    return Constraint(when, then, why)


def _choices(
    table: Mapping[str, Any], where: str, factors: Mapping[str, Any]
) -> dict[str, frozenset[str]]:
    read = {}
    for name, values in table.items():
        if name not in factors:
            raise _FaultError(f"{where}.{name}: no such factor; there are {', '.join(factors)}")
        read[name] = frozenset(_texts(values, f"{where}.{name}"))
        unknown = sorted(read[name] - set(factors[name]))
        if unknown or not read[name]:
            raise _FaultError(
                f"{where}.{name} has {', '.join(unknown) or 'no value'}; wanted some of "
                f"{', '.join(factors[name])}"
            )
    return read


def _template(value: Any, where: str, *, wanted: set[str]) -> str:
    text = _text(value, where)
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    except ValueError as error:
        raise _FaultError(
            f"{where} is {text!r} ({error}); wanted text with {{factor}} in braces"
        ) from None
    if fields != wanted:
        raise _FaultError(
            f"{where} names {', '.join(sorted(fields))}; wanted each of {', '.join(sorted(wanted))}"
        )
    return text


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or (not value and where != "sources"):
        raise _FaultError(
            f"{where} is {'missing' if value is None else repr(value)}; wanted a table"
        )
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _FaultError(f"{where} is {'missing' if value is None else repr(value)}; wanted text")
    return value


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _FaultError(f"{where} is {value!r}; wanted a list of texts")
    return value


def _only(table: Mapping[str, Any], known: Sequence[str], *, where: str) -> None:
    unknown = [key for key in table if key not in known]
    if unknown:
        raise _FaultError(
            f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(known)}"
        )
