"""Shows that training on the data works: trains the recipe `unet` on synthetic videos, offline.

    python benchmarks/training.py [WORK] [--seeds 0,1,2] [--json FILE] [--plot FILE] [--loader]

It uses the code of `brokenvideos train`. WORK (default: training-benchmark) keeps the corpus and
every run, so that finished work is not repeated. The corpus is a release of 840 videos of
`brokenvideos sample` with 64x64 pixels and 12 frames: 600 for training, 120 to choose the model and
its gates, and 120 to score it. Each seed trains one model on all types. With the first seed, one
further model is trained for each artifact type, without videos of that type. Prints scores before
and after training on the test split, with the scores of the floors. --loader measures the cost of
the loader instead. Each of the six models takes about five CPU minutes. If a training was
interrupted and continued, its seconds count only from there.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

import torch

from brokenvideos import ARTIFACT_TYPES
from brokenvideos.builder import BuildOptions, build
from brokenvideos.tools.synthetic.sample import write_sample
from brokenvideos.tools.training import TrainOptions, train
from brokenvideos.tools.training.batches import clip_dataset, clip_loader, on_device
from brokenvideos.tools.training.options import Settled, settled
from brokenvideos.tools.training.predictor import Feeding, Predictor
from brokenvideos.tools.training.recipe import Recipe
from brokenvideos.tools.training.recipes import recipe_named
from brokenvideos.tools.training.rows import split_rows
from brokenvideos.tools.training.scoring import evaluated, predictions_for, scored_videos

VIDEOS, IN_A_ROW = 840, 14
SIZE = (64, 64)
EPOCHS = 20
METRICS = {
    "J&F": ("broken", "jf"),
    "J&F active": ("broken", "active_jf"),
    "J&F normal": ("normal", "jf"),
    "false videos": ("normal", "false_videos"),
}
AIMS = (
    "aims after training: J&F at least 0.6, J&F active at least 0.5, false videos at most 0.2; "
    "before it nothing is marked"
)


def corpus(work: Path) -> Path:
    """The release; it is made only once. Of 14 consecutive videos, 10 are for training, 2 for
    validation, 2 for test.

    The builder keeps videos with one prompt in one split. These videos have only a dozen different
    prompts, so they are built without prompts. Then every split has every theme, and no scene is in
    two splits.
    """
    release = work / "release"
    if not (release / "manifest.json").is_file():
        raw = work / "raw"
        if not raw.is_dir():
            write_sample(raw, videos=VIDEOS, num_frames=12, height=SIZE[0], width=SIZE[1])
        lines = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
        for number, line in enumerate(lines):
            split = {0: "validation", 1: "validation", 2: "test", 3: "test"}.get(
                number % IN_A_ROW, "train"
            )
            line |= {"split": split, "prompt": None}
        (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        build(raw, release, BuildOptions())
    return release


def options(seed: int, holdout: str | None = None) -> TrainOptions:
    return TrainOptions(
        recipe="unet",
        size=SIZE,
        epochs=EPOCHS,
        seed=seed,
        holdout=holdout,
        patience=0,
        validate_epochs=4,
        cpu=True,
    )


# --- The proof ------------------------------------------------------------------------------------


def run(work: Path, release: Path, seed: int, holdout: str | None) -> dict[str, Any]:
    """The scores and CPU seconds of one training in a process of its own; read from its files if it
    is done.
    """
    out = work / f"seed-{seed}{'' if holdout is None else '-' + holdout.replace(':', '-')}"
    record = out / "benchmark.json"
    if not record.is_file():
        command = [sys.executable, __file__, str(work), "--one", str(out), "--seeds", str(seed)]
        subprocess.run(command + ([] if holdout is None else ["--holdout", holdout]), check=True)
    results: dict[str, Any] = json.loads(record.read_text())
    return results


def run_one(work: Path, out: Path, seed: int, holdout: str | None) -> None:
    # Faster by far where other work shares the cores.
    torch.set_num_threads(1)
    release = corpus(work)
    before = untrained(release, seed) if holdout is None else None
    start_s = time.process_time()
    results = train(
        str(release),
        out,
        options(seed, holdout),
        resume=True,
        say=lambda line: print(line, flush=True),
    )
    assert results is not None
    record = {"before": before, "cpu_s": time.process_time() - start_s, **results.to_dict()}
    (out / "benchmark.json").write_text(json.dumps(record))


def untrained(release: Path, seed: int) -> dict[str, Any]:
    """The evaluation of the model before training with this seed, without gates."""
    recipe = recipe_named("unet")
    torch.manual_seed(seed)
    predictor = Predictor(recipe.make(None), recipe, Feeding(SIZE, recipe.num_frames))
    rows = split_rows(release, "test")
    predictions = predictions_for(
        predictor, rows, first=0, share=1, workers=0, on_progress=lambda *_: None
    )
    videos = scored_videos(release, "test", predictions, floors=False)
    return evaluated(videos, release=release, split="test").to_dict()


def score(evaluation: dict[str, Any], name: str) -> float:
    side, metric = METRICS[name]
    value: float = evaluation[side][metric]["value"]
    return value


def active_by_type(evaluation: dict[str, Any]) -> dict[str, float]:
    """J&F of active frames by artifact type, over the videos with only this type."""
    values: dict[str, list[float]] = {kind: [] for kind in ARTIFACT_TYPES}
    for video in evaluation["videos"]:
        if len(video["artifact_types"]) == 1:
            values[video["artifact_types"][0]].append(video["active_jf"])
    return {kind: mean(scores) for kind, scores in values.items()}


def proof(work: Path, seeds: list[int]) -> dict[str, Any]:
    release = corpus(work)
    runs = [run(work, release, seed, None) for seed in seeds]
    held = {kind: run(work, release, seeds[0], f"artifact:{kind}") for kind in ARTIFACT_TYPES}
    floors = runs[0]["test"]["floors"]
    return {
        "aims": AIMS,
        "seeds": seeds,
        "cpu_s": [training["cpu_s"] for training in [*runs, *held.values()]],
        "before": {
            name: [score(training["before"], name) for training in runs] for name in METRICS
        },
        "after": {name: [score(training["test"], name) for training in runs] for name in METRICS},
        "floors": {
            floor: {name: score(scores, name) for name in METRICS}
            for floor, scores in floors.items()
        },
        "active_by_type": {
            "trained on all": [active_by_type(training["test"]) for training in runs],
            **{
                f"without {kind}": active_by_type(training["test"])
                for kind, training in held.items()
            },
        },
    }


def print_proof(results: dict[str, Any]) -> None:
    print(f"{len(results['seeds'])} seeds, mean ± spread; {AIMS}\n")
    print(f"| what | {' | '.join(METRICS)} |\n|---|{'---|' * len(METRICS)}")
    for name, key in (("untrained", "before"), ("trained", "after")):
        cells = [f"{mean(values):.3f} ± {pstdev(values):.3f}" for values in results[key].values()]
        print(f"| {name} | {' | '.join(cells)} |")
    for floor, scores in results["floors"].items():
        print(f"| {floor} | {' | '.join(f'{value:.3f}' for value in scores.values())} |")
    print(f"\n| J&F active of videos with | {' | '.join(ARTIFACT_TYPES)} |\n|---|---|---|---|")
    for name, row in results["active_by_type"].items():
        by_type = (
            row
            if isinstance(row, dict)
            else {k: mean(one[k] for one in row) for k in ARTIFACT_TYPES}
        )
        print(f"| {name} | {' | '.join(f'{by_type[kind]:.3f}' for kind in ARTIFACT_TYPES)} |")
    print(
        "\nCPU seconds of each training: "
        f"{', '.join(f'{seconds:.0f}' for seconds in results['cpu_s'])}"
    )


def draw(results: dict[str, Any], path: Path) -> None:
    """Draws two panels: scores before and after training beside the floors, and scores of a type
    that was left out.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    ink, soft, strong, weak = "#1f2933", "#9aa5b1", "#0072b2", "#d55e00"
    plt.rcParams |= {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "text.color": ink,
        "axes.labelcolor": ink,
    }

    def patches(*colours: str) -> list[Any]:
        return [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in colours]

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 3.9), width_ratios=(1.15, 1), layout="constrained"
    )
    names = ["J&F", "J&F active"]
    floors = {name: max(scores[name] for scores in results["floors"].values()) for name in names}
    for place, name in enumerate(names):
        for shift, key, colour in ((-0.2, "before", soft), (0.2, "after", strong)):
            values = results[key][name]
            left.bar(place + shift, mean(values), width=0.36, color=colour, zorder=2)
            left.plot(
                [place + shift] * len(values),
                values,
                "o",
                ms=4,
                mfc="white",
                mec=ink,
                mew=0.8,
                zorder=3,
            )
            label = left.text(
                place + shift, max(values) + 0.03, f"{mean(values):.2f}", ha="center", weight="bold"
            )
            label.set(zorder=5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
        left.hlines(
            floors[name], place - 0.42, place + 0.42, color=ink, lw=1.2, ls=(0, (4, 2)), zorder=4
        )
    left.text(0.45, floors["J&F"], "best floor", va="center", fontsize=9)
    left.set_xticks(range(2), ["J&F, all frames", "J&F, frames with an artifact"])
    left.set_title("Training on 600 synthetic videos", loc="left", weight="bold", fontsize=11)
    left.legend(
        patches(soft, strong), ["untrained", "trained"], frameon=False, loc="upper right", ncols=2
    )
    left.set_xlim(-0.55, 1.75)
    all_types = results["active_by_type"]["trained on all"]
    for place, kind in enumerate(ARTIFACT_TYPES):
        seen = mean(row[kind] for row in all_types)
        unseen = results["active_by_type"][f"without {kind}"][kind]
        for shift, value, colour in ((-0.2, seen, strong), (0.2, unseen, weak)):
            right.bar(place + shift, value, width=0.36, color=colour, zorder=2)
            right.text(place + shift, value + 0.03, f"{value:.2f}", ha="center", weight="bold")
    right.set_xticks(range(len(ARTIFACT_TYPES)), ARTIFACT_TYPES)
    right.set_title(
        "A type that was never seen in training", loc="left", weight="bold", fontsize=11
    )
    right.legend(
        patches(strong, weak),
        ["trained on all types", "without this type"],
        frameon=False,
        loc="upper right",
        ncols=2,
    )
    for axes in (left, right):
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
        axes.grid(axis="y", color="#e4e7eb", lw=0.8, zorder=0)
        axes.tick_params(length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
    right.set_ylabel("J&F, frames with an artifact")
    figure.savefig(path, dpi=150, metadata={"Software": None})


# --- What the loader costs ------------------------------------------------------------------------


def loader(work: Path, *, steps: int, workers: int) -> None:
    """Measures the loader: waiting time as a share of the step time, clips per second, and peak
    memory.

    The clips per second are compared with those of the same batches kept in memory.
    """
    torch.set_num_threads(1)
    recipe = recipe_named("unet")
    args = settled(TrainOptions(size=SIZE, workers=workers, cpu=True), recipe)
    dataset = clip_dataset(
        split_rows(corpus(work), "train"), args, rank=0, world_size=1, on_cuda=False
    )
    batches = []
    waited_s = []
    start_s = time.perf_counter()
    step = stepper(recipe, args)
    stream = iter(clip_loader(dataset, args, on_cuda=False))
    for number in range(steps + 5):
        before_s = time.perf_counter()
        batch = next(stream)
        if number == 5:  # the workers have started by now
            start_s, waited_s = before_s, []
        waited_s.append(time.perf_counter() - before_s)
        step(batch)
        batches.append(batch)
    streamed_s = time.perf_counter() - start_s
    del stream
    start_s = time.perf_counter()
    for batch in batches[5:]:
        step(batch)
    held_s = time.perf_counter() - start_s
    clips = steps * args.batch_size
    peaks = [
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    print(f"{steps} steps of {args.batch_size} clips, {workers} workers")
    print(f"| wait for data, share of the step time | {sum(waited_s) / streamed_s:.1%} |")
    print(
        f"| clips/s streamed, held in memory, ratio | {clips / streamed_s:.1f}, "
        f"{clips / held_s:.1f}, {held_s / streamed_s:.2f} |"
    )
    print(
        f"| peak memory of the trainer and of its largest worker | {peaks[0]:.0f} MB, "
        f"{peaks[1]:.0f} MB |"
    )


def stepper(recipe: Recipe, args: Settled) -> Any:
    model = recipe.make(None)
    optimizer = torch.optim.AdamW(recipe.parameters(model), lr=args.lr)

    def step(batch: dict[str, Any]) -> None:
        ready = on_device(batch, torch.device("cpu"), augment=True)
        loss = recipe.loss(recipe.logits(model, ready), ready)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Train the unet recipe on a synthetic corpus; prints Markdown tables."
    )
    parser.add_argument(
        "work",
        nargs="?",
        type=Path,
        default=Path("training-benchmark"),
        help="keeps corpus and runs",
    )
    parser.add_argument("--seeds", default="0,1,2", help="one model each (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures")
    parser.add_argument("--plot", type=Path, help="draw a PNG; needs matplotlib")
    parser.add_argument("--loader", action="store_true", help="measure the loader instead")
    parser.add_argument("--steps", type=int, default=100, help="of --loader (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="of --loader (default: %(default)s)")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--holdout", help=argparse.SUPPRESS)
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    if args.one:
        run_one(args.work, args.one, seeds[0], args.holdout)
        return
    if args.loader:
        loader(args.work, steps=args.steps, workers=args.workers)
        return
    results = proof(args.work, seeds)
    print_proof(results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    if args.plot:
        draw(results, args.plot)


if __name__ == "__main__":
    main()
