"""What a build says about masks that could be read in more than one way, and what it refuses."""

import numpy as np
import pytest

from brokenvideos.builder import BuildOptions, RawError, build
from brokenvideos.tools.commands.main import app
from tests.odd_videos import make_video

FULL = np.full((48, 64), 255, np.uint8)
MARKED = FULL.copy()
MARKED[:, 8:] = 0


def folder(write_raw, *masks, line=None):
    """A davis folder of one video of as many frames as it has masks."""
    files = {f"masks/v/{frame:05d}.png": mask for frame, mask in enumerate(masks)}
    lines = {"videos.jsonl": [{"video_id": "v", **line}]} if line else {}
    return write_raw({"videos/v.mp4": make_video(num_frames=len(masks)), **files, **lines})


def test_the_rule_that_was_applied_is_told_with_its_videos(write_raw, tmp_path):
    raw = folder(write_raw, MARKED, MARKED)
    for name in "abcd":
        write_raw(
            {
                f"videos/{name}.mp4": make_video(num_frames=2),
                f"masks/{name}/00000.png": MARKED // 255,
            }
        )
    notes: list[str] = []
    build(raw, tmp_path / "release", BuildOptions(artifact_type="blur"), on_note=notes.append)
    assert notes[:-1] == [
        "masks of v: black and white alone: white is object 1",
        "masks of a, b, c and 1 more: the value of a pixel (palette index or grey) is its "
        "object_id, 0 is background",
    ]
    assert notes[-1].startswith(
        "no video in validation and test: 5 videos are 1 group of one prompt, equal bytes"
    )


def test_the_command_prints_it(write_raw, tmp_path, capsys):
    raw, out = folder(write_raw, MARKED), tmp_path / "release"
    app(["build", str(raw), str(out), "--artifact-type", "blur"], standalone_mode=False)
    said = capsys.readouterr()
    assert said.out == f"{out}: 1 videos in 1 shards. Next: brokenvideos verify {out}\n"
    notes = said.err.splitlines()
    assert "masks of v: black and white alone: white is object 1" in notes
    assert any(
        line.startswith("no video in validation and test: 1 video is 1 group of one prompt")
        for line in notes
    )


def test_a_video_that_is_marked_all_over_is_refused_unless_somebody_says_so(write_raw, tmp_path):
    raw, options = folder(write_raw, FULL, FULL), BuildOptions(artifact_type="blur")
    with pytest.raises(RawError) as caught:
        build(raw, tmp_path / "release", options)
    assert str(caught.value).splitlines()[1] == (
        "video v: every pixel of every frame is marked, as when black and white are swapped. Swap "
        'them, or give label "broken" in '
        "videos.jsonl if the whole video is broken."
    )
    write_raw({"videos.jsonl": [{"video_id": "v", "label": "broken"}]})
    assert build(raw, tmp_path / "release", options)["videos"].keys() == {"v"}


@pytest.mark.parametrize(
    "second", [MARKED, FULL * 0], ids=["a part is background", "nothing is marked"]
)
def test_one_frame_that_is_marked_all_over_is_read(write_raw, tmp_path, second):
    build(folder(write_raw, FULL, second), tmp_path / "release", BuildOptions(artifact_type="blur"))
