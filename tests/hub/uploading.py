"""Endpoints by which files arrive: how each is to be sent, large ones by LFS, and the commit."""

import base64
import hashlib
import json
from math import ceil
from pathlib import PurePosixPath
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub.discussions import open_discussion
from tests.hub.refusal import Refusal
from tests.hub.repository import File, Repository, lfs_file
from tests.hub.state import State

LARGE_BYTES = 10 * 2**20
"""A larger file is stored as a large file, whatever .gitattributes says."""


async def preupload(
    state: State, request: Request, kind: str, repo_id: str, revision: str
) -> Response:
    """For every file: "lfs" or "regular", and what is there now, so that the client leaves
    unchanged files out.
    """
    to_pull_request = request.query_params.get("create_pr") == "1"
    repository, _ = state.writable(request, kind, repo_id, to_pull_request=to_pull_request)
    head = repository.commit_of(revision)
    attributes = (
        state.content(head.files[".gitattributes"]).decode()
        if ".gitattributes" in head.files
        else ""
    )
    answers = []
    for file in json.loads(await request.body())["files"]:
        path, there = file["path"], head.files.get(file["path"])
        large = (
            repository.is_lfs(head, path, attributes)
            or file["size"] > LARGE_BYTES
            or b"\0" in base64.b64decode(file["sample"])  # binary: git takes text only
        )
        answer = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
        if there is not None:
            answer["oid"] = there.etag
        answers.append(answer)
    return JSONResponse({"files": answers, "commitOid": head.oid})


async def commit(
    state: State, request: Request, kind: str, repo_id: str, revision: str
) -> Response:
    """All operations or none."""
    to_pull_request = request.query_params.get("create_pr") == "1"
    repository, user = state.writable(request, kind, repo_id, to_pull_request=to_pull_request)
    lines = [json.loads(line) for line in (await request.body()).splitlines()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    head = repository.commit_of(revision)
    if header.get("parentCommit") not in (None, head.oid):
        raise Refusal(412, "A commit has happened since. Please refresh and try again.")
    files = dict(head.files)
    for line in lines:
        if line["key"] != "header":
            _apply(state, repository, files, line["key"], line["value"])
    if to_pull_request:
        discussion = open_discussion(
            repository, header["summary"], user.name, base=repository.branch_of(revision)
        )
        ref = f"refs/pr/{discussion.number}"
    else:
        discussion, ref = None, repository.branch_of(revision)
    made = repository.add_commit(
        ref,
        files,
        title=header["summary"],
        message=header["description"],
        author=user.name,
        parents=(head.oid,),
    )
    web = f"{state.url}/{repository.url_path}"
    answer = {
        "success": True,
        "commitOid": made.oid,
        "commitUrl": f"{web}/commit/{made.oid}",
        "hookOutput": "",
    }
    if discussion is not None:
        answer["pullRequestUrl"] = f"{web}/discussions/{discussion.number}"
    return JSONResponse(answer)


def _apply(
    state: State, repository: Repository, files: dict[str, File], key: str, value: dict[str, Any]
) -> None:
    path = value["path"]
    if key == "file":
        if value["encoding"] != "base64":
            raise Refusal(400, f"encoding {value['encoding']!r}: wanted base64")
        files[path] = state.regular(base64.b64decode(value["content"], validate=True))
    elif key == "lfsFile":
        if not _arrived(state, value["oid"]):
            raise Refusal(400, f"{path}: the file with oid {value['oid']} was not uploaded")
        files[path] = lfs_file(value["oid"], state.store.path(value["oid"]).stat().st_size)
    elif key == "deletedFile":
        if path not in files:
            raise Refusal(404, f"A file with this name doesn't exist: {path}", code="EntryNotFound")
        del files[path]
    elif key == "deletedFolder":
        inside = [name for name in files if PurePosixPath(path) in PurePosixPath(name).parents]
        if not inside:
            raise Refusal(
                404, f"A folder with this name doesn't exist: {path}", code="EntryNotFound"
            )
        for name in inside:
            del files[name]
    else:
        raise Refusal(400, f"unknown operation {key!r}")


def _arrived(state: State, sha256: str) -> bool:
    """Whether the bytes are there; those that came as Xet chunks are put together and their SHA-256
    is compared.
    """
    if sha256 in state.store:
        return True
    if sha256 not in state.xet_hashes:
        return False
    partial = state.store.folder / f"{sha256}.partial"
    with partial.open("wb") as file:
        for chunk in state.xorbs.rebuild(state.xet_files[state.xet_hashes[sha256]]):
            file.write(chunk)
    return state.store.adopt(partial, sha256)


# --- LFS: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md --------------------------


async def lfs_batch(state: State, request: Request, kind: str, repo_id: str) -> Response:
    repository, _ = state.writable(request, kind, repo_id, to_pull_request=True)
    answers = []
    for wanted in json.loads(await request.body())["objects"]:
        answer = {"oid": wanted["oid"], "size": wanted["size"]}
        if not _arrived(state, wanted["oid"]):
            answer["actions"] = _upload_actions(state, repository, wanted["oid"], wanted["size"])
        answers.append(answer)
    return JSONResponse({"transfer": "basic", "objects": answers})


def _upload_actions(state: State, repository: Repository, sha256: str, size: int) -> dict[str, Any]:
    verify = {"href": f"{state.url}/{repository.url_path}.git/info/lfs/verify"}
    if size <= state.multipart_bytes:
        return {"upload": {"href": state.sign(f"/storage/upload/{sha256}")}, "verify": verify}
    parts = {
        str(number): state.sign(f"/storage/part/{sha256}/{number}")
        for number in range(1, ceil(size / state.multipart_bytes) + 1)
    }
    complete = f"{state.url}/api/lfs-complete/{sha256}"
    return {
        "upload": {"href": complete, "header": {"chunk_size": str(state.multipart_bytes), **parts}},
        "verify": verify,
    }


async def lfs_put(state: State, request: Request, sha256: str) -> Response:
    state.check_signature(request)
    await _receive(state, request, f"{sha256}.partial")
    if not state.store.adopt(state.store.folder / f"{sha256}.partial", sha256):
        raise Refusal(400, "BadDigest: the bytes are not those of the oid")
    return Response()


async def lfs_part(state: State, request: Request, sha256: str, number: str) -> Response:
    state.check_signature(request)
    return Response(headers={"ETag": await _receive(state, request, f"{sha256}.part{number}")})


async def lfs_complete(state: State, request: Request, sha256: str) -> Response:
    partial = state.store.folder / f"{sha256}.partial"
    with partial.open("wb") as whole:
        for part in json.loads(await request.body())["parts"]:
            file = state.store.folder / f"{sha256}.part{part['partNumber']}"
            content = file.read_bytes()
            if hashlib.md5(content).hexdigest() != part["etag"].strip('"'):
                raise Refusal(400, f"InvalidPart: {part['partNumber']}")
            whole.write(content)
            file.unlink()
    if not state.store.adopt(partial, sha256):
        raise Refusal(400, "BadDigest: the bytes are not those of the oid")
    return JSONResponse({})


async def lfs_verify(state: State, request: Request, kind: str, repo_id: str) -> Response:
    body = json.loads(await request.body())
    if (
        body["oid"] not in state.store
        or state.store.path(body["oid"]).stat().st_size != body["size"]
    ):
        raise Refusal(404, "Object does not exist")
    return Response()


async def _receive(state: State, request: Request, name: str) -> str:
    """Writes a body to a file; its MD5 as an ETag."""
    digest = hashlib.md5()
    with (state.store.folder / name).open("wb") as file:
        async for chunk in request.stream():
            digest.update(chunk)
            file.write(chunk)
    return f'"{digest.hexdigest()}"'
