"""Two processes under `accelerate launch` on the CPU: every clip once, the same evaluation as one
process, resumed after a kill.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brokenvideos.tools.training import train
from brokenvideos.tools.training.checkpoint import checkpoints

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# What each process is given goes to a file of its own. `stall_at`: a step before which both wait to
# be killed.
SCRIPT = """
import json, os, sys, time
from pathlib import Path
from brokenvideos.tools.training import TrainOptions, train

release, out, settings = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
stall_at, resume = settings.pop("stall_at", None), settings.pop("resume", False)
rank, steps = os.environ.get("RANK", "0"), 0
seen = open(out.parent / f"seen-{rank}-{os.getpid()}.jsonl", "w")

def on_batch(batch):
    global steps
    if steps == stall_at:
        (out.parent / f"stalled-{rank}").write_text(str(os.getpid()))
        time.sleep(300)
    steps += 1
    print(json.dumps([batch["video_id"], batch["repeated"].tolist()]), file=seen, flush=True)

train(release, out, TrainOptions(size=(32, 32), cpu=True, **settings), resume=resume, on_batch=on_batch)
"""


def launch(tmp_path: Path, videos: Path, **settings) -> list[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # accelerate 1.15 starts one process alone where it is told --cpu and has no MPI; ours says
    # cpu=True itself.
    command = (
        "launch --multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no "
        "--dynamo_backend no --main_process_port 0"
    )
    accelerate = [str(Path(sys.executable).parent / "accelerate"), *command.split()]
    return [*accelerate, str(script), str(videos), str(tmp_path / "out"), json.dumps(settings)]


def seen_in(tmp_path: Path) -> list[str]:
    """video_ids of the clips that were given, those left out that only filled up an uneven
    share.
    """
    found = []
    for path in tmp_path.glob("seen-*.jsonl"):
        for line in path.read_text().splitlines():
            found += [
                video_id
                for video_id, repeated in zip(*json.loads(line), strict=True)
                if not repeated
            ]
    return found


def train_ids(videos: Path) -> list[str]:
    manifest = json.loads((videos / "manifest.json").read_text())
    return sorted(
        i for shard in manifest["shards"] if shard["split"] == "train" for i in shard["video_ids"]
    )


def test_two_processes_see_every_clip_of_an_epoch_once_and_evaluate_as_one_does(
    videos: Path, tiny, run_process, tmp_path: Path
) -> None:
    done = run_process(launch(tmp_path, videos, epochs=1, batch_size=2), timeout_s=300)
    assert done.returncode == 0, done.stderr
    assert sorted(seen_in(tmp_path)) == train_ids(videos)
    # Nine videos for two processes: one of them is given a clip again, so that both make as many
    # steps.
    assert [len(path.read_text().splitlines()) for path in tmp_path.glob("seen-*.jsonl")] == [3, 3]
    together = (tmp_path / "out" / "scores.json").read_text()
    (tmp_path / "out" / "scores.json").unlink()
    # One process goes on from the last checkpoint of two, where nothing is left to do but to score.
    train(str(videos), tmp_path / "out", tiny(epochs=1, batch_size=2), resume=True)
    assert (tmp_path / "out" / "scores.json").read_text() == together


def test_a_killed_process_ends_the_run_and_it_goes_on_from_the_last_checkpoint(
    videos: Path, run_process, tmp_path: Path
) -> None:
    settings = {"epochs": 1, "batch_size": 2, "checkpoint_steps": 1}
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            launch(tmp_path, videos, stall_at=2, **settings),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            until_s = time.monotonic() + 200
            stalled = [tmp_path / "stalled-0", tmp_path / "stalled-1"]
            while not all(path.exists() and path.read_text() for path in stalled):
                assert time.monotonic() < until_s, (tmp_path / "log").read_text()
                time.sleep(0.2)
            os.kill(int(stalled[1].read_text()), signal.SIGKILL)
            assert running.wait(100) != 0
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
    assert [path.name for path in checkpoints(tmp_path / "out")] == [
        "step-00000001",
        "step-00000002",
    ]
    done = run_process(launch(tmp_path, videos, resume=True, **settings), timeout_s=300)
    assert done.returncode == 0, done.stderr
    assert checkpoints(tmp_path / "out")[-1].name == "step-00000003"
    assert sorted(seen_in(tmp_path)) == train_ids(videos)
    assert (tmp_path / "out" / "scores.json").is_file()
