"""Hostile input is data, never code: each kind gets one clear error, and bytes that are flipped
never give another.
"""

import ast
import io
import json
import os
import shutil
import struct
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image

import brokenvideos
from brokenvideos.builder import RawError, verify
from brokenvideos.builder.export import export
from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.json_files import read_json
from brokenvideos.builder.raw.png import decode_png
from brokenvideos.builder.raw.video import Problem
from brokenvideos.frames import VideoError, demux_index, index_video
from tests.label_studio_brush import RLE as BRUSH

ROOT = Path(__file__).parents[1]
AGAIN = "Build or download this shard again."


# --- Tars -----------------------------------------------------------------------------------------


def tar_of(*members: tuple[str, dict[str, Any]], content: bytes = b"{}") -> bytes:
    """A tar of members by name and what is odd about them."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, odd in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in odd.items():
                setattr(info, key, value)
            if odd.get("type") and info.type != tarfile.REGTYPE:
                info.size = 0
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def with_size(tar: bytes, size: int) -> bytes:
    """The first header says another size."""
    header = bytearray(tar[:512])
    header[124:136] = struct.pack(">BxxxQ", 0x80, size)  # base 256, as for sizes of 8 GiB and more
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + tar[512:]


def read(tar: bytes) -> list[dict[str, Any]]:
    return list(brokenvideos.release.read_tar(io.BytesIO(tar), name="train-000000.tar"))


PLAIN = "wanted a plain file named {video_id}.json or {video_id}.mp4."
GOOD = tar_of(("a.json", {}), ("b.json", {}))
PAX_BOMB = with_size(tar_of(("pax", {"type": tarfile.XHDTYPE})), 2**36)
TARS: dict[str, tuple[bytes, str]] = {
    "an absolute path": (tar_of(("/etc/a.json", {})), f" member '/etc/a.json': {PLAIN}"),
    "a path that climbs": (tar_of(("../a.json", {})), f" member '../a.json': {PLAIN}"),
    "an id with a slash": (tar_of(("x/a.json", {})), f" member 'x/a.json': {PLAIN}"),
    "a Windows path": (tar_of(("C:\\a.json", {})), f" member 'C:\\\\a.json': {PLAIN}"),
    "code": (tar_of(("a.py", {})), f" member 'a.py': {PLAIN}"),
    "a symbolic link": (
        tar_of(("a.json", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})),
        f" member 'a.json': {PLAIN}",
    ),
    "a hard link": (tar_of(("a.json", {"type": tarfile.LNKTYPE, "linkname": "b"})), f" member 'a.json': {PLAIN}"),
    "a device": (tar_of(("a.json", {"type": tarfile.CHRTYPE, "devmajor": 1})), " member 'a.json': "
                                                                               f"{PLAIN}"),
    "a pipe": (tar_of(("a.json", {"type": tarfile.FIFOTYPE})), f" member 'a.json': {PLAIN}"),
    "a folder": (tar_of(("a.json", {"type": tarfile.DIRTYPE})), f" member 'a.json': {PLAIN}"),
    "a sparse file": (
        tar_of(("a.json", {"pax_headers": {"GNU.sparse.map": "0,2", "GNU.sparse.size": str(2**40)}})),
        f" member 'a.json': {PLAIN}",
    ),
    "a member twice": (tar_of(("a.json", {}), ("a.json", {})), " member 'a.json': it is there "
                                                               "twice."),
    "an absurd size": (with_size(GOOD, 2**40), " member 'a.json': 1099511627776 bytes, at most "
                                               "1073741824 are read."),
    "an absurd header": (
        PAX_BOMB, ": not a readable tar (a header extension of 68719476736 bytes, at most 65536 "
                  "are read)."
    ),
    "a damaged header": (GOOD[:1024] + b"x" + GOOD[1025:], ": not a readable tar (bad checksum)."),
    "no end": (GOOD[:2048], ": not a readable tar (empty header)."),
    "cut inside of a header": (GOOD[:1100], ": not a readable tar (truncated header)."),
    "cut inside of a member": (GOOD[:513], ": not a readable tar (unexpected end of data)."),
    "more after the end": (GOOD + b"x" * 512, ": more data after the end of the tar."),
    "a header of zeros": (GOOD[:1024] + b"\0" * 512 + GOOD[1536:], ": more data after the end of "
                                                                   "the tar."),
    "nothing": (b"", ": not a readable tar (empty header)."),
    "text": (b"no tar at all" * 99, ": not a readable tar (invalid header)."),
}  # fmt: skip


@pytest.mark.parametrize(("tar", "what"), TARS.values(), ids=TARS)
def test_a_hostile_tar(
    tar: bytes, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        list(brokenvideos.release.tar_members(io.BytesIO(tar), name="train-000000.tar"))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(caught.value) == f"train-000000.tar{what} {AGAIN}"
    assert peak_bytes < 2**22
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def shard() -> bytes:
    return (ROOT / "sample" / "webdataset" / "validation-000000.tar").read_bytes()


def members_of(shard: bytes) -> dict[str, bytes]:
    return dict(brokenvideos.release.tar_members(io.BytesIO(shard), name="tar"))


def packed(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


DEEP = b'{"a":' * 65 + b"1" + b"}" * 65
ROWS = {
    "deep JSON": (DEEP, "(ValueError: nested 65 levels deep, at most 64 are read)"),
    "a list": (b"[]", "(TypeError: list indices must be integers or slices, not str)"),
    "UTF-16": (
        '{"a": 1}'.encode("utf-16"),
        "(UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start "
        "byte)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "what"), ROWS.values(), ids=ROWS)
def test_a_hostile_row(shard: bytes, content: bytes, what: str) -> None:
    members = members_of(shard)
    name = next(name for name in members if name.endswith(".json"))
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        read(packed(members | {name: content}))
    assert str(caught.value) == f"train-000000.tar member {name!r}: not a row {what}."


def test_a_row_of_other_types_is_refused_by_the_loader(tmp_path: Path, shard: bytes) -> None:
    members = members_of(shard)
    name = next(name for name in members if name.endswith(".json"))
    row = json.loads(members[name]) | {"height": "tall"}
    copy = shutil.copytree(ROOT / "sample", tmp_path / "release")
    tar = packed(members | {name: json.dumps(row).encode()})
    (copy / "webdataset" / "validation-000000.tar").write_bytes(tar)
    rows = brokenvideos.load("webdataset", data_dir=copy, split="validation", streaming=True)
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        list(rows)
    video_id = name.removesuffix(".json")
    what = "Could not convert 'tall' with type str: tried to convert to int32"
    assert (
        str(caught.value)
        == f"validation-000000.tar video {video_id}: not a row of this version ({what})."
    )


# --- JSON -----------------------------------------------------------------------------------------


def test_a_manifest_that_is_too_deep_or_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = "Build or download the release again."
    path = tmp_path / "manifest.json"
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        brokenvideos.read_manifest(str(tmp_path))
    assert (
        str(caught.value)
        == f"{path}: not JSON (nested 100000 levels deep, at most 64 are read). {again}"
    )
    monkeypatch.setattr("brokenvideos.release.manifest.MAX_JSON_BYTES", 1000)
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        brokenvideos.read_manifest(str(tmp_path))
    assert (
        str(caught.value)
        == f"{path}: not JSON (1001 bytes or more, at most 1000 are read). {again}"
    )


def test_a_raw_file_that_is_too_deep_or_too_large(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    path.write_bytes(DEEP)
    with pytest.raises(RawError) as caught:
        read_json(path)
    assert (
        str(caught.value)
        == "not readable as JSON (nested 65 levels deep, at most 64 are read); copy the file again"
    )
    with pytest.raises(RawError) as caught:
        read_json(path, max_bytes=10)
    assert (
        str(caught.value)
        == "not readable as JSON (11 bytes or more, at most 10 are read); copy the file again"
    )


def test_a_line_that_is_too_deep(tmp_path: Path) -> None:
    (tmp_path / "videos.jsonl").write_bytes(DEEP)
    what = (
        "not readable as JSON (nested 65 levels deep, at most 64 are read); wanted one JSON "
        "object per line"
    )
    assert read_layout(tmp_path, layout="own")[1] == [Problem("videos.jsonl line 1", what)]


@pytest.mark.parametrize(
    "text", ['{"a": "[[[[' + "[" * 99 + '"}', '"' + '\\"[' * 99 + '"', '["\\\\", "["]']
)
def test_brackets_in_strings_are_not_depth(text: str) -> None:
    assert brokenvideos.release.parse_json(text.encode()) == json.loads(text)


@pytest.mark.timeout(20)  # a search that starts again at every quote takes hours
@pytest.mark.parametrize("part", [b'"\\', b'\\"', b'"', b'"\\\\'])
def test_quotes_without_an_end_take_no_longer(part: bytes) -> None:
    for text in (part * 1_000_001, part * 1_000_001 + b"\\"):
        with pytest.raises(ValueError):
            brokenvideos.release.parse_json(text)


# --- Pictures and videos --------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width: int, height: int, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(more)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


PNGS = {
    "declared size": (png(2**16, 2**16), "65536x65536 pixels, at most 67108864 are read; is this a "
                                         "mask of a video frame?"),
    "text bomb": (
        png(3, 2, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 2**26))), "a damaged PNG; export "
                                                                            "or copy this mask "
                                                                            "again"
    ),
    "profile bomb": (
        png(3, 2, chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 2**26))), "a damaged PNG; export "
                                                                            "or copy this mask "
                                                                            "again"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "what"), PNGS.values(), ids=PNGS)
def test_a_png_bomb(data: bytes, what: str) -> None:
    tracemalloc.start()
    with pytest.raises(RawError) as caught:
        decode_png(data, where="masks/a/00000.png")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(caught.value) == f"masks/a/00000.png: {what}"
    assert peak_bytes < 2**23


def raw_video() -> bytearray:
    stream = io.BytesIO()
    with av.open(stream, "w", format="avi") as container:
        video = container.add_stream("rawvideo", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "bgr24"
        for packet in video.encode(
            av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="bgr24")
        ):
            container.mux(packet)
    return bytearray(stream.getvalue())


@pytest.mark.parametrize("read_video", [index_video, demux_index])
def test_a_video_bomb(read_video: Callable[[bytes], Any]) -> None:
    data = raw_video()
    at = data.find(b"strf") + 8
    data[at + 4 : at + 12] = struct.pack("<ii", 9_000, 9_000)
    with pytest.raises(VideoError) as caught:
        read_video(bytes(data))
    assert str(caught.value) == (
        f"video of {len(data)} bytes: frames of 9000x9000, at most 67108864 pixels are decoded. "
        "Scale the video down, or leave the file out."
    )


# --- Releases -------------------------------------------------------------------------------------


@pytest.fixture
def spoil(release: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """A release whose first video has another value in a column."""

    def spoiled(column: str, value: str) -> Path:
        copy = tmp_path / "release"
        shutil.copytree(release, copy)
        manifest = brokenvideos.read_manifest(str(copy))
        (first, *_) = manifest["shards"]
        path = (
            copy
            / brokenvideos.release.shard_paths(first["split"], first["index"], first["num_shards"])[
                "annotations"
            ]
        )
        rows = pq.read_table(path).to_pylist()
        rows[0][column] = value
        schema = brokenvideos.ANNOTATION_FEATURES.arrow_schema
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        return copy

    return spoiled


def test_an_id_that_climbs_is_not_exported(
    spoil: Callable[[str, str], Path], tmp_path: Path
) -> None:
    release = spoil("video_id", "../../climbed")
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        export(release, tmp_path / "a" / "raw", layout="ytvis")
    what = "wanted 1 to 128 of A-Z a-z 0-9 _ -. Build the release again."
    assert str(caught.value) == f"video_id '../../climbed': {what}"
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_a_shard_name_that_climbs_is_not_exported(
    spoil: Callable[[str, str], Path], tmp_path: Path
) -> None:
    release = spoil("generator", "x")
    manifest = brokenvideos.read_manifest(str(release))
    manifest["shards"][0]["split"] = "../../etc"
    (release / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        export(release, tmp_path / "raw", layout="ytvis")
    what = (
        ".shards[0] is '../../etc' 0 of 2, wanted a split of train, validation, test and an index "
        "below a count of at most 99999. Build or download the release again."
    )
    assert str(caught.value) == f"{release}/manifest.json: {what}"


FORBIDDEN_MODULES = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "extractall", "extract", "unpack_archive"}
FORBIDDEN_ARGUMENTS = {"allow_pickle"}


def _forbidden(path: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").partition(".")[0]]
        elif isinstance(node, ast.Call):
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            safe = keywords.get("weights_only")
            is_torch_load = called == "load" and isinstance(owner, ast.Name) and owner.id == "torch"
            # Methods of other objects may have these names (DataFrame.eval, model.eval): they take
            # no text of ours.
            if called in ("eval", "exec") and owner is not None:
                called = ""
            names = [called]
            for argument in FORBIDDEN_ARGUMENTS & keywords.keys():
                yield f"{path.name}:{node.lineno} {argument}="
            if is_torch_load and not (isinstance(safe, ast.Constant) and safe.value is True):
                yield f"{path.name}:{node.lineno} torch.load without weights_only=True"
        yield from (
            f"{path.name}:{node.lineno} {n}"
            for n in names
            if n in FORBIDDEN_MODULES | FORBIDDEN_CALLS
        )


def test_nothing_is_unpickled_run_or_extracted(parse_python) -> None:
    rooms = ("masks", "frames", "release", "sampling", "builder", "card", "tools")
    files = [
        ROOT / "brokenvideos.py",
        *(path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))),
    ]
    assert [line for path in files for line in _forbidden(path, parse_python(path))] == []


# --- Flipped bytes --------------------------------------------------------------------------------

EXAMPLES = int(
    os.environ.get("FUZZ_EXAMPLES", "40")
)  # the default tries the same ones every time, a number of one's own others
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
)
FLIPS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4
)
CUTS = st.one_of(st.none(), st.floats(0, 1))


def flipped(data: bytes, flips: list[tuple[float, int]], cut: float | None) -> bytes:
    changed = bytearray(data)
    for place, bits in flips:
        changed[int(place * len(changed))] ^= bits
    return bytes(changed if cut is None else changed[: int(cut * len(changed))])


@given(flips=FLIPS, cut=CUTS, headers=st.booleans())
@FUZZ
def test_flipped_bytes_of_a_tar(
    shard: bytes, flips: list[tuple[float, int]], cut: float | None, headers: bool
) -> None:
    # Half of the time in the headers, which are a small part.
    tar = flipped(shard[:512], flips, None) + shard[512:] if headers else flipped(shard, flips, cut)
    try:
        rows = read(tar)
    except brokenvideos.ReleaseError:
        return
    assert [set(row) for row in rows] == [set(brokenvideos.FEATURES)]


WRONG_MANIFESTS = [
    (lambda m: m.update(shards={}), "shards is dict, wanted list"),
    (lambda m: m["shards"].insert(0, None), "shards[0] is NoneType, wanted dict"),
    (lambda m: m["shards"][0].pop("files"), "shards[0] lacks 'files'"),
    (lambda m: m["shards"][0].update(num_shards=True), "shards[0].num_shards is bool, wanted int"),
    (lambda m: m["shards"][0]["video_ids"].append(7), "shards[0].video_ids[10] is int, wanted str"),
    (lambda m: m["videos"].update(x=[]), "videos.x is list, wanted dict"),
    (lambda m: m["reading"].update(void="255"), "reading.void is str, wanted int or NoneType"),
    (
        lambda m: m.update(errata=[{"data_version": "1.0.0", "video_ids": "x"}]),
        "errata[0] lacks 'reason'",
    ),
    (lambda m: m.update(errata={}), "errata is dict, wanted list"),
]


@pytest.mark.parametrize(("change", "wrong"), WRONG_MANIFESTS)
def test_a_manifest_of_other_types_is_one_finding(
    tmp_path: Path, change: Callable[[dict], object], wrong: str
) -> None:
    manifest = brokenvideos.read_manifest(str(ROOT / "sample"))
    change(manifest)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    message = f"{path}: .{wrong}. Build or download the release again."
    assert [f.what for f in verify(tmp_path).findings if f.file == "manifest.json"] == [message]


@given(flips=FLIPS, cut=CUTS)
@FUZZ
def test_flipped_bytes_of_a_manifest(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[float, int]], cut: float | None
) -> None:
    folder = tmp_path_factory.mktemp("manifest", numbered=True)
    (folder / "manifest.json").write_bytes(
        flipped((ROOT / "sample" / "manifest.json").read_bytes(), flips, cut)
    )
    try:
        manifest = brokenvideos.read_manifest(str(folder))
    except brokenvideos.ReleaseError:
        return
    assert manifest["format_version"] == brokenvideos.FORMAT_VERSION
    # The release is known by its manifest; what only it says is refused where it is used.
    try:
        export(folder, folder / "raw", layout="ytvis")
    except (brokenvideos.ReleaseError, OSError):
        return
    raise AssertionError("a manifest without shards was exported")


BITMAP = np.zeros((6, 9), np.uint8)
BITMAP[1:4, 2] = BITMAP[3, 2:7] = 1


def raw_folder(layout: str, raw: Path) -> Path:
    """The smallest raw folder of a layout; gives back the file whose bytes are flipped."""
    from brokenvideos.masks import encode

    (raw / "videos").mkdir(parents=True)
    (raw / "videos" / "a.mp4").touch()
    stream = io.BytesIO()
    Image.fromarray(BITMAP).convert("P").save(stream, "PNG")
    rle = {"size": [6, 9], "counts": encode(BITMAP[None])[0]}
    sav = {
        "video_id": "a",
        "video_frame_count": 5.0,
        "masklet_id": [0, 3],
        "masklet": [[rle, rle], [rle, rle]],
    }
    video = {
        "id": 1,
        "height": 6,
        "width": 9,
        "length": 2,
        "file_names": ["a/00000.jpg", "a/00003.jpg"],
    }
    runs = {"size": [6, 9], "counts": [13, 3, 5, 1, 5, 1, 5, 1, 5, 1, 14]}
    annotation = {"id": 3, "video_id": 1, "category_id": 1, "segmentations": [rle, runs]}
    coco = {
        "videos": [video],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "blur"}],
    }
    size = "<original_size><width>9</width><height>6</height></original_size>"
    mask = (
        '<mask frame="1" outside="0" rle="0, 1, 4, 1, 4, 5" left="2" top="1" width="5" height="3"/>'
    )
    cvat = (
        f'<annotations><meta><task>{size}</task></meta><track id="0" '
        f'label="blur">{mask}</track></annotations>'
    )
    region = {"id": "r", "type": "brushlabels", "original_width": 7, "original_height": 5}
    region["value"] = {"format": "rle", "rle": BRUSH, "brushlabels": ["blur"]}
    tasks = [{"data": {"image": "a/00000.png"}, "annotations": [{"result": [region]}]}]
    shape = {
        "label": "blur",
        "points": [[1, 0], [7, 2], [3, 5]],
        "group_id": 1,
        "shape_type": "polygon",
    }
    labelme = {"shapes": [shape], "imageHeight": 6, "imageWidth": 9}
    objects = {
        "video_id": "a",
        "generator": "x",
        "objects": [{"object_id": 1, "artifact_type": "blur"}],
    }
    contents = {
        "own": ("masks/a/00000.png", stream.getvalue()),
        "own, videos.jsonl": ("videos.jsonl", json.dumps(objects).encode()),
        "davis": ("Annotations/a/00000.png", stream.getvalue()),
        "sav": ("annotations/a_manual.json", json.dumps(sav).encode()),
        "coco": ("instances.json", json.dumps(coco).encode()),
        "cvat": ("annotations/a.xml", cvat.encode()),
        "label-studio": ("tasks.json", json.dumps(tasks).encode()),
        "labelme": ("annotations/a/00000.json", json.dumps(labelme).encode()),
    }
    name, content = contents[layout]
    (raw / name).parent.mkdir(parents=True, exist_ok=True)
    (raw / name).write_bytes(content)
    if layout == "own":
        (raw / "videos.jsonl").write_text(json.dumps(objects))
    return raw / name


ODD = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        1,
        0.5,
        1e308,
        float("nan"),
        float("inf"),
        2**31,
        2**70,
        "",
        "\ud800",
        "../x",
        "1",
        [],
        [[]],
        {},
        {"a": 1},
    ]
)


def replaced(value: Any, places: list[float], odd: Any) -> Any:
    """A JSON value in which what `places` lead to, from the outside in, is odd or gone."""
    if not places or not isinstance(value, dict | list) or not value:
        return odd
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[int(places[0] * len(keys))]
    changed = value.copy()
    if len(places) == 1 and odd == "1":
        del changed[key]
    else:
        changed[key] = replaced(value[key], places[1:], odd)
    return changed


def read_raw(raw: Path, layout: str) -> tuple[list[Any], list[Problem]]:
    own = layout.startswith("own")
    return read_layout(raw, layout=layout.partition(",")[0], artifact_type=None if own else "blur")


def assert_sound_or_refused(raw: Path, layout: str) -> None:
    try:
        records, problems = read_raw(raw, layout)
        frames = [frame for record in records for frame in record.masks.read()]
    except RawError:
        return
    assert all(str(problem) for problem in problems)
    assert all(
        plane.dtype == np.uint16 and plane.ndim == 2 for frame in frames for plane in frame.planes
    )


LAYOUTS = ["own", "own, videos.jsonl", "davis", "sav", "coco", "cvat", "label-studio", "labelme"]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(flips=FLIPS, cut=CUTS)
@FUZZ
def test_flipped_bytes_of_a_raw_file(
    tmp_path_factory: pytest.TempPathFactory,
    layout: str,
    flips: list[tuple[float, int]],
    cut: float | None,
) -> None:
    raw = tmp_path_factory.mktemp("raw", numbered=True) / "raw"
    path = raw_folder(layout, raw)
    records, problems = read_raw(raw, layout)
    assert problems == []
    assert [len(list(record.masks.read())) > 0 for record in records] == [
        layout != "own, videos.jsonl"
    ]
    path.write_bytes(flipped(path.read_bytes(), flips, cut))
    assert_sound_or_refused(raw, layout)


PLACES = st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=7)


@pytest.mark.parametrize("layout", ["own, videos.jsonl", "sav", "coco", "label-studio", "labelme"])
@given(places=PLACES, odd=ODD)
@FUZZ
def test_odd_values_in_a_raw_file(
    tmp_path_factory: pytest.TempPathFactory, layout: str, places: list[float], odd: Any
) -> None:
    raw = tmp_path_factory.mktemp("raw", numbered=True) / "raw"
    path = raw_folder(layout, raw)
    path.write_text(json.dumps(replaced(json.loads(path.read_text()), places, odd)))
    assert_sound_or_refused(raw, layout)


@given(places=PLACES, odd=ODD)
@FUZZ
def test_odd_values_in_a_row_of_a_tar(shard: bytes, places: list[float], odd: Any) -> None:
    members = members_of(shard)
    name = next(name for name in members if name.endswith(".json"))
    content = json.dumps(replaced(json.loads(members[name]), places, odd)).encode()
    try:
        (row,) = read(packed(members | {name: content}))
        pa.Table.from_pylist([row], schema=brokenvideos.FEATURES.arrow_schema)
    except (brokenvideos.ReleaseError, pa.ArrowException, TypeError, ValueError, OverflowError):
        return  # the latter four become a ReleaseError in the loader
    assert row["video_id"] == name.removesuffix(".json")
