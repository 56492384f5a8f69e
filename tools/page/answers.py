"""HTTP answers for files of a page, frames and errors, and the request for a frame; the same for
every page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response

from .frame_queue import Lane
from .pictures import PictureFormat

MAX_THUMB_PX = 1024
_FRAME = re.compile(r"([0-9]{1,9})\.(jpg|png)")
_FILE = re.compile(r"[A-Za-z0-9_-]+\.(html|css|js|svg)")
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """A request for a frame. `height` is the height of a small picture in pixels; None: the frame's
    own size.
    """

    frame_index: int
    kind: PictureFormat
    height: int | None
    lane: Lane


class FrameRequestError(ValueError):
    """The request is not a valid request for a frame. `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self) -> Response:
        """The answer for the page."""
        return error_answer(
            self.status, "not-found" if self.status == 404 else "bad-request", str(self)
        )


def frame_request(name: str, query: Mapping[str, str]) -> FrameRequest:
    """The request in a name NUMBER.jpg or NUMBER.png and a query.

    Args:
        query: `height` of a small picture; `prefetch`, with any value, for a frame that is needed
            later.

    Raises:
        FrameRequestError: the name has another form, or the height is out of range.
    """
    match = _FRAME.fullmatch(name)
    if match is None:
        raise FrameRequestError(404, "no such frame; wanted NUMBER.jpg or NUMBER.png")
    height = None
    if "height" in query:
        height = int(query["height"]) if re.fullmatch("[0-9]{1,9}", query["height"]) else 0
        if not 1 <= height <= MAX_THUMB_PX:
            raise FrameRequestError(400, f"height is {query['height']}, wanted 1 to {MAX_THUMB_PX}")
    lane: Lane = "small" if height is not None else "ahead" if "prefetch" in query else "wanted"
    return FrameRequest(int(match[1]), "png" if match[2] == "png" else "jpg", height, lane)


def frame_answer(
    content: bytes, asked: FrameRequest, *, pts: int, time_s: float, is_named: bool
) -> Response:
    """A frame as a picture file. Headers hold its number and its presentation time.

    Args:
        is_named: whether the URL depends on the bytes of the video, so that a browser may cache the
            answer.
    """
    headers = {
        "X-Frame-Index": str(asked.frame_index),
        "X-Frame-Pts": str(pts),
        "X-Frame-Time": f"{time_s:.6f}",
        "Cache-Control": "private, max-age=86400, immutable" if is_named else "no-store",
    }
    return Response(
        content, media_type="image/png" if asked.kind == "png" else "image/jpeg", headers=headers
    )


def file_answer(folder: Path, name: str) -> Response:
    """A file of the page. Only plain names are served, so that no path leads out of the folder."""
    match = _FILE.fullmatch(name)
    path = folder / name
    if match is None or not path.is_file():
        return Response("404: no such file\n", status_code=404, media_type="text/plain")
    return Response(
        path.read_bytes(), media_type=_TYPES[match[1]], headers={"Cache-Control": "no-cache"}
    )


def error_answer(status: int, code: str, message: str, **more: Any) -> Response:
    """An error: a code for the page and a message for the person."""
    return JSONResponse({"error": {"code": code, "message": message, **more}}, status_code=status)
