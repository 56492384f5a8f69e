"""Runs `brokenvideos annotate`: starts a server and stops when it is interrupted."""

import asyncio
import shlex
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ...masks import ARTIFACT_TYPES
from ...release import parse_json
from ..page import (
    MODULES,
    address_of,
    check_host,
    ended_by_signals,
    listen,
    new_token,
    return_freed_memory,
)
from .document import UNKNOWN
from .engines import Engine, make_engine
from .folder import AnnotationFolder, FolderError, Mode, open_folder
from .proposals import Proposals, find_proposals
from .replay import report_of
from .server import only_one, serve, server_of
from .service import Service
from .sessions import checked_name
from .store import Store

MAX_SUBTYPES = 200


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """The options of the command."""

    folder: Path
    out: Path | None = None
    engine: str = "flow"
    checkpoint: str | None = None
    device: str | None = None
    user: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    browser: bool = False
    independent: bool = False
    double_percent: int | None = None
    subtypes: Path | None = None
    proposals: Path | None = None
    generator: str | None = None
    artifact_type: str | None = None


def run_annotate(options: AnnotateOptions, *, say: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted.

    Args:
        say: called with lines for the terminal. The line with the page's address is the last one
            before the page can be opened. At the end, two lines tell where the work is stored and
            which command continues it.

    Raises:
        FolderError, RawError, ServerError, EngineError, EvaluationError, RefusedError: the options
            or the folder are wrong.
    """
    return_freed_memory()
    check_host(options.host, options.token)
    user = None if options.user is None else checked_name(options.user)
    subtypes = {} if options.subtypes is None else read_subtypes(options.subtypes)
    first_engine = _make_engine(options)
    opened = _open(options)
    proposals = None if options.proposals is None else find_proposals(options.proposals)
    with only_one(opened.raw):
        store = Store(opened, generator=options.generator or UNKNOWN, proposals=proposals)
        made = [first_engine]
        service = Service(
            store,
            lambda: made.pop() if made else _make_engine(options),
            engine_name=options.engine,
            engine_facts=first_engine.facts,
            subtypes=subtypes,
            user=user,
        )
        listening = listen(options.host, options.port)
        token = options.token or new_token()
        address = address_of(options.host, listening, token)

        def ready() -> None:
            for notice in (*opened.notices, *_notices_of(proposals, store)):
                say(notice)
            say(
                f"{len(store.video_ids)} videos of {options.folder}; everything is saved in "
                f"{opened.raw}. Ctrl-C ends."
            )
            say(address)
            if options.browser:
                webbrowser.open(address)

        server = server_of(service, listening, host=options.host, token=token, shared=MODULES)
        with listening, ended_by_signals(server):
            asyncio.run(serve(service, server, listening, on_ready=ready))
        for line in _farewell(options, store):
            say(line)


def run_replay(options: AnnotateOptions, *, say: Callable[[str], None]) -> None:
    """Repeats all calls of the engine in the logs, and prints the IoU of its masks with the saved
    ones.

    Raises:
        The errors of `run_annotate`. LogError: a log cannot be read.
    """
    store = Store(open_folder(options.folder, options.out, mode=None))
    for line in report_of(store, lambda: _make_engine(options)):
        say(line)


def read_subtypes(path: Path) -> dict[str, list[str]]:
    """Subtypes by artifact type, from a JSON file.

    Raises:
        FolderError: the file cannot be read, or holds something else.
    """
    try:
        content = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FolderError(
            f"{path}: cannot be read as JSON ({error}); wanted an object of lists of names"
        ) from error
    wanted = (
        f'wanted {{"{ARTIFACT_TYPES[0]}": ["a name", ...], ...}} with the types '
        f"{', '.join(ARTIFACT_TYPES)}"
    )
    if not isinstance(content, Mapping):
        raise FolderError(f"{path}: holds {type(content).__name__}, {wanted}")
    for kind, names in content.items():
        if kind not in ARTIFACT_TYPES or not isinstance(names, list) or len(names) > MAX_SUBTYPES:
            raise FolderError(f"{path}: {kind!r} has {names!r}, {wanted}")
        if not all(isinstance(name, str) and name.strip() and name.isprintable() for name in names):
            raise FolderError(f"{path}: {kind!r} has {names!r}, {wanted}")
    return {kind: list(dict.fromkeys(names)) for kind, names in content.items()}


def command_of(options: AnnotateOptions) -> str:
    """The command line that continues the work. A token of the user's own is secret, so a
    placeholder is shown.
    """
    words = ["brokenvideos", "annotate", str(options.folder)]
    for field in fields(AnnotateOptions):
        value = getattr(options, field.name)
        if field.name in ("folder", "browser") or value == field.default:
            continue
        name = {"double_percent": "double"}.get(field.name, field.name.replace("_", "-"))
        words += (
            [f"--{name}"]
            if value is True
            else [f"--{name}", "TOKEN" if name == "token" else str(value)]
        )
    return shlex.join(words if options.browser else [*words, "--no-browser"])


def _farewell(options: AnnotateOptions, store: Store) -> list[str]:
    begun = [summary.status for summary in store.summaries()]
    counts = f"{begun.count('approved')} approved, {begun.count('submitted')} waiting for review"
    return [
        f"Ended. All work is saved in {store.raw} ({counts if begun else 'no video begun'}).",
        f"Continue with: {command_of(options)}",
    ]


def _open(options: AnnotateOptions) -> AnnotationFolder:
    mode: Mode = "together"
    if options.independent and options.double_percent is not None:
        raise FolderError(
            "--independent and --double: choose one; with --independent everybody annotates every "
            "video"
        )
    if options.independent:
        mode = "independent"
    elif options.double_percent is not None:
        mode = "double"
    return open_folder(
        options.folder,
        options.out,
        mode=mode,
        double_percent=options.double_percent,
        artifact_type=options.artifact_type,
        generator=options.generator,
    )


def _make_engine(options: AnnotateOptions) -> Engine:
    return make_engine(options.engine, checkpoint=options.checkpoint, device=options.device)


def _notices_of(proposals: Proposals | None, store: Store) -> list[str]:
    return [] if proposals is None else proposals.notices(store.video_ids)
