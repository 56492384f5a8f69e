import base64
import dataclasses
import io
import json
import os
import shutil

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.builder import BuildOptions, build
from brokenvideos.frames import encode_video, index_video, iter_frames
from brokenvideos.masks import decode, encode
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.evaluation import evaluate
from brokenvideos.tools.explorer import ExploreError
from brokenvideos.tools.prediction import Flag, PredictError, predict
from brokenvideos.tools.prediction.model import Floor, Masks
from brokenvideos.tools.prediction.report import CHART_COLUMNS, spark
from brokenvideos.tools.prediction.verdict import PREDICTIONS
from brokenvideos.tools.prediction.videos import LIST_OF_SUFFIXES, find_videos
from tests.tools.explorer.written import index_of, report_text, video_of, videos_with_previews

HEIGHT, WIDTH, NUM_FRAMES = 48, 80, 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Every frame has its number as grey level."""
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    frames = np.stack([np.full((HEIGHT, WIDTH, 3), 40 * t, np.uint8) for t in range(NUM_FRAMES)])
    encode_video(path, frames, fps=12)
    return path


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["predict", *map(str, arguments)])


class Corner:
    """Marks t · 8 columns in the lower left corner of frame t, and nothing in a video that is not
    HEIGHT high.
    """

    warning = None
    promise = ()
    identity = None

    def predict(self, video, index):
        masks = np.zeros((index.num_frames, index.height, index.width), bool)
        for t in range(index.num_frames if index.height == HEIGHT else 0):
            masks[t, -20:, : 8 * t] = True
        return Masks(tuple(encode(masks)), np.arange(index.num_frames) / 8)


def test_what_is_written_is_what_the_model_says(clip, tmp_path):
    report = predict(
        Corner(), find_videos([str(clip)]), tmp_path / "p", name="corner", flag=Flag(min_area=0.2)
    )
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        "predictions.parquet",
        "report",
        "report.json",
        "videos.csv",
    ]
    rows = pq.read_table(tmp_path / "p" / PREDICTIONS).to_pylist()
    assert [(row["video_id"], row["frame_index"], row["score"]) for row in rows] == [
        ("a", t, t / 8) for t in range(NUM_FRAMES)
    ]
    masks = decode([row["counts"] for row in rows], height=HEIGHT, width=WIDTH)
    assert masks[3].sum() == 20 * 24
    assert masks[3, -1, 23] == 1
    areas = [20 * 8 * t / (HEIGHT * WIDTH) for t in range(NUM_FRAMES)]
    (video,) = json.loads((tmp_path / "p" / "report.json").read_text())["videos"]
    assert np.allclose(video["areas"], areas, atol=1e-6)
    assert video["broken_frames"] == [5]
    assert (video["flagged"], video["max_score"], video["num_frames"]) == (False, 0.625, NUM_FRAMES)
    assert report.num_flagged == 0


@pytest.mark.parametrize(
    ("floor", "broken", "normal"),
    [("all-empty", 0.0, 1.0), ("all-full", None, 0.5), ("centre-box", None, 0.0)],
)
def test_evaluate_reads_the_predictions_of_a_release(release, tmp_path, floor, broken, normal):
    videos = find_videos([str(release)])
    report = predict(Floor(floor), videos, tmp_path / "p", name=floor)
    assert [video.video_id for video in report.videos] == sorted(
        brokenvideos.read_manifest(str(release))["videos"]
    )
    found = evaluate(release, tmp_path / "p", floors=True)
    assert found.scores.normal["jf"].value == normal
    assert found.scores.broken["active_jf"].value == found.floors[floor].broken["active_jf"].value
    assert broken is None or found.scores.broken["active_jf"].value == broken


def test_a_split_of_a_release_and_the_sample(release):
    manifest = brokenvideos.read_manifest(str(release))
    test_ids = [
        video_id
        for shard in manifest["shards"]
        if shard["split"] == "test"
        for video_id in shard["video_ids"]
    ]
    assert [video.video_id for video in find_videos([str(release)], split="test")] == sorted(
        test_ids
    )
    sample = find_videos(["sample"])
    assert len(sample) == 12
    data, index = sample[0].read()
    assert index.num_frames == index_video(data).num_frames


def test_folders_are_searched_and_names_lead_there(clip, tmp_path):
    for name in (
        "b.mp4",
        "takes/a.MP4",
        "takes/deep/a b.mp4",
        ".hidden/c.mp4",
        ".d.mp4.partial",
        "notes.txt",
    ):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, tmp_path / "in" / name)
    videos = find_videos([str(tmp_path / "in"), str(clip)])
    assert [video.video_id for video in videos] == ["a", "b", "takes/a", "takes/deep/a b"]


def test_the_film_shows_the_masks(clip, tmp_path):
    (tmp_path / "in" / "x").mkdir(parents=True)
    shutil.copy(clip, tmp_path / "in" / "x" / "a.mp4")
    predict(Corner(), find_videos([str(tmp_path / "in")]), tmp_path / "p", name="c", overlays=True)
    film = tmp_path / "p" / "overlays" / "x" / "a.mp4"
    frames = [rgb for _, rgb in iter_frames(film)]
    assert len(frames) == NUM_FRAMES
    picture = frames[5]
    left, width = 20, 720  # the margin and the long side of the film
    height = width * HEIGHT // WIDTH
    top = picture.shape[0] - 20 - height
    inside = picture[top + height - 30, left + 60].astype(int)
    outside = picture[top + height - 30, left + width - 60].astype(int)
    above = picture[top + 30, left + 60].astype(int)
    assert inside[0] > inside[2] + 30  # vermilion over grey
    assert abs(outside[0] - outside[2]) < 12
    assert abs(above[0] - above[2]) < 12
    link = index_of(tmp_path / "p" / "report")["list"]["report"]["videos"]["x/a"]["link"]
    assert (tmp_path / "p" / "report" / link[1]).resolve() == film.resolve()


def test_a_broken_file_is_named_and_the_others_go_on(clip, run, tmp_path):
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:-200])
    (tmp_path / "none.mp4").write_bytes(b"no video")
    done = run("centre-box", clip, "cut.mp4", "none.mp4", "--out", "p", "--json")
    assert done.exit_code == 1
    assert [line.split()[0] for line in done.stderr.splitlines() if ".mp4" in line] == [
        "cut.mp4:",
        "none.mp4:",
    ]
    report = json.loads(done.stdout)
    assert [video["video_id"] for video in report["videos"]] == ["a"]
    assert [video["where"] for video in report["unreadable"]] == ["cut.mp4", "none.mp4"]
    said = report_text(tmp_path / "p" / "report")
    assert "Could not be read" in said
    assert "none.mp4" in said
    assert set(pq.read_table(tmp_path / "p" / PREDICTIONS)["video_id"].to_pylist()) == {"a"}


def test_nothing_is_written_where_nothing_can_be_read(run, tmp_path):
    (tmp_path / "none.mp4").write_bytes(b"no video")
    done = run("centre-box", "none.mp4", "--out", "p")
    assert isinstance(done.exception, PredictError)
    assert str(done.exception).startswith("none.mp4: ")
    assert [path.name for path in tmp_path.iterdir()] == ["none.mp4"]


def test_nothing_is_left_of_a_prediction_that_failed(clip, tmp_path):
    class OutOfMemory:
        warning = identity = None
        promise = ()

        def predict(self, video, index):
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        predict(OutOfMemory(), find_videos([str(clip)]), tmp_path / "p", name="x")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine").touch()
    with pytest.raises(FileExistsError) as caught:
        predict(Floor("all-full"), find_videos([str(clip)]), tmp_path / "p", name="x")
    assert (
        str(caught.value)
        == f"{tmp_path}/p: exists and is not empty. Name a new folder, or remove this one."
    )


@pytest.mark.parametrize(
    ("gate", "floor", "status", "said"),
    [
        (
            "max-broken=0.4",
            "centre-box",
            3,
            "gate max-broken=0.4: closed; 1 of 1 videos flagged (95 % interval [0.207, 1.000]?).",
        ),
        (
            "max-broken=1",
            "centre-box",
            0,
            "gate max-broken=1: open; 1 of 1 videos flagged (95 % interval [0.207, 1.000]?).",
        ),
        (
            "max-broken=0",
            "all-empty",
            0,
            "gate max-broken=0: open; 0 of 1 videos flagged (95 % interval [0.000, 0.793]?).",
        ),
    ],
)
def test_the_gate(clip, run, gate, floor, status, said):
    done = run(floor, clip, "--out", "p", "--gate", gate)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (status, said)


@pytest.mark.parametrize(
    "gate", ["0.1", "max-broken=2", "max-broken=x", "max-normal=0.1", "max-broken=nan"]
)
def test_a_gate_that_is_none(clip, run, gate):
    done = run("all-full", clip, "--out", "p", "--gate", gate)
    assert done.exit_code == 2
    assert "wanted max-broken=SHARE from 0 to 1" in done.stderr.replace("\n", "")


FLAGS = {
    "one frame of two": (Flag(), [0.5, 0, 0], [1, 1, 1], False),
    "two frames": (Flag(), [0.5, 0, 0.001], [0, 0, 0], True),
    "a still image": (Flag(), [0.5], [1], True),
    "too small": (Flag(min_area=0.01), [0.009, 0.009], [1, 1], False),
    "too unsure": (Flag(min_score=0.5), [0.5, 0.5, 0.5], [0.6, 0.4, 0.4], False),
    "an empty frame is never broken": (Flag(min_area=0), [0, 0], [1, 1], False),
    "no frame": (Flag(), [], [], False),
}


@pytest.mark.parametrize(("flag", "areas", "scores", "wanted"), FLAGS.values(), ids=FLAGS)
def test_when_a_video_is_flagged(flag, areas, scores, wanted):
    broken = flag.broken_frames(np.array(areas, float), np.array(scores, float))
    assert flag.is_broken(broken) is wanted


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"min_area": 1.5}, "min_area is 1.5, wanted a share from 0 to 1."),
        ({"min_score": -1}, "min_score is -1, wanted a share from 0 to 1."),
        ({"min_frames": 0}, "min_frames is 0, wanted 1 or more."),
    ],
)
def test_a_flag_that_makes_no_sense(values, what):
    with pytest.raises(ValueError) as caught:
        Flag(**values)
    assert str(caught.value) == what


SUFFIXES = f"{LIST_OF_SUFFIXES} files"


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["gone"], "gone: no such file or folder."),
        (["*.mov"], "*.mov: no file fits."),
        (
            ["notes.txt"],
            "notes.txt: not a video file that FFmpeg can open, or cut off before its index. Copy "
            "it again from its source.",
        ),
        (["empty"], f"empty: no video in it; wanted {SUFFIXES}, or a release."),
    ],
)
def test_videos_that_are_none(tmp_path, monkeypatch, names, what):
    monkeypatch.chdir(tmp_path)
    for name in ("notes.txt", "x/a.mp4", "y/a.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(PredictError) as caught:
        predict(Floor("all-empty"), find_videos(names), tmp_path / "p", name="all-empty")
    assert str(caught.value) == what
    assert not (tmp_path / "p").exists()


def ids_of(names: list[str]) -> list[str]:
    return [video.video_id for video in find_videos(names)]


def test_videos_of_one_name_keep_what_tells_them_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x/a.mp4", "y/a.mp4", "z/b.mp4", "z/b.webm", "z/c.M4V", "z/d.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert ids_of(["z"]) == ["b.mp4", "b.webm", "c", "d"]
    assert ids_of(["x/a.mp4", "y/a.mp4"]) == ["x/a.mp4", "y/a.mp4"]
    assert ids_of(["x", "y", "z/b.mp4"]) == ["b", "x/a.mp4", "y/a.mp4"]


def test_all_of_a_folder_is_found_and_only_once(clip, tmp_path):
    folder = tmp_path / "in"
    for name in ("more", ".hidden", "__MACOSX"):
        (folder / name).mkdir(parents=True)
        shutil.copy(clip, folder / name / "x.mp4")
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(clip, outside / "y.mp4")
    (folder / "linked").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    (folder / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (folder / os.fsdecode(b"caf\xe9.mp4")).write_bytes(clip.read_bytes())
    report = predict(
        Floor("all-empty"),
        find_videos([str(folder)]),
        folder / "checked",
        name="all-empty",
        overlays=True,
    )
    assert [video.video_id for video in report.videos] == ["caf\\xe9", "linked/y", "more/x"]
    assert [where for where, _ in report.unreadable] == [str(folder / "gone.mp4")]
    # What predict has written below its input is no input the next time.
    assert ids_of([str(folder)]) == ["caf\\xe9", "gone", "linked/y", "more/x"]


def test_the_gate_stands_in_all_that_is_kept(clip, run, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(clip, tmp_path / "in" / "a.mp4")
    (tmp_path / "in" / "bad.mp4").write_bytes(b"no video")
    done = run("all-full", tmp_path / "in", "--out", tmp_path / "p", "--gate", "max-broken=0.1")
    line = (
        "gate max-broken=0.1: closed; 1 of 1 videos flagged (95 % interval [0.207, 1.000]?), 1 "
        "unreadable ones left out."
    )
    assert (done.exit_code, line in done.output) == (3, True)
    found = json.loads((tmp_path / "p" / "report.json").read_text())
    assert (found["max_broken"], found["gate_closed"], found["share"]["n"]) == (0.1, True, 1)
    assert line in report_text(tmp_path / "p" / "report")


def test_a_film_has_the_size_and_the_sound_of_its_video(tmp_path):
    source = tmp_path / "in" / "a.mp4"
    source.parent.mkdir()
    with av.open(str(source), "w") as out:
        video, sound = out.add_stream("libx264", rate=12), out.add_stream("aac", rate=16000)
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        for shade in range(12):
            picture = np.full((720, 1280, 3), shade * 20, np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
        for _ in range(16):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate = 16000
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    predict(
        Floor("centre-box"),
        find_videos([str(source)]),
        tmp_path / "p",
        name="centre-box",
        overlays=True,
    )
    with av.open(str(tmp_path / "p" / "overlays" / "a.mp4")) as film:
        shown = film.streams.video[0]
        assert (shown.width >= 1280, shown.height >= 720, len(film.streams.audio)) == (
            True,
            True,
            1,
        )
        assert sum(1 for _ in film.decode(video=0)) == 12


def test_the_page_holds_masks_frames_and_the_area_over_time(clip, tmp_path):
    """Of any video, whatever its name."""
    name = "a<b>&'c #1"
    (tmp_path / "in" / "takes").mkdir(parents=True)
    shutil.copy(clip, tmp_path / "in" / "takes" / f"{name}.mp4")
    shutil.copy(clip, tmp_path / "in" / "b.mp4")
    report = predict(Corner(), find_videos([str(tmp_path / "in")]), tmp_path / "p", name="<model>")
    page = tmp_path / "p" / "report"
    assert videos_with_previews(page) == ["b", f"takes/{name}"]
    told = index_of(page)["list"]["report"]
    assert told["title"] == "<model>: 2 of 2 broken"
    assert [metric["key"] for metric in told["metrics"]] == [
        "broken_frames",
        "max_area",
        "max_score",
    ]
    areas = [20 * 8 * t / (HEIGHT * WIDTH) for t in range(NUM_FRAMES)]
    values = told["videos"][f"takes/{name}"]
    assert values["values"] == [5, round(areas[5], 6), 0.625]
    assert values["spark"] == {"heights": [0, 20, 40, 60, 80, 100], "marked": [1, 2, 3, 4, 5]}
    shown = video_of(page, f"takes/{name}")
    assert shown["video"]["masks"]["frame_index"] == [1, 2, 3, 4, 5]
    masks = decode(shown["video"]["masks"]["counts"], height=HEIGHT, width=WIDTH)
    assert [mask.sum() for mask in masks] == [20 * 8 * t for t in range(1, NUM_FRAMES)]
    assert shown["video"]["times"] == [round(t / 12, 6) for t in range(NUM_FRAMES)]
    frame = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown["frames"]["3"]))))
    assert np.abs(frame.astype(int) - 120).mean() < 6
    assert b"<model>" not in (page / "index.html").read_bytes()
    assert [found.rotation for found in report.videos] == [0, 0]


def test_a_long_video_is_drawn_with_the_largest_area_of_several_frames(clip, tmp_path):
    report = predict(Corner(), find_videos([str(clip)]), tmp_path / "p", name="corner")
    areas = np.linspace(0, 0.5, 6 * CHART_COLUMNS)
    long = dataclasses.replace(report.videos[0], areas=areas, broken_frames=areas > 0.4)
    found = spark(long, top=1.0)
    assert len(found.heights) == CHART_COLUMNS
    assert found.heights[-1] == 50
    assert found.marked == tuple(range(int(CHART_COLUMNS * 0.8), CHART_COLUMNS))


def test_a_page_that_does_not_fit_is_told_and_what_is_predicted_is_kept(
    clip, tmp_path, monkeypatch
):
    with pytest.raises(ExploreError) as error:
        predict(
            Floor("centre-box"),
            find_videos([str(clip)]),
            tmp_path / "p",
            name="centre-box",
            page_bytes=250_000,
        )
    assert (
        str(error.value)
        == "--max-mb 0.25: not one of 1 videos fits beside the list of them; raise it"
    )
    assert not (tmp_path / "p").exists()
    monkeypatch.setattr(Floor, "predict", None)
    predict(Floor("centre-box"), find_videos([str(clip)]), tmp_path / "p", name="centre-box")
    assert (tmp_path / "p" / "report" / "index.html").is_file()


def test_another_dataset_is_predicted_and_scored_as_release_and_as_folder(tmp_path):
    """Images with masks: the way of a model to a number on somebody else's dataset."""
    raw, release = tmp_path / "raw", tmp_path / "release"
    for name in ("images", "labels"):
        (raw / name).mkdir(parents=True)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[12:36, 20:60] = 1  # where the centre box lies
    for name, label in (("a", mask), ("b", mask * 0), ("c", mask * 0)):
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(
            raw / "images" / f"{name}.png"
        )
        Image.fromarray(label).save(raw / "labels" / f"{name}.png")
    build(raw, release, BuildOptions(artifact_type="deformation", num_shards={"test": 1}))
    predict(Floor("centre-box"), find_videos([str(release)]), tmp_path / "p", name="centre-box")
    scored = [evaluate(truth, tmp_path / "p", floors=False).scores for truth in (release, raw)]
    assert [scores.broken["active_jf"].value for scores in scored] == [1.0, 1.0]
    assert [scores.normal["false_videos"].value for scores in scored] == [1.0, 1.0]
