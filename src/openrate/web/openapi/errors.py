"""The error catalogue as OpenAPI responses, with an example of each."""

from __future__ import annotations

from typing import Any

from openrate.errors import AuthenticationInvalid
from openrate.web.openapi.shapes import Schema, object_of, ref

_ERROR = object_of(
    {
        "code": {"type": "integer", "enum": [0, 1, 2, 10, 12, 20, 30, 31, 32, 60]},
        "type": {"type": "string", "description": "The name that goes with the code."},
        "message": {
            "type": "string",
            "description": "A sentence for a person: what was wrong and what is accepted.",
        },
    },
    ["code", "type", "message"],
    additionalProperties=False,
)

SCHEMAS: dict[str, Schema] = {"Error": _ERROR}

_REQUEST_ID = {
    "X-Request-Id": {"description": "Names this request in the server's log.", "schema": {"type": "string"}}
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_ALLOW = {"Allow": {"description": "What the route takes.", "schema": {"type": "string"}}}

HEADERS = _REQUEST_ID
"""The headers every answer has."""


def _response(
    description: str, examples: dict[str, tuple[int, str, str]], headers: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {**_REQUEST_ID, **(headers or {})},
        "content": {
            "application/json": {
                "schema": ref("Error"),
                "examples": {
                    name: {"value": {"code": code, "type": kind, "message": message}}
                    for name, (code, kind, message) in examples.items()
                },
            }
        },
    }


RESPONSES: dict[str, Any] = {
    "BadRequest": _response(
        "A field is missing (30) or wrong (31), or the body cannot be read (32).",
        {
            "missing": (30, "MISSING_PARAMETER", "name is missing: send a string of at least 3 characters."),
            "malformed": (31, "MALFORMED_PARAMETER", "limit is 500: send a number from 1 to 100."),
            "unreadable": (32, "MALFORMED_JSON_BODY", "The body is not JSON: send one JSON object."),
        },
    ),
    "Unauthorized": _response(
        "No or wrong key or token, whatever the reason; or two kinds of authentication at once.",
        {
            "invalid": (
                10,
                "AUTHENTICATION_INVALID",
                str(AuthenticationInvalid()),
            )
        },
    ),
    "Forbidden": _response(
        "Right keys, wrong use.",
        {"misuse": (12, "API_MISUSE", "This call takes the Live key; this is the Dev key of the app.")},
    ),
    "NotFound": _response(
        "No such route, or no such thing in this app.",
        {"unknown": (20, "ROUTE_NOT_FOUND", "There is no campaign of that token in this app.")},
    ),
    "MethodNotAllowed": _response(
        "The route exists with another method.",
        {"method": (20, "ROUTE_NOT_FOUND", "This route takes GET, HEAD, OPTIONS only.")},
        _ALLOW,
    ),
    "TooLarge": _response(
        "The body, decompressed, is over the limit.",
        {"large": (31, "MALFORMED_PARAMETER", "The body, decompressed, is over 1048576 bytes.")},
    ),
    "TooMany": _response(
        "Over the rate limit.",
        {"rate": (60, "TOO_MANY_REQUESTS", "Too many requests: wait at least 5 seconds.")},
        _RETRY_AFTER,
    ),
    "ServerError": _response(
        "Our fault; 1 on create and update, 0 elsewhere. The message carries the request id.",
        {
            "fault": (
                0,
                "SERVER_ERROR",
                "The fault is in the server. Its log has more under 6d8eaaeb00000009.",
            )
        },
    ),
    "Maintenance": _response(
        "Shutting down, migrating, overloaded, or unable to store.",
        {"store": (2, "MAINTENANCE_ERROR", "The server cannot store anything right now.")},
        _RETRY_AFTER,
    ),
}

_STATUS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "TooLarge",
    429: "TooMany",
    500: "ServerError",
    503: "Maintenance",
}


def errors(*statuses: int) -> dict[str, Any]:
    """References to the responses of these statuses, and of the two that every route can give."""
    return {str(s): {"$ref": f"#/components/responses/{_STATUS[s]}"} for s in sorted({*statuses, 500, 503})}


def success(description: str, schema: dict[str, Any], example: Any, **headers: Any) -> dict[str, Any]:
    """A response with a JSON body."""
    return {
        "description": description,
        "headers": {**_REQUEST_ID, **headers},
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def body(schema: dict[str, Any], examples: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A required JSON request body."""
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": shown}}, **more}
