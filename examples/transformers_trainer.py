"""The same with `transformers.Trainer`: python examples/transformers_trainer.py [RELEASE]

Trainer makes the loader and, on several processes, divides its batches itself, so the clips are not
divided before: rank=0, world_size=1.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch_loop import loss_of, tiny_net
from transformers import Trainer, TrainingArguments

import brokenvideos
from brokenvideos.sampling import clips, collate


class ArtifactNet(nn.Module):
    """What Trainer wants of a model: a batch in, its loss out."""

    def __init__(self) -> None:
        super().__init__()
        self.net = tiny_net()

    def forward(
        self, video: torch.Tensor, masks: torch.Tensor, valid: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        return {"loss": loss_of(self.net, {"video": video, "masks": masks, "valid": valid})}


def model_inputs(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    batch = collate(items)
    return {key: batch[key] for key in ("video", "masks", "valid")}


def main() -> None:
    release = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(brokenvideos.__path__[0]) / "sample"
    dataset = clips(release, num_frames=8, size=(48, 64), shuffle=True, rank=0, world_size=1)
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(
            out,
            max_steps=4,
            per_device_train_batch_size=4,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=False,
        )
        trainer = Trainer(
            model=ArtifactNet(), args=arguments, train_dataset=dataset, data_collator=model_inputs
        )
        result = trainer.train()
    print(f"steps {result.global_step} loss {result.training_loss:.3f}")


if __name__ == "__main__":
    main()
