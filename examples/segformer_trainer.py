"""The model of the recipe `segformer` with `transformers.Trainer`: python
examples/segformer_trainer.py [RELEASE] [CHECKPOINT]

`brokenvideos train --recipe segformer` resumes exactly, validates by J&F and scores; this is for
those whose loop is Trainer. What it saves is a model for `brokenvideos predict` too.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    SegformerConfig,
    SegformerForSemanticSegmentation,
    Trainer,
    TrainingArguments,
)

import brokenvideos
from brokenvideos.frames import iter_frames
from brokenvideos.sampling import clips, collate
from brokenvideos.tools.training import load_model
from brokenvideos.tools.training.predictor import Feeding, save_model
from brokenvideos.tools.training.recipes import recipe_named

RECIPE = recipe_named("segformer")
SIZE = (64, 96)


class WithLoss(nn.Module):
    """What Trainer wants of a model: a batch in, its loss out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, video: torch.Tensor, masks: torch.Tensor, valid: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        logits = RECIPE.logits(self.model, {"video": video})
        scaled = nn.functional.interpolate(logits, size=masks.shape[-2:], mode="bilinear")
        return {"loss": RECIPE.loss(scaled, {"masks": masks, "valid": valid})}


def model_inputs(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    batch = collate(items)
    return {
        "video": batch["video"].float() / 255,
        "masks": batch["masks"].float(),
        "valid": batch["valid"],
    }


def main() -> None:
    release = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(brokenvideos.__path__[0]) / "sample"
    if len(sys.argv) > 2:
        model = RECIPE.make(sys.argv[2])
    else:
        tiny = {"depths": [1, 1, 1, 1], "hidden_sizes": [8, 16, 24, 32], "decoder_hidden_size": 16}
        model = SegformerForSemanticSegmentation(
            SegformerConfig(num_labels=1, num_attention_heads=[1, 1, 2, 2], **tiny)
        )
    # Trainer makes the loader and divides its batches among processes, so the clips are not divided
    # before.
    dataset = clips(
        release, num_frames=4, size=SIZE, shuffle=True, sampling="broken", rank=0, world_size=1
    )
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(
            out,
            max_steps=6,
            per_device_train_batch_size=4,
            learning_rate=1e-3,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=False,
        )
        trainer = Trainer(
            model=WithLoss(model), args=arguments, train_dataset=dataset, data_collator=model_inputs
        )
        result = trainer.train()
        save_model(
            model, Path(out, "model"), recipe=RECIPE, feeding=Feeding(SIZE, num_frames=4), facts={}
        )
        predictor = load_model(Path(out, "model"))
        row = next(iter(brokenvideos.load(data_dir=release, split="test", streaming=True)))
        frames = torch.stack(
            [
                torch.from_numpy(rgb).permute(2, 0, 1)
                for _, rgb in iter_frames(row["video"]["bytes"])
            ]
        )
        masks, scores = predictor(frames)
    print(f"steps {result.global_step} loss {result.training_loss:.3f}")
    print(
        f"{row['video_id']}: masks {list(masks.shape)}, scores {scores.min():.2f} to "
        f"{scores.max():.2f}"
    )


if __name__ == "__main__":
    main()
