"""Prompts that cover a taxonomy of situations in which video models fail, with controls and seeds.

In: a taxonomy (TOML), or any list of prompts. Out: a prompt file, and its coverage. The command and
tools/generation call it.
"""

from .check import Check, check_list, read_list
from .make import make_prompts, write_prompts
from .prompt import Prompt, PromptError, prompt_id_of, read_prompts, seed_of
from .report import Report, report_on
from .taxonomy import OURS, Taxonomy, TaxonomyError, read_taxonomy

__all__ = [
    "OURS",
    "Check",
    "Prompt",
    "PromptError",
    "Report",
    "Taxonomy",
    "TaxonomyError",
    "check_list",
    "make_prompts",
    "prompt_id_of",
    "read_list",
    "read_prompts",
    "read_taxonomy",
    "report_on",
    "seed_of",
    "write_prompts",
]
