"""Lists extensions of the package, one file each: layouts, formats, recipes, engines, commands.

A folder of such files is a registry. Each file holds one record under a fixed name. To add an
extension, add its file.
"""

from collections.abc import Iterable
from importlib import import_module
from os.path import abspath, dirname
from pkgutil import iter_modules
from typing import Any

HOUSE = dirname(dirname(abspath(__file__)))
"""The folder that holds all rooms: a registry can be listed by its path without importing its
room.
"""


def names_in(folders: Iterable[str]) -> list[str]:
    """The names of the files in these folders, sorted; nothing is imported.

    Args:
        folders: the `__path__` of a package.
    """
    return sorted(module.name for module in iter_modules(folders))


def record_in(package: str, name: str, *, record: str) -> Any:
    """The record of one file; None if the file has no such record.

    Args:
        package: the dotted name of the folder.
        name: name of the file, without .py.
        record: name of the record in the file.
    """
    return getattr(import_module(f"{package}.{name}"), record, None)


def records_in(folders: Iterable[str], package: str, *, record: str) -> list[Any]:
    """The records of all files in these folders, by file name; files without one are left out."""
    records = [record_in(package, name, record=record) for name in names_in(folders)]
    return [entry for entry in records if entry is not None]
