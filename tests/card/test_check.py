"""`card --check`: everything that a card says and its release does not is named, and nothing else
is.
"""

import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import brokenvideos
from brokenvideos.card.check import CardProblem, CardReport, check_card
from brokenvideos.card.croissant import unreadable


def problems(release: Path) -> list[str]:
    return [str(problem) for problem in check_card(release).problems]


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path.write_text(text)


def test_a_good_card(carded: Path) -> None:
    report = check_card(carded)
    assert report.ok
    assert list(report.lines()) == [
        f"{carded} (1.0.0): card compared with the shards; nothing is stale."
    ]
    assert json.loads(json.dumps(report.to_dict())) == {
        "ok": True,
        "release": str(carded),
        "data_version": "1.0.0",
        "problems": [],
    }


def test_everything_that_is_wrong_is_named_at_once(copy: Path) -> None:
    readme = (copy / "README.md").read_text()
    masks = re.findall(r"(\d+) masks\.", readme)[0]
    bytes_of_train = re.findall(r"name: train\n    num_bytes: (\d+)", readme)[0]
    videos = re.findall(r"\| train \| (\d+) \|", readme)[0]
    edit(
        copy / "README.md",
        ("- image-segmentation", "- video-segmentation"),
        ("pretty_name: BrokenVideos", "prety_name: BrokenVideos"),
        ("license: cc0-1.0", "license: free"),
        (f"num_examples: {videos}", "num_examples: 5"),
        (f"num_bytes: {bytes_of_train}", "num_bytes: 5"),
        ("        decode: false", "        decode: true"),
        (f"{masks} masks.", "1,000 masks."),
        (f"| train | {videos} |", "| train | 55 |"),
        ("\n## Agreement\n", "\n## Thanks\n"),
        ("## Errata\n\nNone are known.\n\n", ""),
    )
    croissant = json.loads((copy / "croissant.json").read_text())
    shard = croissant["distribution"][0]
    was, shard["sha256"] = shard["sha256"], "0" * 64
    del croissant["rai:dataBiases"]
    (copy / "croissant.json").write_text(json.dumps(croissant))
    (copy / "figures" / "sizes.png").unlink()
    (copy / "figures" / "mosaic.png").write_bytes(b"mine")
    (copy / "figures" / "more.png").write_bytes(b"mine")
    card = json.loads((copy / "card.json").read_text())
    card["figures"]["figures/lengths.png"]["shows"] = "0" * 64
    (copy / "card.json").write_text(json.dumps(card))
    found = problems(copy)
    opening = next(line for line in readme.splitlines() if line.startswith("Videos with masks"))
    row = next(line for line in readme.splitlines() if line.startswith("| train |"))
    vocabulary = "cc0-1.0, cc-by-4.0, cc-by-nc-4.0, apache-2.0, other"
    biases = next(line for line in found if "rai:dataBiases" in line)
    assert biases.startswith(
        "croissant.json: rai:dataBiases: nothing, wanted ['66.7% of the videos are broken."
    )
    keys = next(line for line in found if "prety_name" in line)
    assert keys.startswith(
        "README.md: YAML key 'prety_name' is none that the Hub reads, wanted one of "
        "annotations_creators, "
    )
    assert [line for line in found if line not in (biases, keys)] == sorted(
        [
            "README.md: dataset_info[default].features[video].dtype.video.decode: True, wanted "
            "False.",
            "README.md: dataset_info[default].splits[train].num_bytes: 5, wanted "
            f"{bytes_of_train}.",
            f"README.md: dataset_info[default].splits[train].num_examples: 5, wanted {videos}.",
            f"README.md: license: 'free', wanted one of {vocabulary}.",
            "README.md: license: 'free', wanted 'cc0-1.0'.",
            f"README.md: opening says {opening.replace(f'{masks} masks', '1,000 masks')!r}, wanted "
            f"{opening!r}.",
            "README.md: pretty_name: nothing, wanted 'BrokenVideos'.",
            "README.md: section 'Agreement' is missing.",
            "README.md: section 'Errata' is missing.",
            "README.md: section 'Splits and hold-outs' says "
            f"{row.replace(f'| {videos} |', '| 55 |', 1)!r}, wanted {row!r}.",
            "README.md: section 'Thanks' is not of the card. Text of yours goes through --about.",
            "README.md: task_categories: 'video-segmentation', wanted one of image-segmentation, "
            "video-classification.",
            "README.md: task_categories[0]: 'video-segmentation', wanted 'image-segmentation'.",
            f"croissant.json: distribution[{shard['@id']}].sha256: '{'0' * 64}', wanted '{was}'.",
            "figures/lengths.png: stale: it shows other numbers than the shards give.",
            "figures/more.png: not a figure of this card.",
            "figures/mosaic.png: not the file that was drawn: its SHA-256 is not that of "
            "card.json.",
            "figures/sizes.png: missing.",
        ]
    )


def test_a_card_is_stale_when_the_release_changed(
    carded: Path, release: Path, tmp_path: Path
) -> None:
    """The card of one release in the folder of another: every figure and many numbers are of
    another.
    """
    shutil.copytree(brokenvideos.__path__[0] + "/sample", tmp_path / "other")
    for name in ("README.md", "card.json", "croissant.json", "figures"):
        source, target = carded / name, tmp_path / "other" / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    found = problems(tmp_path / "other")
    stale = {line.partition(":")[0] for line in found if ": stale: " in line}
    assert stale == {
        f"figures/{n}.png"
        for n in ("generators", "lengths", "mask_areas", "mosaic", "positions", "sizes")
    }
    assert any(
        line.startswith("README.md: dataset_info[default].splits[train].num_examples: ")
        for line in found
    )
    assert any(
        line.startswith("croissant.json: distribution[data/train-00000-of-00001.parquet]")
        for line in found
    )


def test_what_to_do_next_is_said() -> None:
    problems = (CardProblem("figures/sizes.png", "missing"),)
    assert list(CardReport("out", "1.0.0", problems).lines()) == [
        "figures/sizes.png: missing.",
        "out (1.0.0): card compared with the shards; problems: 1. Next: brokenvideos card out",
    ]


def test_a_plain_card_is_no_full_one(release: Path) -> None:
    found = problems(release)
    assert found[0] == "README.md: it is the plain card of a build, not a full one."
    assert f"card.json: not found. `brokenvideos card {release}` makes a full card." in found
    assert "figures/mosaic.png: missing." in found
    missing = f"{release}/croissant.json: no such file or directory"
    assert any(line.startswith(f"croissant.json: cannot be read ({missing})") for line in found)
    assert len(found) == 9


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"---\nlicense: [\n---\n", b"no yaml at all"]
)
def test_a_readme_that_is_none_is_a_finding(
    copy: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "brokenvideos.card.check._croissant", lambda release, inputs: iter(())
    )  # slow, and told elsewhere
    (copy / "README.md").write_bytes(content)
    found = problems(copy)
    assert found
    assert {line.partition(":")[0] for line in found} == {"README.md"}


# --- What mlcroissant says ------------------------------------------------------------------------


def test_validation_misses_a_missing_column_and_reading_does_not(copy: Path) -> None:
    path = copy / "annotations" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["masks", "digest"]), path)
    found = problems(copy)
    assert len(found) == 2
    assert found[0] == "annotations/test-00000-of-00001.parquet: lacks the columns masks, digest."
    assert found[1].startswith(
        "croissant.json: record set 'annotations' cannot be read: Column \"masks\" does not exist."
    )


def test_a_shard_that_is_gone_is_named(copy: Path) -> None:
    (copy / "data" / "test-00000-of-00001.parquet").unlink()
    found = problems(copy)
    assert found[0].startswith("data/test-00000-of-00001.parquet: cannot be read (")
    assert len(found) == 1  # of the set of files, the others can still be read


def test_a_croissant_that_is_none_is_refused(copy: Path) -> None:
    edit(copy / "croissant.json", ('"@type": "cr:RecordSet"', '"@type": "cr:FileSet"'))
    assert next(iter(unreadable(copy / "croissant.json"))).startswith("mlcroissant refuses it: ")
