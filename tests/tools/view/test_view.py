"""Pictures of a row: what is painted where, what the head says, and both formats."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from brokenvideos.frames import encode_video, index_to_columns, index_video, iter_frames
from brokenvideos.masks import encode
from brokenvideos.masks.overlay import TYPE_COLOURS, object_colours, overlay
from brokenvideos.tools.view.view import MARGIN_PX, PAPER, ViewError, view

HEIGHT, WIDTH, NUM_FRAMES = 48, 64, 16
Row = dict[str, Any]


def box(top: int, left: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


@pytest.fixture
def row(tmp_path: Path) -> Row:
    """Grey frames that grow lighter; a motion object in frames 2 to 9, a blur object in frame 12;
    odd frames from 11 unknown.
    """
    path = tmp_path / "video.mp4"
    encode_video(
        path, (np.full((HEIGHT, WIDTH, 3), 60 + 8 * t, np.uint8) for t in range(NUM_FRAMES)), fps=12
    )
    entries = [(1, t, box(8, 8 + 2 * t, 16, 12)) for t in range(2, 10)] + [
        (5, 12, box(30, 40, 12, 20))
    ]
    return {
        "video_id": "Kling_00412",
        "video": {"bytes": path.read_bytes(), "path": None},
        "label": 1,
        "generator": "Kling",
        "prompt": "A grey card that grows lighter.",
        "annotated_frames": [t for t in range(NUM_FRAMES) if t < 11 or t % 2 == 0],
        "objects": {"object_id": [1, 5], "artifact_type": [0, 2], "digest": ["", ""]},
        "masks": {
            "object_id": [object_id for object_id, _, _ in entries],
            "frame_index": [frame_index for _, frame_index, _ in entries],
            "counts": encode(np.stack([mask for _, _, mask in entries])),
            "fingerprint": [0] * len(entries),
        },
        **index_to_columns(index_video(path)),
    }


def pixels(path: Path) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def tile_of(sheet: npt.NDArray[np.uint8], *, height: int, width: int) -> npt.NDArray[np.uint8]:
    """The only tile of a sheet with one frame: it lies in the lower left corner, inside the
    margin.
    """
    bottom = sheet.shape[0] - MARGIN_PX
    return sheet[bottom - height : bottom, MARGIN_PX : MARGIN_PX + width]


def test_outline_has_the_colour_of_the_type_and_lies_on_the_mask(row: Row, tmp_path: Path) -> None:
    out = view(row, tmp_path / "one.png", frames=[4], scale=4)

    tile = tile_of(pixels(out), height=4 * HEIGHT, width=4 * WIDTH)
    line = (tile == TYPE_COLOURS["motion"]).all(axis=2)
    rows, columns = np.nonzero(line)
    assert (rows.min(), rows.max() + 1) == (4 * 8, 4 * 24)
    assert (columns.min(), columns.max() + 1) == (4 * 16, 4 * 28)
    assert line[32, 64:112].all()
    assert not line[34:94, 66:110].any()


def test_every_object_is_on_a_sheet_with_default_frames(row: Row, tmp_path: Path) -> None:
    sheet = pixels(view(row, tmp_path / "sheet.png"))

    below_head = sheet[180:]
    for artifact_type in ("motion", "blur"):
        assert (below_head == TYPE_COLOURS[artifact_type]).all(axis=2).sum() > 50
    assert (sheet[0, 0] == PAPER).all()


def test_an_object_in_a_single_frame_is_on_a_sheet(row: Row, tmp_path: Path) -> None:
    for frame_index in (0, 1, 7, 14):
        row["masks"]["frame_index"][-1] = frame_index
        sheet = pixels(view(row, tmp_path / f"{frame_index}.png"))
        assert (sheet[180:] == TYPE_COLOURS["blur"]).all(axis=2).sum() > 50


def test_frame_that_nobody_looked_at_is_darker_and_says_so(row: Row, tmp_path: Path) -> None:
    known, unknown = (
        tile_of(
            pixels(view(row, tmp_path / f"{t}.png", frames=[t], scale=4)), height=192, width=256
        )
        for t in (14, 13)
    )

    assert known[100, 200].mean() > unknown[100, 200].mean() + 20
    assert (unknown[150:, :130] == 255).all(axis=2).any()
    assert not (known[150:, :130] == 255).all(axis=2).any()


def test_rotated_video_is_shown_upright(row: Row, tmp_path: Path) -> None:
    row["codec"]["rotation"] = 90
    tile = tile_of(
        pixels(view(row, tmp_path / "turned.png", frames=[4], scale=4)),
        height=4 * WIDTH,
        width=4 * HEIGHT,
    )

    rows, columns = np.nonzero((tile == TYPE_COLOURS["motion"]).all(axis=2))
    # Clockwise: the left edge comes to the top, the top edge to the right.
    assert (rows.min(), rows.max() + 1) == (4 * 16, 4 * 28)
    assert (columns.min(), columns.max() + 1) == (4 * (HEIGHT - 24), 4 * (HEIGHT - 8))


@pytest.mark.parametrize(("rotation", "turned"), [(360, False), (450, True)])
def test_mirrored_video_is_shown_as_players_show_it(
    row: Row, tmp_path: Path, rotation: int, turned: bool
) -> None:
    row["codec"]["rotation"] = rotation
    height, width = (WIDTH, HEIGHT) if turned else (HEIGHT, WIDTH)
    tile = tile_of(
        pixels(view(row, tmp_path / "m.png", frames=[4], scale=4)),
        height=4 * height,
        width=4 * width,
    )
    rows, columns = np.nonzero((tile == TYPE_COLOURS["motion"]).all(axis=2))
    # Mirrored the mask lies from 28 to 16 pixels from the right, still 8 to 24 from the top;
    # clockwise then as above.
    across, down = (WIDTH - 28, WIDTH - 16), (8, 24)
    wanted = (across, (HEIGHT - 24, HEIGHT - 8)) if turned else (down, across)
    assert ((rows.min(), rows.max() + 1), (columns.min(), columns.max() + 1)) == tuple(
        tuple(4 * value for value in pair) for pair in wanted
    )


def test_columns_and_repeated_frames_shape_the_sheet(row: Row, tmp_path: Path) -> None:
    wide, tall = (
        pixels(
            view(row, tmp_path / f"{columns}.png", frames=[3, 3, 0, 9], columns=columns, scale=4)
        ).shape
        for columns in (4, 2)
    )

    assert wide[1] == 2 * MARGIN_PX + 4 * 256 + 3 * 8
    assert tall[1] == 2 * MARGIN_PX + 2 * 256 + 8
    assert tall[0] == wide[0] + 192 + 8


def test_same_row_same_bytes(row: Row, tmp_path: Path) -> None:
    first, second = view(row, tmp_path / "a.png"), view(row, tmp_path / "b.png")

    assert first.read_bytes() == second.read_bytes()


def test_film_has_every_frame_at_the_rate_of_the_video(row: Row, tmp_path: Path) -> None:
    out = view(row, tmp_path / "film.mp4", scale=2)

    index = index_video(out)
    assert (index.num_frames, index.fps) == (NUM_FRAMES, 12.0)
    frames = [frame.astype(np.int16) for _, frame in iter_frames(out)]
    differ = [np.abs(frame[-140:] - frames[0][-140:]).max() for frame in frames[1:]]
    assert min(differ) > 5
    reddish = [
        int(((f[..., 0] - f[..., 2]) > 80)[-(2 * HEIGHT + MARGIN_PX) :].sum()) for f in frames
    ]
    assert [t for t, count in enumerate(reddish) if count > 20] == [*range(2, 10), 12]


def test_normal_video_without_objects_prompt_or_packets(row: Row, tmp_path: Path) -> None:
    nothing: dict[str, list[Any]] = {"object_id": [], "artifact_type": [], "digest": []}
    no_masks: dict[str, list[Any]] = {
        "object_id": [],
        "frame_index": [],
        "counts": [],
        "fingerprint": [],
    }
    row |= {"label": 0, "prompt": None, "packets": None, "objects": nothing, "masks": no_masks}

    for name in ("normal.png", "normal.mp4"):
        assert view(row, tmp_path / name).stat().st_size > 1000


def test_takes_numpy_columns_and_a_video_by_path(row: Row, tmp_path: Path) -> None:
    expected = view(row, tmp_path / "lists.png").read_bytes()
    path = tmp_path / "on-disk.mp4"
    path.write_bytes(row["video"]["bytes"])
    row["video"] = {"bytes": None, "path": str(path)}
    row["annotated_frames"] = np.array(row["annotated_frames"], np.int32)
    for column in ("objects", "masks"):
        row[column] = {name: np.array(values) for name, values in row[column].items()}

    assert view(row, tmp_path / "arrays.png").read_bytes() == expected


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("out.gif", {}, "{out}: extension is '.gif', wanted .png (contact sheet) or .mp4 (film)."),
        ("out", {}, "{out}: extension is '', wanted .png (contact sheet) or .mp4 (film)."),
        (
            "out.mp4",
            {"frames": [0]},
            "{out}: a film shows every frame once. Leave out frames and columns, or name a .png.",
        ),
        ("out.png", {"frames": [3, 16]}, "video Kling_00412: frame 16 asked for, wanted 0 to 15."),
        ("out.png", {"frames": []}, "video Kling_00412: no frame asked for, wanted 0 to 15."),
        ("out.png", {"columns": 0}, "columns is 0, must be at least 1."),
        ("out.png", {"scale": 0.0}, "scale is 0.0, must be above 0 and at most 32."),
    ],
)
def test_refuses_what_it_cannot_draw(
    row: Row, tmp_path: Path, name: str, arguments: dict[str, Any], message: str
) -> None:
    out = tmp_path / name
    with pytest.raises(ViewError) as error:
        view(row, out, **arguments)
    assert str(error.value) == message.format(out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_objects_of_one_type_have_shades_of_one_colour() -> None:
    colours = object_colours(["motion", "blur", "motion", "motion", "motion"])

    assert colours[0] == TYPE_COLOURS["motion"]
    assert colours[1] == TYPE_COLOURS["blur"]
    assert len(set(colours)) == 5


def test_overlay_leaves_the_rest_of_the_frame_alone() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    mask = box(10, 20, 12, 12).astype(np.bool_)
    painted = overlay(frame, mask[None], [TYPE_COLOURS["blur"]], size=(HEIGHT, WIDTH))

    far = ~box(9, 19, 14, 14).astype(np.bool_)
    assert np.array_equal(painted[far], frame[far])
    assert (painted[mask] != frame[mask]).any(axis=1).mean() > 0.95


def test_a_prompt_in_another_script_is_drawn_with_a_font_that_has_it_and_else_spelled(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def head(prompt: str, name: str) -> npt.NDArray[np.uint8]:
        view(row | {"prompt": prompt}, tmp_path / name, frames=[3])
        return pixels(tmp_path / name)

    found = head("a Серый кот b", "found.png")
    spelled = head("a U+0421 U+0435 U+0440 U+044B U+0439 U+043A U+043E U+0442 b", "spelled.png")
    # without matplotlib
    monkeypatch.setattr("brokenvideos.card.fonts.find_spec", lambda name: None)
    without = head("a Серыйкот b", "without.png")
    assert found.shape == without.shape
    assert (without == spelled).all()
    assert (found != without).any(axis=2).sum() > 100
