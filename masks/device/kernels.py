"""Triton kernels: one program parses one string, or draws one part of one mask.

They are tested in Triton's interpreter (TRITON_INTERPRET=1) and compiled for sm_90. They have never
run on a GPU so far.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
# ruff: noqa: N803 - constants are in capitals, as Triton's own kernels have them

import torch
import triton
import triton.language as tl

from .parse import DeviceRuns

_PARSE_BLOCK = 256  # bytes; real masks have 200 to 900
_RASTER_LANES = 1024

# Triton asks for a decision; there is no floating point here.
_NO_FUSION = {"enable_fp_fusion": False}


@triton.jit
def parse_kernel(text, bounds, pixels, ends, counts, broken, BLOCK: tl.constexpr):
    """Mask i writes its run ends to ends[start of its string:], as it has at most one run per byte;
    rules as `parse.Rule`.
    """
    index = tl.program_id(0)
    stop = tl.load(bounds + index)
    start = tl.load(bounds + index - 1, mask=index > 0, other=0)
    pixel_count = tl.load(pixels + index)
    lanes = tl.arange(0, BLOCK)
    runs_before = start * 0
    even_before = start * 0
    odd_before = start * 0
    end_before = start * 0
    first_rule = tl.full((), 8, tl.int32)
    block = start
    # not range(): interpreters before Triton 3.9 cannot count to a loaded value under NumPy 2.4
    while block < stop:
        at = block + lanes
        inside = at < stop
        group = tl.load(text + at, mask=inside, other=48).to(tl.int32) - 48
        is_last = inside & (group < 32)
        value = (((group & 31) ^ 16) - 16).to(tl.int64)
        alive = is_last
        says_nothing = is_last & (group > 31)
        for back in tl.static_range(1, 8):
            reach = alive & (at - back >= start)
            before = tl.load(text + at - back, mask=reach, other=48).to(tl.int32) - 48
            alive = reach & (before > 31)
            if back == 1:
                says_nothing = alive & (group == tl.where((before & 16) > 0, 31, 0))
            if back < 7:
                value = tl.where(alive, (value << 5) | (before & 31), value)
        ordinal = runs_before + tl.cumsum(is_last.to(tl.int64), axis=0) - 1
        is_odd = (ordinal & 1) == 1
        is_first = ordinal == 0
        # Differences add up in two lanes, even and odd runs, without run 0: the third run does not
        # build on it.
        step = tl.where(is_last & (ordinal > 0), value, 0)
        even_step = tl.where(is_odd, 0, step)
        odd_step = tl.where(is_odd, step, 0)
        even = even_before + tl.cumsum(even_step, axis=0)
        odd = odd_before + tl.cumsum(odd_step, axis=0)
        length = tl.where(is_last, tl.where(is_first, value, tl.where(is_odd, odd, even)), 0)
        end = end_before + tl.cumsum(length, axis=0)
        rule = tl.where(is_last & (length == 0) & (ordinal > 0), 6, 8)
        rule = tl.where(is_last & (length > pixel_count), 5, rule)
        rule = tl.where(is_last & (length < 0), 4, rule)
        rule = tl.where(says_nothing, 3, rule)
        rule = tl.where(alive, 2, rule)
        rule = tl.where(inside & (at == stop - 1) & (group > 31), 1, rule)
        rule = tl.where(inside & ((group < 0) | (group > 63)), 0, rule)
        first_rule = tl.minimum(first_rule, tl.min(rule, axis=0))
        tl.store(ends + start + ordinal, end.to(tl.int32), mask=is_last)
        runs_before += tl.sum(is_last.to(tl.int64), axis=0)
        even_before += tl.sum(even_step, axis=0)
        odd_before += tl.sum(odd_step, axis=0)
        end_before += tl.sum(length, axis=0)
        block += BLOCK
    first_rule = tl.where((end_before != pixel_count) & (first_rule > 7), 7, first_rule)
    tl.store(counts + index, runs_before)
    tl.store(broken + index, first_rule)


@triton.jit
def raster_kernel(
    ends,
    starts,
    counts,
    out,
    pixels,
    row_words,
    blocks,
    LANE_PIXELS: tl.constexpr,
    PACKED: tl.constexpr,
    LANES: tl.constexpr,
):
    """Draws LANES · LANE_PIXELS pixels of one mask.

    A lane holds its pixels as bits. Every run end inside this part flips the bits after it. A real
    mask has only few run ends in a part. Noise has as many as pixels, which is slow but correct.
    """
    program = tl.program_id(0).to(tl.int64)
    index = program // blocks
    block = program % blocks
    first = tl.load(starts + index)
    count = tl.load(counts + index)
    base = block * (LANES * LANE_PIXELS)
    stop = tl.minimum(base + LANES * LANE_PIXELS, pixels)
    # How many runs end at or before the first pixel.
    low = count * 0
    high = count
    while low < high:
        middle = (low + high) // 2
        is_before = tl.load(ends + first + middle) <= base
        low = tl.where(is_before, middle + 1, low)
        high = tl.where(is_before, high, middle)
    lanes = tl.arange(0, LANES)
    begin = base + lanes * LANE_PIXELS
    every: tl.constexpr = (1 << LANE_PIXELS) - 1
    bits = tl.zeros((LANES,), tl.int32) + tl.where((low & 1) == 1, every, 0).to(tl.int32)
    end = tl.load(ends + first + low, mask=low < count, other=2147483647).to(tl.int64)
    while end < stop:
        shift = tl.minimum(tl.maximum(end - begin, 0), LANE_PIXELS).to(tl.int32)
        bits = bits ^ ((every << shift) & every)
        low += 1
        end = tl.load(ends + first + low, mask=low < count, other=2147483647).to(tl.int64)
    word = block * LANES + lanes
    if PACKED:
        inside = tl.minimum(tl.maximum(pixels - begin, 0), LANE_PIXELS).to(tl.int32)
        value = bits & ((1 << inside) - 1)
    elif LANE_PIXELS == 4:
        # Bit i of the four to byte i of the word.
        value = (bits * 0x204081) & 0x1010101
    else:
        value = bits
    tl.store(out + index * row_words + word, value.to(out.dtype.element_ty), mask=begin < pixels)


def parse(text: torch.Tensor, bounds: torch.Tensor, pixels: torch.Tensor) -> DeviceRuns:
    """Like `brokenvideos.masks.device.parse.parse`, without waiting for the device.

    The runs of a mask are at the same positions as its string.
    """
    ends = torch.empty(len(text), dtype=torch.int32, device=text.device)
    counts = torch.empty_like(bounds)
    broken = torch.empty(len(bounds), dtype=torch.int32, device=text.device)
    with _on(text.device):
        parse_kernel[(len(bounds),)](
            text, bounds, pixels, ends, counts, broken, BLOCK=_PARSE_BLOCK, **_NO_FUSION
        )
    starts = torch.cat([torch.zeros_like(bounds[:1]), bounds[:-1]])
    return DeviceRuns(ends, starts, counts, broken)


def raster(runs: DeviceRuns, planes: torch.Tensor, *, pixels: int) -> None:
    """Writes every mask into its row of `planes`, contiguous uint8[N, pixels], as 0 and 1 in
    column-major order.
    """
    if pixels % 4 == 0 and planes.data_ptr() % 4 == 0:
        _launch(runs, planes.view(torch.int32), pixels=pixels, lane_pixels=4, packed=False)
    else:
        _launch(runs, planes, pixels=pixels, lane_pixels=1, packed=False)


def raster_packed(runs: DeviceRuns, rows: torch.Tensor, *, pixels: int) -> None:
    """Writes every mask into its row of `rows`, contiguous uint8[N, ceil(pixels / 8)]: pixel p is
    bit p % 8 of byte p // 8.
    """
    _launch(runs, rows, pixels=pixels, lane_pixels=8, packed=True)


def _launch(
    runs: DeviceRuns, out: torch.Tensor, *, pixels: int, lane_pixels: int, packed: bool
) -> None:
    if not len(runs.starts):
        return
    blocks = -(-pixels // (_RASTER_LANES * lane_pixels))
    with _on(out.device):
        raster_kernel[(len(runs.starts) * blocks,)](
            runs.ends,
            runs.starts,
            runs.counts,
            out,
            pixels,
            out.shape[1],
            blocks,
            LANE_PIXELS=lane_pixels,
            PACKED=packed,
            LANES=_RASTER_LANES,
            **_NO_FUSION,
        )


def _on(device: torch.device) -> torch.cuda.device:
    """Triton launches on the current device."""
    return torch.cuda.device(device if device.type == "cuda" else -1)
