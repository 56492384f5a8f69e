"""JSON files of long lists, which are never held whole: the entries of each row are put down, and read again when all are known."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .files import json_text


def write_tables(path: Path, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Writes a JSON object of lists, an entry at a time."""
    with path.open("w", encoding="utf-8") as file:
        for number, (name, entries) in enumerate(tables.items()):
            file.write(f"{',' if number else '{'}{json_text(name)}:")
            file.writelines(_list(entries))
        file.write("}\n")


def write_list(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """Writes a JSON list, an entry at a time."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_list(entries))


def _list(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield "["
    for place, entry in enumerate(entries):
        yield f"{',' if place else ''}\n{json_text(entry)}"
    yield "]\n"


def part_of(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of one row, as `write_part` put them down."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write_part(path: Path, entries: Iterable[Mapping[str, Any]]) -> Path:
    """Puts the entries of one row down, a line each, for the end, when all rows are known; gives the path back."""
    path.write_text("".join(f"{json_text(entry)}\n" for entry in entries), encoding="utf-8")
    return path
