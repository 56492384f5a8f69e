"""Endpoints about pull requests and discussions."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub.answers import when
from tests.hub.refusal import Refusal
from tests.hub.repository import PullRequest, Repository
from tests.hub.state import State


def open_discussion(
    repository: Repository, title: str, author: str, *, base: str | None
) -> PullRequest:
    """A new pull request that asks to change `base`, a discussion without; numbered from 1
    together.
    """
    number = len(repository.discussions) + 1
    oid = None if base is None else repository.refs[base]
    discussion = PullRequest(number, title, author, base, oid)
    repository.discussions[number] = discussion
    return discussion


async def add(state: State, request: Request, kind: str, repo_id: str) -> Response:
    repository, user = state.writable(request, kind, repo_id, to_pull_request=True)
    body = json.loads(await request.body())
    base = "refs/heads/main" if body.get("pullRequest") else None
    discussion = open_discussion(repository, body["title"], user.name, base=base)
    if discussion.base_oid is not None:
        repository.refs[f"refs/pr/{discussion.number}"] = discussion.base_oid
    return JSONResponse({"num": discussion.number})


async def details(state: State, request: Request, kind: str, repo_id: str, number: str) -> Response:
    repository = state.readable(request, kind, repo_id)
    return JSONResponse(_details(repository, _find(repository, number)))


async def merge(state: State, request: Request, kind: str, repo_id: str, number: str) -> Response:
    """Puts the pull request's tree on its branch; one whose branch has moved since is refused."""
    repository, user = state.writable(request, kind, repo_id)
    discussion = _find(repository, number)
    if discussion.base is None or discussion.status != "open":
        raise Refusal(400, "Only an open pull request can be merged")
    if repository.refs[discussion.base] != discussion.base_oid:
        raise Refusal(409, "The pull request conflicts with its branch")
    source = repository.head(f"refs/pr/{number}")
    parents = (repository.refs[discussion.base], source.oid)
    title = f"{discussion.title} (#{number})"
    repository.add_commit(
        discussion.base, source.files, title=title, author=user.name, parents=parents
    )
    discussion.status = "merged"
    return JSONResponse({})


async def change_status(
    state: State, request: Request, kind: str, repo_id: str, number: str
) -> Response:
    repository, user = state.writable(request, kind, repo_id)
    discussion = _find(repository, number)
    discussion.status = json.loads(await request.body())["status"]
    event = {
        "id": "1",
        "type": "status-change",
        "createdAt": when(0),
        "author": {"name": user.name},
    }
    return JSONResponse({"newStatus": {**event, "data": {"status": discussion.status}}})


def _find(repository: Repository, number: str) -> PullRequest:
    if int(number) not in repository.discussions:
        raise Refusal(404, f"No discussion {number}")
    return repository.discussions[int(number)]


def _details(repository: Repository, discussion: PullRequest) -> dict[str, Any]:
    found: dict[str, Any] = {
        "num": discussion.number,
        "title": discussion.title,
        "author": {"name": discussion.author},
        "createdAt": when(0),
        "status": discussion.status,
        "repo": {"name": repository.id, "type": repository.kind},
        "isPullRequest": discussion.base is not None,
        "events": [],
    }
    if discussion.base is not None:
        found |= {"changes": {"base": discussion.base}, "filesWithConflicts": [], "diff": ""}
    return found
