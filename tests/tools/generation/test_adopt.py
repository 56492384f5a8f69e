"""Finished files of services: what is claimed of them, what they carry themselves, and what is
refused.
"""

import hashlib
import json
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from brokenvideos.frames import encode_video, index_video
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.generation import GenerateError, adopt, rerun
from brokenvideos.tools.generation.embedded import has_c2pa, read_embedded
from brokenvideos.tools.prompts import Prompt

PROMPT = Prompt("p1", "a dog", trigger="hands", artifact_types=("deformation",))
CLAIMS = """file,generator,generator_version,prompt_id,prompt,seed,url,license,created,notes
one.mp4,Kling,1.6,p1,a dog,77,https://example.org/1,other,2025-03-01,
"two (1).mp4",Luma,,,"a cat, asleep",,,,,second try
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with two clips and the claims about them."""
    folder = tmp_path / "files"
    folder.mkdir()
    for level, name in enumerate(("one.mp4", "two (1).mp4")):
        encode_video(folder / name, [np.full((16, 16, 3), 60 + 50 * level, np.uint8)] * 3, fps=8)
    (folder / "claims.csv").write_text(CLAIMS)
    return folder


def test_claims_become_records_and_lines(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "raw"
    assert adopt(files, files / "claims.csv", out, prompts=[PROMPT]) == 2
    data = (files / "one.mp4").read_bytes()
    other = f"Luma_{hashlib.sha256((files / 'two (1).mp4').read_bytes()).hexdigest()[:16]}"
    assert (out / "videos" / "one.mp4").read_bytes() == data
    record = json.loads((out / "records" / "one.json").read_text())
    assert (record["status"], record["rerunnable"]) == ("adopted", False)
    assert record["claims"] == {
        "generator": "Kling",
        "generator_version": "1.6",
        "prompt_id": "p1",
        "prompt": "a dog",
        "seed": "77",
        "url": "https://example.org/1",
        "license": "other",
        "created": "2025-03-01",
    }
    assert record["prompt"]["trigger"] == "hands"
    assert record["video"]["sha256"] == hashlib.sha256(data).hexdigest()
    lines = {
        line["video_id"]: line
        for line in map(json.loads, (out / "videos.jsonl").read_text().splitlines())
    }
    assert json.loads(lines["one"]["source"].pop("record")) == record
    frames_sha256 = index_video(data).frames_sha256
    assert lines["one"] == {
        "video_id": "one",
        "generator": "Kling",
        "prompt": "a dog",
        "objects": [],
        "annotated_frames": [],
        "source": {
            "generator_version": "1.6",
            "seed": "77",
            "license": "other",
            "url": "https://example.org/1",
            "frames_sha256": frames_sha256,
        },
    }
    assert (lines[other]["prompt"], lines[other]["source"]["notes"]) == (
        "a cat, asleep",
        "second try",
    )
    assert {(clip.verdict, clip.why) for clip in rerun(out)} == {
        (
            "not comparable",
            "it was adopted: how it was made is only claimed, so there is no pipeline to run",
        )
    }
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    assert adopt(files, files / "claims.csv", out, prompts=[PROMPT]) == 2
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before


def with_texts(path: Path, **texts: str) -> None:
    """A video whose container carries texts."""
    with av.open(
        str(path), "w", format="mp4", options={"movflags": "use_metadata_tags"}
    ) as container:
        container.metadata.update(texts)
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for packet in [
            *stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))),
            *stream.encode(None),
        ]:
            container.mux(packet)


GRAPH = {"3": {"class_type": "KSampler", "inputs": {"seed": 7}}}


@pytest.mark.parametrize(
    ("texts", "kinds"),
    [
        ({"workflow": json.dumps({"nodes": [], "links": []})}, ["comfyui"]),
        ({"prompt": json.dumps(GRAPH)}, ["comfyui"]),
        (
            {"comment": json.dumps({"prompt": json.dumps(GRAPH), "workflow": {"nodes": []}})},
            ["comfyui"],
        ),
        (
            {
                "comment": "a dog\nNegative prompt: ugly\nSteps: 20, Sampler: Euler a, CFG scale: "
                "7, Seed: 77"
            },
            ["infotext"],
        ),
        ({"comment": "[1, 2]", "title": "Steps: many"}, []),
    ],
)
def test_what_a_file_carries_is_kept_as_text(
    tmp_path: Path, texts: dict[str, str], kinds: list[str]
) -> None:
    with_texts(tmp_path / "a.mp4", **texts)
    found = read_embedded(tmp_path / "a.mp4")
    assert found["kinds"] == kinds
    assert {key: found["texts"][key] for key in texts} == texts


C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"manifest"


def test_a_c2pa_manifest_is_noticed(files: Path) -> None:
    path = files / "one.mp4"
    assert not has_c2pa(path)
    data = path.read_bytes()
    for box in (
        struct.pack(">I", 8 + len(C2PA)) + b"uuid" + C2PA,
        struct.pack(">I4sQ", 1, b"uuid", 16 + len(C2PA)) + C2PA,
    ):
        path.write_bytes(data + box)
        assert has_c2pa(path)
        assert read_embedded(path)["kinds"] == ["c2pa"]
    path.write_bytes(data + struct.pack(">I", 8 + len(C2PA)) + b"uuid" + b"\0" + C2PA[1:])
    assert not has_c2pa(path)
    path.write_bytes(b"\0" * 100)
    assert not has_c2pa(path)


BAD_CLAIMS = {
    "unknown column": (
        lambda text: text.replace("notes", "note", 1),
        "{claims}: unknown column 'note'; wanted file, generator and, as known, video_id, "
        "generator_version, prompt_id, prompt, negative_prompt, seed, url, license, created, "
        "settings, notes.",
    ),
    "no generator": (
        lambda text: text.replace(",generator,", ",notes,", 1).replace(
            "created,notes", "created,settings"
        ),
        "{claims}: no column 'generator'; wanted file, generator and, as known, video_id, "
        "generator_version, prompt_id, prompt, negative_prompt, seed, url, license, created, "
        "settings, notes.",
    ),
    "no row": (lambda text: text.splitlines()[0], "{claims}: no row in it; wanted one per file"),
    "empty generator": (
        lambda text: text.replace(",Luma,", ",,"),
        "{claims} line 3: no generator; wanted file, generator in every row",
    ),
    "too many values": (
        lambda text: text.replace("second try", "second, try"),
        "{claims} line 3: more values than columns; wanted file, generator in every row",
    ),
    "a file twice": (
        lambda text: text + "one.mp4,Kling,,,,,,,,\n",
        "{claims} line 4: file 'one.mp4' is already on line 2",
    ),
    "an unclaimed file": (
        lambda text: "\n".join(text.splitlines()[:2]),
        "{files}/two (1).mp4: no row of {claims} has this file; add a row with what is known about "
        "it",
    ),
    "a missing file": (
        lambda text: text + "three.mp4,Kling,,,,,,,,\n",
        "{claims} line 4: file 'three.mp4' is not in {files}; wanted the name of a video there",
    ),
    "an unknown prompt": (
        lambda text: text.replace("p1", "p2"),
        "{claims} line 2: prompt_id p2 is not in the prompt file given; give the file, or leave "
        "the id out",
    ),
    "another prompt": (
        lambda text: text.replace("a dog", "a wolf"),
        "{claims} line 2: the prompt of p1 is 'a wolf', its prompt file says 'a dog'",
    ),
    "one id twice": (
        lambda text: (
            text.replace("created", "video_id")
            .replace("2025-03-01", "x")
            .replace(",,second", ",x,second")
        ),
        "{claims} line 3: video_id x is given to two files; give each its own",
    ),
    "no id": (
        lambda text: text.replace("created", "video_id").replace("2025-03-01", "a b"),
        "{claims} line 2: video_id 'a b' is not 1 to 128 of A-Z, a-z, 0-9, _ and -",
    ),
    "no UTF-8": (
        lambda text: text.encode("utf-16"),
        "{claims}: not a CSV file in UTF-8 ('utf-8' codec can't decode byte 0xff in position 0: "
        "invalid start byte).",
    ),
}


@pytest.mark.parametrize("case", BAD_CLAIMS)
def test_bad_claims_are_named_and_nothing_is_written(
    case: str, files: Path, tmp_path: Path
) -> None:
    spoil, message = BAD_CLAIMS[case]
    claims, out = files / "claims.csv", tmp_path / "raw"
    content = spoil(CLAIMS)
    claims.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(GenerateError) as caught:
        adopt(files, claims, out, prompts=[PROMPT])
    assert str(caught.value) == message.format(claims=claims, files=files)
    assert not out.exists()


def test_a_damaged_file_and_an_empty_folder_are_named(files: Path, tmp_path: Path) -> None:
    (files / "one.mp4").write_bytes(b"no video")
    with pytest.raises(GenerateError) as caught:
        adopt(files, files / "claims.csv", tmp_path / "raw", prompts=[PROMPT])
    assert str(caught.value).startswith(
        f"{files / 'claims.csv'} line 2: video of 8 bytes: not a video file"
    )
    empty = tmp_path / "empty"
    with pytest.raises(GenerateError) as caught:
        adopt(empty, files / "claims.csv", tmp_path / "raw")
    assert (
        str(caught.value)
        == f"{empty}: no video in it; wanted a folder with .mp4, .webm, .mkv, .mov, .avi, .m4v, "
        ".gif files."
    )


def test_another_clip_under_the_same_id_is_refused(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "raw"
    adopt(files, files / "claims.csv", out, prompts=[PROMPT])
    encode_video(files / "one.mp4", [np.full((16, 16, 3), 9, np.uint8)] * 2, fps=8)
    with pytest.raises(GenerateError) as caught:
        adopt(files, files / "claims.csv", out, prompts=[PROMPT])
    assert str(caught.value) == (
        f"{files / 'claims.csv'} line 2: video_id one is another clip in {out}; give a video_id of "
        "its own"
    )


def test_the_command(files: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text(PROMPT.to_line() + "\n")
    claims = files / "claims.csv"
    done = CliRunner().invoke(
        app,
        [
            "generate",
            str(prompts),
            str(tmp_path / "raw"),
            "--adopt",
            str(files),
            "--claims",
            str(claims),
        ],
    )
    assert done.stdout.startswith(f"{tmp_path / 'raw'}: 2 files adopted. Next: ")
    claims.write_text(CLAIMS.replace("p1", ""))
    done = CliRunner().invoke(app, ["generate", "--adopt", str(files), "--claims", str(claims)])
    assert done.stdout.startswith(f"{tmp_path / 'files-raw'}: 2 files adopted.")
    done = CliRunner().invoke(app, ["generate", "--adopt", str(files)], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert (
        "--adopt needs --claims FILE: a CSV file that states how each video was made"
        in " ".join(done.output.split())
    )
