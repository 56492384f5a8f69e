"""Losses of mask logits, over annotated frames only."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

SCORE_SHARE = 0.005
"""Share of a frame's pixels, those with the highest logits, that gives the frame's score."""

RARE = -3.0
"""Logit of every pixel before the first step, for a new last layer: few pixels have an artifact. A
network that starts at 0 learns first what is normal: features that lower the logit. Where it has
none, the logit is the bias of the last layer, and no frame can ever get a higher score.

Source: Lin et al., ICCV 2017 (focal loss; the prior of a rare class), here 0.05.
"""


def highest(logits: Tensor) -> Tensor:
    """float[..., K]: the SCORE_SHARE highest of logits[..., H, W], at least one."""
    pixels = logits.flatten(-2)
    values: Tensor = pixels.topk(max(round(SCORE_SHARE * pixels.shape[-1]), 1)).values
    return values


def mask_loss(
    logits: Tensor,
    batch: Mapping[str, Any],
    *,
    bce: float = 1.0,
    dice: float = 1.0,
    frame: float = 0.2,
) -> Tensor:
    """Weighted sum of three means over `valid` frames; 0 if no frame is valid.

    They are: cross entropy of pixels; soft Dice of each frame with an artifact, because in J each
    such frame has the same weight, however small its artifact is; and cross entropy of the mean of
    a frame's `highest` logits, the score that says whether the frame has an artifact.

    Args:
        logits: float[B, T, H, W], the size of the masks.
        batch: with `masks` [B, T, H, W] of 0 and 1 and `valid` bool[B, T].

    Source: Milletari et al., 3DV 2016 (soft Dice with squares).
    """
    logits, target = logits.float(), batch["masks"].float()
    is_valid = batch["valid"].to(target.dtype)
    entropy = binary_cross_entropy_with_logits(logits, target, reduction="none").mean((2, 3))
    probability = logits.sigmoid()
    both = (probability * target).sum((2, 3))
    total = (probability.square() + target).sum((2, 3))
    marked = target.flatten(2).amax(2)
    overlap = 1 - 2 * both / total.clamp(min=1e-6)
    presence = binary_cross_entropy_with_logits(highest(logits).mean(-1), marked, reduction="none")
    loss: Tensor = (
        bce * _mean(entropy, is_valid)
        + dice * _mean(overlap, is_valid * marked)
        + frame * _mean(presence, is_valid)
    )
    return loss


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)


def flat_parameters(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The parameters that need gradients."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
