"""How files of the page, frames and errors travel, and how a frame is asked for; the same for every page."""

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
    """A frame that a page asks for. height: of a small picture, in pixels; None: the frame's own."""

    frame_index: int
    kind: PictureFormat
    height: int | None
    lane: Lane


class FrameRequestError(ValueError):
    """No request for a frame; `status` is that of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self) -> Response:
        """What the page is told."""
        return error_answer(self.status, "not-found" if self.status == 404 else "bad-request", str(self))


def frame_request(name: str, query: Mapping[str, str]) -> FrameRequest:
    """What a page asks for with NUMBER.jpg or NUMBER.png and a query.

    Args:
        query: `height` of a small picture; `prefetch`, whatever its value, for a frame that nobody waits for yet.

    Raises:
        FrameRequestError: another name, or a height that no small picture has.
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


def frame_answer(content: bytes, asked: FrameRequest, *, pts: int, time_s: float, is_named: bool) -> Response:
    """A frame as a picture file; its headers say which it is.

    Args:
        is_named: whether the address names the bytes of the video too, so that a browser may keep the answer.
    """
    headers = {
        "X-Frame-Index": str(asked.frame_index),
        "X-Frame-Pts": str(pts),
        "X-Frame-Time": f"{time_s:.6f}",
        "Cache-Control": "private, max-age=86400, immutable" if is_named else "no-store",
    }
    return Response(content, media_type="image/png" if asked.kind == "png" else "image/jpeg", headers=headers)


def file_answer(folder: Path, name: str) -> Response:
    """A file of the page. Only plain names are served: no way leads out of the folder."""
    match = _FILE.fullmatch(name)
    path = folder / name
    if match is None or not path.is_file():
        return Response("404: no such file\n", status_code=404, media_type="text/plain")
    return Response(path.read_bytes(), media_type=_TYPES[match[1]], headers={"Cache-Control": "no-cache"})


def error_answer(status: int, code: str, message: str, **more: Any) -> Response:
    """What went wrong: a code for the page and a sentence for the person at it."""
    return JSONResponse({"error": {"code": code, "message": message, **more}}, status_code=status)
