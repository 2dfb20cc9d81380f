"""``/1.1``, as OpenAPI paths."""

from __future__ import annotations

from typing import Any

from openrate.examples import AB, PLAIN
from openrate.web.openapi.errors import body, errors, success
from openrate.web.openapi.shapes import ref

_TOKEN = "d9d5e5a52ca08110d4893af3254ec21b"  # noqa: S105 - an example
_AB_TOKEN = "aae13559e0493c0b350c547533f5b28f"  # noqa: S105 - an example
_SECURITY: list[dict[str, list[str]]] = [{"restKey": []}]

KEY = {
    "name": "key",
    "in": "path",
    "required": True,
    "description": "An API key of the app: Live (30 hex, upper case), SDK (32), or Dev (DEV and 27).",
    "schema": {"type": "string", "pattern": "^(DEV[0-9A-F]{27}|[0-9A-F]{30}|[0-9A-F]{32})$"},
}
CAMPAIGN = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "The campaign token.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}
_RULE = {
    "X-Attribution-Rule": {
        "description": "The windows that made these numbers, in seconds.",
        "schema": {
            "type": "string",
            "example": "influence=10800; reengage=259200; inactive=2592000",
        },
    }
}
_CREATE = {
    "name": "Spring sale",
    "live": True,
    "push_time": "2026-03-10T23:30:00",
    "messages": [{"language": "en", "title": "Spring sale", "body": "Two days only"}],
}
_CREATE_AB = {
    "name": "Which title",
    "live": False,
    "push_time": "now",
    "messages": {
        "a": [{"title": "Hello", "body": "Two days only"}],
        "b": [{"title": "", "body": "Last days"}],
    },
}
_CREATED = {
    "campaign_token": _TOKEN,
    "from_api": True,
    "dev_only": False,
    "created_date": "2026-03-09T10:00:00",
}
_PLAIN = {"campaign_token": _TOKEN, "detail": [PLAIN]}
_VERSIONED = {"campaign_token": _AB_TOKEN, "detail": [AB]}


def _operation(identity: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "operationId": identity,
        "summary": summary,
        "tags": ["Campaigns"],
        "security": _SECURITY,
        "responses": responses,
        **more,
    }


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


_TOKEN_ANSWER = success("Done.", ref("CampaignToken"), {"campaign_token": _TOKEN})
_STATISTICS = success("The rows, days ascending.", ref("Statistics"), _PLAIN, **_RULE)
_STATISTICS["content"]["application/json"] = {
    "schema": ref("Statistics"),
    "examples": {"plain": {"value": _PLAIN}, "versions": {"value": _VERSIONED}},
}

PATHS: dict[str, Any] = {
    "/1.1/{key}/campaigns/create": {
        "parameters": [KEY],
        "post": _operation(
            "createCampaign",
            "Create a campaign",
            {"201": _TOKEN_ANSWER, **errors(400, 401, 403, 413, 429)},
            requestBody=body(ref("CampaignCreate"), {"plain": _CREATE, "versions": _CREATE_AB}),
        ),
    },
    "/1.1/{key}/campaigns/update/{token}": {
        "parameters": [KEY, CAMPAIGN],
        "post": _operation(
            "updateCampaign",
            "Change a campaign",
            {"200": _TOKEN_ANSWER, **errors(400, 401, 403, 404, 413, 429)},
            requestBody=body(ref("CampaignUpdate"), {"stop": {"live": False}}),
        ),
    },
    "/1.1/{key}/campaigns/delete/{token}": {
        "parameters": [KEY, CAMPAIGN],
        "post": _operation(
            "deleteCampaign",
            "Delete a campaign",
            {"200": _TOKEN_ANSWER, **errors(400, 401, 403, 404, 413, 429)},
        ),
    },
    "/1.1/{key}/campaigns/list": {
        "parameters": [KEY],
        "get": _operation(
            "listCampaigns",
            "List campaigns, newest first",
            {
                "200": success(
                    "A page; past the end it is empty.",
                    {"type": "array", "items": ref("CampaignItem")},
                    [{**_CREATED, "name": "Spring sale", "live": True, "push_time": "2026-03-10T23:30:00"}],
                ),
                **errors(400, 401, 403, 429),
            },
            parameters=[
                _query("from", "How many to skip.", {"type": "integer", "minimum": 0, "default": 0}),
                _query(
                    "limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
                ),
                _query("live", "Only those with this `live`.", {"type": "boolean"}),
                _query("from_api", "Only those made through this API, or not.", {"type": "boolean"}),
            ],
        ),
    },
    "/1.1/{key}/campaigns/{token}": {
        "parameters": [KEY, CAMPAIGN],
        "get": _operation(
            "getCampaign",
            "Read a campaign",
            {
                "200": success("As it was created.", ref("Campaign"), {**_CREATED, **_CREATE}),
                **errors(401, 403, 404, 429),
            },
        ),
    },
    "/1.1/{key}/campaigns/stats/{token}": {
        "parameters": [KEY, CAMPAIGN],
        "get": _operation(
            "campaignStatistics",
            "The statistics of a campaign, per UTC day and version",
            {"200": _STATISTICS, **errors(401, 403, 404, 429)},
        ),
    },
}
