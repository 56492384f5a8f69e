"""Collates clips into batches, also clips of different sizes, and moves batches to the training device."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch.utils.data import default_collate

from ..masks import ARTIFACT_TYPES, MaskError, RLEBatch, collate_planes, decode_many


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One dict of a batch, for DataLoader(collate_fn=…): tensors of one shape are stacked, all else comes as a list.

    So `video` and `masks` are tensors [B, …] where all clips have one size (and masks one number of objects), and lists of B
    tensors otherwise; `masks` of layout "rle" is a list of lists; `video_id` is a list of str.
    """
    return {key: _together([item[key] for item in items]) for key in items[0]}


def collate_rle(items: Sequence[dict[str, Any]], *, by: Literal["union", "type"] = "union") -> dict[str, Any]:
    """As `collate`, for clips of one size whose masks have the layout "rle": they stay strings, which `to_device` decodes.

    A few hundred bytes for each mask go from the workers to the loop, and on to the device, in place of its pixels.

    Args:
        by: what `to_device` makes of them: "union" uint8[B, T, H, W], or "type" uint8[B, T, 3, H, W].

    Raises:
        MaskError: clips of other layouts or of several sizes, or another `by`.
    """
    if by not in ("union", "type"):
        raise MaskError(f'collate_rle: by={by!r}, must be "union" or "type".')
    sizes = sorted({tuple(item["video"].shape[-2:]) for item in items})
    if len(sizes) > 1 or any(isinstance(item["masks"], torch.Tensor) for item in items):
        layouts = sorted({"tensors" if isinstance(item["masks"], torch.Tensor) else "strings" for item in items})
        raise MaskError(
            f"collate_rle: masks are {' and '.join(layouts)} of sizes {sizes}, wanted strings of one size. "
            'Give clips masks="rle" and a size.'
        )
    planes = 1 if by == "union" else len(ARTIFACT_TYPES)
    shape = (len(items), len(items[0]["frame_index"]), planes, *sizes[0])
    counts, painted = [], []
    for clip, item in enumerate(items):
        for entry in item["masks"]:
            if by == "type" and entry["artifact_type"] is None:
                raise MaskError(
                    f'collate_rle: clip {clip} object {entry["object_id"]}: its artifact type is not given. Use by="union".'
                )
            counts.append(entry["rle"]["counts"])
            frame = clip * shape[1] + entry["frame"]
            painted.append(frame * planes + (entry["artifact_type"] if by == "type" else 0))
    height, width = sizes[0]
    strings = collate_planes(
        counts, height=height, width=width, planes=painted, num_planes=shape[0] * shape[1] * planes
    )
    batch = collate([{name: value for name, value in item.items() if name != "masks"} for item in items])
    return {**batch, "masks": replace(strings, shapes=(shape if by == "type" else shape[:2] + shape[3:],))}


def to_device(batch: Mapping[str, Any], device: torch.device | str) -> dict[str, Any]:
    """The batch with its tensors on the device. Masks that are strings are decoded there, equal to those of clips(masks="union").

    Args:
        batch: of `collate` or `collate_rle`, pinned or not.

    Raises:
        RLEError, DeviceError: as `brokenvideos.masks.decode_many`.
    """
    return {key: _moved(value, device) for key, value in batch.items()}


def _together(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, torch.Tensor):
        return default_collate(values) if all(value.shape == first.shape for value in values) else values
    return torch.tensor(values) if isinstance(first, bool) else values


def _moved(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, RLEBatch):
        (masks,) = decode_many(value, device=device)
        return masks
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=True)
    return [_moved(item, device) for item in value] if isinstance(value, list) else value
