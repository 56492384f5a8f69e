"""Reads what generators store in their files: workflows, settings, signed origin. It is only read
as text, not trusted or run.
"""

import re
import struct
from pathlib import Path
from typing import Any

from ...frames import container_texts
from ...release import parse_json

MAX_TEXT = 2**20
"""Largest number of characters of one text that are kept."""
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The `uuid` box that holds a C2PA manifest in MP4 and its relatives (C2PA specification, embedding
in BMFF).
"""
_INFOTEXT = re.compile(r"\bSteps: \d+.*\bSeed: \d+", re.DOTALL)


def read_embedded(path: Path) -> dict[str, Any]:
    """{"kinds": of comfyui, infotext and c2pa those found, "texts": the container's and the
    stream's texts by key}.

    Raises:
        VideoError: not a video file. OSError: the file cannot be read.
    """
    texts = {key: text[:MAX_TEXT] for key, text in sorted(container_texts(path).items())}
    kinds = [
        name
        for name, test in (("comfyui", _is_comfyui), ("infotext", _is_infotext))
        if any(map(test, texts.values()))
    ]
    return {"kinds": [*kinds, *(["c2pa"] if has_c2pa(path) else [])], "texts": texts}


def has_c2pa(path: Path) -> bool:
    """Whether an MP4, MOV or the like has a C2PA manifest among its outer boxes; its signature is
    not checked.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = 0
        while start + 8 <= size:
            file.seek(start)
            head = file.read(32)
            (length,) = struct.unpack_from(">I", head)
            kind, inside = head[4:8], 8
            if length == 1 and len(head) >= 16:
                (length,), inside = struct.unpack_from(">Q", head, 8), 16
            if kind == b"uuid" and head[inside : inside + 16] == _C2PA:
                return True
            if length < inside:  # the box goes to the end of the file, or these are not boxes
                return False
            start += length
    return False


def _is_comfyui(text: str) -> bool:
    """ComfyUI's graph: nodes with a class_type, or a workflow with nodes; often one object with
    both.
    """
    try:
        content = parse_json(text.encode())
    except ValueError:
        return False
    graphs = (
        [content, *(content.get(key) for key in ("prompt", "workflow"))]
        if isinstance(content, dict)
        else []
    )
    return any(_is_graph(graph) for graph in graphs)


def _is_graph(graph: Any) -> bool:
    if isinstance(graph, str):
        return _is_comfyui(graph)
    if not isinstance(graph, dict):
        return False
    return isinstance(graph.get("nodes"), list) or any(
        isinstance(node, dict) and "class_type" in node for node in graph.values()
    )


def _is_infotext(text: str) -> bool:
    """The settings that AUTOMATIC1111's web UI and programs based on it write as one text."""
    return _INFOTEXT.search(text) is not None
