"""Parses JSON texts from untrusted sources, with limits for size and nesting."""

import json
import re
from collections.abc import Callable
from typing import Any

MAX_JSON_BYTES = 2**30
MAX_JSON_DEPTH = 64

_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(
    data: bytes,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """The value of a JSON text in UTF-8. Its size and nesting are checked before it is parsed.

    Raises:
        ValueError: more than `max_bytes`, nested deeper than `MAX_JSON_DEPTH`, or not JSON.
    """
    if len(data) > max_bytes:
        raise ValueError(f"{len(data)} bytes or more, at most {max_bytes} are read")
    depth = deepest = 0
    for bracket in _JSON_STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > MAX_JSON_DEPTH:
        raise ValueError(f"nested {deepest} levels deep, at most {MAX_JSON_DEPTH} are read")
    return json.loads(data.decode("utf-8-sig"), object_pairs_hook=object_pairs_hook)
