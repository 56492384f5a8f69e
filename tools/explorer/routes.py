"""The addresses of the page, and the form of answers and errors. `Service` does the work."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..page import (
    MODULES,
    FrameRequestError,
    SupersededError,
    error_answer,
    file_answer,
    frame_answer,
    frame_request,
)
from .service import Service, listed_json
from .video import ExploreError

PAGE = Path(__file__).parent / "page"
Answer = Callable[[Service, Request], Awaitable[Response]]


def application(service: Service) -> Starlette:
    """The server's application, without its guard."""

    def http(path: str, answer: Answer, method: str = "GET") -> BaseRoute:
        async def endpoint(request: Request) -> Response:
            return await _answered(answer, service, request)

        return Route(path, endpoint, methods=[method])

    return Starlette(
        routes=[
            http("/", _index),
            http("/page/{name:str}", _page_file),
            http("/shared/{name:str}", _shared_file),
            http("/api/list", _list),
            http("/api/measured", _measured),
            http("/api/measure", _measure, "POST"),
            http("/api/video/{video_id:str}", _video),
            http("/api/video/{video_id:str}/other/{number:int}", _other),
            http("/api/video/{video_id:str}/verify", _verify, "POST"),
            http("/poster/{video_id:str}", _poster),
            http("/frame/{video_id:str}/{name:str}", _frame),
        ]
    )


async def _index(service: Service, request: Request) -> Response:
    return file_answer(PAGE, "index.html")


async def _page_file(service: Service, request: Request) -> Response:
    return file_answer(PAGE, request.path_params["name"])


async def _shared_file(service: Service, request: Request) -> Response:
    return file_answer(MODULES, request.path_params["name"])


async def _list(service: Service, request: Request) -> Response:
    return JSONResponse(listed_json(service.source, service.others))


async def _measured(service: Service, request: Request) -> Response:
    first = request.query_params.get("from", "0")
    if not re.fullmatch("[0-9]{1,9}", first):
        return error_answer(400, "bad-request", f"from is {first!r}, wanted a whole number")
    return JSONResponse(service.measured(int(first)))


async def _measure(service: Service, request: Request) -> Response:
    service.measuring.start()
    return JSONResponse({})


async def _video(service: Service, request: Request) -> Response:
    return JSONResponse(await service.video(request.path_params["video_id"]))


async def _other(service: Service, request: Request) -> Response:
    return JSONResponse(
        await service.compared(request.path_params["video_id"], request.path_params["number"])
    )


async def _verify(service: Service, request: Request) -> Response:
    return JSONResponse({"findings": await service.verify(request.path_params["video_id"])})


async def _poster(service: Service, request: Request) -> Response:
    video_id = service.known(request.path_params["video_id"].removesuffix(".jpg"))
    content = await service.posters.get(video_id, request.is_disconnected)
    return Response(
        content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"}
    )


async def _frame(service: Service, request: Request) -> Response:
    asked = frame_request(request.path_params["name"], request.query_params)
    page = request.query_params.get("page", "")
    content, pts, time_s = await service.frame(request.path_params["video_id"], page, asked)
    return frame_answer(content, asked, pts=pts, time_s=time_s, is_named=False)


async def _answered(answer: Answer, service: Service, request: Request) -> Response:
    """The answer, or the error as a sentence for the person."""
    try:
        return await answer(service, request)
    except FrameRequestError as error:
        return error.answer()
    except SupersededError:
        return error_answer(409, "superseded", "a newer frame was asked for")
    except ExploreError as error:
        return error_answer(404, "not-found", str(error))
    except (ValueError, OSError) as error:
        return error_answer(422, "video", str(error))
