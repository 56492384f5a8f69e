"""`maskfp/1` of bitmaps on their device: a separate pass over stored memory, never fused into the
decode.
"""

import torch

from ..arrays import wrong_sides, wrong_stack, wrong_value
from ..fingerprint import P as MODULUS, Weights, fingerprint_bitmaps, weights
from .place import Backend, backend_of

MAX_EXACT_SIDE = 65_793
"""The largest number of pixels in one float32 sum. 65,793 · 255 < 2²⁴, so every sum of 8-bit limbs
over 0 and 1 is exact, in any order.
"""

SLAB_BYTES = 32 << 20
"""Bytes of bitmaps that are converted to float32 at a time, which takes four times as much."""

_LIMBS = 4  # of 8 bits: weights are below 2³¹


def checked_tensor(masks: torch.Tensor) -> torch.Tensor:
    """The same memory as uint8[N, H, W], after a check that it holds only 0 and 1.

    Raises:
        MaskError: as for arrays, with the same messages.
    """
    if not isinstance(masks, torch.Tensor):
        raise wrong_stack(type(masks).__name__)
    if masks.ndim != 3 or masks.dtype not in (torch.bool, torch.uint8):
        raise wrong_stack(f"{str(masks.dtype).removeprefix('torch.')}{list(masks.shape)}")
    if masks.shape[1] < 1 or masks.shape[2] < 1:
        raise wrong_sides(masks.shape[1], masks.shape[2])
    bits = masks.view(torch.uint8)
    if len(bits) and int(bits.amax()) > 1:
        largest = bits.amax(dim=(1, 2))
        index = int((largest > 1).nonzero()[0, 0])
        raise wrong_value(index, int(largest[index]))
    return bits


def fingerprint(masks: torch.Tensor, *, backend: Backend | None = None) -> torch.Tensor:
    """Fingerprint of every bitmap, int64[N] on the device of the bitmaps, each >= 0; equal to
    `fingerprint_bitmaps`.

    Args:
        masks: uint8 or bool [N, H, W] of 0 and 1; column-major memory (as `decode` returns) and
            row-major are read as they are.
        backend: as in `decode`; "triton" works as "torch" does.

    Raises:
        MaskError: another shape, dtype or value.
    """
    bits = checked_tensor(masks)
    if (backend or backend_of(bits.device)) == "numpy":
        return torch.from_numpy(fingerprint_bitmaps(bits.numpy()))
    return fingerprint_unchecked(bits)


def fingerprint_unchecked(bits: torch.Tensor) -> torch.Tensor:
    """Like `fingerprint`, for uint8[N, H, W]. The values are not checked, which saves one pass."""
    of_size = weights(bits.shape[1], bits.shape[2])
    if bits.transpose(1, 2).is_contiguous():
        lanes = _lanes(bits.transpose(1, 2), of_size, inner="rows")
    else:
        lanes = _lanes(bits.contiguous(), of_size, inner="columns")
    return lanes[:, 1] << 32 | lanes[:, 0]


def _lanes(planes: torch.Tensor, of_size: Weights, *, inner: str) -> torch.Tensor:
    """int64[N, 2] of contiguous uint8[N, A, B]: weights along B are summed by matrix products,
    those along A in int64.
    """
    along_a, along_b = (
        (of_size.columns, of_size.rows) if inner == "rows" else (of_size.rows, of_size.columns)
    )
    device = planes.device
    count, length_a, length_b = planes.shape
    outer = torch.from_numpy(along_a.T.copy()).to(device)
    limbs = limbs_of(torch.from_numpy(along_b.T.copy())).to(device)
    lines = planes.reshape(count * length_a, length_b)
    lanes = torch.from_numpy(of_size.origin.copy()).to(device).repeat(count, 1)
    step = max(1, SLAB_BYTES // length_b)
    for start in range(0, len(lines), step):
        slab = lines[start : start + step]
        line = torch.arange(start, start + len(slab), device=device)
        terms = _weighted_sums(slab, limbs) * outer[line % length_a] % MODULUS
        # At most 2²⁰ lines of less than 2³¹ each.
        lanes.index_add_(0, line // length_a, terms)
    return lanes % MODULUS


def limbs_of(weights_b: torch.Tensor) -> torch.Tensor:
    """float32[B, 2 · 4] of 0 to 255: the limbs of both lanes' weights int64[B, 2], lowest first."""
    shifts = torch.arange(0, 8 * _LIMBS, 8)
    return (weights_b[:, :, None] >> shifts & 255).reshape(len(weights_b), -1).to(torch.float32)


def _weighted_sums(slab: torch.Tensor, limbs: torch.Tensor) -> torch.Tensor:
    """int64[L, 2]: Σ of the weights under the ones of each line of uint8[L, B], modulo p."""
    sums = torch.zeros((len(slab), limbs.shape[1]), dtype=torch.int64, device=slab.device)
    for start in range(0, slab.shape[1], MAX_EXACT_SIDE):
        part = slice(start, start + MAX_EXACT_SIDE)
        sums += _product(slab[:, part], limbs[part])
    shifts = torch.arange(0, 8 * _LIMBS, 8, device=slab.device)
    return (sums.reshape(len(slab), 2, _LIMBS) << shifts).sum(dim=2) % MODULUS


def _product(ones: torch.Tensor, limbs: torch.Tensor) -> torch.Tensor:
    """int64[L, 8] of uint8[L, B] and float32[B, 8], exact: 0, 1 and 0 … 255 survive TF32 and
    bfloat16, sums stay float32.
    """
    # Under autocast the product itself would be half precision, and sums above 2048 wrong.
    with torch.autocast(device_type=ones.device.type, enabled=False):
        return (ones.to(torch.float32) @ limbs).to(torch.int64)
