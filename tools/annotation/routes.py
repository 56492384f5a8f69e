"""The HTTP routes of the page: requests become calls of `Service`, results and errors become
answers.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ...frames import VideoError
from ...masks import ARTIFACT_TYPES
from ...release import __version__, parse_json
from ..page import (
    FrameRequestError,
    SupersededError,
    error_answer,
    file_answer,
    frame_answer,
    frame_request,
)
from .actions import BadRequestError, number
from .desk import BusyError, FullDiskError, StaleError, VideoTroubleError
from .engines import EngineError
from .history import history_of
from .service import Service
from .sessions import HeldError, NoSessionError, Session, checked_name
from .state import RefusedError

PAGE = Path(__file__).parent / "page"

Answer = Callable[[Service, Request], Awaitable[Response]]


def application(service: Service, *, shared: Path) -> Starlette:
    """The application of the server, without the check of the secret address.

    Args:
        shared: a folder of JavaScript modules that the page imports from ../shared/.
    """

    def http(path: str, answer: Answer, method: str) -> BaseRoute:
        async def endpoint(request: Request) -> Response:
            return await _answered(answer, service, request)

        return Route(path, endpoint, methods=[method])

    async def live(socket: WebSocket) -> None:
        await _live(service, socket)

    async def page_file(service: Service, request: Request) -> Response:
        return file_answer(PAGE, request.path_params["name"])

    async def shared_file(service: Service, request: Request) -> Response:
        return file_answer(shared, request.path_params["name"])

    routes = [
        http("/", _index, "GET"),
        http("/page/{name:str}", page_file, "GET"),
        http("/shared/{name:str}", shared_file, "GET"),
        http("/api/hello", _hello, "POST"),
        http("/api/project", _project, "GET"),
        http("/api/next", _next, "GET"),
        http("/api/video/{video_id:str}", _video, "GET"),
        http("/api/video/{video_id:str}/lock", _lock, "POST"),
        http("/api/video/{video_id:str}/unlock", _unlock, "POST"),
        http("/api/video/{video_id:str}/do", _do, "POST"),
        http("/api/video/{video_id:str}/prepare", _prepare, "POST"),
        http("/api/video/{video_id:str}/stray", _stray, "GET"),
        http("/api/video/{video_id:str}/log", _log, "GET"),
        http("/frame/{video_id:str}/{name:str}", _frame, "GET"),
        WebSocketRoute("/live", live),
    ]
    return Starlette(routes=routes)


# --- Answers --------------------------------------------------------------------------------------


async def _index(service: Service, request: Request) -> Response:
    return file_answer(PAGE, "index.html")


async def _hello(service: Service, request: Request) -> Response:
    session = service.sessions.hello(checked_name((await _body(request)).get("user")))
    return JSONResponse({"session": session.session_id, "user": session.user})


async def _project(service: Service, request: Request) -> Response:
    always = {"user": service.user, "version": __version__, "artifact_types": list(ARTIFACT_TYPES)}
    if "session" not in request.query_params:  # a new page asks for the name to propose
        return JSONResponse(always)
    return JSONResponse({**service.project(_session(service, request)), **always})


async def _next(service: Service, request: Request) -> Response:
    query = request.query_params
    session = _session(service, request)
    result = service.next_video(
        session, after=query.get("after"), for_review=query.get("for") == "review"
    )
    return JSONResponse({"video_id": result})


async def _video(service: Service, request: Request) -> Response:
    return JSONResponse(
        await service.open(_session(service, request), request.path_params["video_id"])
    )


async def _lock(service: Service, request: Request) -> Response:
    body = await _body(request)
    session = service.sessions.get(body.get("session"))
    video_id = request.path_params["video_id"]
    try:
        lock = service.lock(session, video_id, take=body.get("take") is True)
    except HeldError as error:
        lock = service.lock_view(session, service.key(session, video_id))
        return error_answer(409, "locked", str(error), holder=error.holder, lock=lock)
    return JSONResponse({"lock": lock})


async def _unlock(service: Service, request: Request) -> Response:
    body = await _body(request)
    service.unlock(service.sessions.get(body.get("session")), request.path_params["video_id"])
    return JSONResponse({})


async def _prepare(service: Service, request: Request) -> Response:
    body = await _body(request)
    session = service.sessions.get(body.get("session"))
    await service.prepare(session, request.path_params["video_id"], number(body, "frame_index"))
    return JSONResponse({})


async def _do(service: Service, request: Request) -> Response:
    body = await _body(request)
    session = service.sessions.get(body.get("session"))
    return JSONResponse(await service.do(session, request.path_params["video_id"], body))


async def _stray(service: Service, request: Request) -> Response:
    result = await service.stray(
        _session(service, request),
        request.path_params["video_id"],
        _query_number(request, "object_id"),
        _query_number(request, "frame_index"),
        _query_number(request, "max_area"),
    )
    return JSONResponse(
        {
            "stray": result.stray,
            "holes": result.holes,
            "num_stray": result.num_stray,
            "num_holes": result.num_holes,
        }
    )


async def _log(service: Service, request: Request) -> Response:
    key = service.key(_session(service, request), request.path_params["video_id"])
    events = await asyncio.to_thread(service.store.events, key)
    return JSONResponse({"events": history_of(events)})


async def _frame(service: Service, request: Request) -> Response:
    requested = frame_request(request.path_params["name"], request.query_params)
    session, video_id = _session(service, request), request.path_params["video_id"]
    content, pts, time_s = await service.frame(
        session,
        video_id,
        requested.frame_index,
        requested.kind,
        height=requested.height,
        lane=requested.lane,
    )
    return frame_answer(
        content, requested, pts=pts, time_s=time_s, is_named="v" in request.query_params
    )


async def _live(service: Service, socket: WebSocket) -> None:
    try:
        session = service.sessions.get(socket.query_params.get("session"))
    except NoSessionError:
        await socket.accept()
        await socket.close(4401)
        return
    await socket.accept()
    line = service.sessions.connect(session)
    line.put_nowait({"type": "hello", "session": session.session_id})

    async def sending() -> None:
        while True:
            await socket.send_json(await line.get())

    sender = asyncio.create_task(sending())
    try:
        while True:  # the page sends nothing; this raises when the page is closed
            await socket.receive()
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        sender.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sender
        service.sessions.disconnect(session, line)


# --- Requests and errors --------------------------------------------------------------------------


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = parse_json(await request.body())
    except ValueError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(body, Mapping):
        raise BadRequestError("the body is not a JSON object")
    return body


def _session(service: Service, request: Request) -> Session:
    return service.sessions.get(request.query_params.get("session"))


def _query_number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "")
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise BadRequestError(f"{name} is {value!r}, wanted a whole number")
    return int(value)


async def _answered(answer: Answer, service: Service, request: Request) -> Response:
    """The answer, or an error answer with a message for the person."""
    try:
        return await answer(service, request)
    except NoSessionError as error:
        return error_answer(401, "no-session", str(error))
    except FrameRequestError as error:
        return error.answer()
    except BadRequestError as error:
        return error_answer(400, "bad-request", str(error))
    except HeldError as error:
        return error_answer(409, "locked", str(error), holder=error.holder)
    except StaleError as error:
        return error_answer(409, "stale", str(error), revision=error.revision)
    except BusyError as error:
        return error_answer(409, "busy", str(error), job=error.job.view())
    except SupersededError:
        return error_answer(409, "superseded", "a newer frame was asked for")
    except RefusedError as error:
        return _refused(error)
    except EngineError as error:
        return error_answer(422, "engine", str(error))
    except FullDiskError as error:
        return error_answer(507, "disk-full", str(error))
    except (VideoTroubleError, VideoError, ValueError, OSError) as error:
        return error_answer(422, "video", str(error))


def _refused(error: RefusedError) -> Response:
    status = {"not-found": 404, "status": 409, "locked-frame": 409}.get(error.code, 422)
    more: dict[str, Any] = {"frames": error.frames} if error.frames else {}
    if error.code == "locked-frame" and error.frames:
        more["frame_index"] = error.frames[0]
    return error_answer(status, error.code, str(error), **more)
