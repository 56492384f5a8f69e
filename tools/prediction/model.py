"""What is asked for masks: a trained model, or a floor of `evaluate` that never looks at the
video.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...frames import VideoIndex, iter_frames
from ...masks import Float64Array, UInt8Array, empty, encode
from ..evaluation import centre_box

if TYPE_CHECKING:
    from ..training import Predictor

FLOORS = ("all-empty", "all-full", "centre-box")

CHUNK_BYTES = 2**26
"""Of the frames, at the model's size, that are predicted at a time; what a model makes of them
takes a few times as much.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """What is said of a video: canonical COCO RLE of every frame, and float64[T] of how sure it is
    that one is broken there.

    artifact_types: of the video, from ARTIFACT_TYPES, where the model tells them apart.
    far: in what the video is far from all that the model has seen, in words.
    """

    counts: tuple[str, ...]
    scores: Float64Array
    artifact_types: tuple[str, ...] = ()
    far: tuple[str, ...] = ()


class Model(Protocol):
    """Anything that gives masks."""

    @property
    def warning(self) -> str | None:
        """What it cannot promise, for whoever reads its report; None: nothing to say."""
        ...

    @property
    def promise(self) -> tuple[str, ...]:
        """How far to trust it, a line each: how often it was right, and how often it raised a false
        alarm.
        """
        ...

    @property
    def identity(self) -> str | None:
        """Equal for models that say the same of every video, so that an earlier run's work counts;
        None: nobody knows.
        """
        ...

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        """The mask of every frame of a video, at its own size. Raises VideoError where it cannot be
        decoded.
        """
        ...


@dataclass(frozen=True, slots=True)
class Floor:
    """One of FLOORS."""

    name: str

    @property
    def warning(self) -> str | None:
        return None

    @property
    def promise(self) -> tuple[str, ...]:
        return ()

    @property
    def identity(self) -> str | None:
        return self.name

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        height, width = index.height, index.width
        counts = {
            "all-empty": lambda: empty(height, width),
            "all-full": lambda: encode(np.ones((1, height, width), np.bool_))[0],
            "centre-box": lambda: centre_box(height, width),
        }[self.name]()
        return Masks(
            (counts,) * index.num_frames, np.full(index.num_frames, float(self.name != "all-empty"))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model of `brokenvideos train`.

    name, device: as `open_model` was asked for it. A worker process opens it again by them, once;
    None: it cannot be sent to one.
    """

    predictor: "Predictor"
    name: str | None = None
    device: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        if self.name is None:
            raise TypeError(
                "a model that was not opened by name cannot be sent to another process; use one "
                "worker."
            )
        return _opened_by_worker, (self.name, self.device)

    @property
    def identity(self) -> str | None:
        """SHA-256 of its weights and settings."""
        import torch

        digest = hashlib.sha256(
            json.dumps(self.predictor.facts, sort_keys=True, default=str).encode()
        )
        for name, tensor in sorted(self.predictor.model.state_dict().items()):
            digest.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
            digest.update(
                tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            )
        return f"{digest.hexdigest()} on {self.runs_on}"

    @property
    def runs_on(self) -> str:
        """The kind of device that its weights are on, as torch names it: "cpu", "cuda"."""
        kind: str = next(self.predictor.model.parameters()).device.type
        return kind

    @property
    def warning(self) -> str | None:
        from ..training import warning

        return warning((self.predictor.facts or {}).get("gates"))

    @property
    def promise(self) -> tuple[str, ...]:
        return tuple((self.predictor.facts or {}).get("promise", ()))

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        """As `Predictor.predict` of the whole video where CHUNK_BYTES hold it; else of chunks,
        whose frames each have the model's context on both sides; whether the video is left alone is
        judged by all of its frames.
        """
        import torch

        from ..training import VideoPrediction, far_from

        feeding, ungated = self.predictor.feeding, self.predictor.ungated()
        height, width = feeding.size
        margin = 2 * self.predictor.recipe.context * feeding.stride
        length = max(CHUNK_BYTES // (3 * height * width), feeding.num_frames * feeding.stride)
        counts: list[str] = []
        scores: list[Float64Array] = []
        frames = (rgb for _, rgb in iter_frames(video, size=feeding.size))
        for chunk, kept in _chunks(frames, length=length, margin=margin):
            tensor = torch.from_numpy(np.stack(chunk)).permute(0, 3, 1, 2)
            prediction = ungated.predict(tensor, height=index.height, width=index.width)
            counts += prediction.counts[kept]
            scores.append(prediction.scores[kept])
        whole = VideoPrediction(
            index.height, index.width, tuple(counts), np.concatenate([np.zeros(0), *scores])
        )
        gated = whole.gated(gate=feeding.gate, video_gate=feeding.video_gate)
        return Masks(
            gated.counts,
            gated.scores,
            far=far_from((self.predictor.facts or {}).get("seen"), index),
        )


def _chunks(
    frames: Iterator[UInt8Array], *, length: int, margin: int
) -> Iterator[tuple[list[UInt8Array], slice]]:
    """Frames in turn, with which of them count: every frame counts once, `length` at a time,
    between `margin` others on each side where there are as many.
    """
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

    return Trained(load_model(name, device=device), name, device)


@cache
def _opened_by_worker(name: str, device: str | None) -> Model:
    """The model in a worker process, whose only one it is."""
    return open_model(name, device=device)
