"""Nothing that a stranger may hand in ends in anything but an answer or the evaluation's own
error.
"""

import io
import json
import math
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from PIL import Image
from typer.testing import CliRunner

from brokenvideos.masks import encode
from brokenvideos.release import ReleaseError
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.evaluation import EvaluationError, evaluate

HEIGHT, WIDTH = 6, 8
RLE = {"size": [HEIGHT, WIDTH], "counts": encode(np.eye(HEIGHT, WIDTH, dtype=np.uint8)[None])[0]}
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames of a video v."""
    folder = tmp_path_factory.mktemp("truth") / "v"
    folder.mkdir()
    for frame in range(2):
        Image.fromarray(np.eye(HEIGHT, WIDTH, dtype=np.uint8)).save(folder / f"{frame:05d}.png")
    return folder.parent


def answered(truth: Path, predictions: Path) -> str:
    """ "scored", or what is wrong; any other error fails the test. A fault is one line that says
    where.
    """
    try:
        evaluate(truth, predictions, floors=False)
    except (EvaluationError, ReleaseError) as error:
        lines = str(error).splitlines()
        assert all(": " in line for line in lines), lines
        return str(error)
    return "scored"


NUMBERS = st.one_of(
    st.integers(-3, 300),
    st.sampled_from(
        [
            2**31,
            2**63,
            2**64,
            10**30,
            10**400,
            -(2**70),
            0.5,
            1e300,
            math.inf,
            -math.inf,
            math.nan,
            True,
            False,
        ]
    ),
)
TEXTS = st.sampled_from(
    [
        "",
        "v",
        "v/00000.jpg",
        "v/00001.jpg",
        "/",
        "..",
        "w.mp4",
        "\x00",
        "ü" * 200,
        "4l",
        "0" * 5000,
        "[]",
    ]
)
SCALARS = st.one_of(st.none(), NUMBERS, TEXTS)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def often(good: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Mostly what is wanted, so that faults far inside are reached."""
    return st.one_of(good, good, good, JUNK)


def objects(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Objects that have these fields, or lack some."""
    return often(
        st.fixed_dictionaries({}, optional={name: often(field) for name, field in fields.items()})
    )


RUNS = st.lists(often(st.integers(0, 48)), max_size=6)
MASKS = objects(
    size=st.one_of(st.just([HEIGHT, WIDTH]), st.lists(SCALARS, max_size=3)),
    counts=st.one_of(st.just(RLE["counts"]), RUNS, TEXTS),
)
IDS = often(st.integers(0, 2))
TRACKS = st.lists(st.one_of(st.none(), st.just(RLE), MASKS), max_size=3)
ENTRIES = st.lists(
    objects(
        video_id=st.one_of(IDS, st.just("v")),
        image_id=IDS,
        frame_index=st.integers(0, 2),
        segmentation=st.one_of(st.just(RLE), MASKS),
        segmentations=TRACKS,
        score=st.floats(),
        id=IDS,
    ),
    max_size=3,
)
IMAGES = st.lists(objects(id=IDS, file_name=TEXTS), max_size=3)
VIDEOS = st.lists(
    objects(
        id=IDS,
        name=TEXTS,
        file_name=TEXTS,
        file_names=st.lists(often(TEXTS), max_size=3),
        length=st.integers(0, 3),
    ),
    max_size=2,
)
SAV = objects(
    video_id=st.just("v"),
    masklet_id=st.lists(often(st.integers(0, 3)), max_size=2),
    masklet=st.lists(often(st.lists(MASKS, max_size=2)), max_size=2),
    video_frame_count=st.integers(0, 9),
)
FILES = {
    "coco": objects(images=IMAGES, annotations=ENTRIES),
    "ytvis": objects(videos=VIDEOS, annotations=ENTRIES),
    "both": objects(videos=VIDEOS, images=IMAGES, annotations=ENTRIES),
    "results": ENTRIES,
    "annotations": objects(annotations=ENTRIES),
    "sav": SAV,
    "anything": JUNK,
}


@pytest.mark.parametrize("form", FILES)
def test_json(form: str, truth: Path, tmp_path: Path) -> None:
    name = "v_manual.json" if form == "sav" else "pred.json"

    @FUZZ
    @given(FILES[form], st.integers(0, 300))
    def run(content: object, cut: int) -> None:
        text = json.dumps(content)
        (tmp_path / name).write_text(text)
        answered(truth, tmp_path / name)
        (tmp_path / name).write_text(text[:cut])
        answered(truth, tmp_path / name)

    run()


@FUZZ
@given(ENTRIES, objects(videos=VIDEOS, images=IMAGES))
def test_results_with_names(tmp_path: Path, truth: Path, entries: object, names: object) -> None:
    (tmp_path / "results.json").write_text(json.dumps(entries))
    (tmp_path / "names.json").write_text(json.dumps(names))
    answered(truth, tmp_path / "results.json")


COLUMNS = {
    "video_id": ["v", "v"],
    "frame_index": [0, 1],
    "counts": [RLE["counts"], RLE["counts"]],
    "score": [0.5, 1.0],
}
KINDS = [
    pa.string(),
    pa.large_string(),
    pa.binary(),
    pa.int8(),
    pa.uint64(),
    pa.float16(),
    pa.float64(),
    pa.bool_(),
    pa.null(),
]
KINDS += [
    pa.timestamp("s"),
    pa.list_(pa.int8()),
    pa.struct({"a": pa.int8()}),
    pa.dictionary(pa.int8(), pa.string()),
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("column", COLUMNS)
def test_parquet_of_other_types(
    column: str, kind: pa.DataType, truth: Path, tmp_path: Path
) -> None:
    """A column of another type is one problem, however many rows it has."""
    given_columns = {name: pa.array(values) for name, values in COLUMNS.items()}
    try:
        given_columns[column] = pa.array(COLUMNS[column], kind)
    except (pa.ArrowException, TypeError, ValueError):
        given_columns[column] = pa.nulls(2, kind)
    pq.write_table(pa.table(given_columns), tmp_path / "pred.parquet")
    found = answered(truth, tmp_path / "pred.parquet")
    if " of type " in found:
        assert len(found.splitlines()) == 2


@FUZZ
@given(st.lists(st.tuples(often(st.just("v")), NUMBERS, often(TEXTS), NUMBERS), max_size=3))
def test_parquet_values(tmp_path: Path, truth: Path, rows: list[tuple[object, ...]]) -> None:
    columns = {}
    for name, values, kind in zip(
        COLUMNS, zip(*rows, strict=True) if rows else [()] * 4, ("U", "d", "U", "d"), strict=True
    ):
        fits = (
            [value if isinstance(value, str) else None for value in values] if kind == "U" else []
        )
        for value in values if kind == "d" else ():
            fits.append(
                float(value) if isinstance(value, int | float) and abs(value) < 1e300 else math.nan
            )
        columns[name] = pa.array(fits, pa.string() if kind == "U" else pa.float64())
    pq.write_table(pa.table(columns), tmp_path / "pred.parquet")
    answered(truth, tmp_path / "pred.parquet")


def damaged(data: bytes, cut: int, flips: list[tuple[int, int]]) -> bytes:
    """The first bytes, some of them changed."""
    found = bytearray(data[: max(0, len(data) - cut)])
    for place, value in flips:
        if found:
            found[place % len(found)] = value
    return bytes(found)


DAMAGE = st.tuples(
    st.integers(0, 400),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=4),
)


@FUZZ
@given(DAMAGE)
@example((0, [(1765, 128)]))  # a column's name is not UTF-8
def test_damaged_parquet(
    tmp_path: Path, truth: Path, damage: tuple[int, list[tuple[int, int]]]
) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table(COLUMNS), out)
    (tmp_path / "pred.parquet").write_bytes(damaged(out.getvalue(), *damage))
    answered(truth, tmp_path / "pred.parquet")


@pytest.fixture(scope="module")
def tar(truth: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as file:
        file.add(truth / "v", "ü" * 90 + "/v")  # a long name needs a pax header
    return out.getvalue()


@FUZZ
@given(DAMAGE)
def test_damaged_tar(
    tmp_path: Path, truth: Path, tar: bytes, damage: tuple[int, list[tuple[int, int]]]
) -> None:
    (tmp_path / "pred.tar").write_bytes(damaged(tar, *damage))
    answered(truth, tmp_path / "pred.tar")


@FUZZ
@given(DAMAGE)
def test_damaged_png(
    tmp_path: Path, truth: Path, damage: tuple[int, list[tuple[int, int]]]
) -> None:
    home = tmp_path / "pred" / "v"
    home.mkdir(parents=True, exist_ok=True)
    for path in (truth / "v").iterdir():
        (home / path.name).write_bytes(damaged(path.read_bytes(), *damage))
    answered(truth, tmp_path / "pred")


@FUZZ
@given(
    st.lists(
        st.sampled_from(
            [
                "v/00000.png",
                "v/1.PNG",
                "v/x.png",
                "v/000/00000.png",
                "v/000/1/2.png",
                "w.json",
                "a.csv",
            ]
        ),
        unique=True,
    )
)
def test_odd_trees(tmp_path: Path, truth: Path, names: list[str]) -> None:
    home = tmp_path / f"pred{abs(hash(tuple(names)))}"
    home.mkdir(exist_ok=True)
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes((truth / "v" / "00000.png").read_bytes())
    answered(truth, home)


HOSTILE = [
    '{"annotations": null}',
    '{"videos": [1], "annotations": []}',
    "[[]]",
    "{",
    "",
    "null",
    '[{"video_id": 1e999}]',
    "[" * 2000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_command_says_it_in_one_error(
    text: str, truth: Path, tmp_path: Path, run_main: Callable[..., tuple[int, str]]
) -> None:
    (tmp_path / "pred.json").write_text(text)
    status, said = run_main("evaluate", str(truth), str(tmp_path / "pred.json"), "--no-floors")
    assert status == 1
    assert said.startswith("brokenvideos: ")
    assert "Traceback" not in said


@pytest.fixture
def run_main(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """The program as a person runs it: its exit status and what it says on standard error after its
    progress.
    """
    from brokenvideos.tools.commands.main import main

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["brokenvideos", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        lines = capsys.readouterr().err.splitlines()
        return int(ended.value.code or 0), "\n".join(
            line for line in lines if not line.startswith("score")
        )

    return run


def test_the_forms_can_be_listed() -> None:
    done = CliRunner().invoke(app, ["evaluate", "--forms"])
    assert (done.exit_code, done.output.splitlines()[0]) == (
        0,
        "| form | what is read | what it needs |",
    )
