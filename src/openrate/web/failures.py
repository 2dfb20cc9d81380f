"""Every exception becomes an answer of the error catalogue (``http-api.md``, "Errors")."""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus

import msgspec
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from openrate.errors import (
    ApiError,
    Maintenance,
    MalformedParameter,
    MethodNotAllowed,
    OpenrateError,
    RouteNotFound,
    ServerError,
    StoreError,
)
from openrate.web.call import Answer, Call

logger = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode

_CREATE_OR_UPDATE = frozenset({"/1.1/{key}/campaigns/create", "/1.1/{key}/campaigns/update/{token}"})


def failure(error: BaseException, call: Call) -> Answer:
    """The answer that tells the caller about ``error``."""
    api_error = as_api_error(error, call)
    call.refused = api_error.type
    body = _encode({"code": api_error.code, "type": api_error.type, "message": str(api_error)})
    headers = [(k.lower().encode(), v.encode()) for k, v in api_error.headers.items()]
    return Answer(api_error.status, body, headers)


def as_api_error(error: BaseException, call: Call) -> ApiError:
    """What the catalogue has for an exception; what is not for the caller goes to the log."""
    match error:
        case ApiError():
            return error
        case StoreError():
            return _cannot_store(error, call)
        case NotFoundException():
            return RouteNotFound("There is no such route; GET /docs lists them all.")
        case MethodNotAllowedException():
            return _method_not_allowed(error)
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return MalformedParameter(f"The request cannot be read: {error.detail}.")
        case _:
            return _our_fault(error, call)


def _method_not_allowed(error: MethodNotAllowedException) -> MethodNotAllowed:
    allowed = {part.strip() for part in (error.headers or {}).get("allow", "").split(",") if part.strip()}
    if "GET" in allowed:
        allowed.add("HEAD")
    listed = ", ".join(sorted(allowed))
    return MethodNotAllowed(f"This route takes {listed} only.", headers={"Allow": listed})


def _cannot_store(error: OpenrateError, call: Call) -> ApiError:
    """The log gets the sentence, which may name a path of this machine; the caller gets the consequence."""
    logger.error("%s: cannot store: %s", call.id, error)
    return Maintenance(
        "The server cannot store anything right now; nothing of this request was kept. Send it again later."
    )


def _our_fault(error: BaseException, call: Call) -> ServerError:
    """The log gets where it happened, without the message of the exception: that may hold a caller's data."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s on %s\n%s", call.id, type(error).__name__, call.route, where)
    answer = ServerError(f"The fault is in the server, not in the request. Its log has more under {call.id}.")
    answer.code = 1 if call.route in _CREATE_OR_UPDATE else 0
    return answer
