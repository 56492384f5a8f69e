"""Writes manifest.json and SHA256SUMS, which describe the files of a release."""

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import av
import numpy as np
import pyarrow as pa

from ..release import FORMAT_VERSION, __version__
from .plan import ShardPlan
from .shards import FileFacts

READING = ("layout", "artifact_type", "generator", "void", "masks_are")
"""Arguments of `layouts.read_layout`. The manifest keeps them, so that the raw folder can be read
in the same way again.

The last one is there only if it was given.
"""


def library_versions() -> dict[str, str]:
    """Versions of all libraries that decide the bytes of a release."""
    libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
    return {
        "brokenvideos": __version__,
        "av": av.__version__,
        "datasets": version("datasets"),
        "libavcodec": libavcodec,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
    }


def manifest_of(
    shards: Iterable[tuple[ShardPlan, tuple[FileFacts, ...]]],
    *,
    data_version: str,
    parent_version: str | None,
    reading: Mapping[str, object],
    split_rule: Mapping[str, object],
    errata: Sequence[Mapping[str, object]] = (),
) -> dict[str, Any]:
    """The content of manifest.json, without times and names of machines.

    Args:
        reading: values of `READING`.
        errata: errata of earlier releases, each with data_version, video_ids and reason.
    """
    shards = list(shards)
    videos = sorted(
        (video for plan, _ in shards for video in plan.videos), key=lambda video: video.video_id
    )
    return {
        "format_version": FORMAT_VERSION,
        "data_version": data_version,
        "parent_version": parent_version,
        "built_with": library_versions(),
        "reading": dict(reading),
        "split_rule": dict(split_rule),
        "shards": [
            {
                "split": plan.split,
                "index": plan.index,
                "num_shards": plan.num_shards,
                "video_ids": [video.video_id for video in plan.videos],
                "files": [
                    {
                        "path": file.path,
                        "sha256": file.sha256,
                        "bytes": file.bytes,
                        "rows": file.rows,
                    }
                    for file in files
                ],
            }
            for plan, files in shards
        ],
        "videos": {
            video.video_id: {
                "digest": video.digest,
                "video_sha256": video.video_sha256,
                "row_digest": video.row_digest,
                "perceptual_hash": video.perceptual_hash,
            }
            for video in videos
        },
        **({"errata": list(errata)} if errata else {}),
    }


def reading_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `layouts.read_layout` that a manifest keeps."""
    return {name: manifest["reading"].get(name) for name in READING}


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as text: indented JSON in this module's key order."""
    return (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()


def sums_bytes(sha256_by_path: Mapping[str, str]) -> bytes:
    """SHA256SUMS as `sha256sum -c` reads it, sorted by path."""
    return "".join(
        f"{sha256}  {path}\n" for path, sha256 in sorted(sha256_by_path.items())
    ).encode()


def read_sums(content: str) -> dict[str, str]:
    """sha256 by path of a SHA256SUMS file.

    Raises:
        ValueError: a line that is not `sha256  path`, with its number.
    """
    sums = {}
    for number, line in enumerate(content.splitlines(), start=1):
        sha256, separator, path = line.partition("  ")
        if not separator or len(sha256) != 64:
            raise ValueError(
                f"line {number} is {line!r}, wanted 64 hex digits, two spaces and a path"
            )
        sums[path] = sha256
    return sums
