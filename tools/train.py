"""The earlier name of `tools.training`; the next version does not have it any more."""

import warnings
from typing import TYPE_CHECKING, Any

from . import training

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of every module
            raise AttributeError(name)
        moved = getattr(training, name)
        warnings.warn(
            f"{__name__}.{name} is now {training.__name__}.{name}; the next version does not have "
            "the earlier name any more.",
            DeprecationWarning,
            stacklevel=2,
        )
        return moved
