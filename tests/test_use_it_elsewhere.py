"""The recipes of docs/use-it-elsewhere.md run as they stand there."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import brokenvideos
from brokenvideos.builder.export import ExportOptions, export, export_layout_names
from tests.outside import environment

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "use-it-elsewhere.md").read_text(encoding="utf-8")
BLOCKS = [
    (section.partition("\n")[0], block)
    for section in PAGE.split("\n## ")
    for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL)
]
SAYS = {
    "pandas and pycocotools": r"synth-\w+ \(48, 64, \d+\) \d+ pixels\n",
    "Polars": r"shape: \(3, 2\)\n.*synth-a",
    "DuckDB": r".*generator.*synth-a.*synth-b.*synth-c",
    "JSON": "",
    "datasets": r"(synth-\w+ \d+ bytes\n)+(synth-\w+ \d+ bytes (broken|normal)\n)+$",
    "datasets, frames": r"(torch\.Size\(\[3, 48, 64\]\) 12 frames\n)+$",
    "torchcodec": r"(torch\.Size\(\[\d, 3, 48, 64\]\) True\n)+$",
    "WebDataset": r"(synth-\w+ \d+ bytes \d+ masks\n)+$",
    "supervision": r"\['\w+'.*\] \(\d, 48, 64\) \(48, 64, 3\)\n",
}
NEEDS_TORCHCODEC = ("datasets, frames", "torchcodec")
pytestmark = [
    # pycocotools under NumPy 2
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # webdataset leaves its tar open
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def fiftyone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with FiftyOne."""
    if os.environ.get("FIFTYONE") != "1":
        pytest.skip("FIFTYONE=1 is not set: FiftyOne is 800 MB to install")
    return environment(
        tmp_path_factory.mktemp("fiftyone") / "environment", "fiftyone", "pycocotools", ours=False
    )


def block_of(name: str) -> str:
    section, _, part = name.partition(", ")
    blocks = [block for heading, block in BLOCKS if heading == section]
    return blocks[1 if part else 0]


def link_ffmpeg(folder: Path) -> str:
    """The LD_LIBRARY_PATH that offers the FFmpeg in PyAV's wheel under its usual names."""
    (package,) = importlib.util.find_spec("av").submodule_search_locations
    bundled = Path(f"{package}.libs")
    folder.mkdir()
    for library in bundled.glob("lib*-*.so.*"):
        name, _, version = library.name.partition(".so.")
        major = version.partition(".")[0]
        (folder / f"{name.rpartition('-')[0]}.so.{major}").symlink_to(library)
    return f"{folder}:{bundled}"


@pytest.mark.parametrize("name", [name for name in SAYS if name not in NEEDS_TORCHCODEC])
def test_a_recipe_runs(
    name: str,
    release: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "release").symlink_to(release)
    if name == "supervision":
        export(release, tmp_path / "exported", layout="coco", options=ExportOptions(frames="png"))
    monkeypatch.chdir(tmp_path)
    exec(compile(block_of(name), f"{name} of the page", "exec"), {})
    said = capsys.readouterr().out
    assert re.match(SAYS[name], said, re.DOTALL), said


@pytest.mark.slow
@pytest.mark.timeout(300)  # installs what it runs
@pytest.mark.skipif(sys.platform != "linux", reason="FFmpeg is offered through LD_LIBRARY_PATH")
def test_recipes_of_torchcodec_run(release: Path, tmp_path: Path, run_process) -> None:
    (pinned,) = re.findall(r"pip install (torchcodec==[0-9.]+[0-9])", PAGE)
    python = environment(tmp_path / "environment", "--no-deps", pinned, ours=True)
    (tmp_path / "release").symlink_to(release)
    path = link_ffmpeg(tmp_path / "ffmpeg")
    for name in NEEDS_TORCHCODEC:
        done = run_process(
            [str(python), "-c", block_of(name)],
            cwd=tmp_path,
            env={**os.environ, "LD_LIBRARY_PATH": path},
        )
        assert done.returncode == 0, done.stderr
        assert re.match(SAYS[name], done.stdout, re.DOTALL), done.stdout


def test_every_recipe_is_run() -> None:
    by_others = 1  # FiftyOne's, in an environment of its own
    assert len(BLOCKS) == len(SAYS) + by_others


def test_json_of_four_libraries_says_what_the_release_says(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "release").symlink_to(release)
    monkeypatch.chdir(tmp_path)
    exec(block_of("JSON"), {})
    wanted = {
        row["video_id"]: row
        for split in ("train", "validation", "test")
        for row in brokenvideos.load("annotations", data_dir=release, split=split, streaming=True)
    }
    shards = brokenvideos.read_manifest(str(release))["shards"]
    train = {
        video_id for shard in shards if shard["split"] == "train" for video_id in shard["video_ids"]
    }
    for name in ("pandas", "polars", "duckdb", "datasets"):
        rows = {
            row["video_id"]: row
            for row in map(json.loads, Path(f"{name}.jsonl").read_text().splitlines())
        }
        assert rows.keys() == (train if name == "datasets" else wanted.keys())
        for video_id, row in rows.items():
            assert row == wanted[video_id], (name, video_id)


def test_the_page_names_layouts_and_files_that_are_there() -> None:
    named = set(re.findall(r"--layout ([a-z-]+)", PAGE)) | {"label-studio", "labelme"}
    assert named <= set(export_layout_names())
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


@pytest.mark.slow
@pytest.mark.timeout(600)  # installs what it runs
def test_energon_reads_the_tars(release: Path, tmp_path: Path, run_process) -> None:
    python = environment(tmp_path / "environment", "megatron-energon", ours=True)
    example = ROOT / "examples" / "energon_cooker.py"
    done = run_process([str(python), str(example), str(release), str(tmp_path / "work")])
    assert done.returncode == 0, done.stderr
    train = {
        row["video_id"]: row
        for row in brokenvideos.load("annotations", data_dir=release, split="train", streaming=True)
    }
    lines = [line.split() for line in done.stdout.splitlines() if " pixels" in line]
    assert {line[0] for line in lines} == set(train)
    for video_id, *_, pixels, _ in lines:
        assert int(pixels) == int(brokenvideos.decode_masks(train[video_id]).sum())
    assert (
        sorted(path.name for path in (release / "webdataset").iterdir() if path.suffix != ".tar")
        == []
    )


def num_annotated_frames(release: Path) -> int:
    tables = [
        pq.read_table(path, columns=["annotated_frames"])
        for path in release.glob("annotations/*.parquet")
    ]
    return sum(len(frames) for table in tables for frames in table["annotated_frames"].to_pylist())


@pytest.mark.slow
@pytest.mark.timeout(600)  # installs what it runs
def test_fiftyone_draws_every_mask_where_it_is(
    release: Path, tmp_path: Path, run_process, fiftyone: Path
) -> None:
    report = export(
        release, tmp_path / "exported", layout="coco", options=ExportOptions(frames="png")
    )
    example = ROOT / "examples" / "fiftyone_masks.py"
    done = run_process([str(fiftyone), str(example), str(tmp_path / "exported")])
    assert done.returncode == 0, done.stderr
    frames, masks, exact = map(int, re.findall(r"\d+", done.stdout))
    assert (frames, masks, exact) == (
        num_annotated_frames(release),
        report.num_masks,
        report.num_masks,
    )
    (block,) = [block for heading, block in BLOCKS if heading == "FiftyOne"]
    assert block.partition("def ")[2].partition('"""')[2].partition('"""')[2] in example.read_text()


@pytest.mark.slow
@pytest.mark.timeout(600)  # installs what it runs
def test_fiftyone_imports_the_export(
    release: Path, tmp_path: Path, run_process, fiftyone: Path
) -> None:
    report = export(
        release, tmp_path / "exported", layout="coco", options=ExportOptions(frames="png")
    )
    script = (
        "import sys\n"
        "from fiftyone.utils.coco import COCODetectionDatasetImporter\n"
        "importer = COCODetectionDatasetImporter(data_path=sys.argv[1] + '/JPEGImages', "
        "labels_path=sys.argv[1] + '/instances.json', label_types='segmentations', "
        "extra_attrs=True)\n"
        "with importer:\n"
        "    found = [entry for *_, labels in importer if labels for entry in getattr(labels, "
        "'detections', labels)]\n"
        "print(len(found), sum(int(entry.mask.sum()) for entry in found))\n"
    )
    done = run_process([str(fiftyone), "-c", script, str(tmp_path / "exported")])
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "exported" / "instances.json").read_text())
    areas = sum(annotation["area"] for annotation in content["annotations"])
    assert done.stdout.split() == [str(report.num_masks), str(areas)]
