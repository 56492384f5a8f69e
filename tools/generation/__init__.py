"""Prompts -> clips whose making is on record, made again, or adopted with what is claimed of them."""

from brokenvideos.tools.generation.adoption import adopt
from brokenvideos.tools.generation.again import Rerun, rerun
from brokenvideos.tools.generation.arguments import parse_settings
from brokenvideos.tools.generation.error import GenerateError
from brokenvideos.tools.generation.memory import memory_lines
from brokenvideos.tools.generation.model import find_model
from brokenvideos.tools.generation.plan import Plan, Settings, make_plan
from brokenvideos.tools.generation.record import read_records
from brokenvideos.tools.generation.run import Outcome, generate

__all__ = [
    "GenerateError",
    "Outcome",
    "Plan",
    "Rerun",
    "Settings",
    "adopt",
    "find_model",
    "generate",
    "make_plan",
    "memory_lines",
    "parse_settings",
    "read_records",
    "rerun",
]
