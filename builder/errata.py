"""Withdrawn videos, and new videos that would bring them back: with the same id, the same bytes, or
a similar look.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .plan import are_alike

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Content:
    """What identifies a video under any id: the SHA-256 of its bytes and its perceptual hash ("" if
    it has none).
    """

    video_sha256: str
    perceptual_hash: str = ""


@dataclass(frozen=True, slots=True)
class Returning:
    """A new video that was withdrawn before, or looks like a withdrawn one.

    Attributes:
        video_id: id of the new video.
        withdrawn_id: id of the withdrawn video.
        how: "is", "has the bytes of" or "looks like".
        data_version, reason: the values of the erratum.
    """

    video_id: str
    withdrawn_id: str
    how: str
    data_version: str
    reason: str

    def __str__(self) -> str:
        what = "" if self.how == "is" else f"{self.how} {self.withdrawn_id}, "
        return f"{what}withdrawn in {self.data_version} ({self.reason})"


def contents_of(manifest: Mapping[str, Any]) -> dict[str, Content]:
    """The content of every video of a manifest by id."""
    return {video_id: _content(facts) for video_id, facts in manifest["videos"].items()}


def erratum(
    manifest: Mapping[str, Any], gone: Iterable[str], *, data_version: str, reason: str
) -> dict[str, Any]:
    """The entry for withdrawn videos in the next manifest, with the reason.

    It holds hashes of their bytes and their look, to recognize copies under other ids. The hashes
    do not show the content.

    Args:
        manifest: the manifest that still has the videos.
        data_version: the version of the release without them.
    """
    ids = sorted(gone)
    known = {video_id: manifest["videos"][video_id] for video_id in ids}
    hashes = {
        video_id: {
            name: facts[name]
            for name in ("video_sha256", "perceptual_hash")
            if facts.get(name) is not None
        }
        for video_id, facts in known.items()
    }
    return {"data_version": data_version, "video_ids": ids, "reason": reason, "videos": hashes}


def returning(
    errata: Iterable[Mapping[str, Any]],
    videos: Mapping[str, Content],
    *,
    held: Mapping[str, str | None],
    allowed: Collection[str] = (),
) -> list[Returning]:
    """The videos that bring back a withdrawn video, sorted by id. Each has the first reason that
    applies: id, bytes, look.

    Args:
        errata: the errata of a manifest. Entries of older versions have no hashes, only ids.
        videos: content of the new videos by id.
        held: SHA-256 by id of videos that the release already has; these are allowed, because
            somebody has decided to keep them. None stands for any bytes.
        allowed: ids that come back on purpose.
    """
    new = {
        video_id: content
        for video_id, content in sorted(videos.items())
        if video_id not in allowed
        and not (video_id in held and held[video_id] in (None, content.video_sha256))
    }
    first_reasons: dict[str, Returning] = {}
    for how, pairs in (
        ("is", _same_id),
        ("has the bytes of", _same_bytes),
        ("looks like", _same_looks),
    ):
        for entry in errata:
            for video_id, withdrawn_id in pairs(entry, new):
                come = Returning(
                    video_id, withdrawn_id, how, entry["data_version"], entry["reason"]
                )
                first_reasons.setdefault(video_id, come)
    return [first_reasons[video_id] for video_id in sorted(first_reasons)]


def _same_id(entry: Mapping[str, Any], videos: Mapping[str, Content]) -> Iterator[tuple[str, str]]:
    yield from ((video_id, video_id) for video_id in entry["video_ids"] if video_id in videos)


def _same_bytes(
    entry: Mapping[str, Any], videos: Mapping[str, Content]
) -> Iterator[tuple[str, str]]:
    gone = {
        _content(facts).video_sha256: video_id
        for video_id, facts in entry.get("videos", {}).items()
    }
    for video_id, content in videos.items():
        if content.video_sha256 and content.video_sha256 in gone:
            yield video_id, gone[content.video_sha256]


def _same_looks(
    entry: Mapping[str, Any], videos: Mapping[str, Content]
) -> Iterator[tuple[str, str]]:
    ids, hashes = list(videos), [content.perceptual_hash for content in videos.values()]
    for withdrawn_id, facts in entry.get("videos", {}).items():
        alike = are_alike(_content(facts).perceptual_hash, hashes)
        yield from ((ids[index], withdrawn_id) for index in np.flatnonzero(alike).tolist())


def _content(facts: Mapping[str, Any]) -> Content:
    """The content that a manifest's entry states; an invalid perceptual hash counts as none."""
    looks = facts.get("perceptual_hash")
    known = isinstance(looks, str) and _HASH.fullmatch(looks)
    return Content(str(facts.get("video_sha256") or ""), str(looks) if known else "")
