"""Frames in the form for models: a normalised float32 square, computed when it is needed."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from .protocol import BoolArray, EngineError, Frames

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet, for the normalisation that checkpoints of SAM 2
expect.
"""
RESIZE = "frames to a square, bilinear with antialias; mask logits to the frame, bilinear > 0"


@dataclass(frozen=True, slots=True, eq=False)
class ModelFrames:
    """float32[3, side, side] on `device` for each frame of a video."""

    frames: Frames
    side: int
    device: torch.device
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame_index: int) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(self.frames[frame_index])).to(self.device)
        image = pixels.permute(2, 0, 1)[None].float() / 255
        image = interpolate(image, size=(self.side, self.side), mode="bilinear", antialias=True)[0]
        mean, std = (image.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (image - mean) / std


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """Features from the image encoder for the last used frames."""

    size: int = 3
    kept: OrderedDict[int, Any] = field(default_factory=OrderedDict)

    def get(self, frame_index: int) -> Any:
        """The features of a frame; None if they are not kept."""
        if frame_index in self.kept:
            self.kept.move_to_end(frame_index)
        return self.kept.get(frame_index)

    def put(self, frame_index: int, features: Any) -> None:
        """Keeps the features of a frame, and forgets those that were not used for longest."""
        self.kept[frame_index] = features
        self.kept.move_to_end(frame_index)
        while len(self.kept) > self.size:
            self.kept.popitem(last=False)


def to_mask(logits: Tensor, frames: Frames) -> BoolArray:
    """bool[H, W] of the video from logits float[1, 1, h, w]."""
    scaled = interpolate(
        logits.float(), size=(frames.height, frames.width), mode="bilinear", align_corners=False
    )
    return np.asarray((scaled[0, 0] > 0).cpu().numpy(), np.bool_)


def pick_device(name: str | None) -> torch.device:
    """The device of that name; by default cuda where there is one, else cpu."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter from a torch without CUDA
        reason = next(iter(str(error).splitlines()), "")
        raise EngineError(
            f"--device {name}: torch cannot use it ({reason}). Use cpu, or leave it out."
        ) from error
    return device
