"""Our handlers as Litestar routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple, cast

from litestar import Litestar, Request, Response, route
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import Method

from openrate.web.call import Answer, Call, Handler, Headers


class Route(NamedTuple):
    """A handler at a place. Path parameters are written ``{name}``, as the OpenAPI document writes them."""

    method: Method
    path: str
    handler: Handler


Failed = Callable[[Exception, Call], Answer]
"""Puts an exception into an answer."""


def litestar(routes: Iterable[Route], failed: Failed) -> Litestar:
    """The application behind the front: these routes, and what is answered when something fails on the way there."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        found = failed(error, cast("Call", request.scope["call"]))  # type: ignore[typeddict-item]  # the front's
        headers = dict(_decoded(found.headers))
        return Response(
            found.body, status_code=found.status, headers=headers, media_type=found.content_type.decode()
        )

    return Litestar(
        route_handlers=[_handler(r) for r in routes],
        exception_handlers={Exception: answer, HTTPStatus.INTERNAL_SERVER_ERROR: answer},
        openapi_config=None,
        logging_config=None,
        # The handlers read the body themselves, with limits of their own.
        request_max_body_size=None,
    )


def _handler(place: Route) -> HTTPRouteHandler:
    @route(place.path.replace("}", ":str}"), http_method=place.method, status_code=200)
    async def handler(request: Request[Any, Any, Any]) -> ASGIResponse:
        call = cast("Call", request.scope["call"])  # type: ignore[typeddict-item]  # put there by the front
        call.route = place.path
        answer = await place.handler(call)
        # Not Litestar's Response, which has one header of each name: an answer may set several cookies.
        return ASGIResponse(
            body=answer.body,
            status_code=answer.status,
            headers=_decoded(answer.headers),
            media_type=answer.content_type.decode(),
        )

    return handler


def _decoded(headers: Headers) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in headers]
