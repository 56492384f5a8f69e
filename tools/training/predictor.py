"""Predicts the masks of a video with a trained model; saves and loads models."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch.nn.functional import interpolate

from ...builder.work import write_atomic
from ...masks import BoolArray, Float64Array, empty, encode
from ...release import __version__, parse_json
from .losses import highest
from .recipe import Recipe, TrainError
from .recipes import recipe_named

if TYPE_CHECKING:
    from torch import Tensor, nn

SETTINGS = "brokenvideos.json"
"""File beside the model's own files: what input the model takes, and how its output is used."""

_CHUNK_PIXELS = 2**24


@dataclass(frozen=True, slots=True)
class Feeding:
    """What input a model takes, and how its output is used.

    size: (height, width) that frames are scaled to. num_frames: frames predicted at a time (a
    window). stride: step between them. batch_size: windows per batch. video_gate: a video gets no
    masks if no frame's score reaches it. gate: in the other videos, a frame with a lower score gets
    no mask.
    """

    size: tuple[int, int]
    num_frames: int
    stride: int = 1
    batch_size: int = 8
    gate: float = 0.0
    video_gate: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class VideoPrediction:
    """A model's prediction for a video of `height` x `width` pixels.

    counts: canonical COCO RLE of every frame. scores: float64[T] in [0, 1], the model's score that
    the frame is broken.
    """

    height: int
    width: int
    counts: tuple[str, ...]
    scores: Float64Array

    def gated(self, *, gate: float, video_gate: float) -> "VideoPrediction":
        """The same prediction, with empty masks in frames that `kept_frames` does not keep."""
        nothing = empty(self.height, self.width)
        kept = kept_frames(self.scores, gate=gate, video_gate=video_gate).tolist()
        counts = tuple(
            string if keep else nothing for string, keep in zip(self.counts, kept, strict=True)
        )
        return VideoPrediction(self.height, self.width, counts, self.scores)


def kept_frames(scores: Float64Array, *, gate: float, video_gate: float) -> BoolArray:
    """bool[T]: frames that keep their masks, by the gates of `Feeding`. The gate of a video is
    higher than that of its frames.
    """
    kept: BoolArray = (scores >= gate) & (scores.max(initial=0.0) >= video_gate)
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A model that predicts whole videos.

    Call it with uint8[T, 3, H, W] frames at the video's own size; or scale them while decoding to
    `feeding.size`, as in `iter_frames(video, size=predictor.feeding.size)`, and call `predict`.
    """

    model: "nn.Module"
    recipe: Recipe
    feeding: Feeding
    precision: "torch.dtype | None" = None
    facts: Mapping[str, Any] | None = None

    def ungated(self) -> "Predictor":
        """The same predictor without gates: every frame keeps its mask."""
        return replace(self, feeding=replace(self.feeding, gate=0.0, video_gate=0.0))

    def __call__(self, frames: "Tensor | np.ndarray[Any, Any]") -> tuple[BoolArray, Float64Array]:
        """(bool[T, H, W] masks, float64[T] scores) of a video at its own size, uint8[T, 3, H, W]; T
        may be 0.
        """
        frames = torch.as_tensor(frames)
        height, width = frames.shape[-2:]
        logits, scores = self._answers(_scaled(frames, self.feeding.size))
        kept = kept_frames(scores, gate=self.feeding.gate, video_gate=self.feeding.video_gate)
        masks = list(_marked(logits, kept, height=height, width=width))
        return (np.concatenate(masks) if masks else np.zeros((0, height, width), np.bool_)), scores

    def predict(self, frames: "Tensor", *, height: int, width: int) -> VideoPrediction:
        """Masks at `height` x `width` of a video whose frames already have `feeding.size`:
        uint8[T, 3, h, w].
        """
        logits, scores = self._answers(frames)
        kept = kept_frames(scores, gate=self.feeding.gate, video_gate=self.feeding.video_gate)
        counts: list[str] = []
        for chunk in _marked(logits, kept, height=height, width=width):
            counts += encode(chunk)
        return VideoPrediction(height, width, tuple(counts), scores)

    def logits(self, frames: "Tensor") -> "Tensor":
        """float32[T, h, w] of frames that have `feeding.size`: above 0 a pixel is marked, before
        the gates.
        """
        return self._answers(frames)[0]

    def _answers(self, frames: "Tensor") -> "tuple[Tensor, Float64Array]":
        """Logits float32[T, h, w] and scores float64[T] of frames at the model's size."""
        device = next(self.model.parameters()).device
        windows = _windows(len(frames), self.feeding, self.recipe.context)
        logits = torch.zeros(0, *self.feeding.size)
        was_training = self.model.training
        self.model.eval()
        with (
            torch.inference_mode(),
            torch.autocast(device.type, self.precision, enabled=self.precision is not None),
        ):
            for chosen in _batches(windows, self.feeding.batch_size):
                indices = torch.tensor([window.shown for window in chosen])
                video = frames[indices].to(device).float() / 255
                answers = self.recipe.logits(
                    self.model, {"video": video, "frame_index": indices.to(device)}
                )
                if not len(logits):
                    logits = torch.empty(len(frames), *answers.shape[2:])
                for window, answer in zip(chosen, answers.float().cpu(), strict=True):
                    logits[window.kept] = answer[window.places]
        self.model.train(was_training)
        return logits, _scores(logits)


@dataclass(frozen=True, slots=True)
class _Window:
    """The model gets the frames `shown`; its predictions at `places` are used for the frames
    `kept`.
    """

    shown: list[int]
    places: list[int]
    kept: list[int]


def _windows(num_frames: int, feeding: Feeding, context: int) -> list[_Window]:
    """Windows that predict every frame once: each keeps `feeding.num_frames` and shows `context`
    more frames on either side. A video that fits into one window is shown once.
    """
    windows = []
    longest = feeding.num_frames + 2 * context
    for phase in range(min(feeding.stride, num_frames)):
        frames = list(range(phase, num_frames, feeding.stride))
        step = len(frames) if len(frames) <= longest else feeding.num_frames
        for first in range(0, len(frames), step):
            kept = range(first, min(first + step, len(frames)))
            # All windows have one length, except for a short video.
            begin = max(min(first - context, len(frames) - longest), 0)
            shown = frames[begin : begin + longest]
            windows.append(_Window(shown, [at - begin for at in kept], [frames[at] for at in kept]))
    return windows


def _batches(windows: Sequence[_Window], size: int) -> Iterator[list[_Window]]:
    """Batches of at most `size` windows, all of one length."""
    for _, alike in groupby(windows, key=lambda window: len(window.shown)):
        frames = list(alike)
        yield from (frames[start : start + size] for start in range(0, len(frames), size))


def _scaled(frames: "Tensor", size: tuple[int, int]) -> "Tensor":
    if tuple(frames.shape[-2:]) == tuple(size) or not len(frames):
        return frames
    chunk = max(_CHUNK_PIXELS // (3 * frames.shape[-2] * frames.shape[-1]), 1)
    parts = [
        interpolate(part.float(), size=size, mode="bilinear", antialias=True)
        for part in torch.split(frames, chunk)
    ]
    return torch.cat(parts).round().clamp(0, 255).to(torch.uint8)


def _scores(logits: "Tensor") -> Float64Array:
    scores: Float64Array = highest(logits).sigmoid().mean(-1).double().numpy()
    return scores


def _marked(logits: "Tensor", kept: BoolArray, *, height: int, width: int) -> Iterator[BoolArray]:
    """bool[N, H, W] of consecutive frames, part by part, because a long video at its own size may
    not fit into memory.
    """
    chunk = max(_CHUNK_PIXELS // (height * width), 1)
    shown = torch.from_numpy(kept)
    for start in range(0, len(logits), chunk):
        part = logits[start : start + chunk, None]
        if tuple(part.shape[-2:]) != (height, width):
            part = interpolate(part, size=(height, width), mode="bilinear")
        yield ((part[:, 0] > 0) & shown[start : start + chunk, None, None]).numpy()


def save_model(
    model: "nn.Module", folder: Path, *, recipe: Recipe, feeding: Feeding, facts: Mapping[str, Any]
) -> None:
    """Saves a model for `load_model`; the recipe's `save_pretrained` writes the model's own
    files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(folder))  # type: ignore[operator]
    # the empty card of the Hub mixin; ours is written with the scores
    (folder / "README.md").unlink(missing_ok=True)
    settings = {
        "recipe": recipe.name,
        "brokenvideos": __version__,
        "feeding": asdict(feeding),
        **facts,
    }
    write_atomic(
        folder / SETTINGS, (json.dumps(settings, indent=1, allow_nan=False) + "\n").encode()
    )


def load_model(model: str | Path, *, device: str | None = None) -> Predictor:
    """A saved model, ready to predict.

    Args:
        model: the folder that `brokenvideos train` has written (OUT or OUT/model), or a Hub
            repository "OWNER/NAME" with its files.
        device: the torch device; None: CUDA if there is one, otherwise the CPU.

    Raises:
        TrainError: there is no model of this package, or this version cannot read it.
    """
    folder = Path(model)
    if not folder.is_dir() and str(model).count("/") == 1:
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(str(model)))
    folder = folder if (folder / SETTINGS).is_file() else folder / "model"
    if not (folder / SETTINGS).is_file():
        raise TrainError(
            f"{model}: no {SETTINGS} in it. Name the folder that `brokenvideos train` has written."
        )
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    settings: dict[str, Any] = {}
    try:
        settings = parse_json((folder / SETTINGS).read_bytes())
        recipe = recipe_named(settings["recipe"])
        feeding = Feeding(**settings["feeding"] | {"size": tuple(settings["feeding"]["size"])})
        inner = recipe.load(folder)
    except TrainError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, OSError, SafetensorError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise TrainError(
            f"{folder}: cannot be read as a model of brokenvideos {__version__} "
            f"({type(error).__name__}: {first}). "
            f"It was saved by {settings.get('brokenvideos', 'an unknown version')}: load it with "
            "that version, or train it again."
        ) from error
    return Predictor(inner.to(where).eval(), recipe, feeding, facts=settings)
