"""Every value of every file that people write may be anything: a folder is read or refused, never a
traceback.
"""

import io
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image
from typer.testing import CliRunner

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw import Problem, RawError
from brokenvideos.frames import encode_video
from brokenvideos.masks import encode
from brokenvideos.tools.commands.main import app
from tests.label_studio_brush import RLE as BRUSH

BITMAP = np.zeros((6, 9), np.uint8)
BITMAP[1:4, 2] = BITMAP[3, 2:7] = 1


def png() -> str:
    stream = io.BytesIO()
    Image.fromarray(BITMAP[1:4, 2:7]).save(stream, "PNG")
    return b64encode(stream.getvalue()).decode()


RLE = {"size": [6, 9], "counts": encode(BITMAP[None])[0]}
RUNS = {"size": [6, 9], "counts": [13, 3, 5, 1, 5, 1, 5, 1, 5, 1, 14]}
REGION = {
    "id": "r",
    "type": "brushlabels",
    "original_width": 7,
    "original_height": 5,
    "image_rotation": 0,
    "value": {"format": "rle", "rle": BRUSH, "brushlabels": ["blur"]},
}
NUMBER = {"id": REGION["id"], "type": "number", "from_name": "object_id", "value": {"number": 7}}
MOVING = {
    **REGION,
    "value": {"brushlabels": ["blur"], "sequence": [{"frame": 2, "rle": BRUSH, "enabled": True}]},
}
CHOICE = {
    "id": "c",
    "type": "rectanglelabels",
    "value": {"rectanglelabels": ["face"], "labels": ["x"]},
}
SHAPES = [
    {"label": "blur", "points": [[1, 0], [7, 2], [3, 5]], "group_id": 0, "shape_type": "polygon"},
    {
        "label": "blur",
        "points": [[1, 1], [4, 1], [4, 3], [1, 3]],
        "group_id": None,
        "shape_type": "rectangle",
    },
    {"label": "blur", "points": [[4, 3], [5, 3]], "shape_type": "circle"},
    {"label": "blur", "points": [[2, 1], [6, 3]], "shape_type": "mask", "mask": png()},
]
FILES: dict[str, tuple[str, str, Any]] = {
    "own": (
        "own",
        "videos.jsonl",
        {
            "video_id": "a",
            "generator": "x",
            "prompt": "p",
            "label": "broken",
            "objects": [{"object_id": 1, "artifact_type": "blur"}],
            "annotated_frames": [0, 3],
            "split": "train",
            "source": {"license": "x"},
        },
    ),
    "sav": (
        "sav",
        "annotations/a_manual.json",
        {
            "video_id": "a",
            "video_frame_count": 5.0,
            "masklet_id": [0, 3],
            "masklet": [[RLE, RLE], [RLE, RLE]],
        },
    ),
    "coco": (
        "coco",
        "instances.json",
        {
            "videos": [
                {
                    "id": 1,
                    "height": 6,
                    "width": 9,
                    "length": 2,
                    "file_names": ["a/00000.jpg", "a/00003.jpg"],
                }
            ],
            "annotations": [
                {
                    "id": 3,
                    "video_id": 1,
                    "category_id": 1,
                    "object_id": 2,
                    "segmentations": [RLE, RUNS],
                }
            ],
            "categories": [{"id": 1, "name": "blur"}],
        },
    ),
    "coco, whole video": (
        "coco",
        "instances.json",
        {
            "videos": [{"id": 1, "height": 6, "width": 9, "length": 2, "file_name": "x/a.MP4"}],
            "annotations": [
                {"id": 3, "video_id": 1, "category_id": 1, "segmentations": [None, RLE]}
            ],
            "categories": [{"id": 1, "name": "blur"}],
        },
    ),
    "coco, images": (
        "coco",
        "instances.json",
        {
            "images": [{"id": 1, "height": 6, "width": 9, "file_name": "x/a/00003.jpg"}],
            "annotations": [
                {"id": 3, "image_id": 1, "category_id": 1, "object_id": 2, "segmentation": RLE},
                {"id": 4, "image_id": 1, "category_id": 1, "object_id": 7, "segmentation": RUNS},
            ],
            "categories": [{"id": 1, "name": "blur"}],
        },
    ),
    "label-studio": (
        "label-studio",
        "tasks.json",
        [
            {
                "data": {"image": "a/00000.png"},
                "annotations": [{"was_cancelled": False, "result": [REGION, CHOICE]}],
            }
        ],
    ),
    "label-studio, numbers": (
        "label-studio",
        "tasks.json",
        [{"data": {"image": "a/00000.png"}, "annotations": [{"result": [REGION, NUMBER]}]}],
    ),
    "label-studio, video": (
        "label-studio",
        "tasks.json",
        [{"data": {"video": "a.mp4"}, "annotations": [{"result": [MOVING]}]}],
    ),
    "labelme": (
        "labelme",
        "annotations/a/00000.json",
        {"shapes": SHAPES, "imageHeight": 6, "imageWidth": 9, "imagePath": "0.jpg"},
    ),
    "geneva": (
        "geneva",
        "geneva.json",
        [
            {
                "video": "a.mp4",
                "model": "x",
                "prompt": "p",
                "artifacts": [
                    {
                        "category": "blur",
                        "boxes": [{"frame": 0, "x": 2, "y": 1.5, "width": 4, "height": 3}],
                    }
                ],
            }
        ],
    ),
}
ODD = [
    None,
    True,
    -1,
    0,
    1,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    2**31,
    2**70,
    10**400,
    -(10**400),
    "",
    "\ud800",
    "\0",
    "../x",
    "1",
    "00017",
    "a/0.png?d=#",
    "x" * 200,
    [],
    [[]],
    [None],
    [[[[]]]],
    {},
    {"a": 1},
    {"size": [6, 9]},
]


def places(value: Any, *, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON value, the outermost first; of long lists of numbers, the
    first only.
    """
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, at=(*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value if len(value) < 8 else value[:1]):
            yield from places(inner, at=(*at, index))


def replaced(value: Any, at: tuple[Any, ...], odd: Any) -> Any:
    if not at:
        return odd
    changed = value.copy() if isinstance(value, dict | list) else [None]
    if isinstance(changed, list) and (not isinstance(at[0], int) or at[0] >= len(changed)):
        return odd
    changed[at[0]] = replaced(
        changed.get(at[0]) if isinstance(changed, dict) else changed[at[0]], at[1:], odd
    )
    return changed


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    encode_video(path, np.zeros((4, 10, 16, 3), np.uint8), fps=4)
    return path.read_bytes()


def folder_of(raw: Any, name: str, text: str, video: bytes) -> None:
    for path, content in (("videos/a.mp4", video), (name, text.encode("utf-8", "surrogatepass"))):
        (raw / path).parent.mkdir(parents=True, exist_ok=True)
        if path == name or not (raw / path).exists():
            (raw / path).write_bytes(content)


def read(raw: Any, layout: str) -> int:
    """How many frames are read; -1 where the folder is refused."""
    try:
        records, problems = read_layout(
            raw, layout=layout, artifact_type=None if layout == "own" else "blur"
        )
        frames = [frame for record in records for frame in record.masks.read()]
    except RawError:
        return -1
    assert all(isinstance(problem, Problem) for problem in problems)
    assert all(problem.what and len(str(problem)) < 1000 for problem in problems)
    assert all(
        plane.dtype == np.uint16 and plane.ndim == 2 for frame in frames for plane in frame.planes
    )
    return -1 if problems else len(frames)


@pytest.mark.slow
@pytest.mark.parametrize("case", FILES)
def test_any_one_value_may_be_odd(tmp_path: Any, video: bytes, case: str) -> None:
    layout, name, content = FILES[case]
    folder_of(tmp_path, name, json.dumps(content), video)
    assert read(tmp_path, layout) >= (layout != "own")
    refused = 0
    for at in places(content):
        for odd in ODD:
            folder_of(tmp_path, name, json.dumps(replaced(content, at, odd)), video)
            refused += read(tmp_path, layout) == -1
    assert refused > 100


@pytest.mark.parametrize("case", FILES)
@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_several_values_may_be_odd_and_the_file_cut(
    tmp_path: Any, video: bytes, case: str, data: Any
) -> None:
    layout, name, content = FILES[case]
    ways = list(places(content))
    for at in data.draw(st.lists(st.sampled_from(ways), min_size=1, max_size=4)):
        content = replaced(content, at, data.draw(st.sampled_from(ODD)))
    text = json.dumps(content)
    cut = data.draw(st.none() | st.integers(0, len(text)))
    folder_of(tmp_path, name, text[:cut], video)
    read(tmp_path, layout)


XML = (
    "<annotations><meta><task><original_size><width>9</width><height>6</height></original_size><start_frame>0</start_frame>"
    '<stop_frame>4</stop_frame><frame_filter>step=1</frame_filter></task></meta><track id="0" '
    'label="blur" group_id="1">'
    '<mask frame="1" outside="0" rle="0, 1, 4, 1, 4, 5" left="2" top="1" width="5" height="3">'
    '<attribute name="object_id">7</attribute></mask></track></annotations>'
)
ODD_TEXT = [
    "",
    "0",
    "-1",
    "1e9",
    "9" * 400,
    "nan",
    "inf",
    "٣",
    " 3 ",
    "step=0",
    "1,,2",
    "&#xFFFF;",
    "&lt;",
    "x" * 200,
]


def test_any_one_value_of_xml_may_be_odd(tmp_path: Any, video: bytes) -> None:
    folder_of(tmp_path, "annotations/a.xml", XML, video)
    assert read(tmp_path, "cvat") == 1
    values = [
        match.span(1)
        for match in re.finditer(r'="([^"]*)"|>([^<>]+)<', XML)
        if match[1] is not None
    ]
    values += [match.span(1) for match in re.finditer(r">([^<>]+)<", XML)]
    for start, end in values:
        for odd in ODD_TEXT:
            folder_of(tmp_path, "annotations/a.xml", XML[:start] + odd + XML[end:], video)
            read(tmp_path, "cvat")


def by_command_line(tmp_path: Any, content: Any, *, case: str, video: bytes) -> str:
    layout, name, _ = FILES[case]
    folder_of(tmp_path / "raw", name, json.dumps(content), video)
    given = [] if layout == "own" else ["--artifact-type", "blur"]
    run = CliRunner().invoke(
        app, ["build", str(tmp_path / "raw"), str(tmp_path / "out"), "--layout", layout, *given]
    )
    # What main() turns into one line.
    assert run.exit_code in (0, 1), run.output
    assert run.exception is None or isinstance(run.exception, ValueError | SystemExit), repr(
        run.exception
    )
    assert (tmp_path / "out").exists() == (run.exit_code == 0)
    return str(run.exception)


@pytest.mark.parametrize(
    "odd",
    [None, "\ud800", float("inf"), 10**400, [[]]],
    ids=["null", "half", "inf", "huge", "list"],
)
@pytest.mark.parametrize("case", FILES)
def test_the_command_line_says_it_in_a_line(
    tmp_path: Any, video: bytes, case: str, odd: Any
) -> None:
    content = FILES[case][2]
    deepest = max(places(content), key=len)
    message = by_command_line(
        tmp_path, replaced(content, deepest[:-1], odd), case=case, video=video
    )
    assert "Traceback" not in message
