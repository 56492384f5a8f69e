"""Frames on the page: the number belongs to the picture, whatever is pressed, and the picture is
the video's own.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from brokenvideos.frames import encode_video, read_frames
from tests.odd_videos import BITS, RECIPES, barcode_frame, make_video
from tests.tools.annotation.browser.desk import Person, Server, serving
from tests.warm import Warm

pytestmark = pytest.mark.slow  # a real browser

if TYPE_CHECKING:
    pass

HEIGHT, WIDTH = 96, 128
Serve = Callable[..., Server]
SitDown = Callable[..., Person]


@pytest.fixture(scope="module")
def barcodes(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one video of 60 frames whose pictures carry their numbers."""
    folder = tmp_path_factory.mktemp("barcodes") / "barcodes"
    folder.mkdir()
    frames = (barcode_frame(number, HEIGHT, WIDTH) for number in range(60))
    encode_video(folder / "bars.mp4", frames, fps=30)
    with serving(folder, folder.with_name("raw"), warm=warm) as server:
        yield server


WATCH = """([points]) => {
  window.watched = [];
  const canvas = document.querySelector("#picture");
  const context = canvas.getContext("2d");
  const look = () => {
    if (!window.watched) return;
    const bits = points.map(([x, y]) => context.getImageData(x, y, 1, 1).data[1] > 127);
    const shown = bits.reduce((sum, on, bit) => sum + (on ? 2 ** bit : 0), 0);
    window.watched.push([document.querySelector("#frame-number").textContent, shown]);
    requestAnimationFrame(look);
  };
  look();
}"""


def watch(person: Person) -> None:
    """Writes down, at every frame of the screen, the number that the page says and the number in
    the picture.
    """
    box = person.page.locator("#picture").bounding_box()
    assert box is not None
    points = [person.on_screen((bit + 0.5) * WIDTH / BITS, 8) for bit in range(BITS)]
    person.page.evaluate(WATCH, [[[round(x - box["x"]), round(y - box["y"])] for x, y in points]])


def watch_numbers(person: Person) -> None:
    """Writes down every number that the page says, however the screen draws."""
    person.page.evaluate(
        """() => {
             const number = document.querySelector("#frame-number");
             window.numbers = [number.textContent];
             new MutationObserver(() => window.numbers.push(number.textContent)).observe(
               number, {childList: true, characterData: true, subtree: true});
           }"""
    )


def watched(person: Person) -> list[tuple[str, int]]:
    """What `watch` has written down; every line once, in order."""
    seen: list[Any] = person.page.evaluate(
        "() => { const seen = window.watched; window.watched = null; return seen; }"
    )
    lines = [(said, shown) for said, shown in seen]
    return [line for place, line in enumerate(lines) if place == 0 or line != lines[place - 1]]


def test_the_number_belongs_to_the_picture_in_steps(person: SitDown, barcodes: Server) -> None:
    ada = person(barcodes)
    ada.open("bars")
    watch(ada)
    for _ in range(6):
        ada.press("ArrowRight")
    ada.at_frame(6)
    ada.press("Shift+ArrowRight", "ArrowLeft")
    ada.at_frame(15)
    ada.press("End")
    ada.at_frame(59)
    ada.press("Home")
    ada.at_frame(0)
    ada.page.wait_for_timeout(100)
    lines = watched(ada)
    assert all(said == f"Frame {shown}" for said, shown in lines), lines
    assert {shown for _, shown in lines} >= {0, 6, 15, 59}


def test_a_key_held_down_shows_every_frame(person: SitDown, barcodes: Server) -> None:
    ada = person(barcodes)
    ada.open("bars")
    watch(ada)
    for step in range(1600):
        ada.page.keyboard.down("ArrowRight")
        ada.page.wait_for_timeout(15)
        if (
            step >= 80
            and ada.page.evaluate("() => new Set(watched.map(([, shown]) => shown)).size") > 10
        ):
            break
    ada.page.keyboard.up("ArrowRight")
    ada.page.wait_for_timeout(200)
    shown = [int(said.removeprefix("Frame ")) for said, _ in watched(ada)]
    assert len(shown) > 10
    assert shown == list(range(len(shown)))


def test_playing_leaves_no_frame_out(person: SitDown, barcodes: Server) -> None:
    ada = person(barcodes)
    ada.open("bars")
    watch(ada)
    ada.press("Space")
    ada.at_frame(59)
    ada.page.wait_for_selector("[data-command=play][aria-pressed=false]")
    assert watched(ada) == [(f"Frame {number}", number) for number in range(60)]


def test_playing_leaves_no_frame_out_on_a_slow_screen(person: SitDown, barcodes: Server) -> None:
    ada = person(barcodes)
    ada.open("bars")
    ada.go_to(50)
    ada.page.evaluate(
        "() => (window.requestAnimationFrame = (draw) => "
        "setTimeout(() => draw(performance.now()), 150 + 200 * Math.random()))"
    )
    watch_numbers(ada)
    ada.press("Space")
    ada.at_frame(59)
    numbers = ada.page.evaluate("() => window.numbers")
    assert list(dict.fromkeys(numbers)) == [f"Frame {number}" for number in range(50, 60)]


def test_flicker_and_onion_skin_say_which_frame_they_show(
    person: SitDown, barcodes: Server
) -> None:
    ada = person(barcodes)
    ada.open("bars")
    ada.go_to(12)
    watch(ada)
    ada.press("k")
    ada.page.wait_for_function("() => new Set(watched.map(([, shown]) => shown)).size > 1")
    ada.press("k")
    ada.page.wait_for_timeout(100)
    lines = watched(ada)
    assert {shown for _, shown in lines} == {11, 12}
    assert all(said == f"Frame {shown}" for said, shown in lines), lines
    ada.press("o")
    ada.page.wait_for_selector("#frame-kind:has-text('frame 11 over it')")
    ada.press("ArrowRight")
    ada.at_frame(13)
    assert "frame 12 over it" in ada.page.inner_text("#frame-kind")


def test_exact_pixels_are_those_of_the_decoder(person: SitDown, barcodes: Server) -> None:
    ada = person(barcodes)
    ada.open("bars")
    ada.go_to(37)
    ada.press("x")
    ada.page.wait_for_selector("#frame-kind:has-text('exact pixels')")
    points = [(x, y) for y in range(2, HEIGHT, 11) for x in range(3, WIDTH, 13)]
    truth = read_frames(barcodes.folder / "bars.mp4", [37])[0]
    shown = ada.pixels([(x + 0.5, y + 0.5) for x, y in points])
    assert shown == [tuple(int(value) for value in truth[y, x]) for x, y in points]


def test_zoom_and_place_stay_with_frames_reloads_and_people(
    person: SitDown, barcodes: Server
) -> None:
    ada = person(barcodes)
    ada.open("bars")
    ada.press("+", "+", "+")
    box = ada.page.locator("#picture").bounding_box()
    assert box is not None
    ada.page.mouse.move(box["x"] + 200, box["y"] + 150)
    ada.page.mouse.wheel(0, -240)
    ada.page.wait_for_timeout(100)
    before = ada.page.inner_text("#scale-sign").rpartition("·")[2].strip()
    kept = ada.page.evaluate("() => localStorage.getItem('view bars')")
    ada.press("ArrowRight")
    ada.at_frame(1)
    assert ada.page.evaluate("() => localStorage.getItem('view bars')") == kept
    # another person at the same screen
    ada.page.evaluate("() => sessionStorage.setItem('user', 'Bob')")
    ada.page.reload()
    ada.at_frame(1)
    assert ada.page.evaluate("() => localStorage.getItem('view bars')") == kept
    assert ada.page.inner_text("#scale-sign").rpartition("·")[2].strip() == before


def test_enlarged_pixels_have_square_corners(person: SitDown, barcodes: Server) -> None:
    ada = person(barcodes)
    ada.open("bars")
    ada.press("x")
    ada.page.wait_for_selector("#frame-kind:has-text('exact pixels')")
    # Left and right of one pixel's middle its colour is the same: nothing is smoothed.
    left, middle, right = ada.pixels([(40.15, 60.5), (40.5, 60.5), (40.85, 60.5)])
    assert left == middle == right
    assert middle != ada.pixels([(41.5, 60.5)])[0]


ODD = {
    "turned 90": lambda: RECIPES["h264 rotated 90"].make(),
    "turned 180": lambda: RECIPES["h264 rotated 180"].make(),
    "turned 270": lambda: RECIPES["h264 rotated 270"].make(),
    "very wide": lambda: make_video(num_frames=12, height=36, width=640),
    "very tall": lambda: make_video(num_frames=12, height=640, width=36),
    "odd size": lambda: RECIPES["h264 odd size"].make(),
    "variable rate": lambda: RECIPES["h264 variable rate"].make(),
    "one frame": lambda: RECIPES["h264 one frame"].make(),
}


@pytest.fixture(scope="module")
def odd(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of all odd videos."""
    folder = tmp_path_factory.mktemp("odd") / "odd"
    folder.mkdir()
    for case, make in ODD.items():
        (folder / f"{case.replace(' ', '_')}.mp4").write_bytes(make())
    with serving(folder, folder.with_name("raw"), warm=warm) as server:
        yield server


@pytest.mark.parametrize("case", ODD)
def test_what_is_drawn_lands_on_the_decoded_pixels(case: str, person: SitDown, odd: Server) -> None:
    ada = person(odd)
    ada.open(case.replace(" ", "_"))
    state = ada.state()
    height, width = state["height"], state["width"]
    x0, y0, x1, y1 = (
        round(width * 0.1),
        round(height * 0.2),
        round(width * 0.4),
        round(height * 0.9),
    )
    with ada.saves(2):  # the object, then its mask
        ada.press("g")
        for corner in [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]:
            ada.click(*corner)
        ada.press("Enter")
    mask = ada.masks()[0]
    wanted = np.zeros((height, width), np.uint8)
    wanted[y0:y1, x0:x1] = 1
    drawn = decoded(mask["counts"], height, width)
    # A click on the screen meets a corner of the picture up to a pixel of the screen.
    assert (drawn != wanted).sum() <= 0.06 * wanted.sum() + 2 * (x1 - x0 + y1 - y0)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert (
        np.abs([rows[0] - y0, rows[-1] + 1 - y1, columns[0] - x0, columns[-1] + 1 - x1]).max() <= 1
    )


def decoded(counts: str, height: int, width: int) -> Any:
    from brokenvideos.masks import decode

    return decode([counts], height=height, width=width)[0]


def test_a_turned_video_stands_upright(person: SitDown, odd: Server) -> None:
    ada = person(odd)
    ada.open("turned_90")
    assert "turned 90°" in ada.page.inner_text("#frame-kind")
    ada.go_to(5)
    # The stripe of blocks, at the top of the decoded grid, stands at the right of the upright
    # picture.
    blocks = [((bit + 0.5) * 64 / BITS, 8.0) for bit in range(BITS)]
    assert [green > 127 for _, green, _ in ada.pixels(blocks)] == [
        bool(5 >> bit & 1) for bit in range(BITS)
    ]
    places = [ada.on_screen(*block) for block in blocks]
    assert len({round(x) for x, _ in places}) == 1
    assert places[0][1] < places[-1][1]


def test_a_video_of_2000_frames(serve: Serve, person: SitDown, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    (folder / "long.mp4").write_bytes(make_video(num_frames=2000))
    ada = person(serve(folder))
    ada.open("long")
    for frame in (1999, 1000, 3, 1777):
        ada.go_to(frame)
        blocks = [((bit + 0.5) * 64 / BITS, 8.0) for bit in range(BITS)]
        assert (
            sum((green > 127) << bit for bit, (_, green, _) in enumerate(ada.pixels(blocks)))
            == frame % 256
        )
    ada.press("ArrowRight")
    ada.at_frame(1778)
    with ada.saves(2):
        ada.press("d")
        ada.drag((20, 30), (40, 30))
    assert list(ada.masks()) == [1778]


def test_a_video_of_4k(serve: Serve, person: SitDown, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "large.mp4").write_bytes(make_video(num_frames=4, height=2160, width=3840))
    ada = person(serve(folder))
    ada.open("large")
    ada.press("ArrowRight", "ArrowRight")
    ada.at_frame(2)
    with ada.saves(2):
        ada.press("d")
        ada.drag((1000, 1000), (2000, 1200))
    mask = ada.masks()[2]
    drawn = decoded(mask["counts"], 2160, 3840)
    assert drawn[1100, 1500] == 1
    assert drawn[1500, 1500] == 0
    ada.press("x")
    ada.page.wait_for_selector("#frame-kind:has-text('exact pixels')")
