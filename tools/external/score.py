"""One model on several sets: each is built if it has to be, predicted, and scored as `evaluate`
does.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ...builder import BuildOptions, build
from ...builder.work import Progress, check_free, no_progress
from ..evaluation import Evaluation, evaluate
from ..prediction import find_videos, open_model, predict

ARTIFACT_TYPE = "deformation"
"""What marks count as where a set has no types of ours. No score of the table depends on it."""


class ExternalError(ValueError):
    """Sets that cannot be scored as asked; the message says what to change."""


def score_sets(
    model: str,
    sets: Mapping[str, Path],
    out: Path,
    *,
    device: str | None = None,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> dict[str, Evaluation]:
    """The evaluation of a model on each set, with floors, in the order of the sets.

    Args:
        model: as `predict` takes it.
        sets: a release folder or a raw folder of any layout, by a name, which also is the generator
            where a layout has none.
        out: a new folder, or an empty one. It gets NAME/release of a set that was not one, and
            NAME/predicted of every set.
        workers: processes that build and score.
        on_progress: called with ("NAME: step", done, total).

    Raises:
        ExternalError: no set, or a folder that is not there. FileExistsError: `out` holds
            something.
        RawError, BuildError, ReleaseError, TrainError, EvaluationError: as of `build`, `predict`
            and `evaluate`.
    """
    if not sets:
        raise ExternalError("no set is named. Give each as NAME=FOLDER, a release or a raw folder.")
    for name, folder in sets.items():
        if not folder.is_dir():
            raise ExternalError(
                f"set {name}: {folder}: no such folder. Wanted a release or a raw folder, see "
                "raw-layouts.md."
            )
    check_free(out)
    asked = open_model(model, device=device)
    scores = {}
    for name, folder in sets.items():
        shown = partial(_shown, on_progress, name)
        release = folder
        if not (folder / "manifest.json").is_file():
            release = out / name / "release"
            options = BuildOptions(artifact_type=ARTIFACT_TYPE, generator=name)
            build(folder, release, options, workers=workers, on_progress=shown)
        predicted = out / name / "predicted"
        predict(asked, find_videos([str(release)]), predicted, name=model, on_progress=shown)
        scores[name] = evaluate(release, predicted, workers=workers, on_progress=shown)
    return scores


def _shown(on_progress: Progress, name: str, step: str, done: int, total: int) -> None:
    on_progress(f"{name}: {step}", done, total)
