"""What somebody else marked in the videos of the small release, and servers that run in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brokenvideos.masks import decode_masks
from brokenvideos.sampling import find_row
from brokenvideos.tools.stats import listed_videos
from tests.tools.explorer.running import Running


@pytest.fixture(scope="session")
def predicted(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions for every video of `release`: its masks moved by two pixels, and none on the last frame of each."""
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
