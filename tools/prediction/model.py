"""What is asked for masks: a trained model, or a floor of `evaluate` that never looks at the video."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...frames import VideoIndex, iter_frames
from ...masks import Float64Array, UInt8Array, empty, encode
from ..evaluation import centre_box

if TYPE_CHECKING:
    from ..training import Predictor

FLOORS = ("all-empty", "all-full", "centre-box")

CHUNK_BYTES = 2**26
"""Of the frames, at the model's size, that are predicted at a time; what a model makes of them takes a few times as much."""


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """What is said of a video: canonical COCO RLE of every frame, and float64[T] of how sure it is that one is broken there."""

    counts: tuple[str, ...]
    scores: Float64Array


class Model(Protocol):
    """Anything that gives masks."""

    @property
    def warning(self) -> str | None:
        """What it cannot promise, for whoever reads its report; None: nothing to say."""
        ...

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        """The mask of every frame of a video, at its own size. Raises VideoError where it cannot be decoded."""
        ...


@dataclass(frozen=True, slots=True)
class Floor:
    """One of FLOORS."""

    name: str

    @property
    def warning(self) -> str | None:
        return None

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        height, width = index.height, index.width
        counts = {
            "all-empty": lambda: empty(height, width),
            "all-full": lambda: encode(np.ones((1, height, width), np.bool_))[0],
            "centre-box": lambda: centre_box(height, width),
        }[self.name]()
        return Masks((counts,) * index.num_frames, np.full(index.num_frames, float(self.name != "all-empty")))


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model of `brokenvideos train`."""

    predictor: "Predictor"

    @property
    def warning(self) -> str | None:
        from ..training import warning

        return warning((self.predictor.facts or {}).get("gates"))

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        """As `Predictor.predict` of the whole video where CHUNK_BYTES hold it; else of chunks, whose frames each have the model's
        context on both sides; whether the video is left alone is judged by all of its frames."""
        import torch

        from ..training import VideoPrediction

        feeding, ungated = self.predictor.feeding, self.predictor.ungated()
        height, width = feeding.size
        margin = 2 * self.predictor.recipe.context * feeding.stride
        length = max(CHUNK_BYTES // (3 * height * width), feeding.num_frames * feeding.stride)
        counts: list[str] = []
        scores: list[Float64Array] = []
        frames = (rgb for _, rgb in iter_frames(video, size=feeding.size))
        for chunk, kept in _chunks(frames, length=length, margin=margin):
            tensor = torch.from_numpy(np.stack(chunk)).permute(0, 3, 1, 2)
            found = ungated.predict(tensor, height=index.height, width=index.width)
            counts += found.counts[kept]
            scores.append(found.scores[kept])
        whole = VideoPrediction(index.height, index.width, tuple(counts), np.concatenate([np.zeros(0), *scores]))
        gated = whole.gated(gate=feeding.gate, video_gate=feeding.video_gate)
        return Masks(gated.counts, gated.scores)


def _chunks(frames: Iterator[UInt8Array], *, length: int, margin: int) -> Iterator[tuple[list[UInt8Array], slice]]:
    """Frames in turn, with which of them count: every frame counts once, `length` at a time, between `margin` others on each side
    where there are as many."""
    held: list[UInt8Array] = []
    lead = 0
    for frame in frames:
        if len(held) == lead + length + margin:
            yield held, slice(lead, lead + length)
            held = held[lead + length - min(margin, lead + length) :]
            lead = len(held) - margin
        held.append(frame)
    if len(held) > lead:
        yield held, slice(lead, None)


def open_model(name: str, *, device: str | None = None) -> Model:
    """A floor by name, else the model that `brokenvideos train` has written there.

    Raises:
        TrainError: no model there, or the extra `train` is not installed.
    """
    if name in FLOORS:
        return Floor(name)
    from ..training import need_extra

    need_extra("predict with a trained model")
    from ..training import load_model

    return Trained(load_model(name, device=device))
