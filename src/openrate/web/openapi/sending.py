"""What sending adds to ``/v1``, as OpenAPI paths and schemas."""

from __future__ import annotations

from typing import Any

from openrate.model import CampaignState, SendState
from openrate.ports.sends import SendTally
from openrate.web.openapi.campaigns import CAMPAIGN, KEY
from openrate.web.openapi.errors import errors, success
from openrate.web.openapi.shapes import CAMPAIGN_TOKEN, COUNTER, Schema, object_of, ref

_TALLY = dict.fromkeys(["recipients", *SendTally._fields], COUNTER)
_REASON = {"type": ["string", "null"], "description": "Why it waits, or was cancelled."}
_SEND = object_of(
    {
        "send_id": {"type": "string", "description": "The due time of the occurrence, as in push_time."},
        "state": {"type": "string", "enum": list(SendState)},
        "due_at": {"type": "string"},
        "finished_at": {"type": ["string", "null"]},
        **_TALLY,
        "reason": _REASON,
    },
    ["send_id", "state", "due_at", "finished_at", *_TALLY, "reason"],
)
_PROGRESS = object_of(
    {
        "campaign_token": CAMPAIGN_TOKEN,
        "state": {"type": "string", "enum": list(CampaignState)},
        **_TALLY,
        "reason": _REASON,
        "sends": {"type": "array", "items": ref("Send")},
    },
    ["campaign_token", "state", *_TALLY, "reason", "sends"],
)

SCHEMAS: dict[str, Schema] = {"Send": _SEND, "Progress": _PROGRESS}

_COUNTS = {"recipients": 100_000, "sent": 41_250, "errors": 120, "skipped": 3}
_EXAMPLE = {
    "campaign_token": "d9d5e5a52ca08110d4893af3254ec21b",
    "state": "running",
    **_COUNTS,
    "reason": None,
    "sends": [
        {
            "send_id": "2026-03-10T23:30:00",
            "state": "sending",
            "due_at": "2026-03-10T23:30:00.000Z",
            "finished_at": None,
            **_COUNTS,
            "reason": None,
        }
    ],
}

PATHS: dict[str, Any] = {
    "/v1/{key}/campaigns/{token}/progress": {
        "parameters": [KEY, CAMPAIGN],
        "get": {
            "operationId": "getProgress",
            "summary": "How far the sends of a campaign are, and why one waits",
            "tags": ["Sending"],
            "security": [{"restKey": []}],
            "responses": {
                "200": success("The counts so far.", ref("Progress"), _EXAMPLE),
                **errors(401, 403, 404, 429),
            },
        },
    },
}
