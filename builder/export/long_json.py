"""Writes JSON files with lists that are too long for memory.

The entries of each row go to a temporary file. They are read again when all rows are known.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .files import json_text


def write_tables(path: Path, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Writes a JSON object of lists, one entry at a time."""
    with path.open("w", encoding="utf-8") as file:
        for number, (name, entries) in enumerate(tables.items()):
            file.write(f"{',' if number else '{'}{json_text(name)}:")
            file.writelines(_list(entries))
        file.write("}\n")


def write_list(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """Writes a JSON list, one entry at a time."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_list(entries))


def _list(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield "["
    for place, entry in enumerate(entries):
        yield f"{',' if place else ''}\n{json_text(entry)}"
    yield "]\n"


def part_of(path: Path) -> Iterator[dict[str, Any]]:
    """Reads the entries of one row that `write_part` has written."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write_part(path: Path, entries: Iterable[Mapping[str, Any]]) -> Path:
    """Writes the entries of one row to a temporary file, one per line, and returns its path."""
    path.write_text("".join(f"{json_text(entry)}\n" for entry in entries), encoding="utf-8")
    return path
