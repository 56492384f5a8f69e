"""Fine-tunes an image-text model with peft and TRL on conversations: python examples/vlm_lora.py
MODEL CHAT OUT

CHAT is made by `brokenvideos export RELEASE CHAT --layout chat --frames jpg`. OUT gets the adapter
and the processor, for examples/vlm.py. Only answers are learned from. With little memory: fewer
frames in the export (--num-frames).
"""

import argparse
from pathlib import Path

import torch
from datasets import Image, List, load_dataset
from peft import LoraConfig
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import SFTConfig, SFTTrainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("chat", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--steps", type=int, default=-1, help="at most so many; -1: the epochs decide"
    )
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--rank", type=int, default=16)
    args = parser.parse_args()
    rows = load_dataset(
        "json", data_files={"train": str(args.chat / "trl" / "train.jsonl")}, split="train"
    )
    rows = rows.select_columns(["prompt", "completion", "images"])
    rows = rows.map(lambda row: {"images": [str(args.chat / name) for name in row["images"]]})
    rows = rows.cast_column("images", List(Image()))
    has_gpu = torch.cuda.is_available()
    settings = SFTConfig(
        str(args.out),
        max_steps=args.steps,
        num_train_epochs=args.epochs,
        per_device_train_batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        max_length=None,  # a cut would lose pictures
        bf16=has_gpu,
        use_cpu=not has_gpu,
        dataloader_pin_memory=has_gpu,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
    )
    trainer = SFTTrainer(
        AutoModelForImageTextToText.from_pretrained(args.model, dtype="auto"),
        args=settings,
        train_dataset=rows,
        processing_class=AutoProcessor.from_pretrained(args.model),
        peft_config=LoraConfig(r=args.rank, lora_alpha=2 * args.rank, target_modules="all-linear"),
    )
    result = trainer.train()
    trainer.save_model(str(args.out))
    print(f"{args.out}: steps {result.global_step} loss {result.training_loss:.3f}")


if __name__ == "__main__":
    main()
