"""A tiny text-to-video model with random weights, made in code, and a folder of clips that it
made.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brokenvideos.tools.generation import Settings, generate, make_plan
from brokenvideos.tools.prompts import Prompt

PROMPTS = [
    Prompt(
        "hands1",
        "A man waves.",
        seeds=(1, 2),
        trigger="hands",
        artifact_types=("deformation",),
        control_id="calm1",
    ),
    Prompt("calm1", "A man.", seeds=(3,)),
]
IDS = ["tiny_calm1_0", "tiny_hands1_0", "tiny_hands1_1"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as diffusers saves a model: LTX with 90,092 random weights, and a tokenizer of
    bytes.
    """
    import torch
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXPipeline,
        LTXVideoTransformer3DModel,
    )
    from diffusers.utils import logging
    from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

    logging.disable_progress_bar()
    torch.manual_seed(0)
    pipeline = LTXPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, False, False),
            decoder_spatio_temporal_scaling=(True, True, False, False),
            decoder_inject_noise=(False,) * 5,
            upsample_residual=(False,) * 4,
            upsample_factor=(1,) * 4,
            patch_size=1,
            patch_size_t=1,
        ),
        text_encoder=T5EncoderModel(
            T5Config(vocab_size=384, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        ),
        tokenizer=ByT5Tokenizer(),
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=8,
            cross_attention_dim=16,
            num_layers=1,
            caption_channels=16,
        ),
    )
    folder = tmp_path_factory.mktemp("models") / "tiny"
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture
def settings(tiny: Path) -> Callable[..., Settings]:
    """What the tests ask of the tiny model: 9 frames of 64x32 in two steps."""

    def make(**other: Any) -> Settings:
        return Settings(
            **{
                "model": str(tiny),
                "device": "cpu",
                "steps": 2,
                "size": (32, 64),
                "num_frames": 9,
                **other,
            }
        )

    return make


@pytest.fixture(scope="session")
def clips(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three clips of `PROMPTS`. Read only."""
    out = tmp_path_factory.mktemp("clips") / "raw"
    asked = Settings(model=str(tiny), device="cpu", steps=2, size=(32, 64), num_frames=9)
    generate(make_plan(PROMPTS, out, asked), out, say=lambda line: None)
    return out


@pytest.fixture
def copy(clips: Path, tmp_path: Path) -> Path:
    """The three clips, to spoil."""
    return Path(shutil.copytree(clips, tmp_path / "raw"))
