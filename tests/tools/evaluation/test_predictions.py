"""Every form of a prediction, and everything that can be wrong with one, in one report before
anything is scored.
"""

import json
import math
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from brokenvideos.builder import RawError
from brokenvideos.masks import encode
from brokenvideos.tools.evaluation import EvaluationError, evaluate
from brokenvideos.tools.evaluation.predictions import known_formats

WritePngs = Callable[[Path, Mapping[str, object]], Path]
HEIGHT, WIDTH = 12, 16


def labels(*boxes: tuple[int, int, int, int], value: int = 1) -> np.ndarray:
    """uint8[12, 16] with boxes (top, left, bottom, right) of a value."""
    found = np.zeros((HEIGHT, WIDTH), np.uint8)
    for top, left, bottom, right in boxes:
        found[top:bottom, left:right] = value
    return found


def palette(values: np.ndarray) -> Image.Image:
    image = Image.fromarray(values, mode="L")
    # Black first and white last would be read as black and white.
    image.putpalette(bytes(range(255, -1, -1)) * 3)
    return image


TRUTH = {
    "a/00000.png": labels(),
    "a/00002.png": labels((2, 3, 8, 9)),
    "a/00004.png": labels((2, 4, 8, 10)),
    "b/00000.png": labels(),
    "b/00001.png": labels(),
}
PRED = {
    "a/00000.png": labels(),
    "a/00002.png": labels((2, 3, 8, 9)),
    "a/00004.png": labels((3, 4, 9, 10), (10, 12, 12, 16)),
    "b/00000.png": labels(),
    "b/00001.png": labels((0, 0, 2, 2)),
}


@pytest.fixture
def truth(tmp_path: Path, write_pngs: WritePngs) -> Path:
    return write_pngs(tmp_path / "truth", {name: palette(mask * 3) for name, mask in TRUTH.items()})


@pytest.fixture
def wanted(truth: Path, tmp_path: Path, write_pngs: WritePngs) -> dict[str, object]:
    """What the prediction scores as plain PNGs of 0 and 1."""
    return scores(truth, write_pngs(tmp_path / "plain", PRED))


def scores(truth: Path, predictions: Path, **options: object) -> dict[str, object]:
    found = evaluate(truth, predictions, **options).to_dict()  # type: ignore[arg-type]
    return {
        key: value for key, value in found.items() if key in ("broken", "normal", "videos", "auc")
    }


def entries(score: float | None = None) -> list[dict[str, object]]:
    """One per frame of PRED, every box on its own where there are several."""
    found = []
    for name, mask in PRED.items():
        video_id, file = name.split("/")
        parts = (
            [mask] if name != "a/00004.png" else [labels((3, 4, 9, 10)), labels((10, 12, 12, 16))]
        )
        for part in parts:
            entry = {
                "video_id": video_id,
                "frame_index": int(file[:-4]),
                "segmentation": {"size": [HEIGHT, WIDTH], "counts": encode(part[None])[0]},
            }
            found.append(entry if score is None else entry | {"score": score})
    return found


def test_0_255_palette_ids_and_1_bit_say_the_same(
    truth: Path, wanted: dict[str, object], tmp_path: Path, write_pngs: WritePngs
) -> None:
    forms = {
        "white": {name: mask * 255 for name, mask in PRED.items()},
        "ids": {name: palette(mask * 7) for name, mask in PRED.items()},
        "bits": {name: mask > 0 for name, mask in PRED.items()},
    }
    for form, files in forms.items():
        assert scores(truth, write_pngs(tmp_path / form, files)) == wanted, form
    grey_ids = write_pngs(tmp_path / "grey", {name: mask * 7 for name, mask in PRED.items()})
    assert scores(truth, grey_ids, values="ids") == wanted
    # File names may have any number of digits.
    short = write_pngs(
        tmp_path / "short", {name.replace("0000", "00"): mask for name, mask in PRED.items()}
    )
    assert scores(truth, short) == wanted


def test_a_tar_says_the_same(
    truth: Path, wanted: dict[str, object], tmp_path: Path, write_pngs: WritePngs
) -> None:
    folder = write_pngs(tmp_path / "files", PRED)
    with tarfile.open(tmp_path / "pred.tar", "w") as tar:
        tar.add(folder, "some/where")
    assert scores(truth, tmp_path / "pred.tar") == wanted
    shards = tmp_path / "shards"
    shards.mkdir()
    for video_id in ("a", "b"):
        with tarfile.open(shards / f"{video_id}.tar", "w") as tar:
            tar.add(folder / video_id, video_id)
    assert scores(truth, shards) == wanted


def test_parquet_and_json_say_the_same(
    truth: Path, wanted: dict[str, object], tmp_path: Path
) -> None:
    rows = [
        {
            "video_id": entry["video_id"],
            "frame_index": entry["frame_index"],
            "counts": entry["segmentation"]["counts"],
        }
        for entry in entries()
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "pred.parquet", row_group_size=2)
    assert scores(truth, tmp_path / "pred.parquet") == wanted
    write_json(tmp_path / "results.json", entries())
    assert scores(truth, tmp_path / "results.json") == wanted
    images = [{"id": number, "file_name": f"x/{name}"} for number, name in enumerate(PRED)]
    numbers = {
        (image["file_name"].split("/")[1], int(image["file_name"][-9:-4])): image["id"]
        for image in images
    }
    annotations = [
        {
            "image_id": numbers[entry["video_id"], entry["frame_index"]],
            "segmentation": entry["segmentation"],
        }
        for entry in entries()
    ]
    # The images without a mark need no annotation: they are in the list.
    annotations = [entry for entry in annotations if entry["image_id"] in (1, 2, 4)]
    write_json(tmp_path / "coco.json", {"images": images, "annotations": annotations})
    assert scores(truth, tmp_path / "coco.json") == wanted


def test_youtube_vis_tracks_and_uncompressed_runs(
    truth: Path, wanted: dict[str, object], tmp_path: Path
) -> None:
    by_frame = {
        (entry["video_id"], entry["frame_index"]): entry["segmentation"] for entry in entries()[:2]
    }
    last = [entry["segmentation"] for entry in entries() if entry["frame_index"] == 4]
    tracks = [
        {
            "video_id": "a",
            "segmentations": [by_frame["a", 0], None, by_frame["a", 2], None, last[0]],
        },
        {"video_id": "a", "segmentations": [None, None, None, None, last[1]]},
        {
            "video_id": "b",
            "segmentations": [None, {"size": [HEIGHT, WIDTH], "counts": [0, 2, 10, 2, 178]}],
        },
    ]
    write_json(tmp_path / "tracks.json", tracks)
    assert scores(truth, tmp_path / "tracks.json") == wanted


def test_sav_files_say_the_same(tmp_path: Path, write_pngs: WritePngs) -> None:
    truth = write_pngs(
        tmp_path / "truth", {"a/00000.png": labels((1, 1, 5, 5)), "a/00004.png": labels()}
    )
    rles = [
        [{"size": [HEIGHT, WIDTH], "counts": encode(mask[None])[0]}]
        for mask in (labels((1, 1, 5, 5)), labels())
    ]
    content = {"video_id": "a", "masklet_id": [0], "masklet": rles, "video_frame_count": 8.0}
    write_json(tmp_path / "sav" / "a_manual.json", content)
    found = evaluate(truth, tmp_path / "sav")
    assert found.scores.broken["jf"].value == 1


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def test_soft_masks_and_scores_give_auc_and_ap(
    truth: Path, tmp_path: Path, write_pngs: WritePngs
) -> None:
    soft = {name: np.where(mask > 0, 200, 10).astype(np.uint8) for name, mask in PRED.items()}
    found = evaluate(truth, write_pngs(tmp_path / "soft", soft), values="soft")
    assert found.scores.auc == 0.5  # both videos have a certain pixel somewhere
    assert found.scores.pixel_ap is not None
    assert 0 < found.scores.pixel_ap < 1
    write_json(
        tmp_path / "scores.json",
        [entry | {"score": 0.9 if entry["video_id"] == "a" else 0.1} for entry in entries()],
    )
    assert evaluate(truth, tmp_path / "scores.json").scores.auc == 1
    assert evaluate(truth, tmp_path / "soft", values="soft").scores.broken["jf"].value is not None


# --- What can be wrong ----------------------------------------------------------------------------


def problems(truth: Path, predictions: Path, **options: object) -> list[str]:
    """Lines of the report, paths relative to the test's folder."""
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, predictions, **options)  # type: ignore[arg-type]
    return str(error.value).replace(f"{predictions.parent}/", "").splitlines()


def damaged() -> bytes:
    import io

    file = io.BytesIO()
    Image.fromarray(labels((1, 1, 9, 9))).save(file, "PNG")
    return file.getvalue()[:-20]


def test_everything_wrong_stands_in_one_report(
    truth: Path, tmp_path: Path, write_pngs: WritePngs
) -> None:
    files = dict(PRED) | {
        "a/00000.png": np.zeros((HEIGHT, WIDTH + 1), np.uint8),
        "a/00002.png": damaged(),
        "a/00009.png": labels(),
        "b/00000.png": palette(labels((0, 0, 2, 2), value=255)),
        "b/00001.png": labels((0, 0, 2, 2), value=9),
        "b/note.txt": b"hello",
        "c/00000.png": labels(),
    }
    del files["a/00004.png"]
    assert problems(truth, write_pngs(tmp_path / "pred", files)) == [
        "pred: 8 problems in the predictions, nothing was scored",
        "pred/a/00000.png: 12x17 pixels (height x width), the truth has 12x16; predict at the size "
        "of the video",
        "pred/a/00002.png: a damaged PNG; export or copy this mask again",
        "pred/b/00000.png: has value 255, which looks void; write 0 there if it is background, 1 "
        "if it is marked",
        "pred/b/00001.png: not binary: grey values 9; wanted 0 and 1, or 0 and 255 (--values ids "
        "or soft if they are that)",
        "pred/b/note.txt: not a mask; wanted {frame}.png, such as 00017.png for frame 17 (from 0)",
        "pred/c: the truth has no video c; remove it, or check its name",
        "video a: frames 9 are predicted, the truth ends at frame 4; remove them",
        "video a: no prediction for frames 4; predict it, or count it as empty with --missing "
        "empty",
    ]


def test_255_beside_ids_looks_void(truth: Path, tmp_path: Path, write_pngs: WritePngs) -> None:
    mixed = labels((0, 0, 2, 2)) + labels((4, 4, 6, 6), value=255)
    files = dict(PRED) | {"b/00000.png": mixed}
    what = (
        "has value 255 beside 1, which looks void; write 0 there if it is background, 1 if it "
        "is marked"
    )
    assert problems(truth, write_pngs(tmp_path / "pred", files))[1:] == [
        f"pred/b/00000.png: {what}"
    ]


def test_a_video_that_is_missing_is_empty_only_when_asked(
    truth: Path, tmp_path: Path, write_pngs: WritePngs
) -> None:
    pred = write_pngs(
        tmp_path / "pred", {name: mask for name, mask in PRED.items() if name.startswith("b")}
    )
    assert problems(truth, pred) == [
        "pred: 1 problem in the predictions, nothing was scored",
        "video a: no prediction at all, wanted 3 frames; predict it, or count it as empty with "
        "--missing empty",
    ]
    found = evaluate(truth, pred, missing="empty")
    assert found.scores.broken["jf"].value == pytest.approx(1 / 3)
    assert found.options["missing"] == "empty"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            {"score": math.nan},
            "results.json video b frame 0: score is nan, wanted a finite number",
        ),
        (
            {"segmentation": {"size": [16, 12], "counts": "4l"}},
            "results.json video b frame 0: 16x12 pixels (height x width), the truth has 12x16; "
            "predict at the size of the video",
        ),
        (
            {"segmentation": {"size": [12, 16], "counts": "5"}},
            "results.json video b frame 0: the runs sum to 5, wanted 192 = 12 x 16 pixels. Check "
            "that height and width are those of the mask, in this order, and encode it again if "
            "they are.",
        ),
        (
            {"segmentation": [[0, 0, 1, 1]]},
            "results.json [4] frame 0: segmentation is [[0, 0, 1, 1]], wanted {size: [height, "
            "width], counts}: an RLE, not polygons",
        ),
        (
            {"frame_index": -1},
            "results.json [4]: frame_index is -1, wanted a whole number from 0",
        ),
    ],
)
def test_json_that_is_wrong(
    change: dict[str, object], wanted: str, truth: Path, tmp_path: Path
) -> None:
    found = entries()
    found[4] |= change
    write_json(tmp_path / "results.json", found)
    assert wanted in problems(truth, tmp_path / "results.json")


def test_parquet_that_is_wrong(truth: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"video_id": ["a"], "counts": ["0"]}), tmp_path / "pred.parquet")
    assert problems(truth, tmp_path / "pred.parquet", missing="empty")[1:] == [
        "pred.parquet: has the columns video_id, counts, lacks frame_index"
    ]
    rows = [{"video_id": "a", "frame_index": 0, "counts": None, "score": 0.5}]
    schema = pa.schema(
        {
            "video_id": pa.string(),
            "frame_index": pa.int32(),
            "counts": pa.string(),
            "score": pa.float32(),
        }
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "pred.parquet")
    what = "video_id is 'a', counts None; wanted text and a COCO RLE string"
    assert problems(truth, tmp_path / "pred.parquet", missing="empty")[1:] == [
        f"pred.parquet row 0: {what}"
    ]
    (tmp_path / "pred.parquet").write_bytes(b"PAR1")
    assert problems(truth, tmp_path / "pred.parquet", missing="empty")[1].startswith(
        "pred.parquet: not a Parquet file that can be read, from row 0 on ("
    )


def test_a_compressed_or_broken_tar(truth: Path, tmp_path: Path, write_pngs: WritePngs) -> None:
    folder = write_pngs(tmp_path / "files", PRED)
    with tarfile.open(tmp_path / "pred.tar", "w:gz") as tar:
        tar.add(folder, ".")
    lines = problems(truth, tmp_path / "pred.tar", missing="empty")
    assert lines[1].startswith("pred.tar: not a readable, uncompressed tar (")
    assert lines[1].endswith("; pack it again")


def test_nothing_to_read(truth: Path, tmp_path: Path) -> None:
    forms = f"wanted one of these: {'; '.join(form.what for form in known_formats())}"
    (tmp_path / "empty").mkdir()
    (tmp_path / "masks.zip").write_bytes(b"")
    assert problems(truth, tmp_path / "nowhere") == [
        f"{tmp_path / 'nowhere'}: no such file or folder; {forms}".replace(f"{tmp_path}/", "")
    ]
    assert problems(truth, tmp_path / "empty") == [
        f"empty: not a prediction that can be read; {forms}"
    ]
    assert problems(truth, tmp_path / "masks.zip") == [
        f"masks.zip: not a prediction that can be read; {forms}"
    ]


def test_a_truth_without_videos(tmp_path: Path, write_pngs: WritePngs) -> None:
    (tmp_path / "truth").mkdir()
    pred = write_pngs(tmp_path / "pred", PRED)
    with pytest.raises(EvaluationError) as error:
        evaluate(tmp_path / "truth", pred)
    assert str(error.value).splitlines() == [
        f"{tmp_path / 'truth'}: cannot be read as an annotation",
        ".: no release, no raw layout, and no folder of PNG masks per video",
    ]


def test_skip_ends_of_two_frames_leaves_nothing(
    truth: Path, tmp_path: Path, write_pngs: WritePngs
) -> None:
    pred = write_pngs(tmp_path / "pred", PRED)
    assert problems(truth, pred, skip_ends=True)[1:] == [
        "video b: 2 annotated frames, none without the first and last; wanted at least one to score"
    ]


def test_folders_of_pngs_are_a_truth_by_the_rule_of_a_build(
    tmp_path: Path, write_pngs: WritePngs
) -> None:
    """What is marked in the files of a video is decided in all of them alike, and a soft mask is
    none of object ids.
    """
    white = {"a/00000.png": labels((0, 0, 2, 2), value=255), "a/00001.png": labels()}
    prediction = write_pngs(
        tmp_path / "pred", {"a/00000.png": labels((0, 0, 2, 2)), "a/00001.png": labels()}
    )
    assert (
        evaluate(write_pngs(tmp_path / "white", white), prediction).to_dict()["broken"]["jf"][
            "value"
        ]
        == 1.0
    )
    mixed = write_pngs(tmp_path / "mixed", white | {"a/00001.png": labels((0, 0, 2, 2), value=3)})
    with pytest.raises(RawError) as caught:
        evaluate(mixed, prediction)
    assert str(caught.value) == (
        f"{mixed}/a: 255 in 00000.png, other object ids in 00001.png; wanted ids, or 0 and 255 "
        "alone: write the masks as one of the two"
    )
    ramp = np.arange(1, 13 * 16 - 15, dtype=np.uint8).reshape(12, 16) % 250
    soft = write_pngs(tmp_path / "soft", {"a/00000.png": ramp, "a/00001.png": labels()})
    with pytest.raises(RawError) as caught:
        evaluate(soft, prediction)
    assert "a soft mask?" in str(caught.value)
