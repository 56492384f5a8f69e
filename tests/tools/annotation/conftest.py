"""Small videos, and servers that run in this process."""

from contextlib import ExitStack

import numpy as np
import pytest

from brokenvideos.frames import encode_video
from tests.tools.annotation.running import HEIGHT, WIDTH, Running


@pytest.fixture(scope="session")
def video_bytes(tmp_path_factory):
    """Two videos of 12 frames of 32x24 in colours that change."""
    folder = tmp_path_factory.mktemp("videos")
    found = []
    for number in range(2):
        frames = [
            np.full((HEIGHT, WIDTH, 3), 10 + number * 40 + frame * 8, np.uint8)
            for frame in range(12)
        ]
        encode_video(folder / f"{number}.mp4", frames, fps=8)
        found.append((folder / f"{number}.mp4").read_bytes())
    return found


@pytest.fixture
def clips(tmp_path, video_bytes):
    """A folder with the videos a and b."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name, content in zip(("a.mp4", "b.mp4"), video_bytes, strict=True):
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def serve():
    """Starts servers in threads of this process; all of them end with the test."""
    with ExitStack() as stack:

        def start(folder, **options):
            return stack.enter_context(Running.on(folder, **options))

        yield start
