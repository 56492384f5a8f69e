"""A truth of two-object videos worked out by hand, and answers to write down."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH, FRAMES = 40, 80, 4
Write = Callable[..., Path]


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Masks alone: `a` and `b` have two squares in frames 1 and 2 of 4, `n` has none."""
    folder = tmp_path_factory.mktemp("truth")
    for video_id in ("a", "b", "n"):
        (folder / video_id).mkdir()
        for frame in range(FRAMES):
            labels = np.zeros((HEIGHT, WIDTH), np.uint8)
            if video_id != "n" and frame in (1, 2):
                labels[4:14, 10:30] = 1
                labels[20:36, 40:60] = 2
            Image.fromarray(labels).save(folder / video_id / f"{frame:05d}.png")
    return folder


RIGHT: Mapping[str, Mapping[str, object]] = {
    "broken": {"a": "Yes", "b": "Yes", "n": "No"},
    "when": {
        "a": [{"first_frame": 1, "last_frame": 2}],
        "b": [{"first_frame": 1, "last_frame": 2}],
        "n": [],
    },
    "where": {
        video_id: [
            {"frame": frame, "bbox_2d": box}
            for frame in ((1, 2) if video_id != "n" else ())
            for box in ([10, 4, 30, 14], [40, 20, 60, 36])
        ]
        for video_id in ("a", "b", "n")
    },
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes right answers to some questions; `change` has other texts, or other keys, by
    (question, video_id).
    """

    def write_answers(
        questions: Sequence[str] = ("broken", "when", "where"),
        change: Mapping[tuple[str, str], str | Mapping[str, Any] | None] | None = None,
        more: Sequence[Mapping[str, Any] | str] = (),
        name: str = "answers.jsonl",
    ) -> Path:
        lines: list[str] = []
        for question in questions:
            for video_id, right in RIGHT[question].items():
                row: dict[str, Any] = {"video_id": video_id, "question": question}
                row["answer"] = right if isinstance(right, str) else json.dumps(right)
                if question == "where":
                    row["box_unit"] = "pixels"
                other = (change or {}).get((question, video_id), {})
                if other is not None:
                    lines.append(
                        json.dumps(
                            row | ({"answer": other} if isinstance(other, str) else dict(other))
                        )
                    )
        lines += [one if isinstance(one, str) else json.dumps(one) for one in more]
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write_answers
