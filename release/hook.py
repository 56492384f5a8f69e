"""Makes the name "brokenvideos" known to `load_dataset`, without importing `datasets`."""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.machinery import ModuleSpec, PathFinder
from os import fspath
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from .names import NAME

if TYPE_CHECKING:
    from importlib.abc import Loader

_FACTORY = "dataset_module_factory"
_HOLDERS = ("datasets.load", "datasets.inspect")
"""The modules of `datasets` that hold the function that looks names up, each under its own name."""


def install_hook() -> None:
    """Wraps the factory of `datasets`: now in modules that are already imported, in others when
    they are imported.
    """
    for name in _HOLDERS:
        module = sys.modules.get(name)
        if module is not None and hasattr(module, _FACTORY):
            _wrap(module)
    if not all(name in sys.modules for name in _HOLDERS) and not any(
        isinstance(f, _Finder) for f in sys.meta_path
    ):
        sys.meta_path.insert(0, _Finder())


def _wrap(module: ModuleType) -> None:
    factory = vars(module)[_FACTORY]
    if "hooked_by" not in vars(factory):
        vars(module)[_FACTORY] = _hooked(factory)


class _Finder:
    """Finds the modules of `_HOLDERS` as Python does, and wraps their factory once they are
    loaded.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _HOLDERS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _Loader(spec.loader))
        return spec


class _Loader:
    """Loads a module with its own loader, then wraps its factory. Afterwards the module has its own
    loader again.
    """

    def __init__(self, own: "Loader") -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.own
        if module.__spec__ is not None:
            module.__spec__.loader = self.own
        self.own.exec_module(module)
        _wrap(module)


def _hooked(original: Callable[..., Any]) -> Callable[..., Any]:
    """`dataset_module_factory` that knows "brokenvideos" and "brokenvideos:OWNER/NAME" and passes
    on every other name.
    """

    @wraps(original)
    def dataset_module_factory(
        path: str,
        revision: Any = None,
        download_config: Any = None,
        download_mode: Any = None,
        data_dir: Any = None,
        data_files: Any = None,
        cache_dir: Any = None,
        **download_kwargs: Any,
    ) -> Any:
        if path != NAME and not str(path).startswith(f"{NAME}:"):
            return original(
                path,
                revision,
                download_config,
                download_mode,
                data_dir,
                data_files,
                cache_dir,
                **download_kwargs,
            )
        if data_files is not None:
            raise ValueError(
                f"load_dataset({path!r}) takes no data_files: name a release folder with data_dir=."
            )
        from .loading import dataset_module

        return dataset_module(path, revision=revision, data_dir=data_dir and fspath(data_dir))

    vars(dataset_module_factory)["hooked_by"] = NAME
    return dataset_module_factory
