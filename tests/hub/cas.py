"""Endpoints of the Xet store: what hf_xet itself calls, after it was given a token."""

import time

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from tests.hub.refusal import Refusal
from tests.hub.state import State
from tests.hub.xet import read_shard, reconstruction, with_footer

TOKEN = "xet-token-of-the-double"
LIFETIME_S = 3600


async def token(
    state: State, request: Request, kind: str, repo_id: str, right: str, revision: str
) -> Response:
    """Where the store is, and the right to read or to write it: in headers for Python, in the body
    for hf_xet.
    """
    if right == "write":
        to_pull_request = request.query_params.get("create_pr") == "1"
        repository, _ = state.writable(request, kind, repo_id, to_pull_request=to_pull_request)
        if not to_pull_request:
            repository.branch_of(revision)
    else:
        state.readable(request, kind, repo_id, files=True).commit_of(revision)
    url, expires = f"{state.storage_url}/cas", int(time.time()) + LIFETIME_S
    headers = {
        "X-Xet-Cas-Url": url,
        "X-Xet-Access-Token": f"{TOKEN}-{right}",
        "X-Xet-Token-Expiration": str(expires),
    }
    return JSONResponse(
        {"casUrl": url, "accessToken": f"{TOKEN}-{right}", "exp": expires}, headers=headers
    )


def _check_token(request: Request, *rights: str) -> None:
    if request.headers.get("authorization") not in [f"Bearer {TOKEN}-{right}" for right in rights]:
        raise Refusal(401, "this Xet token does not give the right")


async def not_offered(state: State, request: Request, hash: str = "") -> Response:
    """Newer ways to register and to read, which hf_xet tries first and does without where they are
    not offered.
    """
    raise Refusal(404, "not offered here")


async def grant(state: State, request: Request, hash: str) -> Response:
    """Where a xorb may be put; 200 where it is there already."""
    _check_token(request, "write")
    await request.body()  # length and checksum
    if hash in state.xorbs.chunks:
        return JSONResponse({})
    place = {
        "id": hash,
        "method": "PUT",
        "url": state.sign(f"/storage/new-xorb/{hash}"),
        "headers": {},
    }
    return JSONResponse(place, 201)


async def put_xorb(state: State, request: Request, hash: str) -> Response:
    state.check_signature(request)
    state.granted_xorbs[hash] = await request.body()
    return Response()


async def commit_xorb(state: State, request: Request, hash: str) -> Response:
    """Takes what was put there; 404 where nothing was."""
    _check_token(request, "write")
    if hash not in state.granted_xorbs:
        raise Refusal(404, "nothing was uploaded")
    return _keep(state, hash, state.granted_xorbs.pop(hash))


async def add_xorb(state: State, request: Request, hash: str) -> Response:
    """The older way, in one request."""
    _check_token(request, "write")
    return _keep(state, hash, await request.body())


def _keep(state: State, hash: str, content: bytes) -> Response:
    known = hash in state.xorbs.chunks
    try:
        state.xorbs.put(hash, content)
    except ValueError as error:
        raise Refusal(400, f"xorb {hash}: {error}") from None
    return JSONResponse({"was_inserted": not known})


async def add_shard(state: State, request: Request) -> Response:
    """Files become known when their shard arrives, all of whose xorbs came before."""
    _check_token(request, "write")
    content = await request.body()
    shard = read_shard(content)
    missing = {term.xorb for file in shard.files for term in file.terms} - state.xorbs.chunks.keys()
    if missing:
        raise Refusal(400, f"xorbs {sorted(missing)} were not uploaded")
    for file in shard.files:
        state.xet_files[file.hash] = file
        if file.sha256 is not None:
            state.xet_hashes[file.sha256] = file.hash
    for chunk in shard.eligible_chunks:
        state.shards_by_chunk[chunk] = content
    return JSONResponse({"result": 1})


async def find_chunk(state: State, request: Request, hash: str) -> Response:
    """The shard by which a client learns that a chunk, and those around it, need not be sent."""
    _check_token(request, "write", "read")
    if hash not in state.shards_by_chunk:
        raise Refusal(404, "no such chunk")
    return Response(with_footer(state.shards_by_chunk[hash]), media_type="application/octet-stream")


async def reconstruct(state: State, request: Request, hash: str) -> Response:
    _check_token(request, "read", "write")
    if hash not in state.xet_files:
        raise Refusal(404, "no such file")
    span = None
    if asked := request.headers.get("range"):
        first, _, last = asked.removeprefix("bytes=").partition("-")
        span = (int(first), int(last) + 1 if last else 2**62)
    answer = reconstruction(
        state.xorbs, state.xet_files[hash], url=f"{state.storage_url}/storage/xorb", span=span
    )
    if answer is None:
        raise Refusal(416, "the file ends before this range")
    for places in answer["fetch_info"].values():
        for place in places:
            place["url"] = state.sign(place["url"].removeprefix(state.storage_url))
    return JSONResponse(answer)


async def xorb_bytes(state: State, request: Request, hash: str) -> Response:
    state.check_signature(request)
    return FileResponse(state.xorbs.path(hash), media_type="application/octet-stream")
