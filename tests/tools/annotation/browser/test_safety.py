"""Nothing that people do is lost: reloads, a server that is killed, a full disk, two tabs, two
people.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brokenvideos.masks import decode
from brokenvideos.tools.synthetic import write_sample
from tests.tools.annotation.browser.desk import Live, Person, Server, serving
from tests.warm import Warm

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Browser, Route

Serve = Callable[..., Server]
SitDown = Callable[..., Person]
VIDEO = "synth-a_00000"

pytestmark = pytest.mark.slow  # a server for every test


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two synthetic videos of 12 frames."""
    made = write_sample(
        tmp_path_factory.mktemp("made") / "raw", videos=2, num_frames=12, height=96, width=128
    )
    return made / "videos"


def stroke_that_is_saved(person: SitDown, server: Server) -> tuple[Person, str]:
    """Ada at the video, with her first mask."""
    ada = person(server)
    ada.open(VIDEO)
    ada.brush((30, 40), (60, 40))
    return ada, ada.masks()[0]["counts"]


def stroke_that_is_not_saved(person: Person, server: Server) -> None:
    server.kill()
    person.drag((30, 70), (60, 70))
    person.page.wait_for_selector("#saving[data-state=lost]")


def test_a_reload_brings_back_the_state_and_the_frame(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    ada = person(serve(clips))
    ada.open(VIDEO)
    ada.go_to(5)
    ada.brush((30, 40), (60, 40))
    before = ada.state()
    ada.page.reload()
    ada.at_frame(5)
    after = ada.state()
    assert after["lock"]["mine"] is True
    assert (after["masks"], after["objects"]) == (before["masks"], before["objects"])


def test_a_killed_server_loses_nothing_that_was_saved_and_gets_the_rest(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    server = serve(clips)
    ada, saved = stroke_that_is_saved(person, server)
    stroke_that_is_not_saved(ada, server)
    assert "Not saved: connection lost, trying again" in ada.page.inner_text("#saving")
    assert ada.page.is_visible("#try-again")
    # What is not saved is still on the picture.
    ada.page.wait_for_timeout(200)
    stored = ada.page.evaluate(
        "() => Object.entries(localStorage).filter(([key]) => key.startsWith('unsaved'))"
    )
    assert len(json.loads(stored[0][1])) == 1
    server.start()
    ada.settled(60_000)
    masks = ada.masks()
    assert masks[0]["counts"] != saved
    assert masks[0]["area"] > 500
    assert ada.state()["lock"]["mine"] is True
    # Undo still knows both strokes.
    with ada.saves():
        ada.press("Control+z")
    assert ada.masks()[0]["counts"] == saved


def test_what_was_not_saved_waits_for_the_lock_of_the_new_session(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    server = serve(clips)
    ada, saved = stroke_that_is_saved(person, server)

    def late(route: "Route") -> None:
        time.sleep(3)  # meanwhile the page tries to send what is not saved
        route.continue_()

    ada.page.route("**/lock", late)
    stroke_that_is_not_saved(ada, server)
    server.start()
    ada.settled()
    assert ada.toasts() == []
    assert ada.masks()[0]["counts"] != saved


def test_what_was_not_saved_is_sent_when_the_page_is_opened_again(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    server = serve(clips)
    ada, first = stroke_that_is_saved(person, server)
    stroke_that_is_not_saved(ada, server)
    page = ada.page.context.new_page()
    ada.page.close(run_before_unload=False)
    server.start()
    ada.page = page
    ada.open(VIDEO)
    ada.settled()
    assert ada.masks()[0]["counts"] != first


def test_a_state_that_comes_late_does_not_undo_what_came_in_between(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    ada = person(serve(clips))
    ada.page.context.add_init_script(
        """const sockets = [];
           window.WebSocket = class extends WebSocket {
             constructor(address) { super(address); sockets.push(this); }
           };
           window.hangUp = () => sockets.at(-1).close();"""
    )
    ada.open(VIDEO)
    held: list[tuple[Route, APIResponse]] = []
    ada.page.route(
        f"**/api/video/{VIDEO}?*", lambda route: held.append((route, route.fetch())), times=1
    )
    ada.page.evaluate("hangUp()")  # it comes back by itself, and asks for the state
    while not held:
        ada.page.wait_for_timeout(30)
    ada.brush((30, 40), (60, 40))
    first = ada.masks()[0]["counts"]
    route, late = held[0]
    route.fulfill(response=late)
    ada.brush((30, 70), (60, 70))
    assert ada.toasts() == []
    assert ada.masks()[0]["counts"] != first


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True) if shutil.which("mount") else None
    if done is None or done.returncode:
        pytest.skip(
            f"no small disk can be had here: {'no mount' if done is None else done.stderr.strip()}"
        )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path) -> None:
    """Takes all room that is left on a disk."""
    with suppress(OSError), file.open("wb", buffering=0) as rest:
        while True:
            rest.write(bytes(4096))


def test_a_full_disk_is_said_and_the_work_goes_on_when_there_is_room(
    warm: Warm, person: SitDown, clips: Path, small_disk: Path
) -> None:
    with serving(clips, small_disk / "raw", warm=warm) as server:
        ada = person(server)
        ada.open(VIDEO)
        ada.brush((30, 40), (60, 40))
        fill(small_disk / "rest")
        # What still fits into the last block of the log is saved; what does not, waits.
        for row in range(12, 90, 4):
            ada.drag((30, row), (60, row))
            ada.page.wait_for_selector("#saving[data-state=full], #saving[data-state=saved]")
            if ada.page.get_attribute("#saving", "data-state") == "full":
                break
        assert "Not saved: the disk of the server is full" in ada.page.inner_text("#saving")
        saved = ada.masks()[0]["counts"]
        ada.drag((80, 70), (90, 70))
        ada.page.wait_for_selector("#saving:has-text('2 changes wait')")
        assert ada.masks()[0]["counts"] == saved
        (small_disk / "rest").unlink()
        ada.page.locator("#try-again").dispatch_event("click")  # the page tries by itself too
        ada.settled()
        both = ada.masks()[0]
        painted = decode([both["counts"]], height=96, width=128)[0]
        assert painted[70, 80:90].all()
        with ada.saves(2):
            ada.press("Control+z", "Control+z")
        assert ada.masks()[0]["counts"] == saved


def test_news_of_the_lock_that_come_late_do_not_take_it_away(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    ada = person(serve(clips))
    live = Live(ada, "lock")
    live.connected()
    ada.open(VIDEO)
    ada.leave()
    ada.open(VIDEO)
    while len(live.held()) < 3:
        ada.page.wait_for_timeout(30)
    assert [message["lock"]["mine"] for message in live.held()] == [True, False, True]
    live.comes(2)
    ada.page.wait_for_timeout(300)
    ada.brush((30, 40), (60, 40))
    assert ada.toasts() == []
    live.comes(1)


def test_a_propagation_that_ends_while_its_video_is_being_opened_holds_nobody_up(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    ada = person(serve(clips))
    ada.open(VIDEO)
    ada.box(30, 30, 70, 60)
    running = {
        "job": "j-1", "kind": "propagate", "object_ids": [1], "first": 0, "last": 11, "stop": 11,
        "barrier": None, "done": 3, "total": 11, "state": "running", "message": None,
    }  # fmt: skip
    state = ada.state() | {"job": running}
    live = Live(ada)
    ada.page.route(f"**/api/video/{VIDEO}?*", lambda route: route.fulfill(json=state), times=1)
    asked: list[Route] = []
    ada.page.route("**/lock", lambda route: asked.append(route), times=1)
    ada.page.reload()
    while not (asked and live.open):
        ada.page.wait_for_timeout(30)
    about = {"video_id": VIDEO, "annotation": state["annotation"]}
    live.says({"type": "job", **about, "job": running | {"state": "done"}})
    asked[0].continue_()
    ada.brush((30, 40), (60, 40))


@pytest.mark.parametrize("slow", ["do", "unlock"])
def test_a_video_that_is_opened_again_at_once_keeps_its_lock(
    slow: str, serve: Serve, person: SitDown, clips: Path
) -> None:
    """What is saved last, and the end of the lock, belong to the video of before."""
    ada = person(serve(clips))
    ada.open(VIDEO)
    ada.has_seen([0, 0])
    held: list[Route] = []
    ada.page.route(f"**/{slow}", lambda route: held.append(route), times=1)
    ada.press("ArrowRight")
    if slow == "unlock":
        ada.has_seen([0, 1])  # else the page opens the video again before it has freed the lock
        ada.page.click("#home")
    while not held:
        ada.page.wait_for_timeout(30)
    if slow == "do":
        ada.page.click("#home")
    ada.page.click(f"#videos a[href='#video/{VIDEO}']")
    ada.page.wait_for_timeout(1500)  # the new one asks for the lock, unless it waits
    held[0].continue_()
    ada.page.wait_for_selector("body[data-view=editor]:not(.loading)")
    ada.page.wait_for_timeout(1000)
    assert ada.state()["lock"]["mine"] is True
    ada.brush((30, 40), (60, 40))
    assert ada.masks()[1]["area"] > 0


@pytest.mark.parametrize("late", ["state", "lock", "frame"])
def test_who_goes_on_to_another_video_at_once_works_there(
    late: str, serve: Serve, person: SitDown, clips: Path
) -> None:
    """What the page of before was still waiting for changes nothing when it comes."""
    ada = person(serve(clips))
    other = next(path.stem for path in sorted(clips.iterdir()) if path.stem != VIDEO)
    held: list[Route] = []
    kinds = {"state": f"api/video/{other}?*", "lock": f"api/video/{other}/lock"}
    ada.page.route(
        f"**/{kinds.get(late, f'frame/{other}/*')}", lambda route: held.append(route), times=1
    )
    ada.page.goto(f"{ada.server.address}#video/{other}")
    while not held:
        ada.page.wait_for_timeout(30)
    ada.page.goto(f"{ada.server.address}#video/{VIDEO}")
    ada.page.wait_for_timeout(700)
    held[0].continue_()
    ada.page.wait_for_timeout(300)
    ada.at_frame(0)
    ada.open(VIDEO)
    ada.brush((30, 40), (60, 40))
    assert ada.state()["lock"]["mine"] is True
    assert ada.toasts() == []


def test_an_answer_that_got_lost_does_not_do_things_twice(
    serve: Serve, person: SitDown, clips: Path
) -> None:
    ada = person(serve(clips))
    ada.open(VIDEO)
    ada.brush((30, 40), (60, 40))
    before = ada.num_changes()
    lost: list[str] = []

    def lose_one(route: "Route") -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().text())
        route.abort()

    ada.page.route("**/do", lose_one)
    ada.drag((30, 70), (60, 70))
    ada.page.wait_for_selector("#saving[data-state=lost]")
    ada.settled()
    assert ada.num_changes() == before + 1


def test_two_tabs_of_one_person(serve: Serve, person: SitDown, clips: Path) -> None:
    server = serve(clips)
    first, second = person(server), person(server)
    first.open(VIDEO)
    first.brush((30, 40), (60, 40))
    second.open(VIDEO)
    second.page.wait_for_selector("#banner:has-text('open in another tab of yours')")
    second.press("d")
    second.drag((30, 70), (60, 70))
    second.says("You can look at it but not change it.")
    # What the first one does is seen by the second at once.
    first.brush((30, 20), (60, 20))
    limit = time.monotonic() + 60
    while second.masks()[0]["area"] != first.masks()[0]["area"] and time.monotonic() < limit:
        second.page.wait_for_timeout(50)
    assert second.masks()[0]["area"] == first.masks()[0]["area"]
    second.page.click("#banner [data-command=take-over]")
    second.page.wait_for_selector("#banner", state="hidden")
    second.brush((30, 70), (60, 70))
    first.page.wait_for_selector("#banner:has-text('open in another tab of yours')")
    assert first.masks()[0]["area"] == second.masks()[0]["area"]


def test_two_people_at_one_video(serve: Serve, person: SitDown, clips: Path) -> None:
    server = serve(clips)
    ada, bob = person(server, "Ada"), person(server, "Bob")
    ada.open(VIDEO)
    bob.open(VIDEO)
    bob.page.wait_for_selector(
        "#banner:has-text('Ada is working on this video. You can look at it but not change it.')"
    )
    assert bob.page.locator("[data-command=tool-brush]").is_disabled()
    assert bob.page.locator("[data-command=take-over]").count() == 0
    ada.page.click("#home")
    ada.page.wait_for_selector("#videos:visible")
    # Ada's page frees the lock once everything is saved, and Bob's page hears of it.
    bob.page.click("#banner [data-command=try-lock]:has-text('Work on it')")
    bob.page.wait_for_selector("#banner", state="hidden")
    bob.brush((30, 40), (60, 40))
    assert bob.masks()[0]["user"] == "Bob"


def test_a_name_is_asked_for(serve: Serve, chromium: "Browser", clips: Path) -> None:
    server = serve(clips)
    page = chromium.new_page()
    page.goto(server.address)
    page.wait_for_selector("#name-form:visible")
    page.fill("#name", "  Grace Hopper ")
    page.press("#name", "Enter")
    page.wait_for_selector("#videos:visible")
    assert page.inner_text("#who") == "Grace Hopper"
    assert "false" not in page.inner_text("#videos")  # parts that are not there
    page.close()


def test_the_name_of_the_command_line_is_taken(
    serve: Serve, chromium: "Browser", clips: Path
) -> None:
    server = serve(clips, "--user", "Ada")
    page = chromium.new_page()
    page.goto(server.address)
    page.wait_for_selector("#videos:visible")
    assert page.inner_text("#who") == "Ada"
    # Another person can sit down at the same page.
    page.click("#who")
    page.wait_for_selector("#name-form:visible")
    page.fill("#name", "Bob")
    page.press("#name", "Enter")
    page.wait_for_selector("#who:has-text('Bob')")
    page.close()


def test_a_video_that_does_not_decode_is_said(
    serve: Serve, person: SitDown, clips: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "good.mp4").write_bytes((clips / f"{VIDEO}.mp4").read_bytes())
    (folder / "bad.mp4").write_bytes(b"not a video" * 100)
    ada = person(serve(folder))
    ada.page.goto(f"{ada.server.address}#video/bad")
    ada.page.wait_for_selector(".toast:has-text('bad')")
    ada.page.wait_for_selector("#videos:visible")
    ada.open("good")
    assert ada.state()["num_frames"] == 12
