"""Endpoints by which files leave: /resolve on the Hub, and the storage host where it sends the
reader of a large file.
"""

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tests.hub.refusal import Refusal
from tests.hub.state import State


async def resolve(
    state: State, request: Request, kind: str, repo_id: str, revision: str, path: str
) -> Response:
    """A file of a revision: the bytes of a small one, the way to the bytes of a large one."""
    repository = state.readable(request, kind, repo_id, files=True)
    commit = repository.commit_of(revision)
    if path not in commit.files:
        headers = {"X-Repo-Commit": commit.oid}
        raise Refusal(404, f"Entry not found: {path}", code="EntryNotFound", headers=headers)
    file = commit.files[path]
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
    if file.sha256 not in state.store:
        raise Refusal(
            404, f"The bytes of {path} were deleted", code="EntryNotFound", headers=headers
        )
    if not file.lfs:
        return FileResponse(state.store.path(file.sha256), headers=headers, media_type="text/plain")
    headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
    if file.sha256 in state.xet_hashes:
        route = f"{state.url}/api/{kind}s/{repo_id}/xet-read-token/{commit.oid}"
        headers |= {
            "X-Xet-Hash": state.xet_hashes[file.sha256],
            "Link": f'<{route}>; rel="xet-auth"',
        }
    headers["Location"] = state.sign(f"/storage/object/{file.sha256}")
    return Response(status_code=302, headers=headers)


async def storage(state: State, request: Request, sha256: str) -> Response:
    """The bytes of a large file, whole or a range; without the token, which must not leave the
    Hub.
    """
    state.check_signature(request)
    if "authorization" in request.headers:
        raise Refusal(400, "InvalidArgument: the Hub's token was sent to the storage host")
    if sha256 not in state.store:
        raise Refusal(404, "NoSuchKey")
    return FileResponse(
        state.store.path(sha256),
        headers={"ETag": f'"{sha256}"'},
        media_type="application/octet-stream",
    )
