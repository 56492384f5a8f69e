"""Forms of predictions as they lie on people's disks."""

import json
import shutil
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder import BuildOptions, build
from brokenvideos.builder.export import export
from brokenvideos.masks import TYPE_NOT_GIVEN, encode
from brokenvideos.tools.agreement import agree
from brokenvideos.tools.evaluation import EvaluationError, evaluate, formats_table
from brokenvideos.tools.evaluation.predictions import (
    Place,
    find_predictions,
    formats_in,
    known_formats,
)
from brokenvideos.tools.evaluation.predictions.formats import FORMATS

WritePngs = Callable[[Path, Mapping[str, object]], Path]


def mask(frame: int, *, value: int = 1, half: int | None = None) -> np.ndarray:
    """uint8[12, 24]: a square that moves; one half of it, or all."""
    found = np.zeros((12, 24), np.uint8)
    found[3:8, frame : frame + 4] = value
    if half is not None:
        found[:, frame + 2 * half : frame + 2 * half + 2] = 0
    return found


FRAMES = range(4)


@pytest.fixture
def truth(tmp_path: Path, write_pngs: WritePngs) -> Path:
    return write_pngs(tmp_path / "truth", {f"v/{frame:05d}.png": mask(frame) for frame in FRAMES})


@pytest.fixture
def pred(tmp_path: Path, write_pngs: WritePngs) -> Path:
    return write_pngs(tmp_path / "pred", {f"v/{frame:05d}.png": mask(frame) for frame in FRAMES})


def jf(truth: Path, predictions: Path, **options: object) -> float | None:
    return evaluate(truth, predictions, floors=False, **options).scores.broken["jf"].value  # type: ignore[arg-type]


def problems(truth: Path, predictions: Path, **options: object) -> list[str]:
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, predictions, floors=False, **options)  # type: ignore[arg-type]
    return [
        line.replace(f"{predictions.parent}/", "") for line in str(error.value).splitlines()[1:]
    ]


def packed(folder: Path, path: Path) -> Path:
    """A tar of a folder's content."""
    with tarfile.open(path, "w") as tar:
        for entry in sorted(folder.iterdir()):
            tar.add(entry, entry.name)
    return path


def both(folder: Path, tmp_path: Path) -> list[Path]:
    """The folder, and a tar of it: they say the same."""
    return [folder, packed(folder, tmp_path / "pred.tar")]


def test_litter_and_notes_are_passed_over(truth: Path, pred: Path, tmp_path: Path) -> None:
    names = [
        "Thumbs.db",
        "desktop.ini",
        "._v",
        ".DS_Store",
        "results.csv",
        "global_results-val.csv",
        "log.txt",
    ]
    names += [
        "v/._00000.png",
        "v/Thumbs.db",
        "v/.hidden.png",
        "__MACOSX/v/._00000.png",
        "PaxHeaders.1/v",
        "@eaDir/v/1.png",
    ]
    for name in names:
        (pred / name).parent.mkdir(exist_ok=True, parents=True)
        (pred / name).write_bytes(b"x")
    for path in both(pred, tmp_path):
        assert jf(truth, path) == 1


def test_a_stranger_among_masks_is_one_problem(truth: Path, pred: Path, tmp_path: Path) -> None:
    (pred / "v" / "00003.png").rename(pred / "v" / "00003.bmp")
    folder, tar = both(pred, tmp_path)
    # The frame that it was meant for is missing because of it, so nothing else is said.
    assert problems(truth, folder) == [
        "pred/v/00003.bmp: not a mask; wanted {frame}.png, such as 00017.png for frame 17 (from 0)"
    ]
    assert problems(truth, tar) == [
        "pred.tar member v/00003.bmp: not a mask; wanted {video_id}/{frame}.png"
    ]


def test_upper_case_suffixes(truth: Path, pred: Path, tmp_path: Path) -> None:
    for path in (pred / "v").iterdir():
        path.rename(path.with_suffix(".PNG"))
    for path in both(pred, tmp_path):
        assert jf(truth, path) == 1
    shutil.copy(tmp_path / "pred.tar", tmp_path / "other.TAR")
    assert jf(truth, tmp_path / "other.TAR") == 1


def test_a_truth_of_masks_passes_over_the_same(truth: Path, pred: Path) -> None:
    for path in (truth / "v").iterdir():
        path.rename(path.with_suffix(".PNG"))
    for name in ("Thumbs.db", "desktop.ini", "._00000.png"):
        (truth / "v" / name).write_bytes(b"x")
    (truth / "__MACOSX").mkdir()
    assert jf(truth, pred) == 1


def test_a_frame_that_is_there_twice(truth: Path, pred: Path, tmp_path: Path) -> None:
    shutil.copy(pred / "v" / "00001.png", pred / "v" / "1.png")
    folder, tar = both(pred, tmp_path)
    assert problems(truth, folder) == ["pred/v/1.png: frame 1 is also pred/v/00001.png; remove one"]
    assert problems(truth, tar) == [
        "pred.tar member v/1.png: frame 1 is also pred.tar member v/00001.png; remove one"
    ]


@pytest.fixture
def objects(tmp_path: Path, write_pngs: WritePngs) -> Path:
    """A folder for each object, as SAM 2 writes them: together they are the truth."""
    files = {
        f"v/{half:03d}/{frame:05d}.png": mask(frame, value=255, half=half)
        for frame in FRAMES
        for half in (0, 1)
    }
    return write_pngs(tmp_path / "objects", files)


def test_objects_in_folders_count_together(truth: Path, objects: Path, tmp_path: Path) -> None:
    for path in both(objects, tmp_path):
        assert jf(truth, path) == 1
    (objects / "v" / "000" / "00002.png").unlink()  # an object that is not in every frame
    Image.fromarray(mask(2)).save(objects / "v" / "001" / "00002.png")
    assert jf(truth, objects) == 1


def test_a_video_whose_name_is_a_number_is_no_object(tmp_path: Path, write_pngs: WritePngs) -> None:
    files = {f"{video:03d}/{frame:05d}.png": mask(frame) for video in (0, 1) for frame in FRAMES}
    truth, pred = write_pngs(tmp_path / "truth", files), write_pngs(tmp_path / "v" / "pred", files)
    with tarfile.open(tmp_path / "pred.tar", "w") as tar:
        tar.add(pred, "v/pred")
    assert jf(truth, tmp_path / "pred.tar") == 1


def test_objects_beside_a_mask_of_all(truth: Path, objects: Path, tmp_path: Path) -> None:
    Image.fromarray(mask(2)).save(objects / "v" / "00002.png")
    folder, tar = both(objects, tmp_path)
    assert problems(truth, folder) == [
        f"objects/v/{half:03d}/00002.png: frame 2 is also objects/v/00002.png; remove one"
        for half in (0, 1)
    ]
    assert len(problems(truth, tar)) == 2


def test_a_broken_object_is_named(truth: Path, objects: Path) -> None:
    (objects / "v" / "001" / "00002.png").write_bytes(b"")
    assert problems(truth, objects) == [
        "objects/v/001/00002.png: not a PNG file; export this mask again as 8-bit grey or palette "
        "PNG"
    ]


def test_a_raw_folder_of_any_layout(raw: Path, release: Path, tmp_path: Path) -> None:
    """What agree reads, evaluate reads."""
    own = jf(release, raw)
    assert own == 1
    ben = tmp_path / "ben"  # the layout of an annotator: no videos.jsonl
    shutil.copytree(raw / "masks", ben / "masks")
    shutil.copytree(raw / "videos", ben / "videos")
    for name in sorted(path.stem for path in (ben / "videos").iterdir()):
        (ben / "masks" / name).mkdir(exist_ok=True)
        if not any((ben / "masks" / name).iterdir()):
            Image.fromarray(np.zeros((48, 64), np.uint8)).save(ben / "masks" / name / "00000.png")
    found = evaluate(release, ben, missing="empty", floors=False)
    assert found.scores.broken["jf"].value == 1
    assert agree([release, ben]).pairs[0].active_jf.value == 1


@pytest.mark.parametrize("layout", ["coco", "ytvis"])
def test_an_export_without_its_videos(release: Path, tmp_path: Path, layout: str) -> None:
    """A videos.jsonl lies beside, and lists videos that are not there."""
    export(release, tmp_path / "out", layout=layout)
    assert (tmp_path / "out" / "videos.jsonl").is_file()
    assert not (tmp_path / "out" / "videos").exists()
    assert find_predictions(tmp_path / "out").kind == layout
    assert jf(release, tmp_path / "out") == 1


def test_names_that_nobody_needs_are_refused(truth: Path, pred: Path, tmp_path: Path) -> None:
    names = tmp_path / "instances.json"
    names.write_text('{"videos": [{"id": 1, "name": "v"}]}')
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, pred, names=names)
    assert str(error.value) == (
        f"{names}: not needed: {pred} is read as png and names its videos itself; leave --names out"
    )


def test_a_release_without_types_is_scored(raw: Path, tmp_path: Path) -> None:
    source = next(iter(sorted((raw / "masks").iterdir())))
    shutil.copytree(source, tmp_path / "raw" / "masks" / source.name)
    (tmp_path / "raw" / "videos").mkdir()
    shutil.copy(raw / "videos" / f"{source.name}.mp4", tmp_path / "raw" / "videos")
    build(tmp_path / "raw", tmp_path / "release", BuildOptions(artifact_type="not-given"))
    found = evaluate(tmp_path / "release", tmp_path / "raw", floors=False)
    assert (found.scores.broken["jf"].value, found.videos[0].artifact_types) == (
        1,
        (TYPE_NOT_GIVEN,),
    )
    named = {
        cell.artifact_type: cell
        for cell in found.breakdown
        if cell.generator is None and cell.split is None
    }
    assert named.keys() == {None, "type not given"}
    assert (named["type not given"].n, named["type not given"].scores["jf"]) == (1, 1)


def test_masks_beside_no_video_are_pngs(truth: Path, pred: Path) -> None:
    for name in ("masks", "Annotations", "Annotations/480p"):
        home = pred.parent / name.replace("/", "-") / name
        shutil.copytree(pred, home)
        assert jf(truth, pred.parent / name.replace("/", "-")) == 1


def test_links_in_tars_are_refused(truth: Path, pred: Path, tmp_path: Path) -> None:
    (pred / "v" / "00003.png").unlink()
    (pred / "v" / "00003.png").hardlink_to(pred / "v" / "00002.png")
    lines = problems(truth, packed(pred, tmp_path / "pred.tar"))
    assert len(lines) == 1
    assert "is a link; pack the files themselves" in lines[0]


@pytest.mark.parametrize("cut", [100, 600, 1500, 3000])
def test_a_tar_that_is_cut_is_one_problem(
    cut: int, truth: Path, pred: Path, tmp_path: Path
) -> None:
    path = packed(pred, tmp_path / "pred.tar")
    path.write_bytes(path.read_bytes()[:cut])
    lines = problems(truth, path)
    assert len(lines) == 1
    assert lines[0].startswith("pred.tar: not a readable, uncompressed tar (")


def test_a_name_that_differs_in_case_is_one_problem(truth: Path, pred: Path) -> None:
    (pred / "v").rename(pred / "V")
    assert problems(truth, pred) == ["pred/V: the truth has no video V, but a video v; rename it"]


RUNS = [
    [[39, 4, 8, 4, 233]],
    [[39, 0, 0, 4, 8, 4, 233]],
    [[0, 0, 39, 2, 0, 2, 8, 4, 233]],
    [[39, 4, 8, 4, 233, 0]],
    [[0, 0, 0, 0, 39, 4, 8, 4, 233]],
]


@pytest.mark.parametrize("runs", [found[0] for found in RUNS])
def test_runs_of_no_pixel_say_nothing(
    runs: list[int], tmp_path: Path, write_pngs: WritePngs
) -> None:
    wanted = np.zeros(288, np.uint8)
    position = 0
    for number, length in enumerate(runs):
        wanted[position : position + length] = number % 2
        position += length
    truth = write_pngs(tmp_path / "truth", {"v/00000.png": wanted.reshape(24, 12).T.copy()})
    entry = {"video_id": "v", "frame_index": 0, "segmentation": {"size": [12, 24], "counts": runs}}
    (tmp_path / "pred.json").write_text(json.dumps([entry]))
    assert jf(truth, tmp_path / "pred.json") == 1


def test_runs_that_begin_with_the_mask(tmp_path: Path, write_pngs: WritePngs) -> None:
    truth = write_pngs(tmp_path / "truth", {"v/00000.png": np.ones((12, 24), np.uint8)})
    entry = {
        "video_id": "v",
        "frame_index": 0,
        "segmentation": {"size": [12, 24], "counts": [0, 100, 0, 188, 0]},
    }
    (tmp_path / "pred.json").write_text(json.dumps([entry]))
    assert jf(truth, tmp_path / "pred.json") == 1


BAD_RUNS = [
    (
        [100, -5, 193],
        "run length counts[1] is -5; wanted whole numbers from 0 that sum to 288 = 12 x 24 pixels",
    ),
    (
        [100.7, 187.3],
        "run length counts[0] is 100.7; wanted whole numbers from 0 that sum to 288 = 12 x 24 "
        "pixels",
    ),
    ([], "counts is an empty list; wanted whole numbers from 0 that sum to 288 = 12 x 24 pixels"),
    (
        [100, 100],
        "the run lengths sum to 200; wanted whole numbers from 0 that sum to 288 = 12 x 24 pixels",
    ),
    (
        [2**70],
        f"run length counts[0] is {2**70}; wanted whole numbers from 0 that sum to 288 = 12 x 24 "
        "pixels",
    ),
    (
        [True, 287],
        "run length counts[0] is True; wanted whole numbers from 0 that sum to 288 = 12 x 24 "
        "pixels",
    ),
    (None, "counts is None, wanted a COCO RLE string or a list of run lengths"),
]


@pytest.mark.parametrize(("counts", "wanted"), BAD_RUNS)
def test_counts_that_are_no_mask(counts: object, wanted: str, truth: Path, tmp_path: Path) -> None:
    entry = {
        "video_id": "v",
        "frame_index": 0,
        "segmentation": {"size": [12, 24], "counts": counts},
    }
    (tmp_path / "pred.json").write_text(json.dumps([entry]))
    assert problems(truth, tmp_path / "pred.json", missing="empty") == [
        f"pred.json [0] frame 0: {wanted}"
    ]


BAD_FILES = [
    (
        {"videos": [], "annotations": None},
        ["annotations: is None, wanted a list with an object for each mask"],
    ),
    ({"images": []}, ["annotations: is not there, wanted a list with an object for each mask"]),
    (
        {"images": ["v/0.png"], "annotations": []},
        ["images[0]: is 'v/0.png', wanted an object with id and file_name"],
    ),
    ({"videos": 3, "annotations": []}, ["videos: is 3, wanted a list of objects"]),
    (
        [{"video_id": ["v"], "frame_index": 0}],
        ["[0]: video_id is ['v'], wanted text that is the name of a video"],
    ),
    (
        [7],
        ["[0]: 7, wanted an object with video_id or image_id, and segmentation or segmentations"],
    ),
    (
        [{"video_id": "v", "frame_index": 1e400}],
        ["[0]: frame_index is inf, wanted a whole number from 0"],
    ),
    (
        [{"video_id": "v", "segmentations": None}],
        ["[0]: segmentations is None, wanted a list with an RLE or null for each frame"],
    ),
    (
        [{"video_id": "v", "frame_index": 0, "score": 10**400, "segmentation": None}],
        [f"[0]: score is {'1' + '0' * 56}..., wanted a number"],
    ),
    (
        [
            {
                "video_id": "v",
                "frame_index": 0,
                "segmentation": {"size": [1e400, 24], "counts": "4l"},
            }
        ],
        [
            "[0] frame 0: size is [inf, 24], wanted [height, width] in whole pixels, at most "
            "67108864 together"
        ],
    ),
]


@pytest.mark.parametrize(("content", "wanted"), BAD_FILES)
def test_json_of_strangers(content: object, wanted: list[str], truth: Path, tmp_path: Path) -> None:
    (tmp_path / "pred.json").write_text(json.dumps(content))
    found = problems(truth, tmp_path / "pred.json", missing="empty")
    assert found == [f"pred.json {line}" for line in wanted]


def test_json_that_cannot_be_read_is_named(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "pred.json").write_text('[{"video_id": "v"')
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, tmp_path / "pred.json")
    assert str(error.value).startswith(f"{tmp_path / 'pred.json'}: not readable as JSON (")


def test_two_forms_in_one_folder_are_refused(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.json").write_text('{"videos": [], "annotations": []}')
    (tmp_path / "run" / "b.json").write_text("[]")
    with pytest.raises(EvaluationError) as error:
        evaluate(truth, tmp_path / "run")
    assert str(error.value) == (
        f"{tmp_path / 'run'}: files of 2 forms (results: b.json; ytvis: a.json); give the file of "
        "the predictions itself"
    )


# --- The registry ---------------------------------------------------------------------------------

NEW_FORM = """
from brokenvideos.tools.evaluation.predictions import Format, Predictions


def detect(place):
    return place.with_suffix(".rle")


def read(place, files, reading):
    return Predictions(place.path, "lines", {file.stem: Video(file) for file in files})


class Video:
    def __init__(self, file):
        self.where = str(file)
        self.counts = file.read_text().split()
        self.frames = range(len(self.counts))

    def read(self, frames, *, height, width):
        from brokenvideos.tools.evaluation import PredictedFrame

        return (PredictedFrame(frame, self.counts[frame]) for frame in frames)


FORMAT = Format("lines", "{video_id}.rle, a COCO RLE a line", "", 9, False, detect, read)
"""


def test_a_form_is_one_new_file(
    truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "forms"
    home.mkdir()
    (home / "lines.py").write_text(NEW_FORM)
    package = ModuleType("more_forms")
    package.__path__ = [str(home)]
    monkeypatch.setitem(sys.modules, "more_forms", package)
    (new,) = formats_in(package.__path__, "more_forms")
    monkeypatch.delitem(sys.modules, "more_forms.lines")
    known = (*known_formats(), new)
    (tmp_path / "v.rle").write_text("\n".join(encode(np.stack([mask(frame) for frame in FRAMES]))))
    assert find_predictions(tmp_path / "v.rle", known=known).kind == "lines"
    with pytest.raises(
        EvaluationError,
        match=r"not a prediction that can be read; wanted one of these: a release; ",
    ):
        find_predictions(tmp_path / "v.rle")
    monkeypatch.setattr(
        "brokenvideos.tools.evaluation.predictions.find.known_formats", lambda: known
    )
    assert jf(truth, tmp_path / "v.rle") == 1
    assert (
        formats_table().splitlines()[-1]
        == "| lines | {video_id}.rle, a COCO RLE a line | nothing else |"
    )


def test_every_form_says_what_it_is() -> None:
    names = [form.name for form in known_formats()]
    assert names == ["release", "raw", "parquet", "tar", "coco", "results", "sav", "ytvis", "png"]
    assert sorted(names) == list(FORMATS)
    assert all(form.what for form in known_formats())
    assert Place(Path("nowhere")).files == ()


def test_the_docs_list_every_form() -> None:
    docs = Path(__file__).parents[4] / "docs" / "evaluation.md"
    assert formats_table() in docs.read_text(encoding="utf-8")
