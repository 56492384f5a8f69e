"""Checks that one row agrees with itself: its video's bytes, its frame index, its masks and their
digests.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..frames import VideoError, demux_index, index_from_row
from ..masks import RLEError, masklet_digest, video_digest
from ..release import VIDEO_ID
from .row_json import row_digest


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: its place, what was found, what was wanted, and what to do."""

    file: str
    what: str
    video_id: str | None = None
    frame_index: int | None = None
    object_id: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        parts += [f"video {self.video_id}"] if self.video_id is not None else []
        parts += [f"frame {self.frame_index}"] if self.frame_index is not None else []
        parts += [f"object {self.object_id}"] if self.object_id is not None else []
        return f"{' '.join(parts)}: {self.what}"


def check_row(
    row: Mapping[str, Any], file: str, facts: Mapping[str, str], decoded: Sequence[int | RLEError]
) -> Iterator[Finding]:
    """Compares the values of one row with each other and with manifest.json (`facts`).

    Args:
        row: as `read_parquet` gives it, by `to_pylist`.
        file: path of the shard, named in the findings.
        facts: the row's entry in manifest.json: digest and video_sha256 (required), row_digest
            (optional).
        decoded: the result of `masks.fingerprint_decoded` for every mask of the row.
    """
    video_id = row["video_id"]
    finding = partial(Finding, file, video_id=video_id)
    if not VIDEO_ID.fullmatch(video_id or ""):
        yield finding(f"video_id {video_id!r}: wanted 1 to 128 of A-Z a-z 0-9 _ -.")
    sha256 = hashlib.sha256(row["video"]["bytes"]).hexdigest()
    for source, stated in (
        ("the row", row["video_sha256"]),
        ("manifest.json", facts.get("video_sha256")),
    ):
        if stated != sha256:
            yield finding(
                f"the video's bytes have SHA-256 {sha256}, {source} says {stated}. Rebuild this "
                "video's shard."
            )
    yield from (finding(what) for what in _check_index(row))
    yield from _check_masks(row, file, decoded)
    stored_kinds = row["objects"]["artifact_type"]
    kinds = None if None in stored_kinds else sorted(set(stored_kinds))
    if row["artifact_types"] != kinds or row["label"] != int(bool(stored_kinds)):
        yield finding(
            f"label {row['label']} and artifact_types {row['artifact_types']} do not match objects "
            f"{stored_kinds}. Rebuild it."
        )
    if facts.get("digest") != row["digest"]:
        yield finding(
            f"digest is {row['digest']}, manifest.json says {facts.get('digest')}. If it changed "
            "on purpose, cut a new release."
        )
    stated, rows = facts.get("row_digest"), row_digest(row, video_name=row["video"]["path"])
    if stated is not None and stated != rows:  # manifests of early releases have none
        yield finding(
            f"the row has digest {rows}, manifest.json says {stated}. Rebuild this video's shard."
        )


def _check_index(row: Mapping[str, Any]) -> Iterator[str]:
    if row["num_frames"] != len(row["frame_pts"]):
        yield (
            f"num_frames is {row['num_frames']}, frame_pts has {len(row['frame_pts'])} entries. "
            "Rebuild this video's shard."
        )
    index = index_from_row(row)
    try:
        frame_pts, packets = demux_index(row["video"]["bytes"])
    except VideoError as error:
        yield f"the video cannot be demuxed ({error}). Rebuild this video's shard."
        return
    if not np.array_equal(frame_pts, index.frame_pts):
        yield (
            f"frame_pts holds {len(index.frame_pts)} times that are not the {len(frame_pts)} of "
            "the video's packets. Rebuild this video's shard."
        )
    if (packets is None) != (index.packets is None):
        stated = "null" if index.packets is None else "set"
        yield f"packets is {stated}, a demux of the bytes gives the opposite. Rebuild its shard."
    elif packets is not None and index.packets is not None:
        for name in ("pts", "offset", "size", "keyframe", "reference"):
            if not np.array_equal(getattr(packets, name), getattr(index.packets, name)):
                yield (
                    f"packets.{name} differs from a demux of the bytes. Rebuild this video's shard."
                )


def _check_masks(
    row: Mapping[str, Any], file: str, decoded: Sequence[int | RLEError]
) -> Iterator[Finding]:
    video_id, masks = row["video_id"], row["masks"]
    places = list(zip(masks["object_id"], masks["frame_index"], strict=True))
    if places != sorted(set(places)):
        yield Finding(
            file,
            "masks are not sorted by (object_id, frame_index), or one is listed twice. Rebuild its "
            "shard.",
            video_id,
        )
    annotated, listed = set(row["annotated_frames"]), set(row["objects"]["object_id"])
    for object_id, frame in places:
        if frame not in annotated or object_id not in listed or not 0 <= frame < row["num_frames"]:
            yield Finding(
                file,
                "its mask is on a frame that is not annotated, or its object is not in objects. "
                "Rebuild this video's shard.",
                video_id,
                frame,
                object_id,
            )
    for (object_id, frame), stated, computed in zip(
        places, masks["fingerprint"], decoded, strict=True
    ):
        if isinstance(computed, RLEError):
            yield Finding(
                file, f"counts is not a canonical COCO RLE: {computed}", video_id, frame, object_id
            )
        elif computed != stated:
            yield Finding(
                file,
                f"the decoded mask has fingerprint {computed:#018x}, the annotation had "
                f"{stated:#018x}. "
                f"Rebuild this video; if its annotation changed on purpose, cut a new release.",
                video_id,
                frame,
                object_id,
            )
    if not any(isinstance(computed, RLEError) for computed in decoded):
        yield from _check_digests(row, file)


def _check_digests(row: Mapping[str, Any], file: str) -> Iterator[Finding]:
    video_id, height, width = row["video_id"], row["height"], row["width"]
    by_object: dict[int, dict[int, str]] = {
        object_id: {} for object_id in row["objects"]["object_id"]
    }
    for object_id, frame, counts in zip(
        row["masks"]["object_id"], row["masks"]["frame_index"], row["masks"]["counts"], strict=True
    ):
        by_object.setdefault(object_id, {})[frame] = counts
    size = {"num_frames": row["num_frames"], "height": height, "width": width}
    digests = {
        object_id: masklet_digest(frames, row["annotated_frames"], **size)
        for object_id, frames in by_object.items()
    }
    for object_id, stated in zip(
        row["objects"]["object_id"], row["objects"]["digest"], strict=True
    ):
        if digests[object_id] != stated:
            yield Finding(
                file,
                f"the object's digest is {digests[object_id]}, objects says {stated}. Rebuild this "
                "video's shard.",
                video_id,
                object_id=object_id,
            )
    computed_digest = video_digest(digests, row["annotated_frames"])
    if computed_digest != row["digest"]:
        yield Finding(
            file,
            f"the masks give digest {computed_digest}, the row says {row['digest']}. Rebuild this "
            "video.",
            video_id,
        )
