"""What sending adds to ``/v1``, as OpenAPI paths."""

from __future__ import annotations

from typing import Any

from openrate.web.openapi.campaigns import CAMPAIGN, KEY
from openrate.web.openapi.errors import errors, success
from openrate.web.openapi.schemas import ref

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
