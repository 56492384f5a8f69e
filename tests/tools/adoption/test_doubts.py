"""What is in doubt stands in pairing.csv, is not adopted, and is when a person says yes."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from brokenvideos.tools.adoption import AdoptError, AdoptOptions, AdoptReport, adopt
from brokenvideos.tools.adoption.task import Outcome
from tests.tools.adoption.published import (
    HEIGHT,
    NUM_FRAMES,
    RED,
    WIDTH,
    BoolArray,
    UInt8Array,
    clip_frames,
    grown,
    iou,
    masks_of,
    raw_masks,
    write_clip,
    write_mask,
    write_pngs,
)


def grey(level: int) -> Callable[[UInt8Array, BoolArray], UInt8Array]:
    return lambda rgb, mask: np.repeat(
        np.where(mask, level, 0).astype(np.uint8)[..., None], 3, axis=2
    )


def soft(rgb: UInt8Array, mask: BoolArray) -> UInt8Array:
    ramp = np.broadcast_to(np.arange(WIDTH) * 2 % 256, (HEIGHT, WIDTH))
    return np.repeat(np.where(mask, ramp, 0).astype(np.uint8)[..., None], 3, axis=2)


def inverted(rgb: UInt8Array, mask: BoolArray) -> UInt8Array:
    return np.repeat(np.where(mask, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def colours(rgb: UInt8Array, mask: BoolArray) -> UInt8Array:
    out = np.zeros_like(rgb)
    out[mask] = (255, 0, 0)
    out[mask & (np.arange(WIDTH) % 40 < 20)] = (0, 0, 255)
    return out


def blue(rgb: UInt8Array, mask: BoolArray) -> UInt8Array:
    out = np.zeros_like(rgb)
    out[mask] = (0, 0, 255)
    return out


def other_clip(rgb: UInt8Array, mask: BoolArray) -> UInt8Array:
    return clip_frames(8)[0]


def replaced(rgb: UInt8Array, mask: BoolArray) -> UInt8Array:
    """Marked by something that is no colour laid over the clip."""
    out = rgb.copy()
    out[mask] = (
        np.random.default_rng(0)
        .integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
        .repeat(8, 0)
        .repeat(8, 1)[mask]
    )
    return out


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[str, Path]]:
    """A source of one clip and one mask of a look, and a raw folder to be."""

    def make(look: Callable[[UInt8Array, BoolArray], UInt8Array], **how: int) -> tuple[str, Path]:
        frames = write_clip(tmp_path / "tree" / "videos" / "A_0.mp4")
        write_mask(tmp_path / "tree" / "masks" / "A_0.mp4", frames, masks_of(), look, **how)
        return str(tmp_path / "tree"), tmp_path / "raw"

    return make


def only(report: AdoptReport) -> Outcome:
    (outcome,) = report.outcomes
    return outcome


def answer(raw: Path, **values: str) -> None:
    """Fills in the first line of pairing.csv."""
    path = raw / "adoption" / "pairing.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0] |= values
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("look", [grey(128), grey(60), blue, RED])
def test_kinds_that_are_sure(
    make: Callable[..., tuple[str, Path]], look: Callable[..., UInt8Array]
) -> None:
    source, raw = make(look)
    assert only(adopt(source, raw)).state == "adopted"
    assert iou(raw_masks(raw, "A_0"), masks_of()) >= 0.95


def outline(rgb: UInt8Array, mask: BoolArray) -> UInt8Array:
    out = rgb.copy()
    out[grown(mask, 2) & grown(~mask, 2)] = (255, 255, 0)
    return out


DOUBTS = {
    "an outline": (
        outline,
        "outline",
        "a line is drawn around an area: kind outline marks the area up to the middle of the line, "
        "kind drawn only the line",
    ),
    "soft": (soft, "grey", "a soft mask, or several greys"),
    "inverted": (
        inverted,
        "inverted",
        "more is white than black: if black marks the artifacts, the kind is inverted",
    ),
    "colours": (
        colours,
        "binary",
        "marked in several colours, which cannot be told apart; kind binary takes all of them as "
        "one object",
    ),
    "another clip": (
        other_clip,
        "",
        "neither black and white nor the clip with something drawn on it (the median difference to "
        "the clip is",
    ),
    "no colour laid over": (replaced, "drawn", ""),
}


@pytest.mark.parametrize(("look", "kind", "doubt"), DOUBTS.values(), ids=DOUBTS)
def test_kinds_that_are_in_doubt(
    make: Callable[..., tuple[str, Path]], look, kind: str, doubt: str
) -> None:  # type: ignore[no-untyped-def]
    source, raw = make(look)
    report = adopt(source, raw)
    outcome = only(report)
    assert outcome.state == "doubtful"
    assert outcome.why.startswith(doubt)
    assert not report.ok
    assert not (raw / "videos").exists()
    file = raw / "adoption" / "pairing.csv"
    assert list(report.lines())[-1] == (
        f"Write yes or no into the column use of {file}, and run the same command again with "
        f"--pairing {file}."
    )
    if kind:
        answer(raw, use="yes", kind=kind)
        found = only(adopt(source, raw, AdoptOptions(pairing=file)))
        assert (found.state, found.kind) == ("adopted", kind)
    if kind in ("inverted", "binary", "outline"):
        assert iou(raw_masks(raw, "A_0"), masks_of()) >= 0.95


def test_an_answer_lasts_and_no_takes_out(make: Callable[..., tuple[str, Path]]) -> None:
    source, raw = make(inverted)
    adopt(source, raw)
    answer(raw, use="yes", kind="inverted")
    assert only(adopt(source, raw)).state == "adopted"
    # the answers are still in raw/adoption/pairing.csv
    assert only(adopt(source, raw)).state == "unchanged"
    answer(raw, use="no")
    report = adopt(source, raw)
    assert (report.outcomes, report.removed) == ((), ("A_0",))
    assert not (raw / "videos.jsonl").exists()


def test_other_sizes_and_lengths_wait_for_a_rule(tmp_path: Path) -> None:
    tree, raw = tmp_path / "tree", tmp_path / "raw"
    frames = write_clip(tree / "videos" / "A_0.mp4")
    half = [mask[::2, ::2] for mask in masks_of()[:-2]]
    write_mask(tree / "masks" / "A_0.mp4", [rgb[::2, ::2] for rgb in frames[:-2]], half)
    outcome = only(adopt(str(tree), raw))
    assert (outcome.state, outcome.align) == ("doubtful", "scale+first")
    assert outcome.why == "the clip has 192x144 pixels, the mask 96x72; set align to scale"
    answer(raw, use="yes", align="scale")
    outcome = only(adopt(str(tree), raw))
    assert (outcome.state, outcome.why) == (
        "doubtful",
        "the clip has 10 frames, the mask 8; set align to first if that is right",
    )
    answer(raw, use="yes", align="scale+first")
    assert only(adopt(str(tree), raw)).state == "adopted"
    assert iou(raw_masks(raw, "A_0"), masks_of()) >= 0.93
    assert f'"annotated_frames": {[*range(8)]}' in (raw / "videos.jsonl").read_text()


@pytest.mark.parametrize(
    ("numbers", "align", "wanted", "annotated"),
    [
        (range(1, 11), "", {number: number for number in range(10)}, None),
        ([0, 4, 8], "every:4", {0: 0, 4: 4, 8: 8}, [0, 4, 8]),
        ([3, 4, 5], "numbers", {3: 3, 4: 4, 5: 5}, [3, 4, 5]),
        ([3, 4, 5], "numbers-empty", {3: 3, 4: 4, 5: 5}, None),
    ],
)
def test_images_by_number(
    tmp_path: Path,
    numbers: list[int],
    align: str,
    wanted: dict[int, int],
    annotated: list[int] | None,
) -> None:
    tree, raw = tmp_path / "tree", tmp_path / "raw"
    write_clip(tree / "A_0.mp4")
    masks = [masks_of(number)[5] for number in range(NUM_FRAMES)]
    first = min(numbers)
    write_pngs(
        tree / "masks" / "A_0",
        masks if first == 1 else [masks[number] for number in numbers],
        first=first,
    )
    if first != 1:
        for path, number in zip(
            sorted((tree / "masks" / "A_0").iterdir(), reverse=True),
            sorted(numbers, reverse=True),
            strict=True,
        ):
            path.rename(path.with_name(f"{number:05d}.png"))
        outcome = only(adopt(str(tree), raw))
        assert outcome.state == "doubtful"
        answer(raw, use="yes", align=align)
    assert only(adopt(str(tree), raw)).state == "adopted"
    found = raw_masks(raw, "A_0")
    assert {number for number, mask in enumerate(found) if mask.any()} == set(wanted)
    for frame, number in wanted.items():
        np.testing.assert_array_equal(found[frame], masks[number])
    assert ("annotated_frames" in (raw / "videos.jsonl").read_text()) == (annotated is not None)


def test_a_person_pairs_what_names_do_not(tmp_path: Path) -> None:
    tree, raw = tmp_path / "tree", tmp_path / "raw"
    frames = write_clip(tree / "one.mp4")
    write_mask(tree / "two.mp4", frames, masks_of())
    report = adopt(str(tree), raw)
    assert list(report.lines())[-1] == (
        f"No clip has a mask. {raw}/adoption/report.csv lists all files; give patterns of the "
        "clips with --clips and of the masks with --masks."
    )
    (tmp_path / "mine.csv").write_text(
        "use,video_id,clip,mask,kind,align\nyes,my_1,one.mp4,two.mp4,,\n"
    )
    outcome = only(adopt(str(tree), raw, AdoptOptions(pairing=tmp_path / "mine.csv")))
    assert (outcome.state, outcome.pair.video_id, outcome.pair.how) == (
        "adopted",
        "my_1",
        "by pairing.csv",
    )


BAD_ROWS = {
    "use": ("maybe,A_0,a,b,,", "use is 'maybe'; wanted yes, no, or nothing if it is not decided"),
    "id": ("yes,A.0,a,b,,", "video_id is 'A.0'; wanted 1 to 128 of A-Z, a-z, 0-9, _ and -"),
    "kind": (
        "yes,A_0,a,b,red,",
        "kind is 'red'; wanted binary, inverted, grey, drawn, outline, labels, or nothing to "
        "recognise it",
    ),
    "align": (
        "yes,A_0,a,b,,stretch",
        "align is 'stretch'; wanted nothing, or rules joined with +: scale (scale the mask to the "
        "clip), first (mask k is frame k; leave out what one of the two has more at its end), "
        "every:K (a mask for every K-th frame), numbers (an image is the frame of its number; "
        "frames without an image are not annotated), numbers-empty (frames without an image have "
        "nothing marked)",
    ),
    "no mask": ("yes,A_0,a,,,", "use is yes without a clip or without a mask; wanted both"),
}


@pytest.mark.parametrize(("row", "problem"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_pairing_that_cannot_be(
    make: Callable[..., tuple[str, Path]], tmp_path: Path, row: str, problem: str
) -> None:
    source, raw = make(RED)
    path = tmp_path / "pairing.csv"
    path.write_text(f"use,video_id,clip,mask,kind,align\n{row}\n")
    with pytest.raises(AdoptError) as caught:
        adopt(source, raw, AdoptOptions(pairing=path))
    assert str(caught.value) == f"{path} line 2: {problem}"


def test_a_pairing_that_names_what_is_not_there(
    make: Callable[..., tuple[str, Path]], tmp_path: Path
) -> None:
    source, raw = make(RED)
    path = tmp_path / "pairing.csv"
    path.write_text(
        "use,video_id,clip,mask,kind,align\nyes,A_0,a.mp4,masks/A_0.mp4,,\nyes,A_0,b,c,,\n"
    )
    with pytest.raises(AdoptError) as caught:
        adopt(source, raw, AdoptOptions(pairing=path))
    assert (
        str(caught.value) == f"{path} line 3: video_id A_0 has a yes on line 2 already; wanted one"
    )
    path.write_text("use,video_id,clip,mask,kind,align\nyes,A_0,a.mp4,masks/A_0.mp4,,\n")
    with pytest.raises(AdoptError) as caught:
        adopt(source, raw, AdoptOptions(pairing=path))
    assert str(caught.value) == (
        f"{path} line 2: clip 'a.mp4' is not in the source; wanted a video or a folder of images "
        "in it"
    )
    path.write_text("use,clip\n")
    with pytest.raises(AdoptError) as caught:
        adopt(source, raw, AdoptOptions(pairing=path))
    assert str(caught.value) == (
        f"{path}: no column 'video_id'; wanted use, video_id, clip, mask, kind, align, confidence, "
        "why."
    )


BAD_TABLES = {
    "columns": ("a,b\n", "{path}: has the columns a, b; wanted prefix and generator."),
    "empty": (
        "prefix,generator\nCog,\n",
        "{path} line 2: prefix 'Cog' and generator ''; both must have a text.",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_is_none(
    make: Callable[..., tuple[str, Path]], tmp_path: Path, text: str, message: str
) -> None:
    source, raw = make(RED)
    path = tmp_path / "generators.csv"
    path.write_text(text)
    with pytest.raises(AdoptError) as caught:
        adopt(source, raw, AdoptOptions(generators=path))
    assert str(caught.value) == message.format(path=path)


def test_sources_and_raw_folders_that_cannot_be(
    make: Callable[..., tuple[str, Path]], tmp_path: Path
) -> None:
    source, raw = make(RED)
    argument = "Give a folder, a zip or tar, or OWNER/NAME[@REVISION]."
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("")
    cases = {
        (
            "nothing here",
            raw,
        ): f"nothing here: no such folder or archive, and not the name of a repository. {argument}",
        (str(tmp_path / "empty"), raw): f"{tmp_path}/empty: has no files. {argument}",
        (str(tmp_path / "a.txt"), raw): (
            f"{tmp_path}/a.txt: is not an archive; wanted one of .zip, .tar, .tar.gz, .tgz, "
            f".tar.bz2, .tbz2, .tar.xz, .txz. {argument}"
        ),
        (
            source,
            Path(source, "raw"),
        ): f"{source}/raw: is inside the source {source}; give a raw folder outside of it.",
        (
            source,
            tmp_path / "a.txt",
        ): f"{tmp_path}/a.txt: is a file; wanted a raw folder, or a path that does not exist yet.",
    }
    for (named, into), message in cases.items():
        with pytest.raises(AdoptError) as caught:
            adopt(named, into)
        assert str(caught.value) == message


def test_ids_of_somebody_else_are_not_taken(
    make: Callable[..., tuple[str, Path]], tmp_path: Path
) -> None:
    source, raw = make(RED)
    write_clip(raw / "videos" / "A_0.mp4")
    with pytest.raises(AdoptError) as caught:
        adopt(source, raw)
    assert (
        str(caught.value)
        == f"{raw}: already has a video A_0 that was not adopted; rename or remove it"
    )
    adopt(source, tmp_path / "raw2")
    Path(source).rename(tmp_path / "moved")
    with pytest.raises(AdoptError) as caught:
        adopt(str(tmp_path / "moved"), tmp_path / "raw2")
    assert str(caught.value) == (
        f"{tmp_path}/raw2: video A_0 was adopted from {source}, and {tmp_path}/moved has this id "
        "too; use another raw folder"
    )


def test_files_that_are_damaged_are_named(tmp_path: Path) -> None:
    tree, raw = tmp_path / "tree", tmp_path / "raw"
    write_mask(tree / "masks" / "A_0.mp4", write_clip(tree / "videos" / "A_0.mp4"), masks_of())
    (tree / "videos" / "A_1.mp4").write_bytes(b"no video")
    write_mask(tree / "masks" / "A_1.mp4", clip_frames(), masks_of())
    write_clip(tree / "videos" / "A_2.mp4")
    write_pngs(tree / "masks" / "A_2", masks_of())
    (tree / "masks" / "A_2" / "00001.png").write_bytes(b"no image")
    report = adopt(str(tree), raw)
    assert {outcome.pair.video_id: (outcome.state, outcome.why) for outcome in report.outcomes} == {
        "A_0": ("adopted", ""),
        "A_1": (
            "failed",
            "videos/A_1.mp4: not a video file that FFmpeg can open, or cut off before its index. "
            "Copy it again from its source.",
        ),
        "A_2": (
            "failed",
            "masks/A_2/00001.png: not a JPEG, PNG or WebP image, or a damaged one; copy this image "
            "again",
        ),
    }
    assert sorted(path.name for path in (raw / "videos").iterdir()) == ["A_0.mp4"]
    assert sorted(path.name for path in (raw / "masks").iterdir()) == ["A_0"]
