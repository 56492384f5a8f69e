"""The model card: what the model is, what it was trained on, and how well it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from ..evaluation import Evaluation
from .about import FalseAlarms, TrainedOn
from .calibration import Calibration
from .detection import Detection
from .predictor import Predictor
from .promise import false_alarms, warning

_METRICS = {"jf": "J&F", "active_jf": "J&F of active frames"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a card says besides scores: what the model was trained on, and what it did on the test
    split.
    """

    data_seen: TrainedOn
    alarms: FalseAlarms
    detection: Detection
    calibration: Calibration

    def promise(self) -> list[str]:
        """The two lines that `predict` shows of a model."""
        return [
            f"On its test split this model had, {self.detection.text()}.",
            f"In normal videos there it raised {self.alarms.text()}.",
        ]


def _chosen_on(facts: Mapping[str, Any]) -> str:
    gates = facts.get("gates")
    if gates is None:
        return ""
    warned = warning(gates)
    broken = (
        f", {gates['broken_videos']} broken ones beside them" if "broken_videos" in gates else ""
    )
    return f": {false_alarms(gates['false_videos'], gates['normal_videos'])}{broken}" + (
        f". **{warned[:-1]}**" if warned else ""
    )


def model_card(
    evaluation: Evaluation,
    table: str,
    *,
    predictor: Predictor,
    facts: Mapping[str, Any],
    found: Found,
) -> str:
    """The text of README.md, with metadata that the Hub reads.

    Args:
        facts: options, data and code, as `training` has them.
    """
    options, data, code = facts["options"], facts["data"], facts["code"]
    results = [
        EvalResult(
            task_type="image-segmentation",
            dataset_type="brokenvideos",
            dataset_name="BrokenVideos",
            dataset_split="test",
            dataset_revision=data["version"],
            metric_type=metric,
            metric_name=f"{name}, broken videos",
            metric_value=round(value, 4),
        )
        for metric, name in _METRICS.items()
        if (value := evaluation.scores.broken[metric].value) is not None
    ]
    card = ModelCardData(
        model_name=f"brokenvideos {options['recipe']}",
        pipeline_tag="image-segmentation",
        tags=["brokenvideos", "artifact-localization", "video-segmentation"],
        eval_results=results or None,
    )
    parameters = sum(parameter.numel() for parameter in predictor.model.parameters())
    height, width = predictor.feeding.size
    held_out = f" Held out of training: {options['holdout']}." if options["holdout"] else ""
    chosen = (
        "epochs",
        "steps",
        "num_frames",
        "stride",
        "batch_size",
        "lr",
        "seed",
        "precision",
        "init",
    )
    settings = ", ".join(f"{name} {options[name]}" for name in chosen if options[name] is not None)
    return f"""---
{card.to_yaml()}
---

# {options["recipe"]}: finds artifacts in AI-generated videos

{parameters:,} parameters; frames are scaled to {width}x{height}, {predictor.feeding.num_frames} at a time.

```python
from brokenvideos.tools.training import load_model

predictor = load_model("THIS FOLDER OR REPOSITORY")
masks, scores = predictor(frames)  # uint8[T, 3, H, W] of a whole video -> bool[T, H, W], float64[T] in [0, 1]
```

Videos without a frame of a score of {predictor.feeding.video_gate:.3f} come out empty, and of the others frames below
{predictor.feeding.gate:.2f}; both gates were chosen on validation{_chosen_on(facts)}.

## What it is for, and what not

It marks what is broken in videos that a model has generated: motion, deformation, blur. On the test split it raised
{found.alarms.text()}; an alarm is a stretch of frames in which it marks something.

- Not for telling whether a video was generated, edited or real, and not as evidence of anything (forensics): it looks for faults,
  and a faultless generated video comes out empty, a blurred real one may not.
- Not for judging people's faces, and not for recognising or rating people: it was not made, tried or balanced for that.
- Of other generators and other faults than those below nothing is promised: score it on some of your own first.

## Data and code

Trained on {found.data_seen.text()}

BrokenVideos data version {data["version"]} (SHA-256 of its manifest: {data["manifest_sha256"]}), split train.{held_out}
Code: brokenvideos {code["version"]}, commit {code["commit"] or "not known"}. {settings}.

## How far to trust it

On the test split. A video is flagged if anything is marked in it; precision is that of data of which
{_percent(found.detection.share_broken)} of the videos are broken.

{found.detection.table()}

Expected calibration error of the frames' scores: {_error(found.calibration.error)}.

{found.calibration.table()}

## Scores on the test split

{table}

An active frame has an artifact. Floors are predictions that know nothing of the video; means with 95 % intervals over videos.
"""


def _percent(share: float | None) -> str:
    return "no share" if share is None else f"{share:.0%}"


def _error(error: float | None) -> str:
    return "not known" if error is None else f"{error:.3f}"
