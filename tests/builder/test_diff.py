"""What changed between releases, video by video and mask by mask, and the version step that it
demands.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import brokenvideos
from brokenvideos.builder import BuildOptions, build, diff
from brokenvideos.builder.differences import (
    MaskChange,
    VideoChange,
    demanded_step,
    next_version,
    version_of,
)
from brokenvideos.builder.manifest import manifest_bytes

Change = Callable[[Path, str], None]


def described(raw: Path) -> dict[str, dict]:
    return {
        v["video_id"]: v for v in map(json.loads, (raw / "videos.jsonl").read_text().splitlines())
    }


def describe(raw: Path, videos: dict[str, dict]) -> None:
    (raw / "videos.jsonl").write_text(
        "".join(json.dumps(video) + "\n" for video in videos.values())
    )


def edit(raw: Path, video_id: str, **changes: object) -> None:
    videos = described(raw)
    describe(raw, videos | {video_id: videos[video_id] | changes})


def broken(raw: Path) -> str:
    return next(
        video_id for video_id, video in described(raw).items() if len(video["objects"]) == 1
    )


def released(raw: Path, out: Path, *, like: Path, version: str = "2.0.0") -> Path:
    """A release whose videos are in the same splits and shards as in another."""
    build(raw, out, BuildOptions(num_shards={"train": 2}, data_version=version), parent=like)
    return out


def test_no_change(release: Path) -> None:
    found = diff(release, release)
    assert (found.added, found.removed, found.changed, found.step, found.rewritten_bytes) == (
        (),
        (),
        (),
        None,
        0,
    )
    assert found.version_ok
    assert list(found.lines())[-1] == "No shard differs."


def test_other_bytes_of_the_same_data_are_a_patch(release: Path, raw: Path, tmp_path: Path) -> None:
    build(raw, tmp_path / "new", BuildOptions(num_shards={"train": 1}, data_version="1.0.1"))
    found = diff(release, tmp_path / "new")
    assert (found.added, found.removed, found.changed, found.step) == ((), (), (), "patch")
    assert found.version_ok


def test_a_changed_mask_is_told_by_pixels_and_iou(
    release: Path, raw_copy: Path, tmp_path: Path
) -> None:
    video_id = broken(raw_copy)
    first, second = sorted((raw_copy / "masks" / video_id).glob("*.png"))[:2]
    labels = np.array(Image.open(first), np.uint8)
    old_pixels, object_id = int((labels > 0).sum()), int(labels.max())
    rows = np.flatnonzero(labels.any(1))
    labels[rows[0]] = 0  # a smaller mask inside the old one, and one that is gone
    new_pixels = int((labels > 0).sum())
    Image.fromarray(labels).save(first)
    gone = int((np.array(Image.open(second)) > 0).sum())
    second.unlink()
    found = diff(release, released(raw_copy, tmp_path / "new", like=release))
    assert found.step == "major"
    (change,) = found.changed
    assert change.masks == (
        MaskChange(
            object_id,
            int(first.stem),
            old_pixels,
            new_pixels,
            pytest.approx(new_pixels / old_pixels),
        ),
        MaskChange(object_id, int(second.stem), gone, 0, 0.0),
    )
    assert (change.video_id, change.kinds, change.columns) == (
        video_id,
        ("masks",),
        ("digest", "objects"),
    )
    assert str(change) == (
        f"{video_id} (masks): digest, objects; 2 masks: {old_pixels + gone} -> {new_pixels} "
        f"pixels, mean IoU {new_pixels / old_pixels / 2:.3f}"
    )
    text = json.dumps(found.to_dict())
    assert json.loads(text)["changed"][0]["masks"][0]["new_pixels"] == new_pixels
    assert 0 < found.rewritten_bytes < found.kept_bytes


def other_prompt(raw: Path, video_id: str) -> None:
    edit(raw, video_id, prompt="another prompt")


def other_type(raw: Path, video_id: str) -> None:
    (entry,) = described(raw)[video_id]["objects"]
    kinds = [kind for kind in brokenvideos.ARTIFACT_TYPES if kind != entry["artifact_type"]]
    edit(raw, video_id, objects=[entry | {"artifact_type": kinds[0]}])


def other_license(raw: Path, video_id: str) -> None:
    edit(raw, video_id, source=described(raw)[video_id]["source"] | {"license": "cc-by-4.0"})


def other_split(raw: Path, video_id: str) -> None:
    edit(raw, video_id, split="validation")


def fewer_annotated_frames(raw: Path, video_id: str) -> None:
    marked = [int(path.stem) for path in (raw / "masks" / video_id).glob("*.png")]
    edit(raw, video_id, annotated_frames=sorted(marked))


def other_bytes(raw: Path, video_id: str) -> None:
    with (raw / "videos" / f"{video_id}.mp4").open("ab") as file:
        file.write(b"\0\0\0\x08free")  # an empty box: every frame stays


def other_suffix(raw: Path, video_id: str) -> None:
    (raw / "videos" / f"{video_id}.mp4").rename(raw / "videos" / f"{video_id}.mov")


@pytest.mark.parametrize(
    ("change", "kinds", "columns"),
    [
        (other_prompt, ("metadata",), ("prompt",)),
        (other_type, ("metadata",), ("artifact_types", "objects")),
        (other_license, ("metadata",), ("source",)),
        (other_split, ("metadata",), ("split",)),
        (fewer_annotated_frames, ("masks",), ("annotated_frames", "digest", "objects")),
        (other_bytes, ("video",), ("video_sha256",)),
        (other_suffix, ("metadata",), ("video",)),
    ],
)
def test_each_kind_of_change(
    release: Path,
    raw_copy: Path,
    tmp_path: Path,
    change: Change,
    kinds: tuple[str, ...],
    columns: tuple[str, ...],
) -> None:
    manifest = brokenvideos.read_manifest(str(release))
    train = {
        i for shard in manifest["shards"] if shard["split"] == "train" for i in shard["video_ids"]
    }
    prompts = Counter(video["prompt"] for video in described(raw_copy).values())
    videos = described(raw_copy).items()
    video_id = next(
        i for i, v in videos if i in train and len(v["objects"]) == prompts[v["prompt"]] == 1
    )
    change(raw_copy, video_id)
    found = diff(release, released(raw_copy, tmp_path / "new", like=release))
    assert found.changed == (VideoChange(video_id, kinds, columns, ()),)
    assert (found.step, found.version_ok) == ("major", True)


def test_added_and_removed_videos(release: Path, raw_copy: Path, tmp_path: Path) -> None:
    videos = described(raw_copy)
    gone = next(video_id for video_id, video in videos.items() if not video["objects"])
    shutil.copy(raw_copy / "videos" / f"{gone}.mp4", raw_copy / "videos" / "new_1.mp4")
    describe(raw_copy, videos | {"new_1": videos[gone] | {"video_id": "new_1"}})
    new = released(raw_copy, tmp_path / "new", like=release, version="1.1.0")
    found = diff(release, new)
    assert (found.added, found.removed, found.changed, found.step) == (("new_1",), (), (), "minor")
    back = diff(new, release)
    assert (back.added, back.removed, back.step, back.least_version) == (
        (),
        ("new_1",),
        "major",
        "2.0.0",
    )
    assert not back.version_ok
    assert next(back.lines()) == "removed new_1"
    assert (
        list(back.lines())[-1]
        == "These changes need a major step, to 2.0.0 or later; 1.0.0 is too small."
    )


def test_steps_and_versions() -> None:
    assert demanded_step(added=0, removed=0, changed=0) is None
    assert demanded_step(added=1, removed=0, changed=0) == "minor"
    assert (
        demanded_step(added=5, removed=1, changed=0)
        == demanded_step(added=0, removed=0, changed=1)
        == "major"
    )
    assert [next_version("1.2.3", step) for step in ("major", "minor", "patch")] == [
        "2.0.0",
        "1.3.0",
        "1.2.4",
    ]
    assert version_of("1.10.0") > version_of("1.9.9")
    for wrong in ("1.0", "1.0.0rc1", "01.0.0", "1.-1.0", ""):
        with pytest.raises(ValueError) as caught:
            version_of(wrong)
        assert (
            str(caught.value) == f"data version {wrong!r}: wanted MAJOR.MINOR.PATCH, as in 1.0.0."
        )


def test_a_manifest_without_row_digests_is_refused(release: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    manifest = brokenvideos.read_manifest(str(release))
    for facts in manifest["videos"].values():
        del facts["row_digest"]
    (old / "manifest.json").write_bytes(manifest_bytes(manifest))
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        diff(old, release)
    assert str(caught.value) == (
        f"{old}: no row_digest for {min(manifest['videos'])} in its manifest. It was built by an "
        "older version or is damaged; build it again from its raw folder."
    )
