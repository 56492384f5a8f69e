"""What an engine for interactive segmentation is asked, and what it answers.

One engine holds one video at a time. It is called from one thread at a time; `propagate` stands still between two masks, and no
other method is called while its generator is open.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
UInt8Array = npt.NDArray[np.uint8]


class EngineError(RuntimeError):
    """An engine cannot do what was asked; the message is one line for the person at the screen."""


@dataclass(frozen=True, slots=True)
class Click:
    """A point that belongs to the object, or with `positive` False one that does not.

    `x`, `y`: pixels of the decoded grid, which is never rotated; the pixel in row r and column c is where c <= x < c + 1 and
    r <= y < r + 1.
    """

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """Everything that a person has said about one object on one frame.

    With a mask and nothing else the mask is the person's own word: `Engine.prompt` gives back the same pixels, an empty mask
    included, which says that the object is not there. With a mask and clicks the person started from the mask and clicked
    afterwards. A box comes before the clicks. The answer depends on what the prompt says, not on the calls before it.

    Args:
        object_id: 1 and up.
        clicks: in the order in which they were made.
        box: x0, y0, x1, y1 in pixels, x0 < x1 and y0 < y1; None for no box.
        mask: bool[H, W] of the decoded grid, drawn or accepted by a person, never with a box; None for none.
    """

    object_id: int
    frame_index: int
    clicks: tuple[Click, ...] = ()
    box: tuple[float, float, float, float] | None = None
    mask: BoolArray | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether the mask alone speaks."""
        return self.mask is not None and not self.clicks and self.box is None


class Frames(Protocol):
    """The frames of a video, decoded when they are asked for: `frames[frame_index]` is uint8[H, W, 3], RGB."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def __len__(self) -> int: ...

    def __getitem__(self, frame_index: int, /) -> UInt8Array: ...


class Engine(Protocol):
    """Masks from what people say about a video."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What the log has to know for running the same prompts again: engine, versions, resize rule, device; of a model also its
        id and the SHA-256 of its weights."""

    def open(self, frames: Frames) -> None:
        """Starts on a video, without prompts; what was known of another one is gone."""

    def prepare(self, frame_index: int) -> None:
        """Computes in advance what the first prompt on this frame will need. Nothing changes but time."""

    def prompt(self, prompt: Prompt) -> BoolArray:
        """The object's mask on the frame, bool[H, W]. Replaces what was said about this object on this frame before.

        Raises:
            EngineError: the prompt is empty or outside the video, or nothing is found where it points.
        """

    def propagate(self, object_ids: Sequence[int], *, first: int, last: int) -> Generator[tuple[int, int, BoolArray]]:
        """(frame_index, object_id, bool[H, W]) from frame `first` to `last`, both included; backwards where first > last.

        The objects are carried from the frames with prompts, whether these lie in the range or not. A frame on which an object has
        a prompt is never given for that object: its mask stands as `prompt` gave it. Frames before an object's first prompt, in the
        direction of travel, are left out for it too. Empty masks are given as such: the object was not found there. Closing the
        generator cancels; what was given until then was right.

        Raises:
            EngineError: an object has no prompt from which this range can be reached. Raised by the call itself.
        """

    def forget(self, object_id: int, *, frame_index: int | None = None) -> None:
        """Takes back what was said about the object, on one frame or everywhere. Nothing happens where nothing was said."""

    def close(self) -> None:
        """Lets go of the video and of the model's memory; `open` starts again. May be called twice."""
