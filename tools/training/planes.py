"""The input planes of the recipe `unet`: the pixels, and values that a small network could hardly
compute itself.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad, pixel_unshuffle

OFFSETS = (-2, -1, 1, 2)
"""Offsets of the frames whose grey levels are subtracted from each frame's."""

MATCHED = (-1, 1)
"""Offsets of the frames in which the best match of each block is searched."""

REACH = 3
"""Search range of the match, in blocks."""

BLOCK = 2
"""Side of a block in pixels."""

_CHANGES = 3 * BLOCK**2
_LAPLACIAN = _CHANGES + len(OFFSETS) * BLOCK**2
_DETAIL = _LAPLACIAN + BLOCK**2
_MATCHES = _DETAIL + 1
NUM_PLANES = _MATCHES + 3 * len(MATCHED)

APPEARANCE = (*range(_CHANGES), *range(_LAPLACIAN, _MATCHES))
"""The planes that one frame alone has: RGB, the Laplacian and the amount of detail."""

FLOWED = (-3, 3)
"""Offsets of the frames that `flow_planes` warps onto each frame."""

NUM_FLOW_PLANES = 2 * len(FLOWED)

_LUMA = (0.299, 0.587, 0.114)


@torch.no_grad()
def model_planes(video: Tensor) -> Tensor:
    """float[B, T, NUM_PLANES, ceil(H / 2), ceil(W / 2)] of a clip float[B, T, 3, H, W] in [0, 1];
    values around 0, about 1 in size.

    For every pixel of a block: RGB, grey levels minus those of the frames at OFFSETS (at a clip's
    ends, of the last frame there), and the Laplacian of the grey levels. For a block: its amount of
    detail, and how well and where it matches in each frame at MATCHED. A part that moves as a whole
    has a good match; a part that bends or jumps has none.
    """
    video = even(video)
    batch, frames = video.shape[:2]
    grey = grey_levels(video)
    changes = [(grey - _frames_at(grey, offset)) * 4 for offset in OFFSETS]
    around = pad(grey, (1, 1, 1, 1), mode="replicate")
    neighbours = (
        around[..., :-2, 1:-1]
        + around[..., 2:, 1:-1]
        + around[..., 1:-1, :-2]
        + around[..., 1:-1, 2:]
    )
    laplacian = 4 * grey - neighbours
    pixels = torch.cat([video * 2 - 1, torch.stack([*changes, laplacian * 2], dim=2)], dim=2)
    blocks = avg_pool2d(grey, BLOCK)
    detail = (box(avg_pool2d(laplacian.abs(), BLOCK)) + 0.01).log() + 2.5
    of_blocks = [detail[:, :, None], *(matched(blocks, offset) for offset in MATCHED)]
    in_blocks = pixel_unshuffle(pixels.flatten(0, 1), BLOCK).reshape(
        batch, frames, -1, *blocks.shape[-2:]
    )
    return torch.cat([in_blocks, *of_blocks], dim=2)


def matched(grey: Tensor, offset: int) -> Tensor:
    """float[B, T, 3, h, w]: the best match of each place of grey[B, T, h, w] in the frame at
    `offset`. The three values are its difference (logarithm of the mean difference of 3 x 3 places)
    and its position, x and y in [-1, 1] times REACH.

    Of equally good matches, the nearest is taken.
    """
    height, width = grey.shape[-2:]
    other = pad(_frames_at(grey, offset), (REACH,) * 4, mode="replicate")
    steps = range(-REACH, REACH + 1)
    shifts = sorted(
        ((y, x) for y in steps for x in steps),
        key=lambda shift: (shift[0] ** 2 + shift[1] ** 2, shift),
    )
    least = torch.full_like(grey, torch.inf)
    best = torch.zeros_like(grey, dtype=torch.int64)
    for number, (y, x) in enumerate(shifts):
        there = other[..., REACH + y : REACH + y + height, REACH + x : REACH + x + width]
        cost = box((grey - there).abs_())
        best.masked_fill_(cost < least, number)
        least = torch.minimum(least, cost)
    at_yx = grey.new_tensor(shifts)[best] / REACH
    return torch.stack([(least + 0.01).log() + 4, at_yx[..., 1], at_yx[..., 0]], dim=2)


def even(video: Tensor) -> Tensor:
    """A clip [B, T, 3, H, W] whose height and width are whole blocks; its last row and column are
    repeated.
    """
    height, width = video.shape[-2:]
    more = (0, width % BLOCK, 0, height % BLOCK)
    padded = pad(video.flatten(0, 1), more, mode="replicate")
    return padded.reshape(*video.shape[:3], *padded.shape[-2:])


def grey_levels(video: Tensor) -> Tensor:
    """float[B, T, H, W] of a clip float[B, T, 3, H, W]."""
    return (video * video.new_tensor(_LUMA)[:, None, None]).sum(2)


def _frames_at(grey: Tensor, offset: int) -> Tensor:
    """For every frame the frame at an offset; at the ends of the clip, its last or first frame."""
    at = torch.arange(grey.shape[1], device=grey.device) + offset
    return grey[:, at.clamp(0, grey.shape[1] - 1)]


def box(x: Tensor) -> Tensor:
    """Mean over 3 x 3 places; on a CPU this is much faster than a pooling layer."""
    x = pad(x, (1, 1, 1, 1), mode="replicate")
    x = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    return (x[..., :-2] + x[..., 1:-1] + x[..., 2:]) / 9
