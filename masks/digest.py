"""SHA-256 digests of annotations: one object's masks through a video, and all objects of a
video.
"""

import hashlib
import struct
from collections.abc import Collection, Mapping, Sequence

from .arrays import MaskError
from .bitmaps import empty
from .runs import RLEError, check, checked_size

_DOMAIN = b"brokenvideos.track.1\0"
_NOT_ANNOTATED = struct.pack("<I", 0xFFFFFFFF)


def object_digest(counts_by_frame: Sequence[str | None], *, height: int, width: int) -> str:
    """Hex SHA-256 of one object's masks through a video.

    The input is b"brokenvideos.track.1\\0", then height, width and num_frames as u32le, then for
    each frame the length of its canonical counts as u32le and the counts. A frame that is not
    annotated has only the length 0xFFFFFFFF.

    Args:
        counts_by_frame: one entry per frame of the video. None = not annotated. An annotated frame
            in which the object has no pixel has `empty(height, width)`.

    Raises:
        RLEError: a string is refused (see `parse`); `index` is the frame.
    """
    height, width = checked_size(height, width)
    annotated = [
        frame_index for frame_index, counts in enumerate(counts_by_frame) if counts is not None
    ]
    try:
        check(
            [counts for counts in counts_by_frame if counts is not None], height=height, width=width
        )
    except RLEError as error:
        if error.index is None:
            raise
        raise RLEError(error.problem, annotated[error.index]) from None
    digest = hashlib.sha256(_DOMAIN + struct.pack("<III", height, width, len(counts_by_frame)))
    for counts in counts_by_frame:
        if counts is None:
            digest.update(_NOT_ANNOTATED)
        else:
            digest.update(struct.pack("<I", len(counts)) + counts.encode("ascii"))
    return digest.hexdigest()


def masklet_digest(
    counts: Mapping[int, str],
    annotated_frames: Collection[int],
    *,
    num_frames: int,
    height: int,
    width: int,
) -> str:
    """`object_digest` of an object from its masks; an annotated frame without a mask counts as
    empty.

    Args:
        counts: canonical counts by frame index, for frames in which the object has a pixel; frames
            that are not annotated are ignored.
        annotated_frames: indices of the annotated frames.

    Raises:
        RLEError: as `object_digest`.
    """
    background, looked_at = empty(height, width), set(annotated_frames)
    by_frame = [
        counts.get(frame, background) if frame in looked_at else None for frame in range(num_frames)
    ]
    return object_digest(by_frame, height=height, width=width)


def video_digest(object_digests: Mapping[int, str], annotated_frames: Sequence[int]) -> str:
    """Hex SHA-256 of a video's annotation. The input is, for each object by ascending object_id,
    the object_id as u32le and the 32 bytes of the object's digest; then the annotated frame indices
    as u32le.

    Args:
        object_digests: hex digest of `object_digest` by object_id; empty for a normal video.
        annotated_frames: frame indices, strictly ascending.

    Raises:
        MaskError: a digest that is not 64 hex digits, an id or a frame index outside u32, or frames
            that do not ascend.
    """
    digest = hashlib.sha256()
    for object_id, object_hex in sorted(object_digests.items()):
        try:
            digest.update(struct.pack("<I32s", object_id, _digest_bytes(object_hex)))
        except (struct.error, ValueError):
            raise MaskError(
                f"object {object_id}: digest is {object_hex!r}, wanted an id from 0 to 4294967295 "
                "with 64 hex digits. Make the digest with brokenvideos.masks.object_digest."
            ) from None
    before = -1
    for frame_index in annotated_frames:
        if not before < frame_index <= 0xFFFFFFFF:
            raise MaskError(
                f"annotated frame {frame_index} comes after {before}, wanted strictly ascending "
                "frame indices from 0. Sort them and drop repeats."
            )
        digest.update(struct.pack("<I", frame_index))
        before = frame_index
    return digest.hexdigest()


def _digest_bytes(object_hex: str) -> bytes:
    value = bytes.fromhex(object_hex)
    if len(value) != hashlib.sha256().digest_size:
        raise ValueError(object_hex)
    return value
