"""Runs to bitmaps and packed bits, as torch operations or by kernels."""

import torch

from .parse import DeviceRuns
from .place import Backend

STEP_RUNS = 1 << 21
"""Number of runs that torch operations draw at a time; they take about 60 bytes per run."""


def select(runs: DeviceRuns, masks: torch.Tensor) -> DeviceRuns:
    """The runs of these masks, int64[n] on any device; the ends stay where they are."""
    at = masks.to(runs.starts.device)
    return DeviceRuns(runs.ends, runs.starts[at], runs.counts[at], runs.broken[at])


def draw(runs: DeviceRuns, planes: torch.Tensor, *, pixels: int, backend: Backend) -> None:
    """Writes every mask into its row of `planes`, contiguous uint8[N, pixels], as 0 and 1 in
    column-major order.
    """
    if backend == "triton":
        from . import kernels

        kernels.raster(runs, planes, pixels=pixels)
        return
    # +1 where a foreground run starts and -1 where it ends, then a cumulative sum in place, so that
    # each pixel needs only one byte.
    steps = planes.view(torch.int8)
    steps.zero_()
    for start, stop in _steps(runs.counts):
        # The last run of a mask ends after its last pixel.
        counts = runs.counts[start:stop] - 1
        total = int(counts.sum())
        row = torch.repeat_interleave(counts, output_size=total)
        ordinal = torch.arange(total, device=planes.device) - (counts.cumsum(0) - counts)[row]
        at = runs.ends[runs.starts[start:stop][row] + ordinal] + (start + row) * pixels
        steps.view(-1)[at] = (1 - 2 * (ordinal % 2)).to(torch.int8)
    steps.cumsum_(1, dtype=torch.int8)


def draw_packed(runs: DeviceRuns, rows: torch.Tensor, *, pixels: int, backend: Backend) -> None:
    """Writes every mask into its row of `rows`, contiguous uint8[N, packed_width(pixels)], eight
    pixels a byte.
    """
    if backend == "triton":
        from . import kernels

        kernels.raster_packed(runs, rows, pixels=pixels)
        return
    planes = torch.zeros((len(rows), rows.shape[1] * 8), dtype=torch.uint8, device=rows.device)
    bitmaps = torch.empty((len(rows), pixels), dtype=torch.uint8, device=rows.device)
    draw(runs, bitmaps, pixels=pixels, backend=backend)
    planes[:, :pixels] = bitmaps
    rows.zero_()
    for bit in range(8):
        rows |= planes[:, bit::8] << bit


def packed_width(pixels: int) -> int:
    """Bytes of one packed mask."""
    return -(-pixels // 8)


def _steps(counts: torch.Tensor) -> list[tuple[int, int]]:
    """Groups of masks with at most STEP_RUNS runs together, but at least one mask."""
    sums = counts.cumsum(0).cpu()
    steps = []
    start, before = 0, 0
    while start < len(sums):
        stop = max(start + 1, int(torch.searchsorted(sums, before + STEP_RUNS, right=True)))
        steps.append((start, stop))
        start, before = stop, int(sums[stop - 1])
    return steps
