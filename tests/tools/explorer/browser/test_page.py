"""The page in a real browser: filters and addresses, frames and masks pixel by pixel, keys, narrow
windows, many videos.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from brokenvideos.frames import read_frames
from brokenvideos.masks import decode_masks
from brokenvideos.release import read_manifest
from brokenvideos.sampling import find_row
from brokenvideos.tools.explorer import ExploreOptions, write_static
from brokenvideos.tools.explorer.others import compared, open_other, scored
from tests.tools.explorer.browser.looking import (
    masks_set_to,
    painted,
    pixels,
    settled,
    wait_for_frame,
)
from tests.tools.explorer.many import with_a_cut_shard, write_many
from tests.tools.explorer.running import Running

pytestmark = pytest.mark.slow  # a real browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

HEIGHT, WIDTH = 48, 64
BOTH, FIRST, SECOND = (0, 158, 115), (213, 94, 0), (240, 228, 66)
FILL = 0.38


@pytest.fixture(scope="module")
def running(release: Path, predicted: Path) -> Iterator[Running]:
    with Running.on(release, predicted) as server:
        server.measured()
        yield server


@pytest.fixture(scope="module")
def folder(release: Path, predicted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as a folder of files."""
    out = tmp_path_factory.mktemp("static") / "page"
    options = ExploreOptions(source=str(release), others=(predicted,))
    write_static(options, out, max_bytes=20 * 10**6, on_progress=lambda step, done, total: None)
    return out


def shown_ids(page: "Page") -> list[str]:
    """The videos of the grid, in its order."""
    page.wait_for_selector(".cell")
    cells = page.locator(".cell").evaluate_all(
        "cells => cells.map((c) => [Number(c.ariaPosInSet), c.dataset.id])"
    )
    return [video_id for _, video_id in sorted(cells)]


def rows(release: Path) -> dict[str, dict[str, Any]]:
    return {
        video_id: find_row(str(release), video_id)
        for video_id in read_manifest(str(release))["videos"]
    }


def broken_video(release: Path) -> str:
    """The broken video with the most masks."""
    found = rows(release)
    return max(found, key=lambda video_id: len(found[video_id]["masks"]["counts"]))


def worst_of(release: Path, predicted: Path, running: Running, video_id: str) -> int:
    shown = running.service.source.show(video_id)
    other = open_other(predicted, [video_id], source="")
    found = compared(shown, other)
    assert found is not None
    worst = scored(found).worst
    assert worst is not None
    return worst


# --- The list -------------------------------------------------------------------------------------


def test_a_filter_is_the_address(page: "Page", running: Running, release: Path) -> None:
    page.goto(running.address)
    everything = shown_ids(page)
    found = rows(release)
    assert set(everything) == set(found)
    page.wait_for_selector(".cell img.there")
    wanted = {
        video_id
        for video_id, row in found.items()
        if row["label"] == 1 and row["generator"] == "synth-a"
    }
    page.locator(".value[data-value='broken'] input").check()
    page.locator(".value[data-value='synth-a'] input").check()
    page.wait_for_function(
        f"() => document.querySelector('#count').textContent === '{len(wanted)} of {len(found)} "
        "videos'"
    )
    settled(page)
    assert set(shown_ids(page)) == wanted
    assert page.url.endswith("#label=broken&generator=synth-a")
    # Each field counts what one would get by choosing another value of it.
    normal = page.locator(".value[data-value='normal'] .number").text_content()
    assert normal == str(
        sum(row["label"] == 0 and row["generator"] == "synth-a" for row in found.values())
    )
    # Somebody else opens the link.
    other = page.context.new_page()
    other.goto(page.url)
    assert set(shown_ids(other)) == wanted
    assert other.locator(".value[data-value='synth-a'] input").is_checked()
    other.close()
    page.go_back()
    page.go_back()
    page.wait_for_function(
        f"() => document.querySelector('#count').textContent === '{len(found)} videos'"
    )


def test_words_area_and_order(page: "Page", running: Running, release: Path) -> None:
    found = rows(release)
    areas = {v: decode_masks(row).sum((1, 2)).max() / (HEIGHT * WIDTH) for v, row in found.items()}
    page.goto(f"{running.address}#sort=area")
    page.wait_for_selector("#measuring[data-done]", state="attached")
    settled(page)
    ordered = shown_ids(page)
    assert [areas[v] for v in ordered] == sorted(areas.values(), reverse=True)
    page.keyboard.press("t")
    settled(page)
    assert [areas[v] for v in shown_ids(page)] == sorted(areas.values())
    low = sorted(areas.values())[-3] * 100 - 0.001
    page.get_by_label("Area, from").fill(str(low))
    page.get_by_label("Area, from").press("Enter")
    page.wait_for_function("() => document.querySelector('#count').textContent.startsWith('3 of')")
    page.locator("#grid").focus()
    page.keyboard.press("c")
    page.keyboard.press("/")
    word = next(row["prompt"] for row in found.values()).split()[2]
    page.keyboard.type(word)
    wanted = {v for v, row in found.items() if word.lower() in f"{v} {row['prompt']}".lower()}
    page.wait_for_function(
        f"() => document.querySelector('#count').textContent.startsWith('{len(wanted)} ')"
    )
    settled(page)
    assert set(shown_ids(page)) == wanted
    page.keyboard.press("Control+a")
    page.keyboard.type("no such words anywhere")
    page.wait_for_selector("#nothing:not([hidden])")


def test_the_worst_prediction_comes_first(
    page: "Page", running: Running, release: Path, predicted: Path
) -> None:
    page.goto(f"{running.address}#sort=disagreement")
    page.wait_for_selector("#measuring[data-done]", state="attached")
    settled(page)
    other = open_other(predicted, list(rows(release)), source="")
    source = running.service.source
    compare = {v: compared(source.show(v), other) for v in rows(release)}
    wrong = {
        v: 0 if found is None else scored(found).disagreement or 0 for v, found in compare.items()
    }
    assert [round(wrong[v], 4) for v in shown_ids(page)] == sorted(
        (round(w, 4) for w in wrong.values()), reverse=True
    )
    assert page.locator(".cell .score").first.text_content().startswith("J&F 0.")  # type: ignore[union-attr]


# --- One video ------------------------------------------------------------------------------------


def test_frames_and_masks_are_exact_pixel_by_pixel(
    page: "Page", running: Running, release: Path
) -> None:
    video_id = broken_video(release)
    row = find_row(str(release), video_id)
    frames = read_frames(row["video"]["bytes"], range(row["num_frames"]))
    masks = decode_masks(row, dtype="bool")
    page.goto(f"{running.address}#video={video_id}&frame=0&view=truth")
    wait_for_frame(page, 0)
    page.keyboard.press("x")
    page.wait_for_function(
        "() => document.querySelector('#frame-time').textContent.includes('exact')"
    )
    for frame in range(row["num_frames"]):
        wait_for_frame(page, frame)
        assert page.locator("#frame-number").text_content() == str(frame)
        if frame in (0, 1, 5, 6, 11):
            different = painted(page, HEIGHT, WIDTH)
            assert np.array_equal(different, masks[frame]), frame
            masks_set_to(page, "hidden")
            settled(page)
            assert np.array_equal(pixels(page, HEIGHT, WIDTH), frames[frame]), frame
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => location.hash.includes('frame={row['num_frames'] - 1}&')")


def test_the_worst_frame_first_and_three_colours(
    page: "Page", running: Running, release: Path, predicted: Path
) -> None:
    video_id = broken_video(release)
    row = find_row(str(release), video_id)
    worst = worst_of(release, predicted, running, video_id)
    page.goto(running.address)
    page.locator(f".cell[data-id='{video_id}']").click()
    assert wait_for_frame(page, worst) == worst
    page.keyboard.press("x")
    page.wait_for_function(
        "() => document.querySelector('#frame-time').textContent.includes('exact')"
    )
    truth = decode_masks(row, dtype="bool")[worst]
    other = np.roll(decode_masks(row, dtype="bool"), 2, axis=2)[worst] & (
        worst < row["num_frames"] - 1
    )
    base = read_frames(row["video"]["bytes"], [worst])[0].astype(float)
    masks_set_to(page, "filled")
    settled(page)
    shown = pixels(page, HEIGHT, WIDTH).astype(float)
    for where, colour in ((truth & other, BOTH), (truth & ~other, FIRST), (~truth & other, SECOND)):
        wanted = base + (np.asarray(colour) - base) * FILL
        assert np.abs(shown - wanted)[where].max(initial=0) <= 2
    assert np.array_equal(shown[~truth & ~other], base[~truth & ~other])
    assert page.locator("#frame-score").text_content().startswith("J ")  # type: ignore[union-attr]
    # From one way of comparing to the next; side by side both pictures show the same frame.
    page.keyboard.press("c")
    page.wait_for_selector("#other-box:not([hidden])")
    settled(page)
    assert np.array_equal(painted(page, HEIGHT, WIDTH), truth)
    assert np.array_equal(painted(page, HEIGHT, WIDTH, canvas="other-picture"), other)
    page.keyboard.press("c")
    page.wait_for_selector("#other-box", state="hidden")
    settled(page)
    assert np.array_equal(painted(page, HEIGHT, WIDTH), other)


def test_the_curve_is_to_be_clicked_on_and_w_goes_from_worst_to_worst(
    page: "Page", running: Running, release: Path, predicted: Path
) -> None:
    video_id = broken_video(release)
    page.goto(f"{running.address}#video={video_id}")
    first = wait_for_frame(page, worst_of(release, predicted, running, video_id))
    page.keyboard.press("w")
    page.wait_for_function(
        f"() => Number(document.querySelector('#picture-box').dataset.frame) !== {first}"
    )
    second = wait_for_frame(page)
    page.keyboard.press("Shift+W")
    wait_for_frame(page, first)
    assert second != first
    box = page.locator("#timeline").bounding_box()
    assert box is not None
    for frame in (9, 2, 11):
        page.mouse.click(box["x"] + 34 + (box["width"] - 44) * (frame + 0.5) / 12, box["y"] + 40)
        wait_for_frame(page, frame)
    page.keyboard.press("Home")
    wait_for_frame(page, 0)


def test_an_object_can_be_hidden_and_a_video_verified(
    page: "Page", running: Running, release: Path
) -> None:
    video_id = broken_video(release)
    page.goto(f"{running.address}#video={video_id}&view=truth")
    wait_for_frame(page)
    settled(page)
    assert painted(page, HEIGHT, WIDTH).any()
    for box in page.locator(".object input").all():
        box.uncheck()
    settled(page)
    page.locator("#picture").focus()
    assert not painted(page, HEIGHT, WIDTH).any()
    page.get_by_text("Verify this video").click()
    page.wait_for_selector("text=Nothing contradicts itself")
    assert find_row(str(release), video_id)["prompt"] in page.locator("#panel").inner_text()
    assert "brokenvideos.load(" in page.locator("#panel pre").inner_text()


def test_who_goes_on_at_once_sees_the_video_that_they_went_to(
    page: "Page", running: Running, release: Path
) -> None:
    """What is read of the video before comes late."""
    second = broken_video(release)
    first = next(video_id for video_id in sorted(rows(release)) if video_id != second)
    held: list[Route] = []
    page.route(f"**/api/video/{first}", lambda route: held.append(route), times=1)
    page.goto(f"{running.address}#video={first}&frame=0&view=truth")
    while not held:
        page.wait_for_timeout(30)
    page.goto(f"{running.address}#video={second}&frame=0&view=truth")
    wait_for_frame(page, 0)
    held[0].continue_()
    page.wait_for_timeout(300)
    masks = decode_masks(find_row(str(release), second), dtype="bool")
    marked = int(masks.sum((1, 2)).argmax())
    page.keyboard.press("j")
    page.keyboard.type(str(marked))
    page.keyboard.press("Enter")
    wait_for_frame(page, marked)
    assert page.locator("#title").text_content() == second
    page.locator("#picture").focus()
    assert np.array_equal(painted(page, HEIGHT, WIDTH), masks[marked])


def test_everything_goes_by_keys(page: "Page", running: Running) -> None:
    page.goto(running.address)
    ids = shown_ids(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait_for_frame(page)
    assert page.locator("#title").text_content() == ids[2]
    page.keyboard.press("n")
    page.wait_for_function(f"() => document.querySelector('#title').textContent === '{ids[3]}'")
    wait_for_frame(page)
    page.keyboard.press("j")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    wait_for_frame(page, 4)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_selector("#list:not([hidden])")
    assert page.locator(".cell.selected").get_attribute("data-id") == ids[3]
    page.keyboard.press("End")
    settled(page)
    assert page.locator(".cell.selected").get_attribute("data-id") == ids[-1]
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    assert "Worst frame, then the next worst" in page.locator("#help-body").inner_text()


def test_a_bad_shard_is_told_and_the_rest_is_shown(
    page: "Page", release: Path, tmp_path: Path, explore: Callable[..., Running]
) -> None:
    copied = tmp_path / "release"
    path, shard = with_a_cut_shard(release, copied, size=1000)
    page.goto(explore(copied).address)
    page.wait_for_selector(".cell img.there")
    assert str(path) in page.locator("#banner").inner_text()
    assert "cut short?" in page.locator("#banner").inner_text()
    lost = shard["video_ids"][0]
    page.wait_for_selector(f".cell.no-poster[data-id='{lost}']")
    page.locator(f".cell[data-id='{lost}']").click()
    page.wait_for_selector(".toast.bad")
    assert f"video {lost} cannot be read" in page.locator(".toast.bad").inner_text()
    page.wait_for_selector("#list:not([hidden])")


# --- Without a server, in a narrow window, with many videos ---------------------------------------


def test_the_folder_of_files_opens_without_a_server(
    page: "Page", folder: Path, running: Running, release: Path, predicted: Path
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector(".cell img.there")
    assert set(shown_ids(page)) == set(rows(release))
    page.locator(".value[data-value='broken'] input").check()
    settled(page)
    assert set(shown_ids(page)) == {v for v, row in rows(release).items() if row["label"] == 1}
    video_id = broken_video(release)
    page.locator(f".cell[data-id='{video_id}']").click()
    worst = worst_of(release, predicted, running, video_id)
    wait_for_frame(page, worst)
    page.locator("button:text-is('Its masks')").click()
    page.locator("#picture").focus()
    settled(page)
    row = find_row(str(release), video_id)
    masks = decode_masks(row, dtype="bool")
    assert np.array_equal(painted(page, HEIGHT, WIDTH), masks[worst])
    page.keyboard.press("ArrowLeft")
    wait_for_frame(page, worst - 1)
    assert np.array_equal(painted(page, HEIGHT, WIDTH), masks[worst - 1])
    masks_set_to(page, "hidden")
    settled(page)
    frame = read_frames(row["video"]["bytes"], [worst - 1])[0].astype(float)
    assert np.abs(pixels(page, HEIGHT, WIDTH) - frame).mean() < 6  # a JPEG
    assert not page.get_by_text("Verify this video").count()
    assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}


@pytest.mark.parametrize("width", [360, 640])
def test_a_narrow_window(chromium: "Browser", running: Running, release: Path, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 740})
    try:
        page.goto(running.address)
        page.wait_for_selector(".cell img.there")
        fits = "document.documentElement.scrollWidth <= window.innerWidth"
        assert page.evaluate(fits)
        assert page.locator("#filters").is_hidden()
        page.locator("#show-filters").click()
        page.locator(".value[data-value='broken'] input").check()
        if width > 400:
            page.keyboard.press("Escape")
        else:
            page.get_by_text("Done").click()
        page.wait_for_selector("#filters", state="hidden")
        page.locator(".cell").first.click()
        wait_for_frame(page)
        assert page.evaluate(fits)
        for name in ("#view-bar", "#transport", "#timeline", "#panel"):
            box = page.locator(name).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    finally:
        page.close()


def test_many_videos(
    page: "Page", release: Path, tmp_path: Path, explore: Callable[..., Running]
) -> None:
    server = explore(write_many(release, tmp_path / "many", videos=3254))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.address)
    page.wait_for_selector(".cell img.there")
    assert page.locator("#count").text_content() == "3,254 videos"
    settled(page)
    on_screen = page.locator(".cell").count()
    assert 10 < on_screen < 60
    assert len([url for url in asked if "/poster/" in url]) <= on_screen
    page.keyboard.press("j")
    page.keyboard.type("2000")
    page.keyboard.press("Enter")
    page.wait_for_selector(".cell[data-id='many_01999'] img.there")
    assert page.locator(".cell").count() < 60
    page.keyboard.press("End")
    page.wait_for_selector(".cell.selected[data-id='many_03253']")
    # Hundreds of rows that were jumped over have asked for nothing.
    assert len([url for url in asked if "/poster/" in url]) < 5 * on_screen
    page.locator(".value[data-value='normal'] input").check()
    page.wait_for_function("() => document.querySelector('#count').textContent !== '3,254 videos'")
    page.locator(".cell").first.click()
    wait_for_frame(page)
