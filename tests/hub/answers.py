"""Small pieces of what endpoints read and answer."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub.repository import Commit, File, Repository, pointer, tree_oids
from tests.hub.state import State


def when(time_s: int) -> str:
    """A time as the Hub writes it."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def form_or_json(request: Request) -> dict[str, list[str]]:
    """A body of either kind, every value a list."""
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        import json

        return {
            key: value if isinstance(value, list) else [str(value)]
            for key, value in json.loads(body).items()
        }
    return parse_qs(body.decode())


def flag(text: str | None) -> bool:
    return (text or "").lower() in ("true", "1")


def file_entry(state: State, path: str, file: File) -> dict[str, Any]:
    """A file as /tree and /paths-info list it (RepoFile.__init__ reads it, hf_api.py)."""
    entry: dict[str, Any] = {"type": "file", "oid": file.blob_id, "size": file.size, "path": path}
    if file.lfs:
        size = len(pointer(file.sha256, file.size))
        entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": size}
        if file.sha256 in state.xet_hashes:
            entry["xetHash"] = state.xet_hashes[file.sha256]
    return entry


def entries(
    state: State, repository: Repository, commit: Commit, *, folder: str, recursive: bool
) -> list[dict[str, Any]]:
    """What lies in a folder, folders too."""
    inside = f"{folder}/" if folder else ""
    found = {}
    for path, oid in tree_oids(commit.files).items():
        if path.startswith(inside) and path and path != folder:
            found[path] = {"type": "directory", "oid": oid, "size": 0, "path": path}
    for path, file in commit.files.items():
        if path.startswith(inside):
            found[path] = file_entry(state, path, file)
    return [found[path] for path in sorted(found) if recursive or "/" not in path[len(inside) :]]


def expanded(repository: Repository, commit: Commit, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with the commit that changed it last."""
    last = repository.last_change(commit, entry["path"])
    return {**entry, "lastCommit": {"id": last.oid, "title": last.title, "date": when(last.time_s)}}


def page(state: State, request: Request, found: list[dict[str, Any]]) -> Response:
    """One page of a listing; `Link` names the next (paginate, utils/_pagination.py)."""
    start = int(request.query_params.get("cursor", 0))
    headers = {}
    if start + state.page_size < len(found):
        url = request.url.include_query_params(cursor=start + state.page_size)
        headers["Link"] = f'<{url}>; rel="next"'
    return JSONResponse(found[start : start + state.page_size], headers=headers)


def words(*parts: str) -> tuple[str, ...]:
    """Parts of a path as they were before quoting."""
    return tuple(unquote(part) for part in parts)
