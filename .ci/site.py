"""Pages of the documentation site that are not files of docs/: a hook of mkdocs, named in
mkdocs.yml.

Each command's page comes from the program, each room's from what it makes public. Links to files
outside of docs/ lead to a page that shows the file, so that the built site is whole by itself.
"""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

import links  # beside this file
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/RESULTS.md": "results.md",
    "examples/first_steps.ipynb": "notebook.md",
}
"""Files outside of docs/ that are pages: their place in the site."""

DOOR = "brokenvideos"
ROOMS = {
    DOOR: "What most programs need. Each name is imported when it is first used.",
    "brokenvideos.masks": None,
    "brokenvideos.frames": None,
    "brokenvideos.release": None,
    "brokenvideos.sampling": None,
    "brokenvideos.builder": None,
    "brokenvideos.card": None,
    "brokenvideos.tools.adoption": None,
    "brokenvideos.tools.training": None,
    "brokenvideos.tools.prediction": None,
    "brokenvideos.tools.evaluation": None,
    "brokenvideos.tools.agreement": None,
}
"""Rooms whose public names are described; None: the page begins with the room's docstring."""

_LINK = re.compile(r"""(\]\(|(?:src|href)=")([^)"#\s]+)((?:#[^)"\s]*)?[)"])""")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the generated pages into the navigation; lays the links by which docstrings are
    found.
    """
    links.lay_links(ROOT)
    sections = {title: pages for section in config.nav or [] for title, pages in section.items()}
    sections["Commands"] += [
        {group: [{name: f"commands/{name}.md"} for name in names]}
        for group, names in grouped_commands().items()
    ]
    pages = [
        {room.removeprefix("brokenvideos.").removeprefix("tools."): f"api/{room}.md"}
        for room in ROOMS
    ]
    sections["Reference"].append({"Python": pages})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the pages that are no files of docs/."""
    for source, place in PAGES.items():
        files.append(File.generated(config, place, content=page_of(ROOT / source)))
    for names in grouped_commands().values():
        for name in names:
            files.append(File.generated(config, f"commands/{name}.md", content=command_page(name)))
    for room in ROOMS:
        files.append(File.generated(config, f"api/{room}.md", content=room_page(room)))
    for source in sorted(linked_sources()):
        shown = File.generated(config, source_place(source), content=source_page(source))
        shown.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(shown)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links between files of the repository into links between pages."""
    here = page.file.src_uri
    source = next((source for source, place in PAGES.items() if place == here), f"docs/{here}")
    if here.startswith(("commands/", "api/", "files/")):
        return markdown

    def turned(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        target = repository_path(source, link)
        if target is None:
            return match[0]
        return before + relpath(site_place(target), str(Path(here).parent)) + after

    return _LINK.sub(turned, markdown)


def repository_path(source: str, link: str) -> str | None:
    """The file or folder of the repository that a link in `source` names; None for an address, or a
    file that is not there.
    """
    target = normpath(f"{Path(source).parent.as_posix()}/{link}")
    return (
        target
        if ":" not in link and not target.startswith("..") and (ROOT / target).exists()
        else None
    )


def site_place(target: str) -> str:
    """Where the site has a file of the repository."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    return PAGES.get(target) or source_place(target)


def source_place(source: str) -> str:
    return f"files/{source.lstrip('.')}.md"


def linked_sources() -> set[str]:
    """Files and folders outside of docs/ that pages link to, and that are no pages."""
    pages = [*PAGES, *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]
    links = {
        repository_path(page, match[2])
        for page in pages
        for match in _LINK.finditer(page_of(ROOT / page))
    } - {None}
    return {
        target
        for target in links
        if target and not target.startswith("docs/") and target not in PAGES
    }


def source_page(source: str) -> str:
    """A file as it stands, or the names in a folder."""
    path = ROOT / source
    if path.is_dir():
        return f"# {source}\n\n" + "\n".join(
            f"- `{file.name}`" for file in sorted(path.iterdir()) if file.is_file()
        )
    language = {".py": "python", ".toml": "toml", ".md": "markdown"}.get(path.suffix, "text")
    return f"# {source}\n\n````{language}\n{path.read_text(encoding='utf-8')}\n````\n"


def page_of(path: Path) -> str:
    """A file as Markdown; a notebook by its cells."""
    text = path.read_text(encoding="utf-8")
    return "\n\n".join(cell_texts(text)) if path.suffix == ".ipynb" else text


def cell_texts(notebook: str) -> Iterator[str]:
    """Each cell of a notebook as Markdown, with what it printed and drew."""
    for cell in json.loads(notebook)["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield text
            continue
        yield f"```python\n{text}\n```"
        for output in cell["outputs"]:
            if "text" in output:
                yield f"```text\n{''.join(output['text']).rstrip()}\n```"
            elif picture := output.get("data", {}).get("image/png"):
                yield (
                    '<img alt="What the cell draws" '
                    f'src="data:image/png;base64,{"".join(picture).strip()}">'
                )


def grouped_commands() -> dict[str, list[str]]:
    """Names of commands by group, as `brokenvideos --help` lists them."""
    groups: dict[str, list[str]] = {}
    for name, command in program().commands.items():
        groups.setdefault(command.rich_help_panel, []).append(name)
    return groups


def program() -> Any:
    """The command line, as click sees it."""
    from typer.main import get_command

    from brokenvideos.tools.commands.main import app

    return get_command(app)


def command_page(name: str) -> str:
    """What `brokenvideos NAME --help` says."""
    from typer import Context

    command = program().commands[name]
    context = Context(command, info_name=f"brokenvideos {name}")
    parts = [f"# brokenvideos {name}", escaped(command.help)]
    parts.append(f"```console\n$ {command.epilog.removeprefix('Example: ')}\n```")
    parts.append(f"```text\n{command.get_usage(context)}\n```")
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        records = [
            param.get_help_record(context)
            for param in command.params
            if param.param_type_name == kind
        ]
        rows = [
            f"| `{names.strip()}` | {escaped(text).replace('|', '&#124;')} |"
            for names, text in filter(None, records)
        ]
        if rows:
            parts.append("\n".join([f"## {title}", "", "| | |", "|---|---|", *rows]))
    parts.append("Exit statuses and what `--json` prints: [The command line](../command-line.md).")
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    """A text in which only `code` is Markdown."""
    parts = text.replace("\n\n", "\0").split("`")
    plain = [
        re.sub(r"([\\*_\[\]<>#])", r"\\\1", part) if number % 2 == 0 else part
        for number, part in enumerate(parts)
    ]
    return "`".join(plain).replace("\0", "\n\n")


def room_page(room: str) -> str:
    """A room's docstring and its public names: functions, classes, constants. Those of the front
    door are described there.
    """
    names = [name for name in import_module(room).__all__ if not name.startswith("__")]
    head = (
        ROOMS[room]
        or f"::: {room}\n    options:\n      members: []\n      show_root_heading: false\n"
    )
    at_the_door = (
        [] if room == DOOR else [name for name in names if name in import_module(DOOR).__all__]
    )
    if at_the_door:
        linked = ", ".join(f"[`{name}`][{defined_at(room, name)}]" for name in at_the_door)
        head += f"\n\nAlso here, described where most programs import them: {linked}."
    described = sorted(
        (name for name in names if name not in at_the_door),
        key=lambda name: (name.isupper(), name[0].isupper()),
    )
    return "\n\n".join(
        [f"# {room}", head, *(f"::: {defined_at(room, name)}" for name in described)]
    )


def defined_at(room: str, name: str) -> str:
    """The dotted place of a public name: where a file of the room has the same name, the one inside
    that file.
    """
    homes = [
        inner
        for inner, names in getattr(import_module(room), "_ROOMS", {}).items()
        if name in names
    ]
    if homes:
        return defined_at(f"{room}.{homes[0]}", name)
    is_file = (ROOT / "/".join(room.split(".")[1:]) / f"{name}.py").exists()
    return f"{room}.{name}.{name}" if is_file else f"{room}.{name}"
