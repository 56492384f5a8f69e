"""Scores in the forms that the Hugging Face Hub reads: a model card's model-index and
`.eval_results/*.yaml`.
"""

from typing import TYPE_CHECKING

from ...release import DATA_VERSION, REPO_ID
from .evaluation import Evaluation
from .intervals import Estimate

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

TASKS = {
    "broken_jf": ("broken", "jf", "J&F, broken videos, every annotated frame"),
    "broken_active_jf": ("broken", "active_jf", "J&F, broken videos, frames with an artifact"),
    "normal_jf": ("normal", "jf", "J&F, normal videos"),
    "normal_false_frames": ("normal", "false_frames", "Frames of normal videos with a false alarm"),
}
"""The published scores by task id: (side, metric) of an `Evaluation`, and a readable name."""

NOTES = "empty=davis; mean over frames, then videos; truth's size"


def eval_results(
    evaluation: Evaluation, *, split: str, revision: str = f"v{DATA_VERSION}"
) -> list["EvalResult"]:
    """The published scores as `huggingface_hub.EvalResult`, for
    `ModelCardData(model_name=…, eval_results=…)`.

    Args:
        split: the split that was scored.
        revision: the revision of the dataset.
    """
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="image-segmentation",
            task_name="Video artifact localization",
            dataset_type=REPO_ID,
            dataset_name="BrokenVideos",
            dataset_split=split,
            dataset_revision=revision,
            metric_type=task_id,
            metric_name=name,
            metric_value=score.value,
            metric_args={"convention": NOTES, **score.to_dict()},
        )
        for task_id, name, score in _published(evaluation)
    ]


def eval_results_yaml(evaluation: Evaluation, *, revision: str | None = None) -> str:
    """The content of a model repository's `.eval_results/brokenvideos.yaml`: one score per task id.

    `notes` states the conventions.

    Source: https://huggingface.co/docs/hub/eval-results.
    """
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = [
        EvalResultEntry(
            dataset_id=REPO_ID,
            task_id=task_id,
            value=score.value,
            dataset_revision=revision,
            notes=f"{NOTES}; n={score.n}",
        )
        for task_id, _, score in _published(evaluation)
    ]
    text: str = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False)
    return text


def benchmark_yaml() -> str:
    """The content of the dataset repository's `eval.yaml`: the tasks that a model repository may
    report.

    It names no evaluation framework, because the Hub's list has none for this benchmark.

    Source: https://huggingface.co/docs/hub/eval-results, "Registering a Benchmark".
    """
    import yaml

    content = {
        "name": "BrokenVideos",
        "description": f"Pixel-exact localization of artifacts in AI-generated videos ({NOTES}).",
        "tasks": [{"id": task_id, "config": "default", "split": "test"} for task_id in TASKS],
    }
    text: str = yaml.safe_dump(content, sort_keys=False, width=120)
    return text


def _published(evaluation: Evaluation) -> list[tuple[str, str, Estimate]]:
    scores = []
    for task_id, (side, metric, name) in TASKS.items():
        estimate = (evaluation.scores.broken if side == "broken" else evaluation.scores.normal)[
            metric
        ]
        if estimate.value is not None:
            scores.append((task_id, name, estimate))
    return scores
