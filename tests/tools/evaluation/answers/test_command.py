"""`brokenvideos evaluate TRUTH answers.jsonl`."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brokenvideos.tools.commands.main import app
from tests.tools.explorer.written import index_of, report_text


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "300"})
    return done.exit_code, done.output


def test_tables_json_csv_and_page(truth: Path, write, tmp_path: Path) -> None:
    path = write(change={("when", "b"): "<never>"})
    files = {name: tmp_path / f"out.{name}" for name in ("json", "csv")}
    html = tmp_path / "page"
    code, shown = run(truth, path, "-o", files["json"], "--csv", files["csv"], "--html", html)
    assert code == 0, shown
    for title in (
        "Broken or not (n = 3)",
        "When (n = 2 and 1)",
        "Where, broken videos (n = 2)",
        "| exact-boxes",
    ):
        assert title in shown
    assert "1 of 9 answers cannot be read and count as wrong:" in shown
    content = json.loads(files["json"].read_text())
    assert content["scores"]["temporal_iou"]["value"] == 0.5
    assert content["floors"]["exact-boxes"]["active_jf"]["value"] == 1.0
    assert set(content["conventions"]) >= set(content["scores"])
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert [(row["video_id"], row["temporal_iou"]) for row in rows] == [
        ("a", "1.0"),
        ("b", "0.0"),
        ("n", ""),
    ]
    titles = [section["title"] for section in index_of(html)["list"]["report"]["sections"]]
    assert titles == [
        "",
        "Scores",
        "Cannot be read, counted as wrong",
        "Every video",
        "What the numbers mean",
    ]
    said = report_text(html)
    assert "<never>" in said
    assert "3 broken" not in said
    assert "2 broken, 1 normal" in said
    assert "exact-boxes" in said
    told = index_of(html)["list"]["report"]
    place = [metric["key"] for metric in told["metrics"]].index("temporal_iou")
    assert [told["videos"][name]["values"][place] for name in "abn"] == [1.0, 0.0, None]
    assert code == run(truth, path, "--json")[0]
    assert run(truth, path, "--no-floors")[1].count("always-yes") == 0


def test_missing_and_split(truth: Path, write) -> None:
    path = write(("broken",), {("broken", "a"): None})
    assert run(truth, path)[0] == 1
    assert run(truth, path, "--missing", "empty")[0] == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--values", "ids"],
        ["--first-frame", "1"],
        ["--skip-ends"],
        ["--compare", "other"],
        ["--names", "x"],
    ],
)
def test_options_of_masks_are_refused(options: list[str], truth: Path, write) -> None:
    path = write(("broken",))
    code, shown = run(truth, path, *options)
    assert code == 2
    assert f"{options[0]}: only of masks; {path} holds answers of a language model" in " ".join(
        shown.split()
    )


def test_a_split_alone_is_scored(release: Path, tmp_path: Path) -> None:
    ids = json.loads((release / "manifest.json").read_text())["shards"]
    (test,) = [shard["video_ids"] for shard in ids if shard["split"] == "test"]
    path = tmp_path / "answers.jsonl"
    path.write_text(
        "".join(
            json.dumps({"video_id": i, "question": "broken", "answer": "Yes"}) + "\n" for i in test
        )
    )
    assert run(release, path)[0] == 1
    code, shown = run(release, path, "--split", "test")
    assert code == 0
    assert f"Broken or not (n = {len(test)})" in shown
    # What is asked of other splits is not asked of this one.
    other = next(shard["video_ids"][0] for shard in ids if shard["split"] == "train")
    row = {"video_id": other, "question": "where", "box_unit": "1000", "answer": "[]"}
    path.write_text(path.read_text() + json.dumps(row) + "\n")
    assert run(release, path, "--split", "test") == (0, shown)
