"""What a language model said of videos -> scores: is anything broken, when, where, which type.

In: a truth and answers.jsonl. Out: an `AnswersEvaluation`, with floors and intervals beside every score. The command
`evaluate` and users call it.
"""

from .evaluate import evaluate_answers
from .read import is_answers
from .report import answers_report
from .summary import AnsweredVideo, AnswersEvaluation

__all__ = ["AnsweredVideo", "AnswersEvaluation", "answers_report", "evaluate_answers", "is_answers"]
