"""Logs run again: the same prompts, in their order, and the IoU of each mask with the one that was
saved.
"""

import numpy as np
import pytest

from brokenvideos.tools.annotation.folder import FolderError, open_folder
from brokenvideos.tools.annotation.replay import replay, report_of
from brokenvideos.tools.annotation.run import AnnotateOptions, run_replay
from brokenvideos.tools.annotation.store import Store
from tests.tools.annotation.copying_engine import CopyingEngine


def work(server):
    """Prompts, corrections, a propagation that was cut short by undo, and a drawing."""
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    ada.box(1, 2, 0, 0, 8, 8)
    ada.propagate(1, 2, 6)
    ada.do("undo")
    ada.do("prompt", object_id=1, frame_index=2, clicks=[[20, 20, 1]], box=None, keep_mask=True)
    ada.do(
        "draw",
        object_id=1,
        frame_index=4,
        counts=ada.masks()[1, 2]["counts"],
        tool="brush",
        geometry=None,
    )
    ada.do("prompt", object_id=1, frame_index=4, clicks=[[9, 20, 1]], box=None, keep_mask=True)
    ada.propagate(1, 2, 8)
    ada.propagate(1, 2, 0)
    return server.raw


def replayed(raw, make_engine):
    store = Store(open_folder(raw))
    (key,) = store.begun()
    return list(replay(store.document(key), make_engine))


def test_the_same_engine_gives_the_same_masks(serve, clips):
    raw = work(serve(clips))
    found = replayed(raw, CopyingEngine)
    assert [mask.frame_index for mask in found] == [2, *range(3, 7), 2, 4, 3, 5, 6, 7, 8, 1, 0]
    assert {mask.iou for mask in found} == {1.0}


def test_another_engine_gives_others_and_the_report_says_how_different(serve, clips):
    raw = work(serve(clips))

    class Half(CopyingEngine):
        def prompt(self, prompt):
            mask = super().prompt(prompt)
            rows = np.flatnonzero(mask.any(axis=1))
            mask[rows[len(rows) // 2] :] = False
            return mask

    found = replayed(raw, Half)
    assert found[0].iou == 0.5
    report = list(report_of(Store(open_folder(raw)), lambda: CopyingEngine(finds_nothing=True)))
    assert report[0] == "a event 4 prompt frame 2 object 1: IoU 1.0000"
    assert report[1] == "a event 5 propagated frame 3 object 1: IoU 0.0000"
    assert report[-1] == f"{raw}: 14 engine masks, mean IoU 0.2143, lowest 0.0000"


def test_what_an_engine_does_not_give_again_is_said(serve, clips):
    raw = work(serve(clips))

    class Short(CopyingEngine):
        def propagate(self, object_ids, *, first, last):
            return (
                result
                for result in super().propagate(object_ids, first=first, last=last)
                if result[0] != 5
            )

    lost = [mask for mask in replayed(raw, Short) if mask.iou is None]
    assert [(mask.frame_index, mask.reason) for mask in lost] == [
        (5, "the engine did not make this mask")
    ] * 2


def test_the_command_prints_the_report(serve, clips):
    with pytest.raises(FolderError) as caught:
        run_replay(AnnotateOptions(clips), say=print)
    raw = clips.with_name("clips-raw")
    assert (
        str(caught.value)
        == f"{raw}: nothing was annotated there yet; run annotate without --replay first"
    )
    server = serve(clips, mode="double", double_percent=50)
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    said = []
    run_replay(AnnotateOptions(clips), say=said.append)
    assert said == ["a: no engine masks", f"{raw}: no engine masks"]
