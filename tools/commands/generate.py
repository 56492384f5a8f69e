"""`brokenvideos generate`."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .answer import answer
from .command import Command, starts_over
from .exit_status import DIFFERS, DONE
from .options import AsJson, height_width

if TYPE_CHECKING:
    from ..generation import Settings


def generate(
    prompts: Annotated[
        Path | None, typer.Argument(help="A prompt file. It is optional with --adopt.")
    ] = None,
    out: Annotated[
        Path | None, typer.Argument(help="The raw folder to make, or to continue.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A text-to-video model of diffusers: ID, ID@REVISION or a folder."),
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(help="The pipeline's class in diffusers, if the model does not name it."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cuda, cuda:1 or cpu. Default: cuda if there is a GPU.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(help="Type of the weights. Default: bfloat16, and float32 on cpu."),
    ] = None,
    offload: Annotated[
        bool,
        typer.Option(
            "--offload", help="Keep only the component in use on the GPU: slower, with less memory."
        ),
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Number of denoising steps. Default: the pipeline's.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT in pixels. Default: the model's.")
    ] = None,
    num_frames: Annotated[
        int | None, typer.Option(min=1, help="Frames per clip. Default: the model's.")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=0.1, help="Frames per second, if the pipeline does not give it."),
    ] = None,
    negative_prompt: Annotated[
        str | None, typer.Option(help="What no clip should show, for models with negative prompts.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="NAME=VALUE: another argument of the pipeline. Repeat for more."
        ),
    ] = None,
    generator: Annotated[
        str | None, typer.Option(help="The model's name in rows. Default: the last part of its id.")
    ] = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="License of the clips, written into their rows.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The largest number of clips to make now.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Also try failed clips again. Missing clips are made in any case."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print only the plan and the GPU memory that it needs."),
    ] = False,
    rerun: Annotated[
        Path | None,
        typer.Option(
            help="Make the clips of this folder again, and compare each with its original."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="With --rerun: the number of clips. Default: all.")
    ] = None,
    adopt: Annotated[
        Path | None, typer.Option(help="Take finished videos of a service from this folder.")
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option(help="With --adopt: a CSV file that states how each video was made."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make clips from prompts with a text-to-video model, each with a record from which it can be
    made again.
    """
    if adopt is not None:
        _adopt(adopt, claims, prompts if out is not None else None, out or prompts, as_json=as_json)
    elif rerun is not None:
        _rerun(rerun, sample=sample, model=model, device=device, as_json=as_json)
    elif prompts is None or out is None or model is None:
        raise typer.BadParameter(
            "give PROMPTS OUT --model ID, or --rerun OUT, or --adopt FOLDER --claims FILE"
        )
    else:
        from ..generation import Settings, parse_settings

        chosen = Settings(
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
        _generate(
            prompts, out, chosen, limit=limit, resume=resume, dry_run=dry_run, as_json=as_json
        )


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
        f"{plan.model.version} ({plan.model.pipeline}, {plan.dtype} on {plan.device}): "
        f"{len(plan.jobs)} clips to make, {plan.num_made} made before, {plan.num_failed} failed "
        "before"
    )
    if dry_run:
        memory = memory_lines(plan, read_records(out))
        arguments = [
            f"{name} = {json.dumps(value)}" for name, value in sorted(plan.arguments.items())
        ]
        facts = {"clips": len(plan.jobs), "arguments": dict(plan.arguments), "memory": memory}
        answer(facts, "\n".join([planned, *arguments, *memory]), as_json=as_json)
        return
    say = partial(typer.echo, err=as_json)
    say(planned)
    outcome = make(plan, out, say=say)
    text = (
        f"{out}: {outcome.num_made} made, {outcome.num_failed} failed. Next: annotate, then "
        f"brokenvideos build {out} OUT"
    )
    answer(
        {"raw": str(out), "made": outcome.num_made, "failed": outcome.num_failed},
        text,
        as_json=as_json,
    )
    raise typer.Exit(DIFFERS if outcome.num_failed else DONE)


def _rerun(
    out: Path, *, sample: int | None, model: str | None, device: str | None, as_json: bool
) -> None:
    from ..generation import rerun as make_again

    clips = []
    for clip in make_again(out, sample=sample, model=model, device=device):
        clips.append(clip)
        if not as_json:
            typer.echo(str(clip))
    counts = Counter(clip.verdict for clip in clips)
    text = f"{out}: {', '.join(f'{count} {verdict}' for verdict, count in sorted(counts.items()))}"
    answer([clip.to_dict() for clip in clips], text, as_json=as_json)
    raise typer.Exit(DIFFERS if counts["different"] else DONE)


def _adopt(
    folder: Path, claims: Path | None, prompts: Path | None, out: Path | None, *, as_json: bool
) -> None:
    from ..generation import adopt as take_in
    from ..prompts import read_prompts

    if claims is None:
        raise typer.BadParameter(
            "--adopt needs --claims FILE: a CSV file that states how each video was made"
        )
    made = out or folder.with_name(f"{folder.name}-raw")
    count = take_in(
        folder, claims, made, prompts=read_prompts(prompts) if prompts is not None else ()
    )
    text = f"{made}: {count} files adopted. Next: annotate, then brokenvideos build {made} OUT"
    answer({"raw": str(made), "adopted": count}, text, as_json=as_json)


def _kept(parameters: Mapping[str, Any]) -> str:
    if parameters["rerun"] is not None or parameters["adopt"] is not None:
        return starts_over(parameters)
    return "Finished clips are kept. The same command continues from there."


COMMAND = Command(
    generate,
    group="Data",
    place=2,
    example="generate prompts.jsonl made --model OWNER/NAME --fps 24",
    kept=_kept,
)
