"""The engine `sam2-package`: SAM 2 in the package of its authors, on frames that are decoded when
needed.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch
from sam2.sam2_video_predictor import (
    SAM2VideoPredictor,
)  # imported here, so that a missing package is reported before a model is searched
from torch import Tensor
from torch.nn.functional import interpolate

from ..checkpoints import Checkpoint, find_checkpoint
from ..memory_engine import NEAREST, REACH, MemoryEngine, Point
from ..model_frames import RESIZE, FeatureCache, ModelFrames, pick_device
from ..prompts import no_video
from ..protocol import BoolArray, EngineError, Frames

_UNPICKLING_ERROR: type[Exception] = vars(torch.serialization)["pickle"].UnpicklingError

CHECKPOINT = "facebook/sam2.1-hiera-small"
TRUNKS = {(96, 12): "t", (96, 16): "s", (112, 24): "b+", (144, 48): "l"}
"""The size of a model by the width of its first block and the number of its blocks."""


def _make(*, checkpoint: str | None, device: str | None) -> MemoryEngine:
    """The engine with its model loaded; see `kinds.make_engine`."""
    files = find_checkpoint(checkpoint or CHECKPOINT, weights="*.pt")
    predictor = _load(files, pick_device(device))
    return MemoryEngine(
        Sam2Package(predictor, {"checkpoint": files.name, "weights_sha256": files.weights_sha256()})
    )


def _load(checkpoint: Checkpoint, device: torch.device) -> SAM2VideoPredictor:
    from sam2.build_sam import build_sam2_video_predictor

    if len(checkpoint.weights) != 1:
        names = ", ".join(path.name for path in checkpoint.weights)
        raise EngineError(
            f"--checkpoint {checkpoint.name}: several files of weights ({names}). Give one of them."
        )
    try:
        state = torch.load(checkpoint.weights[0], map_location="cpu", weights_only=True)["model"]
        config = _config(state)
        # Holes are not filled: a person can do this, and the package needs a compiled extension for
        # it.
        predictor = build_sam2_video_predictor(
            config,
            ckpt_path=None,
            device=str(device),
            hydra_overrides_extra=["++model.fill_hole_area=0"],
        )
        predictor.load_state_dict(state)
    except (
        OSError,
        RuntimeError,
        LookupError,
        TypeError,
        ValueError,
        EOFError,
        _UNPICKLING_ERROR,
    ) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise EngineError(
            f"--checkpoint {checkpoint.name}: not weights of SAM 2 as its authors publish them "
            f"({first}). Name such a .pt file, or use --engine sam2 for models of transformers."
        ) from error
    return predictor


def _config(state: Mapping[str, Tensor]) -> str:
    """The package's configuration for these weights, recognised by their shapes.

    Raises:
        LookupError: these are not weights of a known model.
    """
    width = state["image_encoder.trunk.patch_embed.proj.weight"].shape[0]
    blocks = {
        name.split(".")[3] for name in state if name.startswith("image_encoder.trunk.blocks.")
    }
    release = "2.1" if "no_obj_embed_spatial" in state else "2"
    return f"configs/sam{release}/sam{release}_hiera_{TRUNKS[width, len(blocks)]}.yaml"


class Sam2Package:
    """A predictor of the package and the video that it looks at; see
    `memory_engine.MemoryModel`.
    """

    def __init__(self, predictor: SAM2VideoPredictor, facts: Mapping[str, str]) -> None:
        """
        Args:
            predictor: it is changed so that it uses at most the NEAREST marked frames.
            facts: the facts of the checkpoint.
        """
        self._predictor: Any = predictor
        if not 0 < self._predictor.max_cond_frames_in_attn <= NEAREST:
            self._predictor.max_cond_frames_in_attn = NEAREST
        self._facts = facts
        self._images: ModelFrames | None = None
        self._features = FeatureCache()

    @property
    def facts(self) -> Mapping[str, str]:
        return {
            "engine": "sam2-package",
            "model": "SAM2VideoPredictor",
            **self._facts,
            "torch": torch.__version__,
            "sam2": version("sam2"),
            "resize": RESIZE,
            "device": str(self._predictor.device),
        }

    def open(self, frames: Frames) -> None:
        self._features = FeatureCache()
        self._images = ModelFrames(frames, self._predictor.image_size, self._predictor.device)

    def close(self) -> None:
        self._images = None
        self._features = FeatureCache()

    @torch.inference_mode()
    def prepare(self, frame_index: int) -> None:
        self.track().encode(frame_index)

    def track(self) -> "_Tracker":
        if self._images is None:
            raise no_video()
        return _Tracker(self._predictor, self._images, self._features)


class _Tracker:
    """One object in an inference state of its own; see `memory_engine.Tracker`."""

    def __init__(self, predictor: Any, images: ModelFrames, features: FeatureCache) -> None:
        self._predictor = predictor
        self._features = features
        self._outputs: dict[str, dict[int, Any]] = {
            "cond_frame_outputs": {},
            "non_cond_frame_outputs": {},
        }
        # The same values as from `init_state`, but without reading all frames and encoding the
        # first.
        self._state: dict[str, Any] = {
            "images": images,
            "num_frames": len(images),
            "offload_video_to_cpu": False,
            "offload_state_to_cpu": False,
            "video_height": images.frames.height,
            "video_width": images.frames.width,
            "device": predictor.device,
            "storage_device": predictor.device,
            "cached_features": {},
            "constants": {},
        }

    def encode(self, frame_index: int) -> None:
        """Puts the frame's features where the predictor looks for them."""
        kept = self._features.get(frame_index)
        self._state["cached_features"] = {} if kept is None else {frame_index: kept}
        if kept is None:
            self._predictor._get_image_feature(self._state, frame_index, 1)
            self._features.put(frame_index, self._state["cached_features"][frame_index])

    @torch.inference_mode()
    def click(self, frame_index: int, points: Sequence[Point], *, before: Tensor | None) -> Tensor:
        side, device = self._predictor.image_size, self._predictor.device
        coords = torch.tensor(
            [[[x * side, y * side] for x, y, _ in points]], dtype=torch.float32, device=device
        )
        labels = torch.tensor([[label for _, _, label in points]], dtype=torch.int32, device=device)
        given = {"point_coords": coords, "point_labels": labels}
        return self._mark(
            frame_index,
            points=given,
            mask=None,
            before=None if before is None else before.clamp(-32, 32),
        )

    @torch.inference_mode()
    def show(self, frame_index: int, mask: BoolArray) -> Tensor:
        side = self._predictor.image_size
        pixels = torch.from_numpy(mask)[None, None].float().to(self._predictor.device)
        scaled = interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
        return self._mark(frame_index, points=None, mask=(scaled >= 0.5).float(), before=None)

    @torch.inference_mode()
    def propagate_to(self, frame_index: int, *, backwards: bool) -> Tensor:
        output, logits = self._run(frame_index, is_marked=False, backwards=backwards)
        outputs = self._outputs["non_cond_frame_outputs"]
        outputs[frame_index] = {**output, "pred_masks": None}
        for other in [other for other in outputs if abs(other - frame_index) > REACH]:
            del outputs[other]
        return logits

    def drop(self, frame_index: int) -> None:
        for outputs in self._outputs.values():
            outputs.pop(frame_index, None)

    def forget_run(self) -> None:
        self._outputs["non_cond_frame_outputs"].clear()

    def _mark(
        self,
        frame_index: int,
        *,
        points: dict[str, Tensor] | None,
        mask: Tensor | None,
        before: Tensor | None,
    ) -> Tensor:
        self.drop(frame_index)
        output, logits = self._run(
            frame_index, is_marked=True, points=points, mask=mask, before=before
        )
        side = self._predictor.image_size
        # The package does the same when propagation begins.
        features, positions = self._predictor._run_memory_encoder(
            self._state,
            frame_index,
            1,
            interpolate(logits, size=(side, side), mode="bilinear", align_corners=False),
            output["object_score_logits"],
            True,
        )
        output = {
            **output,
            "pred_masks": None,
            "maskmem_features": features,
            "maskmem_pos_enc": positions,
        }
        self._outputs["cond_frame_outputs"][frame_index] = output
        return logits

    def _run(
        self,
        frame_index: int,
        *,
        is_marked: bool,
        points: dict[str, Tensor] | None = None,
        mask: Tensor | None = None,
        before: Tensor | None = None,
        backwards: bool = False,
    ) -> tuple[dict[str, Any], Tensor]:
        self.encode(frame_index)
        output, logits = self._predictor._run_single_frame_inference(
            inference_state=self._state,
            output_dict=self._outputs,
            frame_idx=frame_index,
            batch_size=1,
            is_init_cond_frame=is_marked,
            point_inputs=points,
            mask_inputs=mask,
            reverse=backwards,
            run_mem_encoder=not is_marked,
            prev_sam_mask_logits=before,
        )
        return output, logits


ENGINE = _make
