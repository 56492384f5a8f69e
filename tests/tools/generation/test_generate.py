"""Prompts -> clips: what a record says, that nothing is half there, that a run goes on, and what is
refused.
"""

import hashlib
import inspect
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder import BuildOptions, build
from brokenvideos.builder.export import export
from brokenvideos.builder.raw import RawError
from brokenvideos.card import card_files, count_facts
from brokenvideos.frames import index_video
from brokenvideos.release import read_parquet
from brokenvideos.tools.generation import (
    GenerateError,
    generate,
    make_plan,
    memory_lines,
    read_records,
    rerun,
)
from brokenvideos.tools.generation.frames import FailedClipError, checked_frames
from brokenvideos.tools.prompts import read_prompts, read_taxonomy, write_prompts
from tests.limited import limited_to

from .conftest import IDS, PROMPTS


def run(out: Path, settings, prompts=PROMPTS, **how) -> tuple[list[str], tuple[int, int]]:
    """Makes what is missing; the lines said, and the clips made and failed."""
    said: list[str] = []
    outcome = generate(make_plan(prompts, out, settings, **how), out, say=said.append)
    return said, (outcome.num_made, outcome.num_failed)


def names(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


WHOLE = sorted(
    ["videos.jsonl", *(f"videos/{i}.mp4" for i in IDS), *(f"records/{i}.json" for i in IDS)]
)


def test_a_folder_of_clips(clips: Path) -> None:
    assert names(clips) == WHOLE
    lines = [json.loads(line) for line in (clips / "videos.jsonl").read_text().splitlines()]
    assert [line["video_id"] for line in lines] == IDS
    record = json.loads((clips / "records" / "tiny_hands1_1.json").read_text())
    assert json.loads(lines[2]["source"].pop("record")) == record
    assert lines[2] == {
        "video_id": "tiny_hands1_1",
        "generator": "tiny",
        "prompt": "A man waves.",
        "objects": [],
        "annotated_frames": [],
        "source": {
            "generator_version": "tiny",
            "seed": "2",
            "frames_sha256": record["video"]["frames_sha256"],
        },
    }


def test_a_record_says_everything(clips: Path, tiny: Path) -> None:
    from diffusers import LTXPipeline

    record = json.loads((clips / "records" / "tiny_hands1_1.json").read_text())
    video = clips / "videos" / "tiny_hands1_1.mp4"
    assert record["prompt"] == {
        key: value for key, value in PROMPTS[0].to_dict().items() if key != "seeds"
    }
    assert (record["seed"], record["k"], record["negative_prompt"], record["dtype"]) == (
        2,
        1,
        None,
        "float32",
    )
    ours = {"self", "prompt", "negative_prompt", "generator", "output_type", "return_dict"}
    assert (
        set(record["arguments"]) == set(inspect.signature(LTXPipeline.__call__).parameters) - ours
    )
    assert record["arguments"]["num_inference_steps"] == 2
    assert record["arguments"]["guidance_scale"] == 3
    model = record["model"]
    assert (model["id"], model["revision"], model["pipeline"]) == ("tiny", None, "LTXPipeline")
    files = {path.relative_to(tiny).as_posix(): path for path in tiny.rglob("*") if path.is_file()}
    assert {**model["configs"], **model["weights"]} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
    }
    assert all(name.endswith(".safetensors") for name in model["weights"])
    assert record["scheduler"]["class"] == "FlowMatchEulerDiscreteScheduler"
    assert record["scheduler"]["config"]["num_train_timesteps"] == 1000
    assert record["video"]["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
    index = index_video(video)
    assert record["video"]["frames_sha256"] == index.frames_sha256
    assert [record["video"][name] for name in ("num_frames", "height", "width", "fps")] == [
        9,
        32,
        64,
        25.0,
    ]
    assert (index.num_frames, index.height, index.width, index.fps) == (9, 32, 64, 25.0)
    assert record["encoder"] == {
        "encoder": "libx264",
        "preset": "medium",
        "crf": 10,
        "gop": 12,
        "b_frames": 2,
        "fps": 25.0,
    }
    assert record["device"]["type"] == "cpu"
    assert {"diffusers", "transformers", "torch", "av"} <= set(record["versions"])


def test_seeds_and_prompts_make_different_clips(clips: Path) -> None:
    hashes = [record["video"]["generated_sha256"] for record in read_records(clips).values()]
    assert len(set(hashes)) == 3


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_from_prompts_to_a_release_and_back(settings, tmp_path: Path) -> None:
    """The whole way: prompts, clips, the same clips again, a folder to annotate, a release, its
    export, the release again.
    """
    write_prompts(tmp_path / "prompts.jsonl", read_taxonomy())
    prompts = read_prompts(tmp_path / "prompts.jsonl")[:2]
    raw = tmp_path / "raw"
    _, outcome = run(raw, settings(license="CC0-1.0"), prompts)
    assert outcome == (2, 0)
    assert [clip.verdict for clip in rerun(raw, model=str(settings().model))] == [
        "identical",
        "identical",
    ]

    with pytest.raises(
        RawError
    ) as caught:  # nobody has looked at a clip yet: none of them is normal by that
        build(raw, tmp_path / "early", BuildOptions())
    unknown = (
        "no frame is annotated and no label is given, so it is unknown whether it is normal or "
        "broken. Annotate it, give the label that a person gave it, or remove it."
    )
    ids = [f"tiny_{prompt.prompt_id}_0" for prompt in prompts]
    assert str(caught.value).splitlines()[1:] == [f"video {i}: {unknown}" for i in sorted(ids)]

    broken, normal = ids
    annotate(raw, broken=broken, normal=normal)
    # goes on: nothing to do, no line lost
    _, outcome = run(raw, settings(license="CC0-1.0"), prompts)
    assert outcome == (0, 0)
    build(raw, tmp_path / "release", BuildOptions(), more_files=card_files)
    first = rows_of(tmp_path / "release")
    assert [first[i]["label"] for i in ids] == [1, 0]
    for prompt, video_id in zip(prompts, ids, strict=True):
        row = first[video_id]
        record = json.loads(row["source"]["record"])
        assert record == json.loads((raw / "records" / f"{video_id}.json").read_text())
        assert record["prompt"]["trigger"] == prompt.trigger
        assert (row["prompt"], row["generator"]) == (prompt.prompt, "tiny")
        assert (row["source"]["seed"], row["source"]["license"]) == (
            str(prompt.seeds[0]),
            "CC0-1.0",
        )

    triggers = count_facts(tmp_path / "release").triggers
    assert {name: (of.num_broken, of.num_judged) for name, of in triggers.items()} == {
        prompts[0].trigger: (1, 1),
        "control": (0, 1),
    }
    assert f"| {prompts[0].trigger} | " in (tmp_path / "release" / "README.md").read_text()

    export(tmp_path / "release", tmp_path / "exported", layout="own")
    build(tmp_path / "exported", tmp_path / "again", BuildOptions())
    assert rows_of(tmp_path / "again") == first
    assert [clip.verdict for clip in rerun(tmp_path / "exported", model=str(settings().model))] == [
        "identical"
    ] * 2


def annotate(raw: Path, *, broken: str, normal: str) -> None:
    """Marks a square in each frame of one clip, and says that every frame of the other was looked
    at.
    """
    lines = {
        line["video_id"]: line
        for line in map(json.loads, (raw / "videos.jsonl").read_text().splitlines())
    }
    lines[broken] |= {
        "objects": [{"object_id": 1, "artifact_type": "deformation"}],
        "label": "broken",
    }
    for line in lines.values():
        del line["annotated_frames"]
    (raw / "videos.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines.values()))
    mask = np.zeros((32, 64), np.uint8)
    mask[8:16, 8:24] = 1
    for frame in range(9):
        path = raw / "masks" / broken / f"{frame:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)


def rows_of(release: Path) -> dict[str, dict]:
    tables = [
        table
        for path in sorted(release.glob("annotations/*.parquet"))
        for table in read_parquet(str(path))
    ]
    return {row["video_id"]: row for table in tables for row in table.to_pylist()}


# --- Going on -------------------------------------------------------------------------------------


def test_the_same_command_makes_what_is_missing(copy: Path, clips: Path, settings) -> None:
    (copy / "videos" / "tiny_calm1_0.mp4").unlink()
    (copy / "records" / "tiny_hands1_1.json").unlink()
    (copy / "videos.jsonl").unlink()
    said, outcome = run(copy, settings())
    assert outcome == (2, 0)
    assert [line.split(":")[0] for line in said] == ["1 of 2 tiny_hands1_1", "2 of 2 tiny_calm1_0"]
    assert said[1].endswith("; 0 s left")
    assert names(copy) == WHOLE
    for name in WHOLE:
        if name.endswith(".mp4"):
            assert (copy / name).read_bytes() == (clips / name).read_bytes()
    assert run(copy, settings()) == ([], (0, 0))


def test_a_cut_off_clip_is_made_again(copy: Path, clips: Path, settings) -> None:
    video = copy / "videos" / "tiny_calm1_0.mp4"
    video.write_bytes(video.read_bytes()[:100])
    assert run(copy, settings())[1] == (1, 0)
    assert video.read_bytes() == (clips / "videos" / "tiny_calm1_0.mp4").read_bytes()


def test_a_limit_holds_for_one_run(settings, tmp_path: Path) -> None:
    out = tmp_path / "raw"
    assert [run(out, settings(), limit=2)[1] for _ in range(3)] == [(2, 0), (1, 0), (0, 0)]


KILLED = """
import os, sys
from pathlib import Path
from brokenvideos.tools.generation import Settings, generate, make_plan, read_records, run
from brokenvideos.tools.generation.model import load_pipeline
from brokenvideos.tools.prompts import Prompt

tiny, folder = sys.argv[1], Path(sys.argv[2])
prompts = [Prompt("a", "a dog", seeds=(1, 2))]
asked = Settings(model=tiny, device="cpu", steps=1, size=(32, 32), num_frames=1)
loaded = load_pipeline(make_plan(prompts, folder / "none", asked).model, dtype="float32", device="cpu")
run.load_pipeline = lambda *args, **how: loaded  # once for all children
real = {name: getattr(os, name) for name in ("fsync", "replace", "open", "mkdir")}

def attempt(out, deadly):
    left = [deadly]
    def counted(step):
        def counting(*args, **how):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return step(*args, **how)
        return counting
    for name, step in real.items():
        setattr(os, name, counted(step))
    generate(make_plan(prompts, out, asked), out, say=print)
    os._exit(0)

def ended(out, deadly):
    child = os.fork()
    if child == 0:
        attempt(out, deadly)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

deadly, status = 0, 9
while status:
    deadly += 1
    out = folder / str(deadly)
    status = ended(out, deadly)
    for record in read_records(out).values():  # whole or absent
        assert (out / "videos" / record["video"]["file"]).stat().st_size == record["video"]["bytes"]
    assert ended(out, 0) == 0
print("kills", deadly - 1)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_anywhere_the_same_command_goes_on(run_warm, tiny: Path, tmp_path: Path) -> None:
    """Killed at the first, the second, the third ... flush, rename or new folder of a run, until
    one run is through.
    """
    done = run_warm([sys.executable, "-c", KILLED, str(tiny), str(tmp_path)], timeout_s=280)
    assert done.returncode == 0, done.stderr
    kills = int(done.stdout.split()[-1])
    assert kills >= 15
    through = contents(tmp_path / str(kills + 1))
    assert sorted(through) == [
        "records/tiny_a_0.json",
        "records/tiny_a_1.json",
        "videos.jsonl",
        *IDS_OF_A,
    ]
    for deadly in range(1, kills + 1):
        made = contents(tmp_path / str(deadly))
        assert sorted(made) == sorted(through)
        assert all(made[name] == through[name] for name in IDS_OF_A)


IDS_OF_A = ["videos/tiny_a_0.mp4", "videos/tiny_a_1.mp4"]


def contents(out: Path) -> dict[str, bytes]:
    """Files by name; those that a killed run left half-written start with a dot."""
    return {
        name: (out / name).read_bytes()
        for name in names(out)
        if not Path(name).name.startswith(".")
    }


def test_lines_that_people_wrote_stay(copy: Path, settings) -> None:
    path = copy / "videos.jsonl"
    lines = path.read_text().splitlines()
    marked = lines[1].replace('"annotated_frames": []', '"label":  "normal"')
    path.write_text(
        f'{lines[0]}\n{marked}\n{{"video_id": "zebra", "generator": "other", "objects": []}}\n'
    )
    assert run(copy, settings())[1] == (0, 0)
    assert path.read_text().splitlines() == [
        lines[0],
        marked,
        lines[2],
        '{"video_id": "zebra", "generator": "other", "objects": []}',
    ]


def test_a_clip_made_in_another_way_is_not_mixed_in(copy: Path, settings) -> None:
    where = copy / "records" / "tiny_hands1_0.json"
    for other, difference in (
        ({"steps": 3}, "arguments.num_inference_steps 2, now 3 is asked for"),
        ({"dtype": "bfloat16"}, 'dtype "float32", now "bfloat16" is asked for'),
        ({"negative_prompt": "ugly"}, 'negative_prompt null, now "ugly" is asked for'),
        ({"fps": 12.0}, "encoder.fps 25.0, now 12.0 is asked for"),
    ):
        with pytest.raises(GenerateError) as caught:
            make_plan(PROMPTS, copy, settings(**other))
        assert str(caught.value) == (
            f"{where}: made with {difference}. Give another folder or --generator NAME, or the "
            "same settings as before."
        )
    assert len(make_plan(PROMPTS, copy, settings(steps=3, generator="tiny-3")).jobs) == 3


# --- Failures -------------------------------------------------------------------------------------


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch):
    """Lets a test say what the model's decoder does for its n-th clip: an error to raise, or a
    value to fill the clip with.
    """
    import torch
    from diffusers import AutoencoderKLLTXVideo

    real = AutoencoderKLLTXVideo.decode

    def spoil(*spoils) -> None:
        todo = list(spoils)

        def decode(self, *args, **how):
            what = todo.pop(0) if todo else None
            if isinstance(what, BaseException):
                raise what
            (video,) = real(self, *args, **how)
            return (video if what is None else torch.full_like(video, what),)

        monkeypatch.setattr(AutoencoderKLLTXVideo, "decode", decode)

    return spoil


def test_a_clip_that_fails_is_recorded_and_the_run_goes_on(
    settings, decoded, tmp_path: Path
) -> None:
    import torch

    out = tmp_path / "raw"
    decoded(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nmore"),
        float("nan"),
        None,
    )
    said, outcome = run(out, settings())
    assert outcome == (1, 2)
    records = read_records(out)
    reasons = {video_id: record.get("reason") for video_id, record in records.items()}
    assert reasons == {
        "tiny_hands1_0": "out of memory (CUDA out of memory. Tried to allocate 9 GiB)",
        "tiny_hands1_1": "not finite (55296 of 55296 values are no numbers)",
        "tiny_calm1_0": None,
    }
    assert said[0].startswith("1 of 3 tiny_hands1_0: failed: out of memory (CUDA out of memory.")
    assert records["tiny_hands1_0"]["arguments"]["num_inference_steps"] == 2
    assert [path.name for path in sorted((out / "videos").iterdir())] == ["tiny_calm1_0.mp4"]
    assert len((out / "videos.jsonl").read_text().splitlines()) == 1
    assert run(out, settings()) == ([], (0, 0))  # what failed is left alone
    decoded(-1.0)
    assert run(out, settings(), retry_failed=True)[1] == (1, 1)
    assert read_records(out)["tiny_hands1_0"]["reason"] == "black (no value above 8 of 255)"
    decoded()
    assert run(out, settings(), retry_failed=True)[1] == (1, 0)
    assert names(out) == WHOLE


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out of memory (MemoryError)"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            "out of memory (DefaultCPUAllocator: can't allocate memory: you tried)",
        ),
        (RuntimeError("mat1 and mat2 differ"), "RuntimeError (mat1 and mat2 differ)"),
    ],
)
def test_what_a_device_says_is_the_reason(
    settings, decoded, tmp_path: Path, error: Exception, reason: str
) -> None:
    decoded(error)
    run(tmp_path / "raw", settings(), PROMPTS[1:])
    assert read_records(tmp_path / "raw")["tiny_calm1_0"]["reason"] == reason


def test_frames_of_other_kinds() -> None:
    images = [Image.new("RGB", (4, 2), (9, 0, 0)), Image.new("RGB", (4, 2))]
    assert checked_frames(images).shape == (2, 2, 4, 3)
    halves = checked_frames(np.full((1, 2, 2, 3), 0.5, np.float32))
    assert halves.dtype == np.uint8
    assert set(halves.flat) == {128}
    with pytest.raises(FailedClipError, match="black"):
        checked_frames(np.zeros((0, 2, 2, 3), np.float32))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_full_disk_ends_the_run_with_one_line(
    run_warm, tiny: Path, settings, tmp_path: Path
) -> None:
    """A file that may grow no further stands for the disk, which not every machine can limit."""
    (tmp_path / "prompts.jsonl").write_text('{"prompt_id": "a", "prompt": "a dog"}\n')
    options = [
        "--model",
        str(tiny),
        "--device",
        "cpu",
        "--steps",
        "2",
        "--size",
        "64x32",
        "--num-frames",
        "9",
    ]
    command = [
        sys.executable,
        "-c",
        limited_to(8_000),
        "generate",
        "prompts.jsonl",
        "raw",
        *options,
    ]
    ended = run_warm(command, cwd=tmp_path, timeout_s=250)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1] == (
        "brokenvideos: raw/videos/tiny_a_0.mp4: file too large. Make room there, and give the same "
        "command again."
    )
    assert names(tmp_path / "raw") == []
    assert run(tmp_path / "raw", settings(), read_prompts(tmp_path / "prompts.jsonl"))[1] == (1, 0)


# --- Models and arguments -------------------------------------------------------------------------


def model_of(tmp_path: Path, content: str) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model_index.json").write_text(content)
    return folder


BAD_MODELS = {
    "of images": (
        '{"_class_name": "StableDiffusionPipeline"}',
        "StableDiffusionPipeline does not make videos from text. Give a text-to-video model.",
    ),
    "from images": (
        '{"_class_name": "WanImageToVideoPipeline"}',
        "WanImageToVideoPipeline needs image beside the prompt. Give a text-to-video model.",
    ),
    "from images by default": (
        '{"_class_name": "LTXImageToVideoPipeline"}',
        "LTXImageToVideoPipeline needs image beside the prompt. Give a text-to-video model.",
    ),
    "unknown class": (
        '{"_class_name": "SoraPipeline"}',
        "its pipeline 'SoraPipeline' is not in diffusers {version}. Name one with --pipeline, or "
        "install a newer diffusers.",
    ),
    "no pipeline": (
        '{"_class_name": "AutoencoderKL"}',
        "its pipeline 'AutoencoderKL' is not in diffusers {version}. Name one with --pipeline, or "
        "install a newer diffusers.",
    ),
    "no JSON": (
        "{",
        "model_index.json is not JSON (Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1)).",
    ),
    "no object": ("[]", "model_index.json is not a JSON object."),
}


@pytest.mark.parametrize("case", BAD_MODELS)
def test_a_model_that_is_not_text_to_video_is_refused(case: str, settings, tmp_path: Path) -> None:
    import diffusers

    content, message = BAD_MODELS[case]
    folder = model_of(tmp_path, content)
    with pytest.raises(GenerateError) as caught:
        make_plan(PROMPTS, tmp_path / "raw", settings(model=str(folder)))
    assert str(caught.value) == f"{folder}: {message.format(version=diffusers.__version__)}"


@pytest.mark.parametrize(
    "name",
    [
        "LTXPipeline",
        "CogVideoXPipeline",
        "WanPipeline",
        "HunyuanVideo15Pipeline",
        "MochiPipeline",
        "LTXConditionPipeline",
        "SkyReelsV2DiffusionForcingPipeline",
        "EasyAnimatePipeline",
        "AllegroPipeline",
        "LattePipeline",
    ],
)
def test_text_to_video_pipelines_are_taken(name: str, settings, tmp_path: Path) -> None:
    folder = model_of(tmp_path, json.dumps({"_class_name": name}))
    plan = make_plan(PROMPTS, tmp_path / "raw", settings(model=str(folder), fps=8.0))
    length = "video_length" if name == "LattePipeline" else "num_frames"
    assert (plan.model.pipeline, plan.arguments[length], plan.fps) == (name, 9, 8.0)


def test_a_folder_without_a_model_is_refused(settings, tmp_path: Path) -> None:
    with pytest.raises(GenerateError) as caught:
        make_plan(PROMPTS, tmp_path / "raw", settings(model=str(tmp_path)))
    assert (
        str(caught.value)
        == f"{tmp_path}: no model_index.json in it, so it is not a diffusers model."
    )


def test_unknown_arguments_are_refused(settings, tmp_path: Path) -> None:
    for more, name in (
        ({"guidance": 3}, "guidance"),
        ({"prompt": "x"}, "prompt"),
        ({"generator": 1}, "generator"),
    ):
        with pytest.raises(GenerateError) as caught:
            make_plan(PROMPTS, tmp_path / "raw", settings(more=more))
        known = (
            "attention_kwargs, callback_on_step_end, callback_on_step_end_tensor_inputs, "
            "decode_noise_scale, decode_timestep, frame_rate, guidance_rescale, guidance_scale, "
            "height, latents, max_sequence_length, negative_prompt_attention_mask, "
            "negative_prompt_embeds, num_frames, num_inference_steps, num_videos_per_prompt, "
            "prompt_attention_mask, prompt_embeds, timesteps, width"
        )
        assert str(caught.value) == f"LTXPipeline has no argument {name!r} to set. It has {known}."


def test_a_pipeline_that_does_not_say_its_rate_wants_fps(settings, tmp_path: Path) -> None:
    folder = model_of(tmp_path, '{"_class_name": "CogVideoXPipeline"}')
    with pytest.raises(GenerateError) as caught:
        make_plan(PROMPTS, tmp_path / "raw", settings(model=str(folder)))
    assert str(caught.value) == (
        "CogVideoXPipeline does not say how many frames a second has. Give --fps. Its "
        "documentation writes its example with 8."
    )


def test_arguments_that_the_pipeline_refuses_end_the_run(settings, tmp_path: Path) -> None:
    with pytest.raises(GenerateError) as caught:
        run(tmp_path / "raw", settings(size=(30, 64)))
    assert str(caught.value) == (
        "LTXPipeline refuses its arguments: `height` and `width` have to be divisible by 32 but "
        "are 30 and 64."
    )
    assert not (tmp_path / "raw" / "records").exists()


def test_weights_that_are_missing(tiny: Path, settings, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(tiny, tmp_path / "tiny"))
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(GenerateError) as caught:
        run(tmp_path / "raw", settings(model=str(folder)))
    assert str(caught.value).startswith(
        "tiny: cannot be loaded (Error no file named diffusion_pytorch_model"
    )


def test_the_memory_of_a_model(tiny: Path, settings, tmp_path: Path) -> None:
    import torch
    from safetensors import safe_open

    plan = make_plan(PROMPTS, tmp_path / "raw", settings(dtype="bfloat16"))
    counted = {}
    for path in tiny.rglob("*.safetensors"):
        with safe_open(path, framework="pt") as weights:
            names = weights.keys()
            counted[path.parent.name] = sum(torch.numel(weights.get_tensor(name)) for name in names)
    assert memory_lines(plan, {}) == [
        f"GPU memory: at least {sum(counted.values()) * 2 / 1e6:.1f} MB, all weights as bfloat16 "
        f"(text_encoder 0.0 MB, transformer 0.0 MB, vae {counted['vae'] * 2 / 1e6:.1f} MB); the "
        "frames being made need more on top of it",
        "most that a clip with these arguments took: not measured here yet",
    ]
    plan = make_plan(PROMPTS, tmp_path / "raw", settings(offload=True))
    records = {"a": {"peak_memory_bytes": 12 * 10**9, "arguments": plan.arguments}}
    first, second = memory_lines(plan, records)
    assert first.startswith(
        f"GPU memory: at least {counted['vae'] * 4 / 1e6:.1f} MB, the largest component's weights "
        "as float32"
    )
    assert second == "most that a clip with these arguments took: 12.0 GB in 1 clips here"
