"""Collates clips into batches, also clips of different sizes, and moves batches to the training
device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch.utils.data import default_collate

from ..masks import ARTIFACT_TYPES, MaskError, RLEBatch, collate_planes, decode_many


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Makes one dict of a batch of B clips, for DataLoader(collate_fn=…).

    Tensors of equal shape are stacked; all other values become lists. `video` and `masks` are
    tensors [B, …] if all clips have one size (and their masks one number of objects), otherwise
    lists of B tensors. `masks` of layout "rle" is a list of B lists. `video_id` is a list of str.
    """
    return {key: _together([item[key] for item in items]) for key in items[0]}


def collate_rle(
    items: Sequence[dict[str, Any]], *, by: Literal["union", "type"] = "union"
) -> dict[str, Any]:
    """Like `collate`, for clips of one size with masks of layout "rle". The masks stay strings.

    `to_device` decodes them later. So the workers send a few hundred bytes per mask to the
    training loop and to the device, not the pixels of the mask.

    Args:
        by: the masks that `to_device` makes: "union" uint8[B, T, H, W], "type"
            uint8[B, T, 3, H, W].

    Raises:
        MaskError: the masks have another layout, the clips have different sizes, or `by` is
            neither "union" nor "type".
    """
    if by not in ("union", "type"):
        raise MaskError(f'collate_rle: by={by!r}, must be "union" or "type".')
    sizes = sorted({tuple(item["video"].shape[-2:]) for item in items})
    if len(sizes) > 1 or any(isinstance(item["masks"], torch.Tensor) for item in items):
        layouts = sorted(
            {"tensors" if isinstance(item["masks"], torch.Tensor) else "strings" for item in items}
        )
        raise MaskError(
            f"collate_rle: masks are {' and '.join(layouts)} of sizes {sizes}, wanted strings of "
            "one size. "
            'Give clips masks="rle" and a size.'
        )
    planes = 1 if by == "union" else len(ARTIFACT_TYPES)
    shape = (len(items), len(items[0]["frame_index"]), planes, *sizes[0])
    counts, painted = [], []
    for clip, item in enumerate(items):
        for entry in item["masks"]:
            if by == "type" and entry["artifact_type"] is None:
                raise MaskError(
                    f"collate_rle: clip {clip} object {entry['object_id']}: its artifact type is "
                    'not given. Use by="union".'
                )
            counts.append(entry["rle"]["counts"])
            frame = clip * shape[1] + entry["frame"]
            painted.append(frame * planes + (entry["artifact_type"] if by == "type" else 0))
    height, width = sizes[0]
    strings = collate_planes(
        counts, height=height, width=width, planes=painted, num_planes=shape[0] * shape[1] * planes
    )
    batch = collate(
        [{name: value for name, value in item.items() if name != "masks"} for item in items]
    )
    return {
        **batch,
        "masks": replace(strings, shapes=(shape if by == "type" else shape[:2] + shape[3:],)),
    }


def to_device(batch: Mapping[str, Any], device: torch.device | str) -> dict[str, Any]:
    """Moves the tensors of a batch to the device, and decodes masks there that are strings.

    The decoded masks are equal to those of clips(masks="union") or clips(masks="type").

    Args:
        batch: the result of `collate` or `collate_rle`, in pinned memory or not.

    Raises:
        RLEError, DeviceError: as `brokenvideos.masks.decode_many`.
    """
    return {key: _moved(value, device) for key, value in batch.items()}


def _together(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, torch.Tensor):
        return (
            default_collate(values)
            if all(value.shape == first.shape for value in values)
            else values
        )
    return torch.tensor(values) if isinstance(first, bool) else values


def _moved(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, RLEBatch):
        (masks,) = decode_many(value, device=device)
        return masks
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=True)
    return [_moved(item, device) for item in value] if isinstance(value, list) else value
