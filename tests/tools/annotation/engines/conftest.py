"""A video made in code: a striped square crosses a textured floor, and the engines' view of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import brokenvideos
from brokenvideos.tools.annotation.engines import Engine, Prompt, kinds, make_engine
from tests.tools.annotation.engines.tiny_sam2 import tiny_model, tiny_predictor

PAGE = Path(brokenvideos.__path__[0]) / "docs/annotate-engines.md"
OF_THE_DOCS = "steady"
UInt8Array = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FrameArray:
    """Frames that lie in memory; `asked` keeps which of them were asked for."""

    frames: UInt8Array
    asked: list[int]

    @property
    def height(self) -> int:
        return self.frames.shape[1]

    @property
    def width(self) -> int:
        return self.frames.shape[2]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame_index: int) -> UInt8Array:
        self.asked.append(frame_index)
        return self.frames[frame_index]


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """`truth`: bool[T, H, W] of the square."""

    frames: FrameArray
    truth: BoolArray

    def box(self, frame_index: int, *, object_id: int = 1) -> Prompt:
        """The prompt that draws a box around the square."""
        rows, columns = (np.flatnonzero(self.truth[frame_index].any(axis=axis)) for axis in (1, 0))
        box = (columns[0] - 1.0, rows[0] - 1.0, columns[-1] + 2.0, rows[-1] + 2.0)
        return Prompt(object_id, frame_index, box=box)


@pytest.fixture(scope="session")
def make_film() -> Callable[..., Film]:
    """Makes films: `path` is the square's upper left corner in every frame, x and y."""

    def make(
        path: list[tuple[int, int]], *, height: int = 96, width: int = 128, side: int = 30
    ) -> Film:
        rng = np.random.default_rng(1)
        floor = np.kron(
            rng.integers(60, 110, (height // 8 + 1, width // 8 + 1, 3)), np.ones((8, 8, 1), int)
        )[:height, :width]
        stripes = np.where(np.arange(side)[:, None, None] // 5 % 2, (230, 180, 40), (200, 40, 40))
        frames = np.empty((len(path), height, width, 3), np.uint8)
        truth = np.zeros((len(path), height, width), np.bool_)
        for frame_index, (x, y) in enumerate(path):
            image = floor + rng.integers(-4, 5, floor.shape)
            image[y : y + side, x : x + side] = np.broadcast_to(stripes, (side, side, 3))
            truth[frame_index, y : y + side, x : x + side] = True
            frames[frame_index] = image
        return Film(FrameArray(frames, []), truth)

    return make


@pytest.fixture(scope="session")
def film(make_film: Callable[..., Film]) -> Film:
    """Twelve frames; the square moves by four pixels a frame."""
    return make_film([(10 + 4 * k, 20 + 2 * k) for k in range(12)])


@pytest.fixture(scope="session")
def sam2_weights() -> Any:
    """A tiny Sam2VideoModel; tests that change it load its weights into a new one."""
    return tiny_model()


@pytest.fixture
def new_engine(request: pytest.FixtureRequest) -> Callable[[str], Engine]:
    """Makes engines by name, those with a model around a tiny one."""

    def make(name: str) -> Engine:
        if name == OF_THE_DOCS:
            (added,) = re.findall(
                r"```python\n(\"\"\"The engine .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
            )
            folder = request.getfixturevalue("tmp_path")
            (folder / f"{name}.py").write_text(added, encoding="utf-8")
            monkeypatch = request.getfixturevalue("monkeypatch")
            monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(folder)])
            monkeypatch.setattr(kinds, "ENGINES", (*kinds.ENGINES, name))
            return make_engine(name)
        if name == "flow":
            pytest.importorskip("cv2", reason="no OpenCV: pip install '.[annotate]'")
            return make_engine("flow")
        sam2_weights = request.getfixturevalue("sam2_weights")
        if name == "sam2":
            from brokenvideos.tools.annotation.engines.kinds.sam2 import Sam2
            from brokenvideos.tools.annotation.engines.memory_engine import MemoryEngine

            return MemoryEngine(Sam2(sam2_weights, {}))
        pytest.importorskip(
            "sam2", reason="no package sam2: .ci/sam2 installs it beside a torch without CUDA"
        )
        from brokenvideos.tools.annotation.engines.kinds.sam2_package import Sam2Package
        from brokenvideos.tools.annotation.engines.memory_engine import MemoryEngine

        return MemoryEngine(Sam2Package(tiny_predictor(sam2_weights.state_dict()), {}))

    return make
