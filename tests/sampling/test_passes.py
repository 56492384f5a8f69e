"""The epoch of a pass, where a worker starts while another one writes what it has begun."""

from types import SimpleNamespace

import pytest
import torch

from brokenvideos.sampling import passes
from brokenvideos.sampling.passes import Passes


class WrittenMeanwhile(torch.Tensor):
    """Shared notes in which another worker writes after one of the readings."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        answer = super().__torch_function__(func, types, args, kwargs or {})
        if any(argument is cls.notes for argument in args):
            cls.left -= 1
            if not cls.left:
                cls.write()
        return answer


@pytest.mark.parametrize("reading", [1, 2, 3])
def test_a_worker_reads_mark_and_epoch_of_one_moment(
    reading: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = SimpleNamespace(id=0, seed=7)
    monkeypatch.setattr(passes, "get_worker_info", lambda: worker)
    first = Passes(0)
    assert first.begin() == 0
    written = int(first._notes[0])
    second = Passes(0)
    shared = second._notes
    second._notes = shared.as_subclass(WrittenMeanwhile)
    WrittenMeanwhile.notes, WrittenMeanwhile.left = second._notes, reading
    WrittenMeanwhile.write = staticmethod(lambda: shared.numpy().__setitem__(0, written))
    worker.id, worker.seed = 1, 8
    assert second.begin() == 0
