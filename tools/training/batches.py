"""Training batches: the clips of this process's share, moved to the model's device."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torchdata.stateful_dataloader import StatefulDataLoader

from ...sampling import ClipDataset, ReleaseRows, clips, collate, collate_rle, to_device
from .augment import augmented
from .options import Settled
from .recipe import TrainError
from .rows import ChosenRows

if TYPE_CHECKING:
    from .faulty import FaultyClips


def clip_dataset(
    rows: ReleaseRows | ChosenRows, settled: Settled, *, rank: int, world_size: int, on_cuda: bool
) -> "ClipDataset | FaultyClips":
    """The clips of one process. On CUDA their masks are sent to the device as strings, unless
    faults are added to them.

    Raises:
        TrainError: faults are wanted in frames that are too small for them.
    """
    dataset = clips(
        rows,
        num_frames=settled.num_frames,
        stride=settled.stride,
        size=settled.size,
        clips_per_video=settled.clips_per_video,
        sampling="broken",
        seed=settled.seed,
        masks="rle" if on_cuda and not settled.faults else "union",
        shuffle=True,
        crop=settled.crop,
        flip=settled.flip,
        rank=rank,
        world_size=world_size,
    )
    if not settled.faults:
        return dataset
    from ..faults import MIN_SIDE_PX
    from .faulty import FaultyClips

    if min(settled.size) < MIN_SIDE_PX:
        height, width = settled.size
        raise TrainError(
            f"faults: frames are {width}x{height}, wanted at least {MIN_SIDE_PX}x{MIN_SIDE_PX}. "
            "Give a larger --size."
        )
    kind, _, name = (settled.holdout or "").partition(":")
    without = (name,) if kind == "artifact" else ()
    return FaultyClips(dataset, share=settled.faults, seed=settled.seed, without=without)


def clip_loader(
    dataset: "ClipDataset | FaultyClips", settled: Settled, *, on_cuda: bool
) -> StatefulDataLoader:
    """Batches of a dataset. Do not prepare the loader with accelerate, which would divide the
    batches again.
    """
    with warnings.catch_warnings():
        # torchdata 0.11 under torch 2.13
        warnings.filterwarnings("ignore", "'set_vital' is deprecated")
        return StatefulDataLoader(
            dataset,
            batch_size=settled.batch_size,
            num_workers=settled.workers,
            collate_fn=collate_rle if on_cuda and not settled.faults else collate,
            pin_memory=on_cuda,
            # A generator of its own: the loader draws from it at the start and at a resume.
            # This must not change the model's random numbers.
            generator=torch.Generator().manual_seed(settled.seed),
        )


def steps_per_epoch(videos: int, settled: Settled, *, world_size: int) -> int:
    """The number of batches that each process gets in an epoch."""
    workers = max(settled.workers, 1)
    consumers = workers * world_size
    if world_size > 1:  # all consumers give as many clips as the consumer with the most
        return workers * -(
            -(-(-videos // consumers) * settled.clips_per_video) // settled.batch_size
        )
    shares = (len(range(first, videos, workers)) for first in range(workers))
    return sum(-(-share * settled.clips_per_video // settled.batch_size) for share in shares)


def on_device(batch: Mapping[str, Any], device: torch.device, *, augment: bool) -> dict[str, Any]:
    """The batch that a recipe gets: see `Recipe`. A clip that only fills an uneven share counts as
    not annotated.
    """
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
