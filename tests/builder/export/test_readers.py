"""Exports as other people's readers read them."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

import brokenvideos
from brokenvideos.builder.export import ExportOptions, export
from brokenvideos.frames import iter_frames
from tests.builder.export.rows_in import rows_of
from tests.outside import environment

# of pycocotools
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
Masks = dict[tuple[str, int, int], np.ndarray]
"""(video_id, frame_index, object_id) → bitmap."""


@pytest.fixture(scope="session")
def masks(overlapping: Path) -> Masks:
    """What an export must hold."""
    found = {}
    for video_id, (_, row) in rows_of(overlapping).items():
        bitmaps = brokenvideos.decode_masks(row, by="object")
        for object_id, frame in zip(
            row["masks"]["object_id"], row["masks"]["frame_index"], strict=True
        ):
            found[video_id, frame, object_id] = bitmaps[
                frame, row["objects"]["object_id"].index(object_id)
            ]
    assert len(found) == 5
    return found


@pytest.fixture(scope="session")
def exported(overlapping: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Exports once a layout and options."""
    made: dict[Any, Path] = {}

    def folder(layout: str, **options: str) -> Path:
        key = (layout, *options.items())
        if key not in made:
            made[key] = tmp_path_factory.mktemp("exported") / "folder"
            export(overlapping, made[key], layout=layout, options=ExportOptions(**options))
        return made[key]

    return folder


def assert_equal(found: Masks, wanted: Masks) -> None:
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[key], wanted[key]) for key in wanted)


def place_of(file_name: str) -> tuple[str, int]:
    video_id, _, name = file_name.rpartition("/")
    return video_id, int(Path(name).stem)


def assert_tight(bbox: list[float], area: float, bitmap: np.ndarray) -> None:
    rows, columns = np.nonzero(bitmap)
    assert bbox == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert area == bitmap.sum()


@pytest.mark.parametrize("counts", ["list", "string"])
def test_coco_as_pycocotools_reads_it(exported, masks: Masks, counts: str) -> None:
    folder = exported("coco", counts=counts)
    coco = COCO(folder / "instances.json")
    found = {}
    for image in coco.loadImgs(coco.getImgIds()):
        assert (folder / "JPEGImages" / image["file_name"]).is_file()
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
            key = (*place_of(image["file_name"]), annotation["object_id"])
            found[key] = coco.annToMask(annotation)
            assert_tight(annotation["bbox"], annotation["area"], found[key])
            assert annotation["iscrowd"] == 0
    assert_equal(found, masks)
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == [
        "motion",
        "deformation",
        "blur",
        "artifact",
    ]
    # Images without a mask are there too: somebody looked at them.
    assert len(coco.getImgIds()) == 3 + 2 + 9 + 2


def test_coco_as_supervision_reads_it(exported, masks: Masks) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import supervision
    folder = exported("coco", frames="png")
    dataset = supervision.DetectionDataset.from_coco(
        images_directory_path=str(folder / "JPEGImages"),
        annotations_path=str(folder / "instances.json"),
        force_masks=True,
    )
    assert len(dataset) == 16
    annotations = {
        (image["file_name"]): [
            a for a in read(folder)["annotations"] if a["image_id"] == image["id"]
        ]
        for image in read(folder)["images"]
    }
    found = {}
    for path, picture, detections in dataset:
        name = Path(path).relative_to(folder / "JPEGImages").as_posix()
        assert picture.shape == (16, 24, 3)
        for annotation, mask, class_id in zip(
            annotations[name],
            detections.mask if len(detections) else [],
            detections.class_id,
            strict=True,
        ):
            found[(*place_of(name), annotation["object_id"])] = mask
            assert (
                dataset.classes[class_id]
                == ["motion", "deformation", "blur", "artifact"][annotation["category_id"] - 1]
            )
    assert_equal(found, masks)


def read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "instances.json").read_text())
    return content


def mask2former_records(folder: Path) -> list[dict[str, Any]]:
    """What load_ytvis_json of Mask2Former keeps: a frame's annotation counts only with a box and a
    segmentation.
    """
    content = read(folder)
    records = []
    for video in content["videos"]:
        tracks = [track for track in content["annotations"] if track["video_id"] == video["id"]]
        frames: list[list[dict[str, Any]]] = []
        for place in range(video["length"]):
            frames.append([])
            for track in tracks:
                boxes, segmentations = track.get("bboxes"), track.get("segmentations")
                if not (boxes and segmentations and boxes[place] and segmentations[place]):
                    continue
                segmentation = segmentations[place]
                if isinstance(segmentation["counts"], list):
                    segmentation = coco_masks.frPyObjects(segmentation, *segmentation["size"])
                frames[-1].append(
                    {"track": track, "place": place, "bbox": boxes[place], "rle": segmentation}
                )
        names = [
            folder / "JPEGImages" / video["file_names"][place] for place in range(video["length"])
        ]
        records.append({"file_names": names, "names": video["file_names"], "annotations": frames})
    return records


@pytest.mark.parametrize(
    "options", [{"frames": "png"}, {"frames": "jpg", "counts": "string"}], ids=str
)
def test_youtube_vis_by_the_rules_of_mask2former(
    exported, masks: Masks, options: dict[str, str]
) -> None:
    found = {}
    for record in mask2former_records(exported("ytvis", **options)):
        assert all(name.is_file() for name in record["file_names"])
        assert {name.suffix for name in record["file_names"]} == {f".{options['frames']}"}
        for name, annotations in zip(record["names"], record["annotations"], strict=True):
            for annotation in annotations:
                key = (*place_of(name), annotation["track"]["object_id"])
                found[key] = coco_masks.decode(annotation["rle"])
                assert_tight(
                    annotation["bbox"],
                    annotation["track"]["areas"][annotation["place"]],
                    found[key],
                )
    assert_equal(found, masks)


def test_youtube_vis_has_what_trackeval_asks_for(exported) -> None:
    content = read(exported("ytvis", frames="png"))
    assert [c["id"] for c in content["categories"]] == [1, 2, 3, 4]
    videos = {video["id"]: video for video in content["videos"]}
    assert len(content["annotations"]) == 4
    for track in content["annotations"]:
        video = videos[track["video_id"]]
        assert [track[key] for key in ("height", "width", "length")] == [
            video[k] for k in ("height", "width", "length")
        ]
        lists = [track["segmentations"], track["areas"], track["bboxes"]]
        assert {len(entries) for entries in lists} == {len(video["file_names"])}
        for segmentation, area, box in zip(*lists, strict=True):
            assert (segmentation is None) == (area is None) == (box is None)
            assert segmentation is None or isinstance(segmentation["counts"], list)


TRACKEVAL = """
import json, sys
from pathlib import Path
from pycocotools import mask as masks
import trackeval
truth, work = Path(sys.argv[1]), Path(sys.argv[2])
content = json.loads(truth.read_text())
results = []
for track in content["annotations"]:
    rles = [rle and masks.frPyObjects(rle, *rle["size"]) for rle in track["segmentations"]]
    rles = [rle and {**rle, "counts": rle["counts"].decode()} for rle in rles]
    results.append({key: track[key] for key in ("video_id", "category_id")} | {"segmentations": rles, "score": 0.9})
for folder, name, entries in (("gt/youtube_vis_all", "truth", content), ("trackers/youtube_vis_all/same/data", "results", results)):
    (work / folder).mkdir(parents=True)
    (work / folder / f"{name}.json").write_text(json.dumps(entries))
quiet = {"PRINT_CONFIG": False}
dataset = trackeval.datasets.YouTubeVIS(
    {"GT_FOLDER": f"{work}/gt/", "TRACKERS_FOLDER": f"{work}/trackers/", "SPLIT_TO_EVAL": "all", **quiet}
)
silent = ("PRINT_RESULTS", "OUTPUT_SUMMARY", "OUTPUT_DETAILED", "PLOT_CURVES", "TIME_PROGRESS")
errors = {"USE_PARALLEL": False, "BREAK_ON_ERROR": True, "LOG_ON_ERROR": None}
evaluator = trackeval.Evaluator({**errors, **dict.fromkeys(silent, False), **quiet})
areas = {"USE_TIME_RANGES": False, "AREA_RANGES": [[0, 128**2], [128**2, 256**2], [256**2, 10**10]]}
metrics = [trackeval.metrics.HOTA(quiet), trackeval.metrics.TrackMAP({**areas, **quiet})]
found = evaluator.evaluate([dataset], metrics)[0]["YouTubeVIS"]["same"]["COMBINED_SEQ"]["cls_comb_det_av"]
print(json.dumps([found["HOTA"]["HOTA"].mean(), float(found["HOTA"]["HOTA_TP"].max()), float(found["TrackMAP"]["AP_all"].mean())]))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # installs what it runs
def test_youtube_vis_as_trackeval_scores_it(release: Path, tmp_path: Path, run_process) -> None:
    report = export(release, tmp_path / "exported", layout="ytvis")
    python = environment(tmp_path / "environment", "trackeval", ours=True)
    truth = tmp_path / "exported" / "instances.json"
    done = run_process([str(python), "-c", TRACKEVAL, str(truth), str(tmp_path / "work")])
    assert done.returncode == 0, done.stderr
    # The truth against itself: every mask is found, and every score is full.
    hota, found, precision = json.loads(done.stdout.splitlines()[-1])
    assert (hota, found) == (pytest.approx(1), report.num_masks)
    assert precision == pytest.approx(1)


@pytest.mark.parametrize("layout", ["ytvis", "coco", "davis", "label-studio", "labelme"])
def test_pictures_are_the_annotated_frames(release: Path, tmp_path: Path, layout: str) -> None:
    export(
        release,
        tmp_path / "folder",
        layout=layout,
        options=ExportOptions(frames="png"),
        split="test",
    )
    rows = {video_id: row for video_id, (split, row) in rows_of(release).items() if split == "test"}
    parent = "annotations" if layout == "labelme" else "JPEGImages"
    for video_id, row in rows.items():
        pictures = sorted((tmp_path / "folder" / parent / video_id).glob("*.png"))
        assert [int(path.stem) for path in pictures] == row["annotated_frames"]
        frames = [rgb for _, rgb in iter_frames(row["video"]["bytes"])]
        for path in pictures:
            with Image.open(path) as picture:
                assert np.array_equal(np.asarray(picture), frames[int(path.stem)])
    assert len(list((tmp_path / "folder" / parent).iterdir())) == len(rows)


def test_a_davis_palette_holds_ids_as_indices_and_the_colours_of_davis(
    release: Path, tmp_path: Path
) -> None:
    export(release, tmp_path / "folder", layout="davis", split="train")
    path = sorted((tmp_path / "folder" / "Annotations").rglob("*.png"))[0]
    with Image.open(path) as image:
        assert image.mode == "P"
        assert image.getpalette()[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]
