"""Encodes bitmaps on a device as strings on the host: only run data leaves the device."""

import numpy as np
import torch

from .. import bitmaps
from ..arrays import Int64Array
from ..runs import checked_size, format_runs
from .fingerprints import checked_tensor
from .place import Backend, backend_of

STEP_BYTES = 64 << 20
"""Bytes of bitmaps that are encoded at a time (at least one mask); this needs about twice as much
more, and 8 bytes per run.
"""


def encode(masks: torch.Tensor, *, backend: Backend | None = None) -> list[str]:
    """Canonical COCO RLE strings of N masks of one size, as `brokenvideos.masks.encode` gives them.

    Args:
        masks: uint8 or bool [N, H, W] of 0 and 1 on any device; column-major memory (as `decode`
            returns) is fastest.
        backend: as in `decode`; "triton" works as "torch" does.

    Raises:
        MaskError: another shape, dtype or value.
        RLEError: 2³¹ pixels and more in one mask.
    """
    bits = checked_tensor(masks)
    if (backend or backend_of(bits.device)) == "numpy":
        return bitmaps.encode(bits.numpy())
    height, width = checked_size(bits.shape[1], bits.shape[2])
    step = max(1, STEP_BYTES // (height * width))
    strings = []
    for start in range(0, len(bits), step):
        part = bits[start : start + step]
        runs = bitmaps.runs_of_switches(_switches(part), len(part), height=height, width=width)
        strings += format_runs(runs)
    return strings


def _switches(bits: torch.Tensor) -> Int64Array:
    """The positions of the pixels that differ from the pixel before, counted through all masks of
    uint8[N, H, W].
    """
    count, height, width = bits.shape
    pixels = bits.transpose(1, 2).reshape(count, width * height)
    is_switch = torch.empty(pixels.shape, dtype=torch.bool, device=bits.device)
    torch.ne(pixels[:, 1:], pixels[:, :-1], out=is_switch[:, 1:])
    is_switch[:, 0] = pixels[:, 0] > 0  # runs start with background
    # int32 within its mask and a count per mask: half of what int64 places would be.
    places = (is_switch.view(-1).nonzero()[:, 0] % (width * height)).to(torch.int32).cpu().numpy()
    per_mask = is_switch.sum(dim=1).cpu().numpy()
    switches: Int64Array = places + np.repeat(np.arange(count) * (height * width), per_mask)
    return switches
