"""One call of a pipeline: a seed and a prompt in, frames out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .error import first_line

UInt8Array = npt.NDArray[np.uint8]

BLACK = 8
"""A clip is black if no value is above this (of 255)."""


class FailedClipError(RuntimeError):
    """A clip that is unusable or could not be made; the message is the reason in its record."""


def generate_frames(
    pipeline: Any,
    arguments: Mapping[str, Any],
    *,
    prompt: str,
    negative_prompt: str | None,
    seed: int,
) -> UInt8Array:
    """uint8[T, H, W, 3] RGB. The random numbers come from the CPU, so that they are the same for
    every device.

    Raises:
        FailedClipError: out of memory, NaN or infinite values, a black clip, or an error of the
            device.
        ValueError, TypeError: the pipeline refuses its arguments.
    """
    import torch

    # Each clip gets its own generator, because using one changes its state.
    generator = torch.Generator("cpu").manual_seed(seed)
    negative = {} if negative_prompt is None else {"negative_prompt": negative_prompt}
    try:
        output = pipeline(
            prompt=prompt, **negative, **arguments, generator=generator, output_type="np"
        )
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise FailedClipError(f"out of memory ({first_line(error)})") from error
    except RuntimeError as error:
        kind = "out of memory" if "memory" in str(error).lower() else type(error).__name__
        raise FailedClipError(f"{kind} ({first_line(error)})") from error
    return checked_frames(output.frames[0])


def checked_frames(frames: Any) -> UInt8Array:
    """Frames as a pipeline gives them (float[T, H, W, 3] in 0..1, or images) as uint8[T, H, W, 3].

    Raises:
        FailedClipError: not finite, or black.
    """
    if isinstance(frames, list):
        frames = np.stack([np.asarray(frame) for frame in frames])
    if frames.dtype != np.uint8:
        broken = int((~np.isfinite(frames)).sum())
        if broken:
            raise FailedClipError(f"not finite ({broken} of {frames.size} values are no numbers)")
        frames = np.rint(np.clip(frames, 0, 1) * 255).astype(np.uint8)
    if not frames.size or frames.max() <= BLACK:
        raise FailedClipError(f"black (no value above {BLACK} of 255)")
    return np.ascontiguousarray(frames)
