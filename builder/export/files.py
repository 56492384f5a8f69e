"""Files of a folder that is not there under its name yet; who makes the folder syncs it as a whole."""

import json
from pathlib import Path
from typing import Any


def write_file(path: Path, content: bytes) -> None:
    """Writes a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def json_text(content: Any) -> str:
    """One line of JSON, without spaces: run lengths are long."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def write_json(path: Path, content: Any) -> None:
    """Writes a file of one JSON value."""
    write_file(path, f"{json_text(content)}\n".encode())
