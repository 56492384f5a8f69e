"""Losses of mask logits, where a person has looked."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def bce_dice(
    logits: Tensor, batch: Mapping[str, Any], *, bce: float = 1.0, dice: float = 1.0, positive: float = 1.0
) -> Tensor:
    """Weighted sum of cross entropy per pixel and soft Dice per clip, over frames that are `valid`; 0 where none is.

    Args:
        logits: float[B, T, H, W], the size of the masks.
        batch: with `masks` [B, T, H, W] of 0 and 1 and `valid` bool[B, T].
        positive: weight of artifact pixels in the cross entropy.

    Source: Milletari et al., 3DV 2016 (soft Dice with squares), one quotient for each clip that has an artifact.
    """
    logits, target = logits.float(), batch["masks"].float()
    known = batch["valid"][:, :, None, None].to(target.dtype).expand_as(target)
    pixels = known.sum().clamp(min=1)
    weight = known * (1 + (positive - 1) * target)
    entropy = binary_cross_entropy_with_logits(logits, target, weight=weight, reduction="sum") / pixels
    probability = logits.sigmoid() * known
    over = (1, 2, 3)
    both = (probability * target).sum(over)
    total = (probability.square() + target * known).sum(over)
    marked = ((target * known).sum(over) > 0).to(target.dtype)
    overlap = (marked * (1 - 2 * both / total.clamp(min=1e-6))).sum() / marked.sum().clamp(min=1)
    loss: Tensor = bce * entropy + dice * overlap
    return loss


def flat_parameters(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The parameters that ask for gradients."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
