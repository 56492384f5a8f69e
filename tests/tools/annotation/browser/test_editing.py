"""Marking on the page: every tool, every key, undo, locks, deletes and tidying; what is shown is
what the server keeps.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from brokenvideos.masks import decode
from brokenvideos.tools.synthetic import write_sample
from tests.tools.annotation.browser.desk import Person, Server, serving
from tests.warm import Warm

pytestmark = pytest.mark.slow  # a real browser

HEIGHT, WIDTH = 96, 128
SitDown = Callable[..., Person]


VIDEOS = 24


@pytest.fixture(scope="module")
def server(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of many videos with the same content, 16 frames: every test takes one that nobody
    has touched.
    """
    made = write_sample(
        tmp_path_factory.mktemp("made") / "raw", videos=1, num_frames=16, height=HEIGHT, width=WIDTH
    )
    folder = made.with_name("clips")
    folder.mkdir()
    (source,) = (made / "videos").iterdir()
    for number in range(VIDEOS):
        (folder / f"clip_{number:02d}.mp4").write_bytes(source.read_bytes())
    with serving(folder, made.with_name("out"), warm=warm) as server:
        yield server


@pytest.fixture(scope="module")
def untouched() -> Iterator[str]:
    """Ids of videos that no test has used."""
    return (f"clip_{number:02d}" for number in range(VIDEOS))


@pytest.fixture
def ada(server: Server, person: SitDown, untouched: Iterator[str]) -> Person:
    """Ada with an untouched video open."""
    somebody = person(server)
    somebody.open(next(untouched))
    return somebody


def bitmap(mask: dict[str, Any]) -> Any:
    return decode([mask["counts"]], height=HEIGHT, width=WIDTH)[0]


def test_brush_eraser_polygon_and_cut(ada: Person) -> None:
    ada.brush((30, 40), (60, 40))
    painted = bitmap(ada.masks()[0])
    assert painted[40, 30:60].all()
    assert painted[33:47, 45].all()
    assert not painted[60, 45]

    with ada.saves():
        ada.press("e")
        ada.drag((45, 25), (45, 60))
    erased = bitmap(ada.masks()[0])
    assert not erased[30:50, 45].any()
    assert erased[40, 32]

    with ada.saves():
        ada.press("g")
        for corner in [(70, 50), (100, 50), (100, 80), (70, 80)]:
            ada.click(*corner)
        ada.click(70, 50)  # on the first corner: closed
    with_square = bitmap(ada.masks()[0])
    assert with_square[52:78, 72:98].all()
    assert (with_square & erased)[erased == 1].all()

    with ada.saves():
        ada.press("Shift+G")
        for corner in [(80, 55), (90, 55), (90, 75), (80, 75)]:
            ada.click(*corner)
        ada.press("Enter")
    cut = bitmap(ada.masks()[0])
    assert not cut[57:73, 82:88].any()
    assert cut[52:78, 72:78].all()
    assert ada.masks()[0]["from"] == "drawn"
    assert ada.masks()[0]["keyframe"] is True


def test_undo_and_redo_go_all_the_way_and_survive_a_reload(ada: Person) -> None:
    areas = [0]
    for x in (20, 45, 70, 95):
        ada.brush((x, 30), (x, 60))
        areas.append(ada.masks()[0]["area"])
    ada.page.reload()
    ada.at_frame(0)
    ada.settled()
    for wanted in areas[-2:0:-1]:
        with ada.saves():
            ada.press("Control+z")
        assert ada.masks()[0]["area"] == wanted
    with ada.saves():
        ada.press("Control+z")
    assert ada.masks() == {}
    for wanted in areas[1:]:
        with ada.saves():
            ada.press("Control+Shift+Z")
        assert ada.masks()[0]["area"] == wanted
    assert ada.page.locator("[data-command=redo]").is_disabled()


def test_box_and_clicks_ask_the_engine_and_are_shown(ada: Person) -> None:
    ada.box(20, 20, 70, 70)
    mask = ada.masks()[0]
    assert mask["from"] == "prompt"
    assert np.abs(np.array(mask["box"]) - [20, 20, 70, 70]).max() < 1
    with ada.saves():
        ada.press("a")
        ada.click(45, 45)
    with ada.saves():
        ada.click(25, 25, button="right")
    clicks = ada.masks()[0]["clicks"]
    assert [click[2] for click in clicks] == [1, 0]
    assert np.abs(np.array([click[:2] for click in clicks]) - [[45, 45], [25, 25]]).max() < 1


def test_three_ways_to_delete(ada: Person) -> None:
    for frame in (2, 4, 6):
        ada.go_to(frame)
        ada.brush((30, 30), (60, 30))
    ada.go_to(4)
    with ada.saves():
        ada.press("Delete")
    assert sorted(ada.masks()) == [2, 6]
    ada.says("The mask on frame 4 is deleted.")
    ada.go_to(3)
    with ada.saves():
        ada.press("Shift+Delete")
    assert sorted(ada.masks()) == [2]
    assert len(ada.state()["objects"]) == 1
    with ada.saves():
        ada.press("Control+Delete")
    assert ada.state()["objects"] == []
    for _ in range(3):
        with ada.saves():
            ada.press("Control+z")
    assert sorted(ada.masks()) == [2, 4, 6]


def test_locked_frames_refuse_changes_and_stop_propagating(ada: Person) -> None:
    ada.box(20, 20, 70, 70)
    ada.go_to(6)
    with ada.saves():
        ada.press("l")
    assert ada.state()["locked"] == [[6, 6]]
    ada.press("d")
    ada.drag((30, 30), (50, 30))
    ada.says("Frame 6 is locked. Unlock it first (L).")
    ada.go_to(0)
    with ada.saves():
        ada.press("f")
    ada.propagated()
    assert max(ada.masks()) <= 5
    assert ada.page.locator("#panel").get_by_text("Propagating").count() == 0


def test_a_range_of_frames_is_locked_and_an_object_is_said_to_be_away(ada: Person) -> None:
    ada.box(20, 20, 70, 70)
    ada.go_to(3)
    with ada.saves():
        ada.press("Shift+N")
    away = ada.masks()[3]
    assert (away["area"], away["keyframe"]) == (0, True)
    ada.page.wait_for_selector("#panel :text('marked as not here')")
    ada.go_to(8)
    ada.press("p")
    ada.go_to(11)
    ada.press("Shift+P")
    for locked in ([[8, 11]], []):
        with ada.saves():
            ada.press("Shift+L")
        assert ada.state()["locked"] == locked


def test_propagating_shows_progress_and_can_be_cancelled_and_undone(ada: Person) -> None:
    ada.box(20, 20, 70, 70)
    # A quick machine is through before anybody looks: everything that the page says is kept.
    ada.page.evaluate(
        "() => { const line = document.querySelector('#working'); window.told = ''; "
        "new MutationObserver(() => { window.told += line.textContent; })"
        ".observe(line, { childList: true, characterData: true, subtree: true }); }"
    )
    ada.press("f")
    ada.page.wait_for_function("() => window.told.includes('Propagating')")
    ada.press("Escape")
    ada.propagated()
    reached = sorted(ada.masks())
    assert reached[0] == 0
    assert ada.state()["job"] is None or ada.state()["job"]["state"] in ("cancelled", "done")
    if len(reached) > 1:
        with ada.saves():
            ada.press("Control+z")
        assert sorted(ada.masks()) == [0]


def test_propagating_over_a_range_goes_both_ways_and_stays_inside(ada: Person) -> None:
    ada.go_to(7)
    ada.box(20, 20, 70, 70)
    ada.go_to(5)
    ada.press("p")
    ada.go_to(9)
    ada.press("Shift+P")
    ada.go_to(7)
    ada.press("Shift+F")
    ada.page.wait_for_selector("#panel :text('5 masks')")
    ada.propagated()
    assert sorted(ada.masks()) == [5, 6, 7, 8, 9]


def test_stray_pixels_and_holes_are_shown_and_removed(ada: Person) -> None:
    ada.brush((40, 40), (80, 40))
    for _ in range(9):
        ada.press("[")
    ada.brush((110, 80))  # a dab far away
    with ada.saves():
        ada.press("e")
        ada.click(60, 40)  # a hole
    ada.press("c")
    ada.page.wait_for_selector("#panel:has-text('1 stray part and 1 hole on this frame.')")
    with ada.saves():
        ada.press("Shift+C")
    ada.page.wait_for_selector("#panel:has-text('0 stray parts and 0 holes on this frame.')")
    cleaned = bitmap(ada.masks()[0])
    assert cleaned[40, 60] == 1
    assert cleaned[80, 110] == 0


def test_objects_have_types_shades_and_can_be_hidden(ada: Person) -> None:
    ada.brush((30, 40), (60, 40))
    for key in ("1",):
        with ada.saves():
            ada.press(key)
    with ada.saves():
        ada.press("n")
    ada.brush((30, 70), (60, 70))
    with ada.saves():
        ada.press("2")
    assert [found["artifact_type"] for found in ada.state()["objects"]] == ["motion", "deformation"]
    covered = ada.pixels([(45, 40), (45, 70)])
    ada.press("i")  # hides the second, which is selected
    ada.page.wait_for_timeout(100)
    first, second = ada.pixels([(45, 40), (45, 70)])
    assert first == covered[0]
    assert second != covered[1]
    ada.press("q")
    ada.page.wait_for_selector(".objects li.selected .swatch:has-text('1')")


def test_everything_can_be_drawn_without_a_mouse(ada: Person) -> None:
    ada.press("d")
    with ada.saves(2):
        ada.press("Alt+ArrowRight", "Alt+ArrowRight", "Alt+ArrowDown", "Enter")
    assert ada.masks()[0]["area"] > 100
    ada.press("Escape", "b", "Alt+ArrowLeft", "Enter")
    for _ in range(4):
        ada.press("Alt+ArrowRight", "Alt+ArrowDown")
    with ada.saves():
        ada.press("Enter")
    assert ada.masks()[0]["box"] is not None


def test_only_frames_that_stood_on_the_screen_count_as_seen(ada: Person) -> None:
    ada.has_seen([0, 0])
    ada.press("Space")
    ada.at_frame(15)
    ada.has_seen([0, 15])
    ada.page.wait_for_selector("#panel .tag.on:text-is('seen')")


def test_a_video_with_nothing_wrong_takes_one_key(ada: Person) -> None:
    this = ada.page.url
    ada.press("0")
    ada.page.wait_for_url(lambda url: url != this)
    ada.page.goto(this)  # while the next video is being opened
    ada.at_frame(0)
    state = ada.state()
    assert (state["status"], state["normal"], state["label"]) == ("submitted", True, "normal")
    assert state["seen"] == [[0, 15]]


def test_normal_is_refused_where_masks_are(ada: Person) -> None:
    ada.brush((30, 40), (60, 40))
    ada.press("0")
    ada.says("This video has masks. Delete them first if nothing is wrong.")
    assert ada.state()["status"] == "working"


def test_the_next_unfinished_video_opens(ada: Person) -> None:
    this = ada.page.url
    ada.press("PageDown")
    ada.page.wait_for_url(lambda url: url != this and "#video/clip_" in url)
    ada.at_frame(0)
    assert ada.state()["status"] in ("untouched", "working")  # it may have seen a frame by now


def test_every_key_leads_somewhere_and_the_sheet_names_it(ada: Person) -> None:
    groups = ada.page.evaluate(
        """async () => {
             const {KEYS} = await import(new URL("page/keys.js", location.href).href);
             return KEYS;
           }"""
    )
    ada.press("?")
    sheet = ada.page.locator("#help")
    assert sheet.is_visible()
    for group, rows in groups:
        assert sheet.get_by_role("heading", name=group, exact=True).count() == 1
        for _keys, does, _command in rows:
            assert sheet.get_by_text(does, exact=True).count() == 1, does
    ada.press("Escape")
    assert not sheet.is_visible()
    keys = [key for _, rows in groups for keys, _, _ in rows for key in keys.split(" ")]
    assert len(keys) == len(set(keys))


def test_every_control_has_a_name(ada: Person) -> None:
    ada.brush((30, 40), (60, 40))
    ada.press("c")
    nameless = ada.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, canvas[tabindex], a")].filter((element) => {
             const labels = element.labels ? [...element.labels].map((label) => label.textContent).join("") : "";
             const name = element.textContent.trim() || element.getAttribute("aria-label") || labels.trim();
             return element.checkVisibility() && !name;
           }).map((element) => element.outerHTML)"""
    )
    assert nameless == []


def test_text_stands_out_from_its_ground(ada: Person) -> None:
    ada.brush((30, 40), (60, 40))
    weak = ada.page.evaluate(
        """() => {
             const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
             const light = (rgb) => {
               const [r, g, b] = rgb.map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
               return 0.2126 * r + 0.7152 * g + 0.0722 * b;
             };
             const groundOf = (element) => {
               for (let at = element; at; at = at.parentElement) {
                 const colour = parse(getComputedStyle(at).backgroundColor);
                 if (colour.length === 3 || colour[3] > 0.7) return colour.slice(0, 3);
               }
               return [255, 255, 255];
             };
             const found = [];
             const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
             while (walker.nextNode()) {
               const element = walker.currentNode.parentElement;
               if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
               if (element.closest(":disabled, noscript, .swatch")) continue;
               const [a, b] = [light(parse(getComputedStyle(element).color).slice(0, 3)), light(groundOf(element))];
               const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
               if (ratio < 4.5) found.push([walker.currentNode.textContent.trim(), Math.round(ratio * 10) / 10]);
             }
             return found;
           }"""
    )
    assert weak == []


def test_nothing_is_cut_off_in_a_narrow_window(
    server: Server, person: SitDown, untouched: Iterator[str]
) -> None:
    ada = person(server, width=600, height=900)
    ada.open(next(untouched))
    ada.brush((30, 40), (60, 40))
    wide = ada.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    box = ada.page.locator("#picture").bounding_box()
    assert box is not None
    assert box["width"] > 500
    assert box["height"] > 200
    for command in ("undo", "play", "exact", "flicker", "forward", "tool-brush"):
        spot = ada.page.locator(f"[data-command={command}]").first.bounding_box()
        assert spot is not None
        assert 0 <= spot["x"] <= spot["x"] + spot["width"] <= 601, command


def test_the_list_shows_what_is_done(ada: Person) -> None:
    ada.brush((30, 40), (60, 40))
    video_id = ada.page.url.rpartition("/")[2]
    ada.page.click("#home")
    row = ada.page.locator(f"tr:has-text('{video_id}')")
    row.wait_for()
    assert "in work" in row.inner_text()
    assert "1 / 16" in row.inner_text()
    body = ada.page.locator("#videos tbody").first
    ada.page.fill("#find", video_id)
    assert body.locator("tr").count() == 1
    ada.page.fill("#find", "")
    assert body.locator("tr").count() == VIDEOS
    ada.page.select_option("#choose-status", "given back")
    assert body.locator("tr").count() == 0
