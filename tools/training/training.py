"""The training: from a release to a scored, saved model, on one process or many."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object, set_seed
from torch import nn
from torch.nn.functional import interpolate

from ...builder.work import Progress as OnProgress, no_progress, write_atomic
from ...release import parse_json
from ...sampling import ReleaseRows
from .batches import clip_dataset, clip_loader, on_device, steps_per_epoch
from .board import Note, board
from .checkpoint import (
    Progress,
    checkpoints,
    kept_when_full,
    load_checkpoint,
    newest_folder,
    place_in,
    put_back,
    save_checkpoint,
)
from .options import MAY_CHANGE, Settled, TrainOptions, require_same, settled
from .predictor import Feeding, Predictor, VideoPrediction, load_model, save_model
from .provenance import provenance
from .recipe import Batch, Recipe, TrainError
from .recipes import recipe_named
from .results import Results, write_results
from .rows import ChosenRows, release_folder, require_broken, require_splits, split_rows
from .scoring import best_gates, evaluated, gated, predictions_for, scored_videos

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""

LAST_LR = 0.01
"""Share of the highest learning rate at the end of the cosine."""

MAX_NORM = 1.0


def say_nothing(line: str) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class _Run:
    """The values that do not change while a training runs."""

    accelerator: Accelerator
    out: Path
    release: Path
    recipe: Recipe
    settings: Settled
    facts: dict[str, Any]
    train_rows: ReleaseRows | ChosenRows
    validation_rows: ReleaseRows | ChosenRows
    on_progress: OnProgress
    say: Callable[[str], None]

    @property
    def feeding(self) -> Feeding:
        settings = self.settings
        return Feeding(settings.size, settings.num_frames, settings.stride, settings.batch_size)


def train(
    data: str,
    out: Path,
    options: TrainOptions,
    *,
    resume: bool = False,
    on_progress: OnProgress = no_progress,
    say: Callable[[str], None] = say_nothing,
    on_batch: Callable[[dict[str, Any]], None] | None = None,
) -> Results | None:
    """Trains a recipe, saves the best model on validation in `out/model`, and scores it on the test
    split.

    Run it in every process of `accelerate launch`. The first process reports and returns the
    scores; the others return None.

    Args:
        data: a release folder, "sample", or a Hub repository "OWNER/NAME".
        out: a new folder, or with `resume` the folder of an interrupted run. If it has no
            checkpoint, a new run starts.
        on_progress: called with (step, done, total).
        say: called with one line after each validation.
        on_batch: called with every batch before it is used, as the loader gives it.

    Raises:
        TrainError: options that contradict each other, or `out` holds another run. ReleaseError:
            not a release.
    """
    recipe = recipe_named(options.recipe)
    settings = settled(options, recipe)
    release = release_folder(data)
    require_splits(release)
    for split in ("train", "validation"):
        require_broken(release, split, holdout=settings.holdout)
    run = _begin(release, out, recipe, settings, resume=resume, on_progress=on_progress, say=say)
    set_seed(settings.seed)
    model = recipe.make(settings.init)
    optimizer = torch.optim.AdamW(
        recipe.parameters(model), lr=settings.lr, weight_decay=settings.weight_decay
    )
    model, optimizer = run.accelerator.prepare(model, optimizer)
    # Every process has its own random numbers for its own clips.
    set_seed(settings.seed + 1, device_specific=True)
    with kept_when_full(out):
        _loop(run, model, optimizer, on_batch)
        return _finish(run)


def _begin(
    release: Path,
    out: Path,
    recipe: Recipe,
    settings: Settled,
    *,
    resume: bool,
    on_progress: OnProgress,
    say: Callable[[str], None],
) -> _Run:
    accelerator = Accelerator(mixed_precision=_precision(settings), cpu=settings.cpu)
    main = accelerator.is_main_process
    begun = json.loads(
        json.dumps(
            {name: value for name, value in asdict(settings).items() if name not in MAY_CHANGE}
        )
    )
    facts = provenance(release)
    record = out / "options.json"
    if record.is_file():
        if not resume:
            raise TrainError(
                f"{out}: holds a run already. Continue it with --resume, or give another --out."
            )
        before = parse_json(record.read_bytes())
        options = {"faults": 0.0} | before["options"]  # runs of version 0.1 have no faults
        require_same(options | {"data": before["facts"]["data"]}, begun | {"data": facts["data"]})
    accelerator.wait_for_everyone()
    if main:
        write_atomic(
            record, (json.dumps({"options": begun, "facts": facts}, indent=1) + "\n").encode()
        )
    rows = [
        split_rows(release, split, holdout=settings.holdout) for split in ("train", "validation")
    ]
    return _Run(
        accelerator,
        out,
        release,
        recipe,
        settings,
        facts,
        rows[0],
        rows[1],
        on_progress if main else no_progress,
        say if main else say_nothing,
    )


def _precision(settings: Settled) -> str:
    if settings.precision != "auto":
        return settings.precision
    has_bf16 = not settings.cpu and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return "bf16" if has_bf16 else "no"


# --- The loop -------------------------------------------------------------------------------------


def _loop(
    run: _Run, model: nn.Module, optimizer: Any, on_batch: Callable[[dict[str, Any]], None] | None
) -> None:
    accelerator, settings = run.accelerator, run.settings
    rank, world_size = accelerator.process_index, accelerator.num_processes
    on_cuda = accelerator.device.type == "cuda"
    dataset = clip_dataset(
        run.train_rows, settings, rank=rank, world_size=world_size, on_cuda=on_cuda
    )
    loader = clip_loader(dataset, settings, on_cuda=on_cuda)
    # Approximate: a run that resumes with other workers cuts the rest of its epoch into other
    # batches.
    total = settings.epochs * steps_per_epoch(len(run.train_rows), settings, world_size=world_size)
    total = min(total, settings.steps or total)
    progress = Progress()
    if found := checkpoints(run.out):
        progress, places = load_checkpoint(accelerator, found[-1])
        put_back(loader, dataset, places, rank=rank, world_size=world_size)
        run.say(f"continues from step {progress.step} of {total}")
    with board(run.out / "logs", step=progress.step, writes=accelerator.is_main_process) as note:
        while not _is_over(progress, settings):
            dataset.set_epoch(progress.epoch)
            for batch in loader:
                if on_batch is not None:
                    on_batch(batch)
                lr = settings.lr * learning_rate(progress.step, total=total)
                loss = _step(run, model, optimizer, batch, lr=lr, step=progress.step)
                progress = replace(progress, step=progress.step + 1)
                note({"train/loss": loss, "train/lr": lr}, progress.step)
                run.on_progress("train", progress.step, total)
                if progress.step == settings.steps:
                    break
                if settings.checkpoint_steps and progress.step % settings.checkpoint_steps == 0:
                    save_checkpoint(accelerator, run.out, progress, place_in(loader))
            progress = replace(progress, epoch=progress.epoch + 1)
            is_last = progress.epoch == settings.epochs or progress.step == settings.steps
            if is_last or progress.epoch % settings.validate_epochs == 0:
                progress = _validate(run, model, progress, note)
            save_checkpoint(accelerator, run.out, progress, None)


def _is_over(progress: Progress, settings: Settled) -> bool:
    if settings.patience and progress.worse >= settings.patience:
        return True
    return progress.epoch >= settings.epochs or (
        settings.steps is not None and progress.step >= settings.steps
    )


def learning_rate(step: int, *, total: int) -> float:
    """Share of the highest learning rate at a step: it rises linearly, then falls along a cosine.
    There is no state to save.
    """
    rise = max(round(WARM_UP * total), 1)
    if step < rise:
        return (step + 1) / rise
    return (
        LAST_LR + (1 - LAST_LR) * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1))) / 2
    )


def _step(
    run: _Run, model: nn.Module, optimizer: Any, batch: Batch, *, lr: float, step: int
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = lr
    ready = on_device(batch, run.accelerator.device, augment=run.settings.augment)
    logits = run.recipe.logits(model, ready)
    if logits.shape[-2:] != ready["masks"].shape[-2:]:
        logits = interpolate(logits, size=ready["masks"].shape[-2:], mode="bilinear")
    loss = run.recipe.loss(logits, ready)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainError(
            f"step {step}: the loss is {value}. Lower --lr, or train with --precision no."
        )
    optimizer.zero_grad()
    run.accelerator.backward(loss)
    run.accelerator.clip_grad_norm_(model.parameters(), MAX_NORM)
    optimizer.step()
    return value


def _validate(run: _Run, model: nn.Module, progress: Progress, note: Note) -> Progress:
    """Scores the model on validation and keeps it if it is the best one so far."""
    accelerator = run.accelerator
    inner = accelerator.unwrap_model(model)
    predictor = Predictor(inner, run.recipe, run.feeding)
    name = f"validate after epoch {progress.epoch}"
    predictions = _predict(run, predictor, run.validation_rows, step=name)
    shared: list[Any] = [None]
    if accelerator.is_main_process:
        videos = scored_videos(run.release, "validation", predictions, floors=False)
        gates = best_gates(videos, predictions)
        # The model is chosen without gates: an untrained model scores best if it predicts nothing.
        active = (
            evaluated(videos, release=run.release, split="validation")
            .scores.broken["active_jf"]
            .value
            or 0.0
        )
        scores = evaluated(
            gated(videos, predictions, **gates), release=run.release, split="validation"
        ).scores
        figures = {"validation/J&F active": active}
        gated_scores = (
            ("J&F active gated", scores.broken, "active_jf"),
            ("J&F gated", scores.broken, "jf"),
            ("false videos", scores.normal, "false_videos"),
        )
        for key, side, metric in gated_scores:
            if (value := side[metric].value) is not None:
                figures[f"validation/{key}"] = value
        note(figures, progress.step)
        normal = scores.normal["false_videos"]
        flagged = {
            "normal_videos": normal.n,
            "false_videos": round((normal.value or 0.0) * normal.n),
        }
        flagged["broken_videos"] = scores.broken["active_jf"].n
        run.say(f"epoch {progress.epoch} step {progress.step}: {_line(figures, flagged)}")
        if progress.best is None or active > progress.best:
            facts = {"step": progress.step, "gates": flagged, **run.facts}
            with newest_folder(run.out / "best", step=progress.step) as folder:
                feeding = replace(run.feeding, gate=gates["gate"], video_gate=gates["video_gate"])
                save_model(inner, folder, recipe=run.recipe, feeding=feeding, facts=facts)
        shared = [active]
    active = broadcast_object_list(shared)[0]
    if progress.best is None or active > progress.best:
        return replace(progress, best=active, worse=0)
    # At first a model predicts nothing, for longer if there are few videos. So patience counts from
    # the first score above 0.
    return replace(progress, worse=progress.worse + (progress.best > 0))


def _line(figures: Mapping[str, float], flagged: Mapping[str, int]) -> str:
    """The figures of a validation as text; a share of videos is shown with the number of videos."""
    shown = {key.removeprefix("validation/"): f"{value:.3f}" for key, value in figures.items()}
    if "false videos" in shown:
        shown["false videos"] += f" ({flagged['false_videos']} of {flagged['normal_videos']})"
    return ", ".join(f"{key} {value}" for key, value in shown.items())


def _predict(
    run: _Run, predictor: Predictor, rows: ReleaseRows | ChosenRows, *, step: str
) -> dict[str, VideoPrediction]:
    """Predictions for every video of these rows by video_id. Each process predicts its share; all
    get the whole result.
    """
    accelerator = run.accelerator
    predictions = predictions_for(
        predictor,
        rows,
        first=accelerator.process_index,
        share=accelerator.num_processes,
        workers=run.settings.workers,
        on_progress=partial(run.on_progress, step),
    )
    return dict(sorted(gather_object(list(predictions.items())), key=lambda item: item[0]))


def _finish(run: _Run) -> Results | None:
    """Scores the best model on the test split; the first process writes and returns the result."""
    predictor = load_model(run.out / "best", device=str(run.accelerator.device))
    predictions = _predict(run, predictor, split_rows(run.release, "test"), step="test")
    if not run.accelerator.is_main_process:
        return None
    gates = predictor.facts["gates"] if predictor.facts else None
    return write_results(
        run.out,
        predictor,
        predictions,
        release=run.release,
        options=asdict(run.settings),
        facts={"gates": gates, **run.facts},
    )
