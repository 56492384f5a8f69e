"""What somebody else marked in the videos of the small release, and servers that run in this
process.
"""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from brokenvideos.masks import decode_masks
from brokenvideos.sampling import find_row
from brokenvideos.tools.stats import listed_videos
from tests.tools.explorer.many import write_many
from tests.tools.explorer.running import Running


@pytest.fixture(scope="session")
def predicted(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions for every video of `release`: its masks moved by two pixels, and none on the last
    frame of each.
    """
    out = tmp_path_factory.mktemp("predicted") / "predicted"
    for video in listed_videos(str(release)):
        masks = decode_masks(find_row(str(release), video.video_id))
        folder = out / video.video_id
        folder.mkdir(parents=True)
        for frame, mask in enumerate(masks):
            moved = np.roll(mask, 2, axis=1) * (frame < len(masks) - 1)
            Image.fromarray((moved * 255).astype(np.uint8)).save(folder / f"{frame:05d}.png")
    return out


@pytest.fixture
def explore() -> "Iterator[Callable[..., Running]]":
    """Starts servers in threads of this process; all of them end with the test."""
    with ExitStack() as stack:

        def start(source: str | Path, *others: Path) -> Running:
            return stack.enter_context(Running.on(source, *others))

        yield start


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Files with ranges, and a note of every byte that was sent."""

    sent: list[tuple[str, int]]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        asked = self.headers.get("Range")
        if asked:
            first, last = asked.removeprefix("bytes=").split("-")
            whole = len(content)
            content = content[int(first) : int(last) + 1]
            self.send_response(206)
            self.send_header(
                "Content-Range", f"bytes {first}-{int(first) + len(content) - 1}/{whole}"
            )
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.sent.append((self.path, len(content)))

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def many(release: Path, tmp_path: Path) -> Path:
    """A release of 300 videos in six row groups."""
    return write_many(release, tmp_path / "many", videos=300)


@pytest.fixture
def served(many: Path) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """The address of `many` on a plain server of files, and what it has sent."""
    sent: list[tuple[str, int]] = []
    handler = type("Handler", (_Ranges,), {"sent": sent})
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(many))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", sent
        finally:
            server.shutdown()
            thread.join()
