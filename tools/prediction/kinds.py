"""One video to predict: a file, an address on the web, a row of a release, or a name with nothing
behind it.
"""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ...builder.raw import read_video
from ...frames import VideoError, VideoIndex, index_from_row

if TYPE_CHECKING:
    from ...sampling import ReleaseRows

SCHEMES = ("http", "https")

MAX_DOWNLOAD_BYTES = 2**32
"""Of an address: what is longer is no clip, or never ends."""

TIMEOUT_S = 30.0
"""For a connection, and for every part of an answer."""

RETRY_WAITS_S = (1.0, 3.0)
"""Before an address that did not answer, or with a status from 500 on, is asked again."""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file of its own."""

    video_id: str
    path: Path

    @property
    def where(self) -> str:
        """Names it in messages."""
        return shown(str(self.path))

    @property
    def parts(self) -> tuple[str, ...]:
        """What tells it from another file of its name, the last the most."""
        return Path(os.path.abspath(self.path)).parts

    @property
    def state(self) -> tuple[object, ...]:
        """What says whether it is what an earlier run has read."""
        return "file", Path(os.path.abspath(self.path))

    def read(self) -> tuple[bytes, VideoIndex]:
        """Its bytes and its index, for which it is decoded once.

        Raises:
            VideoError: it cannot be decoded whole. OSError: it cannot be read.
        """
        from ...frames import index_video

        data = read_video(self.path)
        return data, index_video(self.path)  # by its path, which errors then name


@dataclass(frozen=True, slots=True)
class VideoUrl:
    """What is behind an http or https address."""

    video_id: str
    url: str

    @property
    def where(self) -> str:
        """Names it in messages and reports, without what may be a password: user, query."""
        split = urlsplit(self.url)
        return shown(f"{split.scheme}://{split.netloc.rpartition('@')[2]}{split.path}")

    @property
    def parts(self) -> tuple[str, ...]:
        """Its folders, then its name; a short digest of the whole address stands before the suffix,
        for what differs in a query.
        """
        split = urlsplit(self.url)
        name = name_of(self.url)
        digest = hashlib.sha256(self.url.encode()).hexdigest()[:8]
        folders = [
            part for part in unquote(split.path).split("/")[:-1] if part not in ("", ".", "..")
        ]
        return (
            split.netloc.rpartition("@")[2],
            *folders,
            f"{PurePosixPath(name).stem}-{digest}{PurePosixPath(name).suffix}",
        )

    @property
    def state(self) -> tuple[object, ...]:
        """What says whether it is what an earlier run has read: the address alone."""
        return "url", self.url

    def read(self) -> tuple[bytes, VideoIndex]:
        """Its bytes and its index.

        Raises:
            OSError: it does not answer, or with an error. VideoError: it is too long, or no video.
        """
        from ...frames import index_video

        data = _downloaded(self.url, where=self.where)
        return data, index_video(data)


@dataclass(frozen=True, slots=True, eq=False)
class VideoRow:
    """A row of a release."""

    video_id: str
    rows: "ReleaseRows"
    number: int

    @property
    def where(self) -> str:
        """Names it in messages."""
        return f"{self.rows.where(self.number)} video {self.video_id}"

    @property
    def state(self) -> tuple[object, ...]:
        """What says whether it is what an earlier run has read: the digest of the release's shards,
        and its number.
        """
        return "row", self.rows.data, self.number

    def read(self) -> tuple[bytes, VideoIndex]:
        """Its bytes and its index."""
        row = self.rows[self.number]
        return bytes(row["video"]["bytes"]), index_from_row(row)


@dataclass(frozen=True, slots=True)
class Nothing:
    """A name of which no video came: it is listed with what could not be read."""

    video_id: str
    what: str

    @property
    def where(self) -> str:
        """Names it in messages."""
        return self.video_id

    @property
    def state(self) -> tuple[object, ...]:
        """Nothing was read."""
        return "nothing", self.video_id

    def read(self) -> tuple[bytes, VideoIndex]:
        """
        Raises:
            FileNotFoundError: always.
        """
        raise FileNotFoundError(self.what)


Video = VideoFile | VideoUrl | VideoRow | Nothing


def is_url(name: str) -> bool:
    """Whether a name is an address that is fetched."""
    return name.lower().startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def name_of(url: str) -> str:
    """The name of the file behind an address; "video" where the address has none."""
    name = PurePosixPath(unquote(urlsplit(url).path).replace("\\", "/")).name
    return name if name not in ("", ".", "..") else "video"


def shown(name: str) -> str:
    """A name that can be printed and written: bytes of it that are no UTF-8 as \\xNN."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _downloaded(url: str, *, where: str) -> bytes:
    """
    Raises:
        OSError: no answer, or one that says no. VideoError: too long.
    """
    import httpx2

    waits_s = iter(RETRY_WAITS_S)
    while True:
        try:
            return _fetched(url, where=where)
        except httpx2.HTTPStatusError as error:
            status = error.response.status_code
            wait_s = next(waits_s, None) if status >= 500 else None
            if wait_s is None:
                status_line = f"{status} {error.response.reason_phrase}".strip()
                raise OSError(
                    f"{where}: the server answers {status_line}; wanted a video. Open the address in a "
                    "browser."
                ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            wait_s = next(waits_s, None) if isinstance(error, httpx2.TransportError) else None
            if wait_s is None:
                reason = str(error) or type(error).__name__
                raise OSError(
                    f"{where}: no answer ({reason}). Check the address and the connection."
                ) from None
        time.sleep(wait_s)


def _fetched(url: str, *, where: str) -> bytes:
    import httpx2

    with httpx2.stream("GET", url, follow_redirects=True, timeout=TIMEOUT_S) as answer:
        answer.raise_for_status()
        data = bytearray()
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) > MAX_DOWNLOAD_BYTES:
                raise VideoError(
                    f"{where}: more than {MAX_DOWNLOAD_BYTES} bytes. Cut the video into shorter "
                    "ones."
                )
    return bytes(data)
