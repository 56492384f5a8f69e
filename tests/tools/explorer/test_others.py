"""What somebody else marked: which forms are taken, scores that are those of evaluate, and what
does not match.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from brokenvideos.masks import decode, decode_masks
from brokenvideos.sampling import find_row
from brokenvideos.tools.evaluation import evaluate
from brokenvideos.tools.explorer import ExploreError
from brokenvideos.tools.explorer.open_source import open_source
from brokenvideos.tools.explorer.others import (
    Compared,
    Other,
    compared,
    open_annotator,
    open_other,
    scored,
)


def opened(release: Path, path: Path) -> Other:
    source = open_source(str(release))
    return open_other(path, [video.video_id for video in source.videos], source=str(release))


def compare(release: Path, video_id: str, other: Other) -> Compared:
    found = compared(open_source(str(release)).show(video_id), other)
    assert found is not None
    return found


def error_of(release: Path, path: Path) -> str:
    with pytest.raises(ExploreError) as caught:
        opened(release, path)
    return str(caught.value)


def test_scores_are_those_of_evaluate(release: Path, predicted: Path) -> None:
    other = opened(release, predicted)
    assert (other.kind, other.notices) == ("predictions", ())
    for video in evaluate(release, predicted, floors=False).videos:
        found = compare(release, video.video_id, other)
        numbers = scored(found)
        assert numbers.jf == pytest.approx(video.scores["jf"])
        assert (numbers.disagreement, numbers.worst) == (
            pytest.approx(video.disagreement),
            video.worst_frame,
        )
        assert found.problems == ()
        row = find_row(str(release), video.video_id)
        wanted = np.roll(decode_masks(row), 2, axis=2)
        wanted[-1] = 0
        marked = {frame: decode([c], height=48, width=64)[0] for frame, c in found.counts.items()}
        assert sorted(marked) == np.flatnonzero(wanted.any((1, 2))).tolist()
        assert all(np.array_equal(mask, wanted[frame]) for frame, mask in marked.items())
        if found.either.any():
            jf = (found.j + found.f) / 2
            assert (
                numbers.worst
                == found.frames[np.flatnonzero(found.either)[jf[found.either].argmin()]]
            )
            assert numbers.disagreement == pytest.approx(1 - jf[found.either].mean())
        else:
            assert (numbers.worst, numbers.disagreement) == (None, 0)


def test_a_second_annotator_is_a_raw_folder_or_a_release(release: Path, raw: Path) -> None:
    source = open_source(str(release))
    for path in (raw, release):
        other = opened(release, path)
        assert (other.kind, other.notices) == ("annotator", ())
        for video in source.videos:
            assert scored(compare(release, video.video_id, other)).jf == 1


def test_frames_that_another_annotator_did_not_look_at_do_not_count(
    release: Path, tmp_path: Path
) -> None:
    video = next(video for video in open_source(str(release)).videos if video.label == "broken")
    folder = tmp_path / "masks" / video.video_id
    folder.mkdir(parents=True)
    mask = decode_masks(find_row(str(release), video.video_id))[5]
    Image.fromarray(mask * np.uint8(255)).save(folder / "00005.png")
    looked = open_annotator(folder.parent, [video.video_id, "other"], name="bo", masks_are=None)
    assert (looked.name, looked.kind, list(looked.videos)) == ("bo", "annotator", [video.video_id])
    found = compare(release, video.video_id, looked)
    assert (found.frames, scored(found).jf) == ((5,), 1)
    # The same masks as a prediction: what is not there is empty.
    assert len(compare(release, video.video_id, opened(release, folder.parent)).frames) == 12
    assert (
        compared(open_source(str(release)).show(video.video_id), replace(looked, videos={})) is None
    )


def test_runs_and_reports_lead_to_their_predictions(
    release: Path, predicted: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(evaluate(release, predicted, floors=False).to_dict()))
    assert len(opened(release, report).videos) == 9
    # What train leaves: out/scores.json and out/predictions.
    trained = tmp_path / "trained"
    shutil.copytree(predicted, trained / "predictions")
    (trained / "scores.json").write_text("{}")
    assert len(opened(release, trained).videos) == 9
    # What predict leaves: report.json and predictions.parquet.
    run = tmp_path / "run"
    run.mkdir()
    (run / "report.json").write_text("{}")
    video = open_source(str(release)).videos[0]
    counts = find_row(str(release), video.video_id)["masks"]["counts"][:1] or ["0"]
    table: dict[str, Any] = {
        "video_id": [video.video_id],
        "frame_index": pa.array([0], pa.int32()),
        "counts": counts,
    }
    pq.write_table(pa.table(table), run / "predictions.parquet")
    other = opened(release, run)
    assert list(other.videos) == [video.video_id]
    assert other.notices == (f"{run}: 8 videos of the source are not in it.",)


def test_what_does_not_match_is_refused(release: Path, predicted: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for number, folder in enumerate(sorted(predicted.iterdir())):
        shutil.copytree(folder, elsewhere / f"strange_{number}")
    assert error_of(release, elsewhere) == (
        f"{elsewhere}: none of its 9 videos (strange_0, strange_1, strange_2 ...) is one of "
        f"{release}; give what was marked in the same videos"
    )
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"conventions": {}, "predictions": "gone/away"}))
    assert error_of(release, report) == (
        f"{report}: a report of gone/away, which is not there; put those predictions beside the "
        "report, or give them"
    )
    assert error_of(release, tmp_path / "nothing").startswith(
        f"{tmp_path / 'nothing'}: no such file or folder; wanted one of"
    )


def test_strangers_and_what_is_lacking_are_told(
    release: Path, predicted: Path, tmp_path: Path
) -> None:
    some = tmp_path / "some"
    folders = sorted(predicted.iterdir())
    for folder in folders[:3]:
        shutil.copytree(folder, some / folder.name)
    shutil.copytree(folders[4], some / "stranger")
    assert opened(release, some).notices == (
        f"{some}: 1 of its videos are not in the source, among them stranger.",
        f"{some}: 6 videos of the source are not in it.",
    )


def test_masks_of_another_size_are_told_at_the_video(
    release: Path, predicted: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    folder = sorted(predicted.iterdir())[0]
    shutil.copytree(folder, broken / folder.name)
    mask = broken / folder.name / "00002.png"
    Image.open(mask).resize((10, 10)).save(mask)
    other = opened(release, broken)
    found = compare(release, folder.name, other)
    assert len(found.problems) == 1
    assert "10x10" in found.problems[0]
    assert "00002.png" in found.problems[0]
    assert scored(found).problem == found.problems[0]
