"""The shapes of facts, and of the answer to a report."""

from __future__ import annotations

from openrate.model import Cause
from openrate.web.openapi.shapes import CAMPAIGN_TOKEN, COUNTER, INSTALLATION_ID, Schema, object_of, ref

_AT = {
    "type": "string",
    "format": "date-time",
    "description": "RFC 3339 with an offset; absent: the moment of receipt, for callers that never retry.",
}
_SEND_ID = {"type": "string", "pattern": INSTALLATION_ID, "description": "Absent: the UTC date of `at`."}
_OF_INSTALLATION = {"installation_id": {"type": "string", "pattern": INSTALLATION_ID}, "at": _AT}
_OF_DELIVERY = {
    "campaign_token": CAMPAIGN_TOKEN,
    **_OF_INSTALLATION,
    "send_id": _SEND_ID,
    "version": {"type": "string", "enum": ["a", "b"], "description": "On an A/B campaign, and only there."},
    "platform": {"type": "string"},
    "language": {"type": "string"},
}


def _event(kind: str, properties: Schema, required: list[str], description: str) -> Schema:
    return object_of(
        {"type": {"type": "string", "const": kind}, **properties},
        ["type", *required],
        description=description,
    )


_EVENTS = {
    "PushSent": _event(
        "push_sent",
        {**_OF_DELIVERY, "opted_in": {"type": "boolean", "default": True}},
        ["campaign_token", "installation_id"],
        "The push service accepted it. Servers only.",
    ),
    "PushError": _event(
        "push_error",
        {**_OF_DELIVERY, "cause": {"type": "string", "enum": list(Cause)}},
        ["campaign_token", "installation_id", "cause"],
        "It could not be sent. Servers only.",
    ),
    "PushOpen": _event(
        "push_open",
        {"campaign_token": CAMPAIGN_TOKEN, **_OF_INSTALLATION, "send_id": _SEND_ID},
        ["campaign_token"],
        "Somebody tapped the notification. A device may leave installation_id out.",
    ),
    "AppOpen": _event(
        "app_open",
        _OF_INSTALLATION,
        [],
        "The app or site came to the foreground. A device may leave installation_id out.",
    ),
}
_REFUSALS = [
    "malformed",
    "unknown_type",
    "missing_field",
    "unknown_campaign",
    "missing_version",
    "unknown_version",
    "not_allowed",
    "too_old",
    "in_future",
]
_REPORT = object_of(
    {
        "accepted": COUNTER,
        "rejected": COUNTER,
        "errors": {
            "type": "array",
            "maxItems": 100,
            "items": object_of(
                {
                    "index": {"type": "integer", "minimum": 0},
                    "code": {"type": "string", "enum": _REFUSALS},
                    "message": {"type": "string"},
                },
                ["index", "code", "message"],
            ),
        },
    },
    ["accepted", "rejected", "errors"],
    additionalProperties=False,
)

SCHEMAS: dict[str, Schema] = {
    **_EVENTS,
    "Event": {"anyOf": [ref(name) for name in _EVENTS]},
    "Report": _REPORT,
}
