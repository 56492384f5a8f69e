"""Which frame a prediction is of: by the number in its name, never by its place in a list."""

import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brokenvideos.masks import encode
from brokenvideos.tools.evaluation import EvaluationError, evaluate

WritePngs = Callable[[Path, Mapping[str, object]], Path]
HEIGHT, WIDTH = 12, 40


def mask(frame: int) -> np.ndarray:
    """uint8[12, 40]: a square that moves by a pixel a frame."""
    found = np.zeros((HEIGHT, WIDTH), np.uint8)
    found[3:8, frame : frame + 4] = 1
    return found


def rle(frame: int) -> dict[str, object]:
    return {"size": [HEIGHT, WIDTH], "counts": encode(mask(frame)[None])[0]}


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps(content))
    return path


def tracks(
    names: list[str], frames: list[int], *, name: str = "file_names", **more: object
) -> dict[str, object]:
    """A YouTube-VIS file of one video whose names stand for these frames."""
    video: dict[str, object] = {"id": 1, name: names, **more}
    return {
        "videos": [video],
        "annotations": [{"video_id": 1, "segmentations": [rle(frame) for frame in frames]}],
    }


def truth_of(
    folder: Path, frames: range | list[int], write_pngs: WritePngs, *, video_id: str = "v"
) -> Path:
    return write_pngs(folder, {f"{video_id}/{frame:05d}.png": mask(frame) for frame in frames})


def jf(truth: Path, predictions: Path, **options: object) -> float | None:
    return evaluate(truth, predictions, floors=False, **options).scores.broken["jf"].value  # type: ignore[arg-type]


def problems(truth: Path, predictions: Path, **options: object) -> list[str]:
    """What is wrong, below the summary, paths without the test's folder."""
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, predictions, floors=False, **options)  # type: ignore[arg-type]
    return [
        line.replace(f"{predictions.parent}/", "") for line in str(error.value).splitlines()[1:]
    ]


SPARSE = [0, 5, 10, 15, 20, 25]
NAMES: dict[str, Callable[[int], str]] = {
    "plain": lambda frame: f"v/{frame:05d}.jpg",
    "below folders": lambda frame: f"valid/JPEGImages/v/{frame:05d}.jpg",
    "with words": lambda frame: f"v/img_{frame:07d}.jpg",
    "without zeros": lambda frame: f"v/frame{frame}.PNG",
    "of Windows": lambda frame: f"JPEGImages\\v\\{frame}.jpg",
}


@pytest.mark.parametrize("missing", ["error", "empty"])
@pytest.mark.parametrize("form", NAMES)
def test_every_5th_frame_is_every_5th_frame(
    form: str, missing: str, tmp_path: Path, write_pngs: WritePngs
) -> None:
    truth = truth_of(tmp_path / "truth", SPARSE, write_pngs)
    order = SPARSE.copy()
    random.Random(4).shuffle(order)
    for frames in (SPARSE, order):
        path = write_json(
            tmp_path / "pred.json", tracks([NAMES[form](frame) for frame in frames], frames)
        )
        assert jf(truth, path, missing=missing) == 1


def test_a_prediction_of_another_frame_is_never_scored(
    tmp_path: Path, write_pngs: WritePngs
) -> None:
    truth = truth_of(tmp_path / "truth", range(6), write_pngs)
    # Their masks are those of frames 0 to 5, in this order: by position all would be perfect.
    path = write_json(
        tmp_path / "pred.json", tracks([f"v/{frame:05d}.jpg" for frame in SPARSE], list(range(6)))
    )
    assert problems(truth, path) == [
        "video v: frames 10, 15, 20, 25 are predicted, the truth ends at frame 5; remove them",
        "video v: no prediction for frames 1-4; predict it, or count it as empty with --missing "
        "empty",
    ]


def forms_from(
    first: int, folder: Path, frames: list[int], write_pngs: WritePngs
) -> dict[str, Path]:
    """The masks of frames 0, 1, … in every form with numbers, which count from `first`."""
    numbers = [frame + first for frame in frames]
    pngs = write_pngs(
        folder / "png",
        {f"v/{number:05d}.png": mask(frame) for number, frame in zip(numbers, frames, strict=True)},
    )
    shutil.make_archive(str(folder / "pred"), "tar", pngs)
    rows = [
        {"video_id": "v", "frame_index": number, "counts": rle(frame)["counts"]}
        for number, frame in zip(numbers, frames, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "pred.parquet")
    entries = [
        {"video_id": "v", "frame_index": number, "segmentation": rle(frame)}
        for number, frame in zip(numbers, frames, strict=True)
    ]
    images = [{"id": number, "file_name": f"v/{number:05d}.jpg"} for number in numbers]
    annotations = [
        {"image_id": number, "segmentation": rle(frame)}
        for number, frame in zip(numbers, frames, strict=True)
    ]
    return {
        "png": pngs,
        "tar": folder / "pred.tar",
        "parquet": folder / "pred.parquet",
        "results": write_json(folder / "json" / "results.json", entries),
        "coco": write_json(folder / "coco.json", {"images": images, "annotations": annotations}),
        "ytvis": write_json(
            folder / "ytvis.json", tracks([f"v/{number:05d}.jpg" for number in numbers], frames)
        ),
    }


@pytest.mark.parametrize("form", ["png", "tar", "parquet", "results", "coco", "ytvis"])
@pytest.mark.parametrize("missing", ["error", "empty"])
def test_numbers_from_1_are_refused_unless_said(
    form: str, missing: str, tmp_path: Path, write_pngs: WritePngs
) -> None:
    truth = truth_of(tmp_path / "truth", range(6), write_pngs)
    from_1 = forms_from(1, tmp_path / "1", list(range(6)), write_pngs)[form]
    assert problems(truth, from_1, missing=missing) == [
        "video v: predicted frames 1-6 only fit the truth's, 0-5, if they count from 1; give "
        "--first-frame 1 if they do, else rename them"
    ]
    assert jf(truth, from_1, first_frame=1) == 1
    assert problems(truth, from_1, first_frame=0, missing=missing)[0] == (
        "video v: frames 6 are predicted, the truth ends at frame 5; remove them"
    )
    from_0 = forms_from(0, tmp_path / "0", list(range(6)), write_pngs)[form]
    assert jf(truth, from_0) == jf(truth, from_0, first_frame=0) == 1
    wrong = problems(truth, from_0, first_frame=1)
    assert any(
        line.endswith(": has a frame 0, so it does not count from 1; leave --first-frame out")
        for line in wrong
    )


def test_numbers_from_1_of_a_sparse_truth(tmp_path: Path, write_pngs: WritePngs) -> None:
    """No number lies beyond the end of the truth, and none hits one of its frames."""
    truth = truth_of(tmp_path / "truth", [0, 5, 10, 12], write_pngs)
    pred = write_pngs(
        tmp_path / "pred", {f"v/{frame + 1:05d}.png": mask(frame) for frame in (0, 5, 10)}
    )
    found = problems(truth, pred, missing="empty")
    assert found == [
        "video v: predicted frames 1, 6, 11 only fit the truth's, 0, 5, 10, 12, if they count from "
        "1; give --first-frame 1 if they do, else rename them"
    ]
    # One frame alone may be all that a model found, in a frame that nobody annotated.
    alone = write_pngs(tmp_path / "alone", {"v/00006.png": mask(5)})
    assert jf(truth, alone, missing="empty") == 0


def test_forms_without_frame_names_keep_their_order(tmp_path: Path, write_pngs: WritePngs) -> None:
    truth = truth_of(tmp_path / "truth", range(6), write_pngs)
    frames = list(range(6))
    whole = {"file_name": "a/b/v.MP4"}
    for more in (whole, whole | {"length": 6}, {"name": "v"}, {"name": "v", "length": 6}):
        content = {
            "videos": [{"id": 1, **more}],
            "annotations": [{"video_id": 1, "segmentations": [rle(frame) for frame in frames]}],
        }
        assert jf(truth, write_json(tmp_path / "pred.json", content)) == 1
    bare = write_json(
        tmp_path / "bare" / "list.json",
        [{"video_id": "v", "segmentations": [rle(frame) for frame in frames]}],
    )
    assert jf(truth, bare) == 1


def test_first_frame_is_refused_where_nothing_is_numbered(release: Path) -> None:
    with pytest.raises(EvaluationError) as error:
        evaluate(release, release, first_frame=1)
    assert str(error.value) == (
        f"{release}: read as release, which counts frames from 0 by itself; leave --first-frame out"
    )
    with pytest.raises(EvaluationError, match=r"first frame: 2, wanted 0 or 1"):
        evaluate(release, release, first_frame=2)


def test_ends_that_are_skipped_need_no_prediction(tmp_path: Path, write_pngs: WritePngs) -> None:
    truth = truth_of(tmp_path / "truth", range(6), write_pngs)
    for form, path in forms_from(0, tmp_path / "ends", [1, 2, 3, 4], write_pngs).items():
        assert jf(truth, path, skip_ends=True) == 1, form
        assert problems(truth, path) == [
            "video v: no prediction for frames 0, 5; predict it, or count it as empty with "
            "--missing empty"
        ], form
    whole = forms_from(0, tmp_path / "whole", list(range(6)), write_pngs)["png"]
    assert jf(truth, whole, skip_ends=True) == 1


# --- Numbers of videos and images -----------------------------------------------------------------


@pytest.fixture
def numbered(tmp_path: Path, write_pngs: WritePngs) -> tuple[Path, Path, Path]:
    """A truth of every 5th frame, a results list as YouTube-VIS asks for it, and the file that
    names its videos.
    """
    truth = truth_of(tmp_path / "truth", SPARSE, write_pngs)
    entry = {
        "video_id": 7,
        "category_id": 1,
        "score": 0.9,
        "segmentations": [rle(frame) for frame in SPARSE],
    }
    results = write_json(tmp_path / "run" / "results.json", [entry])
    videos = [
        {"id": 3, "length": 1, "file_names": ["other/00000.jpg"]},
        {"id": 7, "length": 6, "file_names": [f"v/{frame:05d}.jpg" for frame in SPARSE]},
    ]
    return truth, results, write_json(tmp_path / "valid.json", {"videos": videos})


def test_a_results_list_needs_the_names_of_its_numbers(numbered: tuple[Path, Path, Path]) -> None:
    truth, results, names = numbered
    give = (
        "give the file that names it with --names FILE (in YouTube-VIS instances.json or "
        "valid.json), or put it beside"
    )
    assert problems(truth, results) == [f"results.json: video_id 7 is a number; {give}"]
    found = evaluate(truth, results, names=names, floors=False)
    assert (found.scores.broken["jf"].value, found.options["names"]) == (1, str(names))
    shutil.copy(names, results.parent / "instances.json")
    found = evaluate(truth, results, floors=False)
    assert (found.scores.broken["jf"].value, found.options["names"]) == (
        1,
        str(results.parent / "instances.json"),
    )
    shutil.copy(names, results.parent / "more.json")
    assert problems(truth, results) == [
        "results.json: video_id 7 is a number, and instances.json and more.json name it; choose "
        "one with --names"
    ]


def test_a_file_that_names_nothing_is_refused(
    numbered: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    truth, results, _ = numbered
    other = write_json(tmp_path / "other.json", [1])
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, results, names=other)
    assert (
        str(error.value)
        == f"{other}: has neither videos nor images; wanted a COCO or YouTube-VIS file that names "
        "them"
    )
    with pytest.raises(
        EvaluationError, match=r"gone\.json: cannot be read \(No such file or directory\)"
    ):
        evaluate(truth, results, names=tmp_path / "gone.json")
    lacks = write_json(tmp_path / "lacks.json", {"videos": [{"id": 1, "name": "v"}]})
    assert problems(truth, results, names=lacks) == [
        "results.json [0]: video_id is 7, wanted the id of an entry of videos"
    ]


def test_a_coco_results_list(numbered: tuple[Path, Path, Path], tmp_path: Path) -> None:
    truth, _, _ = numbered
    images = [{"id": 100 + frame, "file_name": f"x/v/{frame:05d}.jpg"} for frame in SPARSE]
    names = write_json(tmp_path / "names" / "images.json", {"images": images})
    entries = [
        {"image_id": 100 + frame, "category_id": 1, "segmentation": rle(frame), "score": 0.5}
        for frame in SPARSE
    ]
    assert jf(truth, write_json(tmp_path / "coco" / "results.json", entries), names=names) == 1
    assert problems(truth, tmp_path / "coco" / "results.json")[0].startswith(
        "results.json: image_id 100 is a number; give "
    )


BAD_NAMES = [
    (
        {"file_names": ["v/a.jpg"]},
        "has file_name 'v/a.jpg', wanted {video_id}/{frame}.png, such as dog/00017.png "
        "(file_names[0])",
    ),
    (
        {"file_names": ["0.jpg"]},
        "has file_name '0.jpg', wanted {video_id}/{frame}.png, such as dog/00017.png "
        "(file_names[0])",
    ),
    (
        {"file_names": ["v/0.jpg", "w/1.jpg"]},
        "has file_names in the folders 'v', 'w'; wanted those of one video",
    ),
    ({"file_names": ["v/0.jpg", "v/00.jpg"]}, "names frame 0 twice in file_names; name each once"),
    ({"file_names": []}, "has file_names [], wanted a list such as [dog/00000.jpg, dog/00005.jpg]"),
    ({"file_names": ["v/0.jpg"], "length": 2}, "has length 2, and 1 file_names; wanted as many"),
    ({"name": "v", "length": -1}, "has length -1, wanted the number of frames, at most 1048576"),
    (
        {"file_name": "v.txt"},
        "has file_name 'v.txt', wanted file_names such as dog/00000.jpg, a name, or a file_name "
        "that ends in .mp4, .webm, .mkv, .mov, .avi, .m4v or .gif",
    ),
]


@pytest.mark.parametrize(("video", "wanted"), BAD_NAMES)
def test_a_bad_name_is_one_problem(
    video: dict[str, object], wanted: str, tmp_path: Path, write_pngs: WritePngs
) -> None:
    truth = truth_of(tmp_path / "truth", [0], write_pngs)
    content = {
        "videos": [{"id": 1, **video}],
        "annotations": [{"video_id": 1, "segmentations": [rle(0)]}] * 3,
    }
    assert problems(truth, write_json(tmp_path / "pred.json", content)) == [
        f"pred.json videos[0]: {wanted}"
    ]


def test_a_track_of_another_length_is_one_problem(tmp_path: Path, write_pngs: WritePngs) -> None:
    truth = truth_of(tmp_path / "truth", SPARSE, write_pngs)
    path = write_json(
        tmp_path / "pred.json", tracks([f"v/{frame}.jpg" for frame in SPARSE], SPARSE[:3])
    )
    assert problems(truth, path) == [
        "pred.json annotations[0]: segmentations has 3 entries, the video has 6 frames; wanted as "
        "many"
    ]
