"""The engines that run tasks: one file per engine, each with an `ENGINE`.

In: a number of workers, or the address of a cluster. Out: an executor. `executor_of` calls it;
commands call `import_ahead` before.
"""

from ....release import names_in, record_in
from .engine import Engine
from .processes import import_ahead

__all__ = ["ENGINES", "Engine", "engine_named", "import_ahead"]

ENGINES = tuple(name for name in names_in(__path__) if name != "engine")
"""The names of all engines. A name is the engine's file name."""


def engine_named(name: str) -> Engine:
    """The engine with this name.

    Raises:
        ValueError: no engine has this name.
    """
    if name not in ENGINES:
        raise ValueError(f"engine {name!r}: wanted one of {', '.join(ENGINES)}.")
    engine: Engine = record_in(__name__, name, record="ENGINE")
    return engine
