"""`brokenvideos generate` as a person meets it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brokenvideos.tools.commands.main import app
from brokenvideos.tools.generation import GenerateError, parse_settings

from .conftest import PROMPTS


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(f"{prompt.to_line()}\n" for prompt in PROMPTS))
    return path


def test_plan_make_and_make_again(prompts: Path, tiny: Path, tmp_path: Path) -> None:
    raw = str(tmp_path / "raw")
    options = [
        "--model",
        str(tiny),
        "--device",
        "cpu",
        "--steps",
        "2",
        "--size",
        "64x32",
        "--set",
        "num_frames=9",
    ]

    def say(*arguments: str, status: int = 0) -> list[str]:
        done = CliRunner().invoke(app, ["generate", *arguments])
        assert done.exit_code == status, done.output
        return done.stdout.splitlines()

    planned = say(str(prompts), raw, *options, "--dry-run")
    assert (
        planned[0]
        == "tiny (LTXPipeline, float32 on cpu): 3 clips to make, 0 made before, 0 failed before"
    )
    assert "num_inference_steps = 2" in planned
    assert planned[-1] == "most that a clip with these arguments took: not measured here yet"
    assert not Path(raw).exists()
    made = say(str(prompts), raw, *options)
    assert made[-1] == f"{raw}: 3 made, 0 failed. Next: annotate, then brokenvideos build {raw} OUT"
    assert say(str(prompts), raw, *options)[0] == (
        "tiny (LTXPipeline, float32 on cpu): 0 clips to make, 3 made before, 0 failed before"
    )
    again = say("--rerun", raw, "--model", str(tiny), "--sample", "2")
    assert len(again) == 3
    assert again[-1] == f"{raw}: 2 identical"
    record = Path(raw) / "records" / "tiny_calm1_0.json"
    record.write_text(record.read_text().replace('"seed": 3', '"seed": 4'))
    found = json.loads("\n".join(say("--rerun", raw, "--model", str(tiny), "--json", status=1)))
    assert [clip["verdict"] for clip in found] == ["different", "identical", "identical"]


def test_a_failed_clip_ends_with_1(
    prompts: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import AutoencoderKLLTXVideo

    def out_of_memory(*args: object, **how: object) -> None:
        raise MemoryError

    monkeypatch.setattr(AutoencoderKLLTXVideo, "decode", out_of_memory)
    raw = tmp_path / "raw"
    options = [
        "--model",
        str(tiny),
        "--device",
        "cpu",
        "--steps",
        "1",
        "--size",
        "32x32",
        "--num-frames",
        "1",
    ]
    done = CliRunner().invoke(app, ["generate", str(prompts), str(raw), *options, "--limit", "1"])
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1].startswith(f"{raw}: 0 made, 1 failed.")
    assert not (raw / "videos.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give PROMPTS OUT --model ID, or --rerun OUT, or --adopt FOLDER --claims FILE"),
        (
            ["p.jsonl", "raw"],
            "give PROMPTS OUT --model ID, or --rerun OUT, or --adopt FOLDER --claims FILE",
        ),
        (
            ["p.jsonl", "raw", "--model", "m", "--size", "big"],
            "size 'big': wanted WIDTHxHEIGHT, as in 128x96",
        ),
    ],
)
def test_bad_options_say_what_is_wanted(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["generate", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_settings_are_json_or_text() -> None:
    assert parse_settings(["a=1", "b=[2, 3]", "c=x=y", "d=null"]) == {
        "a": 1,
        "b": [2, 3],
        "c": "x=y",
        "d": None,
    }
    for text in ("a", "=1", "a b=1"):
        with pytest.raises(GenerateError) as caught:
            parse_settings([text])
        assert (
            str(caught.value)
            == f"--set {text}: wanted NAME=VALUE, each name once, as in --set guidance_scale=5.0"
        )
    with pytest.raises(GenerateError):
        parse_settings(["a=1", "a=2"])
