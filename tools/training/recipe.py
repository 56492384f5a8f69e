"""The record of a recipe: everything that is special to one model. The trainer does the rest."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

Batch = Mapping[str, Any]

EXTRA = ("accelerate", "safetensors", "tensorboard", "torchdata", "transformers")
"""Libraries of the extra `train`."""


class TrainError(ValueError):
    """A training that cannot start or continue as asked; the message says what to change."""


def need_extra(command: str) -> None:
    """Checks that the libraries of the extra `train` are installed, without importing them.

    Raises:
        TrainError: some are missing; the message names them, the command that needs them, and how
            to install them.
    """
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise TrainError(
            f"{command} needs {', '.join(missing)}. Install them in a checkout: pip install "
            "'.[train]'."
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """A model and how it is trained. The recipe's own module imports torch and the model's library.

    A batch holds `video` float32[B, T, 3, H, W] in [0, 1] and, in training, `masks`
    float32[B, T, H, W] of 0 and 1, `valid` bool[B, T], `video_id` (list of str) and `frame_index`
    int64[B, T], all on the model's device.

    make: (init) -> the model; init is a checkpoint's path or id, None: new weights.
    load: (folder) -> the model that `model.save_pretrained(folder)` has written there.
    logits: (model, batch) -> float[B, T, h, w] of any h and w; the trainer scales them to the masks
        or to the video's own size. Call the model as `model(…)`, because it may be wrapped for
        several GPUs.
    loss: (logits[B, T, H, W] at the masks' size, batch) -> a scalar.
    parameters: (model) -> the parameters that are trained.
    size: (height, width) that clips are scaled to. num_frames: number of frames of a clip, and of a
    window at prediction. context: number of frames before and after a window that the model also
    sees at prediction, if the video has them. crop, flip: as in `brokenvideos.clips`. augment:
    whether clips may be changed; False if the recipe caches features of frames.
    """

    name: str
    make: "Callable[[str | None], nn.Module]"
    load: "Callable[[Path], nn.Module]"
    logits: "Callable[[nn.Module, Batch], Tensor]"
    loss: "Callable[[Tensor, Batch], Tensor]"
    parameters: "Callable[[nn.Module], Iterable[nn.Parameter]]"
    size: tuple[int, int]
    num_frames: int
    batch_size: int
    lr: float
    weight_decay: float
    context: int = 0
    crop: float = 1.0
    flip: float = 0.5
    augment: bool = True
