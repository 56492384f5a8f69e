"""Nothing that was saved is lost: SIGKILL, a full disk, a video that changes, a log that is
damaged, an old copy of the page.
"""

import http.client
import json
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from brokenvideos.tools.annotation.log import read_log
from brokenvideos.tools.annotation.reducer import fold
from tests.tools.annotation.running import FRAMES, Person, Running

COMMAND = [
    sys.executable,
    "-c",
    "from brokenvideos.tools.commands.main import main; main()",
    "annotate",
]


class Cold:
    """In place of `warm`: a process of which the memory is its own."""

    @staticmethod
    def start_talking(command):
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


@contextmanager
def process(warm, folder, *options):
    """`brokenvideos annotate` in a process of its own; killed at the end."""
    run = warm.start_talking([*COMMAND, str(folder), "--no-browser", *options])
    with run.stdout:
        try:
            for line in run.stdout:
                if re.match(r"http://", line):
                    yield (
                        run,
                        Running(line.strip(), folder.with_name(f"{folder.name}-raw"), None, []),
                    )
                    return
            raise AssertionError("it ended before it served")
        finally:
            run.kill()
            run.wait()


@pytest.mark.slow
def test_after_sigkill_the_state_is_the_last_one_that_was_acknowledged(warm, clips):
    randomness = random.Random(4)
    acknowledged = 1
    for _ in range(3):
        with process(warm, clips, "--port", "0") as (run, server):
            ada = server.person("Ada", "a")
            assert ada.state["revision"] == acknowledged
            if acknowledged == 1:
                ada.do("add-object", artifact_type="blur", subtype=None)
            killer = threading.Timer(0.2 + randomness.random(), run.send_signal, [signal.SIGKILL])
            killer.start()
            seen = ada.state["revision"]
            try:
                while True:
                    frame = randomness.randrange(FRAMES)
                    answer = ada.try_to("lock-frames", first=frame, last=FRAMES - 1, revision=seen)
                    assert answer.status == 200
                    seen = answer.json["saved"]
            except (OSError, http.client.HTTPException):
                pass  # it is dead
            killer.join()
            run.wait()
        # What was asked and not answered may be there or not; what was answered is.
        content = read_log(server.raw / "events/a.jsonl")
        assert seen <= len(content.events) <= seen + 1
        acknowledged = fold(content.events).revision
    with process(warm, clips, "--port", "0") as (_, server):
        assert server.person("Ada", "a").state["revision"] == acknowledged
        for _ in range(100):
            if (server.raw / "videos.jsonl").exists():
                break
            time.sleep(0.1)
        assert json.loads((server.raw / "videos.jsonl").read_text())["review"] == "unreviewed"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_server_when_the_raw_folder_is_up_to_date(warm, clips, number):
    with process(warm, clips) as (run, server):
        ada = server.person("Ada", "a")
        ada.do("normal")
        run.send_signal(number)
        assert run.wait(100) == 0
        assert run.stdout.read().splitlines() == [
            f"Ended. All work is saved in {server.raw} (0 approved, 1 waiting for review).",
            f"Continue with: brokenvideos annotate {clips} --no-browser",
        ]
    assert json.loads((server.raw / "videos.jsonl").read_text())["label"] == "normal"
    assert json.loads((server.raw / "events/a.written.json").read_text()) == {
        "revision": ada.state["revision"]
    }


@pytest.mark.slow
def test_two_servers_of_one_folder_are_one_too_many(warm, run_warm, clips):
    with process(warm, clips) as (run, server):
        second = run_warm([*COMMAND, str(clips), "--no-browser"])
    assert second.returncode == 1
    assert second.stderr == (
        f"brokenvideos: {server.raw}: process {run.pid} serves it already: open the address that "
        "it has printed, or end it\n"
    )


def test_a_torn_line_is_cut_off_and_said(serve, clips):
    with Running.on(clips) as server:
        ada = server.person("Ada", "a")
        ada.do("add-object", artifact_type="blur", subtype=None)
    log = server.raw / "events/a.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"n":3,"at":"2026')
    ada = serve(clips).person("Ada", "a")
    assert ada.state["revision"] == 2
    assert ada.state["notices"] == [
        "the last 17 bytes of the log are cut off: the server was ended while it wrote them, and "
        "nobody had heard that they were saved"
    ]
    ada.do("undo")
    assert log.read_bytes().startswith(whole)
    assert len(read_log(log).events) == 3


def test_a_damaged_log_is_said_and_the_other_videos_go_on(serve, clips):
    with Running.on(clips) as server:
        server.person("Ada", "a").do("add-object", artifact_type="blur", subtype=None)
    log = server.raw / "events/a.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"kind":"object"', b'"kind":"objekt"'))
    ada = serve(clips).person("Ada")
    what = (
        f"{log} line 2: kind 'objekt' is unknown; a later version wrote it: use that. Restore the "
        "line from a copy, or delete it and all later lines; later work is lost then."
    )
    assert ada.get("api/video/a").error == (422, "video", what)
    assert [line["problem"] for line in ada.get("api/project").json["videos"]] == [what, None]
    ada.open("b")


@contextmanager
def room_for(num_bytes, *, beyond):
    """Files of this process may have only so many bytes more than the file `beyond`: the line that
    does not fit is cut in two.
    """
    before, keeps = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # Python would take a cut file for whole
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond.stat().st_size + num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = keeps


@pytest.mark.parametrize("num_bytes", [0, 20])
def test_a_line_that_does_not_fit_on_the_disk_leaves_no_trace_and_the_same_action_works_later(
    serve, clips, num_bytes
):
    server = serve(clips)
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    server.written()
    log = server.raw / "events/a.jsonl"
    before = log.read_bytes()
    with room_for(num_bytes, beyond=log):
        answer = ada.try_to("lock-frames", first=1, last=2, id="again")
    assert answer.error == (
        507,
        "disk-full",
        f"not saved: {server.raw}: File too large. Make room there and try again",
    )
    assert ada.look()["revision"] == 2
    assert log.read_bytes() == before
    assert ada.try_to("lock-frames", first=1, last=2, id="again").json["saved"] == 3
    assert log.read_bytes().startswith(before)
    assert [event.n for event in read_log(log).events] == [1, 2, 3]


def test_a_raw_folder_that_cannot_be_written_is_said_and_nothing_is_lost(serve, clips):
    server = serve(clips)
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    server.written()
    (server.raw / "masks").write_text("in the way")
    with server.listening(ada) as told:
        ada.box(1, 2, 0, 0, 8, 8)
        server.written()
    assert any(
        message["type"] == "notice" and "not up to date" in message["message"] for message in told
    )
    assert (
        "File exists" in ada.look()["raw"]["error"]
        or "Not a directory" in ada.look()["raw"]["error"]
    )
    (server.raw / "masks").unlink()
    ada.do("seen", ranges=[[0, 3]])
    server.written()
    assert ada.look()["raw"] == {"written": ada.state["revision"], "error": None}
    assert [path.name for path in (server.raw / "masks/a").iterdir()] == ["00002.png"]


def test_a_video_that_changes_on_disk_is_said(serve, clips, video_bytes):
    server = serve(clips)
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    path = server.raw / "videos/a.mp4"
    path.unlink()
    path.write_bytes(video_bytes[1])
    said = (
        f"the file of the video was changed: {path} is not the one that was annotated. Put the old "
        "one back, or go on with this one, which has the same size and number of frames"
    )
    assert ada.try_to("lock-frames", first=1, last=2).error == (422, "video", said)
    assert ada.look()["read_only"] == said
    assert ada.state["objects"] != []
    ada.do("accept-video")
    assert ada.state["read_only"] is None
    ada.do("lock-frames", first=1, last=2)
    path.unlink()
    gone = ada.try_to("undo").error
    assert gone == (
        422,
        "video",
        f"the file of the video is gone: put {path} back; what was annotated is kept",
    )
    path.write_bytes(video_bytes[1])
    ada.do("undo")


def test_a_video_that_does_not_decode_is_said_and_the_others_go_on(serve, clips):
    (clips / "c.mp4").write_bytes((clips / "a.mp4").read_bytes()[:600])
    ada = serve(clips).person("Ada")
    status, code, message = ada.get("api/video/c").error
    assert (status, code) == (422, "video")
    assert message.startswith(f"{clips / 'c.mp4'}: ")
    ada.open("a")


def test_a_lock_outlives_a_short_absence_and_no_long_one(serve, clips, monkeypatch):
    from brokenvideos.tools.annotation import service, sessions

    monkeypatch.setattr(service, "SWEEP_S", 0.05)
    server = serve(clips)
    ada, ben = server.person("Ada", "a"), server.person("Ben")
    assert ben.look("a")["lock"]["holder"] == "Ada"
    with server.listening(ada), server.listening(ben):
        monkeypatch.setattr(sessions, "GRACE_S", 0.5)
        time.sleep(0.7)
        assert ben.look("a")["lock"]["holder"] == "Ada"  # the line is there
    deadline = time.monotonic() + 100
    eve = server.person("Eve")
    while eve.look("a")["lock"]["holder"] is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert eve.state["lock"]["holder"] is None
    refused = ada.try_to("normal").error
    assert refused == (409, "locked", "you do not hold this video (any more): take it first")
    monkeypatch.setattr(sessions, "FORGET_S", 0.5)
    answer = None
    while answer is None or (answer.status == 200 and time.monotonic() < deadline):
        time.sleep(0.7)  # asking makes it young again
        answer = ada.get("api/video/a")
    assert answer.error[:2] == (401, "no-session")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_long_video_stays_within_its_memory_and_steps_are_quick(tmp_path):
    import numpy as np

    from brokenvideos.frames import encode_video

    folder = tmp_path / "clips"
    folder.mkdir()
    still = (
        np.random.default_rng(0).integers(0, 255, (45, 80, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    )

    def moving(frame):
        picture = still.copy()
        picture[300:420, frame % 1100 : frame % 1100 + 120] = frame % 256
        return picture

    encode_video(folder / "long.mp4", map(moving, range(2000)), fps=24)
    with process(Cold, folder) as (run, server):
        ada = Person(server, "Ada", server.ask("api/hello", {"user": "Ada"}).json["session"])
        ada.open("long")
        steps = []
        for frame in [*range(100, 160), *range(900, 960), *range(1990, 1940, -1)]:
            begun = time.perf_counter()
            answer = ada.get(f"frame/long/{frame}.jpg")
            steps.append(time.perf_counter() - begun)
            assert answer.headers["x-frame-index"] == str(frame)
        memory = {
            line.split(":")[0]: line.split()[1]
            for line in Path(f"/proc/{run.pid}/status").read_text().splitlines()
            if "kB" in line
        }
    print(
        f"{memory['VmRSS']} kB, at most {memory['VmHWM']}; median step "
        f"{sorted(steps)[len(steps) // 2] * 1000:.1f} ms"
    )
    assert int(memory["VmHWM"]) <= 300 * 1024
