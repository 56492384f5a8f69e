"""The modules that pages share, in a real browser: masks against pycocotools, outlines and specks
against small pictures.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pycocotools.mask
import pytest

from brokenvideos.frames import orientation_of_rotation, to_displayed
from brokenvideos.masks import decode
from brokenvideos.masks.overlay import TYPE_COLOURS, object_colours
from brokenvideos.tools.explorer.posters import COMPARED_COLOURS
from brokenvideos.tools.page import MODULES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UInt8Array = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def modules(chromium: "Browser") -> "Page":
    """A page on which `rle`, `marks`, `colours` and `picture` are the modules of these names."""
    page = chromium.new_page()
    page.route(
        "http://modules.test/*.js",
        lambda route: route.fulfill(
            path=MODULES / Path(route.request.url).name, content_type="text/javascript"
        ),
    )
    page.route(
        "http://modules.test/",
        lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"),
    )
    page.goto("http://modules.test/")
    page.evaluate(
        """async () => {
             for (const name of ["rle", "marks", "colours", "picture"]) window[name] = await import(`/${name}.js`);
             window.rows = (bitmap, width) => Array.from({length: bitmap.length / width},
               (_, y) => Array.from(bitmap.subarray(y * width, (y + 1) * width)).join(""));
           }"""
    )
    return page


def pictures() -> dict[str, UInt8Array]:
    """Bitmaps in which an axis that is swapped, or a run that crosses a column, would show."""
    random = np.random.default_rng(3)
    noise = (random.random((37, 53)) < 0.5).astype(np.uint8)
    blob = np.zeros((240, 320), np.uint8)
    blob[40:200, 60:90] = 1
    blob[100:110, 80:300] = 1
    columns = np.zeros((5, 7), np.uint8)
    columns[:, 2:4] = 1
    corner, last = np.zeros((4, 6), np.uint8), np.zeros((4, 6), np.uint8)
    corner[0, 0] = 1
    last[3, 5] = 1
    below = np.zeros((6, 5), np.uint8)
    below[3:, 1:4] = 1
    above = np.zeros((6, 5), np.uint8)
    above[:3, 1:4] = 1
    return {
        "noise": noise,
        "blob": blob,
        "whole columns": columns,
        "first pixel": corner,
        "last pixel": last,
        "down to the last row": below,
        "from the first row": above,
        "nothing": np.zeros((9, 4), np.uint8),
        "everything": np.ones((9, 4), np.uint8),
        "one pixel": np.ones((1, 1), np.uint8),
        "tall": (random.random((1999, 2)) < 0.02).astype(np.uint8),
    }


@pytest.mark.parametrize("name", pictures())
def test_masks_are_those_of_pycocotools(modules: "Page", name: str) -> None:
    bitmap = pictures()[name]
    height, width = bitmap.shape
    counts = pycocotools.mask.encode(np.asfortranarray(bitmap))["counts"].decode()
    asked = {"counts": counts, "height": height, "width": width, "bitmap": bitmap.ravel().tolist()}
    rows = modules.evaluate(
        "({counts, height, width}) => rows(rle.decode(counts, height, width), width)", asked
    )
    assert rows == ["".join(map(str, row)) for row in bitmap.tolist()]
    encoded = modules.evaluate(
        "({bitmap, height, width}) => rle.encode(Uint8Array.from(bitmap), height, width)", asked
    )
    assert encoded == counts
    # The gate of the package takes it too.
    assert np.array_equal(decode([encoded], height=height, width=width)[0], bitmap)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("", "The mask has 0 pixels, the picture 2 x 3."),
        ("5", "The mask has 5 pixels, the picture 2 x 3."),
        ("7", "The mask has more than 2 x 3 pixels."),
        ("V", "The mask string ends inside a number."),
        ("~", "The mask string is wrong at character 1."),
        ("1/", "The mask string is wrong at character 2."),
        ("O", "The mask string has a run of -1 pixels."),
    ],
)
def test_a_wrong_mask_string_is_said(modules: "Page", counts: str, message: str) -> None:
    said = modules.evaluate(
        "(counts) => { try { rle.decode(counts, 2, 3); return null; } catch (error) { return "
        "[error.name, error.message]; } }",
        counts,
    )
    assert said == ["RangeError", message]


def test_the_box_and_area_of_a_mark(modules: "Page") -> None:
    bitmap = pictures()["blob"]
    mark = modules.evaluate(
        "([bitmap, height, width]) => { const {box, area} = "
        "marks.markOfBitmap(Uint8Array.from(bitmap), height, width); return {box, area}; }",
        [bitmap.ravel().tolist(), *bitmap.shape],
    )
    assert mark == {"box": {"x0": 60, "y0": 40, "x1": 300, "y1": 200}, "area": int(bitmap.sum())}


def specks(modules: "Page", drawing: list[str], limit_px: int) -> Any:
    bitmap = [int(pixel == "#") for row in drawing for pixel in row]
    return modules.evaluate(
        "([bitmap, height, width, limit]) => "
        "marks.specksOf(marks.markOfBitmap(Uint8Array.from(bitmap), height, width), limit)",
        [bitmap, len(drawing), len(drawing[0]), limit_px],
    )


def test_strays_and_holes_are_found(modules: "Page") -> None:
    drawing = [
        "#.......",
        "..####..",
        "..#.##..",
        "..####..",
        "......#.",
        "#.......",
    ]
    # The pixel below the large part touches it with a corner only, and belongs to it.
    assert specks(modules, drawing, 2) == {
        "strays": [{"x": 0, "y": 0, "area": 1}, {"x": 0, "y": 5, "area": 1}],
        "holes": [{"x": 3, "y": 2, "area": 1}],
    }


def test_parts_above_the_limit_and_the_largest_one_are_no_strays(modules: "Page") -> None:
    none = {"strays": [], "holes": []}
    assert specks(modules, ["##..##", "##..#.", "......"], 2) == none
    assert specks(modules, ["#.", ".."], 100) == none
    assert specks(modules, ["..", ".."], 5) == none
    # No hole: what is not marked reaches the edge of the picture, or is larger than the limit.
    assert specks(modules, ["###", "#.#"], 100) == none
    assert specks(modules, [".....", ".###.", ".#.#.", "..#.."], 100)["holes"] == [
        {"x": 2, "y": 2, "area": 1}
    ]
    assert specks(modules, ["####", "#..#", "####"], 1) == none


def test_the_outline_runs_between_pixels(modules: "Page") -> None:
    # A line of one pixel's width along the border paints both sides of it and no pixel that is
    # farther away.
    painted = modules.evaluate(
        """() => {
             const bitmap = new Uint8Array(64);
             for (const at of [27, 28, 35]) bitmap[at] = 1;
             const canvas = new OffscreenCanvas(80, 80);
             const context = canvas.getContext("2d");
             context.scale(10, 10);
             context.lineWidth = 0.2;
             context.stroke(marks.outlineOf(marks.markOfBitmap(bitmap, 8, 8)));
             const at = (x, y) => context.getImageData(x, y, 1, 1).data[3] > 0;
             return [at(35, 30), at(49, 35), at(39, 45), at(35, 50), at(35, 40), at(40, 35), at(45, 45), at(20, 20)];
           }"""
    )
    assert painted == [True, True, True, True, False, False, False, False]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270, 360, 450, 540, 630])
def test_a_picture_is_turned_as_the_reader_turns_planes(modules: "Page", rotation: int) -> None:
    stored = np.arange(6 * 10).reshape(6, 10)
    shown = to_displayed(stored, orientation_of_rotation(rotation))
    upright = modules.evaluate("(rotation) => picture.uprightOf(rotation, 6, 10)", rotation)
    assert (upright["height"], upright["width"]) == shown.shape
    a, b, c, d, e, f = upright["matrix"]
    for y, x in ((0, 0), (1, 7), (5, 9), (4, 2)):
        u, v = a * (x + 0.5) + c * (y + 0.5) + e, b * (x + 0.5) + d * (y + 0.5) + f
        assert shown[int(v), int(u)] == stored[y, x]


def test_colours_are_those_of_the_overlay(modules: "Page") -> None:
    types = [
        "motion",
        "blur",
        "motion",
        "deformation",
        "motion",
        "motion",
        "motion",
        "blur",
        "blur",
        "deformation",
    ]
    assert modules.evaluate("(types) => colours.objectColours(types)", types) == [
        list(c) for c in object_colours(types)
    ]
    assert modules.evaluate("() => colours.TYPE_COLOURS") == {
        name: list(c) for name, c in TYPE_COLOURS.items()
    }
    compared = modules.evaluate("() => Object.values(colours.COMPARED_COLOURS)")
    assert compared == [list(c) for c in COMPARED_COLOURS]
