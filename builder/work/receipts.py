"""Receipts of finished work: each records the inputs and the outputs of one task."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import write_atomic
from .hashing import file_sha256


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of one finished task.

    Attributes:
        key: the key of everything that decides the result, as `key_of` gives it.
        files: SHA-256 of the written files, by path relative to a folder that the reader gives.
        result: the task's return value, as JSON.
    """

    key: str
    files: Mapping[str, str]
    result: Mapping[str, Any]


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Writes a receipt, complete or not at all. Call it only when all files that it lists are on
    disk.
    """
    content = {"key": receipt.key, "files": dict(receipt.files), "result": dict(receipt.result)}
    write_atomic(path, json.dumps(content).encode())


def finished(path: Path, *, key: str, folder: Path) -> Receipt | None:
    """The receipt of finished work: it has this key, and its files below `folder` are unchanged.
    None if the work must be done.
    """
    try:
        content = json.loads(path.read_bytes())
        receipt = Receipt(content["key"], dict(content["files"]), dict(content["result"]))
        if receipt.key == key and all(
            file_sha256(folder / name) == sha256 for name, sha256 in receipt.files.items()
        ):
            return receipt
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no receipt, an invalid receipt or a missing file: the work is done again
    return None


def key_of(*inputs: Any, root: Path) -> str:
    """SHA-256 of what a piece of work depends on.

    Args:
        inputs: plain values, containers, dataclasses, arrays. A path stands for its file, or for
            every file below its folder: by name, size and time of change, not by bytes.
        root: paths are taken relative to this folder, so that it can be moved.

    Raises:
        TypeError: a value of another kind, whose changes cannot be detected.
    """
    return hashlib.sha256(json.dumps(_plain(inputs, root)).encode()).hexdigest()


def _plain(value: Any, root: Path) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return ["path", os.path.relpath(value, root), *_files(value)]
    if isinstance(value, range):
        return ["range", value.start, value.stop, value.step]
    if isinstance(value, Mapping):
        return [[_plain(key, root), _plain(entry, root)] for key, entry in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(entry, root) for entry in value]
    if isinstance(value, bytes):
        return ["bytes", hashlib.sha256(value).hexdigest()]
    if isinstance(value, np.ndarray):
        return ["array", str(value.dtype), value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    if is_dataclass(value) and not isinstance(value, type):
        return [
            type(value).__name__,
            *(_plain(getattr(value, field.name), root) for field in fields(value)),
        ]
    raise TypeError(
        f"{type(value).__name__} in {value!r}: a change of it cannot be detected; wanted plain "
        "values and paths."
    )


def _files(path: Path) -> Iterator[list[Any]]:
    """Name, size and time of change of a file, or of every file below a folder."""
    if not path.is_dir():
        yield _state(path)
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        inside = os.path.relpath(folder, path)
        yield from ([f"{inside}/{name}", *_state(Path(folder, name))] for name in sorted(names))


def _state(path: Path) -> list[Any]:
    try:
        facts = path.stat()
    except OSError:
        return ["absent"]
    return [facts.st_size, facts.st_mtime_ns]
