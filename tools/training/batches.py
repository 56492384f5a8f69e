"""Training batches: clips of this process's share, and what the model is given of them on its device."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torchdata.stateful_dataloader import StatefulDataLoader

from ...sampling import ClipDataset, ReleaseRows, clips, collate, collate_rle, to_device
from .augment import augmented
from .options import Settled
from .rows import ChosenRows


def clip_dataset(
    rows: ReleaseRows | ChosenRows, settled: Settled, *, rank: int, world_size: int, on_cuda: bool
) -> ClipDataset:
    """The clips of one process; on CUDA their masks stay strings until they are on the device."""
    return clips(
        rows,
        num_frames=settled.num_frames,
        stride=settled.stride,
        size=settled.size,
        clips_per_video=settled.clips_per_video,
        sampling="broken",
        seed=settled.seed,
        masks="rle" if on_cuda else "union",
        shuffle=True,
        crop=settled.crop,
        flip=settled.flip,
        rank=rank,
        world_size=world_size,
    )


def clip_loader(dataset: ClipDataset, settled: Settled, *, on_cuda: bool) -> StatefulDataLoader:
    """Batches of a dataset; not to be prepared by accelerate, which would divide them again."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'set_vital' is deprecated")  # torchdata 0.11 under torch 2.13
        return StatefulDataLoader(
            dataset,
            batch_size=settled.batch_size,
            num_workers=settled.workers,
            collate_fn=collate_rle if on_cuda else collate,
            pin_memory=on_cuda,
            # Its own: a loader draws from it when an epoch begins and when one goes on, which must not move the model's chances.
            generator=torch.Generator().manual_seed(settled.seed),
        )


def steps_per_epoch(videos: int, settled: Settled, *, world_size: int) -> int:
    """Batches that each process gets in an epoch."""
    workers = max(settled.workers, 1)
    consumers = workers * world_size
    if world_size > 1:  # all consumers give as many clips as the one with most
        return workers * -(-(-(-videos // consumers) * settled.clips_per_video) // settled.batch_size)
    shares = (len(range(first, videos, workers)) for first in range(workers))
    return sum(-(-share * settled.clips_per_video // settled.batch_size) for share in shares)


def on_device(batch: Mapping[str, Any], device: torch.device, *, augment: bool) -> dict[str, Any]:
    """What a recipe is given: see `Recipe`. A clip that only fills up an uneven share counts as not looked at."""
    names = ("video", "masks", "valid", "frame_index", "repeated")
    moved = to_device({name: batch[name] for name in names}, device)
    ready = {
        "video": moved["video"].float() / 255,
        "masks": moved["masks"].float(),
        "valid": moved["valid"] & ~moved["repeated"][:, None],
        "frame_index": moved["frame_index"],
        "video_id": batch["video_id"],
    }
    return augmented(ready) if augment else ready
