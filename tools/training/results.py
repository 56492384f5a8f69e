"""What a training ends with: scores on the test split, predictions to check them by, and the model
with its card.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...builder.work import whole_folder, write_atomic
from ..evaluation import Evaluation
from .about import false_alarms_of, trained_on
from .calibration import calibration_of
from .card import Found, model_card
from .detection import detection_of, seconds_of_frame
from .predictor import Predictor, VideoPrediction, save_model
from .promise import warning
from .rows import held_out
from .scoring import evaluated, scored_videos, write_predictions
from .seen import seen_in


@dataclass(frozen=True, slots=True)
class Results:
    """Scores of the test split, and with a holdout those of the broken videos that are like
    training and of those held out.
    """

    model: Path
    evaluation: Evaluation
    groups: Mapping[str, Evaluation]
    warning: str | None = None
    """What its gates cannot promise; see `promise`."""

    def to_dict(self) -> dict[str, Any]:
        groups = {name: found.to_dict() for name, found in self.groups.items()}
        return {"test": self.evaluation.to_dict(), "groups": groups}

    def table(self) -> str:
        """Markdown: the evaluation's tables, then the groups."""
        return "\n\n".join(
            [self.evaluation.table(), *([group_table(self.groups)] if self.groups else [])]
        )


def group_table(groups: Mapping[str, Evaluation]) -> str:
    """Broken videos of each group in one Markdown table, the highest floor beside each score."""
    lines = [
        "| Broken videos | n | J&F | highest floor | J&F active | highest floor |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in groups.items():
        cells = [name, str(found.scores.broken["jf"].n)]
        for metric in ("jf", "active_jf"):
            floors = [floor.broken[metric].value for floor in found.floors.values()]
            best = max((value for value in floors if value is not None), default=None)
            cells += [_number(found.scores.broken[metric].value), _number(best)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write_results(
    out: Path,
    predictor: Predictor,
    predictions: Mapping[str, VideoPrediction],
    *,
    release: Path,
    options: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Results:
    """Scores predictions for the test split and writes out/predictions, out/scores.json and
    out/model.
    """
    write_predictions(out / "predictions" / "test.parquet", predictions)
    videos = scored_videos(release, "test", predictions, floors=True)
    names = {"release": release, "split": "test", "predictions": options["recipe"]}
    groups = {}
    if options["holdout"] is not None:
        unseen = [
            v
            for v in videos
            if held_out(options["holdout"], artifact_types=v.artifact_types, generator=v.generator)
        ]
        seen = [video for video in videos if video not in unseen]
        for name, members in (("like training", seen), (f"held out: {options['holdout']}", unseen)):
            groups[name] = evaluated(members, **names)
    results = Results(
        out / "model", evaluated(videos, **names), groups, warning(facts.get("gates"))
    )
    write_atomic(
        out / "scores.json",
        (json.dumps(results.to_dict(), indent=1, allow_nan=False) + "\n").encode(),
    )
    holdout = options["holdout"]
    test_facts = Found(
        trained_on(release, holdout=holdout),
        false_alarms_of(videos, release, split="test"),
        detection_of(videos, seconds_of_frame(release, split="test")),
        calibration_of(videos, predictions),
    )
    with whole_folder(out / "model") as folder:
        about = {
            "options": dict(options),
            **facts,
            "trained_on": test_facts.data_seen.to_dict(),
            "seen": seen_in(release, holdout=holdout),
            "false_alarms_test": test_facts.alarms.to_dict(),
            "detection_test": test_facts.detection.to_dict(),
            "calibration_test": test_facts.calibration.to_dict(),
            "promise": test_facts.promise(),
        }
        save_model(
            predictor.model, folder, recipe=predictor.recipe, feeding=predictor.feeding, facts=about
        )
        card = model_card(
            results.evaluation, results.table(), predictor=predictor, facts=about, found=test_facts
        )
        write_atomic(folder / "README.md", card.encode())
    return results


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
