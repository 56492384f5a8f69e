"""A full card: what it holds, that it can be made again, and that the rest of the package takes a
release that has one.
"""

import hashlib
import json
import re
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
from datasets import load_dataset, load_dataset_builder
from huggingface_hub import DatasetCard

import brokenvideos
from brokenvideos.builder import BuildOptions, build, verify
from brokenvideos.builder.work.atomic import write_atomic
from brokenvideos.card import card_files
from brokenvideos.card.about import About
from brokenvideos.card.details import AREA_EDGES
from brokenvideos.card.full import CardError, full_card
from brokenvideos.card.inputs import CardInputs
from brokenvideos.card.readme import render_full
from brokenvideos.card.sections.markdown import UNRELIABLE_NOTE, estimate, unreliable_note
from brokenvideos.tools.evaluation import UNRELIABLE_NOTE as EVALUATE_NOTE
from brokenvideos.tools.publishing import write_card
from brokenvideos.tools.publishing.rebuild import rebuild

FIGURES = [
    f"figures/{name}.png"
    for name in ("generators", "lengths", "mask_areas", "mosaic", "positions", "sizes")
]
FILES = ["README.md", "card.json", "croissant.json", *FIGURES]


def files_of(release: Path) -> dict[str, bytes]:
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file()
    }


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_card_s_files_are_in_the_checksums(carded: Path, release: Path) -> None:
    assert set(files_of(carded)) - set(files_of(release)) == set(FILES) - {"README.md"}
    assert verify(carded).findings == ()
    sums = dict(
        reversed(line.split("  ")) for line in (carded / "SHA256SUMS").read_text().splitlines()
    )
    assert set(sums) == set(files_of(carded)) - {"SHA256SUMS"}
    card = json.loads((carded / "card.json").read_text())
    assert {path: facts["sha256"] for path, facts in card["figures"].items()} == {
        path: sums[path] for path in FIGURES
    }


def test_every_figure_is_shown(carded: Path) -> None:
    shown = re.findall(r"!\[([^]]+)\]\(([^)]+)\)", (carded / "README.md").read_text())
    assert sorted(path for _, path in shown) == FIGURES
    assert all(len(alt) > 20 for alt, _ in shown)


def test_it_says_what_was_counted_and_what_people_say(carded: Path, inputs: CardInputs) -> None:
    text = (carded / "README.md").read_text()
    total, details = inputs.total, inputs.details
    for generator, count in total.generators.items():
        numbers = [
            count,
            *(
                details.generator_types[generator, kind]
                for kind in ("normal", *brokenvideos.ARTIFACT_TYPES)
            ),
        ]
        assert f"| {generator} | {' | '.join(map(str, numbers))} |" in section(text, "Statistics")
    for split, facts in inputs.facts.splits.items():
        row = (
            f"| {split} | {facts.num_videos} | {facts.labels['normal']} | "
            f"{facts.labels['broken']} |"
        )
        assert row in section(text, "Splits and hold-outs")
    assert inputs.manifest["split_rule"]["text"] in section(text, "Splits and hold-outs")
    assert section(text, "Annotation").strip().startswith("Two people marked every video.")
    assert "2 annotators marked the same 9 videos" in section(text, "Agreement")
    assert "| a perfect one | 1.000" in section(text, "Evaluation")
    # Fewer than ten of the nine videos are marked.
    assert "People reach **1.000 [1.000, 1.000]?** J&F" in section(text, "Agreement")
    assert f"\n\n{UNRELIABLE_NOTE}\n\n" in section(text, "Agreement")
    assert "| all-empty | 0.000 |" in section(text, "Evaluation")
    assert "arXiv:2506.20103" in section(text, "Citation")
    assert "| synth-a | CC0-1.0 | 3 |" in section(text, "Licences")
    assert "Contact: see the project page" in section(text, "Maintenance")
    assert section(text, "Errata").strip() == "None are known."
    assert section(text, "Changes").strip() == "Version 1.0.0 has no version before it."
    assert "None" not in text.partition("## Errata")[0]


def test_a_rendered_release_says_so_unless_people_say_something_else(
    inputs: CardInputs, carded: Path
) -> None:
    text = render_full(inputs)
    assert "This release is synthetic" in text
    assert "No agreement between annotators was measured" in text
    assert "No baseline was scored" in text
    assert "Two people" not in text
    real = inputs.details.annotators
    inputs.details.annotators = type(real)({"unknown": 7, "somebody": 2})
    try:
        text = render_full(inputs)
    finally:
        inputs.details.annotators = real
    for claim in ("synthetic", "render", "Two people", "SAM2", "drew"):
        assert claim not in text.replace("brokenvideos-render", "")
    assert "How the masks were made was not stated" in text
    assert "`source.annotator` tells 1 annotator apart and is null for 7 videos." in text


def test_errata_and_the_version_before(inputs: CardInputs) -> None:
    entry = {"data_version": "2.0.0", "video_ids": ["synth-a_00003"], "reason": "the owner | asked"}
    manifest = {
        **inputs.manifest,
        "data_version": "2.0.0",
        "parent_version": "1.0.0",
        "errata": [entry],
    }
    text = render_full(
        CardInputs(manifest, inputs.facts, inputs.total, inputs.details, inputs.sizes, About())
    )
    assert text.partition("# BrokenVideos ")[2].startswith("2.0.0\n")
    assert "| 2.0.0 | the owner \\| asked | synth-a_00003 |" in section(text, "Errata")
    assert "Version 2.0.0 follows 1.0.0;" in section(text, "Changes")


def test_the_median_is_in_the_bin_that_is_named(inputs: CardInputs) -> None:
    text = section(render_full(inputs), "Statistics")
    low, high = re.findall(r"\| motion \| \d+ \| \d+ \| ([\d.]+)% to ([\d.]+)% \|", text)[0]
    bins = inputs.details.areas["motion"]
    number = next(i for i in range(len(bins)) if f"{AREA_EDGES[i]:.2%}" == f"{low}%")
    assert f"{AREA_EDGES[number + 1]:.2%}" == f"{high}%"
    assert bins[:number].sum() < bins.sum() / 2 <= bins[: number + 1].sum()


def test_a_run_that_was_killed_is_put_right_by_the_next(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = files_of(copy)
    (copy / "README.md").write_bytes(
        (copy / "README.md").read_bytes().replace(b"9 videos", b"8 videos")
    )
    (copy / "figures" / "lengths.png").unlink()
    (copy / "figures" / "old.png").write_bytes(b"of an earlier version")
    (copy / ".README.md.1234abcd.partial").write_bytes(b"half")
    (copy / "figures" / ".sizes.png.1234abcd.partial").write_bytes(b"half")
    assert verify(copy).findings
    written = []

    def watched(path: Path, content: bytes) -> None:
        written.append(path.relative_to(copy).as_posix())
        write_atomic(path, content)

    monkeypatch.setattr(
        import_module("brokenvideos.tools.publishing.write_card"), "write_atomic", watched
    )
    assert write_card(copy) == sorted(FILES)  # without --about it says again what it said
    assert files_of(copy) == wanted
    assert sorted(written[:-1]) == sorted(FILES)
    assert written[-1] == "SHA256SUMS"  # until then `verify` sees that something is amiss


def test_without_the_extra_the_plain_card_stays(release: Path, run_process, tmp_path: Path) -> None:
    shutil.copytree(release, tmp_path / "release")
    script = (
        "import sys; sys.modules['mlcroissant'] = sys.modules['matplotlib'] = None\n"
        "from brokenvideos.tools.commands.main import main; sys.argv = ['brokenvideos', 'card', "
        "'release']; main()"
    )
    done = run_process([sys.executable, "-c", script], cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "brokenvideos: a full card needs matplotlib and mlcroissant. Install them in a checkout: "
        "pip install '.[card]'.\n"
    )
    assert files_of(tmp_path / "release") == files_of(release)


def test_no_checksums_no_card(copy: Path) -> None:
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        write_card(copy)
    assert str(caught.value).startswith(
        f"{copy}/SHA256SUMS: cannot be read ({copy}/SHA256SUMS: no such file or directory)"
    )
    assert str(caught.value).endswith("Build or download the release again.")


def test_a_damaged_card_json_is_named(copy: Path) -> None:
    (copy / "card.json").write_text(
        '{"format_version": 7, "made_with": {}, "about": {}, "figures": {}}'
    )
    with pytest.raises(CardError) as caught:
        write_card(copy)
    assert str(caught.value) == (
        f"{copy}/card.json: format_version is 7, this package reads 1. Install the version of "
        "brokenvideos that wrote it, or make the card again."
    )


@pytest.mark.parametrize("config", ["default", "annotations"])
def test_it_loads_with_datasets_alone_and_with_this_package(
    carded: Path, release: Path, config: str
) -> None:
    ours, alone = (
        load_dataset(name, config, split="train", streaming=True, data_dir=data_dir)
        for name, data_dir in (("brokenvideos", str(carded)), (str(carded), None))
    )
    rows = [row["video_id"] for row in ours]
    assert rows == [row["video_id"] for row in alone]
    assert load_dataset_builder(str(carded), config).info.splits["train"].num_examples == len(rows)


def test_the_hub_s_reader_takes_the_yaml(carded: Path) -> None:
    card = DatasetCard.load(carded / "README.md")
    assert [info["config_name"] for info in card.data.dataset_info] == ["default", "annotations"]
    video = next(
        feature for feature in card.data.dataset_info[0]["features"] if feature["name"] == "video"
    )
    assert video["dtype"] == {"video": {"decode": False}}


def test_the_python_of_the_card_runs(carded: Path, run_warm, tmp_path: Path) -> None:
    block = re.findall(r"```python\n(.*?)```", (carded / "README.md").read_text(), re.DOTALL)[0]
    script = block.replace("PATH_OR_REPO", str(carded)).replace('"PATH"', repr(str(carded)))
    done = run_warm([sys.executable, "-c", script + "\nprint(masks.shape)"], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "(12, 48, 64)\n"), done.stderr


def test_a_rebuild_makes_the_full_card_again(copy: Path, raw: Path) -> None:
    (copy / "figures" / "sizes.png").write_bytes(b"mine")
    report = rebuild(copy, raw)
    assert (report.num_files, report.left_out) == (4 * 3 + 2 + len(FILES), ())
    assert [str(finding) for finding in report.findings] == [
        "figures/sizes.png: differs from byte 0 on. Build the release again."
    ]


def test_a_rebuild_leaves_out_a_card_of_other_versions(copy: Path, raw: Path) -> None:
    card = json.loads((copy / "card.json").read_text())
    card["made_with"]["matplotlib"] = "1.0"
    (copy / "card.json").write_text(json.dumps(card))
    (copy / "webdataset" / "notes.txt").write_text("mine")
    report = rebuild(copy, raw)
    assert report.left_out == tuple(FILES)
    assert (
        next(report.lines())
        == f"not compared, because they were made with other library versions: {', '.join(FILES)}"
    )
    assert [finding.file for finding in report.findings] == ["webdataset/notes.txt"]
    sums = (copy / "SHA256SUMS").read_text()
    (copy / "SHA256SUMS").write_text(
        sums.replace(sums[:64], "0" * 64, 1) if " README" not in sums[:80] else sums[100:]
    )
    assert "SHA256SUMS: lists other sums. Build the release again." in map(
        str, rebuild(copy, raw).findings
    )


def test_the_next_release_starts_with_a_plain_card(carded: Path, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "next"
    build(raw, out, BuildOptions(data_version="1.0.1"), parent=carded, more_files=card_files)
    assert not {"card.json", "croissant.json", *FIGURES} & set(files_of(out))
    assert verify(out).findings == ()


def test_a_build_lists_files_in_folders_too(raw: Path, tmp_path: Path) -> None:
    build(raw, tmp_path / "out", more_files=lambda made: {"figures/one.png": b"picture"})
    wanted = f"{hashlib.sha256(b'picture').hexdigest()}  figures/one.png\n"
    assert wanted in (tmp_path / "out" / "SHA256SUMS").read_text()


def test_a_release_without_a_mask(release: Path, raw: Path, tmp_path: Path) -> None:
    videos = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    normal = [video for video in videos if video["label"] == "normal"]
    (tmp_path / "raw" / "videos").mkdir(parents=True)
    (tmp_path / "raw" / "videos.jsonl").write_text(
        "".join(json.dumps(video) + "\n" for video in normal)
    )
    for video in normal:
        name = f"{video['video_id']}.mp4"
        shutil.copy(raw / "videos" / name, tmp_path / "raw" / "videos" / name)
    out = tmp_path / "out"
    build(tmp_path / "raw", out, more_files=card_files)
    files = full_card(out, About())
    assert [name for name in files if name.startswith("figures/")] == [
        f"figures/{name}.png" for name in ("generators", "lengths", "sizes")
    ]
    text = files["README.md"].decode()
    assert "There is no mask in this release." in text
    assert "There is no broken video in this release" in text
    assert "mosaic" not in text


def test_an_interval_of_few_videos_is_marked() -> None:
    found = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 9, "reliable": False}
    assert UNRELIABLE_NOTE == EVALUATE_NOTE
    assert estimate(found) == "0.500 [0.250, 0.750]?"
    assert estimate(found | {"n": 10, "reliable": True}) == "0.500 [0.250, 0.750]"
    assert estimate(found | {"low": None, "high": None, "n": 1}) == "0.500"
    assert unreliable_note("| 0.500 |", estimate(found)) == UNRELIABLE_NOTE
    assert unreliable_note("| 0.500 [0.250, 0.750] |", "Why?") is None
