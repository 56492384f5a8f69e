"""`brokenvideos generate`."""

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE
from .options import AsJson, height_width

if TYPE_CHECKING:
    from ..generation import Settings


def generate(
    prompts: Annotated[Path | None, typer.Argument(help="A prompt file; with --adopt it may be left out.")] = None,
    out: Annotated[Path | None, typer.Argument(help="The raw folder to make, or to go on with.")] = None,
    model: Annotated[str | None, typer.Option(help="A model of diffusers: ID, ID@REVISION or a folder.")] = None,
    pipeline: Annotated[
        str | None, typer.Option(help="The pipeline's class in diffusers, where the model does not name it.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cuda, cuda:1, cpu; else cuda where there is one.")] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(help="Type of the weights. Default: bfloat16, and float32 on cpu."),
    ] = None,
    offload: Annotated[
        bool, typer.Option("--offload", help="Keep only the component in use on the GPU: slower, in less memory.")
    ] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Number of denoising steps; else the pipeline's.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT; else the model's.")] = None,
    num_frames: Annotated[int | None, typer.Option(min=1, help="Frames a clip; else the model's.")] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.1, help="Frames a second, where the pipeline does not say.")
    ] = None,
    negative_prompt: Annotated[
        str | None, typer.Option(help="What no clip should show, for models that take it.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: any other argument of the pipeline; repeatable.")
    ] = None,
    generator: Annotated[str | None, typer.Option(help="What rows call the model; else the end of its id.")] = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="License of the clips, as it stands in their rows.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Make at most so many clips now.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Also try the clips again that failed; missing ones are made anyway.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and the GPU memory it wants.")] = False,
    rerun: Annotated[
        Path | None, typer.Option(help="Make the clips of this folder again, and say of each whether it is the same.")
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="With --rerun: so many clips.")] = None,
    adopt: Annotated[Path | None, typer.Option(help="A folder of finished videos of services.")] = None,
    claims: Annotated[Path | None, typer.Option(help="With --adopt: a CSV of what is claimed of each file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make clips of prompts with a text-to-video model, each with a record from which it can be made again."""
    if adopt is not None:
        _adopt(adopt, claims, prompts if out is not None else None, out or prompts, as_json=as_json)
    elif rerun is not None:
        _rerun(rerun, sample=sample, model=model, device=device, as_json=as_json)
    elif prompts is None or out is None or model is None:
        raise typer.BadParameter("give PROMPTS OUT --model ID, or --rerun OUT, or --adopt FOLDER --claims FILE")
    else:
        from ..generation import Settings, parse_settings

        asked = Settings(
            model=model,
            pipeline=pipeline,
            device=device,
            dtype=dtype,
            offload=offload,
            negative_prompt=negative_prompt,
            steps=steps,
            size=None if size is None else height_width(size),
            num_frames=num_frames,
            fps=fps,
            more=parse_settings(settings or []),
            generator=generator,
            license=license_,
        )
        _generate(prompts, out, asked, limit=limit, resume=resume, dry_run=dry_run, as_json=as_json)


def _generate(
    prompts: Path,
    out: Path,
    settings: "Settings",
    *,
    limit: int | None,
    resume: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from ..generation import generate as make, make_plan, memory_lines, read_records
    from ..prompts import read_prompts

    plan = make_plan(read_prompts(prompts), out, settings, retry_failed=resume, limit=limit)
    planned = (
        f"{plan.model.version} ({plan.model.pipeline}, {plan.dtype} on {plan.device}): {len(plan.jobs)} clips to make, "
        f"{plan.num_made} there, {plan.num_failed} failed before"
    )
    if dry_run:
        memory = memory_lines(plan, read_records(out))
        arguments = [f"{name} = {json.dumps(value)}" for name, value in sorted(plan.arguments.items())]
        found = {"clips": len(plan.jobs), "arguments": dict(plan.arguments), "memory": memory}
        answer(found, "\n".join([planned, *arguments, *memory]), as_json=as_json)
        return
    say = partial(typer.echo, err=as_json)
    say(planned)
    outcome = make(plan, out, say=say)
    text = f"{out}: {outcome.num_made} made, {outcome.num_failed} failed. Next: annotate, then brokenvideos build {out} OUT"
    answer({"raw": str(out), "made": outcome.num_made, "failed": outcome.num_failed}, text, as_json=as_json)
    raise typer.Exit(DIFFERS if outcome.num_failed else DONE)


def _rerun(out: Path, *, sample: int | None, model: str | None, device: str | None, as_json: bool) -> None:
    from ..generation import rerun as make_again

    found = []
    for clip in make_again(out, sample=sample, model=model, device=device):
        found.append(clip)
        if not as_json:
            typer.echo(str(clip))
    counts = Counter(clip.verdict for clip in found)
    text = f"{out}: {', '.join(f'{count} {verdict}' for verdict, count in sorted(counts.items()))}"
    answer([clip.to_dict() for clip in found], text, as_json=as_json)
    raise typer.Exit(DIFFERS if counts["different"] else DONE)


def _adopt(folder: Path, claims: Path | None, prompts: Path | None, out: Path | None, *, as_json: bool) -> None:
    from ..generation import adopt as take_in
    from ..prompts import read_prompts

    if claims is None:
        raise typer.BadParameter("--adopt wants --claims FILE: a CSV of what is claimed of each file")
    made = out or folder.with_name(f"{folder.name}-raw")
    count = take_in(folder, claims, made, prompts=read_prompts(prompts) if prompts is not None else ())
    text = f"{made}: {count} files adopted. Next: annotate, then brokenvideos build {made} OUT"
    answer({"raw": str(made), "adopted": count}, text, as_json=as_json)


COMMAND = Command(generate, group="Data", place=2, example="generate prompts.jsonl made --model OWNER/NAME --fps 24")
