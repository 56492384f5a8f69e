"""Writes files into a temporary folder, without fsync. The caller syncs and renames the whole
folder.
"""

import json
from pathlib import Path
from typing import Any


def write_file(path: Path, content: bytes) -> None:
    """Writes a file, and makes its parent folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def json_text(content: Any) -> str:
    """A JSON value on one line, without spaces because lists of run lengths are long."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def write_json(path: Path, content: Any) -> None:
    """Writes a file of one JSON value."""
    write_file(path, f"{json_text(content)}\n".encode())
