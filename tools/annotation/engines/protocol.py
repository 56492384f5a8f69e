"""The interface of engines for interactive segmentation.

One engine holds one video at a time. It is called from one thread at a time. No other method is
called while the generator of `propagate` is open.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
UInt8Array = npt.NDArray[np.uint8]


class EngineError(RuntimeError):
    """An engine cannot do its task. The message is one line for the person at the screen."""


@dataclass(frozen=True, slots=True)
class Click:
    """A point that belongs to the object; with `positive` False, one that does not.

    `x` and `y` are pixels of the decoded grid, which is never rotated. The pixel in row r and
    column c has c <= x < c + 1 and r <= y < r + 1.
    """

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A person's complete input for one object on one frame.

    With only a mask, the person has drawn or accepted it: `Engine.prompt` returns the same pixels.
    An empty mask means that the object is not in the frame. With a mask and clicks, the clicks
    correct the mask. A box comes before the clicks. The result depends only on the prompt, not on
    earlier calls.

    Args:
        object_id: from 1.
        clicks: in the order in which they were made.
        box: x0, y0, x1, y1 in pixels, x0 < x1 and y0 < y1; None for no box.
        mask: bool[H, W] of the decoded grid, drawn or accepted by a person, never with a box; None
            for none.
    """

    object_id: int
    frame_index: int
    clicks: tuple[Click, ...] = ()
    box: tuple[float, float, float, float] | None = None
    mask: BoolArray | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether the prompt has only a mask, which the engine returns unchanged."""
        return self.mask is not None and not self.clicks and self.box is None


class Frames(Protocol):
    """The frames of a video, decoded when they are asked for: `frames[frame_index]` is
    uint8[H, W, 3], RGB.
    """

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def __len__(self) -> int: ...

    def __getitem__(self, frame_index: int, /) -> UInt8Array: ...


class Engine(Protocol):
    """Makes masks of a video from prompts."""

    @property
    def facts(self) -> Mapping[str, str]:
        """Facts for the log, to repeat the same prompts: engine, versions, resize rule, device.

        An engine with a model adds its id and the SHA-256 of its weights.
        """

    def open(self, frames: Frames) -> None:
        """Opens a video without prompts, and forgets the video before."""

    def prepare(self, frame_index: int) -> None:
        """Computes in advance what the first prompt on this frame needs. It changes only the
        speed.
        """

    def prompt(self, prompt: Prompt) -> BoolArray:
        """The object's mask on the frame, bool[H, W]. Replaces the earlier prompt for this object
        and frame.

        Raises:
            EngineError: the prompt is empty or outside the video, or the engine finds no object
                there.
        """

    def propagate(
        self, object_ids: Sequence[int], *, first: int, last: int
    ) -> Generator[tuple[int, int, BoolArray]]:
        """(frame_index, object_id, bool[H, W]) from frame `first` to `last`, both included;
        backwards if first > last.

        Masks are propagated from the frames with prompts, which may be outside the range. A frame with
        a prompt for an object is left out for this object: its mask is the result of `prompt`.
        Frames before an object's first prompt, in the direction of the run, are left out too. An
        empty mask means that the object was not found. Closing the generator cancels the run; the
        masks until then are valid.

        Raises:
            EngineError: an object has no prompt from which this range can be reached. The call
                itself raises it.
        """

    def forget(self, object_id: int, *, frame_index: int | None = None) -> None:
        """Removes the object's prompt on one frame, or all of its prompts. Without a prompt,
        nothing happens.
        """

    def close(self) -> None:
        """Closes the video and frees the model's memory. `open` starts again. May be called
        twice.
        """
