"""A prediction that is ended goes on where it was, and says the same for any number of
processes.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from brokenvideos.builder.work import work_folder_of
from brokenvideos.frames import VideoIndex, encode_video
from brokenvideos.tools.prediction import find_videos, predict
from brokenvideos.tools.prediction.model import Floor, Masks, Trained, open_model
from brokenvideos.tools.training.predictor import Feeding, save_model
from brokenvideos.tools.training.recipes import recipe_named

NUM_VIDEOS = 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five videos of four frames, each of another grey."""
    found = tmp_path / "in"
    found.mkdir()
    for number in range(NUM_VIDEOS):
        encode_video(
            found / f"v{number}.mp4", np.full((4, 48, 80, 3), 40 * number, np.uint8), fps=12
        )
    return found


class Counting:
    """The centre box; counts what it is asked, and ends the run at a certain call."""

    warning = None
    promise = ()
    identity: str | None = "centre-box"

    def __init__(
        self, *, ends_at: int | None = None, error: type[BaseException] = RuntimeError
    ) -> None:
        self.asked, self.ends_at, self.error = 0, ends_at, error

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        if self.asked == self.ends_at:
            raise self.error("the machine goes down")
        self.asked += 1
        return Floor("centre-box").predict(video, index)


def contents(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_is_finished_is_not_predicted_again(
    folder: Path, tmp_path: Path, error: type[BaseException]
) -> None:
    out, whole, videos = tmp_path / "p", tmp_path / "whole", find_videos([str(folder)])
    with pytest.raises(error):
        predict(Counting(ends_at=3, error=error), videos, out, name="box", overlays=True)
    assert not out.exists()
    shown: list[tuple[str, int, int]] = []
    again = Counting()
    predict(
        again, videos, out, name="box", overlays=True, on_progress=lambda *step: shown.append(step)
    )
    assert again.asked == NUM_VIDEOS - 3
    steps = [step for step in shown if step[0] == "predict"]
    assert (steps[0], steps[-1]) == (
        ("predict", 3, NUM_VIDEOS),
        ("predict", NUM_VIDEOS, NUM_VIDEOS),
    )
    predict(Counting(), videos, whole, name="box", overlays=True)
    assert contents(out).keys() == contents(whole).keys()
    assert {name: data for name, data in contents(out).items() if not name.endswith(".mp4")} == {
        name: data for name, data in contents(whole).items() if not name.endswith(".mp4")
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "p", "whole"]


def ended_after_three(videos: list, out: Path) -> None:
    with pytest.raises(RuntimeError):
        predict(Counting(ends_at=3), videos, out, name="box")


def test_what_has_changed_is_predicted_again(folder: Path, tmp_path: Path) -> None:
    out, videos = tmp_path / "p", find_videos([str(folder)])
    ended_after_three(videos, out)
    shutil.copy(folder / "v4.mp4", folder / "v0.mp4")  # another video under the name
    # a file that was harmed
    (next((work_folder_of(out) / "masks").iterdir())).write_bytes(b"cut sho")
    again = Counting()
    predict(again, find_videos([str(folder)]), out, name="box")
    assert again.asked in (NUM_VIDEOS - 2, NUM_VIDEOS - 1)  # the harmed one may be that of v0


def test_another_model_and_other_films_start_over(folder: Path, tmp_path: Path) -> None:
    out, videos = tmp_path / "p", find_videos([str(folder)])
    ended_after_three(videos, out)
    other = Counting(ends_at=NUM_VIDEOS - 1)
    other.identity = "another"
    with pytest.raises(RuntimeError):
        predict(other, videos, out, name="box")
    assert other.asked == NUM_VIDEOS - 1
    unknown = Counting()
    unknown.identity = None
    predict(unknown, videos, out, name="box")
    assert unknown.asked == NUM_VIDEOS


@pytest.mark.timeout(300)
@pytest.mark.skipif(os.name == "nt", reason="nothing is kept on Windows")
def test_a_run_that_is_killed_goes_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "p"
    for number in range(95):
        os.link(folder / f"v{number % NUM_VIDEOS}.mp4", folder / f"w{number:03}.mp4")
    command = [
        str(Path(sys.executable).parent / "brokenvideos"),
        "predict",
        "centre-box",
        str(folder),
        "--out",
        str(out),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    receipts = work_folder_of(out) / "receipts"
    try:
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline and (
            not receipts.is_dir() or len(list(receipts.glob("*.json"))) < 4
        ):
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    num_kept = len(list(receipts.glob("*.json")))
    assert 4 <= num_kept < 100
    assert not out.exists()
    again = Counting()
    report = predict(again, find_videos([str(folder)]), out, name="centre-box")
    assert (again.asked, len(report.videos)) == (100 - num_kept, 100)
    assert not work_folder_of(out).exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A unet with chance weights."""
    torch.manual_seed(0)
    recipe = recipe_named("unet")
    unet = recipe.make(None)
    for parameter in unet.head.parameters():  # type: ignore[union-attr, operator]
        nn.init.normal_(parameter, std=0.5)
    folder = tmp_path_factory.mktemp("trained") / "model"
    save_model(unet, folder, recipe=recipe, feeding=Feeding((48, 64), 4), facts={})
    return folder


@pytest.mark.timeout(300)  # every process imports all of it, on a machine that may be busy
@pytest.mark.parametrize("model", ["centre-box", pytest.param("trained", marks=pytest.mark.slow)])
def test_two_processes_say_the_same_as_one(
    model: str, folder: Path, trained: Path, tmp_path: Path
) -> None:
    (folder / "bad.mp4").write_bytes(b"no video")
    videos = find_videos([str(folder)])
    asked = open_model(str(trained) if model == "trained" else model, device="cpu")
    reports = [
        predict(asked, videos, tmp_path / f"p{workers}", name="m", workers=workers)
        for workers in (1, 2)
    ]
    assert contents(tmp_path / "p1") == contents(tmp_path / "p2")
    assert reports[0].unreadable == reports[1].unreadable
    assert len(reports[1].videos) == NUM_VIDEOS


def test_a_model_is_known_by_its_weights_and_settings(trained: Path, tmp_path: Path) -> None:
    def identity(path: Path) -> str | None:
        return open_model(str(path), device="cpu").identity

    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    assert identity(trained) == identity(copy)
    settings = copy / "brokenvideos.json"
    settings.write_text(settings.read_text().replace('"gate": 0.0', '"gate": 0.5', 1))
    assert identity(trained) != identity(copy)


def test_a_model_without_a_name_is_not_sent_anywhere(trained: Path) -> None:
    import pickle

    found = open_model(str(trained), device="cpu")
    assert isinstance(found, Trained)
    assert isinstance(pickle.loads(pickle.dumps(found)), Trained)
    with pytest.raises(TypeError) as caught:
        pickle.dumps(Trained(found.predictor))
    assert (
        str(caught.value)
        == "a model that was not opened by name cannot be sent to another process; use one worker."
    )


def test_one_run_at_a_time(folder: Path, tmp_path: Path) -> None:
    out, videos = tmp_path / "p", find_videos([str(folder)])
    said: list[str] = []

    class Meanwhile(Counting):
        def predict(self, video: bytes, index: VideoIndex) -> Masks:
            if not self.asked:
                with pytest.raises(RuntimeError) as caught:
                    predict(Counting(), videos, out, name="box")
                said.append(str(caught.value))
            return super().predict(video, index)

    predict(Meanwhile(), videos, out, name="box")
    assert said[0].startswith(f"{out}: process {os.getpid()} is ")


def test_a_folder_that_holds_something_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine").touch()
    with pytest.raises(FileExistsError):
        predict(Counting(), find_videos([str(folder)]), tmp_path / "p", name="box")
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["mine"]
