"""Clips of training, some of them with a fault made on purpose."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset

from ...sampling import ClipDataset
from ..faults import add_fault


class FaultyClips(IterableDataset[dict[str, Any]]):
    """The clips of `clips`, each with the probability `share` with a fault, whose mask is joined to
    the clip's own.

    The fault depends only on `seed`, the epoch, the video and where the clip begins, not on
    workers, ranks or a resume.

    Args:
        clips: with masks uint8[T, H, W].
        without: artifact types that no fault may resemble.
    """

    def __init__(
        self, clips: ClipDataset, *, share: float, seed: int, without: tuple[str, ...] = ()
    ) -> None:
        self.clips = clips
        self.share = share
        self.seed = seed
        self.without = without
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """As `ClipDataset.set_epoch`."""
        self.epoch = epoch
        self.clips.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """As `ClipDataset.state_dict`."""
        return self.clips.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As `ClipDataset.load_state_dict`."""
        self.clips.load_state_dict(state)
        self.epoch = int(state["epoch"])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        # Not a generator: the state of the clips must be that of the new pass at once.
        return map(self._changed, iter(self.clips))

    def _changed(self, clip: dict[str, Any]) -> dict[str, Any]:
        name = int.from_bytes(hashlib.sha256(clip["video_id"].encode()).digest()[:8], "little")
        seed = [self.seed, self.epoch, name, int(clip["frame_index"][0])]
        if np.random.default_rng(seed).random() >= self.share:
            return clip
        frames = np.ascontiguousarray(clip["video"].permute(0, 2, 3, 1).numpy())
        fault = add_fault(frames, seed=[*seed, 1], without=self.without)
        video = torch.from_numpy(fault.frames).permute(0, 3, 1, 2).contiguous()
        return {
            **clip,
            "video": video,
            "masks": clip["masks"] | torch.from_numpy(fault.masks).to(clip["masks"].dtype),
        }
