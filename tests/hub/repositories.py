"""Endpoints about a repository: making, describing and listing it, its branches and tags."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub.answers import entries, expanded, flag, form_or_json, page, when
from tests.hub.refusal import Refusal
from tests.hub.repository import Repository, pointer
from tests.hub.state import State


async def create(state: State, request: Request) -> Response:
    user, body = state.user_of(request), json.loads(await request.body())
    if user is None:
        raise Refusal(401, "Invalid username or password.")
    kind, owner = body.get("type", "model"), body.get("organization") or user.name
    repo_id = f"{owner}/{body['name']}"
    if not user.may_write or owner not in (user.name, *user.organizations):
        raise Refusal(
            403, f'You don\'t have the rights to create a {kind} under the namespace "{owner}"'
        )
    url = {"url": f"{state.url}/{Repository(kind, repo_id).url_path}"}
    if (kind, repo_id) in state.repositories:
        message = f"You already created this {kind} repo"
        return JSONResponse({"error": message, **url}, 409, headers={"X-Error-Message": message})
    private = body.get("visibility") == "private" or body.get("private") is True
    state.create(repo_id, kind, private=private)
    return JSONResponse({**url, "name": repo_id, "id": repo_id})


async def delete(state: State, request: Request) -> Response:
    body = json.loads(await request.body())
    user = state.user_of(request)
    owner = body.get("organization") or (user.name if user else "")
    kind, repo_id = body.get("type", "model"), f"{owner}/{body['name']}"
    state.writable(request, kind, repo_id)
    del state.repositories[kind, repo_id]
    return Response()


async def settings(state: State, request: Request, kind: str, repo_id: str) -> Response:
    repository, _ = state.writable(request, kind, repo_id)
    body = json.loads(await request.body())
    repository.gated = body.get("gated", repository.gated)
    if "visibility" in body:
        repository.private = body["visibility"] == "private"
    return JSONResponse({"private": repository.private, "gated": repository.gated})


async def whoami(state: State, request: Request) -> Response:
    user = state.user_of(request)
    if user is None:
        raise Refusal(401, "Invalid username or password.")
    role = {
        "accessToken": {"displayName": "token", "role": "write" if user.may_write else "read"},
        "type": "access_token",
    }
    organizations = [{"type": "org", "name": name, "fullname": name} for name in user.organizations]
    return JSONResponse(
        {
            "type": "user",
            "name": user.name,
            "fullname": user.name,
            "orgs": organizations,
            "auth": role,
        }
    )


async def validate_yaml(state: State, request: Request) -> Response:
    """The front matter must be there and be a mapping: the real rules about its keys are the
    server's own.
    """
    import yaml

    content = json.loads(await request.body())["content"]
    parts = content.split("---\n", 2)
    if len(parts) < 3 or parts[0]:
        return JSONResponse(
            {"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]}
        )
    try:
        parsed = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    errors = [] if isinstance(parsed, dict) else [{"message": "metadata is no mapping"}]
    return JSONResponse({"errors": errors, "warnings": []}, 400 if errors else 200)


async def auth_check(
    state: State, request: Request, kind: str, repo_id: str, write: str
) -> Response:
    if write:
        state.writable(request, kind, repo_id)
    else:
        state.readable(request, kind, repo_id, files=True)
    return Response()


async def info(
    state: State, request: Request, kind: str, repo_id: str, revision: str = "main"
) -> Response:
    repository = state.readable(request, kind, repo_id)
    commit = repository.commit_of(revision)
    siblings = []
    for path, file in commit.files.items():
        sibling = {"rfilename": path}
        if flag(request.query_params.get("blobs")):
            sibling |= {"size": file.size, "blobId": file.blob_id}
            if file.lfs:
                size = len(pointer(file.sha256, file.size))
                sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": size}
        siblings.append(sibling)
    return JSONResponse(
        {
            "_id": "0" * 24,
            "id": repository.id,
            "author": repository.owner,
            "sha": commit.oid,
            "private": repository.private,
            "gated": repository.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "createdAt": when(repository.history(commit)[-1].time_s),
            "lastModified": when(commit.time_s),
            "usedStorage": sum(file.size for file in commit.files.values()),
            "siblings": siblings,
        }
    )


async def tree(
    state: State, request: Request, kind: str, repo_id: str, revision: str, folder: str = ""
) -> Response:
    repository = state.readable(request, kind, repo_id)
    commit = repository.commit_of(revision)
    found = entries(
        state,
        repository,
        commit,
        folder=folder,
        recursive=flag(request.query_params.get("recursive")),
    )
    if folder and not found:
        raise Refusal(404, f"{folder} does not exist on {revision}", code="EntryNotFound")
    if flag(request.query_params.get("expand")):
        found = [expanded(repository, commit, entry) for entry in found]
    return page(state, request, found)


async def paths_info(
    state: State, request: Request, kind: str, repo_id: str, revision: str
) -> Response:
    """Files and folders by path; a path that does not exist is left out."""
    repository = state.readable(request, kind, repo_id)
    commit, body = repository.commit_of(revision), await form_or_json(request)
    everything = {
        entry["path"]: entry
        for entry in entries(state, repository, commit, folder="", recursive=True)
    }
    found = [everything[path.strip("/")] for path in body["paths"] if path.strip("/") in everything]
    if flag(body.get("expand", [""])[0]):
        found = [expanded(repository, commit, entry) for entry in found]
    return JSONResponse(found)


async def refs(state: State, request: Request, kind: str, repo_id: str) -> Response:
    repository = state.readable(request, kind, repo_id)

    def listed(prefix: str) -> list[dict[str, str]]:
        return [
            {"name": name.removeprefix(prefix), "ref": name, "targetCommit": oid}
            for name, oid in sorted(repository.refs.items())
            if name.startswith(prefix)
        ]

    found = {
        "branches": listed("refs/heads/"),
        "tags": listed("refs/tags/"),
        "converts": listed("refs/convert/"),
    }
    if flag(request.query_params.get("include_prs")):
        found["pullRequests"] = listed("refs/pr/")
    return JSONResponse(found)


async def commits(
    state: State, request: Request, kind: str, repo_id: str, revision: str
) -> Response:
    repository = state.readable(request, kind, repo_id)
    found = [
        {
            "id": commit.oid,
            "authors": [{"user": commit.author}],
            "date": when(commit.time_s),
            "title": commit.title,
            "message": commit.message,
        }
        for commit in repository.history(repository.commit_of(revision))
    ]
    return page(state, request, found)


async def add_branch(
    state: State, request: Request, kind: str, repo_id: str, branch: str
) -> Response:
    repository, _ = state.writable(request, kind, repo_id)
    start = json.loads(await request.body() or b"{}").get("startingPoint", "main")
    return _add_ref(repository, f"refs/heads/{branch}", repository.commit_of(start).oid)


async def add_tag(
    state: State, request: Request, kind: str, repo_id: str, revision: str
) -> Response:
    repository, _ = state.writable(request, kind, repo_id)
    tag = json.loads(await request.body())["tag"]
    return _add_ref(repository, f"refs/tags/{tag}", repository.commit_of(revision).oid)


def _add_ref(repository: Repository, ref: str, oid: str) -> Response:
    if ref in repository.refs:
        raise Refusal(409, f"Reference {ref} already exists")
    repository.refs[ref] = oid
    return JSONResponse({"ref": ref})


async def delete_branch(
    state: State, request: Request, kind: str, repo_id: str, branch: str
) -> Response:
    return _delete_ref(state, request, kind, repo_id, f"refs/heads/{branch}")


async def delete_tag(state: State, request: Request, kind: str, repo_id: str, tag: str) -> Response:
    return _delete_ref(state, request, kind, repo_id, f"refs/tags/{tag}")


def _delete_ref(state: State, request: Request, kind: str, repo_id: str, ref: str) -> Response:
    repository, _ = state.writable(request, kind, repo_id)
    if ref not in repository.refs or ref == "refs/heads/main":
        raise Refusal(404, f"Invalid ref: {ref}", code="RevisionNotFound")
    del repository.refs[ref]
    return Response()


async def super_squash(
    state: State, request: Request, kind: str, repo_id: str, branch: str
) -> Response:
    """Makes the branch one commit without parents (HfApi.super_squash_history); commits that no ref
    reaches are gone.
    """
    repository, user = state.writable(request, kind, repo_id)
    ref, title = repository.branch_of(branch), json.loads(await request.body())["message"]
    repository.add_commit(
        ref, repository.head(ref).files, title=title, author=user.name, parents=()
    )
    reached = {
        c.oid
        for oid in repository.refs.values()
        for c in repository.history(repository.commits[oid])
    }
    for oid in repository.commits.keys() - reached:
        del repository.commits[oid]
    return Response()


async def lfs_files(state: State, request: Request, kind: str, repo_id: str) -> Response:
    """Large files that any commit holds (HfApi.list_lfs_files)."""
    repository, _ = state.writable(request, kind, repo_id)
    found = {}
    for commit in repository.commits.values():
        for path, file in commit.files.items():
            if file.lfs and file.sha256 in state.store:
                found[file.sha256] = {
                    "fileOid": file.sha256,
                    "filename": path,
                    "oid": file.sha256,
                    "pushedAt": when(commit.time_s),
                    "ref": "main",
                    "size": file.size,
                }
    return page(state, request, list(found.values()))


async def delete_lfs_files(state: State, request: Request, kind: str, repo_id: str) -> Response:
    """Takes the bytes of large files away; history is not rewritten here, so that later reads of
    them answer 404.
    """
    state.writable(request, kind, repo_id)
    for sha256 in json.loads(await request.body())["deletions"]["sha"]:
        state.store.path(sha256).unlink(missing_ok=True)
        state.xet_files.pop(state.xet_hashes.pop(sha256, ""), None)
    return JSONResponse({})
