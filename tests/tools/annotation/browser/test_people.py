"""What a model proposes, and work that people do apart from each other, on the page."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brokenvideos.frames import encode_video
from brokenvideos.masks import decode
from brokenvideos.tools.agreement import agree, apart
from tests.tools.annotation.browser.desk import Live, Person, Server, serving, written
from tests.warm import Warm

HEIGHT, WIDTH, FRAMES = 96, 128, 6
PROPOSED = np.zeros((HEIGHT, WIDTH), bool)
PROPOSED[20:40, 30:60] = True
SitDown = Callable[..., Person]

pytestmark = pytest.mark.slow  # two servers


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four videos of six grey frames."""
    folder = tmp_path_factory.mktemp("made") / "clips"
    folder.mkdir()
    encode_video(folder / "a.mp4", np.full((FRAMES, HEIGHT, WIDTH, 3), 90, np.uint8), fps=6)
    for name in ("b", "c", "d"):
        (folder / f"{name}.mp4").write_bytes((folder / "a.mp4").read_bytes())
    return folder


@pytest.fixture(scope="module")
def doubled(warm: Warm, clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that gives one of the four videos to two people, with a model's masks for frames 2
    and 3 of another one.
    """
    found = tmp_path_factory.mktemp("model") / "predictions"
    for frame in (2, 3):
        (found / PROPOSED_FOR).mkdir(parents=True, exist_ok=True)
        Image.fromarray(PROPOSED.astype(np.uint8) * 255).save(
            found / PROPOSED_FOR / f"{frame:05d}.png"
        )
    with serving(
        clips, clips.with_name("doubled"), "--double", "25", "--proposals", str(found), warm=warm
    ) as server:
        yield server


@pytest.fixture(scope="module")
def independent(warm: Warm, clips: Path) -> Iterator[Server]:
    """A server that gives every video to everybody."""
    with serving(clips, clips.with_name("independent"), "--independent", warm=warm) as server:
        yield server


DOUBLED = "d"
"""The video whose id has the smallest SHA-256 of the four."""
PROPOSED_FOR = "b"


def mark(person: Person, video_id: str, *, row: int, words: str = "waits for review") -> None:
    """One stroke of the brush on frame 1, all frames seen, sent."""
    person.open(video_id)
    person.press("ArrowRight")
    person.at_frame(1)
    with person.saves(2):
        person.press("d")
        person.drag((30, row), (90, row))
    person.press("1", "Home", "Space")
    send(person, words)


def send(person: Person, words: str = "waits for review") -> None:
    person.has_seen([0, FRAMES - 1])
    person.press("Control+Enter")
    person.page.wait_for_selector(f"#status:has-text('{words}')")


def row_of(person: Person, video_id: str) -> str:
    """What the list says about a video."""
    person.page.click("#home")
    row = person.page.locator(f"#videos tr:has(a[href='#video/{video_id}'])")
    row.first.wait_for()
    return row.first.inner_text()


def test_proposals_are_marked_as_such_until_a_person_accepts_them(
    doubled: Server, person: SitDown
) -> None:
    ada = person(doubled)
    assert any("no predictions for 3 of 4 videos: a, c, d" in line for line in doubled.said)
    ada.open(PROPOSED_FOR)
    assert {frame: mask["from"] for frame, mask in ada.masks().items()} == {
        2: "proposal",
        3: "proposal",
    }
    assert "2 proposals" in row_of(ada, PROPOSED_FOR)
    ada.open(PROPOSED_FOR)
    ada.page.wait_for_selector("#panel:has-text('2 proposals to accept or delete first.')")
    ada.go_to(2)
    ada.page.wait_for_selector("#panel:has-text('here: proposed')")
    shown = ada.pixels([(45, 30), (100, 80)])
    assert shown[0] != shown[1]
    # A proposal is nobody's work yet: the video cannot be sent with one.
    ada.press("1", "Home", "Space")
    ada.has_seen([0, FRAMES - 1])
    ada.press("Control+Enter")
    ada.page.wait_for_selector(".toast:has-text('proposals')")
    assert ada.state()["status"] == "working"
    ada.go_to(2)
    with ada.saves():
        ada.press("y")
    ada.page.wait_for_selector("#panel:has-text('here: accepted')")
    ada.go_to(3)
    with ada.saves():
        ada.press("Delete")
    send(ada)
    (frame, mask), *others = ada.masks().items()
    assert (frame, mask["from"], mask["user"], others) == (2, "accepted", "Ada", [])
    assert np.array_equal(decode([mask["counts"]], height=HEIGHT, width=WIDTH)[0] > 0, PROPOSED)


def test_two_people_mark_one_video_and_see_each_other_only_when_both_are_done(
    doubled: Server, person: SitDown
) -> None:
    ada, ben = person(doubled, "Ada"), person(doubled, "Ben")
    live = Live(ben)
    mark(ada, DOUBLED, row=30)
    ada.leave()
    live.connected()
    ben.open(DOUBLED)
    state = ben.state()
    assert (state["masks"], state["lock"]["mine"], state["annotator"] == "Ada") == ([], True, False)
    assert "two people" in row_of(ben, DOUBLED)
    mark(ben, DOUBLED, row=34)
    # Both are done: the second one may look at the first one's masks, and approve them.
    ben.page.click("#home")
    ben.page.click(f"#videos tr:has(a[href='#video/{DOUBLED}']) >> text=check it")
    ben.page.wait_for_selector("#panel:has-text('Check the work of Ada')")
    ben.page.wait_for_selector("#panel:has-text('1 of 1 marked frame still to look at.')")
    # News of his own annotation that come late are not taken for news of this one.
    revision = ben.state()["revision"]
    late = {"from": revision, "revision": revision + 1, "masks": []}
    live.says({"type": "changes", "video_id": DOUBLED, "annotation": "second", "changes": late})
    ben.press("Control+Enter")  # leads to what was not looked at
    ben.at_frame(1)
    ben.page.wait_for_selector("#panel:has-text('You have looked at all 1 marked frame')")
    ben.press("Control+Enter")
    ben.says("Approved.")
    homes = (doubled.raw, doubled.raw / "second")
    assert [written(home, DOUBLED)["review"] for home in homes] == ["approved", "unreviewed"]
    found = agree(apart([doubled.raw]))
    assert found.num_videos == 1
    assert 0.3 < found.active_ceiling.value < 0.9


def test_independent_people_never_see_each_others_masks(
    independent: Server, person: SitDown
) -> None:
    ada, ben = person(independent, "Ada"), person(independent, "Ben")
    mark(ada, "a", row=30, words="finished")
    mine = ada.masks()
    ben.open("a")
    assert (ben.state()["masks"], ben.state()["lock"]["mine"]) == ([], True)
    assert "Ada" not in row_of(ben, "a")
    mark(ben, "a", row=34, words="finished")
    ada.page.click("#home")
    ada.open("a")
    assert ada.masks() == mine
    for somebody in (ada, ben):
        assert "check it" not in row_of(somebody, "a")
        assert somebody.page.inner_text("#videos .lead-actions").endswith("Nothing to review")
    lines = {name: written(independent.raw / "people" / name, "a") for name in ("ada", "ben")}
    assert {name: line["source"]["annotator"] for name, line in lines.items()} == {
        "ada": "Ada",
        "ben": "Ben",
    }
    found = agree(apart([independent.raw]))
    assert (found.annotators, found.num_videos) == (("ada", "ben"), 1)
