"""What does a model find that it never saw? Artifact types held out of training, with and without
faults made on purpose.

    python benchmarks/faults.py [WORK] [--steps 600] [--seeds 0] [--held blur,motion] [--json FILE]

WORK (default: training-benchmark) keeps the corpus of benchmarks/training.py and every run; what is
done already is not done again. For each held-out type two models are trained by
`brokenvideos train`'s own code: `unet` as it is, and `unet-flow` with a fault in half of the clips,
of operations that do not resemble the type. Printed are, over the test videos that have this type
alone: the average precision of pixels beside the share of marked pixels, and J&F of active frames
at a threshold chosen by J on validation videos of the seen types, beside the centre box. Then the
share of 300 fresh normal videos that are flagged, by what is hard about them: out of focus, fast,
shaken. Intervals are over videos.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate
from training import corpus

from brokenvideos import ARTIFACT_TYPES
from brokenvideos.card import wilson_interval
from brokenvideos.frames import encode_video, read_frames
from brokenvideos.masks import decode, empty, encode
from brokenvideos.tools.evaluation import Estimate, ScoredVideo, estimate, video_scores
from brokenvideos.tools.evaluation.scores import average_precision
from brokenvideos.tools.stats import ListedVideo, Wanted, listed_videos
from brokenvideos.tools.synthetic.sample import SampleSpec, make_sample_video
from brokenvideos.tools.training import Predictor, TrainOptions, VideoPrediction, load_model, train
from brokenvideos.tools.training.rows import WholeVideos, split_rows
from brokenvideos.tools.training.scoring import scored_videos

METHODS = {"unet": ("unet", 0.0), "faults": ("unet-flow", 0.5)}
"""Recipe and share of faults of each method, fixed before any test score was seen."""

SIZE, NUM_FRAMES, NORMAL, FRESH_SEED = (48, 48), 8, 300, 1_000_003
THRESHOLDS = np.linspace(-4, 4, 17)
"""Logits to choose from."""

RESAMPLES = 1000


def run(work: Path, release: Path, method: str, held: str | None, *, seed: int, steps: int) -> Path:
    """The folder of a training; trained where it has not been before."""
    recipe, share = METHODS[method]
    out = work / f"{method}-{held or 'none'}-{seed}-{steps}"
    options = TrainOptions(
        recipe=recipe,
        faults=share,
        holdout=None if held is None else f"artifact:{held}",
        size=SIZE,
        num_frames=NUM_FRAMES,
        steps=steps,
        epochs=20,
        validate_epochs=20,
        patience=0,
        seed=seed,
        cpu=True,
    )
    if not (out / "scores.json").is_file():
        train(
            str(release),
            out,
            options,
            resume=True,
            say=lambda line: print(f"{out.name}: {line}", flush=True),
        )
    return out


# --- A held-out type ------------------------------------------------------------------------------


def ids_of(release: Path, split: str, kept: Callable[[ListedVideo], bool]) -> list[str]:
    return [
        video.video_id for video in listed_videos(str(release), Wanted(split=split)) if kept(video)
    ]


def logits_of(
    predictor: Predictor, release: Path, split: str, video_ids: Sequence[str]
) -> dict[str, torch.Tensor]:
    """float32[T, H, W] of these videos of a split, at their own size."""
    rows = split_rows(release, split)
    chosen = [number for number in range(len(rows)) if rows[number]["video_id"] in video_ids]
    videos = WholeVideos(rows, size=predictor.feeding.size)
    found = {}
    for video in (videos[number] for number in chosen):
        logits = predictor.logits(video["frames"])
        size = (video["height"], video["width"])
        found[video["video_id"]] = interpolate(logits[:, None], size=size, mode="bilinear")[:, 0]
    return found


def marked(logits: Mapping[str, torch.Tensor], threshold: float) -> dict[str, VideoPrediction]:
    found = {}
    for name, values in logits.items():
        counts = tuple(encode((values > threshold).numpy()))
        found[name] = VideoPrediction(*values.shape[1:], counts, np.ones(len(values)))
    return found


def active_jf(videos: Sequence[ScoredVideo]) -> Estimate:
    return estimate(
        np.array([video_scores(video.counts, broken=True)["active_jf"] for video in videos])
    )


def best_threshold(logits: Mapping[str, torch.Tensor], truth: Mapping[str, np.ndarray]) -> float:
    """The one with the best mean over videos of J of active frames."""
    found = np.zeros((len(logits), len(THRESHOLDS)))
    for number, (name, values) in enumerate(logits.items()):
        active = (truth[name] == 1).any(axis=(1, 2))
        wanted, given = truth[name][active] == 1, values.numpy()[active]
        for place, threshold in enumerate(THRESHOLDS):
            marked_px = given > threshold
            either = (marked_px | wanted).sum(axis=(1, 2))
            found[number, place] = (
                ((marked_px & wanted).sum(axis=(1, 2)) / either).mean() if len(given) else 0.0
            )
    return float(THRESHOLDS[int(found.mean(axis=0).argmax())])


def pixel_ap(logits: Mapping[str, torch.Tensor], truth: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Average precision over all pixels of annotated frames, the share of marked ones, and the
    interval of their ratio over resampled videos (percentiles).
    """
    levels = np.zeros((len(logits), 2, 256), np.int64)
    for number, (name, values) in enumerate(logits.items()):
        at = ((values.clamp(-12, 12) + 12) * (255 / 24)).round().to(torch.int64).numpy()
        for side in (0, 1):
            levels[number, side] = np.bincount(at[truth[name] == side], minlength=256)

    def ratio(chosen: np.ndarray) -> tuple[float, float]:
        pooled = levels[chosen].sum(axis=0)
        return average_precision(pooled) or 0.0, float(pooled[1].sum() / pooled.sum())

    rng = np.random.default_rng(0)
    draws = [ratio(rng.integers(0, len(levels), len(levels))) for _ in range(RESAMPLES)]
    low, high = np.quantile([ap / share for ap, share in draws], [0.025, 0.975])
    ap, share = ratio(np.arange(len(levels)))
    return {
        "ap": ap,
        "prevalence": share,
        "ratio": ap / share,
        "low": float(low),
        "high": float(high),
    }


def truth_of(release: Path, split: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """int64[T, H, W]: 1 marked, 0 not, -1 in a frame that nobody looked at."""
    rows = split_rows(release, split)
    found = {}
    for row in (rows[number] for number in range(len(rows))):
        if row["video_id"] not in names:
            continue
        height, width = row["height"], row["width"]
        truth = np.full((row["num_frames"], height, width), -1, np.int64)
        truth[list(row["annotated_frames"])] = 0
        for frame, counts in zip(row["masks"]["frame_index"], row["masks"]["counts"], strict=True):
            truth[frame] |= decode([counts], height=height, width=width)[0]
        found[row["video_id"]] = truth
    return found


def held_out(predictor: Predictor, release: Path, kind: str, *, threshold: float) -> dict[str, Any]:
    """What a model finds of the test videos that have this type alone."""
    chosen = ids_of(release, "test", lambda video: video.artifact_types == (kind,))
    logits = logits_of(predictor, release, "test", chosen)
    videos = scored_videos(release, "test", marked(logits, threshold), floors=True)
    box = estimate(
        np.array([video_scores(v.floors["centre-box"], broken=True)["active_jf"] for v in videos])
    )
    return {
        "n": len(videos),
        "pixel_ap": pixel_ap(logits, truth_of(release, "test", list(logits))),
        "active_jf": active_jf(videos).to_dict(),
        "centre_box": box.to_dict(),
    }


# --- Normal videos --------------------------------------------------------------------------------


def normal_videos(work: Path) -> tuple[np.ndarray, list[str]]:
    """uint8[NORMAL, T, 3, h, w] frames as a decoder gives them, and what is hard about each; made
    once.
    """
    path = work / f"normal-{NORMAL}.npz"
    if not path.is_file():
        spec = SampleSpec(FRESH_SEED, 64, 64, 12, 12, clean_twins=False)
        frames, traits = [], []
        with TemporaryDirectory() as folder:
            film = Path(folder) / "film.mp4"
            for number in range(2, 3 * NORMAL, 3):  # every third video is normal
                video = make_sample_video(number, spec)
                encode_video(film, video.rendered.frames, fps=spec.fps)
                frames.append(
                    read_frames(film, range(spec.num_frames), size=SIZE).transpose(0, 3, 1, 2)
                )
                traits.append(video.trait)
        np.savez(path, frames=np.stack(frames), traits=np.array(traits))
    held = np.load(path)
    return held["frames"], held["traits"].tolist()


def false_videos(predictor: Predictor, work: Path) -> dict[str, Any]:
    """How many normal videos are flagged, in all and by trait."""
    frames, traits = normal_videos(work)
    nothing = empty(64, 64)
    flagged = []
    for video in frames:
        found = predictor.predict(torch.from_numpy(video), height=64, width=64)
        flagged.append(any(counts != nothing for counts in found.counts))
    table = {}
    for trait in ("all", *dict.fromkeys(traits)):
        chosen = [number for number, name in enumerate(traits) if trait in ("all", name)]
        count = sum(flagged[number] for number in chosen)
        low, high = wilson_interval(count, len(chosen)) or (None, None)
        table[trait] = {
            "flagged": count,
            "n": len(chosen),
            "share": count / len(chosen),
            "low": low,
            "high": high,
        }
    return table


# --- The table ------------------------------------------------------------------------------------


def facts_of(work: Path, release: Path, out: Path, held: str | None) -> dict[str, Any]:
    predictor = load_model(out, device="cpu")
    seen = [kind for kind in ARTIFACT_TYPES if kind != held]
    chosen = ids_of(
        release, "validation", lambda v: v.label == "broken" and held not in v.artifact_types
    )
    validation = logits_of(predictor, release, "validation", chosen)
    threshold = best_threshold(validation, truth_of(release, "validation", list(validation)))
    types = {
        kind: held_out(predictor, release, kind, threshold=threshold) for kind in ARTIFACT_TYPES
    }
    return {
        "threshold": threshold,
        "seen": seen,
        "types": types,
        "false_videos": false_videos(predictor, work),
    }


def print_tables(found: Mapping[str, Mapping[str, Any]]) -> None:
    print(
        "| trained | type | n | pixel AP ÷ prevalence | J&F active | centre box "
        "|\n|---|---|---|---|---|---|"
    )
    for name, facts in found.items():
        for kind, one in facts["types"].items():
            ap, active, box = one["pixel_ap"], one["active_jf"], one["centre_box"]
            said = f"{kind}{'' if kind in facts['seen'] else ', **held out**'}"
            ratio = (
                f"{ap['ap']:.3f} ÷ {ap['prevalence']:.3f} = {ap['ratio']:.1f} "
                f"[{ap['low']:.1f}, {ap['high']:.1f}]"
            )
            score = f"{active['value']:.3f} [{active['low']:.3f}, {active['high']:.3f}]"
            print(f"| {name} | {said} | {one['n']} | {ratio} | {score} | {box['value']:.3f} |")
    traits = list(next(iter(found.values()))["false_videos"])
    print(f"\n| false videos | {' | '.join(traits)} |\n|---|{'---|' * len(traits)}")
    for name, facts in found.items():
        cells = [
            f"{one['share']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
            for one in facts["false_videos"].values()
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Score held-out artifact types, with and without faults on purpose."
    )
    parser.add_argument(
        "work",
        nargs="?",
        type=Path,
        default=Path("training-benchmark"),
        help="keeps corpus and runs",
    )
    parser.add_argument(
        "--steps", type=int, default=600, help="of each model (default: %(default)s)"
    )
    parser.add_argument(
        "--seeds", default="0", help="one model of each kind (default: %(default)s)"
    )
    parser.add_argument(
        "--held",
        default="blur,motion,deformation,none",
        help="types to hold out (default: %(default)s)",
    )
    parser.add_argument("--methods", default=",".join(METHODS), help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures")
    args = parser.parse_args()
    torch.set_num_threads(1)
    release = corpus(args.work)
    found = {}
    for seed in map(int, args.seeds.split(",")):
        for name in args.held.split(","):
            held = None if name == "none" else name
            for method in args.methods.split(","):
                out = run(args.work, release, method, held, seed=seed, steps=args.steps)
                title = (
                    f"{method}, {'all types' if held is None else f'without {held}'}, seed {seed}"
                )
                found[title] = facts_of(args.work, release, out, held)
    print_tables(found)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
