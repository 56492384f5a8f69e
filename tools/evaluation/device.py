"""Computes the counts of `counts.count_bitmaps` from torch tensors, on their device."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from .counts import Counts
from .kernel import boundary_radius

# Bytes of the boundary maps that are grown at once. The intermediate sums take about ten times as
# many.
CHUNK_BYTES = 64 << 20


def count_tensors(
    truth: torch.Tensor, pred: torch.Tensor, *, frames: Sequence[int] | None = None
) -> Counts:
    """Counts of the frames of one video.

    Args:
        truth, pred: bool or uint8 [N, H, W] of 0 and 1, on one device.
        frames: N indices, ascending; None: 0 ... N - 1.

    Raises:
        ValueError: the shapes differ, or there are values other than 0 and 1.
    """
    if truth.ndim != 3 or truth.shape != pred.shape:
        raise ValueError(
            f"truth has the shape {list(truth.shape)}, pred {list(pred.shape)}; wanted one shape "
            "[N, H, W]: score at the size of the truth."
        )
    for name, masks in (("truth", truth), ("pred", pred)):
        if masks.dtype not in (torch.bool, torch.uint8):
            raise ValueError(
                f"{name} is {masks.dtype}, wanted bool or uint8 of 0 and 1. Compare first: pred > "
                "0.5."
            )
        if masks.dtype == torch.uint8 and masks.numel() and int(masks.max()) > 1:
            raise ValueError(
                f"{name} holds the value {int(masks.max())}, wanted only 0 and 1. Compare first: "
                "pred > 0."
            )
    count, height, width = truth.shape
    step = max(1, CHUNK_BYTES // (height * width))
    parts = [
        _count(truth[start : start + step].bool(), pred[start : start + step].bool())
        for start in range(0, count, step)
    ]
    columns = (
        np.concatenate([part.cpu().numpy() for part in parts], axis=1)
        if parts
        else np.zeros((7, 0), np.int64)
    )
    indices = np.arange(count) if frames is None else np.array(frames, np.int64)
    return Counts(height, width, indices, *columns)


def _count(truth: torch.Tensor, pred: torch.Tensor) -> torch.Tensor:
    """The counts int64[7, N], in the order of `counts.FIELDS`."""
    radius = boundary_radius(truth.shape[1], truth.shape[2])
    truth_boundary, pred_boundary = _boundary(truth), _boundary(pred)
    planes = (
        truth,
        pred,
        truth & pred,
        truth_boundary,
        pred_boundary,
        truth_boundary & _grow(pred_boundary, radius),
        pred_boundary & _grow(truth_boundary, radius),
    )
    return torch.stack([plane.sum(dim=(1, 2), dtype=torch.int64) for plane in planes])


def _boundary(masks: torch.Tensor) -> torch.Tensor:
    """Pixels that differ from their right, lower or lower right neighbour.

    Outside the frame, the pixels of its edge are repeated.
    """
    below = torch.cat([masks[:, 1:], masks[:, -1:]], dim=1)
    differs_below = masks ^ below
    beside = torch.cat([masks[:, :, 1:], masks[:, :, -1:]], dim=2)
    beside_differs_below = torch.cat([differs_below[:, :, 1:], differs_below[:, :, -1:]], dim=2)
    return differs_below | (masks ^ beside) | beside_differs_below


def _grow(boundaries: torch.Tensor, radius: int) -> torch.Tensor:
    """All pixels within the radius of a set pixel: the union of a disk around each.

    A disk is made of one horizontal bar for each of its rows.
    """
    count, height, width = boundaries.shape
    before = torch.zeros((count, height, width + 1), dtype=torch.int32, device=boundaries.device)
    torch.cumsum(boundaries, dim=2, dtype=torch.int32, out=before[:, :, 1:])
    columns = torch.arange(width, device=boundaries.device)
    grown = torch.zeros_like(boundaries)
    for rows in range(min(radius, height - 1) + 1):
        half_width = math.isqrt(radius * radius - rows * rows)
        first, end = (
            (columns - half_width).clamp(min=0),
            (columns + half_width + 1).clamp(max=width),
        )
        bars = before[:, :, end] > before[:, :, first]
        grown[:, rows:] |= bars[:, : height - rows]
        if rows:
            grown[:, : height - rows] |= bars[:, rows:]
    return grown
