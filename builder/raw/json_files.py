"""Reads JSON files of a raw folder with limits, and checks their values."""

import math
from pathlib import Path
from typing import Any

from ...release import MAX_JSON_BYTES, parse_json
from .video import RawError
from .video_files import VIDEO_ID_RULE


def read_json(path: Path, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The value of a JSON file.

    Raises:
        RawError: the file cannot be read, is not JSON, or is larger or nested deeper than
            `release.parse_json` allows. The message has no path; the caller adds it.
    """
    try:
        with path.open("rb") as file:
            return parse_json(file.read(max_bytes + 1), max_bytes=max_bytes)
    except OSError as error:
        raise RawError(f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RawError(f"not readable as JSON ({error}); copy the file again") from error


def is_whole(value: object, *, least: int, most: int) -> bool:
    """Whether a JSON value is an integer (not a boolean or a float) in [least, most]."""
    return type(value) is int and least <= value <= most


def is_finite(value: object) -> bool:
    """Whether a JSON value is a number that is not NaN or infinite."""
    return type(value) in (int, float) and abs(value) < 2**31 and math.isfinite(value)  # type: ignore[arg-type]


def shown(value: object) -> str:
    """The text of a value in messages."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def shown_end(value: str) -> str:
    """The text of a path or address in messages: only its end, which is the part that is used."""
    text = ascii(value)
    return text if len(text) <= 60 else f"...{text[-57:]}"


def bad_video_id(video_id: str) -> str:
    """The problem of an invalid video_id."""
    return f"the video_id {shown(video_id)} is not {VIDEO_ID_RULE}; rename the video and its files"
