"""The epoch of each pass over the clips: the one that was set, then the next, with any number of
workers.

A loop that never calls set_epoch (Lightning does not) also gets a new epoch in each pass. Workers
start a pass one after another, not at one moment. So each worker writes its pass and the next epoch
into shared memory, and workers that start later read it there.
"""

import torch
from torch.utils.data import get_worker_info

_SLOTS = 1024
_EPOCH_BITS = 31
_EPOCHS = (1 << _EPOCH_BITS) - 1
"""The bits of a note that hold the next epoch; those above hold the mark."""


class Passes:
    """The epochs of the passes over one dataset, in this process and its workers.

    Each worker writes the mark of its pass and the next epoch together as one 64-bit number, so a
    reader never sees half of it.
    """

    def __init__(self, epoch: int) -> None:
        self._notes: torch.Tensor = torch.full((_SLOTS,), epoch).share_memory_()  # type: ignore[no-untyped-call]
        self._begun = 0
        self._wanted: int | None = None

    def next(self) -> int:
        """The epoch of a pass that would start now."""
        return self._next(self._notes & _EPOCHS)

    def set_next(self, epoch: int) -> None:
        """Sets the epoch of the next pass: in a worker for this worker only, in the main process
        for all.
        """
        if get_worker_info() is not None:
            self._wanted = epoch
        else:
            self._wanted = None
            self._notes.fill_(epoch)

    def begin(self) -> int:
        """Starts a pass and returns its epoch, which is the same in all workers of the pass."""
        # One reading: other workers write meanwhile, and a mark of now with an epoch of before is
        # wrong.
        notes = self._notes.clone()
        epochs = notes & _EPOCHS
        epoch, self._wanted = self._next(epochs), None
        self._begun += 1
        worker = get_worker_info()
        if worker is None:
            self._notes[0] = epoch + 1
            return epoch
        # torch gives all workers of a pass one seed plus their number. Persistent workers keep
        # theirs and count their passes.
        mark = hash((worker.seed - worker.id, self._begun)) % (2**32 - 1) + 1
        slot = worker.id % _SLOTS
        has_mark = notes >> _EPOCH_BITS == mark
        # This worker's own mark is from an earlier pass, if the loop seeds torch again for each
        # pass.
        later = epochs[has_mark & (epochs > epochs[slot])] if has_mark[slot] else epochs[has_mark]
        if len(later):
            epoch = int(later.max()) - 1
        self._notes[slot] = mark << _EPOCH_BITS | epoch + 1
        return epoch

    def _next(self, epochs: torch.Tensor) -> int:
        return int(epochs.max()) if self._wanted is None else self._wanted
