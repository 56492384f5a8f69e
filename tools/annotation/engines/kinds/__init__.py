"""The engines of `annotate`: one file per engine, each with an `ENGINE`.

In: a name, and for engines with a model a checkpoint and a device. Out: an `Engine`. The server of
the annotation page calls it. `ENGINE` is a function with the keyword arguments `checkpoint` and
`device` that returns a new engine. A file is imported, with its libraries, only when its engine is
used.
"""

from .....release import names_in, record_in
from ..protocol import Engine, EngineError

__all__ = ["ENGINES", "make_engine"]

ENGINES = tuple(name.replace("_", "-") for name in names_in(__path__))
"""The names of all engines: the names of their files with - for _. The first one needs no model."""

EXTRAS = {"sam2-package": "sam2"}
"""The extra that installs an engine's libraries, for engines that need more than the extra
`annotate`.
"""


def make_engine(name: str, *, checkpoint: str | None = None, device: str | None = None) -> Engine:
    """A new engine with its model loaded.

    Args:
        name: one of ENGINES.
        checkpoint: id on the Hub or path; None for the engine's default.
        device: a name for torch; None for cuda if there is a GPU, else cpu.

    Raises:
        EngineError: the engine is unknown, a package or checkpoint is missing, or the engine has no
            model and cannot take these options.
    """
    if name not in ENGINES:
        raise EngineError(f"--engine {name}: no such engine. Choose one of {', '.join(ENGINES)}.")
    try:
        make = record_in(__name__, name.replace("-", "_"), record="ENGINE")
        engine: Engine = make(checkpoint=checkpoint, device=device)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(name, "annotate")
        raise EngineError(
            f"--engine {name}: the package {error.name} is missing. Install it in a checkout: pip "
            f"install '.[{extra}]'"
        ) from error
    return engine
