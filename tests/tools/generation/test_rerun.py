"""Clips made again: what is said of each, and why."""

import json
from pathlib import Path

import numpy as np
import pytest

from brokenvideos.frames import encode_video
from brokenvideos.tools.generation import GenerateError, rerun
from brokenvideos.tools.generation.again import psnr_db

from .conftest import IDS


def spoil(copy: Path, video_id: str, **changes) -> None:
    """Changes values of a record; "a.b" is b of a."""
    path = copy / "records" / f"{video_id}.json"
    record = json.loads(path.read_text())
    for name, value in changes.items():
        part = record
        *inner, last = name.split("__")
        for key in inner:
            part = part[key]
        part[last] = value
    path.write_text(json.dumps(record))


def verdicts(folder: Path, tiny: Path, **how) -> dict[str, str]:
    return {
        clip.video_id: str(clip).removeprefix(f"{clip.video_id}: ")
        for clip in rerun(folder, model=str(tiny), **how)
    }


def test_the_same_clips_are_identical(clips: Path, tiny: Path) -> None:
    assert verdicts(clips, tiny) == dict.fromkeys(
        IDS, "identical, the pipeline gives the same frames"
    )


def test_other_versions_that_change_nothing_do_not_matter(copy: Path, tiny: Path) -> None:
    spoil(copy, IDS[0], versions__torch="1.0")
    assert verdicts(copy, tiny)[IDS[0]] == "identical, the pipeline gives the same frames"


def test_a_sample_is_chosen_by_a_hash(clips: Path, tiny: Path) -> None:
    found = verdicts(clips, tiny, sample=2)
    assert len(found) == 2
    assert found == verdicts(clips, tiny, sample=2)


def test_what_became_of_a_clip(copy: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(copy, IDS[0], seed=99)
    spoil(copy, IDS[1], seed=99, versions__torch="1.0", device__name="an old GPU")
    (copy / "videos" / f"{IDS[2]}.mp4").write_bytes(b"else")
    found = verdicts(copy, tiny)
    assert found[IDS[0]].startswith("different, ")
    assert found[IDS[0]].endswith(" dB, with the same versions and device")
    assert found[IDS[1]].startswith("not comparable, ")
    assert " dB after device name an old GPU became " in found[IDS[1]]
    assert ", torch 1.0 became " in found[IDS[1]]
    path = copy / "videos" / f"{IDS[2]}.mp4"
    assert found[IDS[2]] == f"different, {path} is missing, or not the file that was recorded"


def test_a_clip_that_is_nearly_the_same_is_close(
    copy: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import AutoencoderKLLTXVideo

    real = AutoencoderKLLTXVideo.decode
    monkeypatch.setattr(
        AutoencoderKLLTXVideo, "decode", lambda *args, **how: (real(*args, **how)[0] * 0.999,)
    )
    clip, *_ = rerun(copy, sample=1, model=str(tiny))
    assert clip.verdict == "close"
    assert clip.psnr_db is not None
    assert clip.psnr_db >= 40
    assert clip.why == f"{clip.psnr_db:.1f} dB"
    assert clip.to_dict() == {
        "video_id": clip.video_id,
        "verdict": "close",
        "why": clip.why,
        "psnr_db": clip.psnr_db,
    }


def test_another_size_is_different(copy: Path, tiny: Path) -> None:
    spoil(copy, IDS[0], arguments__num_frames=1)
    assert (
        verdicts(copy, tiny)[IDS[0]]
        == "different, it has another size or length, with the same versions and device"
    )


def test_what_cannot_be_made_here_is_not_comparable(copy: Path, tiny: Path) -> None:
    spoil(copy, IDS[0], arguments__height=30)
    spoil(copy, IDS[1], device__type="cuda", device__name="NVIDIA H200")
    spoil(copy, IDS[2], model__configs={"vae/config.json": "0"})
    found = verdicts(copy, tiny)
    assert found[IDS[0]] == (
        "not comparable, it cannot be made here: LTXPipeline refuses its arguments: `height` and "
        "`width` have to be divisible by 32 but are 30 and 64."
    )
    assert (
        found[IDS[1]]
        == "not comparable, it was made on NVIDIA H200, and there is no CUDA device here"
    )
    assert found[IDS[2]] == "not comparable, the model's file model_index.json has changed since"
    assert (
        verdicts(copy, tiny, device="cpu")[IDS[1]]
        == "identical, the pipeline gives the same frames"
    )


def test_a_folder_model_must_be_named(clips: Path) -> None:
    assert {clip.why for clip in rerun(clips)} == {
        "its model is the folder tiny: give it with --model FOLDER"
    }


def test_failed_clips_are_left_out_and_an_empty_folder_is_said(
    copy: Path, tiny: Path, tmp_path: Path
) -> None:
    spoil(copy, IDS[0], status="failed")
    assert set(verdicts(copy, tiny)) == set(IDS[1:])
    with pytest.raises(GenerateError) as caught:
        list(rerun(tmp_path / "nothing"))
    assert str(caught.value) == (
        f"{tmp_path / 'nothing'}: no clip with a record in it. Give a folder that `brokenvideos "
        "generate` made."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "{",
            "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char "
            "1)). Remove it; the clip is then made again.",
        ),
        (
            "{}",
            f"not a record of {IDS[0]} in the format brokenvideos.record/1. Remove it; the clip is "
            "then made again.",
        ),
    ],
)
def test_a_damaged_record_is_named(copy: Path, content: str, message: str) -> None:
    path = copy / "records" / f"{IDS[0]}.json"
    path.write_text(content)
    with pytest.raises(GenerateError) as caught:
        list(rerun(copy))
    assert str(caught.value) == f"{path}: {message}"


def test_psnr_is_of_all_values(tmp_path: Path) -> None:
    for name, level in (("a", 100), ("b", 110)):
        encode_video(
            tmp_path / f"{name}.mp4", [np.full((16, 16, 3), level, np.uint8)] * 2, fps=8, crf=1
        )
    assert psnr_db(tmp_path / "a.mp4", tmp_path / "a.mp4") == float("inf")
    assert psnr_db(tmp_path / "a.mp4", tmp_path / "b.mp4") == pytest.approx(
        20 * np.log10(255 / 10), abs=1
    )
