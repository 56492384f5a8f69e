"""The recipe `sam2`: fine-tunes the mask decoder of SAM 2 (`transformers`) on single frames,
without clicks.

In training and in prediction the prompt is always the same: a box of the whole frame. The image
encoder, the prompt encoder, and the decoder's two convolutions of fine features are frozen, so
their output for a frame can be cached (`feature_cache`). The rest of the mask decoder is trained to
give a single mask. The memory of a video checkpoint is not used, because artifacts seldom last
through a video as objects do.

Source: Ravi et al., "SAM 2" (2024).
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from transformers import Sam2Model

from ..feature_cache import FeatureCache
from ..losses import flat_parameters, mask_loss
from ..pretrained import pretrained
from ..recipe import Batch, Recipe
from .segformer import pixel_values

CHECKPOINT = "facebook/sam2.1-hiera-tiny"
"""The checkpoint that is fine-tuned without --init."""

CACHE_BYTES = 2**31
"""Limit for cached features per process in bytes; a frame at 1024 x 1024 takes 8.4 MB."""

_FROZEN_IN_DECODER = ("conv_s0", "conv_s1", "iou_prediction_head", "pred_obj_score_head")
"""The frozen parts of the decoder. The convolutions are frozen so that features can be cached; the
heads have outputs that are not used, so they get no gradient.
"""


class Sam2Localizer(nn.Module):
    """Logits float[B, T, h, w] from video float[B, T, 3, H, W] in [0, 1]; h and w are a quarter of
    SAM 2's own image size.

    `sam` is a `Sam2Model`, which is changed. Frames of another size are scaled to SAM 2's square,
    as its own preprocessing does.
    """

    def __init__(self, sam: Any, *, cache_bytes: int) -> None:
        super().__init__()
        # At prediction SAM 2 would replace an unstable single mask by one of three others, which
        # are not trained here.
        sam.config.mask_decoder_config.dynamic_multimask_via_stability = False
        sam.mask_decoder.dynamic_multimask_via_stability = False
        sam.requires_grad_(False)
        for name, parameter in sam.mask_decoder.named_parameters():
            parameter.requires_grad_(name.partition(".")[0] not in _FROZEN_IN_DECODER)
        self.sam = sam
        self.cache = FeatureCache(cache_bytes)

    def forward(self, video: Tensor) -> Tensor:
        side: int = self.sam.prompt_encoder.input_image_size
        frames = video.flatten(0, 1)
        if tuple(frames.shape[-2:]) != (side, side):
            frames = interpolate(frames, size=(side, side), mode="bilinear", antialias=True)
        features = self.cache(frames, self._encode)
        box = frames.new_tensor([0, 0, side, side]).expand(len(frames), 1, 4)
        masks: Tensor = self.sam(
            image_embeddings=features, input_boxes=box, multimask_output=False
        ).pred_masks
        logits: Tensor = masks[:, 0, 0].reshape(*video.shape[:2], *masks.shape[-2:])
        return logits

    @torch.no_grad()
    def _encode(self, frames: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.sam.get_image_embeddings(pixel_values(frames[None]))
        return features

    def save_pretrained(self, folder: str) -> None:
        """Writes SAM 2's own files, which `Sam2Model.from_pretrained` reads."""
        self.sam.save_pretrained(folder)


def _make(init: str | None) -> Sam2Localizer:
    return Sam2Localizer(pretrained(Sam2Model, init or CHECKPOINT), cache_bytes=CACHE_BYTES)


def _load(folder: Path) -> Sam2Localizer:
    # Prediction uses each frame once, so a cache would not help.
    return Sam2Localizer(pretrained(Sam2Model, folder, use_safetensors=True), cache_bytes=0)


def _logits(model: nn.Module, batch: Batch) -> Tensor:
    logits: Tensor = model(batch["video"])
    return logits


RECIPE = Recipe(
    name="sam2",
    make=_make,
    load=_load,
    logits=_logits,
    loss=mask_loss,
    parameters=flat_parameters,
    size=(1024, 1024),
    num_frames=2,
    batch_size=2,
    lr=1e-4,
    weight_decay=1e-2,
    flip=0.0,
    augment=False,
)
