"""Makes clips with a record of how they were made, makes them again, or adopts finished files with
claims.

In: prompts and a model, or finished files and claims. Out: a raw folder with a record beside each
clip. The command calls it.
"""

from .adoption import adopt
from .again import Rerun, rerun
from .arguments import parse_settings
from .error import GenerateError
from .memory import memory_lines
from .model import find_model
from .plan import Plan, Settings, make_plan
from .record import read_records
from .run import Outcome, generate

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
