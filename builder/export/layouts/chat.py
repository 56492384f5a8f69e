"""Conversations for multimodal language models: each line is a question about a video, and its
answer.

The fine-tuning code of Qwen-VL reads qwen-vl/{split}.jsonl (`conversations`, and `video` or
`image`). TRL's SFTTrainer cannot read videos, so with frames there is also trl/{split}.jsonl for it
(`prompt`, `completion`, `images`). Paths are relative to the exported folder.

Source: qwen-vl-finetune of https://github.com/QwenLM/Qwen3-VL;
https://huggingface.co/docs/trl/dataset_formats
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ....release import SPLITS
from ...chat import BoxUnit, ChatOptions, Conversation, conversations
from ..frame_pictures import picture_name, write_frames
from ..layout import ExportLayout, ExportOptions, Row, Target, Written
from ..long_json import write_part

_FRAMES = "frames"


@dataclass(frozen=True, slots=True)
class _Part:
    """One row: the files with its lines, by form."""

    video_id: str
    split: str
    lines: dict[str, Path]


def _losses(row: Row, options: ExportOptions) -> list[str]:
    losses = []
    if not row["annotated_frames"]:
        losses.append("no frame is annotated, so nothing can be asked about it")
    if options.frames is None and row["codec"]["rotation"]:
        losses.append(
            "players turn it, and readers differ on whether they do, so boxes are uncertain; "
            "--frames jpg is not"
        )
    return losses


def _write(row: Row, target: Target) -> Written:
    options = target.options
    questions = conversations(row, target.split, _chat_options(options))
    shown = sorted({frame for one in questions for frame in one.frames or ()})
    if options.frames is not None:
        write_frames(
            row, target.folder / _FRAMES / row["video_id"], frames=shown, suffix=options.frames
        )
    forms = {"qwen-vl": [_for_qwen(one, row, suffix=options.frames) for one in questions]}
    if options.frames is not None:
        forms["trl"] = [_for_trl(one, suffix=options.frames) for one in questions]
    lines = {
        form: write_part(target.work / f"{row['video_id']}.{form}", entries)
        for form, entries in forms.items()
    }
    return Written(set(row["masks"]["object_id"]), _Part(row["video_id"], target.split, lines))


def _chat_options(options: ExportOptions) -> ChatOptions:
    return ChatOptions(
        media="video" if options.frames is None else "frames",
        num_frames=cast(int, options.num_frames),
        unit=cast(BoxUnit, options.box_unit),
        seed=cast(int, options.seed),
    )


def _facts(one: Conversation) -> dict[str, Any]:
    """The facts about a question that the evaluation of answers needs."""
    return {
        "id": one.name,
        "video_id": one.video_id,
        "split": one.split,
        "question": one.question,
        "first_frame": one.first_frame,
        "last_frame": one.last_frame,
        "frames": one.frames,
        "box_unit": one.box_unit,
    }


def _for_qwen(one: Conversation, row: Row, *, suffix: str | None) -> dict[str, Any]:
    if suffix is None:
        media: dict[str, Any] = {
            "video": f"videos/{one.video_id}{Path(row['video']['path']).suffix.lower()}"
        }
        tags = "<video>\n"
    else:
        media = {"image": _pictures(one, suffix)}
        tags = "<image>\n" * len(media["image"])
    turns = [{"from": "human", "value": f"{tags}{one.text}"}, {"from": "gpt", "value": one.answer}]
    return {**_facts(one), **media, "conversations": turns}


def _for_trl(one: Conversation, *, suffix: str) -> dict[str, Any]:
    return {
        **_facts(one),
        "images": _pictures(one, suffix),
        "prompt": [{"role": "user", "content": one.text}],
        "completion": [{"role": "assistant", "content": one.answer}],
    }


def _pictures(one: Conversation, suffix: str) -> list[str]:
    return [f"{_FRAMES}/{one.video_id}/{picture_name(frame, suffix)}" for frame in one.frames or ()]


def _finish(parts: Sequence[_Part], folder: Path, options: ExportOptions) -> None:
    for split in SPLITS:
        of_split = sorted(
            (part for part in parts if part.split == split), key=lambda part: part.video_id
        )
        for form in sorted({form for part in of_split for form in part.lines}):
            path = folder / form / f"{split}.jsonl"
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                for part in of_split:
                    file.write(part.lines[form].read_bytes())


LAYOUT = ExportLayout(
    help="conversations for Qwen-VL and, with frames, TRL's SFTTrainer: what is broken, when, "
    "where and which type",
    write=_write,
    lacks="the outline of a mask (only its box); a video without an annotated frame",
    losses=_losses,
    finish=_finish,
    options={"frames": None, "num_frames": 8, "box_unit": "1000", "seed": 0},
    with_videos=True,
    is_raw=False,
)
