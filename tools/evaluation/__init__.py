"""How good predicted masks are: J&F exactly as DAVIS, its conventions stated, floors beside every score."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brokenvideos.tools.evaluation.evaluation import Evaluation, evaluate
    from brokenvideos.tools.evaluation.jf_score import JFScore
    from brokenvideos.tools.evaluation.truth import EvaluationError

__all__ = ["Evaluation", "EvaluationError", "JFScore", "evaluate"]


def __getattr__(name: str) -> Any:
    # The command line names this package before it knows which command is wanted.
    if name in ("Evaluation", "evaluate"):
        from brokenvideos.tools.evaluation import evaluation

        return getattr(evaluation, name)
    if name == "JFScore":
        from brokenvideos.tools.evaluation.jf_score import JFScore

        return JFScore
    if name == "EvaluationError":
        from brokenvideos.tools.evaluation.truth import EvaluationError

        return EvaluationError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
