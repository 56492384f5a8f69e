"""An engine that needs no pictures: a box is its own mask, a click a square of 5 pixels, and masks
stay where they are.
"""

import threading

import numpy as np

from brokenvideos.tools.annotation.engines import EngineError


class CopyingEngine:
    """`calls` says in order what it was told; `finds_nothing` makes it lose every object; `step` is
    waited for at each frame.
    """

    def __init__(self, finds_nothing=False, step=None):
        self.calls = []
        self.finds_nothing = finds_nothing
        self.step = step or threading.Event()
        if step is None:
            self.step.set()
        self.prompts = {}
        self.frames = None

    @property
    def facts(self):
        return {"engine": "copying", "resize": "none"}

    def open(self, frames):
        self.calls.append("open")
        self.frames = frames
        self.prompts = {}

    def prepare(self, frame_index):
        self.calls.append(f"prepare {frame_index}")

    def prompt(self, prompt):
        self.calls.append(
            f"prompt {prompt.object_id} "
            f"{prompt.frame_index}{' mask' if prompt.mask is not None else ''}"
        )
        assert self.frames[prompt.frame_index].shape == (self.frames.height, self.frames.width, 3)
        mask = np.zeros((self.frames.height, self.frames.width), bool)
        if prompt.mask is not None:
            mask |= prompt.mask
        if prompt.box is not None:
            x0, y0, x1, y1 = map(round, prompt.box)
            mask[y0:y1, x0:x1] = True
        for click in prompt.clicks:
            x, y = int(click.x), int(click.y)
            if x == 0:
                raise EngineError("nothing there; click elsewhere")
            mask[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = click.positive
        self.prompts[prompt.object_id, prompt.frame_index] = mask
        return mask

    def propagate(self, object_ids, *, first, last):
        self.calls.append(f"propagate {list(object_ids)} {first} {last}")
        return self._results(object_ids, first, last)

    def _results(self, object_ids, first, last):
        step = 1 if first <= last else -1
        now = {object_id: self.prompts.get((object_id, first)) for object_id in object_ids}
        for frame in range(first, last + step, step):
            self.step.wait(100)
            for object_id in object_ids:
                if (object_id, frame) in self.prompts:
                    now[object_id] = self.prompts[object_id, frame]
                elif now[object_id] is not None:
                    yield frame, object_id, now[object_id] & (not self.finds_nothing)

    def forget(self, object_id, *, frame_index=None):
        self.calls.append(f"forget {object_id} {frame_index}")
        for key in [
            key for key in self.prompts if key[0] == object_id and frame_index in (None, key[1])
        ]:
            del self.prompts[key]

    def close(self):
        self.calls.append("close")
