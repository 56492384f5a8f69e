"""What does a model find that it never saw? Artifact types and generators held out of training,
with and without faults made on purpose.

    python benchmarks/faults.py [WORK] [--steps 600] [--seeds 0,1,2] [--held blur,synth-a,none]
        [--methods unet,faults,flow,unet-faults] [--json FILE]

WORK (default: training-benchmark) keeps the corpus of benchmarks/training.py and every run with its
figures; what is done already is not done again. For each hold-out two models are trained by
`brokenvideos train`'s own code: `unet` as it is, and `unet-flow` with a fault in a share of the
clips, of operations that do not resemble a held-out type.

Printed are, over the broken test videos of each type alone or of each generator: the average
precision of pixels divided by the share of marked pixels, and J&F of active frames at a threshold
chosen by J on validation videos like those of training, before the gates, beside the centre box.
Then, with the gates of the model: the share of these videos that are flagged, and the share of 300
fresh normal videos, by what is hard about them: out of focus, fast, shaken. Last the differences
between the two models. Figures are means over seeds, intervals over videos.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from faults_tables import print_tables
from torch.nn.functional import interpolate
from training import corpus

from brokenvideos import ARTIFACT_TYPES
from brokenvideos.frames import encode_video, read_frames
from brokenvideos.masks import decode, encode
from brokenvideos.tools.evaluation import ScoredVideo, video_scores
from brokenvideos.tools.stats import ListedVideo, Wanted, listed_videos
from brokenvideos.tools.synthetic.sample import SampleSpec, make_sample_video
from brokenvideos.tools.synthetic.scene import GENERATORS
from brokenvideos.tools.training import Predictor, TrainOptions, VideoPrediction, load_model, train
from brokenvideos.tools.training.losses import highest
from brokenvideos.tools.training.predictor import kept_frames
from brokenvideos.tools.training.rows import WholeVideos, split_rows
from brokenvideos.tools.training.scoring import scored_videos

METHODS = {
    "unet": ("unet", 0.0),
    "faults": ("unet-flow", 0.8),
    "flow": ("unet-flow", 0.0),
    "unet-faults": ("unet", 0.8),
}
"""Recipe and share of faults of each method; the last two have one half of what is new each."""

SIZE, NUM_FRAMES, NORMAL, FRESH_SEED = (48, 48), 8, 300, 1_000_003
THRESHOLDS = np.linspace(-4, 4, 17)
"""Logits to choose from."""

LEVELS, HIGHEST_LOGIT = 256, 12.0


# --- The trainings --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """What a training leaves out: an artifact type, a generator, or nothing."""

    name: str

    @property
    def holdout(self) -> str | None:
        if self.name == "none":
            return None
        return f"{'artifact' if self.name in ARTIFACT_TYPES else 'generator'}:{self.name}"

    def groups(self) -> tuple[str, ...]:
        """The groups of test videos that are scored."""
        if self.name == "none":
            return (*ARTIFACT_TYPES, *GENERATORS)
        return ARTIFACT_TYPES if self.name in ARTIFACT_TYPES else GENERATORS

    def leaves_out(self, video: ListedVideo) -> bool:
        return self.name in (*video.artifact_types, video.generator)


def in_group(group: str) -> Callable[[ListedVideo], bool]:
    """Whether a video has this artifact type alone; for a generator, whether it is a broken video
    of it.
    """
    return lambda video: (
        video.artifact_types == (group,)
        if group in ARTIFACT_TYPES
        else video.generator == group and video.label == "broken"
    )


def run(work: Path, release: Path, method: str, held: Held, *, seed: int, steps: int) -> Path:
    """The folder of a training; trained where it has not been before."""
    recipe, share = METHODS[method]
    out = work / f"{method}-{held.name}-{seed}-{steps}"
    options = TrainOptions(
        recipe=recipe,
        faults=share,
        holdout=held.holdout,
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
        start_s = time.process_time()
        train(
            str(release),
            out,
            options,
            resume=True,
            say=lambda line: print(f"{out.name}: {line}", flush=True),
        )
        print(f"{out.name}: {time.process_time() - start_s:.0f} CPU seconds", flush=True)
    return out


# --- One model ------------------------------------------------------------------------------------


def facts_of(work: Path, release: Path, out: Path, held: Held) -> dict[str, Any]:
    """What a model finds, by group and video; worked out once."""
    record = out / "facts.json"
    if not record.is_file():
        predictor = load_model(out, device="cpu")
        seen = ids_of(
            release, "validation", lambda v: v.label == "broken" and not held.leaves_out(v)
        )
        validation = logits_of(predictor, release, "validation", seen)
        threshold = best_threshold(validation, truth_of(release, "validation", seen))
        facts = {
            "threshold": threshold,
            "groups": {
                group: group_facts(predictor, release, group, threshold=threshold)
                for group in held.groups()
            },
            "normal": false_videos(predictor, work),
        }
        record.write_text(json.dumps(facts) + "\n")
    found: dict[str, Any] = json.loads(record.read_text())
    return found


def ids_of(release: Path, split: str, kept: Callable[[ListedVideo], bool]) -> list[str]:
    return [
        video.video_id for video in listed_videos(str(release), Wanted(split=split)) if kept(video)
    ]


def logits_of(
    predictor: Predictor, release: Path, split: str, video_ids: Sequence[str]
) -> dict[str, torch.Tensor]:
    """float32[T, h, w] of these videos of a split, at the model's size."""
    rows = split_rows(release, split)
    chosen = [number for number in range(len(rows)) if rows[number]["video_id"] in video_ids]
    videos = WholeVideos(rows, size=predictor.feeding.size)
    return {
        video["video_id"]: predictor.logits(video["frames"])
        for video in (videos[number] for number in chosen)
    }


def truth_of(release: Path, split: str, video_ids: Sequence[str]) -> dict[str, np.ndarray]:
    """int64[T, H, W]: 1 marked, 0 not, -1 in a frame that nobody looked at."""
    rows = split_rows(release, split)
    found = {}
    for row in (rows[number] for number in range(len(rows))):
        if row["video_id"] not in video_ids:
            continue
        height, width = row["height"], row["width"]
        truth = np.full((row["num_frames"], height, width), -1, np.int64)
        truth[list(row["annotated_frames"])] = 0
        for frame, counts in zip(row["masks"]["frame_index"], row["masks"]["counts"], strict=True):
            truth[frame] |= decode([counts], height=height, width=width)[0]
        found[row["video_id"]] = truth
    return found


def at_size_of(truth: np.ndarray, logits: torch.Tensor) -> torch.Tensor:
    """Logits float32[T, H, W] scaled to the size of the truth."""
    return interpolate(logits[:, None], size=truth.shape[1:], mode="bilinear")[:, 0]


def best_threshold(logits: Mapping[str, torch.Tensor], truth: Mapping[str, np.ndarray]) -> float:
    """The one with the best mean over videos of J of active frames."""
    found = np.zeros((len(logits), len(THRESHOLDS)))
    for number, (name, values) in enumerate(logits.items()):
        active = (truth[name] == 1).any(axis=(1, 2))
        wanted, given = (
            truth[name][active] == 1,
            at_size_of(truth[name], values).numpy()[active],
        )
        for place, threshold in enumerate(THRESHOLDS):
            marked_px = given > threshold
            either = (marked_px | wanted).sum(axis=(1, 2))
            found[number, place] = (
                ((marked_px & wanted).sum(axis=(1, 2)) / either).mean() if len(given) else 0.0
            )
    return float(THRESHOLDS[int(found.mean(axis=0).argmax())])


def group_facts(
    predictor: Predictor, release: Path, group: str, *, threshold: float
) -> dict[str, Any]:
    """Of each broken test video of a group: how many unmarked and marked pixels have which logit,
    J&F of active frames at the threshold, that of the centre box, and whether it is flagged.
    """
    video_ids = ids_of(release, "test", in_group(group))
    logits = logits_of(predictor, release, "test", video_ids)
    truth = truth_of(release, "test", video_ids)
    levels, marked = {}, {}
    for name, values in logits.items():
        whole = at_size_of(truth[name], values)
        counts = tuple(encode((whole > threshold).numpy()))
        marked[name] = VideoPrediction(*whole.shape[1:], counts, np.ones(len(whole)))
        place = (whole.clamp(-HIGHEST_LOGIT, HIGHEST_LOGIT) / HIGHEST_LOGIT + 1) / 2
        at = (place * (LEVELS - 1)).round().to(torch.int64).numpy()
        levels[name] = [
            np.bincount(at[truth[name] == side], minlength=LEVELS).tolist() for side in (0, 1)
        ]
    videos = scored_videos(release, "test", marked, floors=True)
    return {
        video.video_id: {
            "levels": levels[video.video_id],
            "active_jf": active_jf(video),
            "centre_box": active_jf(video, floor="centre-box"),
            "flagged": flagged(predictor, logits[video.video_id]),
        }
        for video in videos
    }


def active_jf(video: ScoredVideo, *, floor: str | None = None) -> float:
    counts = video.counts if floor is None else video.floors[floor]
    return video_scores(counts, broken=True)["active_jf"]


def flagged(predictor: Predictor, logits: torch.Tensor) -> bool:
    """Whether the model marks anything in a video, with its gates."""
    feeding = predictor.feeding
    scores = highest(logits).sigmoid().mean(-1).double().numpy()
    kept = kept_frames(scores, gate=feeding.gate, video_gate=feeding.video_gate)
    return bool((logits[torch.from_numpy(kept)] > 0).any())


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


def false_videos(predictor: Predictor, work: Path) -> dict[str, list[bool]]:
    """Which normal videos are flagged, by trait."""
    found: dict[str, list[bool]] = {}
    for video, trait in zip(*normal_videos(work), strict=True):
        is_flagged = flagged(predictor, predictor.logits(torch.from_numpy(video)))
        found.setdefault(trait, []).append(is_flagged)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Score held-out artifact types and generators, with and without faults on purpose."
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
        default=",".join((*ARTIFACT_TYPES, *GENERATORS, "none")),
        help="types and generators to hold out, none: everything seen (default: %(default)s)",
    )
    parser.add_argument("--methods", default="unet,faults", help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures")
    args = parser.parse_args()
    torch.set_num_threads(1)
    release = corpus(args.work)
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for seed in map(int, args.seeds.split(",")):
        for held in map(Held, args.held.split(",")):
            for method in args.methods.split(","):
                out = run(args.work, release, method, held, seed=seed, steps=args.steps)
                facts = facts_of(args.work, release, out, held)
                found.setdefault((method, held.name), []).append(facts)
    figures = print_tables(found)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
