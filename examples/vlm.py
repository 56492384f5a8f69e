"""Asks an image-text model of `transformers` about a release: python examples/vlm.py MODEL RELEASE
ANSWERS.jsonl [--split test]

MODEL is a name on the Hub or a folder, also one with an adapter of examples/vlm_lora.py. Then
`brokenvideos evaluate RELEASE ANSWERS.jsonl --split test` scores what it answered. Some processors,
Qwen's among them, need torchvision.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from brokenvideos.builder.export import ExportOptions, export

YES, NO = ("Yes", "yes", " Yes", " yes"), ("No", "no", " No", " no")
KEPT = ("id", "video_id", "question", "first_frame", "last_frame", "frames", "box_unit")


def questions(chat: Path) -> Iterator[dict[str, Any]]:
    """The rows of an export with frames."""
    for path in sorted((chat / "trl").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def first_tokens(processor: Any, words: tuple[str, ...]) -> list[int]:
    return sorted({processor.tokenizer.encode(word, add_special_tokens=False)[0] for word in words})


@torch.inference_mode()
def answer(
    model: Any, processor: Any, row: dict[str, Any], chat: Path, *, max_new_tokens: int
) -> tuple[str, float]:
    """What the model writes, and how much surer it is of Yes than of No at its first token, 0 to
    1.
    """
    pictures = [{"type": "image", "image": Image.open(chat / name)} for name in row["images"]]
    content = [*pictures, {"type": "text", "text": row["prompt"][0]["content"]}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    ).to(model.device, model.dtype)
    made = model.generate(
        **inputs,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        output_scores=True,
        return_dict_in_generate=True,
    )
    yes, no = (
        made.scores[0][0, first_tokens(processor, words)].float().logsumexp(0)
        for words in (YES, NO)
    )
    new = made.sequences[0, inputs["input_ids"].shape[1] :]
    return processor.tokenizer.decode(new, skip_special_tokens=True).strip(), float(
        torch.sigmoid(yes - no)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("release", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--num-frames", type=int, default=8)
    parser.add_argument("--box-unit", choices=["1000", "pixels"], default="1000")
    parser.add_argument("--max-new-tokens", type=int, default=512)
    args = parser.parse_args()
    processor = AutoProcessor.from_pretrained(args.model)
    model = AutoModelForImageTextToText.from_pretrained(args.model, dtype="auto").eval()
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    options = ExportOptions(frames="jpg", num_frames=args.num_frames, box_unit=args.box_unit)
    partial = args.answers.with_name(f".{args.answers.name}.partial")
    with tempfile.TemporaryDirectory() as folder, partial.open("w", encoding="utf-8") as file:
        chat = Path(folder, "chat")
        report = export(
            args.release, chat, layout="chat", options=options, split=args.split, lossy=True
        )
        for loss in report.losses:
            print(f"left out: {loss}")
        count = 0
        for row in questions(chat):
            text, sure = answer(model, processor, row, chat, max_new_tokens=args.max_new_tokens)
            said = {"answer": text} | ({"score": sure} if row["question"] == "broken" else {})
            file.write(json.dumps({key: row[key] for key in KEPT} | said) + "\n")
            count += 1
    partial.replace(args.answers)
    print(f"{args.answers}: {count} answers")


if __name__ == "__main__":
    main()
