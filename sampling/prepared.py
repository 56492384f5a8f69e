"""Finds loaders that accelerate (or Trainer with it) has prepared; they divide batches among
processes themselves.
"""

import sys
from typing import Any

from torch.utils.data import default_collate

from .batch import collate, collate_rle


def is_accelerate_used() -> bool:
    """Whether this process runs under accelerate with several processes."""
    state = sys.modules.get("accelerate.state")
    shared = {} if state is None else state.PartialState._shared_state
    return bool(shared) and int(shared.get("num_processes", 1)) > 1


def prepared_loader(dataset: Any) -> Any:
    """The prepared loader that reads this dataset now; None if there is none."""
    state = sys.modules.get("accelerate.state")
    if state is None or not state.GradientState._shared_state:
        return None
    for loader in state.GradientState().dataloader_references:
        inner = getattr(loader, "dataset", None)
        # accelerate wraps datasets, and loaders may wrap them again.
        while inner is not None and inner is not dataset:
            inner = getattr(inner, "dataset", None)
        if inner is not None:
            return loader
    return None


def require_sendable(loader: Any) -> None:
    """Checks that accelerate can send the batches of this loader between processes.

    Raises:
        ValueError: accelerate would send the batches of one process to the others, and they hold
            text.
    """
    sends = type(loader).__name__ == "DataLoaderDispatcher" and is_accelerate_used()
    if sends and getattr(loader, "collate_fn", None) in (default_collate, collate, collate_rle):
        raise ValueError(
            "clips: accelerate sends the batches of this loader from one process to the others, "
            "which works only for tensors, and video_id is text. Do not give the loader to "
            "prepare(): ClipDataset itself shares the clips among processes. Or use "
            "Accelerator(dataloader_config=DataLoaderConfiguration(dispatch_batches=False)), or "
            "give the loader a collate_fn that returns only tensors."
        )
