"""Scores the answers of a language model about videos: is anything broken, when, where, of which
type.

In: a truth and answers.jsonl. Out: an `AnswersEvaluation`, with an interval and floors for every
score. The command `evaluate` and users call it.
"""

from .evaluate import evaluate_answers
from .read import is_answers
from .report import answers_report
from .summary import AnsweredVideo, AnswersEvaluation

__all__ = ["AnsweredVideo", "AnswersEvaluation", "answers_report", "evaluate_answers", "is_answers"]
