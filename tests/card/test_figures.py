"""Figures show the facts, look the same everywhere, and give the same bytes twice."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from brokenvideos.card.details import Details, Shown
from brokenvideos.card.figures import draw, figure_data
from brokenvideos.card.inputs import CardInputs
from brokenvideos.card.mosaic import draw_mosaic, mosaic_data
from brokenvideos.masks.overlay import TYPE_COLOURS


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert not image.info.get("Software")
        return np.asarray(image.convert("RGB"))


def share_of(image: np.ndarray, colour: tuple[int, int, int]) -> float:
    return float((np.abs(image.astype(int) - colour).max(axis=2) <= 2).mean())


def test_the_colours_of_a_figure_are_those_of_the_masks(inputs: CardInputs) -> None:
    data = figure_data(inputs.total, inputs.details)
    assert set(data) == {"generators", "lengths", "sizes", "mask_areas", "positions"}
    image = pixels(draw("generators", data["generators"]))
    assert image.shape[1] == 1600
    # A bar of a type is as long as its count: the shares of the colours are those of the counts.
    counts = {name: sum(data["generators"]["counts"][name]) for name in TYPE_COLOURS}
    shares = {name: share_of(image, colour) for name, colour in TYPE_COLOURS.items()}
    for name in TYPE_COLOURS:
        assert shares[name] / sum(shares.values()) == pytest.approx(
            counts[name] / sum(counts.values()), abs=0.02
        )


def test_a_user_s_style_does_not_matter(inputs: CardInputs) -> None:
    data = figure_data(inputs.total, inputs.details)["lengths"]
    before = draw("lengths", data)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "figure.dpi": 10}):
        assert draw("lengths", data) == before
        assert mpl.rcParams["font.size"] == 30


def test_many_generators_and_sizes_are_gathered(inputs: CardInputs) -> None:
    total, details = inputs.facts.total(), Details()
    total.generators.clear()
    total.sizes.clear()
    for number in range(30):
        total.generators[f"g{number:02d}"] = 30 - number
        total.sizes[f"{100 + number}x50"] = 30 - number
        details.generator_types[f"g{number:02d}", "normal"] = 30 - number
    details.label_lengths["normal", 9] = 465
    data = figure_data(total, details)
    assert data["generators"]["generators"][-1] == "6 others"
    assert data["generators"]["counts"]["normal"][-1] == 6 + 5 + 4 + 3 + 2 + 1
    # without a mask there is nothing to show of masks
    assert set(data) == {
        "generators",
        "lengths",
        "sizes",
    }
    assert len(data["sizes"]["counts"]) == 30
    # 12 and the others
    assert pixels(draw("sizes", data["sizes"])).shape == (
        round(200 * (0.45 + 0.24 * 13)),
        1600,
        3,
    )


def test_the_mosaic_shows_frames_with_their_masks(release: Path, inputs: CardInputs) -> None:
    shown = {name: found[:1] for name, found in inputs.details.shown().items()}
    png = draw_mosaic(release, shown, inputs.manifest)
    assert png == draw_mosaic(release, shown, inputs.manifest)
    image = pixels(png)
    assert image.shape[1] == 1600
    for name in shown:
        # the line around the mask and the legend
        assert share_of(image, TYPE_COLOURS[name]) > 0.0005, name


def test_a_mosaic_is_stale_when_a_shown_annotation_changes(inputs: CardInputs) -> None:
    shown = inputs.details.shown()
    before = mosaic_data(shown, inputs.manifest)
    one: Shown = next(iter(shown["motion"]))
    videos = inputs.manifest["videos"]
    changed = {
        **inputs.manifest,
        "videos": {**videos, one.video_id: {**videos[one.video_id], "digest": "0" * 64}},
    }
    assert mosaic_data(shown, changed) != before
    assert mosaic_data({"motion": [replace(one, frame_index=0)]}, inputs.manifest) != before
    assert mosaic_data({"motion": []}, inputs.manifest) == {}


def test_a_turned_video_stands_upright(release: Path, inputs: CardInputs, tmp_path: Path) -> None:
    """The same frame, recorded as lying on its side: the tile is as high as a row and narrower than
    it is high.
    """
    one: Shown = inputs.details.shown()["motion"][0]
    shutil.copytree(release / "data", tmp_path / "data")
    for path in (tmp_path / "data").iterdir():
        table = pq.read_table(path)
        rows = table.to_pylist()
        for row in rows:
            row["codec"]["rotation"] = 90
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    upright, turned = (
        pixels(draw_mosaic(f, {"motion": [one]}, inputs.manifest)) for f in (release, tmp_path)
    )
    assert upright.shape == turned.shape == (46 + 300 + 8, 1600, 3)
    # 64 x 48 pixels stand 400 x 300; turned clockwise they stand 225 x 300.
    left, right = upright[46:346, :400], turned[46:346, :225]
    assert (turned[46:, 225:] == 255).all()
    assert (upright[46:, 400:] == 255).all()
    small = [
        np.asarray(Image.fromarray(part).resize((12, 12), Image.Resampling.BOX)).astype(int)
        for part in (left, right)
    ]
    # but for the captions below
    assert np.abs(np.rot90(small[0], -1)[:9] - small[1][:9]).mean() < 12
