import json
import shutil

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
from brokenvideos.tools.prediction import Flag, PredictError, predict
from brokenvideos.tools.prediction.model import Floor, Masks
from brokenvideos.tools.prediction.prediction import PREDICTIONS
from brokenvideos.tools.prediction.videos import find_videos

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
    """Marks t · 8 columns in the lower left corner of frame t, and nothing in a video that is not HEIGHT high."""

    def predict(self, video, index):
        masks = np.zeros((index.num_frames, index.height, index.width), bool)
        for t in range(index.num_frames if index.height == HEIGHT else 0):
            masks[t, -20:, : 8 * t] = True
        return Masks(tuple(encode(masks)), np.arange(index.num_frames) / 8)


def test_what_is_written_is_what_the_model_says(clip, tmp_path):
    report = predict(Corner(), find_videos([str(clip)]), tmp_path / "p", name="corner", flag=Flag(min_area=0.2))
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        "predictions.parquet",
        "report.html",
        "report.json",
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
    ("floor", "broken", "normal"), [("all-empty", 0.0, 1.0), ("all-full", None, 0.5), ("centre-box", None, 0.0)]
)
def test_evaluate_reads_the_predictions_of_a_release(release, tmp_path, floor, broken, normal):
    videos = find_videos([str(release)])
    report = predict(Floor(floor), videos, tmp_path / "p", name=floor)
    assert [video.video_id for video in report.videos] == sorted(brokenvideos.read_manifest(str(release))["videos"])
    found = evaluate(release, tmp_path / "p", floors=True)
    assert found.scores.normal["jf"].value == normal
    assert found.scores.broken["active_jf"].value == found.floors[floor].broken["active_jf"].value
    assert broken is None or found.scores.broken["active_jf"].value == broken


def test_a_split_of_a_release_and_the_sample(release):
    manifest = brokenvideos.read_manifest(str(release))
    test_ids = [video_id for shard in manifest["shards"] if shard["split"] == "test" for video_id in shard["video_ids"]]
    assert [video.video_id for video in find_videos([str(release)], split="test")] == sorted(test_ids)
    sample = find_videos(["sample"])
    assert len(sample) == 12
    data, index = sample[0].read()
    assert index.num_frames == index_video(data).num_frames


def test_folders_are_searched_and_names_lead_there(clip, tmp_path):
    for name in ("b.mp4", "takes/a.MP4", "takes/deep/a b.mp4", ".hidden/c.mp4", ".d.mp4.partial", "notes.txt"):
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
    assert "overlays/x/a.mp4" in (tmp_path / "p" / "report.html").read_text()


def test_a_broken_file_is_named_and_the_others_go_on(clip, run, tmp_path):
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:-200])
    (tmp_path / "none.mp4").write_bytes(b"no video")
    done = run("centre-box", clip, "cut.mp4", "none.mp4", "--out", "p", "--json")
    assert done.exit_code == 1
    assert [line.split()[0] for line in done.stderr.splitlines() if ".mp4" in line] == ["cut.mp4", "none.mp4:"]
    report = json.loads(done.stdout)
    assert [video["video_id"] for video in report["videos"]] == ["a"]
    assert [video["where"] for video in report["unreadable"]] == ["cut.mp4", "none.mp4"]
    assert "Could not be read" in (tmp_path / "p" / "report.html").read_text()
    assert set(pq.read_table(tmp_path / "p" / PREDICTIONS)["video_id"].to_pylist()) == {"a"}


def test_nothing_is_written_where_nothing_can_be_read(run, tmp_path):
    (tmp_path / "none.mp4").write_bytes(b"no video")
    done = run("centre-box", "none.mp4", "--out", "p")
    assert isinstance(done.exception, PredictError)
    assert str(done.exception).startswith("none.mp4: ")
    assert [path.name for path in tmp_path.iterdir()] == ["none.mp4"]


def test_nothing_is_left_of_a_prediction_that_failed(clip, tmp_path):
    class OutOfMemory:
        def predict(self, video, index):
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        predict(OutOfMemory(), find_videos([str(clip)]), tmp_path / "p", name="x")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine").touch()
    with pytest.raises(FileExistsError) as caught:
        predict(Floor("all-full"), find_videos([str(clip)]), tmp_path / "p", name="x")
    assert str(caught.value) == f"{tmp_path}/p: exists and is not empty. Name a new folder, or remove this one."


@pytest.mark.parametrize(
    ("gate", "floor", "status", "said"),
    [
        ("max-broken=0.4", "centre-box", 3, "gate max-broken=0.4: closed."),
        ("max-broken=1", "centre-box", 0, "gate max-broken=1: open."),
        ("max-broken=0", "all-empty", 0, "gate max-broken=0: open."),
    ],
)
def test_the_gate(clip, run, gate, floor, status, said):
    done = run(floor, clip, "--out", "p", "--gate", gate)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (status, said)


@pytest.mark.parametrize("gate", ["0.1", "max-broken=2", "max-broken=x", "max-normal=0.1", "max-broken=nan"])
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


SUFFIXES = ".mp4, .webm, .mkv, .mov or .avi files"


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["gone"], "gone: no such file or folder."),
        (["notes.txt"], f"notes.txt: not a video; wanted {SUFFIXES}, folders of them, or a release."),
        (["empty"], f"empty: no video in it; wanted {SUFFIXES}, or a release."),
        (
            ["x/a.mp4", "y/a.mp4"],
            "y/a.mp4: x/a.mp4 has the id 'a' too. Rename one, or predict them apart.",
        ),
    ],
)
def test_videos_that_are_none(tmp_path, monkeypatch, names, what):
    monkeypatch.chdir(tmp_path)
    for name in ("notes.txt", "x/a.mp4", "y/a.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(PredictError) as caught:
        find_videos(names)
    assert str(caught.value) == what


def test_the_page_needs_no_network_and_escapes_names(clip, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(clip, tmp_path / "in" / "a<b>&'c.mp4")
    predict(Floor("centre-box"), find_videos([str(tmp_path / "in")]), tmp_path / "p", name="<model>", overlays=False)
    page = (tmp_path / "p" / "report.html").read_text()
    assert "a&lt;b&gt;&amp;&#x27;c" in page
    assert "a<b>" not in page
    assert "<model>" not in page
    assert page.replace("http://www.w3.org/2000/svg", "").count("http") == 0
    assert "data:image/jpeg;base64," in page


def test_another_dataset_is_predicted_and_scored_as_release_and_as_folder(tmp_path):
    """Images with masks: the way of a model to a number on somebody else's dataset."""
    raw, release = tmp_path / "raw", tmp_path / "release"
    for name in ("images", "labels"):
        (raw / name).mkdir(parents=True)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[12:36, 20:60] = 1  # where the centre box lies
    for name, label in (("a", mask), ("b", mask * 0), ("c", mask * 0)):
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(raw / "images" / f"{name}.png")
        Image.fromarray(label).save(raw / "labels" / f"{name}.png")
    build(raw, release, BuildOptions(artifact_type="deformation", num_shards={"test": 1}))
    predict(Floor("centre-box"), find_videos([str(release)]), tmp_path / "p", name="centre-box")
    scored = [evaluate(truth, tmp_path / "p", floors=False).scores for truth in (release, raw)]
    assert [scores.broken["active_jf"].value for scores in scored] == [1.0, 1.0]
    assert [scores.normal["false_videos"].value for scores in scored] == [1.0, 1.0]
