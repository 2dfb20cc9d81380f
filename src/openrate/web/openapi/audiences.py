"""Audiences on ``/v1``, as OpenAPI paths."""

from __future__ import annotations

from typing import Any

from openrate.web.openapi.campaigns import KEY
from openrate.web.openapi.errors import body, errors, success
from openrate.web.openapi.schemas import INSTALLATION_ID, ref

_TAGS = ["Audiences"]
_SECURITY: list[dict[str, list[str]]] = [{"restKey": []}]
_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The name of the list; `targeting.audiences` of a campaign says it.",
    "schema": {"type": "string", "pattern": INSTALLATION_ID},
}
_LIST = {"name": "vip", "installations": 2, "updated_at": "2026-03-10T23:30:00.000Z"}
_ESTIMATE = {
    "installations": 12_480,
    "opted_in": 9_971,
    "segments": {"IMPORTED": 310, "NEW": 1_204, "ONE_TIME": 2_050, "DORMANT": 3_916, "ENGAGED": 5_000},
    "unknown_audiences": [],
}
_TARGETING = {
    "segments": ["NEW", "ENGAGED"],
    "languages": ["fr"],
    "query": {"c.age": {"$gte": 18}, "$or": [{"t.likes": "tea"}, {"app_version": {"$lt": "2.10"}}]},
}
_IMPORT_BODY = {
    "required": True,
    "description": (
        "Registrations with an installation_id, one on each line, or CSV with their fields as its heading; at most "
        "500,000 in 64 MiB. In CSV an empty cell is an absent field; attributes, tags and a push subscription "
        "are JSON in their cells. Without platform a row has that of the app."
    ),
    "content": {
        "application/x-ndjson": {"schema": {"type": "string"}},
        "text/csv": {"schema": {"type": "string"}},
    },
}

PATHS: dict[str, Any] = {
    "/v1/{key}/audience/estimate": {
        "parameters": [KEY],
        "post": {
            "operationId": "estimateAudience",
            "summary": "How many a targeting selects now",
            "description": (
                "Installations with a push token. A REST key for reading is enough. Opens of the last minute may "
                "be missing."
            ),
            "tags": _TAGS,
            "security": _SECURITY,
            "requestBody": body(ref("Targeting"), {"targeting": _TARGETING, "everyone": {}}),
            "responses": {
                "200": success("What it selects.", ref("Estimate"), _ESTIMATE),
                **errors(400, 401, 403, 413, 429),
            },
        },
    },
    "/v1/{key}/audiences": {
        "parameters": [KEY],
        "get": {
            "operationId": "listAudiences",
            "summary": "The named lists of installations",
            "tags": _TAGS,
            "security": _SECURITY,
            "responses": {
                "200": success("By name.", ref("Audiences"), {"audiences": [_LIST]}),
                **errors(401, 403, 429),
            },
        },
    },
    "/v1/{key}/audiences/{name}": {
        "parameters": [KEY, _NAME],
        "post": {
            "operationId": "putAudience",
            "summary": "Make or replace a named list",
            "tags": _TAGS,
            "security": _SECURITY,
            "requestBody": {
                "required": True,
                "description": (
                    "Installation ids: an array, or line by line as JSON strings; at most 16 MiB. An id that is "
                    "not registered yet is selected when it is."
                ),
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "array",
                            "items": {"type": "string", "pattern": INSTALLATION_ID},
                        },
                        "examples": {"two": {"value": ["i-1", "i-2"]}, "nobody": {"value": []}},
                    },
                    "application/x-ndjson": {"schema": {"type": "string"}},
                },
            },
            "responses": {
                "200": success("The list is durable; ids are counted once.", ref("Audience"), _LIST),
                **errors(400, 401, 403, 413, 429),
            },
        },
        "delete": {
            "operationId": "deleteAudience",
            "summary": "Remove a named list",
            "tags": _TAGS,
            "security": _SECURITY,
            "responses": {
                "200": success("Removed.", ref("AudienceName"), {"name": "vip"}),
                **errors(401, 403, 404, 429),
            },
        },
    },
    "/v1/{key}/installations/import": {
        "parameters": [KEY],
        "post": {
            "operationId": "importInstallations",
            "summary": "Register many installations, with push tokens from elsewhere",
            "tags": _TAGS,
            "security": _SECURITY,
            "requestBody": _IMPORT_BODY,
            "responses": {
                "200": success(
                    "Every accepted row is durable. Also when none was accepted.",
                    ref("Report"),
                    {
                        "accepted": 998,
                        "rejected": 1,
                        "errors": [
                            {
                                "index": 17,
                                "code": "missing_field",
                                "message": "installation_id is missing: say 1 to 64 characters of A-Za-z0-9_.:-.",
                            }
                        ],
                    },
                ),
                **errors(400, 401, 403, 413, 429),
            },
        },
    },
}
