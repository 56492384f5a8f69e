"""Annotators' folders compared, and made into one."""

import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from brokenvideos.builder import build
from brokenvideos.tools.agreement import agree, agreement_report, write_consensus
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.evaluation import evaluate, read_annotation
from brokenvideos.tools.evaluation.truth import EvaluationError
from brokenvideos.tools.explorer.posters import COMPARED_COLOURS
from tests.tools.explorer.written import index_of, video_of


def annotated(folder: Path, frames: dict[str, np.ndarray]) -> Path:
    """A folder of PNG masks."""
    for name, mask in frames.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    return folder


def box(left: int, right: int, value: int = 1) -> np.ndarray:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, left:right] = value
    return mask


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Anna and Bo agree; Cleo marks less, looked at one frame fewer and adds a video of her own."""
    full = {"a/00000.png": box(0, 0), "a/00001.png": box(5, 15), "b/00000.png": box(0, 0)}
    third = {
        "a/00000.png": box(0, 0),
        "a/00001.png": box(5, 10),
        "b/00000.png": box(0, 0),
        "c/00000.png": box(1, 3),
    }
    return [
        annotated(tmp_path / "anna", full),
        annotated(tmp_path / "bo", full),
        annotated(tmp_path / "cleo", third),
    ]


def test_pairs_and_ceiling(three: list[Path]) -> None:
    found = agree(three)
    assert found.annotators == ("anna", "bo", "cleo")
    assert (found.num_videos, found.num_marked) == (2, 1)
    same, less, _ = found.pairs
    assert (same.jf.value, same.dice.value, same.kappa) == (1, 1, 1)
    assert less.active_dice.value == pytest.approx(2 * 50 / 150)
    assert less.dice.value == pytest.approx((1 + 2 / 3) / 2)
    assert (less.objects_matched, less.objects_first, less.types_equal) == (1, 1, None)
    assert found.worst[0][0] == "a"
    assert found.active_ceiling.value == pytest.approx(found.worst[0][1])
    assert found.sensitivity is not None
    assert found.sensitivity[2] < found.sensitivity[0]


def test_the_pair_is_what_evaluate_says(three: list[Path], tmp_path: Path) -> None:
    shutil.rmtree(three[2] / "c")
    scores = evaluate(three[0], three[2], floors=False).scores
    pair = agree([three[0], three[2]]).pairs[0]
    assert pair.jf.value == scores.broken["jf"].value
    assert pair.active_jf.value == scores.broken["active_jf"].value


def test_frames_that_one_did_not_look_at_are_no_disagreement(three: list[Path]) -> None:
    (three[1] / "a" / "00001.png").unlink()
    found = agree(three)
    assert found.pairs[0].jf.value == 1
    assert found.pairs[0].active_jf.value is None
    assert found.pairs[1].active_jf.value is not None
    assert found.krippendorff_alpha is not None
    assert found.krippendorff_alpha < 1
    assert found.fleiss_kappa == 1


def test_nobody_marks_anything(tmp_path: Path) -> None:
    paths = [annotated(tmp_path / name, {"a/00000.png": box(0, 0)}) for name in "xy"]
    found = agree(paths)
    assert (found.ceiling.value, found.active_ceiling.value, found.worst) == (None, None, ())
    assert (found.fleiss_kappa, found.krippendorff_alpha, found.pairs[0].kappa) == (1, 1, 1)
    json.dumps(found.to_dict(), allow_nan=False)


def test_raw_folder_and_release_agree_about_types(raw: Path, release: Path) -> None:
    found = agree([raw, release], workers=2)
    pair = found.pairs[0]
    assert (pair.types_equal, pair.type_kappa, pair.objects_matched) == (1, 1, pair.objects_first)
    assert found.active_ceiling.value == 1


def test_types_that_differ_are_counted(raw: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(raw, other)
    lines = (other / "videos.jsonl").read_text()
    (other / "videos.jsonl").write_text(lines.replace('"motion"', '"blur"'))
    pair = agree([raw, other]).pairs[0]
    assert pair.types_equal is not None
    assert 0 < pair.types_equal < 1
    assert pair.type_kappa is not None
    assert pair.type_kappa < 1


@pytest.mark.parametrize("rule", ["majority", "staple"])
def test_the_consensus_of_equal_annotators_is_theirs(
    rule: str, raw: Path, release: Path, tmp_path: Path
) -> None:
    out = write_consensus([raw, release, raw], tmp_path / "consensus", rule=rule)  # type: ignore[arg-type]
    assert agree([out, raw]).active_ceiling.value == 1
    manifest = build(out, tmp_path / "rebuilt")
    assert len(manifest["videos"]) == 9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["consensus", "rebuilt"]


def test_a_majority_outvotes_one(three: list[Path], tmp_path: Path) -> None:
    out = write_consensus(three, tmp_path / "consensus", rule="majority")
    assert sorted(path.name for path in out.iterdir()) == ["Annotations"]  # nobody has the videos
    mask = np.asarray(Image.open(out / "Annotations" / "a" / "00001.png"))
    assert np.array_equal(mask > 0, box(5, 15) > 0)
    with pytest.raises(FileExistsError) as error:
        write_consensus(three, out, rule="majority")
    assert (
        str(error.value) == f"{out}: exists and is not empty. Name a new folder for the consensus."
    )


BAD = [
    (["x"], "annotators: 1 given, wanted 2 to 8"),
    (
        ["x", "other"],
        "videos: no video_id is in all annotations ({tmp}/x has 1; {tmp}/other has 1); check the "
        "names",
    ),
    (
        ["x", "wide"],
        "video a: masks of 20x31 in {tmp}/wide, of 20x30 in {tmp}/x; annotate at the size of the "
        "video",
    ),
]


@pytest.mark.parametrize(("names", "wanted"), BAD)
def test_what_cannot_be_compared(names: list[str], wanted: str, tmp_path: Path) -> None:
    annotated(tmp_path / "x", {"a/00000.png": box(1, 4)})
    annotated(tmp_path / "other", {"b/00000.png": box(1, 4)})
    annotated(tmp_path / "wide", {"a/00000.png": np.zeros((20, 31), np.uint8)})
    with pytest.raises(EvaluationError) as error:
        agree([tmp_path / name for name in names])
    assert str(error.value) == wanted.format(tmp=tmp_path)


def test_the_command(three: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    arguments = [
        "agree",
        *map(str, three),
        "--out-json",
        str(out),
        "--staple",
        str(tmp_path / "staple"),
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "2 videos, 1 marked by somebody; annotators: anna, bo, cleo" in done.output
    assert (
        "| anna and bo | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 | 1 of 1 and 1 | - |" in done.output
    )
    assert json.loads(out.read_text())["pairs"][0]["kappa"] == 1
    assert (tmp_path / "staple" / "Annotations" / "b" / "00000.png").is_file()
    printed = CliRunner().invoke(app, ["agree", *map(str, three), "--json"])
    assert json.loads(printed.stdout) == json.loads(out.read_text())


def test_one_mean_has_one_interval(tmp_path: Path) -> None:
    """The ceiling is listed by dispute, the pair by name; with two annotators both are the same
    mean.
    """
    stream = np.random.default_rng(0)
    for name in ("anna", "ben"):
        shifts = stream.permutation(12)
        annotated(
            tmp_path / name,
            {
                f"v{number}/00000.png": box(3 + shift, 12 + shift)
                for number, shift in enumerate(shifts)
            },
        )
    found = agree([tmp_path / "anna", tmp_path / "ben"])
    assert found.active_ceiling == found.pairs[0].active_jf == found.pairs[0].jf == found.ceiling
    assert found.active_ceiling.reliable
    assert found.table().count(found.ceiling.interval()) == 4
    assert "not reliable" not in found.table()


def test_few_videos_are_marked(three: list[Path], tmp_path: Path) -> None:
    for name in ("anna", "cleo"):
        annotated(tmp_path / name, {"d/00000.png": box(1, 5 if name == "anna" else 9)})
    found = agree([tmp_path / "anna", tmp_path / "cleo"])
    assert f"{found.ceiling.interval()}\n" in found.table()
    assert found.table().endswith("\n? An interval of fewer than 10 videos is not reliable.")
    assert found.to_dict()["ceiling"]["jf"]["reliable"] is False


def test_the_report_says_the_ceiling_and_every_pair(three: list[Path]) -> None:
    found = agree(three)
    report = agreement_report(found)
    assert report == agreement_report(found)
    told = report.to_json()
    sections = {section["title"]: section["parts"] for section in told["sections"]}
    assert list(sections) == [
        *(
            "",
            "Human ceiling",
            "Pairs",
            "Against STAPLE's truth",
            "Every video",
            "What the numbers mean",
        )
    ]
    facts = dict(sections[""][0]["items"])
    assert (facts["Videos"], facts["Fleiss' kappa"]) == (
        "2, 1 marked by somebody",
        f"{found.fleiss_kappa:.3f}",
    )
    active, everything = sections["Human ceiling"][1]["figures"]
    assert active["value"] == round(found.active_ceiling.value, 6)  # type: ignore[arg-type]
    assert (everything["value"], everything["n"]) == (round(found.ceiling.value, 6), 1)  # type: ignore[arg-type]
    rows = sections["Pairs"][1]["rows"]
    assert [row[0] for row in rows] == ["anna and bo", "anna and cleo", "bo and cleo"]
    assert [row[6] for row in rows] == ["1 of 1 and 1"] * 3
    assert rows[1][3]["value"] == round(2 * 50 / 150, 6)
    assert [row[0] for row in sections["Against STAPLE's truth"][0]["rows"]] == [
        "anna",
        "bo",
        "cleo",
    ]
    assert report.worst == ("a",)
    assert told["videos"]["a"]["values"][0] == round(found.worst[0][1], 6)
    assert told["videos"]["b"]["values"][0] is None


def test_the_page_opens_at_the_disputed_frame(three: list[Path], tmp_path: Path) -> None:
    found = agree(three)
    page = tmp_path / "page"
    done = CliRunner().invoke(app, ["agree", *map(str, three), "--html", str(page)])
    assert done.exit_code == 0, done.output
    index = index_of(page)
    assert index["list"]["others"] == [
        {"name": name, "kind": "annotator"} for name in ("bo", "cleo")
    ]
    assert index["list"]["columns"]["video_id"] == ["a", "b"]  # c is Cleo's alone
    (bo, cleo), nobody = (entry[-1] for entry in index["measured"]["entries"])
    assert bo == [1, 0, 1, None]
    assert cleo[1:] == [round(1 - found.pairs[1].active_jf.value, 4), 1, None]  # type: ignore[operator]
    assert nobody == [[1, 0, None, None]] * 2
    told = video_of(page, "a")
    assert "frames" not in told  # nobody has the video: the page draws grey
    assert told["others"]["1"]["masks"]["frame_index"] == [1]
    assert told["others"]["1"]["j"] == [1, 0.5]
    # The poster is the frame on which Cleo differs: what she marks too, and what she does not.
    number = index["list"]["columns"]["video_id"].index("a")
    pixels = np.asarray(Image.open(page / "posters" / f"{number}.jpg").convert("RGB")).astype(int)
    for colour, is_there in zip(COMPARED_COLOURS, (True, True, False), strict=True):
        assert (np.abs(pixels - np.array(colour)).max(axis=2) < 40).any() == is_there


def test_a_page_does_not_dispute_frames_that_one_did_not_look_at(
    three: list[Path], tmp_path: Path
) -> None:
    (three[1] / "a" / "00001.png").unlink()
    page = tmp_path / "page"
    done = CliRunner().invoke(app, ["agree", *map(str, three[:2]), "--html", str(page)])
    assert done.exit_code == 0, done.output
    assert video_of(page, "a")["others"]["0"]["frames"] == [0]
    assert index_of(page)["measured"]["entries"][0][-1] == [[1, 0, None, None]]


def test_a_page_without_a_dispute(three: list[Path]) -> None:
    report = agreement_report(agree(three[:2]))
    every = next(section for section in report.sections if section.title == "Every video")
    assert every.parts[0].note == "Nothing is disputed."  # type: ignore[union-attr]


def test_frames_come_from_whoever_has_the_video(release: Path, tmp_path: Path) -> None:
    """Masks alone against a release: the frames are the release's."""
    video = next(
        video for part in read_annotation(release).parts for video in part.read() if video.masklets
    )
    blank = np.zeros((video.height, video.width), np.uint8)
    annotated(
        tmp_path / "nobody", {f"{video.video_id}/{frame:05d}.png": blank for frame in video.frames}
    )
    page = tmp_path / "page"
    done = CliRunner().invoke(
        app, ["agree", str(tmp_path / "nobody"), str(release), "--html", str(page)]
    )
    assert done.exit_code == 0, done.output
    told = video_of(page, video.video_id)
    assert told["others"]["0"]["masks"]["counts"]
    pixels = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(told["frames"]["0"]))).convert("RGB")
    )
    assert (pixels.std(axis=(0, 1)) > 10).all()  # not plain grey
    assert told["video"]["times"][1] > 0
