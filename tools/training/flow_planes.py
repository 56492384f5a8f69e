"""Input planes that compare a frame with further ones, whose motion is taken out first by optical
flow.
"""

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ...masks import UInt8Array
from .planes import BLOCK, FLOWED, NUM_FLOW_PLANES, box, even, grey_levels

MIN_SIDE_PX = 16
"""Of frames of which OpenCV can tell the flow; in smaller ones nothing is warped."""

_Float32Array = npt.NDArray[np.float32]


@torch.no_grad()
def flow_planes(video: Tensor) -> Tensor:
    """float[B, T, NUM_FLOW_PLANES, ceil(H / 2), ceil(W / 2)] of a clip float[B, T, 3, H, W] in
    [0, 1].

    For each frame at FLOWED (at a clip's ends, the last one there), warped onto the frame by its
    flow: the logarithm of the mean difference in grey level, and how different the amount of detail
    is, whichever of the two has more. Both say that something has changed, and neither what. The
    flow is computed on the CPU.

    Source: Kroeger et al., ECCV 2016 (DIS, as OpenCV has it).
    """
    grey = grey_levels(even(video))
    eight_bits = (grey * 255).round().clamp(0, 255).to("cpu", torch.uint8).numpy()
    levels = grey.float().cpu().numpy()
    planes = np.stack(
        [_compared(clip, level) for clip, level in zip(eight_bits, levels, strict=True)]
    )
    residual, change = torch.from_numpy(planes).to(video.device).unbind(3)
    blocks = (box(avg_pool2d(residual.flatten(0, 1), BLOCK)) + 0.01).log() + 4
    changes = box(avg_pool2d(change.flatten(0, 1), BLOCK))
    return (
        torch.cat([blocks, changes], dim=1)
        .reshape(*video.shape[:2], NUM_FLOW_PLANES, *blocks.shape[-2:])
        .to(video)
    )


def _compared(grey: UInt8Array, levels: _Float32Array) -> _Float32Array:
    """float32[T, len(FLOWED), 2, H, W]: absolute differences in grey level, and in the logarithm of
    detail, of one clip.
    """
    num_frames, height, width = grey.shape
    planes = np.zeros((num_frames, len(FLOWED), 2, height, width), np.float32)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    flower = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    details = np.array([_detail(level) for level in levels], np.float32)
    for at in range(num_frames):
        for number, offset in enumerate(FLOWED):
            other = min(max(at + offset, 0), num_frames - 1)
            if other == at:
                continue
            flow = np.zeros((height, width, 2), np.float32)
            if min(height, width) >= MIN_SIDE_PX:
                flow = np.asarray(flower.calc(grey[at], grey[other], flow), np.float32)
            x, y = columns + flow[..., 0], rows + flow[..., 1]
            both: tuple[_Float32Array, _Float32Array] = (levels, details)
            for plane, values in enumerate(both):
                warped = cv2.remap(
                    values[other], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                )
                planes[at, number, plane] = np.abs(warped - values[at])
    return planes


def _detail(level: _Float32Array) -> _Float32Array:
    laplacian = np.abs(cv2.Laplacian(level, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE))
    detail: _Float32Array = np.log(cv2.blur(laplacian, (5, 5)) + 0.01)
    return detail
