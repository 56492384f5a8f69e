"""The recipe `segformer`: SegFormer of `transformers`, from any of its checkpoints, on single
frames.

It uses the same trainer as all recipes. `transformers.Trainer` cannot continue in the middle of an
epoch of our clips, and cannot choose a model by J&F of whole videos. examples/segformer_trainer.py
shows Trainer with the same model.
"""

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from ..losses import RARE, flat_parameters, mask_loss
from ..pretrained import pretrained
from ..recipe import Batch, Recipe

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's RGB values, which SegFormer's checkpoints expect."""

_LAST_BIAS = "decode_head.classifier.bias"


def _make(init: str | None) -> nn.Module:
    if init is None:
        config: Any = SegformerConfig  # whose num_labels its signature does not show
        model: Any = SegformerForSemanticSegmentation(config(num_labels=1))  # the size of b0
        is_new = True
    else:
        # The head of the checkpoint may have other classes; then a new one takes its place.
        model, info = pretrained(
            SegformerForSemanticSegmentation,
            init,
            num_labels=1,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
        replaced = {*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])}
        is_new = _LAST_BIAS in replaced
    if is_new:
        nn.init.constant_(model.get_parameter(_LAST_BIAS), RARE)
    made: nn.Module = model
    return made


def _load(folder: Path) -> nn.Module:
    model: nn.Module = pretrained(SegformerForSemanticSegmentation, folder, use_safetensors=True)
    return model


def pixel_values(video: Tensor) -> Tensor:
    """float[B · T, 3, H, W], normalised, from video float[B, T, 3, H, W] in [0, 1]."""
    mean, std = (video.new_tensor(values)[:, None, None] for values in (MEAN, STD))
    return ((video - mean) / std).flatten(0, 1)


def _logits(model: nn.Module, batch: Batch) -> Tensor:
    video = batch["video"]
    logits: Tensor = model(pixel_values=pixel_values(video)).logits
    return logits[:, 0].reshape(*video.shape[:2], *logits.shape[-2:])


RECIPE = Recipe(
    name="segformer",
    make=_make,
    load=_load,
    logits=_logits,
    loss=mask_loss,
    parameters=flat_parameters,
    size=(384, 384),
    num_frames=4,
    batch_size=4,
    lr=1e-4,
    weight_decay=1e-2,
)
