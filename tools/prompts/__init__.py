"""Prompts that cover a taxonomy of what makes video models fail, with controls and seeds."""

from brokenvideos.tools.prompts.check import Check, check_list, read_list
from brokenvideos.tools.prompts.make import make_prompts, write_prompts
from brokenvideos.tools.prompts.prompt import Prompt, PromptError, prompt_id_of, read_prompts, seed_of
from brokenvideos.tools.prompts.report import Report, report_on
from brokenvideos.tools.prompts.taxonomy import OURS, Taxonomy, TaxonomyError, read_taxonomy

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
