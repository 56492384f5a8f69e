"""Masks to score, and folders to keep them in."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

BoolArray = npt.NDArray[np.bool_]


@pytest.fixture(scope="session")
def random_masks() -> Callable[..., BoolArray]:
    """bool[N, H, W]: rectangles that overlap and touch edges, some frames empty, some full."""

    def make(stream: np.random.Generator, count: int, height: int, width: int) -> BoolArray:
        masks = np.zeros((count, height, width), np.bool_)
        for mask in masks:
            if stream.random() < 0.15:
                mask[:] = True
            for _ in range(stream.integers(0, 4)):
                y, x = stream.integers(0, height), stream.integers(0, width)
                mask[y : y + stream.integers(1, 40), x : x + stream.integers(1, 40)] ^= True
        return masks

    return make


@pytest.fixture
def write_pngs() -> Callable[[Path, Mapping[str, object]], Path]:
    """Writes PNGs (arrays and Pillow images) and other files (bytes) by name below a folder."""

    def write(folder: Path, files: Mapping[str, object]) -> Path:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, np.ndarray):
                Image.fromarray(content).save(path)
            elif isinstance(content, Image.Image):
                content.save(path)
            else:
                path.write_bytes(content)  # type: ignore[arg-type]
        return folder

    return write
