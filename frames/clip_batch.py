"""Clips in a batch, those of different sizes too."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import default_collate


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One dict of a batch, for DataLoader(collate_fn=…): tensors of one shape are stacked, all else comes as a list.

    So `video` and `masks` are tensors [B, …] where all clips have one size (and masks one number of objects), and lists of B
    tensors otherwise; `masks` of layout "rle" is a list of lists; `video_id` is a list of str.
    """
    return {key: _together([item[key] for item in items]) for key in items[0]}


def _together(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, torch.Tensor):
        return default_collate(values) if all(value.shape == first.shape for value in values) else values
    return torch.tensor(values) if isinstance(first, bool) else values
