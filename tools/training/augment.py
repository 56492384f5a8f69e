"""Random changes of a clip on the device, video and masks together, besides crop and mirror, which
`clips` does while decoding.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def augmented(batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch with each clip randomly turned upside down, reversed in time, and changed in
    colours, contrast and brightness.

    Every move of pixels or frames applies to `video`, `masks`, `valid` and `frame_index` alike. The
    random numbers come from torch's CPU generator, whose state is part of a checkpoint.
    """
    draws = torch.rand(len(batch["video"]), 5).tolist()
    changed: dict[str, list[Tensor]] = {
        name: [] for name in ("video", "masks", "valid", "frame_index")
    }
    for number, (upside_down, backwards, swapped, contrast, brightness) in enumerate(draws):
        clip = {name: batch[name][number] for name in changed}
        if upside_down < 0.5:
            clip |= {name: clip[name].flip(-2) for name in ("video", "masks")}
        if backwards < 0.5:
            clip = {name: part.flip(0) for name, part in clip.items()}
        if swapped < 0.5:
            clip["video"] = clip["video"][:, torch.randperm(3).to(clip["video"].device)]
        spread = (clip["video"] - 0.5) * (0.8 + 0.4 * contrast) + 0.5
        clip["video"] = (spread + 0.2 * (brightness - 0.5)).clamp(0, 1)
        for name, part in clip.items():
            changed[name].append(part)
    return {**batch, **{name: torch.stack(parts) for name, parts in changed.items()}}
