"""The card's sections. Each is a function that turns the counts into Markdown."""

from .annotation import agreement, annotation
from .considerations import (
    biases,
    considerations,
    limits,
    personal_information,
    social_impact,
    use_cases,
)
from .data import CHECK, CITATION, LOAD, MEANINGS, counts, fields, opening, summary
from .evaluation import evaluation
from .history import MAINTENANCE, changes, errata, licences, maintenance
from .markdown import number
from .splits import splits
from .statistics import statistics

__all__ = [
    "CHECK",
    "CITATION",
    "LOAD",
    "MAINTENANCE",
    "MEANINGS",
    "agreement",
    "annotation",
    "biases",
    "changes",
    "considerations",
    "counts",
    "errata",
    "evaluation",
    "fields",
    "licences",
    "limits",
    "maintenance",
    "number",
    "opening",
    "personal_information",
    "social_impact",
    "splits",
    "statistics",
    "summary",
    "use_cases",
]
