"""Whole evaluations of a release: floors, groups, workers, comparison, and what is written."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.masks import decode
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.evaluation import Evaluation, evaluate, evaluation_report
from brokenvideos.tools.evaluation.hub import TASKS, benchmark_yaml, eval_results, eval_results_yaml
from brokenvideos.tools.evaluation.truth import read_annotation
from tests.tools.explorer.written import index_of, video_of, videos_with_previews


def write_moved(release: Path, out: Path, *, by_px: int) -> Path:
    """Predictions: the release's own masks, moved down; a corner marked in the first frame of
    normal videos.
    """
    for part in read_annotation(release).parts:
        for video in part.read():
            marked = video.union()
            (out / video.video_id).mkdir(parents=True)
            for frame_index in video.frames:
                mask = np.zeros((video.height, video.width), np.uint8)
                if frame_index in marked:
                    mask = np.roll(
                        decode([marked[frame_index]], height=video.height, width=video.width)[0],
                        by_px,
                        axis=0,
                    )
                if not marked and frame_index == video.frames[0]:
                    mask[:4, :4] = 1
                Image.fromarray(np.ascontiguousarray(mask) * np.uint8(255)).save(
                    out / video.video_id / f"{frame_index:05d}.png"
                )
    return out


@pytest.fixture(scope="module")
def moved(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_moved(release, tmp_path_factory.mktemp("pred") / "moved", by_px=1)


@pytest.fixture(scope="module")
def found(release: Path, moved: Path) -> Evaluation:
    return evaluate(release, moved)


def test_a_release_against_its_own_raw_folder_is_perfect(release: Path, raw: Path) -> None:
    for truth, predictions in ((release, raw), (raw, release)):
        scores = evaluate(truth, predictions, floors=False).scores
        assert (
            scores.broken["jf"].value
            == scores.broken["active_jf"].value
            == scores.normal["jf"].value
            == 1
        )
        assert (scores.broken["jf"].n, scores.normal["jf"].n) == (6, 3)
        assert scores.micro == {"precision": 1, "recall": 1, "f1": 1, "iou": 1}


def test_floors_stand_beside_the_scores(found: Evaluation) -> None:
    assert list(found.floors) == ["all-empty", "all-full", "centre-box", "mean-mask"]
    empty, full = found.floors["all-empty"], found.floors["all-full"]
    assert (empty.broken["active_jf"].value, empty.normal["jf"].value) == (0, 1)
    assert (full.normal["jf"].value, full.normal["strict_jf"].value) == (0.5, 0)
    assert found.floors["centre-box"].normal["false_area"].value == 0.25
    # The trap: an all-empty prediction looks good on broken videos until only their broken frames
    # are asked for.
    assert empty.broken["jf"].value > 0.3  # type: ignore[operator]
    ours = found.scores.broken["active_jf"].value
    assert all(ours > floor.broken["active_jf"].value for floor in found.floors.values())  # type: ignore[operator]


def test_groups_count_their_videos(found: Evaluation) -> None:
    cells = {(cell.artifact_type, cell.generator, cell.split): cell for cell in found.breakdown}
    everything = cells[None, None, None]
    assert (everything.n, everything.scores["n_broken"], everything.scores["n_normal"]) == (9, 6, 3)
    assert everything.scores["active_jf"] == pytest.approx(found.scores.broken["active_jf"].value)
    assert cells["normal", None, None].n == 3
    assert cells["normal", None, None].scores["jf"] is None
    for generator in {video.generator for video in found.videos}:
        assert cells[None, generator, None].n == sum(
            video.generator == generator for video in found.videos
        )
    splits = {split for _, _, split in cells}
    assert sum(cells[None, None, split].n for split in splits - {None}) == 9


def test_any_number_of_workers_says_the_same(release: Path, moved: Path, found: Evaluation) -> None:
    assert evaluate(release, moved, workers=2).to_dict() == found.to_dict()


@pytest.mark.parametrize("videos", [1, 2, 3])
def test_a_shard_is_read_in_parts(
    videos: int, release: Path, moved: Path, found: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brokenvideos.tools.evaluation.truth._PART_VIDEOS", videos)
    parts = read_annotation(release).parts
    assert max(len(part.video_ids) for part in parts) == videos
    assert evaluate(release, moved).to_dict() == found.to_dict()


def test_a_shard_with_other_videos_than_the_manifest_is_refused(
    release: Path, moved: Path, tmp_path: Path
) -> None:
    changed = Path(shutil.copytree(release, tmp_path / "changed"))
    manifest = json.loads((changed / "manifest.json").read_bytes())
    shard = max(manifest["shards"], key=lambda shard: len(shard["video_ids"]))
    (file,) = (file["path"] for file in shard["files"] if file["path"].startswith("annotations"))
    for wrong in (shard["video_ids"][::-1], shard["video_ids"][1:]):
        shard["video_ids"] = wrong
        (changed / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(ValueError) as error:
            evaluate(changed, moved)
        assert str(error.value) == (
            f"{changed / file}: its videos differ from the manifest. `brokenvideos verify` lists "
            "what is wrong."
        )


def test_one_split_alone(release: Path, moved: Path) -> None:
    train = evaluate(release, moved, splits=["train"], floors=False)
    assert {video.split for video in train.videos} == {"train"}
    with pytest.raises(ValueError) as error:
        evaluate(release, moved, splits=["tset"])
    assert str(error.value).startswith(
        f"{release}: nothing to score: wanted a video of tset, found 9 videos ("
    )


def test_comparison_is_paired(release: Path, moved: Path, tmp_path: Path) -> None:
    other = write_moved(release, tmp_path / "other", by_px=4)
    comparison = evaluate(release, moved, compare=other, floors=False).comparison
    assert comparison is not None
    better = comparison.broken["active_jf"]
    assert better.n == 6
    assert better.value > 0  # type: ignore[operator]
    assert comparison.normal["jf"].value == 0
    table = evaluate(release, moved, compare=other, floors=False).table()
    assert f"| Minus {other}" in table
    assert "| broken: J&F active" in table


def test_the_table_reads(found: Evaluation) -> None:
    broken, normal, note = found.table().split("\n\n")
    assert broken.startswith("| Broken videos (n = 6) ")
    assert [line.split("|")[1].strip() for line in normal.splitlines()[2:]] == [
        found.predictions,
        *found.floors,
    ]
    value = found.scores.broken["jf"]
    assert f"| {value.value:.3f} [{value.low:.3f}, {value.high:.3f}]? |" in broken
    assert note == "? An interval of fewer than 10 videos is not reliable."


def test_conventions_travel_with_the_numbers(found: Evaluation) -> None:
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["options"]["empty"] == "davis"
    assert content["conventions"]["empty"].startswith("davis: J and F of a frame are 1 if ")
    assert content["broken"].keys() == found.scores.broken.keys()


def test_the_report_says_everything(
    found: Evaluation, release: Path, moved: Path, tmp_path: Path
) -> None:
    other = write_moved(release, tmp_path / "other", by_px=4)
    full = replace(
        found, comparison=evaluate(release, moved, compare=other, floors=False).comparison
    )
    report = evaluation_report(full)
    assert report == evaluation_report(full)
    told = report.to_json()
    sections = {section["title"]: section["parts"] for section in told["sections"]}
    assert list(sections) == [
        *("", "Headline", "Against the floors", "Minus other", "Broken videos", "Breakdown"),
        *("Every video", "What the numbers mean"),
    ]
    (facts,) = sections[""]
    assert ["Videos", "6 broken, 3 normal"] in facts["items"]
    _, figures = sections["Headline"]
    active = found.scores.broken["active_jf"]
    assert figures["figures"][0] == {
        "title": "J&F where something is broken",
        "note": "Broken videos, frames with an artifact. The number to improve.",
        "value": round(active.value, 6),  # type: ignore[arg-type]
        "n": 6,
        "low": round(active.low, 6),  # type: ignore[arg-type]
        "high": round(active.high, 6),  # type: ignore[arg-type]
        "interval": f"95 % {active.low:.3f} to {active.high:.3f}?",
        "floors": {
            n: round(floor.broken["active_jf"].value, 6) for n, floor in found.floors.items()
        },  # type: ignore[arg-type]
    }
    broken, normal = sections["Against the floors"]
    assert [row[0] for row in broken["rows"]] == ["moved", *found.floors]
    assert broken["rows"][0][4] == {
        "value": round(active.value, 6),  # type: ignore[arg-type]
        "interval": f"{active.low:.3f} to {active.high:.3f}?",
    }
    assert [column["title"] for column in normal["columns"][1:]] == [
        *("J&F", "strict J&F", "false frames", "false videos", "false area")
    ]
    row = next(row for row in sections["Minus other"][1]["rows"] if row[0] == "broken: active J&F")
    assert row[1] == round(full.comparison.broken["active_jf"].value, 6)  # type: ignore[union-attr, arg-type]
    assert row[5] == 6
    by_kind = {part["kind"]: part for part in sections["Broken videos"]}
    assert list(by_kind) == ["histogram", "scatter", "bars"]
    assert [sum(counts) for counts in by_kind["histogram"]["series"].values()] == [6, 6]
    assert len(by_kind["scatter"]["points"]) == 6
    assert len(sections["Breakdown"][1]["rows"]) == len(found.breakdown)
    assert dict(sections["What the numbers mean"][0]["items"])["empty"].startswith("davis: ")
    keys = [metric["key"] for metric in told["metrics"]]
    for video in found.videos:
        values = dict(zip(keys, told["videos"][video.video_id]["values"], strict=True))
        assert values["jf"] == round(video.scores["jf"], 6)
        assert (values["false_area"] is None) == video.broken


def test_the_worst_videos_come_first(found: Evaluation) -> None:
    """Three broken ones by J&F in active frames, then the normal one with the largest false area,
    and so on.
    """
    of = {video.video_id: video for video in found.videos}
    worst = [of[video_id] for video_id in evaluation_report(found).worst]
    assert [video.broken for video in worst] == [
        True,
        True,
        True,
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    assert sorted(of) == sorted(video.video_id for video in worst)
    active = [video.scores["active_jf"] for video in worst if video.broken]
    assert active == sorted(active)
    for video in worst:
        if not video.broken:  # a corner is marked in the first frame
            assert (video.disagreement, video.worst_frame) == (1, 0)


def test_the_page_opens_at_what_was_scored(
    found: Evaluation, release: Path, moved: Path, tmp_path: Path
) -> None:
    """The page compares again, of the videos it has previews of: it says what the evaluation
    says.
    """
    pages = [tmp_path / name for name in ("page", "again")]
    for page in pages:
        done = CliRunner().invoke(app, ["evaluate", str(release), str(moved), "--html", str(page)])
        assert done.exit_code == 0, done.output
        assert done.output.splitlines()[-1].endswith(f"Open {page / 'index.html'} in a browser.")
    first, second = (
        {p.relative_to(page): p.read_bytes() for p in page.rglob("*") if p.is_file()}
        for page in pages
    )
    assert first == second
    index = index_of(pages[0])
    assert [other["name"] for other in index["list"]["others"]] == [str(moved)]
    measured = {entry[0]: entry for entry in index["measured"]["entries"]}
    assert len(videos_with_previews(pages[0])) == len(found.videos)
    for video in found.videos:
        told = video_of(pages[0], video.video_id)["others"]["0"]
        jf = [(j + f) / 2 for j, f in zip(told["j"], told["f"], strict=True)]
        assert np.mean(jf) == pytest.approx(video.scores["jf"], abs=1e-3)
        ((score, disagreement, worst, problem),) = measured[video.video_id][-1]
        assert (score, problem) == (round(video.scores["jf"], 4), None)
        assert disagreement == round(video.disagreement, 4)  # type: ignore[arg-type]
        assert worst == video.worst_frame
        assert jf[told["frames"].index(worst)] == min(
            v for v, either in zip(jf, told["either"], strict=True) if either
        )


def test_what_a_page_cannot_become_is_said_before_anything_is_scored(
    release: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for name, wanted in (
        (
            "report.html",
            "report.html: the page is a folder; give --html {0}/report, and open "
            "{0}/report/index.html",
        ),
        ("mine", "mine: is there already, and is no page of ours; name a new folder, or remove it"),
    ):
        done = CliRunner().invoke(app, ["evaluate", "nowhere", "x", "--html", str(tmp_path / name)])
        said = " ".join((done.output + str(done.exception)).replace("\u2502", " ").split())
        assert done.exit_code != 0
        assert wanted.format(tmp_path).replace(" ", "") in said.replace(" ", ""), said
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "notes.txt"]


def test_the_hub_forms(found: Evaluation) -> None:
    yaml = pytest.importorskip("yaml")
    from huggingface_hub import ModelCardData

    results = eval_results(found, split="test")
    assert [result.metric_type for result in results] == list(TASKS)
    assert results[0].metric_value == found.scores.broken["jf"].value
    assert results[0].dataset_revision == f"v{brokenvideos.DATA_VERSION}"
    assert "model-index" in str(ModelCardData(model_name="x", eval_results=results))
    entries = yaml.safe_load(eval_results_yaml(found))
    assert [entry["dataset"]["task_id"] for entry in entries] == list(TASKS)
    assert entries[0]["notes"] == "empty=davis; mean over frames, then videos; truth's size; n=6"
    tasks = yaml.safe_load(benchmark_yaml())["tasks"]
    assert tasks[0] == {"id": "broken_jf", "config": "default", "split": "test"}


def test_the_command_writes_all_forms(release: Path, moved: Path, tmp_path: Path) -> None:
    out = {form: tmp_path / f"out.{form}" for form in ("json", "csv")}
    options = ["--out-json", str(out["json"]), "--csv", str(out["csv"])]
    done = CliRunner().invoke(app, ["evaluate", str(release), str(moved), *options])
    assert done.exit_code == 0, done.output
    assert "| Broken videos (n = 6) " in done.output
    content = json.loads(out["json"].read_text())
    with out["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["video_id"] for row in rows] == [video["video_id"] for video in content["videos"]]
    assert float(rows[0]["jf"]) == content["videos"][0]["jf"]
    printed = CliRunner().invoke(app, ["evaluate", str(release), str(moved), "--json"])
    assert json.loads(printed.stdout) == content


def test_an_unknown_choice_is_refused() -> None:
    done = CliRunner().invoke(
        app, ["evaluate", "x", "y", "--missing", "maybe"], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 2
    assert "'maybe' is not one of 'error', 'empty'" in done.output


@pytest.mark.slow
def test_real_masks_by_the_command(real_data: Path, run_process: Callable[..., object]) -> None:
    import sys

    command = str(Path(sys.executable).parent / "brokenvideos")
    davis = real_data / "davis"
    done = run_process(
        [command, "evaluate", str(davis / "rvos"), str(davis / "osvos"), "--workers", "2"]
    )
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]
    with (real_data / "jf_reference" / "binary_gt-rvos_pred-osvos.csv").open(newline="") as file:
        wanted = np.mean([float(row["JF"]) for row in csv.DictReader(file)])
    assert f"{wanted:.3f} [" in done.stdout  # type: ignore[attr-defined]
