"""docs/language-models.md: its example runs, and its figures are those that come out."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

import brokenvideos
from brokenvideos.builder.chat import box_in_unit
from brokenvideos.tools.evaluation import evaluate_answers, read_annotation
from brokenvideos.tools.evaluation.answers.values import true_boxes

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "language-models.md").read_text(encoding="utf-8")


def rounded_boxes(truth: Path, path: Path) -> None:
    """Exact boxes of every annotated frame, rounded to thousandths, as answers."""
    lines = []
    for part in read_annotation(truth).parts:
        for video in part.read():
            size = {"height": video.height, "width": video.width}
            boxes = [
                {"frame": frame, "bbox_2d": box_in_unit(box, "1000", **size)}
                for frame, found in true_boxes(video, video.frames).items()
                for box in found
            ]
            row = {
                "video_id": video.video_id,
                "question": "where",
                "box_unit": "1000",
                "answer": json.dumps(boxes),
            }
            lines.append(f"{json.dumps(row)}\n")
    path.write_text("".join(lines))


def row_of(truth: Path, path: Path) -> str:
    """The cells of the table for a truth."""
    rounded_boxes(truth, path)
    found = evaluate_answers(truth, path)
    exact, ours = found.floors["exact-boxes"], found.scores
    both = ", ".join(f"{ours[name].value:.3f}" for name in ("jf", "active_jf"))
    return (
        f"| {exact['jf'].value:.3f} | {exact['active_jf'].value:.3f} | {both} | "
        f"{ours['box_iou'].value:.3f} |"
    )


def test_what_boxes_reach_on_the_sample(tmp_path: Path) -> None:
    sample = Path(brokenvideos.__path__[0]) / "sample"
    assert (
        f"| the sample (8 broken videos) {row_of(sample, tmp_path / 'a.jsonl')}"
        in PAGE.splitlines()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "name"), [("osvos", "masks of one method"), ("rvos", "masks of another")]
)
def test_what_boxes_reach_on_davis(method: str, name: str, real_data: Path, tmp_path: Path) -> None:
    row = row_of(real_data / "davis" / method, tmp_path / "a.jsonl")
    assert f"| DAVIS, 6 sequences, {name} {row}" in PAGE.splitlines()


def test_the_example_runs(release: Path, tmp_path: Path, run_warm) -> None:
    shutil.copytree(release, tmp_path / "release")
    (test,) = [
        shard["video_ids"]
        for shard in json.loads((release / "manifest.json").read_text())["shards"]
        if shard["split"] == "test"
    ]
    answers = [
        {"video_id": video_id, "question": "broken", "answer": "Perhaps"} for video_id in test
    ]
    (tmp_path / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in answers))
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = run_warm([sys.executable, "-c", block], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(
        rf"^accuracy 0\.000 .*, {len(test)} answers cannot be read$", done.stdout, re.MULTILINE
    ), done.stdout


def test_a_line_of_the_page_is_json_as_the_export_writes_it() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    row = json.loads(block.replace("\n", " "))
    assert json.loads(row["completion"][0]["content"])[0]["frame"] in row["frames"]
