"""The server as the page talks to it: work from the first click to the submission, two people, a
lock, refusals.
"""

import socket
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from brokenvideos.frames import read_frames
from brokenvideos.masks import decode
from brokenvideos.tools.page import hosts_of
from tests.tools.annotation.copying_engine import CopyingEngine
from tests.tools.annotation.running import FRAMES, HEIGHT, TOKEN, WIDTH


def bitmap(mask):
    return decode([mask["counts"]], height=HEIGHT, width=WIDTH)[0] > 0


def test_from_the_first_click_to_the_submission(serve, clips):
    ada = serve(clips).person("Ada", "a")
    assert (ada.state["status"], ada.state["num_frames"], ada.state["lock"]["mine"]) == (
        "untouched",
        FRAMES,
        True,
    )
    ada.do("add-object", artifact_type="motion", subtype=None)
    ada.box(1, 3, 4, 4, 10, 12)
    state = ada.propagate(1, 3, 11)
    assert (state["undo"], state["redo"]) == ("propagate object 1", None)
    assert [frame for _, frame in ada.masks()] == list(range(3, 12))
    assert all((bitmap(mask) == bitmap(ada.masks()[1, 3])).all() for mask in ada.masks().values())
    assert [mask["from"] for mask in ada.masks().values()] == ["prompt"] + ["propagated"] * 8
    ada.do("prompt", object_id=1, frame_index=3, clicks=[[20, 20, 1]], box=None, keep_mask=True)
    assert bitmap(ada.masks()[1, 3]).sum() == 25  # the click goes on from the same start: none
    ada.do("undo")
    refused = ada.try_to("submit")
    assert refused.error == (422, "refused", "nobody has looked at some masks: look at them first")
    assert refused.json["error"]["frames"] == list(range(4, 12))
    ada.do("seen", ranges=[[0, FRAMES - 1]])
    ada.do("submit")
    assert ada.state["status"] == "submitted"
    line = ada.get("api/project").json["videos"][0]
    assert (line["status"], line["num_masks"], line["is_mine"], line["can_review"]) == (
        "submitted",
        9,
        True,
        False,
    )
    assert ada.get("api/next?after=a").json == {"video_id": "b"}


def test_a_click_edits_a_drawn_mask_and_a_drawing_is_stored_as_it_is(serve, clips):
    server = serve(clips)
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype="soft")
    ada.box(1, 2, 0, 0, 8, 8)
    counts = ada.masks()[1, 2]["counts"]
    geometry = {"strokes": [{"radius": 3, "points": [[1, 2], [3, 4]]}]}
    ada.do("draw", object_id=1, frame_index=5, counts=counts, tool="brush", geometry=geometry)
    assert (ada.masks()[1, 5]["from"], ada.masks()[1, 5]["counts"]) == ("drawn", counts)
    ada.do("prompt", object_id=1, frame_index=5, clicks=[[20, 20, 1]], box=None, keep_mask=True)
    assert bitmap(ada.masks()[1, 5]).sum() == 64 + 25
    ada.do(
        "prompt",
        object_id=1,
        frame_index=5,
        clicks=[[20, 20, 1], [2, 2, 0]],
        box=None,
        keep_mask=True,
    )
    assert bitmap(ada.masks()[1, 5]).sum() == 64 + 25 - 25
    ada.do("undo")
    ada.do("undo")
    assert ada.masks()[1, 5]["counts"] == counts
    ada.propagate(1, 2, 8)
    assert ada.masks()[1, 5]["from"] == "drawn"
    # What was undone is taken back from the engine too: it hears the drawing itself.
    assert server.engines[0].calls[-2:] == ["prompt 1 5 mask", "propagate [1] 2 8"]


def test_locked_frames_are_barriers_and_imported_masks_are_propagated(serve, clips):
    ada = serve(clips).person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    ada.box(1, 6, 0, 0, 8, 8)
    ada.do("lock-frames", first=2, last=2)
    answer = ada.do("propagate", object_ids=[1], first=6, last=0)
    assert (answer["job"]["stop"], answer["job"]["barrier"], answer["job"]["total"]) == (3, 2, 3)
    while ada.look()["job"]:
        pass
    assert [frame for _, frame in ada.masks()] == [3, 4, 5, 6]
    assert ada.try_to("propagate", object_ids=[1], first=3, last=0).error[:2] == (
        409,
        "locked-frame",
    )
    refused = ada.try_to("draw", object_id=1, frame_index=2, counts="", tool="brush", geometry=None)
    assert refused.error == (409, "locked-frame", "frame 2 locked: unlock first")


def test_a_propagation_tells_how_far_it_is_and_can_be_cancelled(serve, clips):
    step = threading.Event()
    step.set()
    server = serve(clips, engine=lambda: CopyingEngine(step=step))
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    ada.box(1, 0, 0, 0, 8, 8)
    step.clear()
    job = ada.do("propagate", object_ids=[1], first=0, last=11)["job"]
    assert job["state"] == "running"
    busy = ada.try_to("undo")
    assert busy.error == (
        409,
        "busy",
        "masks are being propagated through this video: wait, or cancel it",
    )
    assert ada.try_to("cancel", job="j-other").error == (
        404,
        "not-found",
        "this propagation has ended",
    )
    ada.do("cancel", job=job["job"])
    step.set()
    while ada.look()["job"] is not None:
        pass
    assert len(ada.masks()) < FRAMES


def test_an_engine_that_finds_nothing_says_so(serve, clips):
    server = serve(clips, engine=lambda: CopyingEngine(finds_nothing=True))
    ada = server.person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    nothing = ada.try_to(
        "prompt", object_id=1, frame_index=3, clicks=[[9, 9, 0]], box=None, keep_mask=False
    )
    assert nothing.error == (
        422,
        "engine",
        "the engine found no object there; click again, or draw the mask",
    )
    cannot = ada.try_to(
        "prompt", object_id=1, frame_index=3, clicks=[[0, 9, 1]], box=None, keep_mask=False
    )
    assert cannot.error == (422, "engine", "nothing there; click elsewhere")
    ada.box(1, 3, 0, 0, 8, 8)
    with server.listening(ada) as told:
        ada.propagate(1, 3, 8)
    last = [message["job"] for message in told if message["type"] == "job"][-1]
    assert (last["state"], last["message"]) == (
        "failed",
        "the engine found nothing in frames 3 to 8: mark the object there, or draw it",
    )
    assert len(ada.masks()) == 1


def test_the_second_one_reads(serve, clips):
    server = serve(clips)
    ada, ben = server.person("Ada", "a"), server.person("Ben")
    ben.look("a")
    turn = ben.state["lock"].pop("turn")
    assert ben.state["lock"] == {"holder": "Ada", "mine": False, "same_name": False}
    refused = ben.post("api/video/a/lock", take=True)
    assert refused.error == (409, "locked", "Ada is working on this video: you can only look at it")
    assert ben.try_to("add-object", artifact_type="blur", subtype=None).error[:2] == (409, "locked")
    with server.listening(ben) as told:
        ada.do("add-object", artifact_type="blur", subtype=None)
        ada.post("api/video/a/unlock")
    changes = [message["changes"] for message in told if message["type"] == "changes"]
    assert [(change["from"], change["revision"]) for change in changes] == [(1, 2)]
    last = [message["lock"] for message in told if message["type"] == "lock"][-1]
    assert last["holder"] is None
    taken = ben.post("api/video/a/lock").json["lock"]
    assert turn < last["turn"] < taken["turn"]


def test_a_persons_other_page_takes_over(serve, clips):
    server = serve(clips)
    ada = server.person("Ada", "a")
    again = server.person(" ada ")
    again.look("a")
    del again.state["lock"]["turn"]
    assert again.state["lock"] == {"holder": "Ada", "mine": False, "same_name": True}
    with server.listening(ada):
        refused = again.post("api/video/a/lock")
        assert refused.json["error"]["lock"]["same_name"] is True
        assert again.post("api/video/a/lock", take=True).json["lock"]["mine"] is True


def test_a_page_that_is_loaded_again_has_its_lock_at_once(serve, clips):
    server = serve(clips)
    ada = server.person("Ada", "a")
    with server.listening(ada):
        pass
    assert server.person("Ben").post("api/video/a/lock").status == 409
    assert server.person("Ada").post("api/video/a/lock").json["lock"]["mine"] is True


def test_a_request_that_comes_twice_is_done_once(serve, clips):
    ada = serve(clips).person("Ada", "a")
    first = ada.try_to("add-object", artifact_type="blur", subtype=None, id="once", revision=1)
    again = ada.try_to("add-object", artifact_type="blur", subtype=None, id="once", revision=1)
    assert again.status == 200
    assert again.json["changes"] == first.json["changes"]
    assert len(ada.look()["objects"]) == 1


def test_a_page_that_knows_an_old_state_is_told(serve, clips):
    ada = serve(clips).person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    stale = ada.try_to("undo", revision=1)
    assert stale.error == (
        409,
        "stale",
        "the video has changed since this page was loaded: load it again",
    )
    assert stale.json["error"]["revision"] == 2


def test_a_review_with_a_note_goes_back_and_is_approved_the_second_time(serve, clips):
    server = serve(clips)
    ada = server.person("Ada", "a")
    ada.do("normal")
    ada.post("api/video/a/unlock")
    ben = server.person("Ben")
    assert ben.get("api/next?for=review").json == {"video_id": "a"}
    ben.open("a")
    assert ben.try_to("approve").status == 200
    ben.look()
    ben.do("reopen")
    ben.do("normal")
    assert ben.try_to("approve").error == (
        409,
        "status",
        "you submitted it: a second person must review it",
    )
    ben.post("api/video/a/unlock")
    ada.open("a")
    ada.do("reject", note="look at the hand", frame_index=4)
    assert [(note["frame_index"], note["open"]) for note in ada.state["notes"]] == [(4, True)]
    ada.post("api/video/a/unlock")
    assert ben.get("api/next").json == {"video_id": "a"}  # the first one gets it back
    people = {found["user"]: found for found in ben.get("api/project").json["people"]}
    assert (people["Ben"]["rejected_of_theirs"], people["Ada"]["reviewed"]) == (1, 1)


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_frame_says_which_one_it_is(serve, clips, kind, tmp_path):
    ada = serve(clips).person("Ada")
    truth = read_frames(clips / "b.mp4", range(FRAMES))
    for frame in (0, 7, 6, 5, 11):
        answer = ada.get(f"frame/b/{frame}.{kind}")
        assert (answer.status, answer.headers["x-frame-index"]) == (200, str(frame))
        assert answer.headers["x-frame-time"] == f"{frame / 8:.6f}"
        path = tmp_path / "frame"
        path.write_bytes(answer.content)
        with Image.open(path) as image:
            shown = np.asarray(image.convert("RGB")).astype(int)
        assert np.abs(shown - truth[frame]).max() <= (0 if kind == "png" else 4)
    small = ada.get("frame/b/3.jpg?height=12")
    path.write_bytes(small.content)
    with Image.open(path) as image:
        assert image.size == (16, 12)


REQUESTS = {
    "frame/a/12.jpg": (404, "not-found", "there is no frame 12"),
    "frame/a/x.jpg": (404, "not-found", "no such frame; wanted NUMBER.jpg or NUMBER.png"),
    "frame/a/1.jpg?height=0": (400, "bad-request", "height is 0, wanted 1 to 1024"),
    "frame/c/1.jpg": (404, "not-found", "there is no video c"),
    "api/video/c": (404, "not-found", "there is no video c"),
    "api/video/a/stray?object_id=1&frame_index=2&max_area=x": (
        400,
        "bad-request",
        "max_area is 'x', wanted a whole number",
    ),
    "api/video/a/stray?object_id=1&frame_index=2&max_area=9": (
        404,
        "not-found",
        "object 1 has no mask in frame 2",
    ),
}


@pytest.mark.parametrize("path", REQUESTS)
def test_what_is_not_there_is_said(serve, clips, path):
    assert serve(clips).person("Ada").get(path).error == REQUESTS[path]


ACTIONS = {
    "no action": ({"action": "dance"}, (400, "bad-request", "action 'dance' is unknown")),
    "a text": (
        {"action": "draw", "object_id": 1, "frame_index": 1, "tool": "brush"},
        (400, "bad-request", "counts is None, wanted a text"),
    ),
    "a number": (
        {"action": "lock-frames", "first": 1.5, "last": 2},
        (400, "bad-request", "first is 1.5, wanted a whole number"),
    ),
    "a click": (
        {"action": "prompt", "object_id": 1, "frame_index": 1, "clicks": [[1, 2]]},
        (400, "bad-request", "a click is [1, 2], wanted [x, y, 1 or 0]"),
    ),
    "a box": (
        {"action": "prompt", "object_id": 1, "frame_index": 1, "box": [3, 2, 1, 4]},
        (
            400,
            "bad-request",
            "box is [3, 2, 1, 4], wanted [x0, y0, x1, y1] with x0 < x1 and y0 < y1",
        ),
    ),
    "no prompt": (
        {"action": "prompt", "object_id": 1, "frame_index": 1},
        (400, "bad-request", "the prompt has neither clicks nor a box"),
    ),
    "a prompt for nobody": (
        {"action": "prompt", "object_id": 1, "frame_index": 1, "clicks": [[1, 2, 1]]},
        (404, "not-found", "there is no object 1 or no frame 1"),
    ),
    "a propagation of nothing": (
        {"action": "propagate", "object_ids": [], "first": 1, "last": 2},
        (422, "refused", "choose an object to propagate"),
    ),
    "ranges": (
        {"action": "seen", "ranges": [[3, 1]]},
        (400, "bad-request", "a range ends before it begins"),
    ),
    "frames beyond the end": (
        {"action": "seen", "ranges": [[0, 12]]},
        (404, "not-found", "the video has no frame 12, only frames 0 to 11"),
    ),
    "a scope": (
        {"action": "delete", "object_id": 1, "scope": "here"},
        (400, "bad-request", "scope is 'here', wanted frame, onward or everywhere"),
    ),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_that_is_none_is_refused(serve, clips, name):
    action, error = ACTIONS[name]
    ada = serve(clips).person("Ada", "a")
    assert ada.try_to(**action).error == error
    assert ada.look()["revision"] == 1


def test_names_and_sessions(serve, clips):
    server = serve(clips)
    assert server.ask("api/hello", {"user": " \n "}).error == (
        422,
        "refused",
        "a name has 1 to 64 printable characters",
    )
    assert server.ask("api/project?session=s-x").error == (
        401,
        "no-session",
        "the session is unknown here: say hello again",
    )
    assert server.ask("api/hello", ["Ada"]).error == (
        400,
        "bad-request",
        "the body is not a JSON object",
    )


# --- Who may talk to it ---------------------------------------------------------------------------


def test_only_its_own_page_gets_an_answer(serve, clips):
    server = serve(clips)
    host = server.address.split("/")[2]
    port = host.split(":")[1]
    for headers, path, status in (
        ({}, f"/{TOKEN}/", 200),
        ({"Host": f"localhost:{port}"}, f"/{TOKEN}/", 200),
        ({"Host": host, "Origin": f"http://{host}"}, f"/{TOKEN}/", 200),
        ({"Host": f"evil.example:{port}"}, f"/{TOKEN}/", 403),
        ({"Host": "127.0.0.1:1"}, f"/{TOKEN}/", 403),
        ({"Host": host, "Origin": "http://evil.example"}, f"/{TOKEN}/", 403),
        ({"Host": f"localhost:{port}", "Origin": f"http://{host}"}, f"/{TOKEN}/", 403),
        ({"Host": host, "Origin": "null"}, f"/{TOKEN}/", 403),
        ({}, "/", 403),
        ({}, "/wrong-wrong-wrong/", 403),
        ({}, f"/{TOKEN}x/", 403),
    ):
        assert server.ask(path, headers=headers).status == status, (headers, path)
    answer = server.ask("")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


def test_which_host_names_are_served():
    loopback, one, every = (
        hosts_of("127.0.0.1", 80),
        hosts_of("192.168.1.5", 80),
        hosts_of("0.0.0.0", 80),
    )
    for value, expected in {
        "127.0.0.1:80": (True, False, True),
        "localhost:80": (True, False, socket.gethostname() == "localhost"),
        "[::1]:80": (True, False, True),
        "192.168.1.5:80": (False, True, True),
        "10.0.0.9:80": (False, False, True),
        f"{socket.gethostname().lower()}:80": (False, False, True),
        "evil.example:80": (False, False, False),
        "127.0.0.1:81": (False, False, False),
        "127.0.0.1": (False, False, False),
        "": (False, False, False),
    }.items():
        assert (loopback(value), one(value), every(value)) == expected, value


def test_no_way_leads_out_of_the_page_and_nothing_can_be_uploaded(serve, clips):
    server = serve(clips)
    (clips / "secret.js").write_text("1")
    for path in (
        *(
            "page/../run.py",
            "page/..%2frun.py",
            "page/%2e%2e/run.py",
            "page/..%2f..%2fclips/secret.js",
            "page//etc/passwd",
        ),
        *(
            "page/.hidden.js",
            "shared/__init__.py",
            "secret.js",
            "events/a.jsonl",
            "api/../page/../../x.js",
            "elsewhere/main.js",
        ),
    ):
        assert server.ask(path).status == 404, path
    assert server.ask("page/main.js", {}, method="PUT").status == 405
    assert server.ask("page/new.js", {}, method="POST").status in (404, 405)
    assert server.ask("page/main.js").headers["cache-control"] == "no-cache"
    too_long = server.ask("api/hello", headers={"Content-Length": "99999999999"}, method="POST")
    assert too_long.status == 403


def test_a_page_of_another_origin_gets_no_live_line(serve, clips):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    server = serve(clips)
    ada = server.person("Ada")
    where = f"{server.address.replace('http', 'ws')}live?session={ada.session}"
    for origin in ("http://evil.example", None):
        with pytest.raises(InvalidStatus), connect(where, origin=origin):
            pass


def test_it_starts_without_what_only_releases_and_models_need(run_process):
    script = (
        "import sys, brokenvideos.tools.annotation.run;print(*sorted({'datasets', 'pandas', "
        "'pyarrow', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = run_process([sys.executable, "-c", script])
    assert (done.stdout, done.stderr) == ("\n", "")
