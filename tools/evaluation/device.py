"""The same integers as `counts.count_bitmaps`, from torch tensors on the device where they are."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from .counts import Counts
from .kernel import boundary_radius

# Of boundary maps that are grown at once; the intermediate sums take about ten times as much.
CHUNK_BYTES = 64 << 20


def count_tensors(truth: torch.Tensor, pred: torch.Tensor, *, frames: Sequence[int] | None = None) -> Counts:
    """Counts of the frames of one video.

    Args:
        truth, pred: bool or uint8 [N, H, W] of 0 and 1, on one device.
        frames: N indices, ascending; None: 0 ... N - 1.

    Raises:
        ValueError: not of one shape, or other values.
    """
    if truth.ndim != 3 or truth.shape != pred.shape:
        raise ValueError(
            f"truth has the shape {list(truth.shape)}, pred {list(pred.shape)}; wanted one shape [N, H, W]: "
            "score at the size of the truth."
        )
    for name, masks in (("truth", truth), ("pred", pred)):
        if masks.dtype not in (torch.bool, torch.uint8):
            raise ValueError(f"{name} is {masks.dtype}, wanted bool or uint8 of 0 and 1. Compare first: pred > 0.5.")
        if masks.dtype == torch.uint8 and masks.numel() and int(masks.max()) > 1:
            raise ValueError(
                f"{name} holds the value {int(masks.max())}, wanted only 0 and 1. Compare first: pred > 0."
            )
    count, height, width = truth.shape
    step = max(1, CHUNK_BYTES // (height * width))
    parts = [
        _count(truth[start : start + step].bool(), pred[start : start + step].bool()) for start in range(0, count, step)
    ]
    columns = np.concatenate([part.cpu().numpy() for part in parts], axis=1) if parts else np.zeros((7, 0), np.int64)
    indices = np.arange(count) if frames is None else np.array(frames, np.int64)
    return Counts(height, width, indices, *columns)


def _count(truth: torch.Tensor, pred: torch.Tensor) -> torch.Tensor:
    """int64[7, N], in the order of `counts.FIELDS`."""
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
    """Pixels that differ from their right, lower or lower right neighbour; beyond the edge lies a copy of it."""
    below = torch.cat([masks[:, 1:], masks[:, -1:]], dim=1)
    differs_below = masks ^ below
    beside = torch.cat([masks[:, :, 1:], masks[:, :, -1:]], dim=2)
    beside_differs_below = torch.cat([differs_below[:, :, 1:], differs_below[:, :, -1:]], dim=2)
    return differs_below | (masks ^ beside) | beside_differs_below


def _grow(boundaries: torch.Tensor, radius: int) -> torch.Tensor:
    """All pixels within the radius of one that is set: row by row, a bar as wide as the disk is there."""
    count, height, width = boundaries.shape
    before = torch.zeros((count, height, width + 1), dtype=torch.int32, device=boundaries.device)
    torch.cumsum(boundaries, dim=2, dtype=torch.int32, out=before[:, :, 1:])
    columns = torch.arange(width, device=boundaries.device)
    grown = torch.zeros_like(boundaries)
    for rows in range(min(radius, height - 1) + 1):
        half_width = math.isqrt(radius * radius - rows * rows)
        first, end = (columns - half_width).clamp(min=0), (columns + half_width + 1).clamp(max=width)
        bars = before[:, :, end] > before[:, :, first]
        grown[:, rows:] |= bars[:, : height - rows]
        if rows:
            grown[:, : height - rows] |= bars[:, rows:]
    return grown
