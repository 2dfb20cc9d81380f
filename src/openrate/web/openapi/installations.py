"""``/v1``, as OpenAPI paths."""

from __future__ import annotations

from typing import Any

from openrate.web.openapi.campaigns import KEY
from openrate.web.openapi.errors import body, errors, success
from openrate.web.openapi.shapes import INSTALLATION_ID, ref

_EITHER: list[dict[str, list[str]]] = [{"restKey": []}, {"installationToken": []}]
_TAGS = ["Installations and facts"]
_AT = "2026-03-10T23:30:00.000Z"
_TOKEN = "d9d5e5a52ca08110d4893af3254ec21b"  # noqa: S105 - an example

_SENT = {
    "type": "push_sent",
    "campaign_token": _TOKEN,
    "installation_id": "i-1",
    "at": _AT,
    "opted_in": True,
    "send_id": "2026-03-10",
    "platform": "ios",
    "language": "fr",
}
_ERROR = {
    "type": "push_error",
    "campaign_token": _TOKEN,
    "installation_id": "i-2",
    "at": _AT,
    "version": "b",
    "cause": "unregistered",
}
_OPEN = {"type": "push_open", "campaign_token": _TOKEN, "installation_id": "i-1", "at": _AT}
_APP_OPEN = {"type": "app_open", "installation_id": "i-1", "at": _AT}

_REPORT_BODY = {
    "required": True,
    "description": (
        "One fact, an array of facts, or facts line by line. A server may send 500,000 in 64 MiB, a device "
        "1,000 in 256 KiB, counted after decompression."
    ),
    "content": {
        "application/json": {
            "schema": {"anyOf": [ref("Event"), {"type": "array", "items": ref("Event")}]},
            "examples": {
                "push_sent": {"value": _SENT},
                "push_error": {"value": _ERROR},
                "several": {"value": [_OPEN, _APP_OPEN]},
            },
        },
        "application/x-ndjson": {"schema": {"type": "string"}},
    },
}

_INSTALLATION = {
    "name": "installation_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": INSTALLATION_ID},
}
_HEADERS = [
    {
        "name": "Content-Encoding",
        "in": "header",
        "required": False,
        "description": "gzip, zstd or identity.",
        "schema": {"type": "string", "enum": ["identity"]},
    },
    {
        "name": "X-Sent-At",
        "in": "header",
        "required": False,
        "description": "The device's clock when it sent the request, RFC 3339; corrects a wrong clock.",
        "schema": {"type": "string", "format": "date-time"},
    },
]

PATHS: dict[str, Any] = {
    "/v1/{key}/installations": {
        "parameters": [KEY],
        "post": {
            "operationId": "registerInstallation",
            "summary": "Register or refresh an installation",
            "tags": _TAGS,
            "security": [{}, *_EITHER],
            "requestBody": body(
                ref("Registration"),
                {"device": {"platform": "ios", "push_token": "5e1f…", "language": "fr", "opted_in": True}},
            ),
            "responses": {
                "201": success(
                    "Registered.",
                    ref("Registered"),
                    {"installation_id": "i-1", "installation_token": "eyJhbGciOi…"},
                ),
                "200": success(
                    "Refreshed.",
                    ref("Registered"),
                    {"installation_id": "i-1", "installation_token": "eyJhbGciOi…"},
                ),
                **errors(400, 401, 403, 413, 429),
            },
        },
    },
    "/v1/{key}/installations/{installation_id}": {
        "parameters": [KEY, _INSTALLATION],
        "delete": {
            "operationId": "retireInstallation",
            "summary": "Remove an installation; its token is void from then on",
            "tags": _TAGS,
            "security": _EITHER,
            "responses": {
                "200": success("Removed.", ref("Retired"), {"installation_id": "i-1"}),
                **errors(401, 403, 404, 429),
            },
        },
    },
    "/v1/{key}/events": {
        "parameters": [KEY],
        "post": {
            "operationId": "reportFacts",
            "summary": "Report facts",
            "tags": _TAGS,
            "security": _EITHER,
            "parameters": _HEADERS,
            "requestBody": _REPORT_BODY,
            "responses": {
                "200": success(
                    "Every accepted fact is durable. Also when none was accepted.",
                    ref("Report"),
                    {
                        "accepted": 998,
                        "rejected": 2,
                        "errors": [
                            {
                                "index": 17,
                                "code": "unknown_campaign",
                                "message": "campaign_token names no campaign of this app.",
                            }
                        ],
                    },
                ),
                **errors(400, 401, 403, 413, 429),
            },
        },
    },
}
