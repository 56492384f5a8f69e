"""The engine `sam2`: SAM 2, SAM 3 or EdgeTAM in `transformers`. The checkpoint's configuration
names the model.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..checkpoints import find_checkpoint
from ..memory_engine import NEAREST, REACH, MemoryEngine, Point
from ..model_frames import MEAN, RESIZE, STD, FeatureCache, ModelFrames, pick_device
from ..prompts import no_video
from ..protocol import BoolArray, EngineError, Frames

CHECKPOINT = "facebook/sam2.1-hiera-small"
CLASSES = {
    "sam2_video": "Sam2VideoModel",
    "sam3_tracker_video": "Sam3TrackerVideoModel",
    "sam3_video": "Sam3TrackerVideoModel",
    "edgetam_video": "EdgeTamVideoModel",
}
"""Class names in `transformers` by the model_type in a checkpoint's config.json."""
HALF = (0.5, 0.5, 0.5)
"""Mean and standard deviation for the normalisation of SAM 3."""


def _make(*, checkpoint: str | None, device: str | None) -> MemoryEngine:
    """The engine with its model loaded; see `kinds.make_engine`."""
    from safetensors import SafetensorError
    from transformers import AutoConfig

    name = checkpoint or CHECKPOINT
    files = find_checkpoint(name, weights="*.safetensors", others=["*.json"])
    on = pick_device(device)
    try:
        kind = str(AutoConfig.from_pretrained(files.folder).model_type)
        if kind not in CLASSES:
            raise EngineError(
                f"--checkpoint {name}: it is a model of type {kind!r}, wanted one of "
                f"{', '.join(CLASSES)}. Name another one."
            )
        model = _load(CLASSES[kind], files.folder)
    except EngineError:
        raise
    except (
        OSError,
        ValueError,
        RuntimeError,
        ImportError,
        SafetensorError,
    ) as error:  # ImportError: EdgeTAM wants timm
        first = next(
            (line for line in str(error).splitlines() if line.strip()), type(error).__name__
        )
        raise EngineError(
            f"--checkpoint {name}: it cannot be loaded ({first}). Check that it is complete."
        ) from error
    facts = {"checkpoint": files.name, "weights_sha256": files.weights_sha256()}
    return MemoryEngine(Sam2(model.to(on), facts))


def _load(class_name: str, folder: Any) -> Any:
    import transformers
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging
    had_bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return getattr(transformers, class_name).from_pretrained(folder, dtype=torch.float32)
    finally:
        if had_bar:
            logging.enable_progress_bar()


class Sam2:
    """A model of `transformers` and the video that it looks at; see `memory_engine.MemoryModel`."""

    def __init__(self, model: Any, facts: Mapping[str, str]) -> None:
        """
        Args:
            model: a Sam2VideoModel, Sam3TrackerVideoModel or EdgeTamVideoModel. It is changed so
                that it uses at most the NEAREST marked frames.
            facts: the facts of the checkpoint.
        """
        self._model = model.eval()
        if not 0 < model.config.max_cond_frame_num <= NEAREST:
            model.config.max_cond_frame_num = NEAREST
        self._facts = facts
        self._images: ModelFrames | None = None
        self._features = _Features()

    @property
    def facts(self) -> Mapping[str, str]:
        return {
            "engine": "sam2",
            "model": type(self._model).__name__,
            **self._facts,
            "torch": torch.__version__,
            "transformers": version("transformers"),
            "resize": RESIZE,
            "device": str(self._model.device),
        }

    def open(self, frames: Frames) -> None:
        mean, std = (HALF, HALF) if type(self._model).__name__.startswith("Sam3") else (MEAN, STD)
        self._features = _Features()
        self._images = ModelFrames(frames, _side(self._model), self._model.device, mean, std)

    def close(self) -> None:
        self._images = None
        self._features = _Features()

    @torch.inference_mode()
    def prepare(self, frame_index: int) -> None:
        if self._images is None:
            raise no_video()
        if self._features.get_vision_features(frame_index) is None:
            encoded = self._model.get_image_features(
                self._images[frame_index][None], return_dict=True
            )
            features = {
                "vision_feats": encoded.fpn_hidden_states,
                "vision_pos_embeds": encoded.fpn_position_encoding,
            }
            self._features.cache_vision_features(frame_index, features)

    def track(self) -> "_Tracker":
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        images = self._images
        if images is None:
            raise no_video()
        session: Any = Sam2VideoInferenceSession(
            video=None,
            video_height=images.frames.height,
            video_width=images.frames.width,
            inference_device=self._model.device,
            inference_state_device=self._model.device,
            dtype=torch.float32,
        )
        session.processed_frames = images
        session.cache = self._features
        session.obj_id_to_idx(1)
        return _Tracker(self._model, session)


class _Features:
    """The feature cache of a `transformers` session, shared by all objects of a video.

    Position encodings are as large as the features and equal for every frame, so only one is kept.
    """

    def __init__(self) -> None:
        self._cache = FeatureCache()
        self._positions: list[Tensor] = []

    def cache_vision_features(self, frame_idx: int, features: dict[str, Any]) -> None:
        self._positions = self._positions or [features["vision_pos_embeds"][-1].clone()]
        self._cache.put(frame_idx, list(features["vision_feats"]))

    def get_vision_features(self, frame_idx: int) -> dict[str, Any] | None:
        kept = self._cache.get(frame_idx)
        return (
            None if kept is None else {"vision_feats": kept, "vision_pos_embeds": self._positions}
        )


class _Tracker:
    """One object in a session of its own; see `memory_engine.Tracker`.

    (In a session with several objects a run of one frame marks that frame for every object that
    waits for its first run.)
    """

    def __init__(self, model: Any, session: Any) -> None:
        self._model = model
        self._session = session
        self._positions: Tensor | None = None

    @torch.inference_mode()
    def click(self, frame_index: int, points: Sequence[Point], *, before: Tensor | None) -> Tensor:
        self.drop(frame_index)
        side = _side(self._model)
        coords = torch.tensor([[[[x * side, y * side] for x, y, _ in points]]], dtype=torch.float32)
        labels = torch.tensor([[[label for _, _, label in points]]], dtype=torch.int32)
        self._session.add_point_inputs(
            0, frame_index, {"point_coords": coords, "point_labels": labels}
        )
        self._session.obj_with_new_inputs = [1]
        with _correcting(self._model, before):
            return self._answer(frame_index, reverse=False)

    @torch.inference_mode()
    def show(self, frame_index: int, mask: BoolArray) -> Tensor:
        self.drop(frame_index)
        side = _side(self._model)
        pixels = torch.from_numpy(mask)[None, None].float()
        scaled = interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
        self._session.add_mask_inputs(0, frame_index, (scaled >= 0.5).float())
        self._session.obj_with_new_inputs = [1]
        return self._answer(frame_index, reverse=False)

    @torch.inference_mode()
    def propagate_to(self, frame_index: int, *, backwards: bool) -> Tensor:
        outputs = self._outputs["non_cond_frame_outputs"]
        logits = self._answer(frame_index, reverse=backwards)
        for other in [other for other in outputs if abs(other - frame_index) > REACH]:
            del outputs[other]
        # Otherwise the session would ignore the prompt on a frame that was tracked before.
        self._session.frames_tracked_per_obj[0].clear()
        return logits

    def drop(self, frame_index: int) -> None:
        for outputs in self._outputs.values():
            outputs.pop(frame_index, None)
        self._session.remove_point_inputs(0, frame_index)
        self._session.remove_mask_inputs(0, frame_index)

    def forget_run(self) -> None:
        self._outputs["non_cond_frame_outputs"].clear()

    @property
    def _outputs(self) -> dict[str, dict[int, Any]]:
        outputs: dict[str, dict[int, Any]] = self._session.output_dict_per_obj[0]
        return outputs

    def _answer(self, frame_index: int, *, reverse: bool) -> Tensor:
        logits: Tensor = self._model(
            self._session, frame_idx=frame_index, reverse=reverse
        ).pred_masks
        for outputs in self._outputs.values():
            if frame_index in outputs:
                self._slim(outputs[frame_index])
        # The prompt has been used, so it need not be kept.
        self._session.remove_point_inputs(0, frame_index)
        self._session.remove_mask_inputs(0, frame_index)
        return logits.reshape(1, 1, *logits.shape[-2:])

    def _slim(self, output: dict[str, Any]) -> None:
        """Removes values that no later frame reads: 5 MB per frame, of which 4.2 MB are the mask at
        full size.
        """
        output.pop("high_res_masks", None)
        output.pop("pred_masks", None)
        positions = output["maskmem_pos_enc"]
        if self._positions is None or not torch.equal(self._positions, positions):
            self._positions = positions.clone()
        output["maskmem_pos_enc"] = self._positions
        output["maskmem_features"] = output[
            "maskmem_features"
        ].clone()  # a view of a batch keeps all of it


@contextmanager
def _correcting(model: Any, logits: Tensor | None) -> Iterator[None]:
    """A context in which clicks correct these logits; a session has no option for that."""
    if logits is None:
        yield
        return
    bounded = logits.clamp(-32, 32)

    def add(
        _: Any, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return arguments, {**named, "input_masks": bounded}

    hook = model.prompt_encoder.register_forward_pre_hook(add, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def _side(model: Any) -> int:
    side: int = model.prompt_encoder.input_image_size
    return side


ENGINE = _make
