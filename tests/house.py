"""The house as its imports draw it: `python tests/house.py` prints the figures and the picture that
docs/architecture.md shows.

Every import counts: at the top of a file, inside a function, for type checkers alone, and by
string. A name that a room's `__init__` passes on is followed to the file that defines it.
"""

import ast
import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOOR = "brokenvideos"
ROOMS = ("masks", "frames", "release", "sampling", "builder", "card", "tools")
MAY_IMPORT = {
    "masks": set(),
    "frames": {"masks"},
    "release": {"masks", "frames"},
    "sampling": {"masks", "frames", "release"},
    "builder": {"masks", "frames", "release", "sampling"},
    "card": {"masks", "frames", "release", "sampling"},
    "tools": {"masks", "frames", "release", "sampling", "builder", "card"},
    DOOR: {"masks", "frames", "release", "sampling", "builder", "card", "tools"},
}


@dataclass(frozen=True, slots=True)
class Import:
    """One name that one file imports.

    `package` is the dotted folder of the file, without `brokenvideos`; `target` is the dotted
    module that is named; `file` is the module that defines the name, after every `__init__` on the
    way.
    """

    source: str
    line: int
    package: str
    target: str
    name: str
    file: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.name} from {self.target}"


def module_of(path: Path) -> str:
    """The dotted name of a file below `ROOT`, without `brokenvideos`; the folder's for an
    `__init__`.
    """
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The room at the top of the house that a module is in; the front door is one too."""
    return module.partition(".")[0]


@cache
def files() -> dict[str, Path]:
    """Every file of the package by dotted module."""
    found = [
        ROOT / f"{DOOR}.py",
        *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))),
    ]
    return {module_of(path): path for path in found}


@cache
def imports() -> tuple[Import, ...]:
    """Every import of a file of the package by another one."""
    found = []
    for module, path in files().items():
        is_package = module == DOOR or path.name == "__init__.py"
        package = module.removeprefix(DOOR) if is_package else module.rpartition(".")[0]
        for line, target, name in _named(parse(path), package):
            if target == DOOR or target in files():
                found.append(Import(module, line, package, target, name, _definer(target, name)))
    return tuple(found)


def parse(path: Path) -> ast.Module:
    """The syntax tree of a Python file.

    Made with the garbage collector off: where a finalizer's traceback is formatted in the middle of
    a parse, which parses too, Python 3.11 can end both with "SystemError: AST constructor recursion
    depth mismatch".
    """
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


def _named(tree: ast.Module, package: str) -> Iterator[tuple[int, str, str]]:
    """(line, dotted module without `brokenvideos`, name) of each import; a module that is imported
    itself has the name "*".
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top, _, rest = alias.name.partition(".")
                if top == DOOR:
                    yield node.lineno, rest or DOOR, "*"
        elif isinstance(node, ast.ImportFrom):
            target = _absolute(node.module or "", node.level, package)
            for alias in node.names if target is not None else ():
                inner = f"{target}.{alias.name}" if target else alias.name
                is_module = inner in files() and alias.name not in _passed_on(target)
                yield (
                    (node.lineno, inner, "*")
                    if is_module
                    else (node.lineno, target or DOOR, alias.name)
                )
        elif isinstance(node, ast.Call) and (text := _imported_by_string(node)):
            target = _absolute(text.lstrip("."), len(text) - len(text.lstrip(".")), package)
            if target is not None:
                yield node.lineno, target or DOOR, "*"


def _absolute(module: str, level: int, package: str) -> str | None:
    """The module without `brokenvideos`, "" for the package itself; None for anybody else's."""
    if level == 0:
        top, _, rest = module.partition(".")
        return rest if top == DOOR else None
    parts = package.split(".") if package else []
    return ".".join([*parts[: len(parts) - level + 1], *filter(None, [module])])


def _imported_by_string(call: ast.Call) -> str:
    """The module that `import_module("…")` names; "" for any other call."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if (
        name not in ("import_module", "__import__")
        or not call.args
        or not isinstance(call.args[0], ast.Constant)
    ):
        return ""
    return str(call.args[0].value)


def _definer(target: str, name: str) -> str:
    """The module that defines a name, followed through the `__init__`s that pass it on."""
    while name != "*" and (passed := _passed_on(target).get(name)) is not None:
        target = passed
    return target


@cache
def _passed_on(module: str) -> dict[str, str]:
    """The module by name, of names that an `__init__` takes from another file; its stub has them
    where the room is lazy.
    """
    path = files().get(module)
    if path is None or path.name != "__init__.py":
        return {}
    stub = path.with_suffix(".pyi")
    tree = parse(stub if stub.exists() else path)
    passed = {}
    for node in tree.body:
        if (
            isinstance(node, ast.ImportFrom)
            and (target := _absolute(node.module or "", node.level, module)) in files()
        ):
            passed |= {alias.asname or alias.name: target for alias in node.names}
    return passed


def upward_imports() -> list[Import]:
    """Imports of a room that the file's room may not know."""
    between = (found for found in imports() if room_of(found.target) != room_of(found.source))
    return [
        found for found in between if room_of(found.target) not in MAY_IMPORT[room_of(found.source)]
    ]


def inner_imports() -> list[Import]:
    """Imports that reach past another room's `__init__`: of a module that is neither a package nor
    in a package around the file.
    """
    return [
        found
        for found in imports()
        if files().get(found.target, ROOT).name != "__init__.py"
        and found.target != DOOR
        and not _around(found.target.rpartition(".")[0], found.package)
    ]


def _around(package: str, inner: str) -> bool:
    return package == inner or inner.startswith(f"{package}.") or package == ""


def circles() -> list[list[str]]:
    """Files that import one another, directly or round about, lazily or not: groups of more than
    one, sorted.
    """
    arrows: dict[str, set[str]] = defaultdict(set)
    for found in imports():
        if found.file != found.source:
            arrows[found.source].add(found.file)
    return sorted(group for group in _components(arrows) if len(group) > 1)


def _components(arrows: dict[str, set[str]]) -> Iterator[list[str]]:
    """Strongly connected components. Source: Tarjan, SIAM Journal on Computing 1 (1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[list[str]]:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows.get(node, ())):
            if other not in index:
                yield from visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            yield sorted(group)

    for node in sorted(arrows):
        if node not in index:
            yield from visit(node)


def longest_chain() -> list[str]:
    """The longest way along imports from file to file, from the top; none where files import in
    circles.
    """
    arrows: dict[str, set[str]] = defaultdict(set)
    for found in imports():
        if found.file != found.source:
            arrows[found.source].add(found.file)

    @cache
    def below(module: str) -> tuple[str, ...]:
        ways = [below(other) for other in sorted(arrows.get(module, ()))]
        return (module, *max(ways, key=len, default=()))

    return list(max((below(module) for module in files()), key=len))


def arrows_between_rooms() -> dict[tuple[str, str], int]:
    """How many imports go from one room at the top to another."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for found in imports():
        if room_of(found.source) != room_of(found.target):
            counts[room_of(found.source), room_of(found.target)] += 1
    return dict(counts)


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def main() -> int:
    """Prints the figures, how much each room holds and whom it asks, then what is against the
    rules; returns how much that is.
    """
    rooms = [module for module, path in files().items() if path.name == "__init__.py"]
    largest = max(files().values(), key=_lines)
    print(f"rooms with an __init__       {len(rooms)}")
    print(f"files                        {len(files())}")
    print(f"arrows between top rooms     {len(arrows_between_rooms())}")
    print(f"circles                      {len(circles())}")
    print(f"imports past an __init__     {len(inner_imports())}")
    print(f"longest chain of imports     {len(longest_chain()) if not circles() else '-'}")
    print(f"largest file                 {largest.relative_to(ROOT)}, {_lines(largest)} lines")
    print(f"front door                   {_lines(ROOT / f'{DOOR}.py')} lines")
    print()
    for room in (*reversed(ROOMS), DOOR):
        lines = sum(_lines(path) for module, path in files().items() if room_of(module) == room)
        asks = ", ".join(
            f"{to} {n}" for (of, to), n in sorted(arrows_between_rooms().items()) if of == room
        )
        print(f"{room:14}{lines:6} lines   asks {asks or 'nobody'}")
    for group in circles():
        print("circle:", ", ".join(group))
    for found in inner_imports():
        print("past an __init__:", found)
    for found in upward_imports():
        print("up:", found)
    return len(circles()) + len(inner_imports()) + len(upward_imports())


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
