"""Objects on their own: TrackEval's scores of real masks, a video with two objects by hand, every
form that tells objects apart.
"""

import csv
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy.optimize import linear_sum_assignment
from typer.testing import CliRunner

from brokenvideos.masks import encode
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.evaluation import EvaluationError, evaluate, evaluation_report
from brokenvideos.tools.evaluation.protocol import best_assignment

WritePngs = Callable[[Path, Mapping[str, object]], Path]
REFERENCE = Path(__file__).parent / "trackeval_davis.csv"
"""What TrackEval 1.3.0 gives: `trackeval.datasets.DAVIS` and `trackeval.metrics.JAndF`, per
sequence and ("ALL") combined.
"""

COLUMNS = {
    "jf": "J&F",
    "j": "J-Mean",
    "j_recall": "J-Recall",
    "j_decay": "J-Decay",
    "f": "F-Mean",
    "f_recall": "F-Recall",
    "f_decay": "F-Decay",
}
SIDE = 20
BOXES = {1: (slice(2, 6), slice(2, 6)), 2: (slice(12, 14), slice(12, 14))}
"""16 and 4 pixels, too far apart for a boundary of one to match one of the other."""

# The example of docs/evaluation.md: in which frames each object is marked.
IN_TRUTH = {1: range(6), 2: range(3, 6)}
IN_PREDICTION = {1: range(5), 2: (2, 3, 5)}


def labels(marked: Mapping[int, object], frame: int) -> np.ndarray:
    found = np.zeros((SIDE, SIDE), np.uint8)
    for object_id, frames in marked.items():
        if frame in frames:  # type: ignore[operator]
            found[BOXES[object_id]] = object_id
    return found


def palette(values: np.ndarray) -> Image.Image:
    image = Image.fromarray(values, mode="L")
    image.putpalette(bytes(range(255, -1, -1)) * 3)
    return image


@pytest.fixture
def truth(tmp_path: Path, write_pngs: WritePngs) -> Path:
    return write_pngs(
        tmp_path / "truth", {f"v/{t:05d}.png": palette(labels(IN_TRUTH, t)) for t in range(6)}
    )


@pytest.fixture
def prediction(tmp_path: Path, write_pngs: WritePngs) -> Path:
    return write_pngs(
        tmp_path / "pred", {f"v/{t:05d}.png": palette(labels(IN_PREDICTION, t)) for t in range(6)}
    )


BY_HAND = {
    # Frames 0 to 5. Object 1: 1 1 1 1 1 0. Object 2: 1 1 0 1 0 1, for neither is there before frame
    # 2.
    ("davis", False): ([5 / 6, 4 / 6], [6, 6]),
    # Frames 1 to 4.
    ("davis", True): ([4 / 4, 2 / 4], [4, 4]),
    # Frames 1 to 4; object 2 is first seen in frame 2, by the prediction: 0 1 0. vos-benchmark
    # 0.1.0 says 100 and 33.3 too.
    ("sav", False): ([4 / 4, 1 / 3], [4, 3]),
    ("sav", True): ([4 / 4, 1 / 3], [4, 3]),
    # Object 1 from frame 1 on: 1 1 1 1 0. Object 2 is given in frame 3: 0 1.
    ("ytvos", False): ([4 / 5, 1 / 2], [5, 2]),
    ("ytvos", True): ([4 / 4, 0 / 1], [4, 1]),
}


@pytest.mark.parametrize(("protocol", "skip_ends"), BY_HAND)
def test_two_objects_by_hand(protocol: str, skip_ends: bool, truth: Path, prediction: Path) -> None:
    scores, frames = BY_HAND[protocol, skip_ends]
    found = evaluate(
        truth, prediction, protocol=protocol, skip_ends=skip_ends, floors=False
    ).to_dict()["per_object"]  # type: ignore[arg-type]
    assert (found["protocol"], found["n_objects"], found["n_videos"]) == (protocol, 2, 1)
    for name in ("jf", "j", "f"):
        assert [one[name] for one in found["objects"]] == pytest.approx(scores)
        assert found[name] == pytest.approx(np.mean(scores))
    assert [one["frames"] for one in found["objects"]] == frames
    assert [one["predicted_id"] for one in found["objects"]] == [1, 2]


def test_the_default_counts_objects_together_and_says_nothing_of_them(
    truth: Path, prediction: Path
) -> None:
    plain, apart = evaluate(truth, prediction), evaluate(truth, prediction, protocol="sav")
    # As in docs/evaluation.md: 1 1 16/20 1 16/20 4/20.
    assert plain.scores.broken["j"].value == pytest.approx(4.8 / 6)
    assert plain.to_dict()["per_object"] is None
    assert "own (protocol" not in plain.table()
    assert apart.scores == plain.scores
    assert apart.table().splitlines()[-1] == (
        "Every object on its own (protocol sav): J&F 0.667, J 0.667, F 0.667, J recall 0.667, F "
        "recall 0.667 of 2 objects in 1 video."
    )
    facts, said = evaluation_report(apart).sections[0].parts
    assert said.text == apart.table().splitlines()[-1]  # type: ignore[union-attr]
    assert ("Options", "protocol=sav") in facts.items  # type: ignore[union-attr]
    assert len(evaluation_report(plain).sections[0].parts) == 1


def test_davis_takes_the_best_partner_whatever_its_id_and_the_others_go_by_id(
    truth: Path, tmp_path: Path, write_pngs: WritePngs
) -> None:
    swapped = {1: IN_PREDICTION[2], 2: IN_PREDICTION[1]}
    files = {}
    for t in range(6):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for object_id, frames in swapped.items():
            if t in frames:  # type: ignore[operator]
                mask[BOXES[3 - object_id]] = object_id
        files[f"v/{t:05d}.png"] = palette(mask)
    pred = write_pngs(tmp_path / "swapped", files)
    by_best = evaluate(truth, pred, protocol="davis", floors=False).to_dict()["per_object"]
    assert [one["predicted_id"] for one in by_best["objects"]] == [2, 1]
    assert by_best["j"] == pytest.approx((5 / 6 + 4 / 6) / 2)
    by_id = evaluate(truth, pred, protocol="sav", floors=False).to_dict()["per_object"]
    assert [one["j"] for one in by_id["objects"]] == [0, 0]


def test_an_object_without_partner_is_scored_against_nothing(
    truth: Path, tmp_path: Path, write_pngs: WritePngs
) -> None:
    pred = write_pngs(
        tmp_path / "one", {f"v/{t:05d}.png": palette(labels({1: range(6)}, t)) for t in range(6)}
    )
    found = evaluate(truth, pred, protocol="davis", floors=False).to_dict()["per_object"]
    # Object 2 is not there in half of the frames, and so is the empty mask.
    assert [(one["predicted_id"], one["j"]) for one in found["objects"]] == [(1, 1.0), (None, 0.5)]
    nothing = evaluate(truth, pred, protocol="ytvos", floors=False).to_dict()["per_object"]
    assert [(one["predicted_id"], one["j"]) for one in nothing["objects"]] == [
        (1, 1.0),
        (None, 0.0),
    ]


def test_objects_of_no_scored_frame_are_listed_and_normal_videos_have_none(
    tmp_path: Path, write_pngs: WritePngs
) -> None:
    # Object 1 is in the last frame only, so that sav leaves it out with the ends, and ytvos has no
    # frame after its first.
    files: dict[str, object] = {f"v/{t:05d}.png": palette(labels({1: (3,)}, t)) for t in range(4)}
    files |= {f"normal/{t:05d}.png": palette(labels({}, t)) for t in range(4)}
    truth = write_pngs(tmp_path / "truth", files)
    for protocol in ("sav", "ytvos"):
        found = evaluate(truth, truth, protocol=protocol, floors=False)  # type: ignore[arg-type]
        assert found.objects is not None
        assert found.to_dict()["per_object"]["left_out"] == [{"video_id": "v", "object_id": 1}]
        assert found.objects.line() == (
            f"Every object on its own (protocol {protocol}): no score of 0 objects in 0 videos; 1 "
            "without a frame to score."
        )


def rles(marked: Mapping[int, object]) -> list[tuple[int, int, dict[str, object]]]:
    """(frame, object, RLE) of every mask."""
    return [
        (
            t,
            object_id,
            {"size": [SIDE, SIDE], "counts": encode((labels(marked, t) == object_id)[None])[0]},
        )
        for object_id, frames in marked.items()
        for t in frames  # type: ignore[attr-defined]
    ]


def test_every_form_that_tells_objects_apart_says_the_same(
    truth: Path, prediction: Path, tmp_path: Path, write_pngs: WritePngs
) -> None:
    masks = rles(IN_PREDICTION)
    listed = [
        {"video_id": "v", "frame_index": t, "segmentation": rle, "object_id": object_id}
        for t, object_id, rle in masks
    ]
    tracks = [
        {
            "video_id": "v",
            "segmentations": [
                next((rle for t, k, rle in masks if (t, k) == (f, object_id)), None)
                for f in range(6)
            ],
        }
        for object_id in IN_PREDICTION
    ]
    (tmp_path / "list.json").write_text(json.dumps(listed))
    (tmp_path / "tracks.json").write_text(json.dumps(tracks))
    rows = [
        {"video_id": "v", "frame_index": t, "counts": rle["counts"], "object_id": k}
        for t, k, rle in masks
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    with tarfile.open(tmp_path / "p.tar", "w") as tar:
        tar.add(prediction, "p")
    # A folder 0 is object 1, as where such folders are read as annotations.
    folders = write_pngs(
        tmp_path / "folders",
        {
            f"v/{k - 1:03d}/{t:05d}.png": (labels({k: frames}, t) > 0).astype(np.uint8) * 255
            for k, frames in IN_PREDICTION.items()
            for t in range(6)
        },
    )
    wanted = evaluate(truth, prediction, protocol="sav", floors=False).to_dict()["per_object"]
    for path in (
        tmp_path / "list.json",
        tmp_path / "tracks.json",
        tmp_path / "p.parquet",
        tmp_path / "p.tar",
        folders,
    ):
        found = evaluate(truth, path, protocol="sav", missing="empty", floors=False).to_dict()[
            "per_object"
        ]
        assert found == wanted, path


def test_masks_that_tell_no_objects_apart_are_refused(truth: Path, tmp_path: Path) -> None:
    listed = [
        {"video_id": "v", "frame_index": t, "segmentation": rle}
        for t, _, rle in rles(IN_PREDICTION)
    ]
    (tmp_path / "list.json").write_text(json.dumps(listed))
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, tmp_path / "list.json", missing="empty", protocol="ytvos")
    assert str(error.value).splitlines() == [
        f"{tmp_path / 'list.json'}: 1 problem in the predictions, nothing was scored",
        "video v: its prediction does not distinguish objects, which --protocol ytvos needs; give "
        "palette PNGs of object ids, {video_id}/{object}/{frame}.png, tracks, or an object_id for "
        "every mask, or leave the option out",
    ]
    assert evaluate(truth, tmp_path / "list.json", missing="empty", floors=False).scores.broken[
        "j"
    ].value == (pytest.approx(4.8 / 6))


def test_a_release_against_its_raw_folder_is_perfect_object_by_object(
    release: Path, raw: Path
) -> None:
    found = evaluate(release, raw, protocol="davis", floors=False).objects
    assert found is not None
    assert found.means["jf"] == 1
    assert all(one.predicted_id == one.object_id for one in found.objects)
    assert found.num_videos == 6


def test_the_command(truth: Path, prediction: Path, tmp_path: Path) -> None:
    def run(*options: str) -> str:
        done = CliRunner().invoke(
            app, ["evaluate", str(truth), str(prediction), "--no-floors", *options]
        )
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()[-1]

    assert run("--per-object").startswith("Every object on its own (protocol davis): J&F 0.750, ")
    assert run("--protocol", "ytvos", "-o", str(tmp_path / "o.json")).startswith(
        "Every object on its own (protocol ytvos): J&F 0.650"
    )
    content = json.loads((tmp_path / "o.json").read_text())
    assert (content["options"]["protocol"], content["per_object"]["protocol"]) == ("ytvos", "ytvos")
    refused = CliRunner().invoke(
        app, ["evaluate", "x", "y", "--protocol", "mots"], env={"COLUMNS": "200"}
    )
    assert refused.exit_code == 2
    assert "'mots' is not one of 'davis', 'sav', 'ytvos'" in refused.output


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (3, 7), (8, 8), (20, 20)])
def test_the_best_assignment_is_scipys(shape: tuple[int, int]) -> None:
    stream = np.random.default_rng(shape)
    for _ in range(20):
        scores = stream.random(shape) * (stream.random(shape) < 0.6)
        found = best_assignment(scores)
        assert len(set(found)) == shape[0]
        rows, columns = linear_sum_assignment(-scores)
        assert scores[range(shape[0]), found].sum() == pytest.approx(
            scores[rows, columns].sum(), abs=1e-12
        )


def check_trackeval(
    real_data: Path, folder: Path, truth: str, predictions: str, names: list[str]
) -> None:
    with REFERENCE.open(newline="") as file:
        rows = {row["sequence"]: row for row in csv.DictReader(file) if row["truth"] == truth}
    for name in names:
        for method in (truth, predictions):
            shutil.copytree(real_data / "davis" / method / name, folder / method / name)
    found = evaluate(folder / truth, folder / predictions, protocol="davis", floors=False).objects
    assert found is not None
    for name in names:
        own = [one.to_dict() for one in found.objects if one.video_id == name]
        assert len(own) == int(rows[name]["num_gt_tracks"])
        for metric, column in COLUMNS.items():
            assert np.mean([one[metric] for one in own]) == pytest.approx(
                float(rows[name][column]), abs=1e-6
            ), (
                name,
                metric,
            )
    if len(names) == len(rows) - 1:
        for metric, column in COLUMNS.items():
            assert found.means[metric] == pytest.approx(float(rows["ALL"][column]), abs=1e-6)


def test_equal_to_trackeval_on_a_sequence(real_data: Path, tmp_path: Path) -> None:
    check_trackeval(real_data, tmp_path, "osvos", "rvos", ["shooting"])


@pytest.mark.slow
@pytest.mark.parametrize(("truth", "predictions"), [("osvos", "rvos"), ("rvos", "osvos")])
def test_equal_to_trackeval_on_every_sequence(
    truth: str, predictions: str, real_data: Path, tmp_path: Path
) -> None:
    names = sorted(path.name for path in (real_data / "davis" / truth).iterdir())
    check_trackeval(real_data, tmp_path, truth, predictions, names)
