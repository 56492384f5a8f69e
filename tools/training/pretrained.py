"""Loads pretrained checkpoints by folder or by Hub id."""

from pathlib import Path
from typing import Any

from .recipe import TrainError


def pretrained(kind: Any, init: str | Path, **options: Any) -> Any:
    """Calls `kind.from_pretrained(init)`, where `kind` is a class of `transformers`, without its
    progress bar.

    Raises:
        TrainError: there is no such checkpoint, locally or on the Hub.
    """
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging

    had_bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return kind.from_pretrained(str(init), **options)
    except OSError as error:  # also the errors of the Hub's client
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise TrainError(
            f"--init {init}: not a readable checkpoint ({first}). Give a folder or a Hub "
            "repository."
        ) from error
    finally:
        if had_bar:
            logging.enable_progress_bar()
