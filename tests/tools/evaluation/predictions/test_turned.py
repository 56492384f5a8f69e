"""Predictions for videos that players turn: they are scored where they lie, or the evaluation asks
how they were drawn.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from brokenvideos.builder import BuildOptions, RawError, build
from brokenvideos.frames import Orientation, encode_video, to_displayed
from brokenvideos.masks import encode
from brokenvideos.tools.agreement import agree
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.evaluation import EvaluationError, Reading, evaluate, read_annotation
from brokenvideos.tools.explorer import open_annotated, open_other
from brokenvideos.tools.explorer.others import compared
from tests.odd_videos import mirrored, rotated
from tests.tools.explorer.written import video_of

WritePngs = Callable[[Path, Mapping[str, object]], Path]
NUM_FRAMES = 2
STORED = {"oblong": (48, 64), "square": (64, 64)}
TURNS: dict[str, tuple[Callable[[bytes], bytes], Orientation]] = {
    "90": (lambda data: rotated(data, 90), Orientation(1)),
    "180": (lambda data: rotated(data, 180), Orientation(2)),
    "270": (lambda data: rotated(data, 270), Orientation(3)),
    "mirrored": (mirrored, Orientation(0, mirrored=True)),
}


def stored_mask(size: str) -> np.ndarray:
    """uint8[H, W]: a box near a corner, so that every turn moves it."""
    mask = np.zeros(STORED[size], np.uint8)
    mask[4:20, 8:28] = 1
    return mask


def write_video(path: Path, turn: str | None, size: str) -> None:
    frame = np.zeros((*STORED[size], 3), np.uint8)
    frame[stored_mask(size) > 0] = (250, 220, 30)
    path.parent.mkdir(parents=True, exist_ok=True)
    encode_video(path, [frame] * NUM_FRAMES, fps=12)
    if turn is not None:
        path.write_bytes(TURNS[turn][0](path.read_bytes()))


@pytest.fixture
def raw_of(tmp_path: Path, write_pngs: WritePngs) -> Callable[..., Path]:
    """A raw folder of the video v with a mask on every frame, drawn as it is stored or as players
    show it.
    """

    def make(turn: str | None, size: str, *, drawn: str = "coded", name: str = "raw") -> Path:
        write_video(tmp_path / name / "videos" / "v.mp4", turn, size)
        files = {
            f"masks/v/{frame:05d}.png": drawn_mask(turn, size, drawn) for frame in range(NUM_FRAMES)
        }
        return write_pngs(tmp_path / name, files)

    return make


@pytest.fixture
def release_of(raw_of: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """The release of such a raw folder."""

    def make(turn: str | None, size: str) -> Path:
        build(
            raw_of(turn, size),
            tmp_path / "release",
            BuildOptions(artifact_type="blur", masks_are="coded"),
        )
        return tmp_path / "release"

    return make


def drawn_mask(turn: str | None, size: str, drawn: str) -> np.ndarray:
    mask = stored_mask(size)
    return to_displayed(mask, TURNS[turn][1]) if turn is not None and drawn == "displayed" else mask


def as_png(folder: Path, mask: np.ndarray) -> Path:
    for frame in range(NUM_FRAMES):
        path = folder / "pngs" / "v" / f"{frame:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    return folder / "pngs"


def as_json(folder: Path, mask: np.ndarray) -> Path:
    rle = {"size": list(mask.shape), "counts": encode(mask[None] > 0)[0]}
    entries = [
        {"video_id": "v", "frame_index": frame, "segmentation": rle} for frame in range(NUM_FRAMES)
    ]
    (folder / "results.json").write_text(json.dumps(entries))
    return folder / "results.json"


def as_parquet(folder: Path, mask: np.ndarray) -> Path:
    """A form that does not say the size of a mask."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    counts = encode(mask[None] > 0)[0]
    rows = [
        {"video_id": "v", "frame_index": frame, "counts": counts} for frame in range(NUM_FRAMES)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "masks.parquet")
    return folder / "masks.parquet"


FORMS = {"png": as_png, "json": as_json, "parquet": as_parquet}


def jf(truth: Path, predictions: Path, **options: object) -> float | None:
    return evaluate(truth, predictions, floors=False, **options).scores.broken["jf"].value  # type: ignore[arg-type]


def problems(truth: Path, predictions: Path, **options: object) -> list[str]:
    """What is wrong, below the summary, paths without the test's folder."""
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, predictions, floors=False, **options)  # type: ignore[arg-type]
    return [
        line.replace(f"{predictions.parent}/", "") for line in str(error.value).splitlines()[1:]
    ]


def told_by_size(turn: str, size: str, form: str) -> bool:
    return size == "oblong" and turn in ("90", "270") and form != "parquet"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", STORED)
@pytest.mark.parametrize("turn", TURNS)
def test_a_prediction_is_scored_where_it_lies(
    release_of, tmp_path: Path, turn: str, size: str, form: str
) -> None:
    truth = release_of(turn, size)
    for drawn in ("displayed", "coded"):
        predictions = FORMS[form](tmp_path, drawn_mask(turn, size, drawn))
        assert (
            jf(truth, predictions, masks_are=None if told_by_size(turn, size, form) else drawn) == 1
        )
    if not told_by_size(turn, size, form):
        assert (
            jf(truth, predictions, masks_are="displayed") < 0.6
        )  # the coded one, said to be drawn on what players show
        (line,) = problems(truth, predictions)  # one line for all frames
        assert line.endswith("give --masks-are displayed or --masks-are coded")


def test_what_the_size_does_not_tell_is_asked(release_of, tmp_path: Path) -> None:
    truth, predictions = release_of("180", "oblong"), as_png(tmp_path, stored_mask("oblong"))
    assert problems(truth, predictions) == [
        "pngs/v frame 0: players show the video turned clockwise by 180 degrees (its display "
        "matrix), and the size of the mask does not show whether it was drawn on that or on the "
        "stored frame; give --masks-are displayed or --masks-are coded"
    ]


def test_a_size_that_contradicts_is_refused(release_of, tmp_path: Path) -> None:
    truth, predictions = release_of("90", "oblong"), as_png(tmp_path, stored_mask("oblong"))
    assert problems(truth, predictions, masks_are="displayed") == [
        "pngs/v frame 0: has the size of the frame as it is stored, not displayed; leave "
        "--masks-are out, or correct it"
    ]


def test_a_mask_of_neither_size_is_as_before(release_of, tmp_path: Path) -> None:
    truth, predictions = release_of("90", "oblong"), as_png(tmp_path, np.ones((10, 10), np.uint8))
    assert problems(truth, predictions)[0] == (
        "pngs/v/00000.png: 10x10 pixels (height x width), the truth has 48x64; predict at the size "
        "of the video"
    )


def test_nobody_is_asked_about_nothing(release_of, tmp_path: Path) -> None:
    assert (
        jf(release_of("180", "oblong"), as_png(tmp_path, np.zeros(STORED["oblong"], np.uint8))) == 0
    )


def test_probabilities_are_turned_with_their_mask(release_of, tmp_path: Path) -> None:
    truth = release_of("180", "oblong")
    soft = np.where(drawn_mask("180", "oblong", "displayed") > 0, 100, 3).astype(np.uint8)
    # below the threshold: nothing is marked, and yet it is asked how it lies
    predictions = as_png(tmp_path, soft)
    assert problems(truth, predictions, values="soft")[0].endswith(
        "give --masks-are displayed or --masks-are coded"
    )
    assert evaluate(truth, predictions, values="soft", masks_are="displayed").scores.pixel_ap == 1
    assert evaluate(truth, predictions, values="soft", masks_are="coded").scores.pixel_ap < 1


@pytest.mark.parametrize("drawn", ["displayed", "coded"])
@pytest.mark.parametrize("turn", TURNS)
def test_a_raw_truth_lies_where_its_release_does(raw_of, release_of, turn: str, drawn: str) -> None:
    release = release_of(turn, "square")
    raw = raw_of(turn, "square", drawn=drawn, name="theirs")
    videos = [
        video
        for path in (release, raw)
        for part in read_annotation(path, masks_are=drawn).parts
        for video in part.read()
    ]
    assert videos[0].union() == videos[1].union()
    assert videos[0].orientation == videos[1].orientation == TURNS[turn][1]
    assert (jf(raw, release, masks_are=drawn), jf(release, raw, masks_are=drawn)) == (1, 1)


def test_a_release_as_prediction_is_not_asked_about(release_of) -> None:
    truth = release_of("180", "square")
    assert jf(truth, truth) == 1


def test_another_video_file_is_refused(raw_of, release_of) -> None:
    """Re-encoded as players show it, or stripped of its turn: nobody knows which."""
    truth, theirs = release_of("180", "square"), raw_of(None, "square", name="theirs")
    assert problems(truth, theirs) == [
        "theirs video v: players show its video upright, the truth's turned clockwise by 180 "
        "degrees (their display matrices); give both the same video file"
    ]


def test_a_truth_without_videos_is_asked_about(release_of, tmp_path: Path) -> None:
    release = release_of("mirrored", "oblong")
    truth = as_png(tmp_path, stored_mask("oblong"))
    assert problems(truth, release) == [
        "release video v: players show its video mirrored (its display matrix), and the truth is "
        "masks without a video, so it is not known whether they fit the stored frame; give a truth "
        "with its videos, or --masks-are coded if they do"
    ]
    assert jf(truth, release, masks_are="coded") == 1


@pytest.mark.parametrize("turn", TURNS)
def test_annotators_without_a_video_are_brought_onto_the_others(
    release_of, tmp_path: Path, turn: str
) -> None:
    release, masks = (
        release_of(turn, "oblong"),
        as_png(tmp_path, drawn_mask(turn, "oblong", "displayed")),
    )
    masks_are = None if told_by_size(turn, "oblong", "png") else "displayed"
    assert agree([masks, release], masks_are=masks_are).pairs[0].jf.value == 1
    assert agree([release, masks], masks_are=masks_are).pairs[0].jf.value == 1


def test_annotators_are_asked_too(release_of, tmp_path: Path) -> None:
    release, masks = release_of("180", "oblong"), as_png(tmp_path, stored_mask("oblong"))
    with pytest.raises(RawError) as error:
        agree([masks, release])
    assert str(error.value) == (
        f"{masks} video v: players show the video turned clockwise by 180 degrees (its display "
        "matrix), and the size of the mask does not show whether it was drawn on that or on the "
        "stored frame; give --masks-are displayed or --masks-are coded"
    )


def test_the_command_and_its_pictures(release_of, tmp_path: Path) -> None:
    truth = release_of("mirrored", "oblong")
    predictions = as_png(tmp_path, drawn_mask("mirrored", "oblong", "displayed"))
    out = tmp_path / "scores.json"
    arguments = [
        "evaluate",
        str(truth),
        str(predictions),
        "--masks-are",
        "displayed",
        "--out-json",
        str(out),
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    assert (found["broken"]["jf"]["value"], found["options"]["masks_are"]) == (1, "displayed")
    page = tmp_path / "page"
    done = CliRunner().invoke(app, [*arguments[:-2], "--html", str(page)])
    assert done.exit_code == 0, done.output
    drawn = video_of(page, "v")
    shutil.rmtree(predictions)
    as_png(tmp_path, stored_mask("oblong"))
    other = open_other(predictions, ["v"], source="", reading=Reading(masks_are="coded"))
    stored = compared(open_annotated(truth).show("v"), other)
    assert stored is not None
    assert set(stored.counts.values()) == set(drawn["others"]["0"]["masks"]["counts"]) != set()
    assert set(drawn["others"]["0"]["j"]) == {1.0}
