"""The engines that `annotate` knows: one file an engine, each with an `ENGINE`.

In: a name, and for engines with a model a checkpoint and a device. Out: an `Engine`. The annotation page's server calls it.
`ENGINE` is a function of `checkpoint` and `device`, by name, that gives a new engine. A file is imported, with its libraries, when
its engine is wanted.
"""

from .....release import names_in, record_in
from ..protocol import Engine, EngineError

__all__ = ["ENGINES", "make_engine"]

ENGINES = tuple(name.replace("_", "-") for name in names_in(__path__))
"""The names of all engines, each that of its file with - for _; the first needs no model."""

EXTRAS = {"sam2-package": "sam2"}
"""What installs an engine's libraries where `annotate` does not."""


def make_engine(name: str, *, checkpoint: str | None = None, device: str | None = None) -> Engine:
    """A new engine, its model loaded.

    Args:
        name: of ENGINES.
        checkpoint: id on the Hub or path; None for the engine's own choice.
        device: as torch names it; None for cuda where there is one, else cpu.

    Raises:
        EngineError: no such engine, a package or checkpoint that is not there, options for an engine without a model.
    """
    if name not in ENGINES:
        raise EngineError(f"--engine {name}: no such engine. Choose one of {', '.join(ENGINES)}.")
    try:
        make = record_in(__name__, name.replace("-", "_"), record="ENGINE")
        engine: Engine = make(checkpoint=checkpoint, device=device)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(name, "annotate")
        raise EngineError(
            f"--engine {name}: the package {error.name} is missing. Install it in a checkout: pip install '.[{extra}]'"
        ) from error
    return engine
