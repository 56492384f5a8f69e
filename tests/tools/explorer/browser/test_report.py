"""The reports of evaluate and predict in a real browser, from files: figures, tables, keys, a
printer, and the way to a frame.
"""

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest

from brokenvideos.frames import encode_video
from brokenvideos.tools.commands.evaluate import write_page
from brokenvideos.tools.evaluation import Evaluation, evaluate
from brokenvideos.tools.explorer import static_page
from brokenvideos.tools.prediction import find_videos, open_model, predict
from tests.tools.explorer.browser.looking import settled, wait_for_frame
from tests.tools.explorer.written import videos_with_previews

pytestmark = pytest.mark.slow  # a real browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FEW = 4
ODD = "takes/a<b>&'c #1%"


@pytest.fixture(scope="module")
def found(release: Path, predicted: Path) -> Evaluation:
    return evaluate(release, predicted)


@pytest.fixture(scope="module")
def folder(found: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an evaluation with previews of FEW of its nine videos."""
    out = tmp_path_factory.mktemp("report") / "page"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static_page, "REPORTED_VIDEOS", FEW)
        write_page(found, out, max_bytes=10**7)
    return out


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What predict writes of two videos, one with an odd name, and a file that is none; with
    films.
    """
    folder = tmp_path_factory.mktemp("checked")
    (folder / "in" / "takes").mkdir(parents=True)
    frames = np.stack([np.full((48, 80, 3), 40 * t, np.uint8) for t in range(6)])
    encode_video(folder / "in" / "b.mp4", frames, fps=12)
    shutil.copy(folder / "in" / "b.mp4", folder / "in" / f"{ODD}.mp4")
    (folder / "in" / "none.mp4").write_bytes(b"no video")
    videos = find_videos([str(folder / "in")])
    predict(
        open_model("centre-box"),
        videos,
        folder / "out",
        name="centre-box",
        max_broken=0.5,
        overlays=True,
    )
    return folder / "out"


def every_video(page: "Page") -> list[str]:
    """Ids in the table of every video, in its order."""
    table = page.locator("#report section", has=page.get_by_role("heading", name="Every video"))
    return table.locator("tbody tr td:first-child").all_inner_texts()


def goto(page: "Page", folder: Path, address: str = "") -> None:
    page.goto(f"{(folder / 'index.html').as_uri()}{address}")


def test_it_opens_with_the_figures_and_asks_nobody(
    page: "Page", folder: Path, found: Evaluation
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    goto(page, folder)
    page.wait_for_selector("#report h1")
    assert page.url.endswith("#report")
    assert page.title().startswith("predicted on release ")
    assert page.locator("#list").is_hidden()
    text = page.locator("#report").inner_text()
    active = found.scores.broken["active_jf"]
    assert f"{active.value:.3f}" in text
    assert f"95 % {active.low:.3f} to {active.high:.3f}? · n = 6 videos" in text
    assert (
        f"This folder has previews of {FEW} of 9 videos, the worst ones; a name without a link has "
        "none." in text
    )
    labels = page.locator(".chart").first.locator(".floor-label").all_text_contents()
    wanted = [
        f"{name} {floor.broken['active_jf'].value:.3f}" for name, floor in found.floors.items()
    ]
    assert sorted(labels) == sorted(wanted)
    assert page.locator(".chart").count() == 8
    assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}


def test_the_table_of_every_video_is_sorted_searched_and_leads_to_the_worst_frame(
    page: "Page", folder: Path, found: Evaluation
) -> None:
    goto(page, folder, "#report")
    page.wait_for_selector("#report h1")
    by_id = {video.video_id: video for video in found.videos}
    broken = sorted((v for v in found.videos if v.broken), key=lambda v: v.scores["active_jf"])
    assert [by_id[v].broken for v in every_video(page)] == [True] * 6 + [False] * 3
    assert every_video(page)[:6] == [video.video_id for video in broken]
    section = page.locator("#report section", has=page.get_by_role("heading", name="Every video"))
    section.get_by_role("button", name="precision").click()
    precision = [by_id[v].scores["pixel_precision"] for v in every_video(page)[:6]]
    assert precision == sorted(precision, reverse=True)
    assert section.locator("th[aria-sort=descending]").inner_text() == "precision"
    section.get_by_label("label").select_option("normal")
    assert [by_id[v].broken for v in every_video(page)] == [False] * 3
    section.get_by_label("label").select_option("")
    worst = broken[0]
    section.get_by_label("Filter").fill(worst.video_id)
    assert every_video(page) == [worst.video_id]
    assert section.locator("output").inner_text() == "1 of 9 rows"
    section.locator("td a").click()
    assert wait_for_frame(page) == worst.worst_frame
    panel = page.locator("#panel").inner_text()
    assert f"{worst.scores['active_jf']:.3f}" in panel
    page.go_back()
    page.wait_for_selector("#report:not([hidden])")
    assert page.url.endswith("#report")


def test_the_list_begins_with_the_worst_and_names_what_has_no_preview(
    page: "Page", folder: Path, found: Evaluation
) -> None:
    goto(page, folder)
    page.wait_for_selector("#report h1")
    page.get_by_role("button", name="Videos").click()
    page.wait_for_selector(".cell")
    settled(page)
    broken = sorted((v for v in found.videos if v.broken), key=lambda v: v.scores["active_jf"])
    cells = page.locator(".cell").evaluate_all(
        "cells => cells.map((c) => [Number(c.ariaPosInSet), c.dataset.id])"
    )
    assert [video_id for _, video_id in sorted(cells)][:6] == [video.video_id for video in broken]
    assert (
        page.locator(".cell .score").first.inner_text()
        == f"active J&F {broken[0].scores['active_jf']:.3f}"
    )
    here = videos_with_previews(folder)
    assert len(here) == FEW
    page.wait_for_selector(".cell.no-poster")
    assert page.locator(".cell.no-poster").count() == 9 - FEW
    page.locator(".value[data-value='in this folder'] input").check()
    page.wait_for_function(
        f"() => document.querySelector('#count').textContent === '{FEW} of 9 videos'"
    )
    page.locator(".value[data-value='in this folder'] input").uncheck()
    lacking = next(video.video_id for video in found.videos if video.video_id not in here)
    page.locator(f".cell[data-id='{lacking}']").click()
    page.wait_for_selector(".toast.bad")
    assert page.locator(".toast.bad span").inner_text() == (
        f"{lacking} has no preview in this folder, which holds {FEW} of 9 videos. Run brokenvideos "
        "explore on the source itself."
    )
    page.wait_for_selector("#list:not([hidden])")


def test_everything_goes_by_keys(page: "Page", folder: Path) -> None:
    goto(page, folder)
    page.wait_for_selector("#report h1")
    page.keyboard.press("Escape")
    page.wait_for_selector("#list:not([hidden]) .cell")
    page.keyboard.press("Enter")
    wait_for_frame(page)
    page.keyboard.press("Escape")
    page.wait_for_selector("#list:not([hidden])")
    page.keyboard.press("r")
    page.wait_for_selector("#report:not([hidden])")
    assert page.url.endswith("#report")
    # From the heading on, Tab comes to the tables, what chooses their rows, and the videos.
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            str(page.evaluate("() => document.activeElement.closest('#report *')?.tagName"))
        )
    assert {"INPUT", "SELECT", "BUTTON", "DIV", "A"} <= reached
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    assert "The report, where there is one" in page.locator("#help-body").inner_text()


def test_it_can_be_printed_and_fits_a_narrow_window(chromium: "Browser", folder: Path) -> None:
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    try:
        goto(page, folder)
        page.wait_for_selector("#report h1")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.emulate_media(media="print")
        assert page.locator("#top").is_hidden()
        assert page.locator("#report .tools").first.is_hidden()
        assert (
            page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
        # Every row is on paper: nothing scrolls.
        cut = (
            "[...document.querySelectorAll('#report .scroll')].filter((e) => e.scrollHeight > "
            "e.clientHeight + 1).length"
        )
        assert page.evaluate(cut) == 0
        assert len(page.pdf()) > 20_000
    finally:
        page.close()


def test_the_report_of_predict_opens_films_and_videos_of_any_name(
    page: "Page", checked: Path
) -> None:
    goto(page, checked / "report")
    page.wait_for_selector("#report h1")
    text = page.locator("#report").inner_text()
    assert (
        "gate max-broken=0.5: closed; 2 of 2 videos flagged (95 % interval [0.342, 1.000]?), 1 "
        "unreadable ones left out." in text
    )
    assert "not a video file that FFmpeg can open" in text
    assert "none.mp4" in text
    assert page.locator(".spark").count() == 2
    assert page.locator(".spark .marked").count() == 12
    assert every_video(page) == ["b", ODD]
    href = (
        page.locator("#report td a", has_text=re.compile("^film$"))
        .nth(1)
        .evaluate("link => link.href")
    )
    assert Path(url2pathname(urlsplit(href).path)) == checked / "overlays" / f"{ODD}.mp4"
    page.locator("#report td a", has_text=ODD).click()
    wait_for_frame(page)
    assert page.locator("#title").inner_text() == ODD
    assert page.locator("#frame-score").inner_text() == "25.00 % marked"
    assert page.locator("#label").inner_text() == "broken"
